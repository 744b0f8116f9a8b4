"""Publications, revisions and plans."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field

from hub import clock
from hub.models.base import OfAuthority, json_column, ulid
from hub.vocabulary import DraftState, PublicationState


class Publication(OfAuthority, table=True):
    """What the authority says, editable until made.

    `draft` is the open draft of the next revision (schemas.Content as JSON) or None;
    `revision_no` the number of the last revision made, 0 before the first. `wake_at` is when the
    sweep must look: the scheduled hour of the draft, or the expiry of what is live.
    """

    __table_args__ = (
        Index("ix_publication_wake", "wake_at"),
        Index(
            "ix_publication_item", "item_id",
            sqlite_where=text("item_id IS NOT NULL"), postgresql_where=text("item_id IS NOT NULL"),
        ),
    )  # fmt: skip
    id: str = Field(default_factory=ulid, primary_key=True)
    station_id: int = Field(foreign_key="station.id", index=True)
    state: str = PublicationState.NEW
    ended_as: str | None = None
    ended_at: datetime | None = None
    revision_no: int = 0
    first_sent: datetime | None = None
    draft: dict[str, Any] | None = json_column(lambda: None, nullable=True)
    draft_state: str | None = DraftState.WRITING
    draft_note: str = ""
    draft_by: str = ""
    publish_at: datetime | None = None
    approved_plan: dict[str, Any] | None = json_column(lambda: None, nullable=True)
    approved_by: str = ""
    item_id: int | None = Field(default=None, foreign_key="item.id")
    created_by: str = ""
    created: datetime = Field(default_factory=clock.now)
    changed: datetime = Field(default_factory=clock.now)
    wake_at: datetime | None = None


class Revision(OfAuthority, table=True):
    """An immutable, numbered snapshot: everything a CAP message of it needs.

    `content` is schemas.Content as JSON (texts per language, area, images, CAP words); the columns
    beside it are what queries need. `ended_as` is set on the cancel revision only.
    """

    __table_args__ = (UniqueConstraint("publication_id", "no"),)
    id: int | None = Field(default=None, primary_key=True)
    publication_id: str = Field(foreign_key="publication.id")
    no: int
    msg_type: str
    status: str
    severity: str
    category: str
    lane: str
    content: dict[str, Any] = json_column()
    sent: datetime
    effective: datetime
    onset: datetime | None = None
    expires: datetime
    ended_as: str | None = None
    references: list[str] = json_column(list)
    made_by: str = ""


class StoredPlan(OfAuthority, table=True):
    """The plan that was carried out for a revision; `body` is rules.plan.Plan as JSON."""

    __tablename__ = "plan"
    id: int | None = Field(default=None, primary_key=True)
    revision_id: int = Field(foreign_key="revision.id", unique=True)
    body: dict[str, Any] = json_column()
    differs_from_approved: bool = False
    computed: datetime = Field(default_factory=clock.now)
