"""Authorities, their stations, members, API tokens and outlets."""

from datetime import datetime
from typing import Any

from sqlalchemy import UniqueConstraint
from sqlmodel import Field, SQLModel

from hub import clock
from hub.models.base import BIG, OfAuthority, json_column


class Authority(SQLModel, table=True):
    """A local authority or a body under it: the tenant. `territory` is a GeoJSON geometry.
    `quiet` is a pair of local hours or empty. `signing_key` is sealed (Ed25519, 32 bytes).
    `keys_rev` numbers the set of keys its panels trust; 0 as long as the first key holds."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    parent_id: int | None = Field(default=None, foreign_key="authority.id")
    insee: str = ""
    timezone: str = "Europe/Paris"
    languages: list[str] = json_column(lambda: ["fr"])
    territory: dict[str, Any] | None = json_column(lambda: None, nullable=True)
    quiet: list[str] = json_column(list)
    signing_key: str = ""
    key_id: str = ""
    keys_rev: int = Field(default=0, sa_type=BIG)
    keys_at: datetime | None = None
    created: datetime = Field(default_factory=clock.now)

    def facts(self) -> dict[str, Any]:
        """What conditions may look at (docs/rules.md)."""
        return {
            "code": self.code,
            "name": self.name,
            "timezone": self.timezone,
            "languages": self.languages,
        }

    def quiet_hours(self) -> tuple[str, str] | None:
        return (self.quiet[0], self.quiet[1]) if len(self.quiet) == 2 else None


class Station(OfAuthority, table=True):
    """What citizens follow. `code` is short, public and unique on this hub."""

    id: int | None = Field(default=None, primary_key=True)
    code: str = Field(unique=True)
    name: str
    description: str = ""
    created: datetime = Field(default_factory=clock.now)


class Member(OfAuthority, table=True):
    """A person who works for an authority. `epoch` + 1 signs every session out."""

    id: int | None = Field(default=None, primary_key=True)
    email: str = Field(unique=True)
    name: str
    password_hash: str
    roles: list[str] = json_column(list)
    language: str = "fr"
    active: bool = True
    epoch: int = 0
    created: datetime = Field(default_factory=clock.now)
    last_seen: datetime | None = None


class ApiToken(OfAuthority, table=True):
    """A bearer token; only its SHA-256 is kept."""

    __tablename__ = "api_token"
    id: int | None = Field(default=None, primary_key=True)
    name: str
    hash: str = Field(unique=True)
    roles: list[str] = json_column(list)
    created: datetime = Field(default_factory=clock.now)
    last_used: datetime | None = None
    revoked: datetime | None = None


class Outlet(OfAuthority, table=True):
    """Whatever can say something: one panel, one website, one social account, one push audience.

    `options` are the kind's own, without secrets; `secrets` is their sealed part (JSON).
    """

    __table_args__ = (UniqueConstraint("authority_id", "code"),)
    authority_id: int = Field(foreign_key="authority.id")  # found by the constraint above
    id: int | None = Field(default=None, primary_key=True)
    code: str
    name: str
    kind: str
    station_id: int | None = Field(default=None, foreign_key="station.id")
    tags: list[str] = json_column(list)
    options: dict[str, Any] = json_column()
    secrets: str = ""
    longitude: float | None = None
    latitude: float | None = None
    paused: bool = False
    hidden: bool = False
    created: datetime = Field(default_factory=clock.now)


class Contact(OfAuthority, table=True):
    """A phone number of an SMS list: sealed, found again by its fingerprint."""

    __table_args__ = (UniqueConstraint("outlet_id", "fingerprint"),)
    id: int | None = Field(default=None, primary_key=True)
    outlet_id: int = Field(foreign_key="outlet.id")
    sealed: str
    fingerprint: str
    language: str = "fr"
    created: datetime = Field(default_factory=clock.now)
    gone: datetime | None = None
