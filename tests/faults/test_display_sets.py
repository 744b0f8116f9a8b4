"""Panels told in sets: a worker dies between any two steps, another takes over, one of many cannot
be told; each panel ends with the newest plan, and those that ended well are not said again."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import update
from sqlmodel import col, select

from channels.panels import wire
from hub import clock, db, memos, nudges, publishing, receipts
from hub.contracts import Report, ReportStage, Said
from hub.dispatch import displays, leases
from hub.models import Attempt, Authority, Carried, DisplayRow, Outlet, Publication
from hub.sweep import Sweeper
from hub.vocabulary import Lane
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.brokers import Broker, running, until
from tests.faults.test_panel_order import Hearer

PANELS = 7


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    yield from running("mosquitto", tmp_path)
    wire.close_all()


@pytest.fixture
def here(hub_on_both: Path, broker: Broker) -> Authority:
    import os

    more = {k: v for k, v in os.environ.items() if k == "TAMBOUR_DATABASE_URL"}
    start_instance(hub_on_both, TAMBOUR_TESTING="1", TAMBOUR_MQTT_URL=broker.url, **more)
    return town()


@pytest.fixture
def panels(here: Authority) -> list[Outlet]:
    return [outlet(here, "panel", f"p{n}") for n in range(PANELS)]


def say(here: Authority, headline: str = "Rue des Brûlis fermée", **more: object) -> Publication:
    with db.writing(here.id) as session:
        made = publishing.create(session, "test", station(session, here), content(headline, **more))
        publishing.publish(session, made, "test")
    return made


def ids(panels: list[Outlet]) -> list[int]:
    return [panel.id or 0 for panel in panels]


def rows() -> list[DisplayRow]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(DisplayRow).order_by(col(DisplayRow.outlet_id))).all())


def another_worker() -> None:
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)


def retained(broker: Broker, count: int) -> dict[str, dict[str, object]]:
    hearer = Hearer(broker, "tambour/1/+/+/plan")
    until(lambda: len(hearer.plans) >= count, 60, "the retained plans")
    hearer.close()
    return {str(plan["panel"]): plan for plan in hearer.plans}


def all_told(broker: Broker, words: str) -> None:
    """Every panel's newest plan is on the broker, and the ledger knows it."""
    kept = retained(broker, PANELS)
    for n, row in enumerate(rows()):
        assert (row.said_no, row.lease, row.due_at) == (row.wanted_no, "", None)
        plan = kept[f"p{n}"]
        assert plan["plan_rev"] == row.say_no
        assert words in json.dumps(plan["items"])


