"""What a reminder says of events: a title, a line for each, in the authority's languages. Pure.

Days are named by their date, never "tomorrow": a panel still shows the words after midnight.
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

from babel import dates

from hub import clock
from hub.models import Event
from hub.vocabulary import EventState

LANGUAGES: Final = ("fr", "en", "es")
_BABEL: Final = {"fr": "fr_FR", "en": "en_GB", "es": "es_ES"}
_DAY: Final = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
_SHORT_DAY: Final = {"fr": "d MMMM", "en": "d MMMM", "es": "d 'de' MMMM"}
_NUMBER: Final = {"fr": "d", "en": "d", "es": "d"}
_CANCELLED: Final = {"fr": "Annulé : ", "en": "Cancelled: ", "es": "Anulado: "}
_TITLE: Final = {"fr": "{when} : {what}", "en": "{when}: {what}", "es": "{when}: {what}"}
_AT: Final = {"fr": "{day} à {hour}", "en": "{day} at {hour}", "es": "{day} a las {hour}"}
_ON: Final = {
    "fr": "Agenda du {day} : {count} rendez-vous",
    "en": "Agenda of {day}: {count} events",
    "es": "Agenda del {day}: {count} citas",
}
_FROM_TO: Final = {
    "fr": "Agenda du {first} au {last} : {count} rendez-vous",
    "en": "Agenda from {first} to {last}: {count} events",
    "es": "Agenda del {first} al {last}: {count} citas",
}
_MORE: Final = {
    "fr": "… et {count} autre{s} : {url}",
    "en": "… and {count} more: {url}",
    "es": "… y {count} más: {url}",
}
# A notice that lists more than this is not read to its end; the agenda has them all.
_LINES: Final = 20


def texts(
    events: Sequence[Event], languages: Sequence[str], zone: str, url: str
) -> dict[str, dict[str, str]]:
    """The words of a reminder of `events`, by language. `url` is where the agenda is."""
    named = dict.fromkeys(code[:2] for code in languages)
    spoken = [code for code in named if code in LANGUAGES] or ["fr"]
    tell = _one if len(events) == 1 else _several
    return {code: tell(events, code, zone, url) for code in spoken}


def when(event: Event, language: str, zone: str, *, day: bool = True) -> str:
    """« samedi 7 mars à 19 h », or the hour alone; an event of whole days has none."""
    begins = clock.local(event.starts, zone)
    said = _date(begins.date(), language, _DAY) if day else ""
    if event.all_day:
        return said
    at = hour(begins, language)
    return _AT[language].format(day=said, hour=at) if said else at


def hour(at: datetime, language: str) -> str:
    """« 19 h », « 19 h 30 » ; 19:00 elsewhere."""
    if language != "fr":
        return at.strftime("%H:%M")
    return f"{at.hour} h {at.minute:02}" if at.minute else f"{at.hour} h"


def words_of(event: Event, language: str) -> dict[str, Any]:
    found: dict[str, Any] = event.texts.get(language) or next(iter(event.texts.values()))
    return found


def _one(events: Sequence[Event], language: str, zone: str, url: str) -> dict[str, str]:
    event = events[0]
    words = words_of(event, language)
    title = _TITLE[language].format(
        when=_capital(when(event, language, zone)), what=words["headline"]
    )
    off = _CANCELLED[language] if event.state == EventState.CANCELLED else ""
    link = f"{url}/{event.id}"
    story = _clip(str(words.get("description", "")), 7000)
    return {
        "headline": _clip(off + title, 160),
        "description": f"{story}\n\n{link}".strip(),
        "short": _clip(off + str(words["headline"]), 120),
    }


def _several(events: Sequence[Event], language: str, zone: str, url: str) -> dict[str, str]:
    days = [clock.local(event.starts, zone).date() for event in events]
    first, last = min(days), max(days)
    coming = [event for event in events if event.state == EventState.PLANNED]
    count = len(coming)
    if first == last:
        day = _date(first, language, _DAY)
        title = _ON[language].format(day=day, count=count)
    else:
        to = _date(last, language, _SHORT_DAY)
        within = (first.year, first.month) == (last.year, last.month)
        from_ = _date(first, language, _NUMBER if within else _SHORT_DAY)
        title = _FROM_TO[language].format(first=from_, last=to, count=count)
    lines: list[str] = []
    said: date | None = None
    for event, day_of in list(zip(events, days, strict=True))[:_LINES]:
        if first != last and day_of != said:
            lines.append(("\n" if lines else "") + _capital(_date(day_of, language, _DAY)))
            said = day_of
        lines.append("- " + _line(event, language, zone))
    if len(events) > _LINES:
        left = len(events) - _LINES
        more = _MORE[language].format(count=left, s="s" if left > 1 else "", url=url)
        lines.append(f"\n{more}")
    else:
        lines.append(f"\n{url}")
    return {
        "headline": title,
        "description": _clip("\n".join(lines), 8000),
        "short": _clip(", ".join(str(words_of(e, language)["headline"]) for e in coming), 120),
    }


def _line(event: Event, language: str, zone: str) -> str:
    words = words_of(event, language)
    at = when(event, language, zone, day=False)
    off = _CANCELLED[language] if event.state == EventState.CANCELLED else ""
    said = f"{off}{at + ', ' if at else ''}{words['headline']}"
    return f"{said} ({event.place})" if event.place else said


def _date(day: date, language: str, form: dict[str, str]) -> str:
    said: str = dates.format_date(day, form[language], locale=_BABEL[language])
    if day.day == 1 and language == "fr":
        said = " ".join("1er" if word == "1" else word for word in said.split(" "))
    return said


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _clip(text: str, longest: int) -> str:
    if len(text) <= longest:
        return text
    kept = text[: longest - 1].rpartition(" ")[0] or text[: longest - 1]
    return kept.rstrip(" ,;:.") + "…"


def span(events: Sequence[Event]) -> tuple[datetime, datetime]:
    """(onset, expires) of a reminder: from the first start to the last end; an event that states no
    length counts as an hour."""
    ends = [max(event.ends, event.starts + timedelta(hours=1)) for event in events]
    return min(event.starts for event in events), max(ends)
