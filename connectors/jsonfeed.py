"""JSON Feed (jsonfeed.org, versions 1 and 1.1) in the shape feedparser gives to the others."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from feedparser import FeedParserDict

from connectors.common import moment

_UTC = ZoneInfo("UTC")


def is_json_feed(document: Any) -> bool:
    if not isinstance(document, dict):
        return False
    return "jsonfeed.org/version/" in str(document.get("version"))


def as_feed(document: dict[str, Any]) -> FeedParserDict:
    """The feed; what is no object in its list is an empty entry, which nobody can use."""
    items = document.get("items")
    rows = items if isinstance(items, list) else []
    return FeedParserDict(
        feed=FeedParserDict(title=_text(document, "title"), language=_text(document, "language")),
        entries=[_entry(row) if isinstance(row, dict) else FeedParserDict() for row in rows],
    )


def _entry(row: dict[str, Any]) -> FeedParserDict:
    named = row.get("id")
    tags = row.get("tags")
    entry = FeedParserDict(
        id=str(named) if isinstance(named, str | int | float) else "",
        link=_text(row, "url") or _text(row, "external_url"),
        title=_text(row, "title"),
        summary=_text(row, "content_html") or _text(row, "content_text") or _text(row, "summary"),
        tags=[
            FeedParserDict(term=t)
            for t in (tags if isinstance(tags, list) else [])
            if isinstance(t, str)
        ],
    )
    for name, key in (("updated_parsed", "date_modified"), ("published_parsed", "date_published")):
        try:
            found: datetime | None = moment(row.get(key), _UTC)
        except ValueError:
            continue
        if found:
            entry[name] = found.utctimetuple()
    if language := _text(row, "language"):
        entry["title_detail"] = FeedParserDict(language=language)
    return entry


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
