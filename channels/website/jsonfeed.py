"""JSON Feed 1.1 (jsonfeed.org/version/1.1). Our extension `_tambour` carries the CAP words."""

from collections.abc import Sequence
from typing import Any

import orjson

from channels.website.entries import Entry, Site, alt_of
from hub import clock


def json_feed(site: Site, entries: Sequence[Entry]) -> bytes:
    feed = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": site.title,
        "home_page_url": site.home,
        "feed_url": site.url("feed.json"),
        "language": site.language,
        "authors": [{"name": site.authority_name, "url": site.home}],
        "items": [_item(entry) for entry in entries],
    }
    return orjson.dumps(feed)


def _item(entry: Entry) -> dict[str, Any]:
    notice = entry.notice
    item: dict[str, Any] = {
        "id": entry.id,
        "url": entry.link,
        "title": entry.title,
        "content_html": entry.html,
        "content_text": entry.text,
        "summary": entry.title,
        "date_published": clock.rfc3339(notice.first_sent),
        "date_modified": clock.rfc3339(notice.sent),
        "authors": [{"name": notice.station_name or notice.authority_name}],
        "tags": [entry.label],
        "language": entry.language,
        "_tambour": _words(entry),
    }
    if notice.images:
        item["image"] = notice.images[0].url
        item["attachments"] = [
            {
                "url": image.url,
                "mime_type": image.media_type,
                "title": alt_of(image, entry.language),
            }
            for image in notice.images
        ]
    return item


def _words(entry: Entry) -> dict[str, Any]:
    notice = entry.notice
    return {
        "publication": notice.publication,
        "revision": notice.revision,
        "status": notice.status,
        "category": notice.category,
        "event": notice.event,
        "response_type": notice.response_type,
        "severity": notice.severity,
        "urgency": notice.urgency,
        "certainty": notice.certainty,
        "effective": clock.rfc3339(notice.effective),
        "onset": clock.rfc3339(notice.onset) if notice.onset else None,
        "expires": clock.rfc3339(notice.expires),
        "area_desc": notice.area_desc,
        "area": notice.area,
        "cap": f"{entry.site.base_url}{entry.cap_path}",
    }
