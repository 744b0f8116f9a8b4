"""One CAP alert (1.2 and 1.1), or one entry of an index of alerts, to an item.

An item carries one set of CAP words: those of the gravest info block. Blocks in other languages
give their texts; further blocks of the same language (another area, another phase) are added.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors import areas
from connectors.common import Wrong, mail_moment, moment, stamp
from connectors.levels import COLOURS, LEVELS, Level
from connectors.plain import is_wrapped, one_line, to_text, token, web
from connectors.trees import child, children, text
from hub.contracts import Item, Text
from hub.vocabulary import (
    CAP_CATEGORIES,
    SEVERITY_ORDER,
    Certainty,
    MsgType,
    ResponseType,
    Severity,
    Status,
    Urgency,
)

# Draft and System are not for people: kept as tests, which intake never publishes.
_STATUS: Final = {
    "actual": Status.ACTUAL,
    "exercise": Status.EXERCISE,
    "test": Status.TEST,
    "system": Status.TEST,
    "draft": Status.TEST,
}
_URGENCY: Final = list(Urgency)
_CATEGORIES: Final = {name.lower() for name in CAP_CATEGORIES}
_REQUIRED: Final = ("identifier", "sender", "sent", "status", "msgType", "scope")
_REFERENCE: Final = re.compile(
    r"[^,\s]+,(.+?),\d{4}-\d\d-\d\dT[\d:.]+(?:[+-]\d\d:?\d\d|Z)?(?:\s|$)"
)
# European weather services say the level in a parameter, their index only in the words.
_NAMES: Final = "|".join(COLOURS)
_COLOURED: Final = re.compile(
    rf"^(?:{_NAMES})\b.*\bwarning|^(?:vigilance|aviso) (?:{_NAMES})\b", re.I
)
_TRAILING_LINK: Final = re.compile(r"\s+https?://\S+$")
_CANCELLED: Final = {"fr": "Alerte annulée", "en": "Alert cancelled", "es": "Alerta anulada"}


class AlertReader:
    """`language` is preferred for the area's name, `unlabelled` assumed where a block states none.
    `remarks` collects what was left out of the alert that was read last."""

    def __init__(self, language: str, unlabelled: str, timezone: str) -> None:
        self._language, self._unlabelled = language, unlabelled
        self._zone = ZoneInfo(timezone)
        self.remarks: list[Wrong] = []

    def alert(self, node: Any, required: Sequence[str] = _REQUIRED) -> Item:
        """Raises Wrong: what CAP 1.2 section 3.2.1 requires is missing or unknown."""
        self.remarks = []
        for name in required:
            if not text(node, name):
                raise Wrong("element-missing", element=name)
        _public(node)
        identifier, sent = token(text(node, "identifier")), self._time(node, "sent")
        if not identifier:
            raise Wrong("element-missing", element="identifier")
        kind = _kind(node)
        references = _references(text(node, "references"))
        infos = children(node, "info")
        if kind is MsgType.CANCEL and not references:
            raise Wrong("no-reference")
        if not infos and kind is not MsgType.CANCEL:
            raise Wrong("element-missing", element="info")
        for info in infos:
            for name in ("event", "urgency", "severity", "certainty"):
                if not text(info, name):
                    raise Wrong("element-missing", element=f"info/{name}")
        clear = [text(i, "responseType") == ResponseType.ALL_CLEAR for i in infos]
        # An Update that is all clear is the end of what it refers to, itself included (Macao's
        # weather service refers to the very message).
        ends = kind is MsgType.CANCEL or (kind is MsgType.UPDATE and all(clear))
        return self._item(
            node,
            infos or [node],
            external_id=identifier,
            msg_type=MsgType.CANCEL if ends else kind,
            sent=sent,
            cancels=references if ends else (),
            supersedes=tuple(r for r in references if r != identifier) if not ends or infos else (),
        )

    def entry(self, node: Any) -> Item:
        """An entry of an Atom or RSS index that carries cap:* elements and only links the alert;
        the link is never followed. Raises Wrong."""
        self.remarks = []
        if not text(node, "status"):
            raise Wrong("element-missing", element="cap:status")
        _public(node)
        kind = _kind(node)
        references = _references(text(node, "references"))
        if kind is MsgType.CANCEL and not references:
            raise Wrong("no-reference")
        sent = self._time(node, "sent", "updated", "published", "pubDate", "date")
        external_id = token(text(node, "identifier") or text(node, "id", "guid"))
        if not external_id:
            raise Wrong("element-missing", element="id")
        return self._item(
            node,
            [node],
            external_id=external_id,
            msg_type=kind,
            sent=sent,
            cancels=references if kind is MsgType.CANCEL else (),
            supersedes=tuple(r for r in references if r != external_id),
        )

    def _item(self, node: Any, infos: list[Any], **given: Any) -> Item:
        gravest = max(infos, key=_gravity)
        onsets = [t for i in infos if (t := self._time(i, "onset"))]
        ends = [self._time(i, "expires") for i in infos]
        effective = [t for i in infos if (t := self._time(i, "effective"))]
        spoken = self._by_language(infos)
        shown = next(iter(spoken.values()))
        where = [a for i in shown for a in children(i, "area")] or [
            i for i in shown if child(i, "areaDesc", "polygon", "circle", "geocode") is not None
        ]
        named = [text(i, "category").lower() for i in infos]
        geocodes = _geocodes(where)
        # An index of European weather warnings has no category of its own.
        fallback = "met" if "EMMA_ID" in geocodes else "other"
        # Elsewhere a red flag is a fire and an orange county a place.
        european = any(name.startswith(("EMMA", "NUTS")) for name in geocodes)
        level = max((_level(i, in_words=european) for i in infos), key=LEVELS.index)
        return Item(
            version=stamp(given["sent"]),
            status=_word(_STATUS, node, "status"),
            texts={language: self._text(blocks) for language, blocks in spoken.items()},
            category=next(
                (c for c in (text(gravest, "category").lower(), *named) if c in _CATEGORIES),
                fallback,
            ),
            event=one_line(text(shown[0], "event"))[:100],
            response_type=_enum(ResponseType, gravest, "responseType", ResponseType.NONE),
            severity=_enum(Severity, gravest, "severity", Severity.UNKNOWN),
            urgency=_enum(Urgency, gravest, "urgency", Urgency.UNKNOWN),
            certainty=_certainty(gravest),
            effective=min(effective, default=given["sent"]),
            onset=min(onsets, default=None),
            # One block without an end: the whole has none, and the category's default bounds it.
            expires=max((t for t in ends if t), default=None) if all(ends) else None,
            area=self._area(where),
            area_desc="; ".join(
                sorted({d for a in where if (d := one_line(text(a, "areaDesc")).strip("; "))})
            ),
            geocodes=geocodes,
            link=_link(shown[0]) or _link(gravest),
            level=level,
            tags=tuple(sorted({c for c in named if c})),
            **given,
        )

    def _by_language(self, infos: list[Any]) -> dict[str, list[Any]]:
        """Blocks by language, the gravest first; the source's own language first of all."""
        found: dict[str, list[Any]] = {}
        by_words = sorted(infos, key=lambda i: (text(i, "headline"), text(i, "description")))
        for info in sorted(by_words, key=_gravity, reverse=True):
            found.setdefault(_language(info) or self._unlabelled, []).append(info)
        base = self._language[:2]
        order = sorted(found, key=lambda n: (n.lower()[:2] != base, n.lower()[:2] != "en", n))
        return {name: found[name] for name in order}

    def _text(self, blocks: list[Any]) -> Text:
        best = blocks[0]
        language = (_language(best) or self._unlabelled)[:2]
        headline = _TRAILING_LINK.sub("", one_line(text(best, "headline", "title")))
        headline = headline or one_line(text(best, "event"))
        parts, advice = [_long(best, "description", "summary")], [_long(best, "instruction")]
        for more in blocks[1:]:
            title = one_line(text(more, "headline"))
            said = _long(more, "description")
            if said and said not in parts:
                parts.append(f"{title}\n{said}" if title and title != headline else said)
            if (what := _long(more, "instruction")) not in advice:
                advice.append(what)
        return Text(
            headline=headline or _CANCELLED.get(language, _CANCELLED["fr"]),
            description="\n\n".join(p for p in parts if p),
            instruction="\n\n".join(a for a in advice if a),
        )

    def _area(self, where: list[Any]) -> dict[str, Any] | None:
        shapes = []
        for area in where:
            for name, read in (("polygon", areas.polygon), ("circle", areas.circle)):
                for node in children(area, name):
                    value = "".join(node.itertext())
                    try:
                        shape = read(value)
                    except areas.BadArea as error:
                        self.remarks.append(Wrong("element-wrong", element=name, value=str(error)))
                        continue
                    if shape is not None:
                        shapes.append(shape)
        return areas.union(shapes)

    def _time(self, node: Any, *names: str) -> datetime | None:
        value = text(node, *names)
        if not value:
            return None
        try:
            if value[:3].isalpha():  # the dates of RSS (RFC 822)
                return mail_moment(value, self._zone)
            return moment(value, self._zone)
        except ValueError:
            raise Wrong("element-wrong", element=names[0], value=value[:40]) from None


