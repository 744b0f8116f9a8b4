"""RSS 2.0 (RSS Advisory Board) and Atom (RFC 4287). They tell what is so now: a cancelled or an
expired notice is simply no longer there."""

import html
from collections.abc import Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from lxml import etree

from channels.website.entries import Entry, Site
from hub import clock

ATOM: Final = "http://www.w3.org/2005/Atom"
_PREFIXES: Final[Any] = {None: ATOM}  # the stubs know no default namespace
_CONTENT: Final = "http://purl.org/rss/1.0/modules/content/"
_DC: Final = "http://purl.org/dc/elements/1.1/"
# What a feed that never said anything was last changed at: a body must not hold the present hour,
# or its ETag would change by itself.
_NEVER: Final = datetime(1970, 1, 1, tzinfo=UTC)


def add(parent: etree._Element, name: str, text: str = "", **attributes: str) -> etree._Element:
    """A child of an Atom element, in the Atom namespace."""
    child = etree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    if text:
        child.text = text
    return child


def atom_feed(site: Site, name: str, updated: datetime | None) -> etree._Element:
    """The head of an Atom feed that lives at `name` under the station."""
    feed = etree.Element(f"{{{ATOM}}}feed", nsmap=_PREFIXES)
    feed.set("{http://www.w3.org/XML/1998/namespace}lang", site.language)
    add(feed, "id", site.url(name))
    add(feed, "title", site.title, type="text")
    add(feed, "updated", clock.rfc3339(updated or _NEVER))
    add(feed, "link", rel="self", type="application/atom+xml", href=site.url(name))
    add(feed, "link", rel="alternate", type="text/html", href=site.home)
    add(add(feed, "author"), "name", site.authority_name)
    add(feed, "generator", "Tambour")
    return feed


def atom(site: Site, entries: Sequence[Entry], updated: datetime | None) -> bytes:
    """`updated`: when anything about the feed last changed, cancellations included."""
    feed = atom_feed(site, "feed.atom", updated)
    for entry in entries:
        notice = entry.notice
        node = add(feed, "entry")
        node.set("{http://www.w3.org/XML/1998/namespace}lang", entry.language)
        add(node, "id", entry.id)
        add(node, "title", entry.title, type="text")
        add(node, "updated", clock.rfc3339(notice.sent))
        add(node, "published", clock.rfc3339(notice.first_sent))
        add(node, "link", rel="alternate", type="text/html", href=entry.link)
        for image in notice.images:
            add(node, "link", rel="enclosure", type=image.media_type, href=image.url)
        add(add(node, "author"), "name", notice.station_name or notice.authority_name)
        add(node, "category", term=notice.category, label=entry.label)
        add(node, "summary", entry.text, type="text")
        add(node, "content", entry.html, type="html")
    return etree.tostring(feed, xml_declaration=True, encoding="UTF-8")


def rss(site: Site, entries: Sequence[Entry], updated: datetime | None) -> bytes:
    """An item's pubDate is when it was first said; `atom:updated` when it was last changed."""
    root = etree.Element("rss", {"version": "2.0"}, {"atom": ATOM, "content": _CONTENT, "dc": _DC})
    channel = etree.SubElement(root, "channel")
    _plain(channel, "title", site.title)
    _plain(channel, "link", site.home)
    _plain(channel, "description", site.title)
    add(channel, "link", rel="self", type="application/rss+xml", href=site.url("feed.rss"))
    _plain(channel, "language", site.language)
    if updated:
        _plain(channel, "lastBuildDate", _rfc822(updated))
    _plain(channel, "generator", "Tambour")
    _plain(channel, "docs", "https://www.rssboard.org/rss-specification")
    _plain(channel, "ttl", "5")
    for entry in entries:
        notice = entry.notice
        item = etree.SubElement(channel, "item")
        _plain(item, "title", entry.title)
        _plain(item, "link", entry.link)
        # Readers take a description for HTML, so the text is escaped once more than XML asks.
        _plain(item, "description", html.escape(entry.text, quote=False))
        _plain(item, f"{{{_CONTENT}}}encoded", entry.html)
        _plain(item, f"{{{_DC}}}creator", notice.station_name or notice.authority_name)
        _plain(item, "category", entry.label)
        _plain(item, "guid", entry.id).set("isPermaLink", "false")
        _plain(item, "pubDate", _rfc822(notice.first_sent))
        add(item, "updated", clock.rfc3339(notice.sent))
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8")


def _plain(parent: etree._Element, name: str, text: str) -> etree._Element:
    child = etree.SubElement(parent, name)
    child.text = text
    return child


def _rfc822(moment: datetime) -> str:
    return format_datetime(moment.astimezone(UTC), usegmt=True)
