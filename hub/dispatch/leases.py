"""Who works on a row. A claim is one conditional UPDATE; a lease is broken only by a sweeper that
saw its beat unchanged for 30 s of its own monotonic clock, or by the same worker started anew.
"""

import os
import secrets
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from hub import clock, settings
from hub.models import Delivery, DisplayRow, Shard, Source

BROKEN_AFTER_S = 30.0
# The database was away for a minute: the workers could not move a beat either.
_BLIND_S = 10.0
_LEASED: tuple[Any, ...] = (DisplayRow, Delivery, Shard, Source)
_boot = secrets.token_hex(4)
_role = "hub"


def name_this_worker(role: str) -> None:
    """`role` is unique on this instance (a service of the supervisor, a container)."""
    global _role
    _role = role


def me() -> str:
    """This process's mark on a lease."""
    return f"{settings.get().name}/{_role}/{_boot}-{os.getpid()}"


def once() -> str:
    """A mark of this process for one claim alone: what it said under an older one counts no more,
    though it hold the row again."""
    return f"{me()}.{secrets.token_hex(4)}"


def claim(session: Session, table: Any, key: Any, *conditions: Any) -> bool:
    """Take the row if nobody holds it and `conditions` hold; True when it is ours now."""
    column = _key(table)
    done = session.execute(
        update(table)
        .where(col(column) == key, col(table.lease) == "", *conditions)
        .values(lease=me(), beat=table.beat + 1)
        .execution_options(synchronize_session=False)
    )
    return bool(done.rowcount == 1)  # type: ignore[attr-defined]


def release_mine(session: Session) -> int:
    """At a worker's start: what this same worker held before it was killed is free again."""
    prefix = f"{settings.get().name}/{_role}/"
    return sum(
        session.execute(
            update(table)
            .where(col(table.lease).startswith(prefix, autoescape=True))
            .values(lease="")
            .execution_options(synchronize_session=False)
        ).rowcount  # type: ignore[attr-defined]
        for table in _LEASED
    )


def _key(table: Any) -> Any:
    return table.outlet_id if table is DisplayRow else table.id


class Watch:
    """The sweeper's eye on leases: (table, key) → (beat, when this process first saw it)."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, int], tuple[int, float]] = {}
        self._looked = 0.0

    def break_stale(self, session: Session) -> int:
        """Free the rows whose beat stood still too long; returns how many."""
        moment = clock.monotonic()
        if moment - self._looked > _BLIND_S:
            self._seen = {}  # this process saw nothing meanwhile: begin to watch anew
        self._looked = moment
        seen: dict[tuple[str, int], tuple[int, float]] = {}
        broken = 0
        for table in _LEASED:
            key_column = _key(table)
            rows = session.execute(
                select(key_column, table.beat).where(col(table.lease) != "").limit(5000)
            ).all()
            for key, beat in rows:
                mark = (table.__tablename__, key)
                known = self._seen.get(mark)
                since = known[1] if known and known[0] == beat else moment
                if moment - since >= BROKEN_AFTER_S:
                    broken += session.execute(
                        update(table)
                        .where(col(key_column) == key, col(table.beat) == beat)
                        .values(lease="", beat=beat + 1)
                        .execution_options(synchronize_session=False)
                    ).rowcount  # type: ignore[attr-defined]
                else:
                    seen[mark] = (beat, since)
        self._seen = seen
        return broken
