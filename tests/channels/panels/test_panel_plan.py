"""The plan of a panel: its bytes, its order, its room, and the seal on it."""

import ast
import base64
import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from channels.panels import Panel, PanelOptions, jws, model, plan, reports, topics
from channels.panels.textface import lines_hash
from channels.panels.twin import checks, face
from channels.panels.twin.seal import Key
from hub.contracts import Notice, Refusal, Rendering, Text
from hub.vocabulary import Intent, Lane, Severity, Status, Urgency
from tests.channels.panels.conftest import KEY, OTHER_KEY, view
from tests.fakes.notices import SENT, water_cut

FACE = model.load("text-8x16")


def make(*notices: Notice, say_no: int = 7, **how: Any) -> plan.Made:
    return plan.make(view(say_no), notices, how.pop("face", FACE), SENT, **how)


def body(made: plan.Made) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(made.payload)
    return read


def many(count: int, **changes: Any) -> list[Notice]:
    return [water_cut(publication=f"01JMANY{n:019d}", **changes) for n in range(count)]


def test_a_plan_says_who_when_and_the_whole_of_what_is_shown() -> None:
    read = body(make(water_cut()))
    assert read["v"] == 1
    assert (read["authority"], read["panel"]) == ("villard-bonnot", "mairie")
    assert read["plan_rev"] == 7
    assert read["ts"] == "2026-03-02T08:31:00Z"
    assert read["not_after"] == "2026-03-03T10:00:00Z"
    (item,) = read["items"]
    assert item["pub"] == "01JWATER0000000000000000AA"
    assert item["rev"] == 1
    assert item["start"] == "2026-03-02T08:31:00Z"
    assert item["end"] == "2026-03-03T10:00:00Z"
    assert item["activation"] == "queue"
    assert item["pages"][0]["lines"][0] == "COUPURE D'EAU"


def test_a_plan_fits_the_schema_and_passes_the_twins_own_checks() -> None:
    made = make(water_cut(), water_cut(publication="01JOTHER", status=Status.EXERCISE))
    assert reports.read("plan", made.payload)["plan_rev"] == 7
    seal = jws.sign(made.payload, KEY, "vb-1")
    admitted, key = checks.admit(
        made.payload, seal, face=face.load("text-8x16"), authority="villard-bonnot",
        panel="mairie", trusted=(), stored_rev=6, now=SENT,
    )  # fmt: skip
    assert key == Key("vb-1", jws.public_of(KEY))
    assert len(admitted.items) == 2


def test_the_same_input_gives_the_same_bytes_in_any_order() -> None:
    notices = many(3, expires=SENT + timedelta(days=2))
    assert make(*notices).payload == make(*reversed(notices)).payload


def test_a_page_hash_is_of_its_lines_joined_by_line_feeds() -> None:
    # printf 'A\nB' | openssl dgst -sha256 -binary | base64
    assert lines_hash(["A", "B"]) == "I1GaQ8ZrTDQvJbMuCXl-xfP8C-OIzYJD-zRJr73OQBM"
    page = body(make(water_cut()))["items"][0]["pages"][0]
    assert page["hash"] == lines_hash(page["lines"])


def test_an_item_keeps_its_name_over_revisions_and_changes_it_with_the_publication() -> None:
    first = body(make(water_cut(revision=1)))["items"][0]
    second = body(make(water_cut(revision=2)))["items"][0]
    assert first["item"] == second["item"]
    assert (first["rev"], second["rev"]) == (1, 2)
    assert plan.item_id("01JOTHER") != first["item"]


def test_what_is_over_or_withdrawn_is_not_in_the_plan() -> None:
    over = water_cut(expires=SENT)
    assert body(make(over))["items"] == []
    withdrawn = water_cut(intent=Intent.WITHDRAW)
    made = make(withdrawn)
    assert body(made)["items"] == []
    assert made.refused == {}


def test_an_urgent_notice_preempts_and_leads() -> None:
    urgent = water_cut(
        publication="01JZ", lane=Lane.URGENT, severity=Severity.EXTREME, urgency=Urgency.IMMEDIATE
    )
    items = body(make(water_cut(), urgent))["items"]
    assert [(i["pub"], i["activation"], i["kind"]) for i in items] == [
        ("01JZ", "preempt", "alert"),
        ("01JWATER0000000000000000AA", "queue", "closure"),
    ]


