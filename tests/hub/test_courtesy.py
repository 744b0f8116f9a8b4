"""Many sources at one site take turns, and wait together when it asks to."""

from datetime import timedelta
from pathlib import Path

from hub import clock, courtesy, db
from tests.conftest import start_instance

SITE = "https://agendas.example.org/{}.ics"


def test_requests_to_one_site_begin_apart(hub_on_sqlite: Path) -> None:
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        waits = [courtesy.turn(session, SITE.format(n), now) for n in range(5)]
        assert waits == [0.0, 0.25, 0.5, 0.75, 1.0]
        assert courtesy.turn(session, "https://another.example.org/", now) == 0.0
        assert courtesy.turn(session, SITE.format(9), now + timedelta(minutes=1)) == 0.0


def test_the_queue_is_never_long(hub_on_sqlite: Path) -> None:
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        assert max(courtesy.turn(session, SITE, now) for _ in range(100)) == 10.0


def test_a_site_that_asks_to_wait_is_left_alone_by_all_for_an_hour_at_most(
    hub_on_sqlite: Path,
) -> None:
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        assert courtesy.until(session, SITE, now) is None
        courtesy.keep_away(session, SITE, now + timedelta(minutes=10))
        assert courtesy.until(session, SITE, now) == now + timedelta(minutes=10)
        assert courtesy.until(session, SITE, now + timedelta(minutes=11)) is None
        courtesy.keep_away(session, SITE, now + timedelta(days=1))
        at = courtesy.until(session, SITE, now + timedelta(seconds=1))
        assert at is None or at <= now + timedelta(minutes=61)
        assert courtesy.until(session, "https://another.example.org/", now) is None


def test_the_machines_own_feeds_have_no_queue(hub_on_sqlite: Path) -> None:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE="127.0.0.1:8010")
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        for _ in range(3):
            assert courtesy.turn(session, "http://127.0.0.1:8010/a.ics", now) == 0.0
        courtesy.keep_away(session, "http://127.0.0.1:8010/a.ics", now + timedelta(minutes=5))
        assert courtesy.until(session, "http://127.0.0.1:8010/a.ics", now) is None
