"""What all tables share: the mixin that marks a row as an authority's, ids, JSON columns."""

import os
from typing import Any

from sqlalchemy import JSON, BigInteger, Integer
from sqlmodel import Field, SQLModel

from hub import clock

# SQLite only grows a rowid of type INTEGER by itself.
BIG = BigInteger().with_variant(Integer(), "sqlite")

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


class OfAuthority(SQLModel):
    """Rows of one authority; a scoped session filters every query on them."""

    authority_id: int = Field(foreign_key="authority.id", index=True)


def json_column(default: Any = None, **more: Any) -> Any:
    """A JSON column. Replace its value as a whole: a change in place is not noticed."""
    return Field(default_factory=default or dict, sa_type=JSON, **more)


def ulid() -> str:
    """26 letters that sort by the time they were made (the ULID specification)."""
    number = (clock.unix_ms() << 80) | int.from_bytes(os.urandom(10), "big")
    return "".join(_CROCKFORD[(number >> shift) & 31] for shift in range(125, -1, -5))
