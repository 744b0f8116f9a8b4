"""The events of one UID, and their occurrences, kept within bounds.

Expansion is recurring-ical-events'; what would never end is refused before (measured:
FREQ=SECONDLY from 2020 was still running after 8 s for a window of ten minutes), and what proves
too long while it runs is given up (`Patience`). An event that does not repeat is read without the
library: 10,000 of them took it three times as long as their parsing.
"""

import hashlib
import signal
import threading
from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final, TypeVar

import icalendar
import recurring_ical_events
import x_wr_timezone

from connectors.ical_text import Entry

_DAYS_OF: Final = {m: 30 if m in (4, 6, 9, 11) else 29 if m == 2 else 31 for m in range(1, 13)}
_MOST_HOURLY: Final = 366
_BROKEN = icalendar.prop.vBroken
_ZERO: Final = datetime.min.replace(tzinfo=UTC)


class Refused(ValueError):
    """An event is left out; `code` is a row of connectors.reasons, `name` the property at fault,
    `entry` the place of the event in the file."""

    def __init__(self, code: str, name: str = "", **values: object) -> None:
        super().__init__(code)
        self.code, self.name, self.values = code, name, values
        self.entry: Entry | None = None

    @property
    def line(self) -> int:
        """The line at fault, counted from 1; 0 where the file does not say."""
        return self.entry.at.get(self.name, self.entry.line) if self.entry else 0


T = TypeVar("T")


class Patience:
    """Processor time for all that a file asks to have expanded: 2 s for the first series that
    proves too long, then 0.2 s for each, so that a hundred of them cost no more than a few.

    Works in a main thread, as the sandbox's child is; elsewhere the caller's own limits hold.
    """

    def __init__(self) -> None:
        self._seconds = 2.0

    def give(self, work: Callable[[], T]) -> T:
        """`work()`. Raises Refused when it takes too long."""
        if threading.current_thread() is not threading.main_thread():
            return work()
        before = signal.signal(signal.SIGVTALRM, _give_up)
        signal.setitimer(signal.ITIMER_VIRTUAL, self._seconds)
        try:
            return work()
        except _TooLong:
            self._seconds = 0.2
            raise Refused("too-long", "RRULE") from None
        finally:
            signal.setitimer(signal.ITIMER_VIRTUAL, 0)
            signal.signal(signal.SIGVTALRM, before)


class _TooLong(BaseException):
    """Not an Exception: a library's own `except Exception` must not swallow it."""


def _give_up(_signal: int, _frame: object) -> None:
    raise _TooLong


def by_uid(events: Iterable[Any]) -> dict[str, list[Any]]:
    """Events grouped by UID, in the order of the file. One without UID gets a name made of what it
    says, the same at each reading."""
    groups: dict[str, list[Any]] = {}
    for event in events:
        uid = " ".join(str(event.get("UID", "")).split())
        if not uid:
            uid = _made_up(event)
            while uid in groups:
                uid += "+"
        groups.setdefault(uid, []).append(event)
    return groups


def apart(uid: str, events: list[Any]) -> dict[str, list[Any]]:
    """The events of one UID, parted where the file uses it for several things: in two calendars,
    or for each date of what repeats. Versions of one event (another SEQUENCE) stay together.
    """
    masters = [e for e in events if "RECURRENCE-ID" not in e]
    if len(masters) < 2 or len({m.to_ical() for m in masters}) == 1:
        return {uid: events}
    if len({e.tambour_calendar for e in masters}) == len(masters):
        names = [e.tambour_name for e in masters]
        if len(set(names)) == len(names):
            parted = {}
            for master in masters:
                of_it = [e for e in events if e.tambour_calendar == master.tambour_calendar]
                parted[f"{uid}@{master.tambour_name}"] = of_it
            return parted
    plain = not any(name in m for m in events for name in ("RRULE", "RDATE", "RECURRENCE-ID"))
    starts = [m["DTSTART"].to_ical() for m in masters if moment(m, "DTSTART") is not None]
    same_age = len({sequence(m) for m in masters}) == 1
    if plain and same_age and len(set(starts)) == len(masters):
        return {f"{uid}#{start.decode()}": [m] for start, m in zip(starts, masters, strict=True)}
    return {uid: events}


def moment(event: Any, name: str) -> date | None:
    """The date or hour of a property; None where it is missing or broken."""
    value = event.get(name)
    if isinstance(value, list):
        value = value[0]
    found = None if isinstance(value, _BROKEN) else getattr(value, "dt", None)
    return found if isinstance(found, date) else None


def sequence(event: Any) -> int:
    try:
        return max(0, int(event.get("SEQUENCE", 0)))
    except (TypeError, ValueError):
        return 0


