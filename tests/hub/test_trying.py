"""`tambour sources read` and `sources samples`: a connector tried on a file, nothing kept."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from hub import settings, trying
from hub.cli.samples import group
from hub.trying import READ, SOME_REFUSED, UNREADABLE, authority_of
from tests.fakes.feeds import Feeds

FIXTURES = Path(__file__).parent.parent / "connectors" / "fixtures"
ALERT = """<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2"><identifier>{id}</identifier>
<sender>s</sender><sent>2026-03-12T{hour}:00:00+00:00</sent><status>Actual</status>
<msgType>{type}</msgType><scope>Public</scope><references>{references}</references>
<info><language>fr</language><category>Met</category><event>Vent</event><urgency>Expected</urgency>
<severity>Moderate</severity><certainty>Likely</certainty><headline>{headline}</headline>
<expires>2026-03-13T12:00:00+00:00</expires>
<area><areaDesc>{area}</areaDesc></area></info></alert>"""


@pytest.fixture(autouse=True)
def nothing_set_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder that is not there: nothing may make it."""
    data = tmp_path / "data"
    monkeypatch.setenv("TAMBOUR_DATA", str(data))
    settings.get.cache_clear()
    yield data
    settings.get.cache_clear()
    assert not data.exists()


def alert(folder: Path, name: str, **more: str) -> str:
    given = {"id": name, "type": "Alert", "references": "", "headline": "Vent", "area": "Isère"}
    path = folder / f"{name}.xml"
    path.write_text(ALERT.format(**{"hour": "08"} | given | more))
    return str(path)


def run(*arguments: str) -> tuple[int, dict]:
    result = CliRunner().invoke(group, ["read", *arguments, "--json"])
    return result.exit_code, json.loads(result.stdout.splitlines()[-1])


def test_a_file_is_read_without_any_instance(tmp_path: Path) -> None:
    code, told = run("cap", alert(tmp_path, "a"), "--at", "2026-03-12T12:00:00Z")
    assert (code, told["exit"], told["count"], told["authority"]) == (READ, 0, 1, None)
    one = told["items"][0]
    assert (one["id"], one["version"]) == ("a", "20260312080000")
    assert one["texts"]["fr"]["headline"] == "Vent"
    assert one["ends_local"] == "2026-03-13T13:00+01:00"
    assert one["would"]["do"] == "draft"
    assert one["would"]["content"]["category"] == "met"


def test_the_moment_decides(tmp_path: Path) -> None:
    _, told = run("cap", alert(tmp_path, "a"), "--at", "2026-03-13T12:00:00Z")
    assert told["items"][0]["would"]["do"] == "ignore"
    assert told["items"][0]["would"]["reason"] == "C'est terminé."


def test_an_authority_of_config_lends_its_territory_zone_and_rules(tmp_path: Path) -> None:
    at = ("--at", "2026-03-12T12:00", "--authority", "villard-bonnot")
    _, here = run("cap", alert(tmp_path, "a"), *at)
    assert here["at"] == "2026-03-12T11:00:00Z"
    assert here["items"][0]["where"] == {"touches": True, "by": "names", "away_km": None}
    assert here["items"][0]["would"]["content"]["area"]["type"] == "Polygon"
    _, there = run("cap", alert(tmp_path, "a", area="Savoie"), *at)
    assert there["would"] == {"ignore": 1}


def test_what_was_read_before_decides_what_a_cancel_does(tmp_path: Path) -> None:
    first = alert(tmp_path, "a")
    last = alert(tmp_path, "c", type="Cancel", hour="10", references="s,a,x")
    at = ("--at", "2026-03-12T12:00:00Z")
    told = run("cap", last, *at, "--after", first)[1]
    assert (told["would"], told["items"][0]["cancels"]) == ({"end": 1}, ["a"])
    assert run("cap", first, *at, "--after", last)[1]["would"] == {"skip": 1}


def test_refused_entries_leave_with_1_and_are_named(tmp_path: Path) -> None:
    path = tmp_path / "a.ics"
    path.write_text(
        "BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:x\nDTSTART:demain\nEND:VEVENT\nEND:VCALENDAR\n"
    )
    code, told = run("ical", str(path))
    assert (code, told["exit"], told["count"]) == (SOME_REFUSED, 1, 0)
    assert told["errors"][0]["where"] == "x"


@pytest.mark.parametrize(
    ("kind", "content", "where"),
    [("ical", "BEGIN:VCALENDAR\n", ""), ("cap", "<html></html>", ""), ("rss", "", ""),
     ("carrier-pigeon", "x", "kind")],
)  # fmt: skip
def test_what_cannot_be_read_leaves_with_2_and_the_reason(
    tmp_path: Path, kind: str, content: str, where: str
) -> None:
    path = tmp_path / "it"
    path.write_text(content)
    code, told = run(kind, str(path))
    assert (code, told["exit"], told["items"]) == (UNREADABLE, 2, [])
    assert told["error"]["reason"]
    assert where in told["error"]["where"]


