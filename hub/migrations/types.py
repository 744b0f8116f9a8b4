"""The column types of the migrations, by short names."""

import sqlalchemy as sa
from sqlmodel.sql.sqltypes import AutoString as text
from sqlmodel.sql.sqltypes import UTCDateTime as moment

__all__ = ["big", "moment", "text"]


def big() -> sa.types.TypeEngine[int]:
    """64 bits; on SQLite the only type whose rowid grows by itself."""
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")
