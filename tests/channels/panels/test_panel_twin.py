"""The twin against real brokers: it obeys its plan, and refuses what is not one."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from channels.panels import jws, model, plan, topics, wire
from channels.panels.twin import PanelClock, Twin
from channels.panels.twin.link import Link
from channels.panels.twin.store import Kept, Store
from hub import clock
from hub.contracts import Notice, Text
from hub.vocabulary import Lane, Severity
from tests.channels.panels.conftest import (
    KEY,
    OTHER_KEY,
    Heard,
    Runs,
    a_twin,
    say,
    shows,
    view,
)
from tests.fakes.brokers import Broker, until
from tests.fakes.notices import water_cut

FACE = model.load("text-8x16")


def now_cut(headline: str = "Coupure d'eau", minutes: float = 60, **changes: Any) -> Notice:
    """The water cut, but in force for `minutes` from now."""
    now = clock.now()
    values: dict[str, Any] = {
        "sent": now, "effective": now - timedelta(seconds=1), "onset": None,
        "expires": now + timedelta(minutes=minutes), "texts": {"fr": Text(headline)},
    }  # fmt: skip
    return water_cut(**(values | changes))


def a_plan(say_no: int, *notices: Notice, **who: Any) -> bytes:
    return plan.make(view(say_no, **who), notices, FACE, clock.now()).payload


def put(broker: Broker, payload: bytes, seal: str, panel: str = "mairie") -> None:
    """A retained message on the plan's topic, whoever sends it."""
    publisher = wire.Publisher(broker.url, "test", 5)
    topic = topics.topic("villard-bonnot", panel, "plan")
    user = {"jws": seal} if seal else {}
    assert publisher.publish([wire.Outgoing(topic, payload, user)]) == [None]
    publisher.close()


def test_a_plan_is_shown_and_said_in_stages(broker: Broker, hub: Heard, twin: Twin) -> None:
    said = say(broker, 10, now_cut())
    assert not said.shown
    assert said.evidence["plan_rev"] == 10
    until(lambda: shows(twin, "COUPURE D'EAU"))
    hub.wait("shown", plan_rev=10)
    stages = [r.body["stage"] for r in hub.of("ack")]
    assert stages == ["received", "verified", "stored", "displayed"]
    assert all(r.say_no == 10 for r in hub.of("ack"))
    shown = hub.wait("shown", plan_rev=10).body
    assert shown["source"] == "plan"
    assert [(i["pub"], i["rev"]) for i in shown["items"]] == [("01JWATER0000000000000000AA", 1)]
    assert twin.state()["lines"][0] == "COUPURE D'EAU"