def test_a_file_that_is_not_there_an_option_nobody_knows_and_a_bad_moment(tmp_path: Path) -> None:
    gone = run("ical", str(tmp_path / "gone.ics"))
    assert gone[0] == UNREADABLE
    assert gone[1]["error"]["where"].endswith("gone.ics")
    it = alert(tmp_path, "a")
    assert run("cap", it, "-o", "colour=red")[1]["error"]["where"] == "options"
    assert run("cap", it, "--at", "soon")[0] == UNREADABLE
    assert run("cap", it, "--authority", "atlantis")[1]["errors"][0]["field"] == "--authority"
    assert run("cap", it, "--intake", "shout")[0] == UNREADABLE


def test_options_reach_the_connector(tmp_path: Path) -> None:
    source = FIXTURES / "ical" / "floating_hours.ics"
    told = run(
        "ical", str(source), "--at", "2026-03-01T12:00:00Z", "-o", "timezone=America/Cayenne"
    )
    assert told[1]["items"][0]["starts"] == "2026-03-12T22:00:00Z"


def test_an_address_passes_the_policy_like_any_source(monkeypatch: pytest.MonkeyPatch) -> None:
    with Feeds() as site:
        site.put("/a.ics", b"BEGIN:VCALENDAR\nEND:VCALENDAR\n")
        refused = trying.read("ical", site.url("/a.ics"))
        assert refused.code == UNREADABLE
        assert site.asked == []
        monkeypatch.setenv("TAMBOUR_ALLOW_PRIVATE", site.pair)
        settings.get.cache_clear()
        assert trying.read("ical", site.url("/a.ics")).code == READ


def test_a_flood_is_said(tmp_path: Path) -> None:
    events = "".join(
        f"BEGIN:VEVENT\nUID:{n}\nDTSTART:20260313T{n % 24:02}0000Z\nSUMMARY:Bal {n}\nEND:VEVENT\n"
        for n in range(500)
    )
    path = tmp_path / "big.ics"
    path.write_text(f"BEGIN:VCALENDAR\n{events}END:VCALENDAR\n")
    told = run("ical", str(path), "--at", "2026-03-12T12:00:00Z", "--intake", "publish")[1]
    assert told["count"] == 500
    assert "publish" not in told["would"]
    assert any("500" in note for note in told["notes"])


def test_an_authority_is_found_in_config_or_not_at_all() -> None:
    assert authority_of("villard-bonnot").insee == "38547"
    with pytest.raises(LookupError, match="atlantis"):
        authority_of("atlantis")


def test_a_folder_of_samples_is_read_as_the_kinds_it_seems_to_be(tmp_path: Path) -> None:
    for kind, name in (("ical", "three_events.ics"), ("cap", "three_alerts.atom")):
        (tmp_path / name).write_bytes((FIXTURES / kind / name).read_bytes())
    (tmp_path / "feeds").mkdir()
    (tmp_path / "feeds" / "n.xml").write_bytes((FIXTURES / "rss" / "three_items.xml").read_bytes())
    (tmp_path / "noise.bin").write_bytes(bytes(range(256)))
    result = CliRunner().invoke(group, ["samples", str(tmp_path), "--json"])
    rows = {Path(r["file"]).name: r for r in json.loads(result.stdout)["files"]}
    assert [(rows[n]["kind"], rows[n]["exit"]) for n in sorted(rows)] == [
        ("rss", 0), ("", 2), ("cap", 0), ("ical", 0)
    ]  # fmt: skip
    assert rows["three_alerts.atom"]["count"] == 3


def test_the_answer_holds_the_moment_it_was_asked_for() -> None:
    at = datetime(2026, 3, 12, tzinfo=UTC)
    told = trying.read("rss", str(FIXTURES / "rss" / "three_items.xml"), at=at).as_json()
    assert (told["at"], told["kind"]) == ("2026-03-12T00:00:00Z", "rss")


@pytest.mark.parametrize(
    ("words", "field"),
    [
        (("--at", "tomorrow"), "--at"),
        (("--authority", "atlantis"), "--authority"),
    ],
)
def test_a_moment_or_an_authority_that_is_none_is_named(
    tmp_path: Path, words: tuple[str, ...], field: str
) -> None:
    for command in (["read", "cap", alert(tmp_path, "a")], ["samples", str(tmp_path)]):
        result = CliRunner().invoke(group, [*command, *words, "--json"])
        assert result.exit_code == 2
        assert json.loads(result.stdout)["errors"][0]["field"] == field


def test_a_moment_without_an_offset_is_of_the_zone_for_a_folder_too(tmp_path: Path) -> None:
    alert(tmp_path, "a")
    result = CliRunner().invoke(
        group, ["samples", str(tmp_path), "--at", "2026-03-12T12:00", "--json"]
    )
    (row,) = json.loads(result.stdout)["files"]
    assert (row["exit"], row["at"]) == (0, "2026-03-12T11:00:00Z")


def test_a_folder_that_is_not_there_is_said(tmp_path: Path) -> None:
    assert CliRunner().invoke(group, ["samples", str(tmp_path / "none")]).exit_code == 2
