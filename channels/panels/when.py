"""When it holds, in the words of a panel: from, until, in the authority's zone."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final
from zoneinfo import ZoneInfo

from babel.dates import get_day_names, get_month_names

from channels.panels.lexicon import Level
from hub.contracts import Notice

# language: until, from-until, one day from hour to hour. "{a}" first, "{b}" last.
_SAID: Final = {
    "fr": ("Jusqu'au {b}", "Du {a} au {b}", "{day} de {x} à {y}"),
    "en": ("Until {b}", "From {a} to {b}", "{day} from {x} to {y}"),
    "es": ("Hasta el {b}", "Del {a} al {b}", "{day} de {x} a {y}"),
}
_MIDNIGHT: Final = {"fr": "24h", "en": "24:00", "es": "24:00"}  # of the day that ends
_AT: Final = {"fr": " à ", "en": " at ", "es": " a las "}
_MONTH: Final = {"fr": " ", "en": " ", "es": " de "}
# From here on a day without its year could be taken for one of this year.
_FAR: Final = timedelta(days=300)
# What begins in the evening and ends at night belongs to the day it began: Saturday from 20 to 2.
_NIGHT: Final = timedelta(hours=12)
_DAWN: Final = 6 * 60


def when(notice: Notice, language: str, level: Level) -> str:
    """A sentence of days and hours on the 24 hour clock. At `TIGHT` days are figures (03/03); below
    it the lists of abbreviations do what is to be done. An end at midnight is the day before,
    without an hour: "until Tuesday" is what people understand by it. A day in more than 300 days
    has its year."""
    tongue = language.partition("-")[0].lower()
    tongue = tongue if tongue in _SAID else "fr"
    zone, sent = _zone(notice.timezone), notice.sent
    until, both, same_day = _SAID[tongue]
    far = notice.expires - sent > _FAR
    end = _Moment(notice.expires.astimezone(zone), tongue, level, True, far)
    onset = notice.onset
    if onset is None or onset <= sent:
        return until.format(b=end.said)
    start = _Moment(onset.astimezone(zone), tongue, level, False, onset - sent > _FAR)
    overnight = notice.expires - onset <= _NIGHT and 0 < end.at.hour * 60 + end.at.minute <= _DAWN
    if start.date == end.date or (start.hour and end.hour and overnight):
        if not start.hour and not end.hour:
            return _capital(start.day)
        last = end.hour or _MIDNIGHT[tongue]
        first = start.hour or clock_hour(start.at, tongue)
        return _capital(same_day.format(day=start.day, x=first, y=last))
    if not start.hour and not end.hour:
        return both.format(a=start.day, b=end.day)
    return both.format(a=start.said, b=end.said)


class _Moment:
    def __init__(self, at: datetime, tongue: str, level: Level, closing: bool, far: bool) -> None:
        midnight = (at.hour, at.minute) == (0, 0)
        if closing and midnight:
            at -= timedelta(minutes=1)
        whole = midnight or (closing and (at.hour, at.minute) == (23, 59))
        self.at, self.date = at, at.date()
        self.day = _day(at, tongue, level, far)
        self.hour = "" if whole else clock_hour(at, tongue)
        if not self.hour:
            self.said = self.day
        elif level is Level.FULL:
            self.said = self.day + _AT[tongue] + self.hour
        else:
            self.said = f"{self.day} {self.hour}"


def clock_hour(at: datetime, tongue: str) -> str:
    """9h, 9h30 in French; 9:00, 9:30 elsewhere."""
    if tongue == "fr":
        return f"{at.hour}h{at.minute:02d}" if at.minute else f"{at.hour}h"
    return f"{at.hour}:{at.minute:02d}"


def _day(at: datetime, tongue: str, level: Level, far: bool) -> str:
    if level is Level.TIGHT:
        return f"{at:%d/%m/%Y}" if far else f"{at:%d/%m}"
    days, months = _names(tongue)
    number = "1er" if tongue == "fr" and at.day == 1 else str(at.day)
    said = f"{days[at.weekday()]} {number}{_MONTH[tongue]}{months[at.month]}"
    return f"{said} {at.year}" if far else said


@lru_cache(maxsize=8)
def _names(tongue: str) -> tuple[dict[int, str], dict[int, str]]:
    """Weekdays from 0, months from 1, as babel has them."""
    days = get_day_names("wide", locale=tongue)
    months = get_month_names("wide", locale=tongue)
    return {n: str(days[n]) for n in range(7)}, {n: str(months[n]) for n in range(1, 13)}


@lru_cache(maxsize=64)
def _zone(name: str) -> ZoneInfo:
    return ZoneInfo(name)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
