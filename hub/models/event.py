"""The agenda: dated entries, where they came from, and the reminders said of them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from hub import clock
from hub.models.base import OfAuthority, json_column, ulid
from hub.vocabulary import EventState


class Event(OfAuthority, table=True):
    """A dated entry of the agenda; of what repeats, one occurrence.

    `starts` and `ends` are moments in UTC, equal where no length is known; with `all_day` they are
    the midnights of the authority's zone. `texts` maps a language to headline and description.
    `sequence` rises with every change (RFC 5545 section 3.8.7.4). `words` and `tag_words` are what
    a search reads: small letters without accents. `edited`: a person rewrote what a source brought,
    and the source no longer overwrites it.
    """

    __table_args__ = (Index("ix_event_when", "authority_id", "starts"),)
    authority_id: int = Field(foreign_key="authority.id")  # found by the index above
    id: str = Field(default_factory=ulid, primary_key=True)
    station_id: int = Field(foreign_key="station.id", index=True)
    state: str = EventState.PLANNED
    category: str = "event"
    starts: datetime
    ends: datetime = Field(index=True)
    all_day: bool = False
    texts: dict[str, Any] = json_column()
    place: str = ""
    longitude: float | None = None
    latitude: float | None = None
    tags: list[str] = json_column(list)
    link: str = ""
    series: str = ""
    words: str = ""
    tag_words: str = ""
    sequence: int = 0
    edited: bool = False
    note: str = ""
    created_by: str = ""
    created: datetime = Field(default_factory=clock.now)
    changed: datetime = Field(default_factory=clock.now, index=True)


class EventOrigin(OfAuthority, table=True):
    """A source that brings an event; two sources may bring the same. `hash` is the fingerprint of
    what it said; `gone`: absent from it for two readings. The source may be forgotten since:
    `source_id` is then empty and its name stays."""

    __tablename__ = "event_origin"
    __table_args__ = (UniqueConstraint("source_id", "external_id"),)
    id: int | None = Field(default=None, primary_key=True)
    event_id: str = Field(foreign_key="event.id", index=True)
    source_id: int | None = None
    source_name: str
    external_id: str
    version: str = ""
    hash: str = ""
    link: str = ""
    gone: bool = False
    missing_since: datetime | None = None


class Reminder(OfAuthority, table=True):
    """What a reminder rule said, or found nothing to say, at one of its hours for one station:
    never twice. `events` are the ids it named, `said` the fingerprint of its words."""

    __table_args__ = (UniqueConstraint("station_id", "rule", "occasion"),)
    id: int | None = Field(default=None, primary_key=True)
    station_id: int = Field(foreign_key="station.id")
    rule: str
    occasion: str
    due: datetime
    until: datetime = Field(index=True)
    events: list[str] = json_column(list)
    publication_id: str = ""
    said: str = ""
    title: dict[str, str] = json_column()
    created: datetime = Field(default_factory=clock.now)
