"""Signing keys that an authority no longer signs with."""

from datetime import datetime

from sqlalchemy import UniqueConstraint
from sqlmodel import Field

from hub import clock
from hub.models.base import OfAuthority


class RetiredKey(OfAuthority, table=True):
    """A former signing key. `until`: a panel takes plans under it no longer than this. `sealed` is
    its private half: it announces its successors to a panel that slept through the change.
    `public` is base64url, for what was signed under it once."""

    __tablename__ = "retired_key"
    __table_args__ = (UniqueConstraint("authority_id", "key_id"),)
    authority_id: int = Field(foreign_key="authority.id")  # found by the constraint above
    id: int | None = Field(default=None, primary_key=True)
    key_id: str
    public: str
    sealed: str = ""
    retired: datetime = Field(default_factory=clock.now)
    until: datetime
    revoked: datetime | None = None
