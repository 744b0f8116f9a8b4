"""What the tests of the shelf share: documents of a website and a web process that serves them."""

import threading
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import httpx2

from hub import changes, db, shelf
from hub.contracts import Document, Said
from hub.shelf import Shelf

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
FEED = "/s/mairie/feed.json"
LONG = b'{"items": ["' + b"annonce " * 400 + b'"]}'


def said(*documents, valid_until=None, **more):
    made = tuple(
        Document(path, media_type, body, valid_until) for path, media_type, body in documents
    )
    return Said(shown=True, documents=made, **more)


def feed(body=b"{}", path=FEED, valid_until=None):
    return said((path, "application/feed+json", body), valid_until=valid_until)


def store(site, said, now=NOW):
    with db.writing(db.EVERYWHERE) as session:
        return shelf.store(session, site.id, site.authority_id, said, now)


class Renewing:
    """The dispatcher's way to render afresh: says what the test put there."""

    def __init__(self, answer=None):
        self.answer, self.calls, self.fails = answer, [], False
        self.held = threading.Event()
        self.held.set()

    def __call__(self, outlet_id):
        self.calls.append(outlet_id)
        assert self.held.wait(20)
        if self.fails:
            raise OSError("the database is away")
        return self.answer


async def router(scope, receive, send):
    """The application behind the shelf."""
    await send({"type": "http.response.start", "status": 404, "headers": []})
    await send({"type": "http.response.body", "body": b"router"})


@asynccontextmanager
async def serving(renew=None):
    """A client of a web process whose shelf took over the database; `client.shelf.refresh()` is
    what its poller does at a change."""
    poller = changes.Poller()
    served = Shelf(router, poller=poller, renew=renew or Renewing())
    await served.refresh()
    transport = httpx2.ASGITransport(app=served)
    async with httpx2.AsyncClient(transport=transport, base_url="http://hub.example") as client:
        client.shelf = served
        yield client
    await poller.stop()
