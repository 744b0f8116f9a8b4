"""From a publication to its board, with nothing but rows: claim, open, wire, close."""

from pathlib import Path

from hub import board, db, publishing
from hub.models import Publication, ShelfRow
from hub.vocabulary import EndedAs
from tests.factories import content, outlet, station, town
from tests.working import work_all


def test_said_once_it_is_on_the_website_and_told_to_the_null_outlet(hub_on_both: Path) -> None:
    here = town()
    outlet(here, "website")
    outlet(here, "null")
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content())
        publishing.publish(session, publication, "test")
    work_all()
    with db.reading(here.id) as session:
        rows = board.rows(session, publication.id)
        assert [(r.outlet, r.wanted_revision, r.shown_revision, r.ok) for r in rows] == [
            ("website", 1, 1, True),
            ("null", 1, 1, True),
        ]
        feed = session.get(ShelfRow, "/s/VILLARD/feed.json")
        assert "Rue des Brûlis fermée".encode() in feed.body
    with db.writing(here.id) as session:
        kept = session.get_one(Publication, publication.id)
        publishing.revise(session, kept, content("Rue des Brûlis : réouverture à 16 h"), "test")
    work_all()
    with db.reading(here.id) as session:
        rows = board.rows(session, publication.id)
        assert [(r.outlet, r.wanted_revision, r.shown_revision) for r in rows] == [
            ("website", 2, 2),
            ("null", 2, 2),
        ]
        feed = session.get(ShelfRow, "/s/VILLARD/feed.json")
        assert b"16 h" in feed.body
        assert "fermée".encode() not in feed.body
    with db.writing(here.id) as session:
        publishing.cancel(session, session.get_one(Publication, publication.id), EndedAs.OVER, "t")
    work_all()
    with db.reading(here.id) as session:
        rows = board.rows(session, publication.id)
        assert [(r.outlet, r.wanted_revision, r.shown_revision, r.ok) for r in rows] == [
            ("website", None, None, True),
            ("null", None, None, True),
        ]
        assert b"16 h" not in session.get(ShelfRow, "/s/VILLARD/feed.json").body
        assert b"Cancel" in session.get(ShelfRow, "/s/VILLARD/feed.cap").body
