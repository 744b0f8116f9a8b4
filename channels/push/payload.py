"""What a phone is told: one JSON object of at most 3,800 bytes, made for each language.

The service worker (dashboards/citizen/static/sw.js) reads: `title`, `body`, `tag`, `url`,
`publication`, `revision`, `intent`, `expires` and `sent` (Unix seconds; 0: never), `severity`,
`category`, `exercise` (bool), `quiet` (bool: no sound), `station` (name), `lang`.
docs/push.md describes it.
"""

import base64
import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

from channels.wording import language, lead, mark, spoken, when_words
from hub.contracts import Notice, Refusal
from hub.vocabulary import GRAVE, EndedAs, Intent, Lane, Status

# The push services' limit is 3,993 bytes of text (RFC 8291 section 4); some relays wrap it again.
MAX_PAYLOAD: Final = 3800
_LEAST: Final = 30  # a description or headline cut shorter than this says nothing

_BLANKS: Final = re.compile(r"[ \t\r\n]+")

_ENDS: Final[dict[EndedAs | None, dict[str, str]]] = {
    EndedAs.OVER: {
        "fr": "C'est terminé. Les consignes données ne s'appliquent plus.",
        "en": "It is over. The instructions given no longer apply.",
        "es": "Ha terminado. Las instrucciones dadas ya no se aplican.",
    },
    EndedAs.RETRACTED: {
        "fr": "Cette annonce était erronée. N'en tenez pas compte.",
        "en": "This notice was wrong. Please disregard it.",
        "es": "Este aviso era erróneo. No lo tenga en cuenta.",
    },
    EndedAs.EXPIRED: {
        "fr": "La période annoncée est passée. Les consignes données ne s'appliquent plus.",
        "en": "The announced period has passed. The instructions given no longer apply.",
        "es": "El período anunciado ha pasado. Las instrucciones dadas ya no se aplican.",
    },
    None: {
        "fr": "Cette annonce a changé et ne vous concerne plus. Vous n'avez rien à faire.",
        "en": "This notice has changed and no longer concerns you. You need not do anything.",
        "es": "Este aviso ha cambiado y ya no le concierne. No tiene que hacer nada.",
    },
}
_MANY: Final = {"fr": "{0} annonces", "en": "{0} notices", "es": "{0} avisos"}


@dataclass(frozen=True, slots=True)
class Composed:
    """A payload that fits. `left_out` and `shortened` name fields of the notice."""

    body: bytes
    title: str
    text: str
    left_out: tuple[str, ...] = ()
    shortened: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Parts:
    title: str
    facts: str = ""
    instruction: str = ""
    description: str = ""
    who: str = ""

    @property
    def text(self) -> str:
        """What to do stands before the details: a phone folded shows two lines."""
        lines = (self.facts, self.instruction, self.description, self.who)
        return "\n".join(line for line in lines if line)


def languages_of(notices: Sequence[Notice]) -> tuple[str, ...]:
    """Every language that one of the notices speaks, sorted."""
    return tuple(sorted({tongue for notice in notices for tongue in notice.texts}))


def topic_of(notices: Sequence[Notice]) -> str:
    """24 characters that a push service collapses by (RFC 8030 section 5.4 allows 32): the same for
    every revision of a publication, and telling the service nothing about it."""
    named = "\n".join(sorted(n.publication for n in notices))
    return base64.urlsafe_b64encode(hashlib.sha256(named.encode()).digest()[:18]).decode()


def compose(notices: Sequence[Notice], intent: Intent, locale: str) -> Composed | Refusal:
    """The payload in one language: the description gives way first, then who says it, then the
    headline is shortened; never the instruction, the place or the time."""
    if len(notices) > 1:
        return _digest(notices, intent, locale)
    notice = replace(notices[0], intent=intent)
    full = _parts(notice, locale)
    for parts, left_out, shortened in _ever_less(full, notice, locale):
        body = _encode(parts, notice, locale)
        if len(body) <= MAX_PAYLOAD:
            return Composed(body, parts.title, parts.text, left_out, shortened)
    many = len(_encode(replace(full, description="", who=""), notice, locale)) - MAX_PAYLOAD
    return Refusal(
        "instruction" if len(full.instruction) >= len(full.facts) else "area_desc",
        f"L'essentiel (où, quand, que faire) dépasse de {many} octets ce qu'un téléphone reçoit.",
        f"Raccourcissez d'environ {many} caractères.",
    )


def _parts(notice: Notice, locale: str) -> _Parts:
    text, tongue = notice.text_in(locale), language(spoken(notice, locale))
    title = _title(notice, locale, text.headline)
    who = notice.station_name or notice.authority_name
    if notice.intent is Intent.WITHDRAW:
        return _Parts(title, facts=_ENDS[notice.ended_as][tongue], who=who)
    where = _one_line(notice.area_desc)
    if where.casefold() in title.casefold():
        where = ""
    facts = " · ".join(p for p in (where, when_words(notice, tongue)) if p)
    return _Parts(title, facts, _one_line(text.instruction), text.description.strip(), who)


