"""Agendas in iCalendar (RFC 5545) over HTTP: one item an occurrence, in a rolling horizon.

A single event is the item `UID`; an occurrence of a series is `UID#start`, where start is its
RECURRENCE-ID: the hour the rule gave it, so that a moved occurrence stays the same item.
"""

import re
import warnings
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any, ClassVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import icalendar
import x_wr_timezone
from pydantic import Field

from connectors import ical_series
from connectors.common import HttpSource, SourceOptions, stamp
from connectors.ical_series import Refused
from connectors.plain import one_line, to_text
from connectors.reasons import UNTITLED
from hub.contracts import EntryError, Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

_LINE = re.compile(r"(BEGIN|END):\s*([A-Za-z-]+)\s*$", re.IGNORECASE)
_BROKEN = icalendar.prop.vBroken


class AgendaOptions(SourceOptions):
    days_before: int = Field(1, ge=0, le=366)
    days_ahead: int = Field(60, ge=1, le=800)
    most: int = Field(1000, ge=1, le=5000, description="Occurrences kept of one file.")
    most_of_a_series: int = Field(366, ge=1, le=1000)


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
        """Occurrences between `days_before` and `days_ahead` around `received_at`."""
        calendars = self._read(raw)
        start = received_at - timedelta(days=self._options.days_before)
        stop = received_at + timedelta(days=self._options.days_ahead)
        errors: list[EntryError] = []
        items: dict[str, Item] = {}
        complete = True
        events = [event for calendar in calendars for event in self._events(calendar)]
        for uid, versions in ical_series.by_uid(events).items():
            try:
                series = ical_series.Series(uid, versions)
                errors += [EntryError(uid, self.say(code)) for code in series.remarks]
                found = list(self._items(series, start, stop))
            except Refused as refused:
                errors.append(EntryError(uid, self.say(refused.code, **refused.values)))
                continue
            if len(found) > self._options.most_of_a_series:
                found = found[: self._options.most_of_a_series]
                errors.append(EntryError(uid, self.say("long-series", count=len(found))))
            for item in found:
                items.setdefault(item.external_id, item)
        kept = sorted(items.values(), key=lambda i: (i.onset or start, i.external_id))
        if len(kept) > self._options.most:
            kept = kept[: self._options.most]
            complete = False  # what lies beyond was not looked at
            errors.append(EntryError("VCALENDAR", self.say("long-file", count=len(kept))))
        name = next((str(c["X-WR-CALNAME"]) for c in calendars if "X-WR-CALNAME" in c), "")
        return Parsed(tuple(kept), tuple(errors), complete, one_line(name))

    def _read(self, raw: bytes) -> list[Any]:
        text = _decoded(raw)
        if not re.search(r"^BEGIN:VCALENDAR\s*$", text, re.IGNORECASE | re.MULTILINE):
            raise self.not_ours(raw)
        self._check_whole(text)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # guessed zone names; the guess is what we want
                read = icalendar.Calendar.from_ical(text, multiple=True)
                return [_in_its_zone(calendar) for calendar in read]
        except (ValueError, KeyError, IndexError, AttributeError, TypeError) as error:
            raise self.unreadable("malformed", detail=one_line(str(error))[:120]) from error

    def _check_whole(self, text: str) -> None:
        """Every BEGIN has its END: a download that was cut off must not look like a short agenda,
        or the missing half would be taken for cancelled."""
        open_now: list[str] = []
        for number, line in enumerate(text.splitlines(), 1):
            if not (found := _LINE.match(line)):
                continue
            name = found[2].upper()
            if found[1].upper() == "BEGIN":
                open_now.append(name)
            elif not open_now or open_now.pop() != name:
                raise self.unreadable("malformed", f"ligne {number}", detail=f"END:{name}")
        if open_now:
            raise self.unreadable("truncated", f"BEGIN:{open_now[-1]}")

    def _events(self, calendar: Any) -> Iterator[Any]:
        """The events, each with the zone of floating hours and its calendar's METHOD."""
        zone = _zone(str(calendar.get("X-WR-TIMEZONE", ""))) or ZoneInfo(self._options.timezone)
        cancels = str(calendar.get("METHOD", "")).upper() == "CANCEL"
        for event in calendar.walk("VEVENT"):
            event.tambour_zone = zone
            if cancels:
                event["STATUS"] = icalendar.vText("CANCELLED")
            yield event

    def _items(
        self, series: "ical_series.Series", start: datetime, stop: datetime
    ) -> Iterator[Item]:
        used: set[str] = set()
        for event in series.between(start, stop):
            external_id = series.uid
            if series.repeats:
                which = self._moment(event["RECURRENCE-ID"].dt, event)
                if f"{series.uid}#{which}" in used:  # RANGE=THISANDFUTURE shares one
                    which = self._moment(event["DTSTART"].dt, event)
                external_id = f"{series.uid}#{which}"
            used.add(external_id)
            yield self._item(external_id, event)

    def _item(self, external_id: str, event: Any) -> Item:
        begins, ends = event["DTSTART"].dt, event["DTEND"].dt
        all_day = not isinstance(begins, datetime)
        onset, expires = self._utc(begins, event), self._utc(ends, event)
        if all_day and expires <= onset:
            expires = self._utc(begins + timedelta(days=1), event)
        status = str(event.get("STATUS", "")).upper()
        cancelled = status == "CANCELLED"
        description = to_text(_text(event, "DESCRIPTION"))
        first = description.partition("\n")[0]
        headline = one_line(_text(event, "SUMMARY")) or one_line(first)
        language = _language(event) or self._options.language
        headline = headline or UNTITLED.get(language[:2], UNTITLED["fr"])
        place = one_line(_text(event, "LOCATION"))
        link = _text(event, "URL")
        return Item(
            external_id=external_id,
            version=_version(event),
            msg_type=MsgType.CANCEL if cancelled else MsgType.ALERT,
            status=Status.ACTUAL,
            texts={language: Text(headline=headline, description=description)},
            category="event",
            event=", ".join(_categories(event))[:100],
            severity=Severity.MINOR,
            urgency=Urgency.FUTURE,
            certainty=Certainty.POSSIBLE if status == "TENTATIVE" else Certainty.LIKELY,
            sent=_stamp(event),
            onset=onset,
            expires=max(onset, expires),
            all_day=all_day,
            area=_point(event),
            area_desc=place,
            link=link if link.startswith(("http://", "https://")) else "",
            cancels=(external_id,) if cancelled else (),
        )

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


