"""What a panel says it shows, held against what it was told: said once, over by itself."""

from pathlib import Path

import pytest
from sqlmodel import select

from hub import board, clock, db, health, receipts
from hub.contracts import Report, ReportStage
from hub.dispatch import displays
from hub.models import AuditEvent, Authority, Publication
from tests.hub.panels.conftest import SESSION, Hand, Spoken, publish, tell

STRANGE = "A" * 43


def its_row(here: Authority, publication: Publication) -> board.Row:
    with db.reading(here.id) as session:
        (row,) = board.rows(session, publication.id)
    return row


def test_a_panel_that_shows_what_it_was_told_is_no_incident(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    panel.shows()
    assert panel.incidents() == {}
    row = its_row(here, told)
    assert (row.state, row.ok, row.shown_revision) == ("shown", True, 1)


@pytest.mark.parametrize(
    ("more", "kind"),
    [
        ({"hash": STRANGE}, "unknown_page"),
        ({"page": {"item": "x", "index": 0, "hash": STRANGE}}, "unknown_page"),
        ({"items": [{"item": "it", "pub": "01JSTRANGER", "rev": 1}]}, "unknown_notice"),
        ({"plan_rev": 2**50}, "foreign_plan"),
        ({"source": "local", "items": []}, "local"),
        ({"face_dark": True}, "dark"),
    ],
)
def test_what_was_never_told_is_said_once_and_is_over_when_the_plan_shows_again(
    here: Authority, panel: Spoken, told: Publication, more: dict, kind: str
) -> None:
    for _ in range(3):
        panel.shows(**more)
    assert kind in panel.incidents()
    assert not its_row(here, told).ok
    panel.shows()
    assert panel.incidents() == {}
    assert panel.history().count((kind, True)) == 1
    assert its_row(here, told).ok
    with db.reading(here.id) as session:
        said = session.exec(select(AuditEvent).where(AuditEvent.actor == "hub")).all()
    verbs = [e.verb for e in said if e.detail.get("kind") == kind]
    assert verbs == ["incident begins", "incident ends"]


def test_a_hijacked_panel_turns_health_red_and_is_named_on_the_board(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    panel.shows()
    panel.shows(hash=STRANGE)
    answer = health.health()
    assert not answer["ok"]
    assert any(panel.panel.name in reason for reason in answer["reasons"])
    row = its_row(here, told)
    assert (row.state, row.ok) == ("trouble", False)
    assert "unknown_page" in row.evidence["incidents"]
    panel.shows()
    assert not any(panel.panel.name in reason for reason in health.health()["reasons"])


def test_a_page_of_the_plan_before_is_no_stranger_while_the_new_one_is_on_its_way(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    before = panel.row()
    old = before.evidence["pages"][told.id][0]
    publish(here, "Coupure d’eau rue Pasteur")
    tell([panel.panel.id])
    panel.shows(plan_rev=before.say_no, hash=old, page=None)
    assert panel.incidents() == {}


def test_an_answer_that_comes_before_the_saying_is_written_down_is_not_a_stranger(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    other = publish(here, "Coupure d’eau rue Pasteur")
    assert displays.claim(panel.panel.id or 0)
    telling = displays.open_(panel.panel.id or 0)
    assert telling is not None
    items = [{"item": "it", "pub": other.id, "rev": 1}]
    panel.say(
        ReportStage.SHOWN,
        plan_rev=telling.view.say_no,
        source="plan",
        items=items,
        hash=STRANGE,
    )
    assert panel.incidents() == {}
    displays.close(telling, displays.Said(shown=False))
    row = panel.row()
    assert row.shown_no == row.said_no == row.wanted_no


def test_a_retained_plan_that_this_hub_never_said_is_an_incident_until_ours_is_back(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    forged = panel.row().say_no + 5
    panel.say(ReportStage.PLAN, plan_rev=forged)
    assert panel.incidents()["foreign_retained"]["plan_rev"] == forged
    assert panel.row().due_at is not None
    tell([panel.panel.id])
    assert panel.row().say_no > forged
    panel.say(ReportStage.PLAN, plan_rev=panel.row().say_no)
    assert panel.incidents() == {}


def test_a_forged_session_from_the_future_does_not_silence_the_panel(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    panel.shows()
    panel.shows(session=2**50, seq=9, hash=STRANGE)
    assert panel.incidents().keys() == {"wrong_session"}
    assert panel.row().session == SESSION
    panel.shows(face_dark=True)
    assert "dark" in panel.incidents()


def test_a_session_that_was_believed_once_is_forgotten(here: Authority, panel: Spoken) -> None:
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(displays.DisplayRow, panel.panel.id)
        row.session = 2**50
        session.add(row)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert panel.row().session == SESSION
    assert panel.state().state == "ready"


def test_two_devices_under_one_name_are_named_until_one_is_gone(
    here: Authority, panel: Spoken, hand: Hand
) -> None:
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, session=SESSION - 50, seq=900)
    assert panel.incidents()["wrong_session"] == {"session": SESSION - 50, "current": SESSION}
    hand.on(seconds=60)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert "wrong_session" in panel.incidents()
    hand.on(minutes=6)
    panel.say(ReportStage.HEARTBEAT, plan_rev=0)
    assert panel.incidents() == {}


def test_a_number_that_no_hub_would_reach_is_not_followed(here: Authority, panel: Spoken) -> None:
    panel.say(ReportStage.BIRTH, plan_rev=2**53 - 1)
    assert panel.row().reported_no == 2**52


@pytest.mark.parametrize("reason", ["signature", "glyph_missing", "too_big", "format", "replay"])
def test_a_refused_plan_is_shown_with_its_reason_until_one_is_taken(
    here: Authority, panel: Spoken, told: Publication, reason: str
) -> None:
    row = panel.row()
    panel.say(ReportStage.ACK, ref=row.say_no, stage="rejected", reason=reason, detail="ligne 2")
    assert panel.incidents()["refused"]["reason"] == reason
    assert panel.state().refused["detail"] == "ligne 2"
    assert reason in panel.row().trouble
    assert reason in its_row(here, told).reason
    assert panel.row().due_at is not None  # once more, under a new number
    tell([panel.panel.id])
    panel.say(ReportStage.ACK, ref=panel.row().say_no, stage="stored")
    assert panel.incidents() == {}
    assert panel.row().trouble == ""


def test_a_plan_of_somebody_else_that_the_panel_refused_does_not_touch_ours(
    here: Authority, panel: Spoken, told: Publication
) -> None:
    panel.shows()
    panel.say(ReportStage.ACK, ref=17, stage="rejected", reason="replay")
    assert panel.incidents()["refused"] == {"reason": "replay", "plan_rev": 17, "ours": False}
    assert its_row(here, told).ok
    assert panel.row().trouble == ""


def test_a_second_hub_is_in_the_ledger_once_and_on_health(here: Authority, panel: Spoken) -> None:
    for _ in range(3):
        receipts.apply([beacon(here, "second_hub", "copy/boot-2")])
    assert any("another hub" in reason for reason in health.health()["reasons"])
    receipts.apply([beacon(here, "alone", "")])
    assert not any("another hub" in reason for reason in health.health()["reasons"])
    with db.reading(here.id) as session:
        verbs = [e.verb for e in session.exec(select(AuditEvent)) if "second hub" in e.verb]
    assert verbs == ["second hub", "second hub gone"]


def beacon(here: Authority, kind: str, other: str) -> Report:
    body = {"kind": kind, "other": other}
    return Report(here.code, "", ReportStage.BEACON, clock.now(), body=body)


def test_incidents_are_the_same_on_postgresql(hub_on_postgres: Path) -> None:
    from tests.factories import outlet, town

    here = town()
    panel = Spoken(here, outlet(here, "panel"))
    publish(here)
    tell([panel.panel.id])
    panel.shows(hash=STRANGE)
    panel.shows(hash=STRANGE)
    assert "unknown_page" in panel.incidents()
    panel.shows()
    assert panel.history() == [("unknown_page", True)]
