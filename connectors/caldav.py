"""Agendas on a CalDAV server (RFC 4791): found from any of its addresses, read for a time range.

Unchanged is known by the sync token (RFC 6578) or the ctag of each calendar, with one request. What
the server points to is asked only where it is the server itself.
"""

import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urljoin, urlsplit

from pydantic import Field, SecretStr

from connectors.ical import AgendaOptions, ICalendar
from connectors.plain import token
from connectors.trees import child, first, inside, name_of, text, words, xml_root
from hub import clock
from hub.contracts import (
    EntryError,
    Fetch,
    Fetched,
    Json,
    NotModified,
    Parsed,
    SourceUnavailable,
    SourceUnreadable,
)

# An answer about addresses is small; it is read outside the sandbox.
_BIGGEST_ANSWER: Final = 2_000_000
_MOST_CALENDARS: Final = 20
_NAMES: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
_ABOUT: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<d:propfind {_NAMES} xmlns:s="http://calendarserver.org/ns/"><d:prop>
<d:resourcetype/><d:displayname/><d:sync-token/><s:getctag/><d:current-user-principal/>
<c:calendar-home-set/><c:supported-calendar-component-set/>
</d:prop></d:propfind>""".encode()
_EVENTS: Final = f"""<?xml version="1.0" encoding="utf-8"?>
<c:calendar-query {_NAMES}><d:prop><d:getetag/><c:calendar-data/></d:prop>
<c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">
<c:time-range start="{{start}}" end="{{stop}}"/>
</c:comp-filter></c:comp-filter></c:filter></c:calendar-query>"""
_PROLOGUE: Final = re.compile(rb"^\s*<\?xml[^>]*\?>")


class CalDavOptions(AgendaOptions):
    user: str = Field("", max_length=200, description="Name to sign in with.")
    password: SecretStr = Field(SecretStr(""), description="Password, best one for this use only.")
    calendars: list[str] = Field([], description="Names of the calendars to read; all where none.")


@dataclass(frozen=True, slots=True)
class _Place:
    """A resource of the server: `version` changes when anything in it does."""

    url: str
    name: str
    version: str
    is_calendar: bool
    home: str
    principal: str


class CalDav(ICalendar):
    kind: ClassVar[str] = "caldav"
    title: ClassVar[str] = "Agenda CalDAV"
    Options: ClassVar[type[AgendaOptions]] = CalDavOptions
    default_interval_s: ClassVar[int] = 900
    accept = "application/xml, text/xml, */*;q=0.5"
    what = "caldav"

    def __init__(self, options: CalDavOptions) -> None:
        super().__init__(options)
        self._wished = {name.strip().lower() for name in options.calendars}
        self._range = timedelta(days=options.days_before), timedelta(days=options.days_ahead)
        secret = f"{options.user}:{options.password.get_secret_value()}".encode()
        signed = {"Authorization": f"Basic {b64encode(secret).decode()}"} if options.user else {}
        self.headers = signed

    def fetch(self, cursor: Json, fetch: Fetch) -> Fetched | NotModified:
        """All calendars as one document of CalDAV answers. Raises SourceUnavailable."""
        known, at = cursor.get("versions"), cursor.get("at")
        start = at if isinstance(at, str) and self._is_here(at) else self.url
        asked = self._propfind(fetch, start, str(cursor.get("depth", "0")), cursor)
        if isinstance(asked, NotModified):
            return asked
        depth = str(cursor.get("depth", "0"))
        if start == self.url and not known:
            start, depth, asked = self._home(fetch, asked)
        chosen = self._chosen(asked)
        versions = {place.url: place.version for place in chosen}
        kept = {"at": start, "depth": depth, "versions": versions}
        if known == versions and all(versions.values()):
            return NotModified(kept)
        answers = [self._report(fetch, place.url) for place in chosen]
        if len(answers) == 1:
            return Fetched(answers[0], kept, "application/xml")
        joined = b"".join(_PROLOGUE.sub(b"", answer) for answer in answers)
        return Fetched(b"<calendars>" + joined + b"</calendars>", kept, "application/xml")

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """Answers of a server, or what one of them holds (iCalendar). A resource that cannot be
        read is named and the others are read."""
        if raw.lstrip(b"\xef\xbb\xbf \t\r\n")[:6].upper() == b"BEGIN:":
            return super().parse(raw, received_at)
        root = xml_root(self, raw)
        if name_of(root) not in ("multistatus", "calendars"):
            raise self.not_ours(raw)
        found = sorted(_resources(root))
        errors = [
            EntryError(text(response, "href") or "CalDAV", self.say("truncated"))
            for response in inside(root, "response")
            if " 507 " in f"{text(response, 'status')} "
        ]
        cut = bool(errors)
        if not found:
            return Parsed((), tuple(errors), not cut)
        try:
            parsed = super().parse(_joined(data for _, data in found), received_at)
        except SourceUnreadable:
            good = []
            for href, data in found:
                try:
                    super().parse(data.encode(), received_at)
                    good.append(data)
                except SourceUnreadable as error:
                    errors.append(EntryError(href, error.reason))
            empty = "BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"
            parsed = super().parse(_joined(good or [empty]), received_at)
            parsed = Parsed(parsed.items, parsed.errors, False, parsed.title)
        return Parsed(
            parsed.items, (*errors, *parsed.errors), parsed.complete and not cut, parsed.title
        )

    def _home(self, fetch: Fetch, asked: list[_Place]) -> tuple[str, str, list[_Place]]:
        """From an address to the calendars: the calendar itself, or those of the account."""
        if any(place.is_calendar for place in asked):
            return self.url, "0", asked
        home = next((p.home for p in asked if p.home), "")
        principal = next((p.principal for p in asked if p.principal), "")
        if not home and principal:
            answer = self._propfind(fetch, self._here(principal), "0", {})
            places = [] if isinstance(answer, NotModified) else answer
            home = next((p.home for p in places if p.home), "")
        there = self._here(home) if home else self.url
        listed = self._propfind(fetch, there, "1", {})
        return there, "1", [] if isinstance(listed, NotModified) else listed

    def _chosen(self, places: list[_Place]) -> list[_Place]:
        calendars = [p for p in places if p.is_calendar and self._is_here(p.url)]
        if self._wished:
            calendars = [
                p
                for p in calendars
                if {
                    p.name.lower(),
                    unquote(urlsplit(p.url).path).strip("/").rpartition("/")[2].lower(),
                }
                & self._wished
            ]
        if not calendars:
            raise SourceUnavailable(self.say("no-calendar"))
        return sorted(calendars, key=lambda p: p.url)[:_MOST_CALENDARS]

    def _propfind(
        self, fetch: Fetch, url: str, depth: str, cursor: Json
    ) -> "list[_Place] | NotModified":
        headers = {**self.headers, "Depth": depth}
        try:
            answer = fetch(
                url, cursor, accept=self.accept, method="PROPFIND", headers=headers, body=_ABOUT
            )
        except SourceUnavailable:
            if url != self.url or urlsplit(url).path.strip("/"):
                raise
            url = urljoin(url, "/.well-known/caldav")  # RFC 6764 section 5
            answer = fetch(
                url, {}, accept=self.accept, method="PROPFIND", headers=headers, body=_ABOUT
            )
        if isinstance(answer, NotModified):
            return answer
        if len(answer.raw) > _BIGGEST_ANSWER:
            raise SourceUnavailable(self.say("too-big", megabytes=_BIGGEST_ANSWER // 1_000_000))
        try:
            root = xml_root(self, answer.raw)
            if name_of(root) != "multistatus":
                raise self.not_ours(answer.raw)
        except SourceUnreadable as error:
            raise SourceUnavailable(error.reason) from error
        return [_place(response, url) for response in inside(root, "response")]

    def _report(self, fetch: Fetch, url: str) -> bytes:
        today = clock.now().replace(hour=0, minute=0, second=0, microsecond=0)
        before, ahead = self._range
        body = _EVENTS.format(
            start=f"{today - before:%Y%m%dT%H%M%SZ}",
            stop=f"{today + ahead + timedelta(days=1):%Y%m%dT%H%M%SZ}",
        )
        answer = fetch(
            url,
            {},
            accept=self.accept,
            method="REPORT",
            headers={**self.headers, "Depth": "1"},
            body=body.encode(),
        )
        return answer.raw if isinstance(answer, Fetched) else b""

    def _here(self, href: str) -> str:
        """An address of this server. Raises SourceUnavailable for any other."""
        url = urljoin(self.url, href)
        if not self._is_here(url):
            raise SourceUnavailable(self.say("elsewhere", host=urlsplit(url).hostname or ""))
        return url

    def _is_here(self, url: str) -> bool:
        ours, theirs = urlsplit(self.url), urlsplit(url)
        return (ours.scheme, ours.hostname, ours.port) == (
            theirs.scheme, theirs.hostname, theirs.port,
        )  # fmt: skip


def _place(response: Any, asked: str) -> _Place:
    kinds = {name_of(n) for t in inside(response, "resourcetype") for n in t}
    parts = {n.get("name") for n in inside(response, "comp")}
    return _Place(
        url=urljoin(asked, text(response, "href")),
        name=first(response, "displayname"),
        version=first(response, "sync-token") or first(response, "getctag"),
        is_calendar="calendar" in kinds and (not parts or "VEVENT" in parts),
        home=_href(response, "calendar-home-set"),
        principal=_href(response, "current-user-principal"),
    )


def _href(response: Any, name: str) -> str:
    for node in inside(response, name):
        if (href := child(node, "href")) is not None and words(href):
            return words(href)
    return ""


def _resources(root: Any) -> Iterator[tuple[str, str]]:
    """(address, iCalendar) of each resource that has one."""
    for response in inside(root, "response"):
        for data in inside(response, "calendar-data"):
            said = "".join(data.itertext()).strip()
            if said:
                yield token(text(response, "href")), said


def _joined(calendars: Any) -> bytes:
    return "\r\n".join(calendars).encode()