def _title(notice: Notice, locale: str, headline: str) -> str:
    tongue = spoken(notice, locale)
    return f"{mark(notice, tongue)} {lead(notice, tongue)}{_one_line(headline)}".strip()


def _ever_less(full: _Parts, notice: Notice, locale: str) -> Any:
    """(parts, left out, shortened), from the fullest to the barest."""
    yield full, (), ()
    left: tuple[str, ...] = ()
    if full.description:
        bare = len(_encode(replace(full, description=""), notice, locale))
        cut = _cut(full.description, MAX_PAYLOAD - bare)
        while len(cut) >= _LEAST:
            yield replace(full, description=cut), (), ("description",)
            over = len(_encode(replace(full, description=cut), notice, locale)) - MAX_PAYLOAD
            cut = _cut(cut, len(cut) - max(1, over // 4))  # a letter takes at most 6 bytes
        full, left = replace(full, description=""), ("description",)
        yield full, left, ()
    full, left = replace(full, who=""), (*left, "station_name")
    yield full, left, ()
    text = notice.text_in(locale)
    headlines = [text.short] if text.short else []
    headlines += [_cut(text.headline, room) for room in (400, 200, 100, 60)]
    for headline in headlines:
        if headline and len(headline) < len(text.headline):
            short = replace(full, title=_title(notice, locale, headline))
            yield short, left, ("headline",)


def _encode(parts: _Parts, notice: Notice, locale: str) -> bytes:
    return _json(
        title=parts.title,
        body=parts.text,
        tag=notice.publication,
        url=notice.url,
        publication=notice.publication,
        revision=notice.revision,
        intent=notice.intent.value,
        expires=0 if notice.intent is Intent.WITHDRAW else int(notice.expires.timestamp()),
        sent=int(notice.sent.timestamp()),
        severity=notice.severity.value,
        category=notice.category,
        exercise=notice.status is not Status.ACTUAL,
        quiet=_quiet(notice),
        station=notice.station_name,
        lang=spoken(notice, locale),
    )


def _quiet(notice: Notice) -> bool:
    """What asks for nothing makes no sound; a retraction is heard, as the error was."""
    if notice.intent is Intent.WITHDRAW:
        grave = notice.severity in GRAVE
        return notice.ended_as in (None, EndedAs.EXPIRED) or (
            notice.ended_as is EndedAs.OVER and not grave
        )
    return notice.lane is Lane.BULK


def _digest(notices: Sequence[Notice], intent: Intent, locale: str) -> Composed | Refusal:
    """Many notices in one: a line each with its instruction, or a refusal; none is left out."""
    first = notices[0]
    tongue = language(spoken(first, locale))
    lines = []
    for notice in notices:
        parts = _parts(replace(notice, intent=intent), locale)
        said = parts.facts if intent is Intent.WITHDRAW else parts.instruction
        lines.append(f"• {parts.title}\n  {said}" if said else f"• {parts.title}")
    names = {n.station_name for n in notices}
    title = _MANY[tongue].format(len(notices))
    title = f"{title} · {first.station_name}" if len(names) == 1 else title
    site = urlsplit(first.url)
    same = len({n.station for n in notices}) == 1
    tag = f"digest-{topic_of(notices)}"
    body = _json(
        title=title,
        body="\n".join(lines),
        tag=tag,
        url=f"{site.scheme}://{site.netloc}/" + (f"s/{first.station}" if same else ""),
        publication=tag,
        revision=max(n.revision for n in notices),
        intent=intent.value,
        expires=0
        if intent is Intent.WITHDRAW
        else int(max(n.expires for n in notices).timestamp()),
        sent=int(max(n.sent for n in notices).timestamp()),
        severity=first.severity.value,
        category=first.category,
        exercise=any(n.status is not Status.ACTUAL for n in notices),
        quiet=all(_quiet(replace(n, intent=intent)) for n in notices),
        station=first.station_name if same else "",
        lang=tongue,
    )
    if len(body) > MAX_PAYLOAD:
        many = len(body) - MAX_PAYLOAD
        return Refusal(
            "notices",
            f"Les {len(notices)} avis ensemble dépassent de {many} octets ce qu'un téléphone "
            "reçoit.",
            "Répartissez-les en plusieurs envois.",
        )
    return Composed(body, title, "\n".join(lines), ("description",))


def _json(**fields: Any) -> bytes:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode()


def _one_line(text: str) -> str:
    return _BLANKS.sub(" ", text).strip()


def _cut(text: str, room: int) -> str:
    """At most `room` characters, ending between words with "…"; "" when none fits."""
    if len(text) <= room:
        return text
    head = text[: max(room - 1, 0)]
    kept = head[: max(head.rfind(" "), head.rfind("\n"), 0)].rstrip(" \n,;:.-–—(«\u00a0")
    return f"{kept}…" if kept else ""
