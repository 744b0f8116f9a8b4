"""A push host is in trouble: the others are told at once, it is left alone, one phone asks whether
it is well again, and in the end nobody is missing."""

import multiprocessing
import os
import signal
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from hub import clock, db, health, outlets, publishing, stopping
from hub.dispatch import fanout, leases, messengers, shards
from hub.models import Authority, Breaker, Delivery, Shard, Subscription
from tests import crowds
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.brokers import until
from tests.fakes.push_service import PushService
from tests.working import work_all

PHONES = 12


@pytest.fixture
def well() -> Iterator[PushService]:
    with PushService() as made:
        made.answer(201, to=crowds.PATH)
        yield made


@pytest.fixture
def ill() -> Iterator[PushService]:
    with PushService() as made:
        yield made


@pytest.fixture
def here(
    hub_on_sqlite: Path, well: PushService, ill: PushService, monkeypatch: pytest.MonkeyPatch
) -> Authority:
    pairs = f"{well.pair},{ill.pair}"
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=pairs)
    means = replace(outlets.means(), timeout=1.0)  # a host that hangs would cost ten seconds
    monkeypatch.setattr(outlets, "means", lambda: means)
    made = town()
    outlet(made, "push")
    return made


def said(here: Authority, **more: Any) -> int:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content(**more))
        publishing.publish(session, publication, "test")
    with db.reading(here.id) as session:
        found = select(Delivery.id).where(Delivery.publication_id == publication.id)
        return session.exec(found).one() or 0


def row(delivery_id: int) -> Delivery:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(Delivery, delivery_id)


def breakers() -> list[Breaker]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(Breaker)).all())


def asked(service: PushService) -> Counter[str]:
    return Counter(r.path for r in service.received)


TROUBLES: dict[str, dict[str, Any]] = {
    "hangs": {"hang": True},
    "500": {"status": 500},
    "429": {"status": 429, "headers": {"retry-after": "120"}},
    "401": {"status": 401},
    "half an answer": {"cut": True},
}


@pytest.mark.parametrize("trouble", TROUBLES)
def test_the_others_are_told_and_one_phone_asks_whether_it_is_well_again(
    here: Authority, well: PushService, ill: PushService, trouble: str
) -> None:
    ill.answer(to=crowds.PATH, **TROUBLES[trouble])
    told = crowds.gather(here, well.base, PHONES)
    late = crowds.gather(here, ill.base, PHONES)
    delivery = said(here)
    work_all(1)
    assert asked(well) == Counter(urlsplit(e).path for e in told)
    assert 8 <= sum(asked(ill).values()) <= PHONES
    (breaker,) = breakers()
    assert breaker.host == ill.pair
    pause = breaker.until - clock.now()
    at_least = {"429": 100, "401": 290}.get(trouble, 0)
    assert timedelta(seconds=at_least) < pause <= timedelta(seconds=305)
    assert row(delivery).accepted == PHONES
    assert row(delivery).state == "open"
    assert [h["host"] for h in health.health()["push_hosts_left_alone"]] == [ill.pair]

    # Left alone: another delivery asks it nothing, and tells the others.
    before = sum(asked(ill).values())
    well.received.clear()
    other = said(here, headline="Marché déplacé")
    work_all(1)
    assert sum(asked(ill).values()) == before
    assert sum(asked(well).values()) == PHONES
    assert row(other).accepted == PHONES

    # Its time is over, and it is still ill: one phone asks, and it is left alone for longer.
    clock.set_offset(400)
    work_all(1)
    assert sum(asked(ill).values()) == before + 1
    (again,) = breakers()
    assert again.tries == 2

    # It is well again: one phone asks, then nobody is missing.
    ill.answer(201, to=crowds.PATH)
    ill.received.clear()
    clock.set_offset(2_000)
    work_all(1)
    assert breakers() == []
    clock.set_offset(2_100)
    work_all()
    assert {row(delivery).state, row(other).state} == {"done"}
    assert row(delivery).accepted == row(other).accepted == 2 * PHONES
    assert asked(ill) == Counter(urlsplit(e).path for e in late * 2)
    with db.reading(db.EVERYWHERE) as session:
        phones = session.exec(select(Subscription)).all()
    assert len(phones) == 2 * PHONES  # a host's trouble costs no phone its place
    assert {phone.failures for phone in phones} == {0}