class Series:
    """One UID: its event, or its rule with the occurrences that were edited.

    `repeats`: its items are named by occurrence. `remarks`: what was repaired, as (code, line).
    Raises Refused when nothing of it can be read.
    """

    def __init__(self, uid: str, events: list[Any]) -> None:
        self.uid = uid
        self.remarks: list[tuple[str, int]] = []
        masters = [e for e in events if "RECURRENCE-ID" not in e]
        self._edited = [e for e in events if "RECURRENCE-ID" in e]
        if len(masters) > 1:
            newest = max(reversed(masters), key=_age)
            if len({m.to_ical() for m in masters}) > 1:
                others = (m for m in masters if m is not newest)
                self.remarks.append(("twice", next(others).tambour_entry.line))
            masters = [newest]
        self._checked(masters)
        self._edited = self._newest_edits()
        self._master = masters[0] if masters else None
        self.repeats = bool(self._edited) or any(
            name in master for master in masters for name in ("RRULE", "RDATE")
        )

    def _checked(self, masters: list[Any]) -> None:
        """One edited occurrence that cannot be read must not take its series with it."""
        for event in (*masters, *self._edited):
            try:
                self._check(event)
            except Refused as refused:
                refused.entry = event.tambour_entry
                if event in masters or not masters or refused.code == "not-public":
                    raise
                self._edited = [e for e in self._edited if e is not event]
                self.remarks.append((refused.code, refused.line))

    def _newest_edits(self) -> list[Any]:
        """Of several edits of one occurrence, the one that counts (SEQUENCE, LAST-MODIFIED)."""
        newest: dict[bytes, Any] = {}
        for event in self._edited:
            which = event["RECURRENCE-ID"].to_ical()
            if which not in newest or _age(event) >= _age(newest[which]):
                newest[which] = event
        return list(newest.values())

    def single(self) -> Any:
        """The event of a UID that does not repeat, with a DTEND that follows its DTSTART."""
        event: Any = self._master
        event["DTEND"] = icalendar.vDDDTypes(_ends(event, event["DTSTART"].dt))
        event.pop("DURATION", None)
        return event

    def between(self, start: datetime, stop: datetime, patience: Patience) -> list[Any]:
        """Occurrences as events with DTSTART, DTEND and RECURRENCE-ID, sorted by start."""
        calendar = icalendar.Calendar()
        head = self._master or self._edited[0]
        for event in (self._master, *self._edited):
            if event is not None:
                event["UID"] = icalendar.vText(self.uid)
                calendar.add_component(event)
        if zone := head.tambour_wr_zone:
            # Google writes hours in UTC beside X-WR-TIMEZONE: a weekly meeting keeps its hour when
            # the clocks change.
            calendar = x_wr_timezone.to_standard(calendar, zone)

        def expand() -> list[Any]:
            return list(recurring_ical_events.CalendarQuery(calendar).between(start, stop))

        try:
            found = patience.give(expand)
        except Exception as error:  # the library raises anything on an odd series
            told = error if isinstance(error, Refused) else Refused("bad-series", "RRULE")
            told.entry = head.tambour_entry
            raise told from error
        for event in found:
            event.tambour_zone = head.tambour_zone
        return sorted(found, key=lambda e: _comparable(e["DTSTART"].dt))

    def which(self, event: Any) -> date:
        """The moment that the rule gave an occurrence, its name for good. After an edit of this and
        all that follow, the library gives them all the RECURRENCE-ID of the first."""
        named = event["RECURRENCE-ID"]
        given: date = named.dt
        if str(named.params.get("RANGE", "")).upper() != "THISANDFUTURE":
            return given
        for edit in self._edited:
            if edit["RECURRENCE-ID"].to_ical() == named.to_ical():
                moved: timedelta = edit["DTSTART"].dt - edit["RECURRENCE-ID"].dt
                begins: date = event["DTSTART"].dt
                return begins - moved
        return given

    def _check(self, event: Any) -> None:
        if str(event.get("CLASS", "PUBLIC")).upper() in ("PRIVATE", "CONFIDENTIAL"):
            raise Refused("not-public", "CLASS", what=str(event["CLASS"]))
        begins = moment(event, "DTSTART")
        if begins is None:
            raise Refused("no-start", "DTSTART")
        if "RRULE" in event and not event["RRULE"]:
            del event["RRULE"]  # "RRULE:" and nothing more: an event that does not repeat
        for name in ("RECURRENCE-ID", "RRULE", "RDATE"):
            if any(isinstance(value, _BROKEN) for value in _all(event, name)):
                raise Refused("bad-rule", name, rule=f"{name}:{str(event[name])[:60]}")
        for rule in _all(event, "RRULE"):
            _check_rule(rule, begins)
        for name, value in list(event.items()):
            values = value if isinstance(value, list) else [value]
            if not any(isinstance(v, _BROKEN) for v in values):
                continue
            if name == "EXDATE":
                self.remarks.append(("bad-exclusion", event.tambour_entry.at.get("EXDATE", 0)))
            good = [v for v in values if not isinstance(v, _BROKEN)]
            if good:
                event[name] = good
            else:
                del event[name]


