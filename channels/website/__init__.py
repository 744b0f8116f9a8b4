"""The website kind: a display made of documents. Pages, JSON Feed, RSS, Atom, iCalendar, CAP.

All of them say the same at the same moment and hold no other hour than the notices' own, so their
bytes (and ETags) change only when something was said or is over. docs/website.md describes each.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import ClassVar, Final

from channels.website import cap, page
from channels.website.calendar import calendar
from channels.website.entries import Site, current, entry, next_change, tombstones
from channels.website.jsonfeed import json_feed
from channels.website.preview import NOT_PUBLIC, preview
from channels.website.syndication import atom, rss
from channels.website.wording import words
from hub.contracts import (
    Document,
    Health,
    Means,
    NotConfigured,
    Notice,
    OutletView,
    Refusal,
    Rendering,
    Said,
    StrictOptions,
)
from hub.vocabulary import Scope

_HTML: Final = "text/html; charset=utf-8"


class WebsiteOptions(StrictOptions):
    """`title` of the feeds and pages; empty: the authority's name. `language`: empty: the
    authority's first. `contact`: how to reach the sender, in CAP messages."""

    title: str = ""
    language: str = ""
    contact: str = ""


class Website:
    kind: ClassVar[str] = "website"
    title: ClassVar[str] = "Site web et flux"
    Options: ClassVar[type[StrictOptions]] = WebsiteOptions

    def __init__(self, options: WebsiteOptions, means: Means) -> None:
        self.options, self.means = options, means

    @staticmethod
    def preview(
        notices: Sequence[Notice], options: WebsiteOptions, locale: str
    ) -> Rendering | Refusal:
        return preview(notices, options.language or locale)

    def show(
        self, outlet: OutletView, notices: Sequence[Notice], ended: Sequence[Notice], now: datetime
    ) -> Said:
        """All documents of the station. Raises NotConfigured for an outlet without a station."""
        if not outlet.station:
            raise NotConfigured("Ce site n’est rattaché à aucune station : choisissez-la.")
        site = self._site(outlet)
        shown, gone = current(notices, now), tombstones(ended, now)
        entries = [entry(notice, site) for notice in shown]
        buried = [entry(notice, site) for notice in gone]
        everything = sorted(
            entries + buried, key=lambda e: (e.notice.sent, e.notice.publication), reverse=True
        )
        updated = max((e.notice.sent for e in everything), default=None)
        change = next_change(notices, gone, now)
        bodies: list[tuple[str, str, bytes]] = [
            (f"{site.root}/feed.json", "application/feed+json", json_feed(site, entries)),
            (f"{site.root}/feed.rss", "application/rss+xml", rss(site, entries, updated)),
            (f"{site.root}/feed.atom", "application/atom+xml", atom(site, entries, updated)),
            (f"{site.root}/feed.ics", "text/calendar; charset=utf-8", calendar(site, everything)),
            (f"{site.root}/feed.cap", "application/atom+xml", cap.index(site, everything)),
            (f"{site.root}/page.html", _HTML, page.list_page(site, entries, now)),
        ]
        bodies += [(e.page_path, _HTML, page.notice_page(site, e)) for e in entries]
        bodies += [(e.cap_path, cap.MEDIA_TYPE, cap.document(e, site)) for e in everything]
        return Said(
            shown=True,
            documents=tuple(Document(path, kind, body, change) for path, kind, body in bodies),
            refused={n.publication: NOT_PUBLIC for n in notices if n.scope is not Scope.PUBLIC},
            next_change_at=change,
            evidence={"notices": len(entries), "documents": len(bodies)},
        )

    def _site(self, outlet: OutletView) -> Site:
        language = self.options.language or next(iter(outlet.languages), "fr")
        return Site(
            base_url=self.means.base_url,
            station=outlet.station,
            title=self.options.title or words(language).title.format(name=outlet.authority_name),
            language=language,
            timezone=outlet.timezone,
            authority_name=outlet.authority_name,
            contact=self.options.contact,
        )

    def check(self) -> Health:
        return Health(True, "Les pages et les flux sont servis par ce serveur.")

    def close(self) -> None:
        pass
