"""Words for sources that send codes: three languages, days and hours as people say them."""

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

LANGUAGES: Final = ("fr", "en", "es")
Words = tuple[str, str, str]

_DATE: Final = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
_SPAN: Final[dict[str, Words]] = {
    "day": ("{a}, de {t} à {u}", "{a}, from {t} to {u}", "{a}, de {t} a {u}"),
    "whole": ("{a}, toute la journée", "{a}, all day", "{a}, todo el día"),
    "days": ("du {a} à {t} au {b} à {u}", "from {a} at {t} to {b} at {u}",
             "del {a} a las {t} al {b} a las {u}"),
    "from": ("à partir du {a} à {t}", "from {a} at {t}", "desde el {a} a las {t}"),
}  # fmt: skip


def spoken(preferred: str) -> tuple[str, ...]:
    """The three languages, the source's own first where it is one of them, else French."""
    base = preferred[:2].lower()
    return (base, *(x for x in LANGUAGES if x != base)) if base in LANGUAGES else LANGUAGES


def pick(row: Words, language: str) -> str:
    return row[LANGUAGES.index(language)]


def day(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """ "jeudi 12 mars"."""
    from babel.dates import format_date  # 60 ms that most kinds never need

    local = moment.astimezone(zone)
    said: str = format_date(local.date(), _DATE[language], locale=language)
    return said.replace(" 1 ", " 1er ") if language == "fr" else said


def hour(moment: datetime, zone: ZoneInfo, language: str) -> str:
    """ "16 h 30" in French, "16:30" elsewhere."""
    local = moment.astimezone(zone)
    return clock(local.hour, local.minute, language)


def clock(hours: int, minutes: int, language: str) -> str:
    if language != "fr":
        return f"{hours}:{minutes:02d}"
    return f"{hours} h {minutes:02d}" if minutes else f"{hours} h"


def span(start: datetime, end: datetime | None, zone: ZoneInfo, language: str) -> str:
    """ "jeudi 12 mars, de 16 h à 22 h", or both days where there are two. The end of a day belongs
    to that day: what ends at midnight ends at 24 h of the day before."""
    given = {"a": day(start, zone, language), "t": hour(start, zone, language)}
    if end is None:
        return pick(_SPAN["from"], language).format(**given)
    last = end.astimezone(zone)
    given["u"] = hour(end, zone, language)
    if (last.hour, last.minute) == (0, 0) and end > start:
        end -= timedelta(minutes=1)
        given["u"] = "24 h" if language == "fr" else "24:00"
        first = start.astimezone(zone)
        if (first.hour, first.minute, first.date()) == (0, 0, end.astimezone(zone).date()):
            return pick(_SPAN["whole"], language).format(**given)
    given["b"] = day(end, zone, language)
    return pick(_SPAN["day" if given["a"] == given["b"] else "days"], language).format(**given)


def listed(parts: Iterable[str], language: str) -> str:
    """ "a, b et c"."""
    found = list(dict.fromkeys(part for part in parts if part))
    last = pick((" et ", " and ", " y "), language)
    return last.join([", ".join(found[:-1]), found[-1]]) if len(found) > 1 else "".join(found)


def sentence(said: str) -> str:
    """With a capital and a full stop."""
    said = said.strip()
    if not said:
        return ""
    return said[0].upper() + said[1:] + ("" if said[-1] in ".!?…:" else ".")


def each(language: str, made: Callable[[str], str]) -> dict[str, str]:
    """`made` of each language, in the order in which they are spoken there."""
    return {name: made(name) for name in spoken(language)}
