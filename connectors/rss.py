"""News feeds: RSS 0.9 to 2.0, Atom, and JSON Feed, read from bytes we fetched.

A feed shows its latest entries only, so that one which is gone from it has not ended: a reading is
never `complete`. feedparser forgives everything; what it forgave decides here whether the reading
counts (`bozo`): odd encodings do, a feed that stops in the middle does not.
"""

import hashlib
import re
from calendar import month_abbr, timegm
from collections.abc import Iterable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, ClassVar, Final
from xml.sax import SAXParseException

import feedparser

from connectors import areas
from connectors.common import HttpSource, SourceOptions, Wrong, stamp
from connectors.gathering import Gathering
from connectors.jsonfeed import as_feed, is_json_feed
from connectors.plain import one_line, shortened, to_text, token, web
from connectors.trees import BIGGEST, is_json, json_document
from connectors.wording import Words, pick, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

_MOST: Final = 2000
_CLOSED: Final = re.compile(rb"</(?:[\w.-]{1,20}:)?(?:item|entry)\s*>", re.I)
_END: Final = re.compile(
    rb"</\s*(?:[\w.-]+:)?(?:rss|feed|rdf)\s*>?\s*(?:<!--(?:(?!-->).)*-->\s*)*$", re.I | re.S
)
_TYPE: Final = re.compile(rb"<!DOCTYPE\b", re.I)
_PUBLISHED: Final = re.compile(
    rb"""<!DOCTYPE\s+(?:html\b|[\w:.-]+\s+PUBLIC\s+(?:"[^"]*"|'[^']*')\s*(?:"[^"]*"|'[^']*')?\s*>)""",
    re.I,
)
# feedparser takes minutes for a tag with 200,000 attributes; pictures inside a text are long too.
_LONG_TAG: Final = re.compile(rb"<[^<>]{20000,}")
_MOST_ATTRIBUTES: Final = 1000
_IMAGE: Final = re.compile(
    r"""<img\b(?=[^>]*?\bsrc=["'](?P<src>[^"']{1,500}))(?:[^>]*?\balt=["'](?P<alt>[^"']{0,300}))?""",
    re.I,
)
_PICTURE: Final[Words] = ("Image", "Picture", "Imagen")
_FRENCH: Final = re.compile(
    r"(?P<day>\d{1,2})(?:er)?\s+(?:de\s+)?(?P<month>[a-zéûñ]{3,10})\.?\s+(?:de\s+)?(?P<year>\d{4})"
    r"\s*(?:à\s*)?(?P<rest>\d{1,2}:\d\d(?::\d\d)?(?:\s*(?:[+-]\d{4}|gmt|utc))?)?"
)
_MONTHS: Final = (
    ("jan", "ene"), ("fév", "fev", "feb"), ("mar",), ("avr", "abr"), ("mai", "may"),
    ("juin", "jun"), ("juil", "jul"), ("aoû", "aou", "ago"), ("sep",), ("oct",),
    ("nov",), ("déc", "dec", "dic"),
)  # fmt: skip


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
        gathering = Gathering(self, complete=False)
        if is_json(raw):
            document = json_document(self, raw)
            if not is_json_feed(document):
                raise self.not_ours(raw)
            if not isinstance(document.get("items"), list):
                raise self.unreadable("no-entries", element="items")
            feed = as_feed(document)
        else:
            feed = self._read_xml(raw, gathering)
        about = feed.feed
        for number, entry in enumerate(feed.entries, 1):
            if number > _MOST:
                rest = Wrong("long-feed", count=len(feed.entries), kept=_MOST)
                gathering.refuse("flux", rest, number)
                break
            gathering.take(_name(entry), partial(self._item, entry, about), number)
        return gathering.parsed(one_line(about.get("title", "")))

    def _read_xml(self, raw: bytes, gathering: Gathering) -> Any:
        if len(raw) > BIGGEST:
            raise self.unreadable("too-big", megabytes=BIGGEST // 1_000_000)
        bare = raw.replace(b"\0", b"")
        if b"<!ENTITY" in bare.upper() or _refused_type(bare):
            raise self.unreadable("entities")
        if any(tag[0].count(b"=") > _MOST_ATTRIBUTES for tag in _LONG_TAG.finditer(raw)):
            raise self.unreadable("malformed", detail="attributes")
        raw, count = _bounded(raw)
        if count > _MOST:
            gathering.refuse("flux", Wrong("long-feed", count=count, kept=_MOST))
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
            gathering.refuse(where, Wrong("malformed", detail=trouble.getMessage()))
        if not feed.version:
            raise self.not_ours(raw)
        return feed

    def _item(self, entry: Any, about: Any, _remarks: list[Wrong]) -> Item:
        contents = [c.get("value", "") for c in entry.get("content", [])]
        body = max([*contents, entry.get("summary", "")], key=len)
        description = to_text(body, wrapped=True)
        headline = one_line(entry.get("title", "")) or shortened(one_line(body))
        language = _language(entry, about.get("language", "")) or self._text_language
        if not headline and (image := _IMAGE.search(body[:5000])):
            headline = one_line(image["alt"] or "") or pick(_PICTURE, spoken(language)[0])
            description = web(image["src"])
        if not headline:
            raise Wrong("nothing-said")
        link = web(entry.get("link", ""))
        sent = _moment(entry, ("updated", "published", "created"))
        terms = tuple(dict.fromkeys(t for t in _terms(entry) if t))
        return Item(
            external_id=_identity(entry, link, headline, description),
            version=stamp(sent),
            msg_type=MsgType.ALERT,
            status=Status.ACTUAL,
            texts={language: Text(headline, "" if description == headline else description)},
            event=", ".join(terms)[:100],
            severity=Severity.MINOR,
            urgency=Urgency.UNKNOWN,
            certainty=Certainty.OBSERVED,
            sent=sent,
            area=_place(entry),
            link=link,
            tags=terms[:20],
        )


def _refused_type(raw: bytes) -> bool:
    """Whether it declares a document type other than a published one (RSS 0.91 has one, which is
    not read) or that of a web page."""
    found = _TYPE.search(raw[:20_000])
    return bool(found) and not _PUBLISHED.match(raw, found.start() if found else 0)


def _bounded(raw: bytes) -> tuple[bytes, int]:
    """The feed without what comes after its first entries, and how many there are: reading 1,000
    takes 0.4 s (feedparser 6.0)."""
    if raw.count(b"</") <= _MOST:
        return raw, 0
    ends = [found.end() for found in _CLOSED.finditer(raw)]
    if len(ends) <= _MOST:
        return raw, len(ends)
    return raw[: ends[_MOST - 1]] + raw[ends[-1] :], len(ends)


def _identity(entry: Any, link: str, headline: str, description: str) -> str:
    """The feed's own id, else the link, else the words: the same at each reading."""
    if known := token(entry.get("id")) or link:
        return known
    return "sans-id-" + hashlib.sha256(f"{headline}\n{description}".encode()).hexdigest()[:20]


def _moment(entry: Any, names: Iterable[str]) -> datetime | None:
    for name in names:
        # dict.get: feedparser's own gives the published date for a missing updated one.
        parsed, said = dict.get(entry, f"{name}_parsed"), dict.get(entry, name)
        if parsed is None and isinstance(said, str):
            parsed = _spelt(said)
        try:
            found = datetime.fromtimestamp(timegm(parsed), UTC) if parsed else None
        except (ValueError, OverflowError):
            continue
        if found and 1970 <= found.year <= 2200:
            return found
    return None


def _spelt(said: str) -> Any:
    """A date with French or Spanish names of months, which feedparser does not know."""
    if not (found := _FRENCH.search(said.lower())):
        return None
    month = next((n for n, names in enumerate(_MONTHS, 1) if found["month"].startswith(names)), 0)
    if not month:
        return None
    english = f"{found['day']} {month_abbr[month]} {found['year']} {found['rest']}"
    try:
        return parsedate_to_datetime(english.strip()).utctimetuple()
    except ValueError:
        return None


def _language(entry: Any, feed_language: str) -> str:
    details = [*entry.get("content", []), entry.get("title_detail") or {}]
    named = [d.get("language") for d in details] + [feed_language]
    return next((n[:8].strip() for n in named if n and re.fullmatch(r"[A-Za-z-]{2,8}", n)), "")


def _terms(entry: Any) -> list[str]:
    return [one_line(t.get("term") or "") for t in entry.get("tags", []) if t.get("term")]


def _place(entry: Any) -> dict[str, Any] | None:
    """GeoRSS: a point, a line or an area."""
    where = entry.get("where") or {}
    try:
        return areas.geojson({"type": where["type"], "coordinates": _lists(where["coordinates"])})
    except (areas.BadArea, KeyError, TypeError):
        return None


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, list | tuple) else value


def _name(entry: Any) -> str:
    return token(entry.get("id") or entry.get("link"))