@pytest.mark.parametrize(
    ("changes", "low", "high"),
    [
        ({"severity": Severity.MINOR, "urgency": Urgency.FUTURE, "cap_category": "Other"}, 10, 59),
        ({"severity": Severity.MINOR, "urgency": Urgency.EXPECTED, "cap_category": "Other"},
         60, 109),
        ({"severity": Severity.MINOR, "urgency": Urgency.EXPECTED}, 110, 159),
        ({"severity": Severity.MODERATE, "urgency": Urgency.EXPECTED}, 110, 159),
        ({"severity": Severity.MODERATE, "urgency": Urgency.EXPECTED, "cap_category": "Met"},
         160, 199),
        ({"severity": Severity.MODERATE, "urgency": Urgency.IMMEDIATE}, 160, 199),
        ({"severity": Severity.SEVERE, "urgency": Urgency.FUTURE}, 160, 199),
        ({"severity": Severity.SEVERE, "urgency": Urgency.EXPECTED, "lane": Lane.URGENT}, 200, 239),
        ({"severity": Severity.EXTREME, "urgency": Urgency.IMMEDIATE, "lane": Lane.URGENT},
         200, 239),
    ],
)  # fmt: skip
def test_priorities_lie_in_the_bands_of_the_contract(
    changes: dict[str, Any], low: int, high: int
) -> None:
    assert low <= plan.priority(water_cut(**changes)) <= high


def test_graver_is_never_less_pressing() -> None:
    order = [Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME]
    ranks = [plan.priority(water_cut(severity=s)) for s in order]
    assert ranks == sorted(ranks)
    assert len(set(ranks)) == 4


def test_a_notice_that_does_not_fit_is_refused_and_the_others_are_said() -> None:
    wide = water_cut(publication="01JWIDE", texts={"fr": Text("Anticonstitutionnellement")})
    made = make(wide, water_cut())
    assert list(made.pages) == ["01JWATER0000000000000000AA"]
    assert made.refused["01JWIDE"].field == "headline"


def test_a_full_panel_refuses_the_least_pressing() -> None:
    few = FACE.model_copy(update={"max_items": 2})
    pressing = water_cut(publication="01JPRESS", severity=Severity.SEVERE)
    made = make(*many(2), pressing, face=few)
    assert next(iter(made.pages)) == "01JPRESS"
    assert len(made.pages) == 2
    assert [r.field for r in made.refused.values()] == ["panel"]


def test_a_plan_never_exceeds_what_the_panel_can_receive() -> None:
    made = make(*many(30))
    assert len(made.payload) <= 4096
    assert len(made.pages) + len(made.refused) == 30
    assert all("4096" in refusal.reason for refusal in made.refused.values())


def test_ten_ordinary_notices_fit_in_four_kilobytes() -> None:
    one_page = many(8, area_desc="", texts={"fr": Text("Marché déplacé place de la gare")})
    made = make(*one_page)
    assert not made.refused
    assert len(made.payload) < 4096


def test_a_long_notice_is_said_again_before_the_plan_ends() -> None:
    made = make(water_cut(expires=SENT + timedelta(days=300)))
    assert body(made)["not_after"] == "2026-04-01T08:31:00Z"
    assert made.next_change_at == SENT + timedelta(days=25)
    assert make(water_cut()).next_change_at is None


def test_the_night_is_in_the_plan_with_its_zone() -> None:
    read = body(make(water_cut(), night=plan.Night("01:00", "06:00")))
    assert read["night"] == [{"except": ["alert"], "off": "01:00", "on": "06:00"}]
    assert read["tz"] == "Europe/Paris"


# The seal


def test_a_seal_is_a_detached_jws_that_a_plain_verifier_accepts() -> None:
    payload = make(water_cut()).payload
    header, empty, signature = jws.sign(payload, KEY, "vb-1").split(".")
    assert empty == ""
    fields = json.loads(base64.urlsafe_b64decode(header + "=="))
    assert (fields["alg"], fields["kid"]) == ("EdDSA", "vb-1")
    signed = f"{header}.{base64.urlsafe_b64encode(payload).decode().rstrip('=')}".encode()
    Ed25519PrivateKey.from_private_bytes(KEY).public_key().verify(
        base64.urlsafe_b64decode(signature + "=="), signed
    )


def test_the_signature_of_rfc_8037_appendix_a_is_reproduced() -> None:
    # RFC 8037 A.1 and A.4: the key, the payload and the signature with a header of alg only.
    private = jws.unb64("nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A")
    assert jws.b64(jws.public_of(private)) == "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"
    jws.verify(
        b"Example of Ed25519 signing",
        "eyJhbGciOiJFZERTQSJ9.."
        "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt"
        "9g7sVvpAr_MuM0KAg",
        jws.public_of(private),
    )


