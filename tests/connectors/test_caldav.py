"""CalDAV against Radicale, a real server."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.caldav import CalDav, CalDavOptions
from connectors.fetcher import Fetcher
from connectors.reasons import say
from hub import clock
from hub.contracts import Fetched, NotModified, SourceUnavailable, SourceUnreadable
from hub.guard import AddressPolicy
from tests.connectors.reading import raw_of, read
from tests.fakes.caldav import PASSWORD, USER, CalDavServer
from tests.fakes.feeds import Feeds


def event(uid: str, start: datetime, summary: str = "Conseil municipal", more: str = "") -> str:
    return (
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Villard-Bonnot//FR\r\nBEGIN:VEVENT\r\n"
        f"UID:{uid}\r\nDTSTAMP:20260301T080000Z\r\nDTSTART:{start:%Y%m%dT%H%M%SZ}\r\n"
        f"DURATION:PT1H\r\nSUMMARY:{summary}\r\n{more}END:VEVENT\r\nEND:VCALENDAR\r\n"
    )


@pytest.fixture
def soon() -> datetime:
    return clock.now().replace(microsecond=0) + timedelta(days=3)


@pytest.fixture
def server(tmp_path: Path, soon: datetime) -> Iterator[CalDavServer]:
    with CalDavServer(tmp_path) as running:
        running.calendar("agenda", "Agenda de la mairie")
        running.put("agenda", "a.ics", event("vb-1", soon))
        running.put(
            "agenda", "b.ics", event("vb-2", soon, "Marché", "RRULE:FREQ=DAILY;COUNT=3\r\n")
        )
        running.calendar("ecole", "École")
        running.put("ecole", "c.ics", event("vb-3", soon, "Kermesse"))
        running.asked.clear()
        yield running


def source(server: CalDavServer, path: str = "/", **options: Any) -> CalDav:
    given = {"url": server.url(path), "user": USER, "password": PASSWORD} | options
    return CalDav(CalDavOptions(**given))


def fetcher(*pairs: str) -> Fetcher:
    return Fetcher(AddressPolicy(frozenset(pairs)))


def names(found: Fetched | NotModified, agenda: CalDav) -> list[str]:
    assert isinstance(found, Fetched)
    parsed = agenda.parse(found.raw, clock.now())
    assert parsed.errors == ()
    assert parsed.complete
    return sorted({i.external_id.partition("#")[0] for i in parsed.items})


@pytest.mark.parametrize("path", ["/", f"/{USER}/", "/.well-known/caldav"])
def test_the_calendars_are_found_from_any_address(server: CalDavServer, path: str) -> None:
    agenda = source(server, path)
    assert names(agenda.fetch({}, fetcher(server.pair)), agenda) == ["vb-1", "vb-2", "vb-3"]


def test_one_calendar_is_read_by_its_address_or_its_name(server: CalDavServer) -> None:
    for agenda in (
        source(server, f"/{USER}/ecole/"),
        source(server, calendars=["École"]),
        source(server, calendars=["ecole"]),
    ):
        assert names(agenda.fetch({}, fetcher(server.pair)), agenda) == ["vb-3"]


def test_what_has_not_changed_is_one_request(server: CalDavServer, soon: datetime) -> None:
    agenda, fetch = source(server), fetcher(server.pair)
    first = agenda.fetch({}, fetch)
    server.asked.clear()
    again = agenda.fetch(first.cursor, fetch)
    assert isinstance(again, NotModified)
    assert [method for method, _ in server.asked] == ["PROPFIND"]
    assert again.cursor == first.cursor
    server.put("ecole", "d.ics", event("vb-4", soon, "Portes ouvertes"))
    changed = agenda.fetch(again.cursor, fetch)
    assert names(changed, agenda) == ["vb-1", "vb-2", "vb-3", "vb-4"]
    server.delete("ecole", "d.ics")
    assert names(agenda.fetch(changed.cursor, fetch), agenda) == ["vb-1", "vb-2", "vb-3"]


def test_only_the_time_range_is_asked_for(server: CalDavServer, soon: datetime) -> None:
    server.put("ecole", "old.ics", event("old", soon - timedelta(days=400)))
    server.put("ecole", "far.ics", event("far", soon + timedelta(days=400)))
    agenda = source(server, f"/{USER}/ecole/", days_before=7, days_ahead=60)
    assert names(agenda.fetch({}, fetcher(server.pair)), agenda) == ["vb-3"]


def test_a_wrong_password_is_said_and_a_missing_calendar_too(server: CalDavServer) -> None:
    with pytest.raises(SourceUnavailable) as caught:
        source(server, password="wrong").fetch({}, fetcher(server.pair))
    assert caught.value.reason == say("forbidden", host="127.0.0.1", status=401)
    with pytest.raises(SourceUnavailable) as caught:
        source(server, calendars=["Piscine"]).fetch({}, fetcher(server.pair))
    assert caught.value.reason == say("no-calendar")


def test_a_server_that_points_elsewhere_is_not_followed() -> None:
    answer = (
        b'<d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>'
        b"<d:href>/</d:href><d:propstat><d:prop><c:calendar-home-set><d:href>"
        b"http://169.254.169.254/latest/</d:href></c:calendar-home-set></d:prop></d:propstat>"
        b"</d:response></d:multistatus>"
    )
    asked: list[str] = []

    def fetch(url: str, cursor: Any, **_how: Any) -> Fetched | NotModified:
        asked.append(url)
        return Fetched(answer, {})

    agenda = CalDav(CalDavOptions(url="https://agenda.example/"))
    with pytest.raises(SourceUnavailable) as caught:
        agenda.fetch({}, fetch)
    assert caught.value.reason == say("elsewhere", host="169.254.169.254")
    assert asked == ["https://agenda.example/"]
    with pytest.raises(SourceUnavailable):  # nor an address kept from before
        agenda.fetch({"at": "http://169.254.169.254/", "versions": {"x": "1"}}, fetch)
    assert asked[-1] == "https://agenda.example/"


def test_a_web_page_is_no_server() -> None:
    with Feeds() as site:
        agenda = CalDav(CalDavOptions(url=site.url("/page")))
        with pytest.raises(SourceUnavailable):
            agenda.fetch({}, fetcher(site.pair))


def test_a_resource_that_is_cut_off_is_named_and_the_others_are_read() -> None:
    parsed = read("caldav", "broken_resource.xml")
    assert {i.external_id.partition("#")[0] for i in parsed.items} == {"vb-1", "vb-2", "vb-3"}
    assert [e.where for e in parsed.errors] == ["/mairie/agenda/d.ics"]
    assert not parsed.complete


def test_a_full_answer_that_the_server_cut_short_is_not_the_whole() -> None:
    cut = (
        b"<d:response><d:href>/mairie/agenda/</d:href>"
        b"<d:status>HTTP/1.1 507 Insufficient Storage</d:status></d:response></d:multistatus>"
    )
    raw = raw_of("caldav", "three_events.xml").replace(b"</d:multistatus>", cut)
    parsed = read("caldav", raw)
    assert len(parsed.items) == 4
    assert not parsed.complete
    assert parsed.errors[0].reason == say("truncated")


def test_an_entity_in_an_answer_is_refused() -> None:
    raw = b'<!DOCTYPE x [<!ENTITY a "b">]><d:multistatus xmlns:d="DAV:">&a;</d:multistatus>'
    with pytest.raises(SourceUnreadable) as caught:
        read("caldav", raw)
    assert caught.value.reason == say("entities")