def _decoded(raw: bytes) -> str:
    """UTF-8 by RFC 5545 section 3.1.4; old exporters write Windows-1252."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")


def _in_its_zone(calendar: Any) -> Any:
    """Google's X-WR-TIMEZONE applied to hours written in UTC, so that a weekly meeting keeps its
    hour when the clocks change."""
    zone = _zone(str(calendar.get("X-WR-TIMEZONE", "")))
    return x_wr_timezone.to_standard(calendar, zone) if zone else calendar


def _zone(name: str) -> ZoneInfo | None:
    try:
        return ZoneInfo(name.strip()) if name.strip() else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _text(event: Any, name: str) -> str:
    value = event.get(name)
    if isinstance(value, list):
        value = value[0]
    return "" if value is None or isinstance(value, _BROKEN) else str(value).strip()


def _language(event: Any) -> str:
    value = event.get("SUMMARY")
    return str(getattr(value, "params", {}).get("LANGUAGE", "")) if value is not None else ""


def _categories(event: Any) -> list[str]:
    values = event.get("CATEGORIES", [])
    groups = values if isinstance(values, list) else [values]
    return [one_line(str(c)) for group in groups for c in getattr(group, "cats", [group])]


def _point(event: Any) -> dict[str, Any] | None:
    geo = event.get("GEO")
    if geo is None or not hasattr(geo, "latitude"):
        return None
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
