"""A provider in trouble is left alone by all deliveries of its outlet; one address at a time asks
whether it is well again, and no address is given up for what its provider could not do."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from hub import clock, db, health
from hub.api.outlets import add_numbers
from hub.dispatch import messengers, targets
from hub.models import Authority, Breaker, Delivery, TargetRow
from tests.conftest import start_instance
from tests.factories import outlet, town
from tests.fakes.operator import Operator
from tests.faults.test_targets import NUMBERS, grave, states
from tests.working import work_all


@pytest.fixture
def operator() -> Iterator[Operator]:
    with Operator() as made:
        yield made


@pytest.fixture
def here(hub_on_both: Path, operator: Operator) -> Authority:
    database = os.environ.get("TAMBOUR_DATABASE_URL", "")
    more = {"TAMBOUR_DATABASE_URL": database} if database else {}
    start_instance(hub_on_both, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=operator.address, **more)
    made = town()
    sms = outlet(made, "sms", options={"url": operator.url})
    with db.writing(made.id) as session:
        add_numbers(session, sms, NUMBERS, "fr")
    return made


@pytest.fixture(autouse=True)
def real_time() -> Iterator[None]:
    yield
    clock.set_offset(0)


def breaker() -> tuple[str, int] | None:
    with db.reading(db.EVERYWHERE) as session:
        row = session.exec(select(Breaker)).first()
        return (row.host, row.tries) if row else None


def fresh(delivery: Delivery) -> Delivery:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(Delivery, delivery.id)


def tries() -> int:
    with db.reading(db.EVERYWHERE) as session:
        return max(session.exec(select(TargetRow.tries)).all())


def asked(operator: Operator, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The numbers that were asked for, whatever the answer."""
    calls: list[str] = []
    take = operator.take

    def noting(call: dict[str, dict[str, str]]) -> tuple[int, bytes]:
        calls.append(call["params"]["to"])
        return take(call)

    monkeypatch.setattr(operator, "take", noting)
    return calls


def test_one_delivery_finds_the_trouble_and_the_others_leave_it_alone(
    here: Authority, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = asked(operator, monkeypatch)
    operator.answer = "429"
    first, second = grave(here), grave(here, "Ne buvez pas l'eau du robinet")
    messengers.work(first.id or 0)
    assert len(calls) == 1
    assert breaker() == ("villard-bonnot/sms", 1)
    assert messengers.work(second.id or 0)
    assert len(calls) == 1  # not asked again
    due = fresh(second).due_at
    assert due is not None
    assert due > clock.now()
    (alone,) = health.health()["providers_left_alone"]
    assert alone["host"] == "villard-bonnot/sms"
    assert not health.health()["push_hosts_left_alone"]


def test_one_address_asks_and_the_answer_lets_everybody_go_on(
    here: Authority, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = asked(operator, monkeypatch)
    operator.answer = "429"
    both = [grave(here), grave(here, "Ne buvez pas l'eau du robinet")]
    for delivery in both:
        messengers.work(delivery.id or 0)
    clock.set_offset(3)
    for delivery in both:
        messengers.work(delivery.id or 0)
    assert len(calls) == 2  # one of the two probed
    assert breaker() == ("villard-bonnot/sms", 2)
    operator.answer = "ok"
    clock.set_offset(10)
    messengers.work(both[0].id or 0)
    assert breaker() is None
    due = fresh(both[1]).due_at
    assert due is not None
    assert due <= clock.now()  # at once, not when its own pause is over
    work_all()
    assert set(operator.counts().values()) == {2}
    assert [fresh(delivery).state for delivery in both] == ["done", "done"]


def test_an_outage_longer_than_all_tries_gives_up_nobody(
    here: Authority, operator: Operator
) -> None:
    operator.answer = "429"
    delivery = grave(here)
    for hour in range(2 * targets.MOST_TRIES):
        clock.set_offset(400 * hour)
        messengers.work(delivery.id or 0)
    assert tries() <= 1
    assert set(states(delivery)) == {"pending"}
    operator.answer = "ok"
    clock.set_offset(400 * 2 * targets.MOST_TRIES)
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)
    assert fresh(delivery).state == "done"
