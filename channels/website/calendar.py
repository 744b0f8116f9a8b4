"""iCalendar (RFC 5545): every notice is an event from its start to its end.

One UID for all revisions, SEQUENCE rises by one with each (RFC 5545 section 3.8.7.4); a cancelled
notice stays 30 days as STATUS:CANCELLED, so that a calendar that copied it strikes it out.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from icalendar import Calendar, Event

from channels.website.cap import ended_title
from channels.website.entries import Entry, Site, is_over
from channels.website.geometry import point_of
from hub.vocabulary import Severity

# RFC 5545 section 3.8.1.9: 1 is the highest, 9 the lowest, 0 undefined.
_PRIORITY: Final = {
    Severity.EXTREME: 1,
    Severity.SEVERE: 2,
    Severity.MODERATE: 5,
    Severity.MINOR: 9,
    Severity.UNKNOWN: 0,
}


def calendar(site: Site, entries: Sequence[Entry]) -> bytes:
    """`entries` with the cancelled ones among them."""
    made: Any = Calendar()
    made.add("prodid", f"-//Tambour//{site.host}//{site.language.upper()}")
    made.add("version", "2.0")
    made.add("calscale", "GREGORIAN")
    made.add("name", site.title)
    made.add("x-wr-calname", site.title)
    made.add("x-wr-timezone", site.timezone)
    made.add("url", site.home)
    made.add("refresh-interval", timedelta(minutes=15), parameters={"VALUE": "DURATION"})
    made.add("x-published-ttl", "PT15M")
    for entry in entries:
        made.add_component(_event(entry))
    ical: bytes = made.to_ical()
    return ical


def _event(entry: Entry) -> Any:
    notice = entry.notice
    event: Any = Event()
    event.add("uid", f"{notice.publication}@{entry.site.host}")
    event.add("sequence", notice.revision - 1)
    event.add("dtstamp", notice.sent)
    event.add("created", notice.first_sent)
    event.add("last-modified", notice.sent)
    event.add("dtstart", entry.start)
    if notice.expires > entry.start:
        event.add("dtend", notice.expires)
    event.add("summary", ended_title(entry), parameters={"LANGUAGE": entry.language})
    event.add("description", entry.text)
    event.add("status", "CANCELLED" if is_over(notice) else "CONFIRMED")
    event.add("transp", "TRANSPARENT")  # a notice does not make its reader busy
    event.add("priority", _PRIORITY[notice.severity])
    event.add("categories", [entry.label])
    if notice.area_desc:
        event.add("location", notice.area_desc)
    if point := point_of(notice.area):
        event.add("geo", point)
    event.add("url", entry.link)
    return event
