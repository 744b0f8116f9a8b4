"""The fixed words of short messages: marks, openings and dates, in French, English and Spanish."""

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Final

from babel.dates import format_date

from hub import clock
from hub.contracts import Notice
from hub.vocabulary import EndedAs, Intent, Status

LANGUAGES: Final = ("fr", "en", "es")

MARKS: Final[Mapping[Status, Mapping[str, str]]] = {
    Status.ACTUAL: {"fr": "", "en": "", "es": ""},
    Status.EXERCISE: {"fr": "[EXERCICE]", "en": "[EXERCISE]", "es": "[EJERCICIO]"},
    Status.TEST: {"fr": "[TEST]", "en": "[TEST]", "es": "[PRUEBA]"},
}

_UPDATE: Final = {"fr": "Mise à jour\u00a0: ", "en": "Update: ", "es": "Actualización: "}
_ENDS: Final[Mapping[EndedAs | None, Mapping[str, str]]] = {
    EndedAs.OVER: {"fr": "Fin\u00a0: ", "en": "Over: ", "es": "Fin: "},
    EndedAs.RETRACTED: {
        "fr": "Annulé, information erronée\u00a0: ",
        "en": "Cancelled, this was wrong: ",
        "es": "Anulado, información errónea: ",
    },
    EndedAs.EXPIRED: {"fr": "Terminé\u00a0: ", "en": "Ended: ", "es": "Terminado: "},
    None: {
        "fr": "Ne vous concerne plus\u00a0: ",
        "en": "No longer concerns you: ",
        "es": "Ya no le concierne: ",
    },
}

# CLDR patterns; its ready-made long forms are either without the weekday or abbreviate it.
_DAY: Final = {"fr": "EEEE d MMMM", "en": "EEEE d MMMM", "es": "EEEE d 'de' MMMM"}
_DAY_AND_YEAR: Final = {
    "fr": "EEEE d MMMM y",
    "en": "EEEE d MMMM y",
    "es": "EEEE d 'de' MMMM 'de' y",
}
_UNTIL: Final = {"fr": "jusqu'au {0}", "en": "until {0}", "es": "hasta el {0}"}
_BETWEEN: Final = {"fr": "du {0} au {1}", "en": "from {0} to {1}", "es": "del {0} al {1}"}
_AT: Final = {"fr": "{0} {1}", "en": "{0}, {1}", "es": "{0} a las {1}"}
_SPAN: Final = {
    "fr": "{0} {1}\u00a0–\u00a0{2}",
    "en": "{0}, {1}–{2}",
    "es": "{0} de {1} a {2}",
}


def language(locale: str) -> str:
    """The one of our languages that `locale` (BCP 47) asks for; French where it is another."""
    base = locale.partition("-")[0].lower()
    return base if base in LANGUAGES else "fr"


def spoken(notice: Notice, locale: str) -> str:
    """The language in which `notice` is said to a reader of `locale`: the fixed words follow its
    own words, so that a text nobody translated is not wrapped in another language."""
    if locale in notice.texts or locale.partition("-")[0] in notice.texts:
        return locale
    return next(iter(notice.texts))


def mark(notice: Notice, locale: str) -> str:
    """What an exercise or a test is marked with; empty for what is meant."""
    return MARKS[notice.status][language(locale)]


def lead(notice: Notice, locale: str) -> str:
    """How a correction opens ("Mise à jour : ", "Annulé, information erronée : "); else empty."""
    if notice.intent is Intent.UPDATE:
        return _UPDATE[language(locale)]
    if notice.intent is Intent.WITHDRAW:
        return _ENDS[notice.ended_as][language(locale)]
    return ""


def when_words(notice: Notice, locale: str) -> str:
    """From when to when, as people say it in the authority's zone: "Mardi 4 mars 7 h – 11 h".

    What has begun when it is said reads "jusqu'au …". A day that is whole names no hour. The year
    is said where it is not the one of the saying.
    """
    tongue = language(locale)
    said = clock.local(notice.sent, notice.timezone)
    begins = clock.local(notice.onset or notice.effective, notice.timezone)
    ends = clock.local(notice.expires, notice.timezone)
    last = _last_day(begins, ends)
    if last is not None:
        first_day = _day(begins.date(), said.date(), tongue)
        last_day = _day(last, said.date(), tongue)
        if begins.date() == last:
            return _sentence(first_day)
        if begins <= said:
            return _sentence(_UNTIL[tongue].format(last_day))
        return _sentence(_BETWEEN[tongue].format(first_day, last_day))
    end_day = _day(ends.date(), said.date(), tongue)
    if begins <= said or begins >= ends:
        return _sentence(_UNTIL[tongue].format(_AT[tongue].format(end_day, _hour(ends, tongue))))
    if begins.date() == ends.date():
        return _sentence(_SPAN[tongue].format(end_day, _hour(begins, tongue), _hour(ends, tongue)))
    return _sentence(
        _BETWEEN[tongue].format(
            _AT[tongue].format(_day(begins.date(), said.date(), tongue), _hour(begins, tongue)),
            _AT[tongue].format(end_day, _hour(ends, tongue)),
        )
    )


def _last_day(begins: datetime, ends: datetime) -> date | None:
    """The last of whole days, midnight to midnight (or a minute before); None for hours."""
    if (begins.hour, begins.minute) != (0, 0) or ends <= begins:
        return None
    if (ends.hour, ends.minute) == (0, 0):
        return ends.date() - timedelta(days=1)
    return ends.date() if (ends.hour, ends.minute) == (23, 59) else None


def _day(day: date, said: date, tongue: str) -> str:
    pattern = _DAY[tongue] if day.year == said.year else _DAY_AND_YEAR[tongue]
    words: str = format_date(day, pattern, locale=tongue)
    return words.replace(" 1 ", " 1er ") if tongue == "fr" else words


def _hour(moment: datetime, tongue: str) -> str:
    if tongue == "fr":
        minutes = f"\u00a0{moment.minute:02d}" if moment.minute else ""
        return f"{moment.hour}\u00a0h{minutes}"
    return f"{moment.hour}:{moment.minute:02d}"


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
