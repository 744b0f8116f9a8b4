"""News feeds: RSS 0.9 to 2.0, Atom, and JSON Feed, read from bytes we fetched.

A feed shows its latest entries only, so that one which is gone from it has not ended: a reading is
never `complete`. feedparser forgives everything; what it forgave decides here whether the reading
counts (`bozo`): odd encodings do, a feed that stops in the middle does not.
"""

import hashlib
import re
from calendar import timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, ClassVar, Final
from xml.sax import SAXParseException

import feedparser

from connectors.common import HttpSource, SourceOptions, stamp
from connectors.jsonfeed import read_json_feed
from connectors.plain import one_line, to_text
from hub.contracts import EntryError, Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

_HEADLINE: Final = 120
_END: Final = re.compile(
    rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>?\s*(?:<!--.*?-->\s*)*$", re.I | re.S
)


class Rss(HttpSource):
    kind: ClassVar[str] = "rss"
    title: ClassVar[str] = "Flux RSS, Atom ou JSON Feed"
    Options: ClassVar[type[SourceOptions]] = SourceOptions
    default_interval_s: ClassVar[int] = 900
    accept = (
        "application/rss+xml, application/atom+xml, application/feed+json, "
        "application/xml;q=0.9, */*;q=0.5"
    )
    what = "feed"

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self._text_language = options.language

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        errors: list[EntryError] = []
        if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{":
            feed = read_json_feed(raw)
            if feed is None:
                raise self.not_ours(raw)
        else:
            feed = self._read_xml(raw, errors)
        items: dict[str, Item] = {}
        for number, entry in enumerate(feed.entries, 1):
            item = self._item(entry, feed.feed.get("language", ""))
            if item is None:
                errors.append(EntryError(_name(entry, number), self.say("nothing-said")))
            elif (known := items.get(item.external_id)) is not None:
                errors.append(EntryError(item.external_id, self.say("twice")))
                # The later one in time; of two undated ones the first, as feeds put news on top.
                if item.version > known.version:
                    items[item.external_id] = item
            else:
                items[item.external_id] = item
        return Parsed(
            tuple(items.values()), tuple(errors), False, one_line(feed.feed.get("title", ""))
        )

    def _read_xml(self, raw: bytes, errors: list[EntryError]) -> Any:
        if b"<!ENTITY" in raw.replace(b"\0", b"").upper():
            raise self.unreadable("entities")
        feed = feedparser.parse(raw)
        trouble = feed.get("bozo_exception")
        if isinstance(trouble, SAXParseException):
            where = f"ligne {trouble.getLineNumber()}"
            if not feed.version:
                raise self.not_ours(raw)
            if not _END.search(raw):
                raise self.unreadable("truncated", where)
            if not feed.entries:
                raise self.unreadable("malformed", where, detail=trouble.getMessage())
            errors.append(EntryError(where, self.say("malformed", detail=trouble.getMessage())))
        if not feed.version:
            raise self.not_ours(raw)
        return feed

    def _item(self, entry: Any, feed_language: str) -> Item | None:
        contents = [c.get("value", "") for c in entry.get("content", [])]
        body = max([*contents, entry.get("summary", "")], key=len)
        description = to_text(body, wrapped=True)
        headline = one_line(entry.get("title", "")) or _shortened(one_line(body))
        if not headline:
            return None
        link = entry.get("link", "")
        sent = _moment(entry, ("updated_parsed", "published_parsed", "created_parsed"))
        language = _language(entry, feed_language) or self._text_language
        return Item(
            external_id=_identity(entry, link, headline, description),
            version=stamp(sent),
            msg_type=MsgType.ALERT,
            status=Status.ACTUAL,
            texts={language: Text(headline, "" if description == headline else description)},
            event=", ".join(_terms(entry))[:100],
            severity=Severity.MINOR,
            urgency=Urgency.UNKNOWN,
            certainty=Certainty.OBSERVED,
            sent=sent,
            area=_point(entry),
            link=link if link.startswith(("http://", "https://")) else "",
        )


def _identity(entry: Any, link: str, headline: str, description: str) -> str:
    """The feed's own id, else the link, else the words: the same at each reading."""
    if known := (entry.get("id") or link):
        return str(known).strip()[:500]
    return "sans-id-" + hashlib.sha256(f"{headline}\n{description}".encode()).hexdigest()[:20]


def _moment(entry: Any, names: Iterable[str]) -> datetime | None:
    for name in names:
        # dict.get: feedparser's own gives the published date for a missing updated one.
        if parsed := dict.get(entry, name):
            try:
                return datetime.fromtimestamp(timegm(parsed), UTC)
            except (ValueError, OverflowError):
                continue
    return None


def _language(entry: Any, feed_language: str) -> str:
    details = [*entry.get("content", []), entry.get("title_detail") or {}]
    named = [d.get("language") for d in details] + [feed_language]
    return next((n[:8].strip() for n in named if n and re.fullmatch(r"[A-Za-z-]{2,8}", n)), "")


def _terms(entry: Any) -> list[str]:
    return [one_line(t.get("term") or "") for t in entry.get("tags", []) if t.get("term")]


def _point(entry: Any) -> dict[str, Any] | None:
    where = entry.get("where") or {}
    if where.get("type") != "Point":
        return None
    longitude, latitude = where["coordinates"][:2]
    if not (-90 <= latitude <= 90 and -180 <= longitude <= 180):
        return None
    return {"type": "Point", "coordinates": [longitude, latitude]}


def _name(entry: Any, number: int) -> str:
    return str(entry.get("id") or entry.get("link") or f"entrée {number}")


def _shortened(text: str) -> str:
    if len(text) <= _HEADLINE:
        return text
    return text[: _HEADLINE - 1].rpartition(" ")[0].rstrip(" ,;:.") + "…"
