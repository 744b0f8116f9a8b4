"""Deliveries, displays, targets, shards, attempts, receipts, the shelf."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from hub import clock
from hub.models.base import BIG, OfAuthority, json_column
from hub.vocabulary import DeliveryState, TargetState


class Delivery(OfAuthority, table=True):
    """The promise that an outlet carries a revision.

    `route` is rules.plan.Route as JSON. `due_at` is when a worker should next look at it, None when
    it is over or waits for a person. `lease`/`beat` say which worker holds it; a sweeper breaks a
    lease only after it saw `beat` unchanged for 30 s of its own monotonic clock. Counters are of
    targets or phones.
    """

    __table_args__ = (
        UniqueConstraint("revision_id", "outlet_id"),
        Index("ix_delivery_due", "due_at", "lane"),
        Index("ix_delivery_publication", "publication_id"),
    )
    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="revision.id")
    publication_id: str = Field(foreign_key="publication.id")
    revision_no: int
    outlet_id: int = Field(foreign_key="outlet.id", index=True)
    kind: str
    intent: str
    lane: str
    state: str = DeliveryState.WAITING
    reason: str = ""
    route: dict[str, Any] = json_column()
    expires: datetime
    due_at: datetime | None = None
    lease: str = ""
    beat: int = 0
    frozen: bool = False
    tries: int = 0
    total: int = 0
    accepted: int = 0
    gone: int = 0
    rejected: int = 0
    uncertain: int = 0
    opened_at: datetime | None = None
    first_at: datetime | None = None
    half_at: datetime | None = None
    ninety_at: datetime | None = None
    ninetynine_at: datetime | None = None
    closed_at: datetime | None = None
    created: datetime = Field(default_factory=clock.now)
    changed: datetime = Field(default_factory=clock.now)


class DisplayRow(OfAuthority, table=True):
    """Where a display stands: due while wanted_no, said_no and shown_no differ.

    `say_no` is the last number used on the wire (a panel's plan_rev), `reported_no` the highest the
    display ever reported, `shown_say_no` the one that it says it shows. `saying_no` is the
    wanted_no that was read for the saying under way.
    """

    __tablename__ = "display"
    __table_args__ = (Index("ix_display_due", "due_at"),)
    outlet_id: int = Field(foreign_key="outlet.id", primary_key=True)
    wanted_no: int = 0
    said_no: int = 0
    shown_no: int = 0
    saying_no: int = 0
    say_no: int = Field(default=0, sa_type=BIG)
    reported_no: int = Field(default=0, sa_type=BIG)
    shown_say_no: int = Field(default=0, sa_type=BIG)
    lane: str = "normal"
    due_at: datetime | None = None
    next_change_at: datetime | None = None
    lease: str = ""
    beat: int = 0
    tries: int = 0
    trouble: str = ""
    said_at: datetime | None = None
    shown_at: datetime | None = None
    presence: str = ""
    presence_at: datetime | None = None
    session: int = Field(default=0, sa_type=BIG)
    seq: int = Field(default=0, sa_type=BIG)
    birth: dict[str, Any] = json_column()
    evidence: dict[str, Any] = json_column()


class Carried(OfAuthority, table=True):
    """Where one publication stands on one display: the revision wanted there, the one it was last
    told, the one it shows. None: not there. The board reads these rows."""

    outlet_id: int = Field(foreign_key="outlet.id", primary_key=True)
    publication_id: str = Field(foreign_key="publication.id", primary_key=True, index=True)
    wanted_rev: int | None = None
    said_rev: int | None = None
    said_say_no: int = Field(default=0, sa_type=BIG)
    shown_rev: int | None = None
    since: datetime = Field(default_factory=clock.now)
    refused: str = ""
    ended_at: datetime | None = None
    evidence: dict[str, Any] = json_column()


class TargetRow(OfAuthority, table=True):
    """One address of a delivery of a kind that is not sent in shards. `reference` is what the other
    side answered, used to edit or delete later."""

    __tablename__ = "target"
    __table_args__ = (
        UniqueConstraint("delivery_id", "address"),
        Index("ix_target_state", "delivery_id", "state"),
    )
    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id")
    contact_id: int | None = Field(default=None, foreign_key="contact.id")
    address: str
    intent: str
    key: str
    earlier_ref: str = ""
    state: str = TargetState.PENDING
    reference: str = ""
    reason: str = ""
    tries: int = 0
    opened_at: datetime | None = None
    closed_at: datetime | None = None


class Shard(SQLModel, table=True):
    """At most 10,000 frozen subscription ids of one delivery, sorted, 8 bytes each, little endian.
    `cursor`: how many are told. Blobs are dropped 30 days after the publication's end."""

    __table_args__ = (
        UniqueConstraint("delivery_id", "n"),
        Index("ix_shard_open", "delivery_id", "done"),
    )
    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int = Field(foreign_key="delivery.id")
    n: int
    intent: str
    ids: bytes = Field(sa_type=LargeBinary)
    size: int
    cursor: int = 0
    accepted: int = 0
    gone: int = 0
    rejected: int = 0
    done: bool = False
    lease: str = ""
    beat: int = 0
    retry_at: datetime | None = None


class Turn(OfAuthority, table=True):
    """When an authority was last served in a lane, Unix milliseconds: who waits longest is next."""

    authority_id: int = Field(foreign_key="authority.id", primary_key=True)
    lane: str = Field(primary_key=True)
    at: int = Field(default=0, sa_type=BIG)


class Breaker(SQLModel, table=True):
    """A push host, or the provider of an outlet ("authority/outlet"), left alone until `until`, for
    all workers. Then one of them, who moves `until` first, asks with a single phone or address. No
    row: all is well."""

    host: str = Field(primary_key=True)
    until: datetime
    tries: int = 1
    since: datetime = Field(default_factory=clock.now)
    reason: str = ""


class Attempt(OfAuthority, table=True):
    """One try, appended, committed before the wire is touched and closed after it."""

    # Only those of a single address have a target; each is closed by it.
    __table_args__ = (
        Index(
            "ix_attempt_target", "target_id",
            sqlite_where=text("target_id IS NOT NULL"),
            postgresql_where=text("target_id IS NOT NULL"),
        ),
    )  # fmt: skip
    id: int | None = Field(default=None, primary_key=True)
    delivery_id: int | None = Field(default=None, foreign_key="delivery.id", index=True)
    outlet_id: int = Field(foreign_key="outlet.id", index=True)
    target_id: int | None = Field(default=None, foreign_key="target.id")
    shard_id: int | None = Field(default=None, foreign_key="shard.id", index=True)
    worker: str = ""
    started: datetime = Field(default_factory=clock.now)
    finished: datetime | None = None
    outcome: str = "sending"
    count: int = 1
    detail: str = ""


class Receipt(OfAuthority, table=True):
    """Evidence from outside: born, stored, shown. Appended, never changed."""

    id: int | None = Field(default=None, primary_key=True)
    outlet_id: int = Field(foreign_key="outlet.id", index=True)
    stage: str
    say_no: int | None = Field(default=None, sa_type=BIG)
    at: datetime = Field(default_factory=clock.now)
    evidence: dict[str, Any] = json_column()


class ShelfRow(OfAuthority, table=True):
    """A document as it is served. `version` is the change counter it was stored under."""

    __tablename__ = "shelf"
    path: str = Field(primary_key=True)
    outlet_id: int = Field(foreign_key="outlet.id", index=True)
    etag: str
    media_type: str
    body: bytes = Field(sa_type=LargeBinary)
    modified: datetime
    valid_until: datetime | None = None
    version: int = Field(default=0, index=True)
