"""Agendas in iCalendar (RFC 5545) over HTTP: one item an event, of what repeats one an occurrence.

A single event is the item `UID`; an occurrence of a series is `UID#start`, where start is its
RECURRENCE-ID: the hour the rule gave it, so that a moved occurrence stays the same item.
"""

import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

import icalendar
from pydantic import Field

from connectors import ical_series, ical_text, ical_zones
from connectors.common import HttpSource, SourceOptions, stamp
from connectors.ical_series import Patience, Refused, Series
from connectors.plain import one_line, to_text
from connectors.reasons import UNTITLED
from hub.contracts import EntryError, Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

_BROKEN = icalendar.prop.vBroken


class AgendaOptions(SourceOptions):
    days_before: int = Field(1, ge=0, le=366, description="Of what repeats: since how many days.")
    days_ahead: int = Field(731, ge=1, le=800, description="Of what repeats: for how many days.")
    most: int = Field(10_000, ge=1, le=20_000, description="Dates kept of one file.")
    most_of_a_series: int = Field(1000, ge=1, le=1000, description="Dates kept of one series.")


class ICalendar(HttpSource):
    kind: ClassVar[str] = "ical"
    title: ClassVar[str] = "Agenda iCalendar"
    Options: ClassVar[type[SourceOptions]] = AgendaOptions
    default_interval_s: ClassVar[int] = 900
    accept = "text/calendar, */*;q=0.5"
    what = "agenda"

    def __init__(self, options: AgendaOptions) -> None:
        super().__init__(options)
        self._options = options

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """Every event that happens once, whenever that is, and of what repeats the occurrences
        between `days_before` and `days_ahead` around `received_at`."""
        read, calendars = self._read(raw)
        start = received_at - timedelta(days=self._options.days_before)
        stop = received_at + timedelta(days=self._options.days_ahead)
        errors = [self._error("unclosed", entry.uid, entry.line) for entry in read.unclosed]
        errors += [
            self._error("strange-zone", f"TZID={name}", line, zone=self._options.timezone)
            for name, line in read.strange.items()
        ]
        items: dict[str, Item] = {}
        patience, asked, cut = Patience(), 0, False
        for uid, series in self._series(read, calendars, errors):
            if series.repeats and asked >= self._options.most:
                cut = True
                continue
            try:
                found = list(self._items(series, start, stop, patience))
            except Refused as refused:
                errors.append(self._error(refused.code, uid, refused.line, **refused.values))
                continue
            errors += [self._error(code, uid, line) for code, line in series.remarks]
            if len(found) > self._options.most_of_a_series:
                found = found[: self._options.most_of_a_series]
                errors.append(self._error("long-series", uid, count=len(found)))
            asked += len(found) if series.repeats else 0
            for item in found:
                items.setdefault(item.external_id, item)
        kept = list(items.values())
        if cut or len(kept) > self._options.most:
            kept = _nearest(kept, received_at)[: self._options.most]
            cut = True  # what lies beyond was not looked at
            errors.append(EntryError("VCALENDAR", self.say("long-file", count=len(kept))))
        kept.sort(key=lambda i: (i.onset or start, i.external_id))
        names = (str(c.get("X-WR-CALNAME") or c.get("NAME") or "") for c in calendars)
        name = next((n for n in names if n), "")
        return Parsed(tuple(kept), tuple(errors), not cut, one_line(name))

    def _error(self, code: str, where: str, line: int = 0, **values: object) -> EntryError:
        """An entry left out or repaired, by its UID and, where the file has one, its line."""
        said = self.say(code, **values)
        if line:
            said = self.say("at-line", said=said, line=line)
        return EntryError(where or f"VEVENT:{line}", said)

    def _read(self, raw: bytes) -> tuple[ical_text.Read, list[Any]]:
        text = ical_text.decoded(raw)
        if not ical_text.is_calendar(text):
            raise self.not_ours(raw)
        try:
            read = ical_text.read(text)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return read, list(icalendar.Calendar.from_ical(read.text, multiple=True))
        except ical_text.Unreadable as error:
            raise self.unreadable(error.code, error.where, **error.values) from error
        except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise self.unreadable("malformed", detail=one_line(str(error))[:120]) from error

    def _series(
        self, read: ical_text.Read, calendars: list[Any], errors: list[EntryError]
    ) -> Iterator[tuple[str, Series]]:
        """What the file holds, UID by UID: first what happens once, so that no series however long
        crowds it out."""
        repeating = []
        events = self._events(read, calendars)
        for shared, versions in ical_series.by_uid(events).items():
            for uid, of_it in ical_series.apart(shared, versions).items():
                try:
                    series = Series(uid, of_it)
                except Refused as refused:
                    errors.append(self._error(refused.code, uid, refused.line, **refused.values))
                    continue
                if series.repeats:
                    repeating.append((uid, series))
                else:
                    yield uid, series
        yield from repeating

    def _events(self, read: ical_text.Read, calendars: list[Any]) -> Iterator[Any]:
        """The events, each with its place in the file, the zone of its floating hours and its
        calendar's METHOD."""
        entries = iter(read.entries)
        for number, calendar in enumerate(calendars):
            wr_zone = ical_zones.zone(str(calendar.get("X-WR-TIMEZONE", "")))
            zone = wr_zone or ZoneInfo(self._options.timezone)
            cancels = str(calendar.get("METHOD", "")).upper() == "CANCEL"
            name = one_line(str(calendar.get("X-WR-CALNAME", "")))
            for event in calendar.walk("VEVENT"):
                event.tambour_entry = next(entries)
                event.tambour_zone, event.tambour_wr_zone = zone, wr_zone
                event.tambour_calendar, event.tambour_name = number, name
                if cancels:
                    event["STATUS"] = icalendar.vText("CANCELLED")
                yield event

    def _items(
        self, series: Series, start: datetime, stop: datetime, patience: Patience
    ) -> Iterator[Item]:
        if not series.repeats:
            yield self._item(series.uid, series.single())
            return
        for event in series.between(start, stop, patience):
            which = self._moment(series.which(event), event)
            yield self._item(f"{series.uid}#{which}", event, series.uid)

    def _item(self, external_id: str, event: Any, series: str = "") -> Item:
        begins, ends = event["DTSTART"].dt, event["DTEND"].dt
        all_day = not isinstance(begins, datetime)
        onset, expires = self._utc(begins, event), self._utc(ends, event)
        if all_day and expires <= onset:
            expires = self._utc(begins + timedelta(days=1), event)
        status = str(event.get("STATUS", "")).upper()
        cancelled = status in ("CANCELLED", "CANCELED")
        link = _text(event, "URL")
        tags = tuple(c for c in _categories(event) if c)
        place = one_line(_text(event, "LOCATION"))
        return Item(
            external_id=external_id,
            version=_version(event),
            msg_type=MsgType.CANCEL if cancelled else MsgType.ALERT,
            status=Status.ACTUAL,
            texts=self._texts(event),
            kind="event",
            category="event",
            event=", ".join(tags)[:100],
            severity=Severity.MINOR,
            urgency=Urgency.FUTURE,
            certainty=Certainty.POSSIBLE if status == "TENTATIVE" else Certainty.LIKELY,
            sent=_stamp(event),
            onset=onset,
            expires=max(onset, expires),
            all_day=all_day,
            area=_point(event),
            area_desc=place,
            place=place,
            series=series,
            tags=tags,
            link=link if link.startswith(("http://", "https://")) else "",
            cancels=(external_id,) if cancelled else (),
        )

    def _texts(self, event: Any) -> dict[str, Text]:
        """Words by language: one, unless the file repeats SUMMARY with another LANGUAGE."""
        own = self._options.language
        titles = _by_language(event, "SUMMARY", own) or {own: ""}
        stories = _by_language(event, "DESCRIPTION", next(iter(titles)))
        made: dict[str, Text] = {}
        for language, title in titles.items():
            story = stories.get(language) or (next(iter(stories.values()), "") if not made else "")
            description = to_text(story)
            headline = one_line(title) or one_line(description.partition("\n")[0])
            headline = headline or UNTITLED.get(language[:2], UNTITLED["fr"])
            made[language] = Text(headline=headline, description=description)
        return made

    def _moment(self, when: date, event: Any) -> str:
        if not isinstance(when, datetime):
            return when.strftime("%Y%m%d")
        return self._utc(when, event).strftime("%Y%m%dT%H%M%SZ")

    def _utc(self, when: date, event: Any) -> datetime:
        """A date is midnight where the authority is; an hour without zone is the calendar's."""
        if not isinstance(when, datetime):
            zone = ZoneInfo(self._options.timezone)
            return datetime(when.year, when.month, when.day, tzinfo=zone).astimezone(UTC)
        if when.tzinfo is None:
            when = when.replace(tzinfo=getattr(event, "tambour_zone", UTC))
        return when.astimezone(UTC)


