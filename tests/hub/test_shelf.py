"""What is stored, and what every web process takes over: on SQLite and on PostgreSQL."""

import asyncio
import re
from datetime import timedelta

import httpx2
import pytest

from hub import changes, db, shelf
from hub.models import ShelfRow
from hub.shelf import PathTaken, Shelf, etag_of
from tests.hub.shelf_process import FEED, NOW, Renewing, feed, router, said, serving, store

pytestmark = pytest.mark.usefixtures("at")


def rows():
    with db.reading(db.EVERYWHERE) as session:
        found = session.exec(shelf.select(ShelfRow)).all()
        return {row.path: row for row in found if row.media_type}


def number():
    with db.reading(db.EVERYWHERE) as session:
        return changes.number(session)


def test_a_document_is_stored_with_its_strong_tag_under_the_number_of_its_change(site):
    assert store(site, feed(b"{}", valid_until=NOW + timedelta(hours=1)))
    row = rows()[FEED]
    assert row.body == b"{}"
    assert row.etag == etag_of(b"{}") == "RBNvo1WzZ4oRRq0W9-hknpT7T8If536DEMBg9hyq_4o"
    assert row.modified == NOW
    assert row.valid_until == NOW + timedelta(hours=1)
    assert row.version == number() == 1


def test_the_same_said_again_changes_nothing(site):
    store(site, feed())
    assert not store(site, feed(), NOW + timedelta(minutes=1))
    assert rows()[FEED].modified == NOW
    assert number() == 1


def test_a_new_body_moves_modified_and_a_new_validity_does_not(site):
    later = NOW + timedelta(minutes=1)
    store(site, feed())
    assert store(site, feed(valid_until=NOW + timedelta(hours=1)), later)
    assert (rows()[FEED].modified, number()) == (NOW, 2)
    assert store(site, feed(b"[]"), later)
    assert (rows()[FEED].modified, number()) == (later, 3)


def test_what_is_no_longer_said_is_taken_off(site):
    page = ("/s/mairie/n/1.html", "text/html", b"x")
    store(site, said((FEED, "application/json", b"{}"), page))
    assert store(site, said((FEED, "application/json", b"{}")))
    assert set(rows()) == {FEED}
    assert store(site, said())
    assert rows() == {}
    assert not store(site, said())
    assert store(site, feed())
    assert set(rows()) == {FEED}


def test_a_removed_row_goes_for_good_after_a_day(site):
    store(site, feed())
    store(site, feed(path="/s/mairie/other"))
    store(site, feed(b"[]", path="/s/mairie/other"), NOW + timedelta(hours=25))
    with db.reading(db.EVERYWHERE) as session:
        assert session.get(ShelfRow, FEED) is None


def test_two_outlets_cannot_serve_one_address(site, new_site):
    other = new_site("crolles")
    store(site, feed())
    with pytest.raises(PathTaken, match=re.escape(FEED)):
        store(other, feed(b"[]"))
    scoped = db.writing(other.authority_id)
    with pytest.raises(PathTaken), scoped as session:
        shelf.store(session, other.id, other.authority_id, feed(b"[]"), NOW)
    assert rows()[FEED].body == b"{}"
    store(site, said())
    assert store(other, feed(b"[]"))
    assert rows()[FEED].outlet_id == other.id


def test_a_change_is_taken_over_without_a_restart(site):
    async def scenario():
        async with serving() as client:
            assert (await client.get(FEED)).content == b"router"
            store(site, feed(b"[1]"))
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"[1]"
            store(site, feed(b"[2]"))
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"[2]"
            store(site, said())
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"router"

    asyncio.run(scenario())


def test_only_changed_rows_are_read_again(site, new_site):
    other = new_site("crolles")
    store(site, feed())
    store(other, feed(path="/s/crolles/feed.json"))

    async def scenario():
        async with serving() as client:
            before = dict(client.shelf._held)
            store(other, feed(b"[]", path="/s/crolles/feed.json"))
            await client.shelf.refresh()
            after = client.shelf._held
            assert after[FEED] is before[FEED]
            assert after["/s/crolles/feed.json"] is not before["/s/crolles/feed.json"]

    asyncio.run(scenario())


def test_what_a_worker_stored_replaces_all_that_this_process_rendered(site, at):
    """Its page of a notice would stay otherwise: the worker never had that page, so it has nothing
    to take off."""
    end = NOW + timedelta(minutes=5)
    store(site, feed(b"[1]", valid_until=end))
    page = ("/s/mairie/n/2.html", "text/html", b"2")
    renew = Renewing(said((FEED, "application/json", b"[2]"), page))

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            await client.get(FEED)
            assert (await client.get("/s/mairie/n/2.html")).content == b"2"
            store(site, feed(b"[]"))
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"[]"
            assert (await client.get("/s/mairie/n/2.html")).content == b"router"

    asyncio.run(scenario())


def test_a_slow_rendering_does_not_replace_what_a_worker_stored_meanwhile(site, at):
    end = NOW + timedelta(minutes=5)
    store(site, feed(b"[1]", valid_until=end))
    renew = Renewing(feed(b"[old]"))
    renew.held.clear()

    async def scenario():
        async with serving(renew) as client:
            at.now = end
            asked = asyncio.create_task(client.get(FEED))
            while not renew.calls:
                await asyncio.sleep(0.001)
            store(site, feed(b"[new]"))
            await client.shelf.refresh()
            renew.held.set()
            assert (await asked).content == b"[new]"
            assert (await client.get(FEED)).content == b"[new]"

    asyncio.run(scenario())


def test_after_a_failed_reading_everything_is_read_again(site, monkeypatch):
    async def scenario():
        async with serving() as client:
            store(site, feed())
            await client.shelf.refresh()
            with monkeypatch.context() as broken:
                broken.setattr(shelf, "reading", None)
                with pytest.raises(TypeError):
                    await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"{}"
            store(site, said())
            with db.writing(db.EVERYWHERE) as session:
                session.delete(session.get(ShelfRow, FEED))
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"router"

    asyncio.run(scenario())


def test_a_restored_database_is_taken_over_as_it_is(site):
    async def scenario():
        async with serving() as client:
            for body in (b"[1]", b"[2]", b"[3]"):
                store(site, feed(body))
            await client.shelf.refresh()
            with db.writing(db.EVERYWHERE) as session:
                row = session.get(ShelfRow, FEED)
                row.body, row.etag, row.version = b"[1]", etag_of(b"[1]"), 1
                session.get(changes.Memo, changes.NAME).number = 1
            await client.shelf.refresh()
            assert (await client.get(FEED)).content == b"[1]"

    asyncio.run(scenario())


def test_a_hit_reads_no_database(site, monkeypatch):
    store(site, feed())

    async def scenario():
        async with serving() as client:
            monkeypatch.setattr(shelf, "reading", None)
            db.dispose()
            monkeypatch.setattr(db, "engine", None)
            assert (await client.get(FEED)).content == b"{}"
            monkeypatch.undo()

    asyncio.run(scenario())


def test_the_poller_keeps_the_shelf_up_to_date(site):
    store(site, feed(b"[1]"))

    async def scenario():
        poller = changes.Poller(interval=0.01)
        served = Shelf(router, poller=poller, renew=Renewing())
        await poller.start()
        transport = httpx2.ASGITransport(app=served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
            assert (await client.get(FEED)).content == b"[1]"
            await asyncio.to_thread(store, site, feed(b"[2]"))
            async with asyncio.timeout(20):
                await poller.wait(1)
            assert (await client.get(FEED)).content == b"[2]"
        await poller.stop()

    asyncio.run(scenario())
