"""The one place that asks for the time.

Every datetime in Tambour is aware and in UTC; a zone appears only where people read or write
a local hour. Under test a whole instance may live at another moment: `set_offset`, accepted by
the settings only with TAMBOUR_TESTING=1 on a loopback address, moves `now` and nothing else.
"""

import time
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_offset = timedelta()


def set_offset(seconds: float) -> None:
    """Move this process's clock by `seconds` (negative: into the past)."""
    global _offset
    _offset = timedelta(seconds=seconds)


def offset() -> timedelta:
    """How far this process's clock stands from the machine's; zero outside tests."""
    return _offset


def now() -> datetime:
    """The moment, aware, UTC."""
    return datetime.now(UTC) + _offset


def unix_ms() -> int:
    """Milliseconds since 1970, on the same clock as `now`."""
    return int(now().timestamp() * 1000)


def monotonic() -> float:
    """Seconds that never step; for waits, leases and the detection of stepped clocks."""
    return time.monotonic()


def local(moment: datetime, zone: str) -> datetime:
    """`moment` as a person in `zone` (IANA name) reads it. On the first and the last day there are,
    where calendars have no room for an offset, it is read as it is."""
    try:
        return moment.astimezone(ZoneInfo(zone))
    except OverflowError:
        return moment.replace(tzinfo=ZoneInfo(zone))


def midnight(day: date, zone: str) -> datetime:
    """When `day` begins for people in `zone`, aware, UTC; the first and the last day there are, as
    in `local`, begin in UTC."""
    begins = datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone))
    try:
        return begins.astimezone(UTC)
    except OverflowError:
        return begins.replace(tzinfo=UTC)


def rfc3339(moment: datetime) -> str:
    """`2026-03-02T08:31:07Z`: seconds, UTC, the letter Z (RFC 3339 section 5.6)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
