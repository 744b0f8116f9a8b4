"""One row an attempt, appended before the wire is touched and closed after it, for many displays at
once.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import insert, literal, update
from sqlalchemy import select as core_select
from sqlmodel import Session, col
from sqlmodel.sql.sqltypes import UTCDateTime

from hub import clock
from hub.dispatch import leases
from hub.dispatch.among import among
from hub.models import Attempt, DisplayRow


def begin(session: Session, outlet_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """An attempt for each display, on record before the wire is touched: outlet to attempt."""
    columns = ("authority_id", "outlet_id", "worker", "started", "outcome", "count", "detail")
    values: tuple[Any, ...] = (
        col(DisplayRow.authority_id), col(DisplayRow.outlet_id), literal(leases.me()),
        literal(now, UTCDateTime()), literal("sending"), literal(0), literal(""),
    )  # fmt: skip
    rows = session.execute(
        insert(Attempt)
        .from_select(
            columns,
            core_select(*values).where(among(col(DisplayRow.outlet_id), outlet_ids)),
            include_defaults=False,
        )
        .returning(col(Attempt.outlet_id), col(Attempt.id))
    )
    return {outlet_id: attempt_id or 0 for outlet_id, attempt_id in rows}


def close(session: Session, ids: Sequence[int], outcome: str, count: int, detail: str = "") -> None:
    """They are over; `count`: how many notices were told."""
    session.execute(
        update(Attempt)
        .where(among(col(Attempt.id), ids))
        .values(finished=clock.now(), outcome=outcome, count=count, detail=detail)
        .execution_options(synchronize_session=False)
    )