def test_an_update_replaces_and_a_cancel_removes(broker: Broker, hub: Heard, twin: Twin) -> None:
    say(broker, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"))
    say(broker, 11, now_cut("Eau rétablie rue haute", revision=2))
    until(lambda: shows(twin, "EAU RÉTABLIE"))
    shown = hub.wait("shown", plan_rev=11).body
    assert [i["rev"] for i in shown["items"]] == [2]
    say(broker, 12)
    until(lambda: shows(twin))
    assert hub.wait("shown", plan_rev=12).body["items"] == []
    hub.wait("ack", stage="superseded", ref=11)


def test_reports_of_a_session_are_numbered_upwards(broker: Broker, hub: Heard, twin: Twin) -> None:
    say(broker, 10, now_cut())
    hub.wait("shown", plan_rev=10)
    spoken = [r for r in hub.reports if r.session]
    assert len({r.session for r in spoken}) == 1
    live = [r.seq for r in spoken if r.stage in ("ack", "heartbeat")]
    assert live == sorted(set(live))


def test_a_birth_says_what_the_panel_is_and_which_plan_it_has(
    broker: Broker, hub: Heard, runs: Runs, tmp_path: Path
) -> None:
    say(broker, 10, now_cut())
    runs.start(a_twin(broker, tmp_path / "late").run)
    birth = hub.wait("birth")
    # The retained plan came before the birth, which names it.
    assert birth.say_no == 10
    assert (birth.body["columns"], birth.body["lines"]) == (16, 8)
    assert birth.body["key"] == "vb-1"
    hub.wait("presence", state="ready")


def test_an_item_ends_to_the_second_with_the_broker_away(
    broker: Broker, runs: Runs, tmp_path: Path
) -> None:
    hour = PanelClock()
    twin = a_twin(broker, tmp_path / "twin", panel_clock=hour)
    runs.start(twin.run)
    say(broker, 10, now_cut("Marché déplacé", 120), now_cut(publication="01JSHORT", minutes=30))
    until(lambda: shows(twin, "MARCHÉ", "COUPURE"))
    broker.stop()
    until(lambda: not twin.state()["online"])
    hour.offset_s = 29 * 60
    assert shows(twin, "MARCHÉ", "COUPURE")
    hour.offset_s = 30 * 60
    assert shows(twin, "MARCHÉ")
    hour.offset_s = 120 * 60
    state = twin.state()
    assert state["items"] == []
    assert state["source"] == "fallback"


def test_an_end_that_passed_offline_is_told_on_return(
    broker: Broker, hub: Heard, runs: Runs, tmp_path: Path
) -> None:
    hour = PanelClock()
    twin = a_twin(broker, tmp_path / "twin", panel_clock=hour)
    runs.start(twin.run)
    say(broker, 10, now_cut("Marché", 120), now_cut(publication="01JSHORT", minutes=30))
    hub.wait("shown", plan_rev=10)
    broker.stop()
    until(lambda: not twin.state()["online"])
    hour.offset_s = 31 * 60
    broker.start()
    # Not by an acknowledgement, which the hub may miss while it reconnects: by what is retained.
    until(lambda: len(hub.of("shown", plan_rev=10)[-1].body["items"]) == 1)


def test_an_end_is_acknowledged_as_such(broker: Broker, hub: Heard, twin: Twin) -> None:
    say(broker, 10, now_cut("Marché", 120), now_cut(publication="01JSHORT", minutes=30))
    hub.wait("shown", plan_rev=10)
    twin.clock.offset_s = 31 * 60
    expired = hub.wait("ack", stage="expired")
    assert expired.body["pub"] == "01JSHORT"
    assert len(hub.of("ack", stage="expired")) == 1


def test_an_alert_preempts_on_the_panel_itself(broker: Broker, hub: Heard, twin: Twin) -> None:
    alert = now_cut("Crue de l'Isère", publication="01JFLOOD", lane=Lane.URGENT,
                    severity=Severity.EXTREME)  # fmt: skip
    say(broker, 10, now_cut("Marché déplacé"), alert)
    until(lambda: twin.state()["lines"][:1] == ["CRUE DE L'ISÈRE"])
    items = {i["pub"]: i.get("held", False) for i in hub.wait("shown", plan_rev=10).body["items"]}
    assert items == {"01JFLOOD": False, "01JWATER0000000000000000AA": True}


def test_a_plan_survives_a_power_cut(broker: Broker, runs: Runs, tmp_path: Path) -> None:
    first = a_twin(broker, tmp_path / "twin")
    end = runs.start(first.run)
    say(broker, 10, now_cut())
    until(lambda: shows(first, "COUPURE"))
    session = Store(tmp_path / "twin").read().session
    end()
    broker.stop()
    again = a_twin(broker, tmp_path / "twin")
    assert shows(again, "COUPURE")
    broker.start()
    runs.start(again.run)
    until(lambda: again.state()["online"])
    assert Store(tmp_path / "twin").read().session > session


def test_a_stored_plan_that_was_tampered_with_is_not_shown(broker: Broker, tmp_path: Path) -> None:
    payload = a_plan(10, now_cut())
    seal = jws.sign(payload, KEY, "vb-1")
    store = Store(tmp_path / "twin")
    store.write(Kept(payload, seal, jws.public_of(KEY), "vb-1", 1))
    assert shows(a_twin(broker, tmp_path / "twin"), "COUPURE")
    store.write(Kept(payload.replace(b"COUPURE", b"CADEAUX"), seal, jws.public_of(KEY), "vb-1", 1))
    assert a_twin(broker, tmp_path / "twin").state()["items"] == []


# What is not a plan


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
    page["lines"], page["hash"] = lines, plan.page_hash(lines)


def _pages(body: dict[str, Any]) -> None:
    body["items"][0]["pages"] *= 4


def _items(body: dict[str, Any]) -> None:
    body["items"] *= 33
    for item in body["items"]:
        for name in ("start", "end"):
            item.pop(name, None)
        item["pages"] = [{"lines": ["A"], "hold_ms": 1000, "hash": plan.page_hash(["A"])}]


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
    from tests.channels.panels.conftest import listening

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
    twin._on_plan(payload, jws.sign(payload, KEY, "vb-1"))
    assert twin.state()["plan_rev"] == 0
    assert [ack.body["reason"] for ack in twin._acks] == ["memory"]


# The link


def test_a_broker_that_forgot_everything_gets_panel_and_beacon_again(
    broker: Broker, hub: Heard, twin: Twin
) -> None:
    say(broker, 10, now_cut())
    hub.wait("shown", plan_rev=10)
    hub.wait("beacon", kind="forgotten")  # the first start finds an empty broker, too
    hub.reports.clear()
    broker.restart()
    assert hub.wait("birth").say_no == 10
    hub.wait("beacon", kind="forgotten")
    assert hub.wait("shown").say_no == 10
    assert shows(twin, "COUPURE")
    say(broker, 11, now_cut("De retour", revision=2))
    until(lambda: shows(twin, "DE RETOUR"))


def test_a_panel_that_dies_is_lost_by_its_last_will(
    broker: Broker, hub: Heard, tmp_path: Path
) -> None:
    code = (
        "import sys\n"
        "from pathlib import Path\n"
        "from channels.panels.twin import run\n"
        "run(sys.argv[1], 'villard-bonnot', 'mairie', 'text-8x16', Path(sys.argv[2]),\n"
        "    at_once=True, stop=lambda: False)\n"
    )
    child = subprocess.Popen([sys.executable, "-c", code, broker.url, str(tmp_path / "twin")])
    ready = hub.wait("presence", state="ready")
    os.kill(child.pid, signal.SIGKILL)
    child.wait(10)
    lost = hub.wait("presence", state="lost")
    assert lost.session == ready.session
    assert lost.seq > ready.seq


def test_a_panel_that_is_switched_off_says_so(
    broker: Broker, hub: Heard, runs: Runs, tmp_path: Path
) -> None:
    end = runs.start(a_twin(broker, tmp_path / "twin").run)
    hub.wait("presence", state="ready")
    end()
    hub.wait("presence", state="disconnected")
    assert not hub.of("presence", state="lost")


def test_an_unsure_clock_shows_no_dated_page_but_keeps_the_plan(
    broker: Broker, hub: Heard, runs: Runs, tmp_path: Path
) -> None:
    hour = PanelClock(-(10**8), sure=False)
    twin = a_twin(broker, tmp_path / "twin", panel_clock=hour)
    runs.start(twin.run)
    say(broker, 10, now_cut())
    hub.wait("ack", stage="stored")
    assert twin.state()["items"] == []
    hour.offset_s, hour.sure = 0.0, True
    until(lambda: shows(twin, "COUPURE"))


def test_a_thousand_panels_do_not_come_back_in_the_same_second(tmp_path: Path) -> None:
    def nothing(*_: object) -> None:
        return None

    waits = []
    for _ in range(50):
        link = Link("mqtt://127.0.0.1:9", "p", "n", at_once=False, on_up=nothing,
                    on_plan=nothing, will=dict)  # fmt: skip
        began = clock.monotonic()
        link._closed()
        waits.append(link._next_try - began)
    assert 0 <= min(waits) < max(waits) <= 31
    assert max(waits) - min(waits) > 10
    for _ in range(12):
        link._closed()
    assert link._next_try - clock.monotonic() <= 301


def test_a_panel_hears_only_its_own_topic(broker: Broker, hub: Heard, twin: Twin) -> None:
    say(broker, 10, now_cut(), code="gare")
    say(broker, 11, now_cut("Pour la mairie"))
    until(lambda: shows(twin, "POUR LA MAIRIE"))
    assert hub.of("ack", stage="rejected") == []


def test_an_emptied_topic_does_not_blank_a_panel(broker: Broker, twin: Twin) -> None:
    say(broker, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"))
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.publish(
        "tambour/1/villard-bonnot/mairie/plan", b"", qos=1, retain=True
    ).wait_for_publish(10)
    client.disconnect()
    client.loop_stop()
    assert shows(twin, "COUPURE")
