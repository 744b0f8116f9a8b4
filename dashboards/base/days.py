"""Days and hours of events, as each language writes them."""

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Final

from babel import dates

from dashboards.base.i18n import gettext
from hub import clock
from hub.agenda_search import Found
from hub.models import Event

_LOCALE: Final = {"fr": "fr", "en": "en_GB", "es": "es"}
_DAY: Final = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
_YEAR: Final = {"fr": " y", "en": " y", "es": " 'de' y"}


def day(on: date, language: str, today: date) -> str:
    """« mardi 3 mars », with the year when it is another."""
    form = _DAY[language] + ("" if on.year == today.year else _YEAR[language])
    said: str = dates.format_date(on, form, locale=_LOCALE[language])
    if on.day == 1 and language == "fr":
        said = said.replace(" 1 ", " 1er ")
    return said[:1].upper() + said[1:]


def first_day(event: Event, zone: str) -> date:
    return clock.local(event.starts, zone).date()


def last_day(event: Event, zone: str) -> date:
    """The last day it touches: what ends at midnight ends the day before."""
    ends = event.ends if event.ends == event.starts else event.ends - timedelta(seconds=1)
    return clock.local(ends, zone).date()


def dated(event: Event, zone: str) -> bool:
    """Whether `hours` names the days itself. A ball that ends at two in the morning is still that
    evening's."""
    first, last = first_day(event, zone), last_day(event, zone)
    if event.all_day or last - first > timedelta(days=1):
        return first != last
    return first != last and clock.local(event.ends, zone).hour >= 6


def hours(event: Event, language: str, zone: str, today: date) -> str:
    """« 19:00 – 21:00 », « Toute la journée », « Du mardi 3 mars à 19:00 au … »."""
    first, last = first_day(event, zone), last_day(event, zone)
    begins, ends = clock.local(event.starts, zone), clock.local(event.ends, zone)
    if event.all_day and first == last:
        return gettext(language, "All day")
    if event.all_day:
        return _from_to(day(first, language, today), day(last, language, today), language)
    if event.ends <= event.starts:
        return f"{begins:%H:%M}"
    if not dated(event, zone):
        return f"{begins:%H:%M} – {ends:%H:%M}"
    return _from_to(
        f"{day(first, language, today)}, {begins:%H:%M}",
        f"{day(last, language, today)}, {ends:%H:%M}",
        language,
    )


def _from_to(first: str, last: str, language: str) -> str:
    lower = (text[:1].lower() + text[1:] if language != "en" else text for text in (first, last))
    begin, end = lower
    return gettext(language, "From %(first)s to %(last)s", first=begin, last=end)


def grouped(rows: Iterable[Found], start: date | None) -> list[tuple[date, list[Found]]]:
    """Rows by the day they begin; what had begun before `start` stands on that day."""
    made: dict[date, list[Found]] = {}
    for row in rows:
        on = first_day(row.event, row.authority.timezone)
        made.setdefault(max(on, start) if start else on, []).append(row)
    return sorted(made.items())
