"""The agenda given out again: iCalendar (RFC 5545) for calendars that subscribe to it."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlsplit

from icalendar import Calendar, vCalAddress, vText
from icalendar import Event as Entry
from sqlmodel import Session, col, select

from hub import clock, settings, synthetic
from hub.agenda_search import Found
from hub.models import Authority, Event, Station
from hub.vocabulary import EventState

MEDIA_TYPE: Final = "text/calendar; charset=utf-8"
# Calendars keep what they copied: a month back, and what was struck out in the last 30 days.
_BACK: Final = timedelta(days=31)
_TOMBSTONES: Final = timedelta(days=30)
_MOST: Final = 5000


def listed(session: Session, now: datetime, station: str = "", authority: str = "") -> list[Found]:
    """What a calendar is given: what is to come and the month past; what was cancelled or
    withdrawn stays 30 days as STATUS:CANCELLED, so that a copy strikes it out."""
    query = (
        select(Event, Station, Authority)
        .join(Station, col(Station.id) == Event.station_id)
        .join(Authority, col(Authority.id) == Event.authority_id)
        .where(
            Authority.code != synthetic.CODE,
            col(Event.ends) > now - _BACK,
            (col(Event.state) == EventState.PLANNED) | (col(Event.changed) > now - _TOMBSTONES),
        )
        .order_by(col(Event.starts), col(Event.id))
        .limit(_MOST)
    )
    if station:
        query = query.where(Station.code == station)
    if authority:
        query = query.where(Authority.code == authority)
    return [Found(*row) for row in session.exec(query).all()]


def calendar(rows: Iterable[Found], title: str, language: str, zone: str) -> bytes:
    """One calendar of these events; the same rows give the same bytes."""
    site = settings.get().url
    made: Any = Calendar()
    made.add("prodid", f"-//Tambour//{urlsplit(site).hostname}//{language.upper()}")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("method", "PUBLISH")
    made.add("name", title)
    made.add("x-wr-calname", title)
    made.add("x-wr-timezone", zone)
    made.add("url", f"{site}/agenda")
    made.add("refresh-interval", timedelta(minutes=30), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT30M")
    for row in rows:
        made.add_component(_entry(row, language, site))
    body: bytes = made.to_ical()
    return body


def _entry(row: Found, language: str, site: str) -> Any:
    event = row.event
    spoken = language if language in event.texts else next(iter(event.texts))
    words = event.texts[spoken]
    address = f"{site}/agenda/{event.id}"
    made: Any = Entry()
    made.add("uid", f"{event.id}@{urlsplit(site).hostname}")
    made.add("sequence", max(0, event.sequence))
    made.add("dtstamp", event.changed.replace(microsecond=0))
    made.add("created", event.created.replace(microsecond=0))
    made.add("last-modified", event.changed.replace(microsecond=0))
    if event.all_day:
        zone = row.authority.timezone
        first = clock.local(event.starts, zone).date()
        # RFC 5545 section 3.6.1: DTEND is the day after the last.
        made.add("dtstart", first)
        made.add("dtend", max(clock.local(event.ends, zone).date(), first + timedelta(days=1)))
    else:
        made.add("dtstart", event.starts)
        if event.ends > event.starts:
            made.add("dtend", event.ends)
    made.add("summary", words["headline"], parameters={"LANGUAGE": spoken})
    story = "\n\n".join(part for part in (words.get("description", ""), event.link) if part)
    if story:
        made.add("description", story, parameters={"LANGUAGE": spoken})
    made.add("status", "CONFIRMED" if event.state == EventState.PLANNED else "CANCELLED")
    if event.tags:
        made.add("categories", event.tags)
    if event.place:
        made.add("location", event.place)
    if event.latitude is not None and event.longitude is not None:
        made.add("geo", (event.latitude, event.longitude))
    made.add("organizer", _organizer(row))
    made.add("url", address)
    return made


def _organizer(row: Found) -> Any:
    host = urlsplit(settings.get().url).hostname
    address = vCalAddress(f"mailto:{row.authority.code}@{host}")
    address.params["CN"] = vText(row.station.name)
    return address
