"""The website of a town, through the hub's own verbs: valid at each step, over on time alone."""

import asyncio
from datetime import timedelta
from pathlib import Path

import feedparser
import httpx2
import pytest
from icalendar import Calendar
from lxml import etree

from hub import changes, clock, db, publishing, settings
from hub.dispatch import displays
from hub.models import Publication
from hub.shelf import Shelf
from hub.vocabulary import EndedAs
from tests.factories import content, outlet, station, town
from tests.hub.shelf_process import router
from tests.working import work_all

CAP = "{urn:oasis:names:tc:emergency:cap:1.2}"


@pytest.fixture
def here(hub_on_both: Path):
    authority = town()
    outlet(authority, "website")
    return authority


def publish(here, **more):
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content(**more))
        publishing.publish(session, publication, "test")
    work_all()
    return publication.id


def ask(*names):
    """The documents as a web process serves them, by name; None where the router would answer."""

    async def run():
        poller = changes.Poller()
        served = Shelf(router, poller=poller, renew=displays.render_afresh)
        await served.refresh()
        transport = httpx2.ASGITransport(app=served)
        async with httpx2.AsyncClient(transport=transport, base_url="http://hub") as client:
            answers = {name: await client.get(f"/s/VILLARD/{name}") for name in names}
        await poller.stop()
        return {name: a.content if a.status_code == 200 else None for name, a in answers.items()}

    return asyncio.run(run())


def messages(index):
    """The CAP messages of an index, each checked against our profile."""
    profile = etree.RelaxNG(etree.parse(settings.get().config / "cap" / "cap-1.2.rng"))
    found = [
        etree.fromstring(etree.tostring(a)) for a in etree.fromstring(index).iter(f"{CAP}alert")
    ]
    for message in found:
        assert profile.validate(message), profile.error_log
    return found


def test_a_publication_passes_through_every_feed(here):
    key = publish(here)
    with db.writing(here.id) as session:
        kept = session.get_one(Publication, key)
        publishing.revise(session, kept, content("Réouverture à 16 h"), "test")
    work_all()
    served = ask("feed.cap", "feed.ics", "feed.rss", "feed.atom")
    (update,) = messages(served["feed.cap"])
    assert update.findtext(f"{CAP}msgType") == "Update"
    assert [e["SEQUENCE"] for e in Calendar.from_ical(served["feed.ics"]).events] == [1]
    for name in ("feed.rss", "feed.atom"):
        feed = feedparser.parse(served[name])
        assert not feed.bozo
        assert [entry.title for entry in feed.entries] == ["Réouverture à 16 h"]
    with db.writing(here.id) as session:
        publishing.cancel(session, session.get_one(Publication, key), EndedAs.RETRACTED, "test")
    work_all()
    served = ask("feed.cap", "feed.ics", "feed.rss", "feed.atom", "feed.json", "page.html")
    (cancel,) = messages(served["feed.cap"])
    assert cancel.findtext(f"{CAP}msgType") == "Cancel"
    assert len(cancel.findtext(f"{CAP}references").split()) == 2
    (struck,) = Calendar.from_ical(served["feed.ics"]).events
    assert (struck["STATUS"], struck["SEQUENCE"]) == ("CANCELLED", 2)
    for name in ("feed.rss", "feed.atom", "feed.json", "page.html"):
        assert b"16 h" not in served[name]


def test_an_expiry_holds_with_every_worker_stopped_and_leaves_no_tombstone(here):
    key = publish(here)
    names = ("feed.json", "feed.rss", "feed.atom", "feed.ics", "feed.cap", "page.html")
    page = f"n/{key}.html"
    assert all(key.encode() in body for body in ask(*names, page).values())
    clock.set_offset(timedelta(hours=6, seconds=1).total_seconds())
    served = ask(*names, page)
    assert served.pop(page) is None
    assert not [name for name, body in served.items() if key.encode() in body]
