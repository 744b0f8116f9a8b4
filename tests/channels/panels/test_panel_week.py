"""A panel alone for a week: nothing stale on its face, no proof missing, each second accounted."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest

from channels.panels import jws, plan, reports
from channels.panels.textface import lines_hash
from channels.panels.twin import Twin
from tests.channels.panels.conftest import KEY, DrivenClock, live

MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
NOBODY = "mqtt://127.0.0.1:9"
FALLBACK = plan.FALLBACK | {"comm_loss_min": 20000}


def page(*lines: str, hold_s: int = 60) -> dict[str, Any]:
    return {"lines": list(lines), "hold_ms": hold_s * 1000, "hash": lines_hash(lines)}


def item(name: str, *pages: dict[str, Any], **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "item": name, "pub": f"pub-{name}", "rev": 1, "kind": "info", "priority": 100,
        "activation": "queue", "pages": list(pages) or [page(name.upper())],
    }  # fmt: skip
    return values | more


def stamp(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def a_body(rev: int, *items: dict[str, Any], **more: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        "v": 1, "id": f"mairie-{rev}", "ts": stamp(MONDAY), "authority": "villard-bonnot",
        "panel": "mairie", "plan_rev": rev, "not_after": stamp(MONDAY + timedelta(days=30)),
        "tz": "Europe/Paris", "items": list(items), "fallback": FALLBACK, "night": [],
    }  # fmt: skip
    return values | more


def tell(twin: Twin, body: dict[str, Any], key: bytes = KEY) -> None:
    payload = json.dumps(body, ensure_ascii=False).encode()
    twin.inbox.plan(payload, jws.sign(payload, key, "vb-1"))


def alone(folder: Path, hour: DrivenClock, model: str = "text-8x16") -> Twin:
    return Twin(NOBODY, "villard-bonnot", "mairie", model, folder, panel_clock=hour)


def batches(twin: Twin) -> list[dict[str, Any]]:
    proofs = twin.display.proofs
    found = [proofs.body(number) for number in proofs.kept]
    assert None not in found
    return [body for body in found if body]


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.fixture
def hour(monkeypatch: pytest.MonkeyPatch) -> DrivenClock:
    """The disk of a test may lie about what it wrote: 672 batches at 10 ms each."""
    monkeypatch.setattr("os.fsync", lambda _number: None)
    return DrivenClock(MONDAY)


def test_after_seven_days_alone_no_proof_is_missing(hour: DrivenClock, tmp_path: Path) -> None:
    twin = alone(tmp_path, hour)
    two = item("works", page("RUE BARRÉE"), page("DÉVIATION"), priority=130)
    tell(twin, a_body(1, two, item("market")))
    end = MONDAY + timedelta(days=7)
    live(twin, hour, end)
    found = batches(twin)
    assert [body["batch"] for body in found] == list(range(1, len(found) + 1))
    assert 7 * 24 * 4 - 8 <= len(found) <= 7 * 24 * 4
    assert found[0]["from"] == stamp(MONDAY)
    assert all(before["to"] == after["from"] for before, after in pairwise(found))
    assert end - at(found[-1]["to"]) < timedelta(minutes=17)
    entries = [entry for body in found for entry in body["entries"]]
    proved = sum(entry["seconds"] for entry in entries)
    assert proved == pytest.approx((at(found[-1]["to"]) - MONDAY).total_seconds(), abs=1)
    by_page = {e["hash"]: 0 for e in entries}
    for entry in entries:
        by_page[entry["hash"]] += entry["plays"]
        assert entry["plays"] >= 1
        assert entry["seconds"] <= (at(entry["to"]) - at(entry["from"])).total_seconds() + 1
    # Three pages of a minute in turn: each a third of the minutes.
    assert all(abs(plays - proved / 180) <= 1 for plays in by_page.values()), by_page


def test_every_batch_fits_its_schema_and_an_upward_message(
    hour: DrivenClock, tmp_path: Path
) -> None:
    twin = alone(tmp_path, hour)
    many = [item(f"n{n:03d}", *[page(f"{n} {p}", hold_s=1) for p in range(3)]) for n in range(30)]
    twin.face = replace(twin.face, max_bytes=65_536)
    tell(twin, a_body(1, *many))
    live(twin, hour, MONDAY + timedelta(hours=1))
    schema = json.loads((reports.SCHEMAS / "proof.json").read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    for body in batches(twin):
        said = {**body, **twin.mouth.head(5), "session": 1}
        assert next(validator.iter_errors(said), None) is None
        assert len(json.dumps(said)) < 65_536
    assert batches(twin)


def test_a_power_cut_leaves_a_hole_in_time_and_none_in_numbers(
    hour: DrivenClock, tmp_path: Path
) -> None:
    twin = alone(tmp_path, hour)
    tell(twin, a_body(1, item("market", page("MARCHÉ", hold_s=6))))
    live(twin, hour, MONDAY + timedelta(minutes=40, seconds=30))
    before = len(batches(twin))
    hour.go(3600)  # dark
    again = alone(tmp_path, hour)
    live(again, hour, hour.at + timedelta(minutes=20))
    found = batches(again)
    assert [body["batch"] for body in found] == list(range(1, len(found) + 1))
    cut, after = found[before], found[before + 1]
    # What was written down last, at most a minute before the cut: never more than was shown.
    assert timedelta(minutes=39) <= at(cut["to"]) - MONDAY <= timedelta(minutes=40, seconds=30)
    assert at(after["from"]) == MONDAY + timedelta(hours=1, minutes=40, seconds=30)


def test_the_own_log_of_a_panel_offline_over_an_expiry_shows_nothing_stale(
    hour: DrivenClock, tmp_path: Path
) -> None:
    twin = alone(tmp_path, hour)
    end = MONDAY + timedelta(hours=1, minutes=59, seconds=55)  # in the middle of its page
    cut = item("cut", page("COUPURE", hold_s=8), end=stamp(end), start=stamp(MONDAY))
    tell(twin, a_body(1, cut, item("market", page("MARCHÉ", hold_s=9))))
    live(twin, hour, MONDAY + timedelta(days=1))
    log = twin.display.journal.lines()
    stale = timedelta()
    for line, after in pairwise([*log, {"at": stamp(hour.at)}]):
        if line.get("item") == "cut":
            stale += max(timedelta(), at(after["at"]) - max(end, at(line["at"])))
    assert stale == timedelta()
    last = max(at(after["at"]) for line, after in pairwise(log) if line.get("item") == "cut")
    assert timedelta() <= end - last <= timedelta(milliseconds=100)
    assert {line.get("item") for line in log} == {"cut", "market"}
    assert twin.state()["items"][0]["item"] != "cut"


def test_at_night_and_outside_windows_nothing_is_proved(hour: DrivenClock, tmp_path: Path) -> None:
    twin = alone(tmp_path, hour)
    shop = {"days": "2", "from": "10:00", "to": "12:00"}
    night = [{"off": "01:00", "on": "06:00", "except": ["alert"]}]
    tell(twin, a_body(1, item("shop", windows=[shop]), item("town"), night=night))
    live(twin, hour, MONDAY + timedelta(days=2))
    twin.display.close_batch()
    seconds = {"shop": 0.0, "town": 0.0}
    for body in batches(twin):
        for entry in body["entries"]:
            seconds[entry["item"]] += entry["seconds"]
            local = at(entry["from"]) + timedelta(hours=1)  # Paris in winter
            assert not 1 <= local.hour < 6
            assert entry["item"] != "shop" or (local.hour in (10, 11) and local.day == 3)
    # The two take turns on Tuesday's two hours.
    assert seconds["shop"] == pytest.approx(3600, abs=120)
    assert seconds["town"] == pytest.approx(2 * 19 * 3600 - 3600, abs=120)


def test_a_face_without_light_proves_darkness(hour: DrivenClock, tmp_path: Path) -> None:
    twin = alone(tmp_path, hour)
    tell(twin, a_body(1, item("market")))
    live(twin, hour, MONDAY + timedelta(minutes=10))
    twin.display.broken = True
    live(twin, hour, MONDAY + timedelta(minutes=30))
    twin.display.close_batch()
    entries = [entry for body in batches(twin) for entry in body["entries"]]
    assert sum(e["seconds"] for e in entries) == pytest.approx(600, abs=1)
    assert sum(e["dark_s"] for e in entries) == pytest.approx(1200, abs=1)
    assert twin.state()["face_dark"] is True
    assert not any("#" in row for row in twin.state()["dots"])


def test_a_month_and_more_keeps_what_there_is_room_for_and_says_what_is_lost(
    hour: DrivenClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("channels.panels.twin.proofs.MAX_KEPT", 10)
    twin = alone(tmp_path, hour)
    tell(twin, a_body(1, item("market")))
    live(twin, hour, MONDAY + timedelta(hours=4))
    found = batches(twin)
    assert len(found) == 10
    assert found[-1]["dropped"] > 0
    assert twin.display.proofs.dropped == found[0]["batch"] - 1
