"""What the hub knows of displays that report by themselves: how they are, what they proved, what is
wrong with them."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, text
from sqlmodel import Field, SQLModel

from hub import clock
from hub.models.base import OfAuthority, json_column


class PanelRow(OfAuthority, table=True):
    """A panel as it reports. `state` is what the office says of it: unknown, ready, alert,
    sleeping, disconnected, stale, lost. `quiet_at`: when it is stale unless it speaks before;
    `lost_at`: when it is lost. `seqs`: the last (session, seq) heard of each kind of report.
    `proved`: runs of batches of proof without a gap, [first, last, from, to] each."""

    __tablename__ = "panel"
    __table_args__ = (
        Index("ix_panel_quiet", "quiet_at"),
        Index("ix_panel_lost", "lost_at"),
    )
    outlet_id: int = Field(foreign_key="outlet.id", primary_key=True)
    state: str = "unknown"
    since: datetime = Field(default_factory=clock.now)
    heard_at: datetime | None = None
    quiet_at: datetime | None = None
    lost_at: datetime | None = None
    sleeps_until: datetime | None = None
    seqs: dict[str, Any] = json_column()
    heartbeat: dict[str, Any] = json_column()
    beat_at: datetime | None = None
    shown: dict[str, Any] = json_column()
    shown_at: datetime | None = None
    faults: dict[str, Any] = json_column()
    refused: dict[str, Any] = json_column()
    proved: list[Any] = json_column(list)
    proved_at: datetime | None = None


class FrameRow(OfAuthority, table=True):
    """The last picture that a panel took of its own face."""

    __tablename__ = "frame"
    outlet_id: int = Field(foreign_key="outlet.id", primary_key=True)
    at: datetime
    hash: str
    page_hash: str = ""
    reference: str = ""
    png: bytes = Field(sa_type=LargeBinary)


class ToldPage(SQLModel, table=True):
    """A page that some display was told for a revision: what a hash that comes back must be.
    `page` is the plan's own, with its picture."""

    __tablename__ = "told_page"
    publication_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    hash: str = Field(primary_key=True, index=True)
    position: int = 0
    page: dict[str, Any] = json_column()
    first: datetime = Field(default_factory=clock.now)


class Play(OfAuthority, table=True):
    """What a face proved of one page on one day (the authority's): from, to, how often and how long
    it was lit, how long it stood there unlit. `known`: the hub had told it so."""

    __table_args__ = (Index("ix_play_publication", "publication_id"),)
    outlet_id: int = Field(foreign_key="outlet.id", primary_key=True)
    publication_id: str = Field(primary_key=True)
    revision: int = Field(primary_key=True)
    hash: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    start: datetime
    end: datetime
    plays: int = 0
    seconds: float = 0
    dark_s: float = 0
    known: bool = True
    inferred: bool = False
    sealed: bool = False


class Incident(OfAuthority, table=True):
    """Something is wrong with an outlet, from `opened` to `closed`; at most one open of a kind."""

    __table_args__ = (
        Index(
            "ix_incident_open", "outlet_id", "kind", unique=True,
            sqlite_where=text("closed IS NULL"), postgresql_where=text("closed IS NULL"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, primary_key=True)
    outlet_id: int = Field(foreign_key="outlet.id", index=True)
    kind: str
    detail: dict[str, Any] = json_column()
    opened: datetime = Field(default_factory=clock.now)
    seen: datetime = Field(default_factory=clock.now)
    closed: datetime | None = None
