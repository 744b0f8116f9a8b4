"""Who did what, and the instance's own small memory."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from hub import clock
from hub.models.base import BIG, OfAuthority, json_column


class AuditEvent(OfAuthority, table=True):
    """Appended in the transaction of what it tells of."""

    __tablename__ = "audit_event"
    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(default_factory=clock.now)
    actor: str
    verb: str
    object: str = Field(index=True)
    detail: dict[str, Any] = json_column()
    request_id: str = ""


class IdempotencyKey(OfAuthority, table=True):
    """The answer to a POST, given again for the same key. `status` 0: still under way."""

    __tablename__ = "idempotency_key"
    __table_args__ = (UniqueConstraint("authority_id", "key"),)
    authority_id: int = Field(foreign_key="authority.id")  # found by the constraint above
    id: int | None = Field(default=None, primary_key=True)
    key: str
    fingerprint: str
    status: int = 0
    body: dict[str, Any] = json_column()
    created: datetime = Field(default_factory=clock.now, index=True)


class Memo(SQLModel, table=True):
    """The instance's memory: one small value a name ("clock.latest", "sweep", "change", "wishes").
    `number` holds what is counted or compared, `at` when it was written."""

    name: str = Field(primary_key=True)
    number: int = Field(default=0, sa_type=BIG)
    text: str = ""
    at: datetime = Field(default_factory=clock.now)
