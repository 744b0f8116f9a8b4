"""Many towns publish urgent news at once: they are served in rounds of several, each gets a handful
before anybody gets more, and what goes wrong with one is its own affair."""

from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event
from sqlmodel import select

from hub import db
from hub.contracts import PermanentFailure
from hub.dispatch import fanout, leases, messengers, shards
from hub.models import Attempt, Authority, Delivery
from hub.vocabulary import DeliveryState
from tests import crowds
from tests.factories import outlet, town
from tests.fakes.push_service import PushService
from tests.faults.test_many_workers import begin, fresh, got, paths, said
from tests.working import work_all

TOWNS, PHONES = 20, 30
GRAVE = {"severity": "Severe", "urgency": "Immediate"}


@pytest.fixture
def towns(hub_on_both: Path, service: PushService) -> list[Authority]:
    made = [begin(hub_on_both, service)]
    for n in range(1, TOWNS):
        made.append(town(f"commune{n}-x"))
        outlet(made[-1], "push")
    return made


def told(towns: list[Authority], service: PushService) -> tuple[list[Delivery], Counter[str]]:
    """(their deliveries, the paths of all their phones)."""
    everybody: Counter[str] = Counter()
    for one in towns:
        everybody += paths(crowds.gather(one, service.base, PHONES))
    return [said(one, "Crue", **GRAVE) for one in towns], everybody


def attempts() -> list[Attempt]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(Attempt).order_by(Attempt.id)).all())  # type: ignore[arg-type]


def test_each_town_is_begun_before_any_is_served_again(
    towns: list[Authority], service: PushService
) -> None:
    deliveries, everybody = told(towns, service)
    messengers.work(deliveries[0].id or 0)
    assert got(service) == everybody
    assert {fresh(d).state for d in deliveries} == {"done"}
    order = [a.delivery_id for a in attempts()]
    # The two who are alone at the end of the first lap may overlap with the second.
    assert len(set(order[: TOWNS - 2])) == TOWNS - 2
    assert {a.count for a in attempts()[: TOWNS - 2]} == {fanout._LEAST}


def test_a_round_asks_the_database_no_more_than_a_single_town(
    towns: list[Authority], service: PushService
) -> None:
    deliveries, _ = told(towns, service)
    asked: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_: Any) -> None:
        asked.append(statement)

    event.listen(db.engine(), "before_cursor_execute", note)
    try:
        messengers.work(deliveries[0].id or 0)
    finally:
        event.remove(db.engine(), "before_cursor_execute", note)
    slices = len(attempts())
    assert slices >= 2 * TOWNS
    # One by one a slice took 26 statements; who is addressed is asked for each town by itself.
    assert len(asked) < 10 * slices, (len(asked), slices)


def test_what_goes_wrong_with_one_town_keeps_nobody_else(
    towns: list[Authority], service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries, everybody = told(towns, service)
    wrong = deliveries[3].id
    wired = shards.wire

    def wire(message: Any, piece: shards.Slice) -> Any:
        if piece.speaking.delivery.id == wrong:
            raise PermanentFailure("The message cannot be sent.")
        return wired(message, piece)

    monkeypatch.setattr(shards, "wire", wire)
    messengers.work(deliveries[0].id or 0)
    assert fresh(deliveries[3]).state == DeliveryState.FAILED
    assert {fresh(d).state for d in deliveries if d.id != wrong} == {"done"}
    assert sum(got(service).values()) == sum(everybody.values()) - PHONES


def test_killed_in_the_middle_of_a_round_its_slices_come_twice_and_nobody_is_missed(
    towns: list[Authority], service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    deliveries, everybody = told(towns, service)
    leases.name_this_worker("dies")

    def killed(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as cut:
        cut.setattr("hub.dispatch.closing.close", killed)
        with pytest.raises(KeyboardInterrupt):
            messengers.work(deliveries[0].id or 0)
    left = sum(got(service).values())
    assert left == 10 * fanout._LEAST  # half of those that wait, each a handful
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)
    leases.name_this_worker("lives")
    work_all()
    counts = got(service)
    assert set(counts) == set(everybody)
    assert sum(counts.values()) - sum(everybody.values()) == left
    assert {fresh(d).state for d in deliveries} == {"done"}
