"""A plan in sentences: who gets it and why, who does not and why.

The reasons are in the language the plan was made in; `locale` is that of the sentences around
them. Outlets with the same story share one line.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from babel.dates import format_datetime

from hub import clock
from hub.rules import phrases
from hub.rules.phrases import LANGUAGES, language
from hub.rules.plan import Audience, LeftOut, Plan, Route
from hub.vocabulary import Intent, Lane

MOST_NAMED: Final = 5

_WORDS: Final[Mapping[str, tuple[str, str, str]]] = {
    Intent.PUBLISH: ("diffusion", "published", "difusión"),
    Intent.UPDATE: ("mise à jour", "updated", "actualización"),
    Intent.WITHDRAW: ("retrait", "withdrawn", "retirada"),
    Lane.URGENT: ("urgent", "urgent", "urgente"),
    Lane.NORMAL: ("normal", "normal", "normal"),
    Lane.BULK: ("sans hâte", "no hurry", "sin prisa"),
    "not": ("rien", "nothing", "nada"),
    "kept": ("pas d'envoi", "not sent", "sin envío"),
    "from": ("à partir du {when}", "from {when}", "a partir del {when}"),
    "everyone": ("toutes les personnes abonnées", "all followers", "todas las personas suscritas"),
    "followers": ("abonnés de {stations}", "followers of {stations}", "suscritos a {stations}"),
    "near": (
        "dont les quartiers sont à moins de {distance} de la zone",
        "whose neighbourhoods are within {distance} of the area",
        "cuyos barrios están a menos de {distance} de la zona",
    ),
    "inside": (
        "dont les quartiers touchent la zone",
        "whose neighbourhoods meet the area",
        "cuyos barrios tocan la zona",
    ),
    "wishes": ("selon leurs souhaits", "by their wishes", "según sus deseos"),
    "more": ("et {count} autres", "and {count} more", "y {count} más"),
    "hold": ("Attend une validation", "Waits for approval", "Espera aprobación"),
    "note": ("À noter", "Note", "Nota"),
    "nobody": (
        "Personne ne reçoit cette annonce.",
        "Nobody gets this notice.",
        "Nadie recibe este anuncio.",
    ),
}
_KINDS: Final[Mapping[str, tuple[str, str, str]]] = {
    "panel": ("Panneau", "Panel", "Panel"),
    "website": ("Site", "Website", "Sitio web"),
    "push": ("Notifications", "Notifications", "Notificaciones"),
    "sms": ("SMS", "SMS", "SMS"),
    "mastodon": ("Mastodon", "Mastodon", "Mastodon"),
    "social": ("Réseau social", "Social network", "Red social"),
    "null": ("Témoin", "Control outlet", "Testigo"),
}
# Kinds that address people, so that the audience is worth a word.
_ADDRESSING: Final = frozenset({"push", "sms"})


def sentences(plan: Plan, locale: str = "fr", zone: str = "Europe/Paris") -> list[str]:
    """Lines to read out: what waits for approval, who gets it, who does not, what to note."""
    lines = [f"{_word('hold', locale)} : {hold.reason}" for hold in plan.holds]
    groups: dict[str, list[Route]] = {}
    for route in plan.routes:
        groups.setdefault(_story(route, locale, zone), []).append(route)
    lines += [f"{_named(routes, locale)} – {story}" for story, routes in groups.items()]
    if not plan.routes:
        lines.append(_word("nobody", locale))
    absences: dict[str, list[LeftOut]] = {}
    for left in plan.left_out:
        absences.setdefault(left.reason, []).append(left)
    lines += [
        f"{_named(outlets, locale)} – {_word('not', locale)} : {reason}"
        for reason, outlets in absences.items()
    ]
    lines += [f"{_word('note', locale)} : {note}" for note in plan.notes]
    return [_spaced(line, locale) for line in lines]


def _story(route: Route, locale: str, zone: str) -> str:
    if route.suppressed:
        return f"{_word('kept', locale)} : {route.suppressed}"
    details = [_word(route.lane, locale)]
    if route.kind in _ADDRESSING and route.intent is not Intent.WITHDRAW:
        details.append(_audience(route.audience, route.lane, locale))
    if route.not_before:
        local = clock.local(route.not_before, zone)
        when = format_datetime(local, "d MMM, HH:mm", locale=language(locale))
        details.append(_word("from", locale).format(when=when))
    why = " ".join(reason if reason[-1] in ".!?" else f"{reason}." for reason in route.reasons)
    return f"{', '.join([_word(route.intent, locale), *details])} : {why}"


def _audience(audience: Audience, lane: Lane, locale: str) -> str:
    if audience.everyone:
        text = _word("everyone", locale)
    else:
        stations = ", ".join(sorted(audience.stations))
        text = _word("followers", locale).format(stations=stations)
    if audience.within_m:
        distance = phrases.distance(audience.within_m, locale)
        text += f" {_word('near', locale).format(distance=distance)}"
    elif audience.within_m is not None:
        text += f" {_word('inside', locale)}"
    if audience.wishes and lane is not Lane.URGENT:
        text += f" {_word('wishes', locale)}"
    return " + ".join([text, *(_audience(other, lane, locale) for other in audience.also)])


def _named(outlets: Sequence[Route] | Sequence[LeftOut], locale: str) -> str:
    """`Panneau « mairie »`, `Panneau « a », « b » et 3 autres`."""
    by_kind: dict[str, list[str]] = {}
    for outlet in outlets:
        by_kind.setdefault(outlet.kind, []).append(outlet.outlet)
    parts = []
    for kind, codes in by_kind.items():
        title = _KINDS[kind][LANGUAGES.index(language(locale))] if kind in _KINDS else kind
        names = ", ".join(codes[: MOST_NAMED + 1])
        if len(codes) > MOST_NAMED + 1:  # never "and 1 more"
            more = _word("more", locale).format(count=len(codes) - MOST_NAMED)
            names = f"{', '.join(codes[:MOST_NAMED])} {more}"
        parts.append(f"{title} {names}")
    return " · ".join(parts)


def _word(key: str, locale: str) -> str:
    return _WORDS[key][LANGUAGES.index(language(locale))]


def _spaced(line: str, locale: str) -> str:
    """French puts an unbreakable space before a colon, the others none."""
    return line.replace(" : ", "\u00a0: " if language(locale) == "fr" else ": ")
