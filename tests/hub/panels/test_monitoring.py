"""How panels are: stale, lost, asleep; faults; and nobody is late because we were deaf."""

from datetime import timedelta
from typing import Any

import pytest

from hub import clock, db, health, memos, monitoring, receipts
from hub.contracts import ReportStage
from hub.models import Authority, Outlet
from tests.hub.panels.conftest import Hand, Spoken


def listened(hand: Hand) -> None:
    with db.writing(db.EVERYWHERE) as session:
        memos.write(session, monitoring.MEMO, 1)


def after(hand: Hand, panel: Spoken, **more: float) -> str:
    hand.on(**more)
    listened(hand)
    monitoring.step()
    return panel.state().state


def test_three_missed_heartbeats_make_it_stale_and_ten_minutes_lost(
    hand: Hand, panel: Spoken
) -> None:
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, temp_c=21.5)
    assert after(hand, panel, seconds=170) == "ready"
    assert after(hand, panel, seconds=20) == "stale"
    assert panel.incidents() == {}
    assert after(hand, panel, minutes=6) == "stale"
    assert after(hand, panel, minutes=1) == "lost"
    assert panel.incidents()["lost"]["how"] == "silence"
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert panel.state().state == "ready"
    assert panel.incidents() == {}


def test_a_panel_on_a_metered_link_is_given_its_own_time(hand: Hand, panel: Spoken) -> None:
    panel.say(ReportStage.BIRTH, plan_rev=0, heartbeat_s=300)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert after(hand, panel, minutes=14) == "ready"
    assert after(hand, panel, minutes=2) == "lost"


def test_a_last_will_is_believed_at_once(hand: Hand, panel: Spoken) -> None:
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    panel.say(ReportStage.PRESENCE, state="lost", seq=2**31 - 1)
    assert panel.state().state == panel.row().presence == "lost"
    assert panel.incidents()["lost"]["how"] == "will"


def test_the_will_of_an_old_connection_does_not_end_the_new_one(hand: Hand, panel: Spoken) -> None:
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    old = panel.session
    panel.session += 1
    panel.say(ReportStage.PRESENCE, state="ready")
    panel.say(ReportStage.PRESENCE, state="lost", session=old, seq=2**31 - 1)
    assert panel.state().state == "ready"


def test_announced_sleep_is_no_alarm_until_it_should_be_over(hand: Hand, panel: Spoken) -> None:
    until = clock.rfc3339(hand.now + timedelta(hours=5))
    panel.say(ReportStage.PRESENCE, state="sleeping", until=until)
    assert after(hand, panel, hours=4) == "sleeping"
    assert panel.incidents() == {}
    assert after(hand, panel, hours=1, minutes=11) == "lost"


def test_a_listener_that_was_deaf_calls_nobody_lost(hand: Hand, panel: Spoken) -> None:
    monitoring.listening()
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    hand.on(hours=2)
    monitoring.step()
    assert panel.state().state == "ready"
    assert any("nobody hears the panels" in reason for reason in health.health()["reasons"])
    monitoring.listening()
    monitoring.step()
    assert panel.state().state == "ready"
    assert after(hand, panel, minutes=11) == "lost"


def test_a_fault_is_an_incident_while_it_is_grave_and_over_when_it_is_emptied(
    hand: Hand, panel: Spoken
) -> None:
    fault: dict[str, Any] = {"code": "door", "first_seen": clock.rfc3339(hand.now)}
    panel.say(ReportStage.FAULT, **fault, severity="warning")
    assert panel.state().faults["door"]["severity"] == "warning"
    assert panel.incidents() == {}
    panel.say(ReportStage.FAULT, **fault, severity="critical", detail="Porte ouverte")
    assert panel.incidents() == {"fault:door": {"detail": "Porte ouverte"}}
    panel.say(ReportStage.FAULT, code="door", over=True)
    assert panel.state().faults == {}
    assert panel.incidents() == {}


def test_a_panel_that_does_not_show_what_it_was_told_is_behind(
    here: Authority, hand: Hand, panel: Spoken
) -> None:
    from tests.hub.panels.conftest import publish, tell

    publish(here)
    tell([panel.panel.id])
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert after(hand, panel, seconds=100) == "ready"
    assert panel.incidents() == {}
    after(hand, panel, seconds=25)
    assert panel.incidents().keys() == {"behind"}
    panel.shows()
    assert panel.incidents() == {}


def test_the_data_of_a_month_is_held_against_its_budget(
    here: Authority, hand: Hand, panel: Spoken
) -> None:
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(Outlet, panel.panel.id)
        row.options = {"data_month_mb": 100}
        session.add(row)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, data_month_kb=50 * 1024)
    assert panel.incidents() == {}
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, data_month_kb=95 * 1024)
    assert panel.incidents() == {"data_budget": {"used_mb": 95, "budget_mb": 100}}


@pytest.mark.parametrize("repeats", [2])
def test_retained_state_heard_again_writes_nothing_twice(
    hand: Hand, panel: Spoken, repeats: int
) -> None:
    from sqlmodel import func, select

    from hub.models import Receipt

    reports = [
        panel.report(ReportStage.BIRTH, plan_rev=0, model="text-8x16"),
        panel.report(ReportStage.PRESENCE, state="ready"),
        panel.report(ReportStage.SHOWN, plan_rev=0, source="fallback", items=[]),
    ]
    for order in (reports, reports[::-1]) * repeats:
        receipts.apply(order)
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(func.count()).select_from(Receipt)).one() == 2
    assert panel.row().birth["model"] == "text-8x16"


def test_a_report_that_cannot_be_written_keeps_no_other_from_being_read(
    hand: Hand, panel: Spoken
) -> None:
    good = [panel.report(ReportStage.HEARTBEAT, plan_rev=0, temp_c=t) for t in (20.5, 21.5, 22.5)]
    bad = panel.report(ReportStage.HEARTBEAT, plan_rev=0, seq=10**30)
    assert receipts.apply([good[0], bad, good[1], good[2]]) == 3
    assert panel.row().seq == good[2].seq
    assert receipts.apply([bad]) == 0