def _ends(event: Any, begins: date) -> date:
    """DTEND, else DTSTART and DURATION, else the rules of RFC 5545 section 3.6.1: a date lasts its
    day, an hour is a moment. An end before its start, or of the other type, is brought round."""
    ends = moment(event, "DTEND")
    lasts = getattr(event.get("DURATION"), "dt", None)
    if ends is None and isinstance(lasts, timedelta):
        # A day of whole days is counted in days; three hours of a date leave it a day.
        ends = begins + lasts
    if not isinstance(begins, datetime):
        last = ends.date() if isinstance(ends, datetime) else ends
        return max(last or begins, begins + timedelta(days=1))
    if ends is None:
        return begins
    if not isinstance(ends, datetime):
        ends = datetime(ends.year, ends.month, ends.day, tzinfo=begins.tzinfo)
    if (ends.tzinfo is None) != (begins.tzinfo is None):
        ends = ends.replace(tzinfo=begins.tzinfo)
    return max(begins, ends)


def _check_rule(rule: Any, begins: date) -> None:
    """Refuse what is no agenda (RFC 5545 section 3.3.10 allows it) or can never come to an end."""
    shown = rule.to_ical().decode()[:80]
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    interval = int((rule.get("INTERVAL") or [1])[0])
    if not frequency or interval < 1:
        raise Refused("bad-rule", "RRULE", rule=shown)
    a_day = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(1, len(rule.get(part) or ()))
    if frequency in ("SECONDLY", "MINUTELY") or a_day > 24:
        raise Refused("too-frequent", "RRULE", rule=shown)
    if frequency == "HOURLY" and not _short(rule, begins, interval):
        raise Refused("too-frequent", "RRULE", rule=shown)
    months = [abs(int(str(m))) for m in rule.get("BYMONTH") or ()] or list(range(1, 13))
    days = [abs(int(d)) for d in rule.get("BYMONTHDAY") or ()] or [1]
    if not any(0 < day <= _DAYS_OF.get(month, 0) for month in months for day in days):
        # 30 February: expansion would run to the year 9999.
        raise Refused("bad-rule", "RRULE", rule=shown)
    forbidden = {
        "DAILY": ("BYYEARDAY", "BYWEEKNO"),
        "WEEKLY": ("BYYEARDAY", "BYWEEKNO", "BYMONTHDAY"),
        "MONTHLY": ("BYYEARDAY", "BYWEEKNO"),
    }.get(frequency, ())
    if any(rule.get(part) for part in forbidden):
        raise Refused("bad-rule", "RRULE", rule=shown)


def _short(rule: Any, begins: date, interval: int) -> bool:
    """Whether an hourly rule stays within a year of days: by COUNT, or by UNTIL."""
    if any(part in rule for part in ("BYMONTH", "BYMONTHDAY", "BYYEARDAY", "BYSETPOS", "BYDAY")):
        return False
    if count := rule.get("COUNT"):
        return int(count[0]) <= _MOST_HOURLY
    if until := rule.get("UNTIL"):
        span = _comparable(until[0]) - _comparable(begins)
        return span <= timedelta(hours=_MOST_HOURLY * interval)
    return False


def _all(event: Any, name: str) -> list[Any]:
    value = event.get(name)
    return [] if value is None else value if isinstance(value, list) else [value]


def _comparable(when: date) -> datetime:
    if not isinstance(when, datetime):
        return datetime(when.year, when.month, when.day, tzinfo=UTC)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when


def _age(event: Any) -> tuple[int, datetime]:
    changed = moment(event, "LAST-MODIFIED") or moment(event, "DTSTAMP")
    return sequence(event), _comparable(changed) if changed else _ZERO


def _made_up(event: Any) -> str:
    said = str(event.get("SUMMARY", "")) or str(event.get("DESCRIPTION", ""))
    begins = event.get("DTSTART")
    when = begins.to_ical().decode() if hasattr(begins, "to_ical") else ""
    said = "\n".join((when, said, str(event.get("LOCATION", ""))))
    return "sans-uid-" + hashlib.sha256(said.encode()).hexdigest()[:20]
