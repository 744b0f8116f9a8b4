"""JSON Feed (jsonfeed.org, versions 1 and 1.1) in the shape feedparser gives to the others."""

import json
from datetime import UTC, datetime
from typing import Any

from feedparser import FeedParserDict


def read_json_feed(raw: bytes) -> FeedParserDict | None:
    """The feed; None when these bytes are not a JSON Feed."""
    try:
        document = json.loads(raw)
    except (ValueError, RecursionError):
        return None
    if not isinstance(document, dict) or "jsonfeed.org/version/" not in str(
        document.get("version")
    ):
        return None
    items = document.get("items")
    rows = [row for row in items if isinstance(row, dict)] if isinstance(items, list) else []
    return FeedParserDict(
        feed=FeedParserDict(title=_text(document, "title"), language=_text(document, "language")),
        entries=[_entry(row) for row in rows],
    )


def _entry(row: dict[str, Any]) -> FeedParserDict:
    entry = FeedParserDict(
        id=str(row.get("id") or ""),
        link=_text(row, "url") or _text(row, "external_url"),
        title=_text(row, "title"),
        summary=_text(row, "content_html") or _text(row, "content_text") or _text(row, "summary"),
        tags=[FeedParserDict(term=str(t)) for t in row.get("tags") or [] if isinstance(t, str)],
    )
    for name, key in (("updated_parsed", "date_modified"), ("published_parsed", "date_published")):
        try:
            moment = datetime.fromisoformat(_text(row, key))
        except ValueError:
            continue
        aware = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        entry[name] = aware.utctimetuple()
    if language := _text(row, "language"):
        entry["title_detail"] = FeedParserDict(language=language)
    return entry


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""
