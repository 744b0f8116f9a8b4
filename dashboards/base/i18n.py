"""Languages of the faces: gettext catalogues read as they are, no compile step.

Message ids are short English sentences. French is the default; English and Spanish are complete
(a test holds that). Times and numbers are written as each language writes them.
"""

import io
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Final

from babel import Locale, dates, numbers
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import Translations

from hub import clock

LANGUAGES: Final = ("fr", "en", "es")
NAMES: Final = {"fr": "Français", "en": "English", "es": "Español"}
FOLDER: Final = Path(__file__).resolve().parent.parent / "locale"

# English is written as in Europe: the day before the month, 24 hours.
_BABEL: Final = {"fr": Locale("fr"), "en": Locale("en", "GB"), "es": Locale("es")}
_DAY_AND_HOUR: Final = {
    "fr": "EEEE d MMMM 'à' HH:mm",
    "en": "EEEE d MMMM 'at' HH:mm",
    "es": "EEEE d 'de' MMMM 'a las' HH:mm",
}


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Translations:
    """The translations of one of LANGUAGES."""
    whole = Catalog(locale=language)
    for path in paths_of(language):
        with path.open("rb") as file:
            for message in read_po(file, locale=language):
                if message.id and message.string:
                    whole.add(message.id, message.string)
    compiled = io.BytesIO()
    write_mo(compiled, whole)
    compiled.seek(0)
    return Translations(compiled)


def paths_of(language: str) -> list[Path]:
    """The files of a language: tambour.po, and one for each face that keeps its own."""
    return sorted((FOLDER / language / "LC_MESSAGES").glob("*.po"))


def gettext(language: str, message: str, **values: object) -> str:
    """`message` in `language`, with its %(name)s filled in."""
    said: str = catalogue(language).gettext(message)
    return said % values if values else said


def N_(message: str) -> str:
    """Mark a message that is translated elsewhere."""
    return message


def choose(*wishes: str | None, accepts: str = "") -> str:
    """The first wish that is one of ours, then the browser's Accept-Language (RFC 9110 section
    12.5.4), then French."""
    for wish in wishes:
        if wish in LANGUAGES:
            return str(wish)
    ranked: list[tuple[float, int, str]] = []
    for position, part in enumerate(accepts.split(",")):
        tag, _, quality = part.strip().partition(";")
        try:
            weight = float(quality.strip().removeprefix("q=") or 1)
        except ValueError:
            continue
        ranked.append((-weight, position, tag.strip().lower().partition("-")[0]))
    return next((tag for weight, _, tag in sorted(ranked) if tag in LANGUAGES and weight), "fr")


def moment(at: datetime, language: str, zone: str, *, now: datetime | None = None) -> str:
    """« aujourd'hui à 17:30 », « demain à 08:00 », « mardi 24 novembre à 08:00 »."""
    local = clock.local(at, zone)
    today = clock.local(now or clock.now(), zone).date()
    away = (local.date() - today).days
    if away in (-1, 0, 1):
        word = {-1: "yesterday at %(hour)s", 0: "today at %(hour)s", 1: "tomorrow at %(hour)s"}
        return gettext(language, word[away], hour=local.strftime("%H:%M"))
    said = dates.format_datetime(local, _DAY_AND_HOUR[language], locale=_BABEL[language])
    return said if local.year == today.year else f"{said} ({local.year})"


def full(at: datetime, language: str, zone: str) -> str:
    """Day, date and hour with the zone's name, for a title or a register."""
    return dates.format_datetime(clock.local(at, zone), "full", locale=_BABEL[language])


def short_hour(at: datetime, zone: str) -> str:
    return clock.local(at, zone).strftime("%H:%M:%S")


def number(value: float, language: str) -> str:
    return numbers.format_decimal(value, locale=_BABEL[language])


def price(value: float | str, language: str) -> str:
    return numbers.format_currency(value, "EUR", locale=_BABEL[language])


def listed(words: Sequence[str], language: str) -> str:
    """« un, deux et trois »."""
    from babel.lists import format_list

    return format_list(list(words), locale=_BABEL[language])


# Read by `moment` through a table, so the extraction must be told of them.
_MARKED: Final = (N_("yesterday at %(hour)s"), N_("today at %(hour)s"), N_("tomorrow at %(hour)s"))
