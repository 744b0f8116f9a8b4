"""What a panel says becomes a report, or nothing: no payload may end a batch for the others."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.panels import topics
from channels.panels.reports import SCHEMAS, Unreadable, read, report_of
from hub import clock
from tests.channels.panels.test_panel_listener import HEAD, SHOWN
from tests.channels.panels.test_panel_proofs import AT, HASH, proof
from tests.fakes.notices import SENT

PNG = b"\x89PNG\r\n\x1a\n"
BEAT = {**HEAD, "plan_rev": 9}


def test_each_topic_becomes_its_stage() -> None:
    at = clock.now()
    shown = report_of(topics.Address("vb", "p", "shown"), json.dumps(SHOWN).encode(), at)
    assert (shown.stage, shown.say_no, shown.session, shown.seq) == ("shown", 9, 3, 4)
    assert (shown.authority, shown.outlet, shown.received) == ("vb", "p", at)
    ack = {**HEAD, "ref": 9, "stage": "stored"}
    assert report_of(topics.Address("vb", "p", "ack"), json.dumps(ack).encode(), at).say_no == 9
    lost = {**HEAD, "state": "lost"}
    body = json.dumps(lost).encode()
    assert report_of(topics.Address("vb", "p", "presence"), body, at).say_no is None


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"null",
        b"[1]",
        b"\xff\xfe",
        b"[" * 60000,
        b'{"v":1}' + b" " * 70000,
        json.dumps({**SHOWN, "plan_rev": "9"}).encode(),
        json.dumps({**SHOWN, "plan_rev": -1}).encode(),
        json.dumps({**SHOWN, "session": 2**60}).encode(),
        json.dumps({**SHOWN, "items": [{}]}).encode(),
        json.dumps({**SHOWN, "v": 2}).encode(),
    ],
)
def test_a_payload_that_is_not_of_the_contract_is_refused(payload: bytes) -> None:
    with pytest.raises(Unreadable):
        report_of(topics.Address("vb", "p", "shown"), payload, SENT)


@given(st.binary() | st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
).map(lambda value: json.dumps(value).encode()))  # fmt: skip
def test_no_payload_raises_anything_else(payload: bytes) -> None:
    for leaf in (*topics.UP, topics.PLAN):
        try:
            report = report_of(topics.Address("vb", "p", leaf), payload, SENT)
        except Unreadable:
            continue
        assert (report.authority, report.outlet) == ("vb", "p")


def test_a_rejection_without_a_reason_is_refused() -> None:
    body = {**HEAD, "ref": 9, "stage": "rejected"}
    with pytest.raises(Unreadable):
        read("ack", json.dumps(body).encode())
    assert read("ack", json.dumps({**body, "reason": "replay"}).encode())["reason"] == "replay"


@pytest.mark.parametrize("payload", [b"", b"garbage", b"{}"])
def test_a_plan_that_cannot_be_read_is_never_the_one_that_was_said(payload: bytes) -> None:
    report = report_of(topics.Address("vb", "p", "plan"), payload, SENT)
    assert report.say_no == 0
    assert report.body["broken"]


def test_a_proof_keeps_its_bytes_and_its_seal() -> None:
    payload = json.dumps(proof(7)).encode()
    report = report_of(
        topics.Address("vb", "p", "proof"), payload, clock.now(), {"jws": "a..b", "x": "y"}
    )
    assert (report.stage, report.raw, report.seal) == ("proof", payload, "a..b")


def test_a_fault_says_its_code_and_an_empty_one_that_it_is_over() -> None:
    fault = {**HEAD, "code": "door", "severity": "error", "first_seen": AT}
    at = topics.Address("vb", "p", "fault", "door")
    assert report_of(at, json.dumps(fault).encode(), clock.now()).body["severity"] == "error"
    assert report_of(at, b"", clock.now()).body == {"code": "door", "over": True}
    with pytest.raises(Unreadable):
        report_of(
            topics.Address("vb", "p", "fault", "power"), json.dumps(fault).encode(), clock.now()
        )


def test_a_frame_is_a_picture_with_its_properties_or_nothing() -> None:
    at = topics.Address("vb", "p", "frame")
    user = {"ts": AT, "hash": HASH, "ref": "cmd-1", "session": "3", "seq": "9"}
    report = report_of(at, PNG + b"...", clock.now(), user)
    assert (report.stage, report.session, report.seq) == ("frame", 3, 9)
    assert report.body["ref"] == "cmd-1"
    for payload, properties in (
        (b"<svg>", user),
        (PNG, {}),
        (PNG, {**user, "hash": "short"}),
        (PNG + bytes(300_000), user),
    ):
        with pytest.raises(Unreadable):
            report_of(at, payload, clock.now(), properties)


ENTRY = proof(1)["entries"][0]
NESTED: Any = []
for _ in range(900):
    NESTED = [NESTED]
IMPOSSIBLE: list[tuple[str, dict[str, Any]]] = [
    ("proof", {**proof(1), "from": "2026-02-30T08:30:00Z"}),
    ("proof", {**proof(1), "to": "2026-03-02T24:30:00Z"}),
    ("proof", {**proof(1), "from": "0001-01-01T00:00:00Z"}),
    ("proof", {**proof(1), "ts": "9999-12-31T23:59:59Z"}),
    (
        "proof",
        {**proof(1), "entries": [{**ENTRY, "from": "2026-13-02T08:30:00Z"}]},
    ),
    ("proof", {**proof(1), "entries": [{**ENTRY, "plays": 10**30}]}),
    ("proof", {**proof(1), "entries": [{**ENTRY, "rev": 2**40}]}),
    ("proof", {**proof(1), "entries": [{**ENTRY, "pub": "01J\0"}]}),
    ("presence", {**HEAD, "state": "sleeping", "until": "2026-02-31T00:00:00Z"}),
    ("hb", {**BEAT, "data_month_kb": 10**400}),
    ("hb", {**BEAT, "ambient": float("inf")}),
    ("hb", {**BEAT, "temp_c": float("nan")}),
    ("hb", {**BEAT, "item": "\ud800"}),
    ("hb", {**BEAT, "faults": NESTED}),
    ("hb", {**BEAT, "not yet known": NESTED}),
]


@pytest.mark.parametrize(("leaf", "body"), IMPOSSIBLE)
def test_what_a_schema_allows_and_nobody_can_keep_is_refused(
    leaf: str, body: dict[str, Any]
) -> None:
    with pytest.raises(Unreadable):
        report_of(topics.Address("vb", "p", leaf), json.dumps(body).encode(), SENT)


def test_a_number_too_large_for_a_float_is_refused() -> None:
    payload = json.dumps(BEAT).encode()[:-1] + b',"ambient":1e999}'
    with pytest.raises(Unreadable):
        read("hb", payload)


def test_what_is_possible_is_taken() -> None:
    assert read("proof", json.dumps(proof(1)).encode()) == proof(1)
    leap = {**HEAD, "state": "sleeping", "until": "2028-02-29T00:00:00.5Z"}
    assert read("presence", json.dumps(leap).encode()) == leap


@pytest.mark.parametrize("leaf", [*topics.UP, topics.PROOF, topics.FAULT])
def test_every_number_of_a_report_has_its_bounds(leaf: str) -> None:
    def unbound(where: str, part: Any) -> list[str]:
        if isinstance(part, list):
            return [each for n, inner in enumerate(part) for each in unbound(f"{where}/{n}", inner)]
        if not isinstance(part, dict):
            return []
        kinds = part.get("type", ())
        number = {"integer", "number"} & ({kinds} if isinstance(kinds, str) else set(kinds))
        found = [where] if number and not {"minimum", "maximum"} <= set(part) else []
        return found + [each for k, v in part.items() for each in unbound(f"{where}/{k}", v)]

    assert unbound(leaf, json.loads((SCHEMAS / f"{leaf}.json").read_text("utf-8"))) == []
