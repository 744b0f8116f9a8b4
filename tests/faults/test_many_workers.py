"""Many workers tell one push: each by the lease of its own shard, none of them twice, and the
counters are the sum of what all did."""

import multiprocessing
import os
import time
from collections import Counter
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from hub import clock, db, nudges, publishing
from hub.dispatch import closing, fanout, freezing, lanes, leases, messengers, shards
from hub.dispatch.messengers import Speaking
from hub.models import Attempt, Authority, Delivery, Shard
from hub.vocabulary import DELIVERY_OVER, Lane
from tests import crowds
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.push_service import PushService
from tests.working import work_all


@pytest.fixture
def here(hub_on_both: Path, service: PushService) -> Authority:
    return begin(hub_on_both, service)


def begin(folder: Path, service: PushService) -> Authority:
    database = os.environ.get("TAMBOUR_DATABASE_URL", "")
    more = {"TAMBOUR_DATABASE_URL": database} if database else {}
    start_instance(folder, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=service.pair, **more)
    made = town()
    outlet(made, "push")
    return made


@pytest.fixture
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freezing, "SHARD", 10)
    monkeypatch.setattr(fanout, "_LARGEST", 5)
    monkeypatch.setattr(fanout, "_LEAST", 5)


def said(here: Authority, headline: str = "Rue des Brûlis fermée", **more: Any) -> Delivery:
    with db.writing(here.id) as session:
        publication = publishing.create(
            session, "test", station(session, here), content(headline, **more)
        )
        publishing.publish(session, publication, "test")
    with db.reading(here.id) as session:
        return session.exec(select(Delivery).where(Delivery.publication_id == publication.id)).one()


def fresh(delivery: Delivery) -> Delivery:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(Delivery, delivery.id)


def got(service: PushService) -> Counter[str]:
    return Counter(r.path for r in service.received)


def paths(endpoints: list[str]) -> Counter[str]:
    return Counter(urlsplit(endpoint).path for endpoint in endpoints)


def opened(speaking: Speaking | None, size: int) -> shards.Slice:
    assert speaking is not None
    (piece,) = shards.open_([shards.Ask(speaking, size)])
    assert piece is not None
    return piece


def tell(piece: shards.Slice) -> closing.Closing:
    outcomes = shards.wire(piece.speaking.message(piece.intent), piece)
    return closing.close([(piece, outcomes)])[0]


def work_until_over(delivery_id: int, go: Any) -> None:
    """A worker's process; what it inherited belongs to its parent."""
    leases.name_this_worker(f"worker-{os.getpid()}")
    go.wait(60)
    while fresh_state(delivery_id) not in DELIVERY_OVER:
        messengers.work(delivery_id)
        time.sleep(0.02)


def fresh_state(delivery_id: int) -> str:
    with db.reading(db.EVERYWHERE) as session:
        return session.exec(select(Delivery.state).where(Delivery.id == delivery_id)).one()


