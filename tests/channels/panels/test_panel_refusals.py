"""What is not a plan is refused by name, and the old one stays."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from channels.panels import jws
from channels.panels.textface import lines_hash
from channels.panels.twin import Twin
from tests.channels.panels.conftest import (
    KEY,
    OTHER_KEY,
    Heard,
    Runs,
    a_plan,
    a_twin,
    listening,
    now_cut,
    put,
    say,
    shows,
)
from tests.fakes.brokers import Broker, until


def test_a_plan_changed_by_one_byte_is_refused_and_the_old_one_stays(
    broker: Broker, hub: Heard, twin: Twin
) -> None:
    say(broker, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"))
    payload = a_plan(11, now_cut("Tout va bien"))
    seal = jws.sign(payload, KEY, "vb-1")
    put(broker, payload.replace(b"BIEN", b"RIEN"), seal)
    refusal = hub.wait("ack", stage="rejected")
    assert refusal.body["reason"] == "signature"
    assert refusal.say_no == 11
    assert shows(twin, "COUPURE")


def test_an_older_plan_is_refused_as_replay(broker: Broker, hub: Heard, twin: Twin) -> None:
    say(broker, 10, now_cut())
    say(broker, 12, now_cut("Eau rétablie", revision=2))
    until(lambda: shows(twin, "EAU RÉTABLIE"))
    old = a_plan(11, now_cut())
    put(broker, old, jws.sign(old, KEY, "vb-1"))
    refusal = hub.wait("ack", stage="rejected", reason="replay")
    assert refusal.say_no == 11
    same = a_plan(12, now_cut("Autre texte"))
    put(broker, same, jws.sign(same, KEY, "vb-1"))
    until(lambda: len(hub.of("ack", stage="rejected", reason="replay")) == 2)
    assert shows(twin, "EAU RÉTABLIE")


def test_the_same_plan_twice_is_no_replay(broker: Broker, hub: Heard, twin: Twin) -> None:
    payload = a_plan(10, now_cut())
    seal = jws.sign(payload, KEY, "vb-1")
    put(broker, payload, seal)
    put(broker, payload, seal)
    say(broker, 11, now_cut("Suite", revision=2))
    hub.wait("shown", plan_rev=11)
    assert hub.of("ack", stage="rejected") == []


def test_the_first_key_is_trusted_and_another_refused(
    broker: Broker, hub: Heard, twin: Twin
) -> None:
    say(broker, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"))
    say(broker, 11, now_cut("Faux"), key=OTHER_KEY, key_id="vb-1")
    assert hub.wait("ack", stage="rejected").body["reason"] == "signature"
    assert shows(twin, "COUPURE")


def test_a_given_key_admits_no_other_from_the_start(
    broker: Broker, hub: Heard, runs: Runs, tmp_path: Path
) -> None:
    twin = a_twin(broker, tmp_path / "twin", key=jws.public_of(KEY))
    runs.start(twin.run)
    say(broker, 10, now_cut("Faux"), key=OTHER_KEY)
    hub.wait("ack", stage="rejected", reason="signature")
    assert shows(twin)
    say(broker, 11, now_cut())
    until(lambda: shows(twin, "COUPURE"))


def _reworked(change: Any) -> bytes:
    body = json.loads(a_plan(20, now_cut()))
    change(body)
    return json.dumps(body, ensure_ascii=False).encode()


def _lines(body: dict[str, Any], lines: list[str]) -> None:
    page = body["items"][0]["pages"][0]
    page["lines"], page["hash"] = lines, lines_hash(lines)


def _pages(body: dict[str, Any]) -> None:
    body["items"][0]["pages"] *= 4


def _items(body: dict[str, Any]) -> None:
    body["items"] *= 33
    for item in body["items"]:
        for name in ("start", "end"):
            item.pop(name, None)
        item["pages"] = [{"lines": ["A"], "hold_ms": 1000, "hash": lines_hash(["A"])}]


REFUSALS = {
    "unsigned": ("signature", lambda: (a_plan(20, now_cut()), "")),
    "another panel's": ("wrong_panel", lambda: (a_plan(20, now_cut(), code="gare"), None)),
    "expired": ("expired", lambda: (_reworked(
        lambda b: b.update(not_after="2020-01-01T00:00:00Z")), None)),
    "a wrong hash": ("hash_mismatch", lambda: (_reworked(
        lambda b: b["items"][0]["pages"][0].update(lines=["AUTRE"])), None)),
    "no items": ("format", lambda: (_reworked(lambda b: b.pop("items")), None)),
    "not JSON": ("format", lambda: (b"{", None)),
    "nested too deeply": ("format", lambda: (b"[" * 4000, None)),
    "nested deeper than a schema goes": ("format", lambda: (
        b'{"items":' + b"[" * 900 + b"]" * 900 + b"}", None)),
    "half a letter": ("format", lambda: (b'{"id":"\\ud800"}', None)),
    "a day that is not": ("format", lambda: (_reworked(
        lambda b: b.update(not_after="2026-02-31T00:00:00Z")), None)),
    "a number for a line": ("format", lambda: (_reworked(
        lambda b: b["items"][0]["pages"][0].update(lines=[1])), None)),
    "larger than the face": ("format", lambda: (_reworked(
        lambda b: _lines(b, ["X" * 17])), None)),
    "a letter without a glyph": ("glyph_missing", lambda: (_reworked(
        lambda b: _lines(b, ["Ω"])), None)),
    "too many pages": ("too_many_pages", lambda: (_reworked(_pages), None)),
    "too large": ("too_big", lambda: (_reworked(
        lambda b: b.update(note="x" * 4096)), None)),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSALS)
def test_what_is_wrong_with_a_plan_is_said_by_name(
    mosquitto: Broker, runs: Runs, tmp_path: Path, case: str
) -> None:
    hub = listening(mosquitto, runs)
    twin = a_twin(mosquitto, tmp_path / "twin")
    runs.start(twin.run)
    say(mosquitto, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"))
    reason, make = REFUSALS[case]
    payload, seal = make()
    put(mosquitto, payload, jws.sign(payload, KEY, "vb-1") if seal is None else seal)
    assert hub.wait("ack", stage="rejected").body["reason"] == reason
    assert shows(twin, "COUPURE")
    assert twin.state()["plan_rev"] == 10


def test_more_items_than_the_panel_can_hold_are_refused(mosquitto: Broker, tmp_path: Path) -> None:
    twin = a_twin(mosquitto, tmp_path / "twin")
    twin.face = replace(twin.face, max_bytes=65536)
    payload = _reworked(_items)
    twin.inbox.plan(payload, jws.sign(payload, KEY, "vb-1"))
    assert twin.state()["plan_rev"] == 0
    assert [ack["reason"] for ack in twin.mouth.acks] == ["memory"]


def test_a_plan_that_cannot_be_stored_is_not_said_to_be(mosquitto: Broker, tmp_path: Path) -> None:
    twin = a_twin(mosquitto, tmp_path / "twin")
    (tmp_path / "twin" / "panel.new").mkdir()  # where the new file would be written
    payload = a_plan(20, now_cut())
    twin.inbox.plan(payload, jws.sign(payload, KEY, "vb-1"))
    assert [ack["stage"] for ack in twin.mouth.acks] == ["received", "verified", "rejected"]
    assert twin.state()["plan_rev"] == 0
