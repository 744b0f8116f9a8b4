"""When it holds, in the words of a panel: from, until, in the authority's zone."""

from datetime import datetime, timedelta

from babel.dates import format_datetime

from channels.panels.lexicon import Level
from hub import clock
from hub.contracts import Notice

# language: (from, until, from-until, one day, one day without hours). "{a}" first, "{b}" last.
_SAID = {
    "fr": ("À partir du {a}", "Jusqu'au {b}", "Du {a} au {b}", "{day} de {x} à {y}", "{day}"),
    "en": ("From {a}", "Until {b}", "From {a} to {b}", "{day}, {x} to {y}", "{day}"),
    "es": ("Desde el {a}", "Hasta el {b}", "Del {a} al {b}", "{day} de {x} a {y}", "{day}"),
}
_AT = {"fr": "{day} à {hour}", "en": "{day} at {hour}", "es": "{day} a las {hour}"}
_DAY = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
_SHORT_DAY = "dd/MM"


def when(notice: Notice, language: str, level: Level) -> str:
    """A sentence of days and hours. From `COMMON` on, days are figures. An end at midnight is the
    day before, without an hour: "until Tuesday" is what people understand by it."""
    tongue = language.partition("-")[0].lower()
    tongue = tongue if tongue in _SAID else "fr"
    _, until, both, same_day, whole_day = _SAID[tongue]
    end = _Moment(clock.local(notice.expires, notice.timezone), tongue, level, closing=True)
    onset = notice.onset
    if onset is None or onset <= notice.sent:
        return until.format(b=end.said)
    start = _Moment(clock.local(onset, notice.timezone), tongue, level, closing=False)
    if start.date == end.date:
        if not start.hour and not end.hour:
            return _capital(whole_day.format(day=start.day))
        last = end.hour or clock_hour(end.at + timedelta(minutes=1), tongue)
        return _capital(same_day.format(day=start.day, x=start.hour_or_midnight, y=last))
    if not start.hour and not end.hour:
        return both.format(a=start.day, b=end.day)
    return both.format(a=start.said, b=end.said)


class _Moment:
    def __init__(self, at: datetime, tongue: str, level: Level, *, closing: bool) -> None:
        midnight = (at.hour, at.minute) == (0, 0)
        if closing and midnight:
            at -= timedelta(minutes=1)
        whole = midnight or (closing and (at.hour, at.minute) == (23, 59))
        self.at, self.date = at, at.date()
        pattern = _DAY[tongue] if level is Level.FULL else _SHORT_DAY
        self.day = str(format_datetime(at, pattern, locale=tongue))
        self.hour = "" if whole else clock_hour(at, tongue)
        self.hour_or_midnight = self.hour or clock_hour(at, tongue)
        if not self.hour:
            self.said = self.day
        elif level is Level.FULL:
            self.said = _AT[tongue].format(day=self.day, hour=self.hour)
        else:
            self.said = f"{self.day} {self.hour}"


def clock_hour(at: datetime, tongue: str) -> str:
    """9h, 9h30 in French; 9:00, 9:30 elsewhere."""
    if tongue == "fr":
        return f"{at.hour}h{at.minute:02d}" if at.minute else f"{at.hour}h"
    return f"{at.hour}:{at.minute:02d}"


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
