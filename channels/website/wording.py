"""The words around a notice, in French, English and Spanish, and dates as people say them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from babel.dates import format_datetime

from hub import clock
from hub.vocabulary import EndedAs, Severity, Status


@dataclass(frozen=True, slots=True)
class Words:
    """One language. `severities` are never shown without their shape, never by colour alone."""

    title: str
    now: str
    coming: str
    nothing: str
    instruction: str
    where: str
    when: str
    span: str
    issued: str
    corrected: str
    all_notices: str
    follow: str
    marks: dict[Status, str]
    ended: dict[EndedAs, str]
    severities: dict[Severity, str]
    one_day: str
    at: str
    day: str
    hour: str
    minute: str


FRENCH: Final = Words(
    title="{name} : annonces",
    now="En ce moment",
    coming="À venir",
    nothing="Aucune annonce en ce moment.",
    instruction="Ce que vous devez faire",
    where="Où :",
    when="Quand :",
    span="du {start} au {end}",
    issued="Publiée le {at}",
    corrected="Mise à jour le {at}",
    all_notices="Toutes les annonces",
    follow="Suivre ces annonces",
    marks={Status.EXERCISE: "[EXERCICE] ", Status.TEST: "[TEST] "},
    ended={EndedAs.OVER: "Terminé : ", EndedAs.RETRACTED: "Retiré : "},
    severities={
        Severity.EXTREME: "Danger extrême",
        Severity.SEVERE: "Alerte",
        Severity.MODERATE: "Vigilance",
        Severity.MINOR: "Information",
        Severity.UNKNOWN: "Information",
    },
    one_day="le {day} de {start} à {end}",
    at="{day} à {hour}",
    day="EEEE d MMMM y",
    hour="H\u00a0'h'",
    minute="H\u00a0'h'\u00a0mm",
)

ENGLISH: Final = Words(
    title="{name}: notices",
    now="Now",
    coming="Coming",
    nothing="No notice at the moment.",
    instruction="What you should do",
    where="Where:",
    when="When:",
    span="from {start} to {end}",
    issued="Published on {at}",
    corrected="Updated on {at}",
    all_notices="All notices",
    follow="Follow these notices",
    marks={Status.EXERCISE: "[EXERCISE] ", Status.TEST: "[TEST] "},
    ended={EndedAs.OVER: "Over: ", EndedAs.RETRACTED: "Withdrawn: "},
    severities={
        Severity.EXTREME: "Extreme danger",
        Severity.SEVERE: "Alert",
        Severity.MODERATE: "Caution",
        Severity.MINOR: "Information",
        Severity.UNKNOWN: "Information",
    },
    one_day="on {day} from {start} to {end}",
    at="{day} at {hour}",
    day="EEEE d MMMM y",
    hour="H:mm",
    minute="H:mm",
)

SPANISH: Final = Words(
    title="{name}: avisos",
    now="En este momento",
    coming="Próximamente",
    nothing="Ningún aviso en este momento.",
    instruction="Qué debe hacer",
    where="Dónde:",
    when="Cuándo:",
    span="desde el {start} hasta el {end}",
    issued="Publicado el {at}",
    corrected="Actualizado el {at}",
    all_notices="Todos los avisos",
    follow="Seguir estos avisos",
    marks={Status.EXERCISE: "[SIMULACRO] ", Status.TEST: "[PRUEBA] "},
    ended={EndedAs.OVER: "Terminado: ", EndedAs.RETRACTED: "Retirado: "},
    severities={
        Severity.EXTREME: "Peligro extremo",
        Severity.SEVERE: "Alerta",
        Severity.MODERATE: "Precaución",
        Severity.MINOR: "Información",
        Severity.UNKNOWN: "Información",
    },
    one_day="el {day}, de {start} a {end}",
    at="{day}, {hour}",
    day="EEEE d 'de' MMMM 'de' y",
    hour="H:mm",
    minute="H:mm",
)

_BY_BASE: Final = {"fr": FRENCH, "en": ENGLISH, "es": SPANISH}


def base_of(language: str) -> str:
    """`fr-FR` → `fr`; a language we have no words for → `en`, which most readers abroad know."""
    base = language.partition("-")[0].lower()
    return base if base in _BY_BASE else "en"


def words(language: str) -> Words:
    return _BY_BASE[base_of(language)]


def moment(at: datetime, language: str, timezone: str) -> str:
    """`lundi 2 mars 2026 à 8 h 30`, in the local time of `timezone`; no minutes at a full hour."""
    local, said = clock.local(at, timezone), words(language)
    return said.at.format(day=_day(local, language), hour=_hour(local, language))


def span(start: datetime, end: datetime, language: str, timezone: str) -> str:
    """`du lundi 2 mars 2026 à 8 h au mardi 3 mars 2026 à 18 h`; within one day of `timezone`, `le
    lundi 2 mars 2026 de 8 h à 18 h`."""
    said, first, last = words(language), clock.local(start, timezone), clock.local(end, timezone)
    if first.date() == last.date():
        return said.one_day.format(
            day=_day(first, language), start=_hour(first, language), end=_hour(last, language)
        )
    return said.span.format(
        start=moment(start, language, timezone), end=moment(end, language, timezone)
    )


def _day(local: datetime, language: str) -> str:
    return format_datetime(local, words(language).day, locale=base_of(language))


def _hour(local: datetime, language: str) -> str:
    said = words(language)
    pattern = said.minute if local.minute else said.hour
    return format_datetime(local, pattern, locale=base_of(language))
