"""One CAP alert (1.2 and 1.1), or one entry of an index of alerts, to an item.

An item carries one set of CAP words: those of the gravest info block. Blocks in other languages
give their texts; further blocks of the same language (another area, another phase) are added.
"""

from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors import areas
from connectors.common import stamp
from connectors.plain import one_line, to_text
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
_CANCELLED: Final = {"fr": "Alerte annulée", "en": "Alert cancelled", "es": "Alerta anulada"}


class Wrong(ValueError):
    """An alert is refused; `code` and `values` are of connectors.reasons."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


def child(node: Any, *names: str) -> Any:
    """The first child with one of the local names, whatever its namespace."""
    return next((c for c in node if _local(c) in names), None)


def children(node: Any, name: str) -> list[Any]:
    return [c for c in node if _local(c) == name]


def text(node: Any, *names: str) -> str:
    found = child(node, *names)
    return "" if found is None else " ".join("".join(found.itertext()).split())


class AlertReader:
    """`language` is preferred for the area's name, `unlabelled` assumed where a block states none.
    `remarks` collects what was left out of the alert that was read last."""

    def __init__(self, language: str, unlabelled: str, timezone: str) -> None:
        self._language, self._unlabelled = language, unlabelled
        self._zone = ZoneInfo(timezone)
        self.remarks: list[Wrong] = []

    def alert(self, node: Any) -> Item:
        """Raises Wrong: what CAP 1.2 section 3.2.1 requires is missing or unknown."""
        self.remarks = []
        for name in ("identifier", "sender", "sent", "status", "msgType", "scope"):
            if not text(node, name):
                raise Wrong("element-missing", element=name)
        _public(node)
        identifier, sent = text(node, "identifier"), self._time(node, "sent")
        kind = _kind(node)
        references = tuple(
            dict.fromkeys(
                parts[1]
                for reference in text(node, "references").split()
                if len(parts := reference.split(",")) == 3
            )
        )
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
        if kind is MsgType.CANCEL:
            raise Wrong("no-reference")
        sent = self._time(node, "sent", "updated", "published")
        external_id = text(node, "identifier") or text(node, "id", "guid")
        if not external_id:
            raise Wrong("element-missing", element="id")
        return self._item(
            node,
            [node],
            external_id=external_id,
            msg_type=kind,
            sent=sent,
            cancels=(),
            supersedes=(),
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
        category = text(gravest, "category").lower()
        return Item(
            version=stamp(given["sent"]),
            status=_word(_STATUS, node, "status"),
            texts={language: self._text(blocks) for language, blocks in spoken.items()},
            category=category if category in _CATEGORIES else "other",
            event=text(gravest, "event")[:100],
            response_type=_enum(ResponseType, gravest, "responseType", ResponseType.NONE),
            severity=_enum(Severity, gravest, "severity", Severity.UNKNOWN),
            urgency=_enum(Urgency, gravest, "urgency", Urgency.UNKNOWN),
            certainty=_certainty(gravest),
            effective=min(effective, default=given["sent"]),
            onset=min(onsets, default=None),
            # One block without an end: the whole has none, and the category's default bounds it.
            expires=max((t for t in ends if t), default=None) if all(ends) else None,
            area=self._area(where),
            area_desc="; ".join(dict.fromkeys(d for a in where if (d := text(a, "areaDesc")))),
            geocodes=_geocodes(where),
            link=_link(gravest),
            **given,
        )

    def _by_language(self, infos: list[Any]) -> dict[str, list[Any]]:
        """Blocks by language, the gravest first; the source's own language first of all."""
        found: dict[str, list[Any]] = {}
        for info in sorted(infos, key=_gravity, reverse=True):
            found.setdefault(_language(info) or self._unlabelled, []).append(info)
        base = self._language[:2]
        order = sorted(found, key=lambda name: name.lower()[:2] != base)
        return {name: found[name] for name in order}

    def _text(self, blocks: list[Any]) -> Text:
        first = blocks[0]
        language = (_language(first) or self._unlabelled)[:2]
        headline = one_line(text(first, "headline", "title")) or text(first, "event")
        parts, advice = [_long(first, "description", "summary")], [_long(first, "instruction")]
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
            moment = datetime.fromisoformat(value)
        except ValueError:
            raise Wrong("element-wrong", element=names[0], value=value[:40]) from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=self._zone)).astimezone(UTC)


def _local(node: Any) -> str:
    return node.tag.rpartition("}")[2] if isinstance(node.tag, str) else ""


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
    return "" if found is None else to_text("".join(found.itertext()))


def _geocodes(where: list[Any]) -> dict[str, tuple[str, ...]]:
    found: dict[str, dict[str, None]] = {}
    for area in where:
        for geocode in children(area, "geocode"):
            pairs = zip(children(geocode, "valueName"), children(geocode, "value"), strict=False)
            for name, value in pairs:
                codes = found.setdefault("".join(name.itertext()).strip(), {})
                codes.update(dict.fromkeys("".join(value.itertext()).split()))
    return {name: tuple(codes) for name, codes in found.items() if codes}


def _link(node: Any) -> str:
    links = [text(node, "web"), *(c.get("href") or (c.text or "") for c in children(node, "link"))]
    return next((u.strip() for u in links if u.strip().startswith(("http://", "https://"))), "")