def test_one_nudge_tells_them_all_and_each_has_its_attempt(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    say(here)
    assert displays.work(panels[3].id or 0) == PANELS
    assert displays.work(panels[0].id or 0) == 0
    all_told(broker, "AVENUE FOCH")
    with db.reading(db.EVERYWHERE) as session:
        attempts = session.exec(select(Attempt)).all()
        carried = session.exec(select(Carried)).all()
    assert sorted(a.outlet_id for a in attempts) == ids(panels)
    assert {(a.outcome, a.count) for a in attempts} == {("accepted", 1)}
    assert {(c.said_rev, c.said_say_no > 0, c.refused) for c in carried} == {(1, True, "")}


@pytest.mark.parametrize("step", ["claim", "open", "wire"])
def test_killed_after_any_step_the_set_is_said_again_above_what_was_said(
    here: Authority, panels: list[Outlet], broker: Broker, step: str
) -> None:
    say(here)
    claimed = displays.claim_set(ids(panels))
    assert claimed == ids(panels)
    assert displays.claim_set(ids(panels)) == []
    tellings = displays.open_set(claimed) if step != "claim" else []
    if step == "wire":
        assert all(isinstance(said, Said) for said in displays.wire_set(tellings))
    numbers = {t.outlet.id: t.view.say_no for t in tellings}
    another_worker()
    assert displays.work(panels[0].id or 0) == PANELS
    all_told(broker, "AVENUE FOCH")
    assert all(row.say_no > numbers.get(row.outlet_id, 0) for row in rows())


def test_what_moved_meanwhile_stays_due_alone_and_is_nudged_in_its_lane(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    say(here)
    tellings = displays.open_set(displays.claim_set(ids(panels)))
    answers = displays.wire_set(tellings)
    with db.writing(db.EVERYWHERE) as session:
        displays.outbox.change(session, panels[2].id or 0, here.id or 0, Lane.URGENT, clock.now())
    sent: list[tuple[str, int, Lane]] = []
    nudges.use(lambda what, row_id, lane: sent.append((what, row_id, lane)))
    displays.close_set(list(zip(tellings, answers, strict=True)))  # type: ignore[arg-type]
    nudges.use(None)
    assert [row.outlet_id for row in rows() if row.due_at] == [panels[2].id]
    assert sent == [("display", panels[2].id, Lane.URGENT)]
    assert displays.work(panels[2].id or 0) == 1
    all_told(broker, "AVENUE FOCH")


def test_one_that_was_taken_over_keeps_the_other_s_word(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    say(here)
    tellings = displays.open_set(displays.claim_set(ids(panels)))
    answers = displays.wire_set(tellings)
    with db.writing(db.EVERYWHERE) as session:
        session.execute(
            update(DisplayRow)
            .where(col(DisplayRow.outlet_id) == panels[1].id)
            .values(lease="elsewhere/worker/1")
        )
    told = list(zip(tellings, answers, strict=True))
    assert displays.close_set(told) == PANELS - 1  # type: ignore[arg-type]
    lease = {row.outlet_id: row.lease for row in rows()}
    assert lease[panels[1].id or 0] == "elsewhere/worker/1"
    assert [row.said_no for row in rows() if row.outlet_id == panels[1].id] == [0]


def test_a_panel_that_cannot_be_named_or_configured_does_not_hold_the_others(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(Outlet, panels[4].id)
        row.options = {"model": "no-such-model"}
        session.add(row)
    say(here)
    assert displays.work(panels[0].id or 0) == PANELS - 1
    wrong = next(row for row in rows() if row.outlet_id == panels[4].id)
    assert "options" in wrong.trouble
    assert wrong.due_at is not None
    assert all(not row.trouble for row in rows() if row.outlet_id != panels[4].id)


def test_a_broker_that_is_away_puts_the_whole_set_back(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    broker.stop()
    say(here)
    assert displays.work(panels[0].id or 0) == 0
    assert all(row.trouble and row.due_at and not row.lease for row in rows())
    broker.start()
    with db.writing(db.EVERYWHERE) as session:
        session.execute(update(DisplayRow).values(due_at=clock.now()))
    assert displays.work(panels[0].id or 0) == PANELS
    all_told(broker, "AVENUE FOCH")


def test_the_urgent_lane_is_worked_alone_and_first(
    here: Authority, panels: list[Outlet], broker: Broker
) -> None:
    say(here)
    with db.writing(db.EVERYWHERE) as session:
        displays.outbox.change(session, panels[5].id or 0, here.id or 0, Lane.URGENT, clock.now())
    assert displays.due_of("panel", Lane.NORMAL)[0] == panels[5].id
    assert displays.due_of("panel", Lane.URGENT) == [panels[5].id]
    assert displays.work(panels[5].id or 0) == 1
    assert displays.work(panels[0].id or 0) == PANELS - 1


def test_the_sweep_nudges_a_set_once(here: Authority, panels: list[Outlet]) -> None:
    say(here)
    site = outlet(here, "website")
    with db.writing(db.EVERYWHERE) as session:
        displays.due_again(session, site.id or 0)
    with db.reading(db.EVERYWHERE) as session:
        due = [found for found in Sweeper().due(session) if found[0] == "display"]
    assert sorted(due) == [("display", panels[0].id, "normal"), ("display", site.id, "normal")]


def test_a_broker_that_forgot_is_told_alerts_first_and_pictures_again(
    here: Authority, panels: list[Outlet], broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(receipts, "AGAIN_A_SECOND", 2)
    with db.writing(db.EVERYWHERE) as session:
        session.execute(update(DisplayRow).values(evidence={"images": ["x"]}, due_at=None))
        memos.write(session, "second_hub", 0)
    urgent = say(here, "Crue", severity="Extreme", urgency="Immediate", certainty="Observed")
    with db.writing(db.EVERYWHERE) as session:
        session.execute(update(DisplayRow).values(due_at=None, lane="normal"))
        for carried in session.exec(select(Carried)).all():
            if carried.outlet_id != panels[6].id:
                session.delete(carried)
    body = {"kind": "forgotten"}
    receipts.apply([Report(here.code, "", ReportStage.BEACON, clock.now(), body=body)])
    assert urgent.id
    now = rows()
    assert all(row.evidence["images"] == [] for row in now)
    first = min(now, key=lambda row: row.due_at or clock.now())
    spread = [(row.due_at - first.due_at).total_seconds() for row in now]  # type: ignore[operator]
    assert (first.outlet_id, first.lane) in [(panels[6].id, "urgent"), (panels[0].id, "normal")]
    assert next(r for r in now if r.outlet_id == panels[6].id).due_at == first.due_at
    assert max(spread) == (PANELS - 1) // 2


def test_a_matrix_gets_its_pictures_once_before_the_plan_and_loses_them_after(
    here: Authority, broker: Broker
) -> None:
    panel = outlet(here, "panel", "matrix", {"model": "matrix-96x64"})
    hearer = Hearer(broker, "tambour/1/+/matrix/#")
    first = say(here)
    assert displays.work(panel.id or 0) == 1
    until(lambda: hearer.plans, 60, "the plan")
    kinds = [message.topic.split("/")[4] for message in hearer.raw]
    assert kinds[-1] == "plan"
    assert set(kinds[:-1]) == {"image"}
    images = {message.topic for message in hearer.raw[:-1]}
    assert all(bytes(m.payload).startswith(b"\x89PNG") for m in hearer.raw[:-1])
    with db.writing(db.EVERYWHERE) as session:
        displays.due_again(session, panel.id or 0)
    assert displays.work(panel.id or 0) == 1
    until(lambda: len(hearer.plans) == 2, 60, "the second plan")
    assert len(hearer.raw) == len(images) + 2  # no picture was sent again
    with db.writing(here.id) as session:
        row = session.get_one(Publication, first.id)
        publishing.cancel(session, row, publishing.EndedAs.OVER, "test")
    assert displays.work(panel.id or 0) == 1
    until(lambda: len(hearer.raw) == 2 * len(images) + 3, 60, "the pictures to be cleared")
    cleared = hearer.raw[-len(images) :]
    assert {m.topic for m in cleared} == images
    assert all(m.payload == b"" for m in cleared)
    hearer.close()
