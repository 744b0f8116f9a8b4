"""The change counter: seen after the change, by everybody who asked, and never lost."""

import asyncio
import threading

import pytest

from hub import changes, clock, db
from hub.changes import Poller
from hub.models import Outlet, ShelfRow


def bump():
    with db.writing(db.EVERYWHERE) as session:
        changes.bump(session)


def number():
    with db.reading(db.EVERYWHERE) as session:
        return changes.number(session)


def test_the_counter_rises_by_one_with_each_transaction(database):
    assert number() == 0
    bump()
    with db.writing(db.EVERYWHERE) as session:
        changes.bump(session)
        changes.bump(session)
        assert changes.number(session) == 1
    assert number() == 2


def test_a_transaction_that_fails_changes_nothing(database):
    def fail():
        with db.writing(db.EVERYWHERE) as session:
            changes.bump(session)
            raise ZeroDivisionError

    bump()
    with pytest.raises(ZeroDivisionError):
        fail()
    assert number() == 1


def test_a_savepoint_does_not_raise_it_early(database):
    with db.writing(db.EVERYWHERE) as session:
        changes.bump(session)
        with session.begin_nested():
            pass
        assert changes.number(session) == 0
    assert number() == 1


def test_rows_are_stamped_with_the_number_of_their_transaction(site):
    bump()
    row = ShelfRow(
        path="/s/a/feed.json",
        outlet_id=site.id,
        authority_id=site.authority_id,
        etag="",
        media_type="text/plain",
        body=b"",
        modified=clock.now(),
    )
    with db.writing(db.EVERYWHERE) as session:
        session.add(row)
        changes.bump(session, row)
    with db.reading(db.EVERYWHERE) as session:
        assert session.get(ShelfRow, row.path).version == number() == 2


def test_no_change_is_lost_among_writers_at_once(database):
    writers = [threading.Thread(target=lambda: [bump() for _ in range(10)]) for _ in range(4)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert number() == 40


@pytest.mark.parametrize("database", ["hub_on_postgres"], indirect=True)
def test_writers_that_hold_rows_of_their_own_do_not_wait_for_each_other(database, site):
    """One changes a row, then bumps; the other bumps, then changes that row. A lock taken at `bump`
    would leave each waiting for the other."""
    met = threading.Barrier(2, timeout=20)
    done = []

    def rename(session):
        row = session.get_one(Outlet, site.id)
        row.name += "x"
        session.add(row)
        session.flush()

    def row_first():
        with db.writing(db.EVERYWHERE) as session:
            rename(session)
            met.wait()
            changes.bump(session)
        done.append("row first")

    def bump_first():
        with db.writing(db.EVERYWHERE) as session:
            changes.bump(session)
            met.wait()
            rename(session)
        done.append("bump first")

    both = [threading.Thread(target=way) for way in (row_first, bump_first)]
    for one in both:
        one.start()
    for one in both:
        one.join(timeout=30)
    assert sorted(done) == ["bump first", "row first"]
    assert number() == 2


class Counter:
    """A counter that a test turns by hand."""

    def __init__(self):
        self.value, self.broken, self.looks = 0, False, 0

    def __call__(self):
        self.looks += 1
        if self.broken:
            raise OSError("the database is away")
        return self.value


def polling(scenario):
    """Run `scenario(poller, counter)` with a poller that looks every 5 ms."""

    async def run():
        counter = Counter()
        poller = Poller(counter, interval=0.005)
        try:
            async with asyncio.timeout(20):
                await scenario(poller, counter)
        finally:
            await poller.stop()

    asyncio.run(run())


def test_a_subscriber_is_up_to_date_when_the_poller_has_started():
    async def scenario(poller, counter):
        seen = []

        async def tell():
            seen.append(counter.value)

        poller.subscribe(tell)
        await poller.start()
        assert seen == [0]
        assert poller.number == 0

    polling(scenario)


def test_who_waits_wakes_at_the_next_change_after_subscribers_were_told():
    async def scenario(poller, counter):
        told = []

        async def tell():
            told.append(counter.value)

        poller.subscribe(tell)
        await poller.start()
        waiters = [asyncio.create_task(poller.wait(0)) for _ in range(3)]
        counter.value = 7
        assert await asyncio.gather(*waiters) == [7, 7, 7]
        assert told == [0, 7]

    polling(scenario)


def test_who_waits_for_a_number_already_passed_does_not_wait():
    async def scenario(poller, counter):
        counter.value = 5
        await poller.start()
        assert await poller.wait(4) == 5

    polling(scenario)


def test_a_counter_that_went_back_is_a_change():
    async def scenario(poller, counter):
        counter.value = 9
        await poller.start()
        counter.value = 3
        assert await poller.wait(9) == 3

    polling(scenario)


def test_a_database_that_is_away_is_asked_again():
    async def scenario(poller, counter):
        counter.broken = True
        await poller.start()
        assert poller.number == -1
        counter.broken, counter.value = False, 2
        assert await poller.wait(-1) == 2

    polling(scenario)


def test_a_subscriber_that_failed_is_told_again():
    async def scenario(poller, counter):
        calls = []

        async def tell():
            calls.append(counter.looks)
            if len(calls) == 1:
                raise OSError

        poller.subscribe(tell)
        await poller.start()
        while len(calls) < 2:
            await asyncio.sleep(0.005)
        looks = counter.looks
        while counter.looks < looks + 3:
            await asyncio.sleep(0.005)
        assert len(calls) == 2

    polling(scenario)


def test_stopping_wakes_who_waits():
    async def scenario(poller, counter):
        await poller.start()
        waiter = asyncio.create_task(poller.wait(0))
        await asyncio.sleep(0)
        await poller.stop()
        assert await waiter == 0
        assert poller.stopped

    polling(scenario)


def test_the_poller_reads_the_hub_database(database):
    async def scenario():
        poller = Poller(interval=0.01)
        await poller.start()
        await asyncio.to_thread(bump)
        async with asyncio.timeout(20):
            assert await poller.wait(0) == 1
        await poller.stop()

    asyncio.run(scenario())
