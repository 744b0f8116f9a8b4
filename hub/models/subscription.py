"""Anonymous devices: the instance's, never an authority's. No name, number or position."""

from datetime import datetime

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from hub import clock
from hub.models.base import BIG, OfAuthority, json_column


class PushIdentity(SQLModel, table=True):
    """A VAPID key pair (RFC 8292). A subscription is signed for life with the identity it was made
    under; rotation concerns new ones. `private_key` is sealed; `public_key` is base64url."""

    __tablename__ = "push_identity"
    id: int | None = Field(default=None, primary_key=True)
    hostname: str
    public_key: str = Field(unique=True)
    private_key: str
    created: datetime = Field(default_factory=clock.now)
    retired: datetime | None = None


class Subscription(SQLModel, table=True):
    """`token_hash` is the only way back to its row. `state`: new (waits for the confirmation
    push of an unknown host), active, dormant (urgent only), gone."""

    # Frozen audiences hold ids: SQLite must not give a forgotten phone's id to the next one.
    __table_args__ = (
        Index("ix_subscription_state", "state", "id"),
        {"sqlite_autoincrement": True},
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    token_hash: str = Field(unique=True)
    push_identity_id: int = Field(foreign_key="push_identity.id", index=True)
    endpoint: str = Field(unique=True)
    host: str = ""
    p256dh: str
    auth: str
    state: str = "active"
    confirm: str = ""
    language: str = "fr"
    min_severity: str = "Unknown"
    cells: list[str] = json_column(list)
    failures: int = 0
    failing_since: datetime | None = None
    created: datetime = Field(default_factory=clock.now)
    seen: datetime = Field(default_factory=clock.now)


class Follow(OfAuthority, table=True):
    """A station followed by a subscription. `categories`: wished ones, empty means all.

    `wishes`, `least` and `reach` repeat that and the subscription's own state as integers, so that
    an audience is one scan of one covering index (hub.audience keeps them): a bit a category (0:
    all), the rank of the minimum severity, and 2 active, 1 dormant (urgent only), 0 nobody yet.
    """

    __table_args__ = (
        UniqueConstraint("subscription_id", "station_id"),
        Index("ix_follow_audience", "station_id", "subscription_id", "reach", "least", "wishes"),
    )
    id: int | None = Field(default=None, primary_key=True, sa_type=BIG)
    subscription_id: int = Field(foreign_key="subscription.id", sa_type=BIG, ondelete="CASCADE")
    station_id: int = Field(foreign_key="station.id")
    categories: list[str] = json_column(list)
    wishes: int = Field(default=0, sa_type=BigInteger)
    least: int = 0
    reach: int = 2


class FollowCell(SQLModel, table=True):
    """The same follower once for each H3 cell that the phone chose, or once in cell 0 where it
    chose none: the index of audiences by area. Derived from Follow and Subscription.cells."""

    __tablename__ = "follow_cell"
    # SQLite keeps the rows in their key; PostgreSQL answers from the index alone, else it looks up
    # each of a hundred thousand rows.
    __table_args__ = (
        Index(
            "ix_follow_cell_audience",
            "station_id",
            "cell",
            postgresql_include=["subscription_id", "reach", "least", "wishes"],
        ).ddl_if(dialect="postgresql"),
        {"sqlite_with_rowid": False},
    )
    station_id: int = Field(foreign_key="station.id", primary_key=True)
    cell: int = Field(primary_key=True, sa_type=BigInteger)
    subscription_id: int = Field(
        foreign_key="subscription.id",
        primary_key=True,
        sa_type=BigInteger,
        ondelete="CASCADE",
        index=True,
    )
    wishes: int = Field(default=0, sa_type=BigInteger)
    least: int = 0
    reach: int = 2
