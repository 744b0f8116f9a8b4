"""Local hours: quiet windows and "at 18:00", right on the two days a year when clocks change.

A moment is in a window when the hour that people read then is in it; a window ends at the first
minute whose hour is not. Wall times are folded by PEP 495.
"""

import re
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)")
_MINUTE = timedelta(minutes=1)

Window = tuple[str, str]


def hour_of(text: str) -> time:
    """ "18:00" as a time. Raises ValueError."""
    match = _CLOCK.fullmatch(text)
    if not match:
        raise ValueError(f"{text!r} is not an hour such as 18:00")
    return time(int(match[1]), int(match[2]))


def next_at(hour: time, now: datetime, zone: str) -> datetime:
    """The first moment from `now` on at which clocks in `zone` read `hour` (UTC). An hour that the
    clocks skip is taken an hour later; one that comes twice, at its next coming."""
    local = now.astimezone(ZoneInfo(zone))
    for days in range(3):
        day = local.date() + timedelta(days=days)
        moments = sorted(
            datetime.combine(day, hour, ZoneInfo(zone)).replace(fold=fold).astimezone(UTC)
            for fold in (0, 1)
        )
        skipped = moments[0].astimezone(ZoneInfo(zone)).time() != hour
        for moment in moments[1:] if skipped else moments:
            if moment >= now:
                return moment
    raise AssertionError("three days hold every hour of the day")


def in_window(now: datetime, window: Window | None, zone: str) -> bool:
    """Whether clocks in `zone` read an hour of `window` (start included, end not)."""
    if window is None:
        return False
    start, end = hour_of(window[0]), hour_of(window[1])
    read = now.astimezone(ZoneInfo(zone)).time()
    if start <= end:
        return start <= read < end
    return read >= start or read < end


def end_of_window(now: datetime, window: Window | None, zone: str) -> datetime | None:
    """When the window that `now` is in ends (UTC); None outside of it."""
    if not in_window(now, window, zone) or window is None:
        return None
    end = next_at(hour_of(window[1]), now, zone)
    # An end that the clocks skip was taken an hour late: step back to the change itself.
    while end - _MINUTE > now and not in_window(end - _MINUTE, window, zone):
        end -= _MINUTE
    return end
