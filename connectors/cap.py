"""Alerts in CAP 1.2 and 1.1 (OASIS): one alert, alerts inside an Atom or RSS feed, or an index of
alerts. Links are never followed: an index that carries cap:* elements is read from those."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, ClassVar, Final

from lxml import etree
from pydantic import Field

from connectors.cap_alert import AlertReader, Wrong, child, children, text
from connectors.common import HttpSource, SourceOptions
from hub.contracts import EntryError, Item, Parsed

_NAMESPACES: Final = tuple(f"{{urn:oasis:names:tc:emergency:cap:{v}}}" for v in ("1.2", "1.1"))
_FEEDS: Final = frozenset({"feed", "rss", "RDF"})


class AlertOptions(SourceOptions):
    unlabelled: str = Field("en-US", description="Language of blocks without one (CAP 3.2.2).")


class Cap(HttpSource):
    kind: ClassVar[str] = "cap"
    title: ClassVar[str] = "Alertes CAP 1.2"
    Options: ClassVar[type[SourceOptions]] = AlertOptions
    default_interval_s: ClassVar[int] = 120
    accept = "application/cap+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"
    what = "alert"

    def __init__(self, options: AlertOptions) -> None:
        super().__init__(options)
        self._options = options

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An index is the whole of what is in force, so absence from it means something; a single
        alert speaks for itself only."""
        root = self._tree(raw)
        index = etree.QName(root).localname in _FEEDS
        options = self._options
        reader = AlertReader(options.language, options.unlabelled, options.timezone)
        items: dict[str, Item] = {}
        errors: list[EntryError] = []
        complete = index and not any(c.get("rel") == "next" for c in children(root, "link"))
        for number, (node, embedded) in enumerate(self._nodes(root), 1):
            name = text(node, "identifier") or text(node, "id", "guid")
            try:
                item = reader.alert(node) if embedded else reader.entry(node)
            except Wrong as wrong:
                complete = complete and bool(name)  # which one it was is not known
                where = name or f"entrée {number}"
                errors.append(EntryError(where, self.say(wrong.code, **wrong.values)))
                continue
            errors += [EntryError(name, self.say(w.code, **w.values)) for w in reader.remarks]
            known = items.get(item.external_id)
            if known is not None:
                errors.append(EntryError(item.external_id, self.say("twice")))
            if known is None or item.version > known.version:
                items[item.external_id] = item
        title = text(root, "title") if index else ""
        if index and (channel := child(root, "channel")) is not None:
            title = text(channel, "title")
        return Parsed(tuple(items.values()), tuple(errors), complete, title)

    def _tree(self, raw: bytes) -> Any:
        parser = etree.XMLParser(
            resolve_entities=False,
            load_dtd=False,
            dtd_validation=False,
            no_network=True,
            huge_tree=False,
            remove_comments=True,
            remove_pis=True,
        )
        if b"<!ENTITY" in raw.replace(b"\0", b"").upper():
            raise self.unreadable("entities")
        try:
            root = etree.fromstring(raw.strip(), parser)
        except etree.XMLSyntaxError as error:
            if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") or b"<html" in raw[:2000]:
                raise self.not_ours(raw) from error
            detail, where = str(error.msg)[:120], f"ligne {error.lineno}"
            code = "truncated" if "Premature end" in detail else "malformed"
            raise self.unreadable(code, where, detail=detail) from error
        if root.getroottree().docinfo.internalDTD is not None:
            raise self.unreadable("entities")
        return root

    def _nodes(self, root: Any) -> Iterator[tuple[Any, bool]]:
        """Each alert, or index entry, and whether it is an alert."""
        if etree.QName(root).localname not in _FEEDS:
            alerts = [root] if _is_alert(root) else [n for n in root.iter() if _is_alert(n)]
            if not alerts:
                raise self.not_ours(etree.tostring(root)[:2000])
            yield from ((node, True) for node in alerts)
            return
        for entry in root.iter("{*}entry", "{*}item"):
            alerts = [node for node in entry.iter() if _is_alert(node)]
            yield from ((node, True) for node in alerts) if alerts else ((entry, False),)


def _is_alert(node: Any) -> bool:
    return isinstance(node.tag, str) and node.tag in {f"{ns}alert" for ns in _NAMESPACES}
