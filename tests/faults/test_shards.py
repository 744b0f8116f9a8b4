"""A worker dies between any two steps of a push: no phone is missed, and what is sent twice is one
slice, under the same Topic, so that each phone shows it once."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from sqlmodel import select

from hub import db, publishing, subscribing
from hub.contracts import Outcome
from hub.devices import Device, Gate
from hub.dispatch import closing, leases, messengers, shards
from hub.dispatch.messengers import Speaking
from hub.models import Authority, Delivery, Publication, Shard
from hub.subscribing import Wishes
from hub.vocabulary import EndedAs, Intent
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.push_service import FakePhone, PushService
from tests.working import work_all

SLICE = 4


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as made:
        yield made


@pytest.fixture
def here(hub_on_sqlite: Path, service: PushService) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=service.pair)
    made = town()
    outlet(made, "push")
    return made


@pytest.fixture
def phones(here: Authority, service: PushService) -> list[FakePhone]:
    return [follow(service) for _ in range(10)]


def follow(service: PushService) -> FakePhone:
    phone = service.phone()
    with db.writing(db.EVERYWHERE) as session:
        device = Device(phone.endpoint, phone.p256dh, phone.auth)
        wishes = Wishes(["VILLARD"], language="fr")
        subscribing.create(session, device, wishes, Gate.of_settings(), "annonces.example")
    return phone


def said(here: Authority, headline: str = "Rue des Brûlis fermée") -> Delivery:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content(headline))
        publishing.publish(session, publication, "test")
    return of(publication.id)


def of(publication_id: str) -> Delivery:
    """The push delivery of its last revision."""
    with db.reading(db.EVERYWHERE) as session:
        return session.exec(
            select(Delivery)
            .where(Delivery.publication_id == publication_id)
            .order_by(Delivery.revision_no.desc())  # type: ignore[attr-defined]
            .limit(1)
        ).one()


def frozen(delivery: Delivery) -> Speaking:
    """Its audience written down."""
    speaking = messengers.frame(delivery.id or 0)
    assert speaking is not None
    return speaking


def first_slice(delivery: Delivery) -> shards.Slice:
    (piece,) = shards.open_([shards.Ask(frozen(delivery), SLICE)])
    assert piece is not None
    return piece


def wired(piece: shards.Slice) -> list[Outcome]:
    return shards.wire(piece.speaking.message(piece.intent), piece)


def another_worker() -> None:
    """The process is gone; what the sweeper or a restart of the same worker does to its leases."""
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)


def got(service: PushService) -> Counter[str]:
    return Counter(r.path for r in service.received)


def paths(phones: list[FakePhone]) -> list[str]:
    return [urlsplit(phone.endpoint).path for phone in phones]


def state(delivery: Delivery) -> tuple[str, int, int]:
    with db.reading(db.EVERYWHERE) as session:
        row = session.get_one(Delivery, delivery.id)
        return row.state, row.total, row.accepted


def test_killed_after_the_claim_everybody_is_told_once(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    assert messengers.claim(delivery.id or 0)
    another_worker()
    work_all()
    assert got(service) == Counter(paths(phones))
    assert state(delivery) == ("done", 10, 10)


def test_killed_after_the_audience_was_written_down_it_is_written_once(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    frozen(delivery)
    another_worker()
    late = follow(service)
    work_all()
    assert got(service) == Counter(paths(phones))
    assert not service.messages(late)  # who joins later reads it in the application
    with db.reading(here.id) as session:
        assert len(session.exec(select(Shard)).all()) == 1


def test_killed_between_open_and_wire_nobody_is_missed(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    first_slice(delivery)
    another_worker()
    work_all()
    assert got(service) == Counter(paths(phones))
    assert state(delivery) == ("done", 10, 10)


def test_killed_between_wire_and_close_one_slice_comes_twice_under_the_same_topic(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    piece = first_slice(delivery)
    wired(piece)
    another_worker()
    work_all()
    counts = got(service)
    assert set(counts) == set(paths(phones))
    twice = [path for path, count in counts.items() if count > 1]
    assert len(twice) == SLICE
    assert max(counts.values()) == 2
    for path in twice:
        requests = [r for r in service.received if r.path == path]
        assert len({r.headers["topic"] for r in requests}) == 1
    tags = {m["tag"] for phone in phones for m in service.messages(phone)}
    assert len(tags) == 1
    assert state(delivery) == ("done", 10, 10)


def test_killed_between_two_slices_the_rest_goes_on_where_it_stood(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    piece = first_slice(delivery)
    closing.close([(piece, wired(piece))])
    another_worker()
    work_all()
    assert got(service) == Counter(paths(phones))
    assert state(delivery) == ("done", 10, 10)


def test_a_worker_whose_lease_was_broken_does_not_move_the_cursor(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    delivery = said(here)
    piece = first_slice(delivery)
    outcomes = wired(piece)
    another_worker()
    with db.writing(db.EVERYWHERE) as session:
        shard = session.get_one(Shard, piece.shard_id)
        shard.lease = "elsewhere/worker/1"
        session.add(shard)
    assert closing.close([(piece, outcomes)]) == [closing.Closing.LOST]
    assert shards.open_([shards.Ask(piece.speaking, SLICE, piece.shard_id)]) == [None]
    with db.reading(here.id) as session:
        shard = session.get_one(Shard, piece.shard_id)
    assert (shard.cursor, shard.accepted, shard.lease) == (0, 0, "elsewhere/worker/1")


def test_a_phone_gone_meanwhile_is_skipped_and_counted(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    service.answer(410, to=phones[3].endpoint)
    delivery = said(here)
    first_slice(delivery)
    another_worker()
    work_all()
    with db.reading(here.id) as session:
        row = session.get_one(Delivery, delivery.id)
    assert (row.state, row.total, row.accepted, row.gone) == ("done", 10, 9, 1)
    service.received.clear()
    said(here, "Rue des Brûlis rouverte")
    work_all()
    assert got(service) == Counter(paths(phones[:3] + phones[4:]))


def test_a_cancel_reaches_exactly_those_told_before_the_worker_died(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    """Six of ten were never told; they hear of no end. A slice that may have left counts as told
    once it is repeated, which a cancel forbids: only the closed slice is."""
    delivery = said(here)
    piece = first_slice(delivery)
    closing.close([(piece, wired(piece))])
    told = set(got(service))
    another_worker()
    service.received.clear()
    with db.writing(here.id) as session:
        publication = session.get_one(Publication, delivery.publication_id)
        publishing.cancel(session, publication, EndedAs.OVER, "test")
    work_all()
    assert set(got(service)) == told
    assert all(
        m["intent"] == Intent.WITHDRAW
        for phone in phones
        for m in service.messages(phone)
    )  # fmt: skip
    assert state(delivery)[0] == "superseded"


def test_a_cancel_reaches_a_slice_that_may_have_left(
    here: Authority, service: PushService, phones: list[FakePhone]
) -> None:
    """The worker died after the wire and before the close: four phones show it, the cursor does
    not know. The end must reach them all the same."""
    delivery = said(here)
    piece = first_slice(delivery)
    wired(piece)
    told = set(got(service))
    assert len(told) == SLICE
    another_worker()
    service.received.clear()
    with db.writing(here.id) as session:
        publication = session.get_one(Publication, delivery.publication_id)
        publishing.cancel(session, publication, EndedAs.RETRACTED, "test")
    work_all()
    assert told <= set(got(service))