def by_the_twin(payload: bytes, seal: str, key: bytes) -> None:
    checks.check_seal(payload, seal, [Key("vb-1", key)], SENT)


@pytest.mark.parametrize("verify", [jws.verify, by_the_twin])
@given(data=st.data())
def test_any_changed_byte_breaks_the_seal(verify: Callable[..., Any], data: st.DataObject) -> None:
    payload = make(water_cut()).payload
    seal = jws.sign(payload, KEY, "vb-1")
    at = data.draw(st.integers(0, len(payload) - 1))
    flip = data.draw(st.integers(1, 255))
    changed = bytearray(payload)
    changed[at] ^= flip
    with pytest.raises((jws.BadSignature, checks.Rejected)):
        verify(bytes(changed), seal, jws.public_of(KEY))


@pytest.mark.parametrize(
    "seal",
    ["", "..", "a.b.c", "e30..AAAA", "eyJhbGciOiJub25lIn0..", "é..é", "[]..x"],
)
def test_a_seal_that_is_none_is_refused(seal: str) -> None:
    with pytest.raises(jws.BadSignature):
        jws.verify(b"{}", seal, jws.public_of(KEY))
    with pytest.raises(checks.Rejected, match="signature"):
        by_the_twin(b"{}", seal, jws.public_of(KEY))


def test_another_key_or_key_id_is_refused() -> None:
    seal = jws.sign(b"{}", OTHER_KEY, "vb-2")
    with pytest.raises(jws.BadSignature):
        jws.verify(b"{}", seal, jws.public_of(KEY))
    with pytest.raises(jws.BadSignature, match="vb-2"):
        jws.verify(b"{}", seal, jws.public_of(OTHER_KEY), "vb-1")


# Topics


def test_topics_are_those_of_the_contract_and_read_back() -> None:
    assert (
        topics.topic("villard-bonnot", "mairie", "plan") == "tambour/1/villard-bonnot/mairie/plan"
    )
    assert topics.parse("tambour/1/vb/p/shown") == topics.Address("vb", "p", "shown")
    assert topics.parse("tambour/1/vb/hub") == topics.Address("vb", "", "hub")
    image = topics.topic("vb", "p", "image", "h" * 43)
    assert topics.parse(image) == topics.Address("vb", "p", "image", "h" * 43)
    assert topics.parse("tambour/1/vb/p/fault/door") == topics.Address("vb", "p", "fault", "door")
    with pytest.raises(topics.BadName):
        topics.topic("vb", "p", "fault", "a/b")


@pytest.mark.parametrize("code", ["", "a/b", "+", "#", "$SYS", "a b", "x" * 64])
def test_a_code_that_would_reach_other_topics_is_refused(code: str) -> None:
    with pytest.raises(topics.BadName):
        topics.topic("vb", code, "plan")


@pytest.mark.parametrize(
    "topic",
    ["", "tambour/2/a/b/plan", "tambour/1/a/b", "tambour/1/a/b/c/hb", "tambour/1/a/b/image"],
)
def test_other_topics_are_not_ours(topic: str) -> None:
    assert topics.parse(topic) is None


# The kind


def test_a_preview_shows_the_lines_page_by_page() -> None:
    done = Panel.preview([water_cut()], PanelOptions(), "fr")
    assert isinstance(done, Rendering)
    assert done.text.startswith("COUPURE D'EAU")
    shown = [line for line in done.facts["pages"][0]["lines"] if line]
    assert shown == done.text.split("\n\n")[0].split("\n")
    assert (done.facts["columns"], done.facts["lines"]) == (16, 8)


def test_a_preview_refuses_what_the_panel_would_refuse() -> None:
    done = Panel.preview(
        [water_cut(texts={"fr": Text("Anticonstitutionnellement")})], PanelOptions(), "fr"
    )
    assert isinstance(done, Refusal)


@pytest.mark.parametrize(
    "options",
    [
        {"model": "no-such"},
        {"model": "../secrets"},
        {"night_off": "01:00"},
        {"night_off": "25:00", "night_on": "06:00"},
        {"hold_ms": 10},
        {"device_key": "c2hvcnQ"},
        {"colour": "red"},
    ],
)
def test_wrong_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        PanelOptions(**options)


def test_the_twin_shares_no_code_with_the_compiler() -> None:
    folder = Path(checks.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom):
                module = node.module or ""
                ours = module.startswith("channels.") and not module.startswith(
                    "channels.panels.twin"
                )
                assert not ours, f"{path.name} imports {module}"