def _public(node: Any) -> None:
    scope = text(node, "scope")
    if scope.lower() in ("restricted", "private"):
        raise Wrong("not-public", what=scope)
    if scope and scope.lower() != "public":
        raise Wrong("element-wrong", element="scope", value=scope[:40])


def _kind(node: Any) -> MsgType:
    said = text(node, "msgType", "message_type") or "Alert"
    if said.lower() in ("ack", "error"):
        raise Wrong("not-an-alert", what=said)
    try:
        return MsgType(said.lower())
    except ValueError:
        raise Wrong("element-wrong", element="msgType", value=said[:40]) from None


def _word(words: dict[str, Any], node: Any, name: str) -> Any:
    said = text(node, name)
    if said.lower() not in words:
        raise Wrong("element-wrong", element=name, value=said[:40])
    return words[said.lower()]


def _enum(kind: Any, node: Any, name: str, missing: Any) -> Any:
    if not text(node, name):
        return missing
    return _word({member.value.lower(): member for member in kind}, node, name)


def _certainty(node: Any) -> Certainty:
    if text(node, "certainty").lower() == "very likely":  # CAP 1.0, kept by CAP 1.1 readers
        return Certainty.LIKELY
    found: Certainty = _enum(Certainty, node, "certainty", Certainty.UNKNOWN)
    return found


