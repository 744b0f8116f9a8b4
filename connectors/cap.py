"""Alerts in CAP 1.2, 1.1 and 1.0 (OASIS): one alert, alerts inside an Atom or RSS feed, or an index
of alerts; also the same as GeoJSON (National Weather Service). Links are never followed: an index
that carries cap:* elements is read from those."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar, Final

from pydantic import Field

from connectors import areas, nws
from connectors.cap_alert import AlertReader
from connectors.common import MOST, HttpSource, SourceOptions, Wrong
from connectors.levels import LEVELS
from connectors.plain import one_line
from connectors.trees import child, children, is_json, json_document, name_of, text, xml_root
from hub.contracts import EntryError, Item, Parsed, Text
from hub.vocabulary import SEVERITY_ORDER

_FEEDS: Final = frozenset({"feed", "rss", "RDF"})


class AlertOptions(SourceOptions):
    unlabelled: str = Field("en-US", description="Language of blocks without one (CAP 3.2.2).")


class Cap(HttpSource):
    kind: ClassVar[str] = "cap"
    title: ClassVar[str] = "Alertes CAP 1.2"
    Options: ClassVar[type[SourceOptions]] = AlertOptions
    default_interval_s: ClassVar[int] = 120
    shared_ids: ClassVar[bool] = True
    accept = "application/cap+xml, application/atom+xml, application/xml;q=0.9, */*;q=0.5"
    what = "alert"

    def __init__(self, options: AlertOptions) -> None:
        super().__init__(options)
        self._options = options

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An index is the whole of what is in force, so absence from it means something; a single
        alert speaks for itself only."""
        options = self._options
        reader = AlertReader(options.language, options.unlabelled, options.timezone)
        if is_json(raw):
            features, title, complete = nws.features(self, json_document(self, raw))
            named = nws.read(features, reader)
        else:
            root = xml_root(self, raw)
            named = self._read(root, reader)
            index = name_of(root) in _FEEDS
            channel = child(root, "channel")
            title = text(root if channel is None else channel, "title") if index else ""
            complete = index and not any(c.get("rel") == "next" for c in children(root, "link"))
            # An alert that stands beside the entries is none of them, yet something is in force.
            complete = complete and not any(_is_alert(node) for node in root)
        items: dict[str, Item] = {}
        errors: list[EntryError] = []
        for number, (name, found, entry) in enumerate(named, 1):
            if number > MOST:
                complete = False
                errors.append(EntryError(title, self.say("long-feed", count=number, kept=MOST)))
                break
            if isinstance(found, Wrong):
                complete = complete and bool(name)  # which one it was is not known
                where = name or f"entrée {number}"
                errors.append(EntryError(where, self.say(found.code, **found.values)))
                continue
            errors += [EntryError(name, self.say(w.code, **w.values)) for w in reader.remarks]
            known = items.get(found.external_id)
            if known is None:
                items[found.external_id] = found
            elif entry and known.version == found.version:
                items[found.external_id] = _together(known, found)
            elif known != found:
                errors.append(EntryError(found.external_id, self.say("twice")))
                items[found.external_id] = max(known, found, key=lambda i: (i.version, repr(i)))
        return Parsed(tuple(items.values()), tuple(errors), complete, one_line(title))

    def _read(self, root: Any, reader: AlertReader) -> Iterator[nws.Found]:
        """Each alert, or index entry: its name, what it became, whether it is an entry."""
        for node, entry in self._nodes(root):
            name = text(node, "identifier") or text(node, "id", "guid")
            try:
                yield name, reader.entry(node) if entry else reader.alert(node), entry
            except Wrong as wrong:
                yield name, wrong, entry

    def _nodes(self, root: Any) -> Iterator[tuple[Any, bool]]:
        if name_of(root) not in _FEEDS:
            alerts = [root] if _is_alert(root) else [n for n in root.iter() if _is_alert(n)]
            if not alerts:
                raise self.not_ours(b"")
            yield from ((node, False) for node in alerts)
            return
        for entry in root.iter("{*}entry", "{*}item"):
            alerts = [node for node in entry.iter() if _is_alert(node)]
            yield from ((node, False) for node in alerts) if alerts else ((entry, True),)


def _is_alert(node: Any) -> bool:
    if name_of(node) != "alert":
        return False
    space = node.tag.rpartition("}")[0]
    return not space or "emergency:cap" in space or "/cap/1.0" in space


def _together(one: Item, other: Item) -> Item:
    """One alert of an index that has an entry for each of its areas (MeteoAlarm)."""
    texts: dict[str, Text] = {}
    for item in sorted((one, other), key=repr):
        for language, said in item.texts.items():
            headline = said.headline.removesuffix(f" - {item.area_desc}")
            known = texts.setdefault(language, replace(said, headline=headline))
            if known.headline != headline:
                texts[language] = min(known, replace(said, headline=headline), key=repr)
    names = {n for i in (one, other) for n in i.area_desc.split("; ") if n}
    codes = {
        name: tuple(sorted({*one.geocodes.get(name, ()), *other.geocodes.get(name, ())}))
        for name in sorted({*one.geocodes, *other.geocodes})
    }
    onsets = [i.onset for i in (one, other) if i.onset]
    ends = [i.expires for i in (one, other)]
    return replace(
        max(one, other, key=lambda i: (SEVERITY_ORDER[i.severity], repr(i))),
        texts=texts,
        onset=min(onsets, default=None),
        expires=max((t for t in ends if t), default=None) if all(ends) else None,
        area=areas.joined(one.area, other.area),
        area_desc="; ".join(sorted(names)),
        geocodes=codes,
        level=max(one.level, other.level, key=LEVELS.index),
    )