def test_a_message_that_is_too_long_for_a_host_is_named_and_not_repeated(
    here: Authority, well: PushService, ill: PushService
) -> None:
    ill.answer(413, to=crowds.PATH)
    crowds.gather(here, well.base, PHONES)
    crowds.gather(here, ill.base, PHONES)
    delivery = said(here)
    work_all()
    ended = row(delivery)
    assert (ended.state, ended.accepted, ended.rejected) == ("done", PHONES, PHONES)
    assert sum(asked(ill).values()) == PHONES
    assert breakers() == []


def test_a_few_tired_answers_are_the_phones_own_and_open_nothing(
    here: Authority, well: PushService
) -> None:
    endpoints = crowds.gather(here, well.base, PHONES)
    for endpoint in endpoints[:3]:
        well.answer(503, to=endpoint, times=1)
    delivery = said(here)
    work_all(1)
    assert breakers() == []
    assert row(delivery).accepted == PHONES - 3
    clock.set_offset(30)
    work_all()
    assert (row(delivery).state, row(delivery).accepted) == ("done", PHONES)


def test_the_database_is_away_when_a_slice_is_to_be_closed(
    here: Authority, well: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the wire said is kept in hand: nobody is told twice."""
    crowds.gather(here, well.base, PHONES)
    delivery = said(here)
    wired = shards.wire

    def wire(*given: Any) -> Any:
        found = wired(*given)
        database = Path(os.environ["TAMBOUR_DATA"]) / "tambour.db"
        db.dispose()
        database.rename(database.with_suffix(".away"))
        database.mkdir()  # "unable to open database file"
        back = lambda: (database.rmdir(), database.with_suffix(".away").rename(database))  # noqa: E731
        monkeypatch.setattr("hub.dispatch.patience.time.sleep", lambda _s: back())
        return found

    monkeypatch.setattr(shards, "wire", wire)
    messengers.work(delivery)
    assert sum(asked(well).values()) == PHONES
    assert (row(delivery).state, row(delivery).accepted) == ("done", PHONES)


def test_a_worker_told_to_stop_closes_its_slice_and_hands_the_shard_back(
    here: Authority, well: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SIGTERM in the middle of a slice that hangs: what left is counted, the rest is free."""
    endpoints = crowds.gather(here, well.base, 60)
    monkeypatch.setattr(fanout, "_LARGEST", 20)
    monkeypatch.setattr(fanout, "_LEAST", 20)
    well.answer(201, to=endpoints[30], hang=True)
    delivery = said(here)
    patient = replace(outlets.means(), timeout=60.0)
    monkeypatch.setattr(outlets, "means", lambda: patient)

    def worker() -> None:
        stopping.arm()
        signal.signal(signal.SIGTERM, lambda *_: stopping.ask())
        leases.name_this_worker("stops")
        messengers.work(delivery)

    child = multiprocessing.get_context("fork").Process(target=worker)
    child.start()
    until(lambda: len(well.received) >= 40, what="the second slice to hang")
    os.kill(child.pid or 0, signal.SIGTERM)
    child.join(30)
    assert child.exitcode == 0
    seen = row(delivery)
    assert (seen.state, seen.accepted) == ("open", 39)
    with db.reading(db.EVERYWHERE) as session:
        found = session.exec(select(Shard).order_by(Shard.n)).all()
    assert [(s.lease, s.cursor, s.size) for s in found] == [("", 40, 60), ("", 0, 1)]