def test_processes_share_one_delivery_and_nobody_is_told_twice(
    here: Authority, service: PushService, small_shards: None
) -> None:
    endpoints = crowds.gather(here, service.base, 200)
    delivery = said(here)
    forking = multiprocessing.get_context("fork")
    go = forking.Barrier(3)
    workers = [forking.Process(target=work_until_over, args=(delivery.id, go)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(100)
    assert [worker.exitcode for worker in workers] == [0, 0, 0]
    assert got(service) == paths(endpoints)
    row = fresh(delivery)
    assert (row.state, row.total, row.accepted, row.gone) == ("done", 200, 200, 0)
    assert row.first_at <= row.half_at <= row.ninety_at <= row.ninetynine_at <= row.closed_at
    with db.reading(here.id) as session:
        attempts = session.exec(select(Attempt.count)).all()
    assert sum(attempts) == 200


def test_a_second_worker_joins_and_the_last_one_says_it_is_done(
    here: Authority, service: PushService, small_shards: None
) -> None:
    endpoints = crowds.gather(here, service.base, 20)
    delivery = said(here)
    leases.name_this_worker("first")
    speaking = messengers.frame(delivery.id)
    held = opened(speaking, 10)
    leases.name_this_worker("second")
    taken = opened(messengers.frame(delivery.id), 10)
    assert held.shard_id != taken.shard_id
    leases.name_this_worker("third")
    assert speaking is not None
    assert shards.open_([shards.Ask(speaking, 10)]) == [None]
    leases.name_this_worker("second")
    assert tell(taken) is closing.Closing.DONE
    assert fresh(delivery).state == "open"
    leases.name_this_worker("first")
    assert tell(held) is closing.Closing.DONE
    assert (fresh(delivery).state, fresh(delivery).accepted) == ("done", 20)
    assert got(service) == paths(endpoints)


def test_one_of_two_workers_dies_and_the_other_ends_it(
    here: Authority, service: PushService, small_shards: None
) -> None:
    endpoints = crowds.gather(here, service.base, 30)
    delivery = said(here)
    leases.name_this_worker("dies")
    assert tell(opened(messengers.frame(delivery.id), 5)) is closing.Closing.GOES_ON
    leases.name_this_worker("lives")
    work_all()
    assert fresh(delivery).state == "open"  # the dead worker's shard is not taken before its time
    assert sum(got(service).values()) == 25
    leases.name_this_worker("dies")
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)
    leases.name_this_worker("lives")
    work_all()
    assert got(service) == paths(endpoints)
    assert (fresh(delivery).state, fresh(delivery).accepted) == ("done", 30)


def test_a_freeze_cut_off_in_the_middle_is_ended_by_the_next_worker(
    here: Authority,
    service: PushService,
    small_shards: None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(freezing, "BATCH", 1)
    endpoints = crowds.gather(here, service.base, 30)
    delivery = said(here)
    speaking = messengers.claim(delivery.id)
    written = freezing._write
    calls = iter([True, False])
    with monkeypatch.context() as cut:
        cut.setattr(freezing, "_write", lambda *a: next(calls) and written(*a))
        assert freezing.freeze_phones(speaking) is False
    with db.reading(here.id) as session:
        assert len(session.exec(select(Shard)).all()) == 1
    # The first shard is told already by whoever comes, while its writer holds the delivery.
    assert tell(opened(messengers.frame(delivery.id), 10)) is closing.Closing.DONE
    assert fresh(delivery).state == "open"
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)
    work_all()
    assert got(service) == paths(endpoints)
    assert (fresh(delivery).state, fresh(delivery).total) == ("done", 30)


def test_a_nudge_leaves_for_each_further_shard(
    here: Authority, service: PushService, small_shards: None
) -> None:
    crowds.gather(here, service.base, 50)
    delivery = said(here)
    sent: list[tuple[str, int, Lane]] = []
    nudges.use(lambda *what: sent.append(what))
    messengers.frame(delivery.id)
    assert sent == [("delivery", delivery.id, Lane.NORMAL)] * 4


def test_the_authority_that_waited_longest_is_next(
    hub_on_sqlite: Path, service: PushService, small_shards: None
) -> None:
    """Three urgent deliveries of one town, one of another: turn by turn, none waits for all."""
    here = begin(hub_on_sqlite, service)
    there = town("froges")
    outlet(there, "push")
    grave = {"severity": "Severe", "urgency": "Immediate"}
    crowds.gather(here, service.base, 40)
    crowds.gather(there, service.base, 40, station="FROGES")
    mine = [said(here, f"Crue {n}", **grave) for n in range(3)]
    theirs = said(there, "Feu de forêt", **grave)
    work_all()
    with db.reading(db.EVERYWHERE) as session:
        order = list(session.exec(select(Attempt.authority_id).order_by(Attempt.id)).all())
    assert order.count(there.id) == 8
    last = len(order) - 1 - order[::-1].index(there.id)
    ahead = 0
    for number, authority in enumerate(order[: last + 1]):
        ahead += 1 if authority == here.id else -1
        assert abs(ahead) <= 1, (number, list(order))
    assert {fresh(d).state for d in (*mine, theirs)} == {"done"}


def test_urgent_overtakes_at_the_next_slice(
    hub_on_sqlite: Path, service: PushService, small_shards: None
) -> None:
    here = begin(hub_on_sqlite, service)
    crowds.gather(here, service.base, 30)
    calm = said(here, "Marché de Noël")
    first = opened(messengers.frame(calm.id), 3)
    assert tell(first) is closing.Closing.GOES_ON
    urgent = said(here, "Évacuez", severity="Extreme", urgency="Immediate")
    (second,) = shards.open_([shards.Ask(first.speaking, 3, first.shard_id)])
    assert second is not None
    assert tell(second) is closing.Closing.HANDED_BACK
    lanes.serve([Lane.NORMAL, Lane.BULK])
    try:
        assert messengers.work(calm.id) is False  # rests: the urgent one is under way
        lanes.serve(list(Lane))
        messengers.work(urgent.id)
    finally:
        lanes.serve(list(Lane))
    assert fresh(urgent).state == "done"
    work_all()
    assert (fresh(calm).state, fresh(calm).accepted) == ("done", 30)


def test_urgent_that_nothing_moves_does_not_hold_up_the_rest_for_ever(
    hub_on_sqlite: Path, service: PushService
) -> None:
    here = begin(hub_on_sqlite, service)
    crowds.gather(here, service.base, 10)
    said(here, "Évacuez", severity="Extreme", urgency="Immediate")
    with db.reading(db.EVERYWHERE) as session:
        assert lanes.rests(session, Lane.BULK)
        assert not lanes.rests(session, Lane.URGENT)
    clock.set_offset(40)
    with db.reading(db.EVERYWHERE) as session:
        assert not lanes.rests(session, Lane.BULK)
