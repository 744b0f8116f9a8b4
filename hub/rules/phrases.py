"""The sentences of plans, in French, English and Spanish."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Final

from hub import clock

LANGUAGES: Final = ("fr", "en", "es")

_SENTENCES: Final[Mapping[str, tuple[str, str, str]]] = {
    "near": (
        "{title} (à {distance} de la zone, limite {limit})",
        "{title} ({distance} from the area, limit {limit})",
        "{title} (a {distance} de la zona, límite {limit})",
    ),
    "exercise": (
        "Exercice : la mention « EXERCICE » accompagne l'annonce.",
        "Exercise: the notice is marked “EXERCISE”.",
        "Ejercicio: el anuncio lleva la mención «EJERCICIO».",
    ),
    "quiet_until": (
        "Heures calmes : pas avant {hour}.",
        "Quiet hours: not before {hour}.",
        "Horas de silencio: no antes de las {hour}.",
    ),
    "quiet_past_expiry": (
        "Les heures calmes finissent à {hour}, après la fin de l'annonce : rien n'est envoyé.",
        "Quiet hours end at {hour}, after the notice has ended: nothing is sent.",
        "Las horas de silencio terminan a las {hour}, después del fin del anuncio: "
        "no se envía nada.",
    ),
    "at_past_expiry": (
        "L'envoi prévu à {hour} tomberait après la fin de l'annonce : rien n'est envoyé.",
        "The sending set for {hour} would come after the notice has ended: nothing is sent.",
        "El envío previsto a las {hour} llegaría después del fin del anuncio: no se envía nada.",
    ),
    "cancelled": (
        "Annulation : la révision {revision} a été diffusée ici, elle en est retirée.",
        "Cancelled: revision {revision} went out here and is withdrawn.",
        "Anulación: la revisión {revision} se difundió aquí y se retira.",
    ),
    "unwanted": (
        "La révision {revision} a été diffusée ici, la nouvelle n'y va plus : elle en est retirée.",
        "Revision {revision} went out here, the new one does not: it is withdrawn.",
        "La revisión {revision} se difundió aquí y la nueva ya no: se retira.",
    ),
    "not_told": (
        "Annulation : rien n'a été diffusé ici, il n'y a rien à retirer.",
        "Cancelled: nothing went out here, there is nothing to withdraw.",
        "Anulación: aquí no se difundió nada, no hay nada que retirar.",
    ),
    "paused": ("En pause.", "Paused.", "En pausa."),
    "paused_keeps": (
        "En pause : garde la révision {revision} jusqu'à la reprise.",
        "Paused: keeps revision {revision} until it is resumed.",
        "En pausa: conserva la revisión {revision} hasta que se reanude.",
    ),
    "test": (
        "Essai : seuls les points de diffusion portant l'étiquette « test » le reçoivent.",
        "Test: only outlets tagged “test” receive it.",
        "Prueba: solo la reciben los puntos de difusión con la etiqueta «test».",
    ),
    "too_far": (
        "Trop loin : {distance} > {limit} (« {title} »).",
        "Too far: {distance} > {limit} (“{title}”).",
        "Demasiado lejos: {distance} > {limit} («{title}»).",
    ),
    "no_place": (
        "Sa position n'est pas connue, or « {title} » demande moins de {limit} de la zone.",
        "Its position is not known, and “{title}” asks for less than {limit} from the area.",
        "Su posición no se conoce y «{title}» exige menos de {limit} de la zona.",
    ),
    "no_area": (
        "L'annonce n'a pas de zone, or « {title} » demande moins de {limit} de celle-ci.",
        "The notice has no area, and “{title}” asks for less than {limit} from it.",
        "El anuncio no tiene zona y «{title}» exige menos de {limit} de ella.",
    ),
    "unless": (
        "Une exception de la règle « {title} » s'applique.",
        "An exception of the rule “{title}” applies.",
        "Se aplica una excepción de la regla «{title}».",
    ),
    "stopped": (
        "La règle « {title} » arrête la suite : les règles suivantes n'ont pas été consultées.",
        "The rule “{title}” stops here: the rules after it were not asked.",
        "La regla «{title}» detiene el resto: las reglas siguientes no se han consultado.",
    ),
    "no_rule": (
        "Aucune règle ne le demande pour cette annonce.",
        "No rule asks for it for this notice.",
        "Ninguna regla lo pide para este anuncio.",
    ),
    "note_error": (
        "La condition de la règle « {name} » n'a pas pu être évaluée ({error}) : "
        "elle compte pour fausse.",
        "The condition of the rule “{name}” could not be evaluated ({error}): it counts as false.",
        "La condición de la regla «{name}» no se pudo evaluar ({error}): cuenta como falsa.",
    ),
    "hold_error": (
        "La condition de cette règle n'a pas pu être évaluée : par prudence, l'annonce attend.",
        "This rule's condition could not be evaluated: to be safe, the notice waits.",
        "La condición de esta regla no se pudo evaluar: por prudencia, el anuncio espera.",
    ),
    "note_lane": (
        "La règle « {name} » demandait une voie plus rapide que celle de l'annonce : ignoré.",
        "The rule “{name}” asked for a faster lane than the notice's own: ignored.",
        "La regla «{name}» pedía una vía más rápida que la del anuncio: ignorado.",
    ),
    "note_quiet": (
        "Les heures calmes « {quiet} » ne sont pas lisibles : elles ne s'appliquent pas.",
        "The quiet hours “{quiet}” cannot be read: they do not apply.",
        "Las horas de silencio «{quiet}» no se pueden leer: no se aplican.",
    ),
    "note_exercise": (
        "Exercice : chaque diffusion porte la mention « EXERCICE ».",
        "Exercise: every outlet marks it “EXERCISE”.",
        "Ejercicio: cada difusión lleva la mención «EJERCICIO».",
    ),
    "note_outlet_gone": (
        "Un point de diffusion qui portait la révision {revision} n'existe plus (n° {outlet}).",
        "An outlet that carried revision {revision} no longer exists (no. {outlet}).",
        "Un punto de difusión que llevaba la revisión {revision} ya no existe (n.º {outlet}).",
    ),
    "note_rules": (
        "Le fichier de règles contient une erreur, les règles précédentes restent en vigueur : "
        "{problem}",
        "The file of rules has an error, the rules before it stay in force: {problem}",
        "El archivo de reglas contiene un error, siguen en vigor las reglas anteriores: {problem}",
    ),
    "intake_test": (
        "Les essais d'une source ne sont pas repris.",
        "Tests of a source are not taken up.",
        "Las pruebas de una fuente no se recogen.",
    ),
    "intake_exercise": (
        "Un exercice annoncé par une source ne se publie pas seul : un brouillon attend.",
        "An exercise announced by a source is never published by itself: a draft waits.",
        "Un ejercicio anunciado por una fuente no se publica solo: un borrador espera.",
    ),
    "intake_fallback": (
        "Aucune règle ne s'applique : réglage de la source.",
        "No rule applies: the source's own setting.",
        "Ninguna regla se aplica: ajuste de la fuente.",
    ),
}


@lru_cache(maxsize=64)
def language(locale: str) -> str:
    """The language that sentences are written in for `locale`: fr, en or es."""
    base = locale[:2].lower()
    return base if base in LANGUAGES else "fr"


def say(key: str, locale: str, **values: object) -> str:
    return _SENTENCES[key][LANGUAGES.index(language(locale))].format(**values)


def worded(sentence: Mapping[str, str], locale: str) -> str:
    """A rule's sentence in `locale`, else in French, else in any language it has."""
    found = sentence.get(language(locale)) or sentence.get("fr")
    return found or next(iter(sentence.values()))


def distance(metres: float, locale: str) -> str:
    """`340 m`, `3,4 km`, `1,54 km` (with a point in English)."""
    if metres < 999.5:
        return f"{metres:.0f}\u00a0m"
    text = f"{metres / 1000:.{2 if metres < 10_000 else 1}f}".rstrip("0").rstrip(".")
    return f"{text if language(locale) == 'en' else text.replace('.', ',')}\u00a0km"


def hour(moment: datetime, zone: str, locale: str) -> str:
    """`7 h 00` in French, `07:00` elsewhere."""
    local = clock.local(moment, zone)
    if language(locale) == "fr":
        return f"{local.hour}\u00a0h\u00a0{local.minute:02d}"
    return local.strftime("%H:%M")