def _gravity(info: Any) -> tuple[int, int]:
    severity = _enum(Severity, info, "severity", Severity.UNKNOWN)
    urgency = _enum(Urgency, info, "urgency", Urgency.UNKNOWN)
    return SEVERITY_ORDER[severity], -_URGENCY.index(urgency)


def _language(info: Any) -> str:
    said = text(info, "language") or info.get("{http://www.w3.org/XML/1998/namespace}lang") or ""
    if not said:
        said = next((c.get("hreflang") for c in children(info, "link") if c.get("hreflang")), "")
    return said if 2 <= len(said) <= 8 and said.replace("-", "").isalnum() else ""


def _long(node: Any, *names: str) -> str:
    found = child(node, *names)
    if found is None:
        return ""
    said = "".join(found.itertext())
    return to_text(said, wrapped=is_wrapped(said))


def _geocodes(where: list[Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for area in where:
        for geocode in children(area, "geocode"):
            pairs = zip(children(geocode, "valueName"), children(geocode, "value"), strict=False)
            for name, value in pairs:
                codes = found.setdefault("".join(name.itertext()).strip(), {})
                codes.update(dict.fromkeys("".join(value.itertext()).split()))
    return {name: tuple(sorted(found[name])) for name in sorted(found) if name and found[name]}


def _link(node: Any) -> str:
    return web(text(node, "web"), *(c.get("href") or c.text for c in children(node, "link")))


def _references(said: str) -> tuple[str, ...]:
    """The identifiers of "sender,identifier,sent sender,…" (CAP 1.2 section 3.2.1); of a broken
    one, what may be an identifier."""
    found = [token(m[1]) for m in _REFERENCE.finditer(said)]
    if left := _REFERENCE.sub(" ", said).split():
        parts = [reference.split(",") for reference in left]
        found += [token(p[1] if len(p) > 1 else p[0]) for p in parts]
    return tuple(dict.fromkeys(f for f in found if f))


def _level(info: Any, *, in_words: bool) -> Level:
    for parameter in children(info, "parameter"):
        if text(parameter, "valueName").lower() in ("awareness_level", "colour", "color"):
            said = {w.strip(" ;,").lower() for w in text(parameter, "value").split()}
            return next((COLOURS[w] for w in sorted(said) if w in COLOURS), "")
    if in_words and (found := _COLOURED.search(one_line(text(info, "event")))):
        return next((COLOURS[w] for w in found[0].lower().split() if w in COLOURS), "")
    return ""
