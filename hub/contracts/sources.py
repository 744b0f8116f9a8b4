"""Connectors: fetch bytes, parse them into items."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, ClassVar, Literal, Protocol

from hub.contracts.content import Json, Text
from hub.contracts.failures import StrictOptions
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency


class SourceUnavailable(Exception):
    """The source could not be fetched; the last good content stays. `reason` in plain words."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


class SourceUnreadable(Exception):
    """The bytes are not what this kind reads. `where` is a line, an element or an entry."""

    def __init__(self, reason: str, where: str = "") -> None:
        super().__init__(f"{reason} ({where})" if where else reason)
        self.reason, self.where = reason, where


@dataclass(frozen=True, slots=True)
class Fetched:
    """Bytes of a source; `cursor` (ETag, Last-Modified, sync token) goes into the next fetch."""

    raw: bytes
    cursor: Json
    media_type: str = ""


@dataclass(frozen=True, slots=True)
class NotModified:
    cursor: Json


@dataclass(frozen=True, slots=True)
class Item:
    """One parsed entry of a source, in CAP words.

    `external_id` is stable over readings; `version` orders its versions (iCalendar SEQUENCE,
    CAP sent, a feed's updated), larger is newer, compared as text padded by the connector.
    `cancels` are the external ids that this item ends (a CAP Cancel's references); `supersedes`
    those it replaces (a CAP Update's).

    `kind` tells a notice from an event, the entry of an agenda: stored and shown there, said aloud
    only by rule. `place` says where in words, `series` is the id of the series an occurrence
    belongs to, `level` is green, yellow, orange or red where the source has levels, `tags` are the
    source's own words for what it is about.
    """

    external_id: str
    version: str
    msg_type: MsgType
    status: Status
    texts: Mapping[str, Text]
    category: str = "other"
    event: str = ""
    response_type: ResponseType = ResponseType.NONE
    severity: Severity = Severity.UNKNOWN
    urgency: Urgency = Urgency.UNKNOWN
    certainty: Certainty = Certainty.UNKNOWN
    sent: datetime | None = None
    effective: datetime | None = None
    onset: datetime | None = None
    expires: datetime | None = None
    all_day: bool = False
    area: Json | None = None
    area_desc: str = ""
    geocodes: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    link: str = ""
    cancels: tuple[str, ...] = ()
    supersedes: tuple[str, ...] = ()
    kind: Literal["notice", "event"] = "notice"
    place: str = ""
    series: str = ""
    level: Literal["", "green", "yellow", "orange", "red"] = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class EntryError:
    """A refused entry: `where` names it (UID, identifier, position), `reason` says why."""

    where: str
    reason: str


@dataclass(frozen=True, slots=True)
class Parsed:
    """All of a reading. `complete`: absence of a known item from it means something."""

    items: tuple[Item, ...]
    errors: tuple[EntryError, ...] = ()
    complete: bool = True
    title: str = ""


class Fetch(Protocol):
    """The guarded fetcher, as handed to connectors. `method` is GET, or PROPFIND and REPORT with a
    `body` (RFC 4791); `headers` are for the address that was asked, never for where it redirects.
    """

    def __call__(
        self,
        url: str,
        cursor: Json,
        *,
        accept: str = "*/*",
        method: str = "GET",
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
    ) -> Fetched | NotModified: ...


class Connector(Protocol):
    """One kind of source. A class may also state `shared_ids = True`: its external ids mean the
    same in every source (the identifiers of CAP), so that two feeds that carry one alert, its
    update or its cancel speak of one publication."""

    kind: ClassVar[str]
    title: ClassVar[str]
    Options: ClassVar[type[StrictOptions]]
    default_interval_s: ClassVar[int]

    def __init__(self, options: Any) -> None: ...

    def fetch(self, cursor: Json, fetch: Fetch) -> Fetched | NotModified:
        """Get the bytes. Raises SourceUnavailable."""
        ...

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """Pure. One bad entry is reported and skipped. Raises SourceUnreadable for the whole."""
        ...
