"""Reading a source from a real web site into the database."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from hub import accounts, clock, courtesy, db, polling
from hub.contracts import Fetched
from hub.dispatch import leases
from hub.models import AuditEvent, Authority, ItemRow, Publication, Source
from hub.polling import due_sources, poll
from hub.source_words import say
from hub.vocabulary import PublicationState, SourceHealth
from tests.conftest import start_instance
from tests.factories import outlet, town
from tests.fakes.feeds import Feeds

EVENT = """BEGIN:VEVENT
UID:{uid}
DTSTAMP:20260101T000000Z
DTSTART:{start}
DURATION:PT2H
SUMMARY:{summary}
END:VEVENT
"""


def agenda(**events: str) -> bytes:
    """An agenda with one event a keyword, tomorrow."""
    start = (clock.now() + timedelta(days=1)).strftime("%Y%m%dT%H0000Z")
    body = "".join(
        EVENT.format(uid=uid, start=start, summary=summary) for uid, summary in events.items()
    )
    return f"BEGIN:VCALENDAR\nVERSION:2.0\n{body}END:VCALENDAR\n".encode()


class Here:
    """A small town with one source at a web site."""

    def __init__(self, site: Feeds, authority: Authority) -> None:
        self.site, self.authority = site, authority
        with db.writing(authority.id or 0) as session:
            row = Source(
                authority_id=authority.id or 0,
                name="Agenda",
                kind="ical",
                url=site.url("/agenda.ics"),
                station_id=accounts.station_of(session, authority.id or 0, None).id or 0,
                intake="publish",
                interval_s=900,
                next_at=clock.now(),
            )
            session.add(row)
        self.id = row.id or 0

    def serve(self, **events: str) -> None:
        self.site.put("/agenda.ics", agenda(**events), "text/calendar")

    def source(self) -> Source:
        with db.reading(self.authority.id or 0) as session:
            return session.get_one(Source, self.id)

    def change(self, **values: object) -> None:
        with db.writing(self.authority.id or 0) as session:
            row = session.get_one(Source, self.id)
            for name, value in values.items():
                setattr(row, name, value)

    def live(self) -> int:
        with db.reading(self.authority.id or 0) as session:
            statement = select(Publication).where(Publication.state == PublicationState.LIVE)
            return len(session.exec(statement).all())

    def verbs(self) -> list[str]:
        with db.reading(self.authority.id or 0) as session:
            rows = session.exec(
                select(AuditEvent.verb).where(AuditEvent.object == f"source:{self.id}")
            ).all()
            return list(rows)


@pytest.fixture
def here(hub_on_sqlite: Path) -> Iterator[Here]:
    with Feeds() as site:
        start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=site.pair)
        authority = town()
        outlet(authority, "null")
        made = Here(site, authority)
        made.serve(loto="Loto", bal="Bal")
        yield made


def test_a_source_that_is_due_is_read_and_published(here: Here) -> None:
    result = poll(here.id)
    assert (result.outcome, result.ok) == ("read", True)
    assert (result.tally.items, result.tally.published) == (2, 2)
    assert result.says.startswith("2 entrées lues : 2 publiées")
    assert here.live() == 2
    source = here.source()
    assert (source.health, source.error, source.failures, source.lease) == ("good", "", 0, "")
    assert source.last_good
    assert source.next_at
    wait = (source.next_at - source.last_good).total_seconds()
    assert 850 < wait < 1000


def test_a_source_that_is_not_due_is_left_alone_unless_asked(here: Here) -> None:
    poll(here.id)
    assert poll(here.id).outcome == "skipped"
    here.change(paused=True, next_at=clock.now())
    assert poll(here.id).says == say("paused")
    asked = len(here.site.asked)
    assert poll(here.id, force=True).outcome == "unchanged"
    assert len(here.site.asked) == asked + 1


def test_a_source_whose_site_asked_to_wait_is_read_when_that_is_over(here: Here) -> None:
    url = "https://agendas.example.org/a.ics"
    later = clock.now() + timedelta(minutes=10)
    with db.writing(db.EVERYWHERE) as session:
        courtesy.keep_away(session, url, later)
    here.change(url=url)
    result = poll(here.id)
    assert (result.outcome, result.says) == ("skipped", say("host-waits"))
    assert result.next_at == here.source().next_at == later


def test_due_sources_are_those_whose_hour_has_come(here: Here) -> None:
    def due() -> list[int]:
        with db.reading(db.EVERYWHERE) as session:
            return list(due_sources(session, clock.now()))

    assert due() == [here.id]
    here.change(paused=True)
    assert due() == []
    here.change(paused=False, lease="somebody")
    assert due() == []
    here.change(lease="", next_at=clock.now() + timedelta(minutes=1))
    assert due() == []


def test_unchanged_content_is_neither_sent_nor_read_again(here: Here) -> None:
    poll(here.id)
    before = here.source().cursor["read_at"]
    result = poll(here.id, force=True)
    assert (result.outcome, result.says) == ("unchanged", say("unchanged"))
    assert here.source().cursor["read_at"] == before
    assert "If-None-Match" in here.site.asked[-1][1]


def test_the_same_bytes_from_a_site_without_etags_do_nothing_either(here: Here) -> None:
    body = agenda(loto="Loto")
    here.site.status("/agenda.ics", 200, body)
    assert poll(here.id).outcome == "read"
    assert poll(here.id, force=True).outcome == "unchanged"


def test_unchanged_content_is_read_anew_once_a_day_as_the_horizon_moves(here: Here) -> None:
    poll(here.id)
    kept = here.source().cursor
    past = (clock.now() - timedelta(hours=25)).isoformat()
    here.change(cursor=kept | {"read_at": past})
    assert poll(here.id, force=True).outcome == "read"


def test_changes_at_the_source_follow(here: Here) -> None:
    poll(here.id)
    here.serve(loto="Loto reporté", bal="Bal")
    assert poll(here.id, force=True).tally.updated == 1
    here.serve(bal="Bal")
    poll(here.id, force=True)
    assert here.live() == 2
    assert poll(here.id, force=True).tally.closed == 1  # a 304 confirms the absence
    assert here.live() == 1


@pytest.mark.parametrize("trouble", ["cut", "empty", "gone", "garbage", "half", "slow site"])
def test_a_reading_that_fails_changes_nothing_but_the_health(here: Here, trouble: str) -> None:
    poll(here.id)
    body = agenda(loto="Loto")
    match trouble:
        case "cut":
            here.site.cut("/agenda.ics", body, len(body) * 2)
        case "empty":
            here.site.status("/agenda.ics", 200)
        case "gone":
            here.site.status("/agenda.ics", 404)
        case "garbage":
            here.site.status("/agenda.ics", 200, b"<html>maintenance</html>")
        case "half":
            here.site.status("/agenda.ics", 200, body[: len(body) // 2])
        case _:
            here.site.status("/agenda.ics", 503, Retry_After="7200")
    for _ in range(3):
        result = poll(here.id, force=True)
        assert (result.outcome, result.ok) == ("failed", False)
        assert result.says
    assert here.live() == 2
    source = here.source()
    assert (source.health, source.failures) == (SourceHealth.FAILING, 3)
    assert source.error == result.says
    assert source.last_try
    assert source.next_at
    wait = (source.next_at - source.last_try).total_seconds()
    assert 1600 < wait < (7300 if trouble == "slow site" else 2000)
    assert wait > 7000 or trouble != "slow site"


def test_an_outage_and_a_recovery_are_told_once_each(here: Here) -> None:
    poll(here.id)
    for _ in range(2):
        here.site.status("/agenda.ics", 500)
        for _ in range(3):
            poll(here.id, force=True)
        here.serve(loto="Loto", bal="Bal")
        for _ in range(2):
            poll(here.id, force=True)
    assert here.verbs() == ["outage", "recovery"] * 2


def test_a_bad_entry_is_kept_for_the_office_and_the_rest_is_taken(here: Here) -> None:
    broken = agenda(loto="Loto").replace(
        b"END:VCALENDAR", b"BEGIN:VEVENT\nUID:x\nDTSTART:demain\nEND:VEVENT\nEND:VCALENDAR"
    )
    here.site.put("/agenda.ics", broken)
    result = poll(here.id)
    assert result.tally.published == 1
    assert [e.where for e in result.errors] == ["x"]
    assert here.source().entry_errors[0]["where"] == "x"


def test_an_address_inside_is_refused_at_the_fetch(here: Here) -> None:
    with Feeds() as inner:
        inner.put("/secret.ics", agenda(x="Secret"))
        here.change(url=inner.url("/secret.ics"))
        assert "réseau privé" in poll(here.id).says
        here.site.redirect("/agenda.ics", inner.url("/secret.ics"))
        here.change(url=here.site.url("/agenda.ics"))
        assert "réseau privé" in poll(here.id, force=True).says
        assert inner.asked == []


def test_two_readers_do_not_read_at_once(here: Here) -> None:
    with db.writing(db.EVERYWHERE) as session:
        assert leases.claim(session, Source, here.id)
    assert poll(here.id, force=True).outcome == "busy"
    assert here.site.asked == []


def test_a_reader_that_lost_its_claim_writes_nothing(here: Here) -> None:
    def fetch(*_: object, **__: object) -> object:
        here.change(lease="another/ingest/1")
        return Fetched(agenda(loto="Loto"), {})

    assert poll(here.id, fetch=fetch).outcome == "busy"  # type: ignore[arg-type]
    assert here.live() == 0
    assert here.source().lease == "another/ingest/1"


def test_settings_changed_during_a_reading_make_it_count_for_nothing(here: Here) -> None:
    def fetch(*_: object, **__: object) -> object:
        here.change(url=here.site.url("/other.ics"))
        return Fetched(agenda(loto="Loto"), {"etag": "1"})

    poll(here.id, fetch=fetch)  # type: ignore[arg-type]
    assert here.live() == 0
    source = here.source()
    assert (source.lease, source.cursor) == ("", {})


def test_wrong_options_and_our_own_bugs_are_failures_with_a_sentence(here: Here) -> None:
    here.change(options={"days_ahead": 0})
    assert "days_ahead" in poll(here.id, force=True).says
    here.change(options={}, kind="carrier-pigeon")
    assert "carrier-pigeon" in poll(here.id, force=True).says
    here.change(kind="ical")

    def fetch(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    assert poll(here.id, force=True, fetch=fetch).says == say("unexpected")  # type: ignore[arg-type]
    assert here.source().lease == ""


def test_floating_hours_are_read_in_the_zone_of_the_authority(here: Here) -> None:
    with db.writing(db.EVERYWHERE) as session:
        session.get_one(Authority, here.authority.id).timezone = "Indian/Reunion"
    tomorrow = clock.now() + timedelta(days=1)
    body = agenda(x="Loto").replace(b"0000Z\nDURATION", b"0000\nDURATION")
    here.site.put("/agenda.ics", body)
    poll(here.id)
    with db.reading(here.authority.id or 0) as session:
        starts = session.exec(select(ItemRow.starts)).one()
    assert starts == tomorrow.replace(minute=0, second=0, microsecond=0) - timedelta(hours=4)


def test_a_dry_run_tells_what_would_come_and_writes_nothing(here: Here) -> None:
    parsed, rows = polling.dry_run(here.source(), here.authority)
    assert len(parsed.items) == 2
    assert [(r["headline"], r["would"]) for r in rows] == [("Bal", "publish"), ("Loto", "publish")]
    with db.reading(here.authority.id or 0) as session:
        assert session.exec(select(ItemRow)).all() == []
    assert here.source().last_try is None


def test_the_answer_as_json_has_the_figures(here: Here) -> None:
    body = poll(here.id).as_json()
    assert (body["source"], body["outcome"], body["published"], body["errors"]) == (
        here.id, "read", 2, []
    )  # fmt: skip
    assert body["next_at"].endswith("Z")
