"""Sources and the items read from them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from hub import clock
from hub.models.base import OfAuthority, json_column
from hub.vocabulary import SourceHealth


class Source(OfAuthority, table=True):
    """A configured feed. `intake` is what rules fall back on: "ignore", "agenda", "draft" or
    "publish". The last good content stays whatever a later reading says."""

    __table_args__ = (Index("ix_source_next", "next_at"),)
    id: int | None = Field(default=None, primary_key=True)
    name: str
    kind: str
    url: str
    station_id: int = Field(foreign_key="station.id")
    options: dict[str, Any] = json_column()
    secrets: str = ""
    category: str = ""
    intake: str = "draft"
    interval_s: int = 900
    paused: bool = False
    health: str = SourceHealth.NEW
    error: str = ""
    entry_errors: list[dict[str, str]] = json_column(list)
    cursor: dict[str, Any] = json_column()
    content_hash: str = ""
    failures: int = 0
    last_try: datetime | None = None
    last_good: datetime | None = None
    next_at: datetime | None = None
    lease: str = ""
    beat: int = 0
    created: datetime = Field(default_factory=clock.now)


class ItemRow(OfAuthority, table=True):
    """One entry of a source as last read. `body` is contracts.Item as JSON; absence closes an item
    after its grace, never deletes it. Rows of several sources may share a publication; its
    `item_id` names the one whose words it follows. `held`: in the agenda only because it came with
    many others. `said`: fingerprint of the words that were last written from it."""

    __tablename__ = "item"
    __table_args__ = (
        UniqueConstraint("source_id", "external_id"),
        Index("ix_item_when", "authority_id", "starts"),
        Index("ix_item_publication", "publication_id"),
        Index("ix_item_external", "authority_id", "external_id"),
    )
    authority_id: int = Field(foreign_key="authority.id")  # found by the indexes above
    id: int | None = Field(default=None, primary_key=True)
    source_id: int = Field(foreign_key="source.id")
    external_id: str
    version: str
    hash: str
    state: str
    reason: str = ""
    rule: str = ""
    headline: str = ""
    starts: datetime | None = None
    ends: datetime | None = None
    body: dict[str, Any] = json_column()
    publication_id: str = ""
    held: bool = False
    said: str = ""
    first_seen: datetime = Field(default_factory=clock.now)
    last_seen: datetime = Field(default_factory=clock.now)
    missing_since: datetime | None = None
