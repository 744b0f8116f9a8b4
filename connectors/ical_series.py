"""The events of one UID, and their occurrences, kept within bounds.

Expansion is recurring-ical-events'; what would never end is refused before (measured:
FREQ=SECONDLY from 2020 was still running after 8 s for a window of ten minutes).
"""

import hashlib
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

import icalendar
import recurring_ical_events

_DAYS_OF: Final = {m: 30 if m in (4, 6, 9, 11) else 29 if m == 2 else 31 for m in range(1, 13)}
_MOST_HOURLY: Final = 366
_BROKEN = icalendar.prop.vBroken
_ZERO: Final = datetime.min.replace(tzinfo=UTC)


class Refused(ValueError):
    """An event is left out; `code` is a row of connectors.reasons."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


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

    `repeats`: its items are named by occurrence. `remarks`: codes of what was repaired.
    Raises Refused when nothing of it can be read.
    """

    def __init__(self, uid: str, events: list[Any]) -> None:
        self.uid = uid
        self.remarks: list[str] = []
        masters = [e for e in events if "RECURRENCE-ID" not in e]
        edited = [e for e in events if "RECURRENCE-ID" in e]
        if len(masters) > 1:
            if len({m.to_ical() for m in masters}) > 1:
                self.remarks.append("twice")
            masters = [max(reversed(masters), key=_age)]
        for event in (*masters, *edited):
            self._check(event)
        master = masters[0] if masters else None
        self.repeats = bool(edited) or (
            master is not None and ("RRULE" in master or "RDATE" in master)
        )
        zone = getattr((master or edited[0]), "tambour_zone", UTC)
        self._calendar = icalendar.Calendar()
        for event in (*masters, *edited):
            event["UID"] = icalendar.vText(uid)
            self._calendar.add_component(event)
        self._zone = zone

    def between(self, start: datetime, stop: datetime) -> list[Any]:
        """Occurrences as events with DTSTART, DTEND and RECURRENCE-ID, sorted by start."""
        try:
            query = recurring_ical_events.CalendarQuery(self._calendar)
            found = list(query.between(start, stop))
        except Exception as error:  # the library raises anything on an odd series
            raise Refused("bad-series") from error
        for event in found:
            event.tambour_zone = self._zone
        return sorted(found, key=lambda e: _comparable(e["DTSTART"].dt))

    def _check(self, event: Any) -> None:
        if str(event.get("CLASS", "PUBLIC")).upper() in ("PRIVATE", "CONFIDENTIAL"):
            raise Refused("not-public", what=str(event["CLASS"]))
        begins = moment(event, "DTSTART")
        if begins is None:
            raise Refused("no-start")
        if "RRULE" in event and not event["RRULE"]:
            del event["RRULE"]  # "RRULE:" and nothing more: an event that does not repeat
        for name in ("RECURRENCE-ID", "RRULE", "RDATE"):
            if any(isinstance(value, _BROKEN) for value in _all(event, name)):
                raise Refused("bad-rule", rule=f"{name}:{str(event[name])[:60]}")
        for rule in _all(event, "RRULE"):
            _check_rule(rule, begins)
        for name, value in list(event.items()):
            values = value if isinstance(value, list) else [value]
            if not any(isinstance(v, _BROKEN) for v in values):
                continue
            if name == "EXDATE":
                self.remarks.append("bad-exclusion")
            good = [v for v in values if not isinstance(v, _BROKEN)]
            if good:
                event[name] = good
            else:
                del event[name]


def _check_rule(rule: Any, begins: date) -> None:
    """Refuse what is no agenda (RFC 5545 section 3.3.10 allows it) or can never come to an end."""
    shown = rule.to_ical().decode()[:80]
    frequency = str(rule.get("FREQ", [""])[0]).upper()
    interval = int((rule.get("INTERVAL") or [1])[0])
    if not frequency or interval < 1:
        raise Refused("bad-rule", rule=shown)
    a_day = 1
    for part in ("BYHOUR", "BYMINUTE", "BYSECOND"):
        a_day *= max(1, len(rule.get(part) or ()))
    if frequency in ("SECONDLY", "MINUTELY") or a_day > 24:
        raise Refused("too-frequent", rule=shown)
    if frequency == "HOURLY" and not _short(rule, begins, interval):
        raise Refused("too-frequent", rule=shown)
    months = [abs(int(str(m))) for m in rule.get("BYMONTH") or ()] or list(range(1, 13))
    days = [abs(int(d)) for d in rule.get("BYMONTHDAY") or ()] or [1]
    if not any(0 < day <= _DAYS_OF.get(month, 0) for month in months for day in days):
        raise Refused("bad-rule", rule=shown)  # 30 February: expansion would run to the year 9999
    forbidden = {
        "DAILY": ("BYYEARDAY", "BYWEEKNO"),
        "WEEKLY": ("BYYEARDAY", "BYWEEKNO", "BYMONTHDAY"),
        "MONTHLY": ("BYYEARDAY", "BYWEEKNO"),
    }.get(frequency, ())
    if any(rule.get(part) for part in forbidden):
        raise Refused("bad-rule", rule=shown)


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