def _nearest(items: list[Item], now: datetime) -> list[Item]:
    """What is to come, the next first, then what is over, the last first."""
    coming = [i for i in items if i.expires and i.expires > now]
    over = [i for i in items if not (i.expires and i.expires > now)]
    coming.sort(key=lambda i: (i.onset or now, i.external_id))
    over.sort(key=lambda i: (i.onset or now, i.external_id), reverse=True)
    return coming + over


def _text(event: Any, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = value[0]
    return "" if value is None or isinstance(value, _BROKEN) else str(value).strip()


def _by_language(event: Any, name: str, own: str) -> dict[str, str]:
    """What a property says, by its LANGUAGE parameter; the first of each counts."""
    value = event.get(name)
    found: dict[str, str] = {}
    for each in value if isinstance(value, list) else [value]:
        if each is not None and not isinstance(each, _BROKEN):
            language = str(getattr(each, "params", {}).get("LANGUAGE", "")) or own
            found.setdefault(language, str(each).strip())
    return found


def _categories(event: Any) -> list[str]:
    values = event.get("CATEGORIES", [])
    groups = values if isinstance(values, list) else [values]
    return [one_line(str(c)) for group in groups for c in getattr(group, "cats", [group])]


def _point(event: Any) -> dict[str, Any] | None:
    geo = event.get("GEO")
    if geo is None or not hasattr(geo, "latitude"):
        return None
    if not geo.latitude and not geo.longitude:
        return None  # a form left empty, not the Gulf of Guinea
    if not (-90 <= geo.latitude <= 90 and -180 <= geo.longitude <= 180):
        return None
    return {"type": "Point", "coordinates": [geo.longitude, geo.latitude]}


def _stamp(event: Any) -> datetime | None:
    """LAST-MODIFIED; DTSTAMP only where there is none, many exporters set it at each download."""
    for name in ("LAST-MODIFIED", "DTSTAMP", "CREATED"):
        value = ical_series.moment(event, name)
        if isinstance(value, datetime):
            return value.astimezone(UTC) if value.tzinfo else value.replace(tzinfo=UTC)
    return None


def _version(event: Any) -> str:
    return f"{ical_series.sequence(event):010d}.{stamp(_stamp(event))}"
