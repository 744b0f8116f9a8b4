"""What lets a worker start, whose turn is next, and what makes a lane step aside.

Deliveries take turns at slice boundaries: the most pressing lane first, in it the authority that
was served the longest ago. So an authority with fifty urgent deliveries has no more of the workers
than one with a single one, and a lane that is not urgent rests while something urgent is under way.
"""

import random
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Any

from sqlalchemy import and_, bindparam, case, exists, func, or_, text
from sqlalchemy import select as columns
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub import clock, db, space
from hub.models import Delivery, DisplayRow, Memo, Shard, Turn
from hub.vocabulary import LANE_ORDER, DeliveryState, Lane

_OPEN = (DeliveryState.WAITING.value, DeliveryState.OPEN.value)
# Urgent work that nothing moved for so long has no claim on the others' rest any more.
_STUCK = timedelta(seconds=30)

_EQUALS = 8
# Where more than these wait, a worker serves several at a time (`round_of`).
CROWD = 8
_MOST_AT_ONCE = 16
_CHOOSING = 38547  # a number of ours among PostgreSQL's advisory locks

_serves: tuple[Lane, ...] = tuple(Lane)


def serve(lanes: Collection[Lane]) -> None:
    """The lanes of this process, as its role says."""
    global _serves
    _serves = tuple(sorted(set(lanes), key=LANE_ORDER.__getitem__))


def served() -> tuple[Lane, ...]:
    """The lanes of this process, most pressing first."""
    return _serves


def held(session: Session) -> bool:
    """The clock is in doubt: no messenger starts until a person confirms the time."""
    memo = session.get(Memo, "clock.hold")
    return bool(memo and memo.number)


def urgent_open(session: Session) -> bool:
    """Whether something urgent is due or being told to phones, and moves. (One that a worker holds
    for itself, number by number, waits for a network and takes no processor from anybody.)"""
    now = clock.now()
    given = {"now": now, "recent": now - _STUCK}
    return session.execute(_urgent_open(), given).first() is not None


@lru_cache(maxsize=1)
def _urgent_open() -> Any:
    recent: Any = bindparam("recent")
    return (
        columns(col(Delivery.id))
        .where(
            col(Delivery.lane) == Lane.URGENT.value,
            col(Delivery.due_at) <= bindparam("now"),
            col(Delivery.lease) == "",
            col(Delivery.state).in_(_OPEN),
            or_(col(Delivery.changed) > recent, col(Delivery.due_at) > recent),
        )
        .limit(1)
    )


def rests(session: Session, lane: Lane) -> bool:
    """Whether this lane hands back at this slice boundary: something urgent is under way, or it is
    bulk and the disk is nearly full."""
    return (lane is Lane.BULK and space.short()) or (
        lane is not Lane.URGENT and urgent_open(session)
    )


@dataclass(frozen=True, slots=True)
class Next:
    """Whose turn it is, and how many deliveries of that lane wait for one (this one counted)."""

    delivery_id: int
    lane: Lane
    authority_id: int
    kind: str
    frozen: bool
    waiting: int


def next_turn(
    session: Session, lanes: Collection[Lane] = tuple(Lane), but: Collection[int] = ()
) -> Next | None:
    """The delivery whose turn it is, of those that a worker can do something for now."""
    found = session.execute(_waiting(tuple(lanes)), _given(but)).all()
    if not found:
        return None
    # Of those that waited equally long any: two workers that look at once had better differ.
    equal = [row for row in found[:_EQUALS] if row[1] == found[0][1] and row[6] == found[0][6]]
    return _next(random.choice(equal))


def round_of(turn: Next, but: Collection[int] = ()) -> list[Next]:
    """In a crowd those whose turn it is besides, for a worker who serves them together: what it
    asks the database is shared by all of them. They count as served from here on, so that two
    workers choose different ones."""
    if turn.waiting <= CROWD:
        return [turn]
    with db.writing(db.EVERYWHERE) as session:
        if session.get_bind().dialect.name == "postgresql":
            session.execute(text("SELECT pg_advisory_xact_lock(:n)"), {"n": _CHOOSING})
        most = min(_MOST_AT_ONCE, turn.waiting // 2)
        rows = session.execute(_waiting((turn.lane,)), _given(but)).all()[:most]
        found = [_next(row) for row in rows] or [turn]
        took_turns(session, {(one.authority_id, one.lane.value) for one in found})
    return found


def this_turn(session: Session, delivery_id: int) -> Next | None:
    """The same for one delivery: None when there is nothing to do for it now."""
    found = session.execute(_waiting_of(), _given() | {"id": delivery_id}).first()
    return _next(found) if found else None


def _next(row: Any) -> Next:
    return Next(row[0], Lane(row[1]), row[2], row[3], bool(row[4]), int(row[5]))


def _given(but: Collection[int] = ()) -> dict[str, Any]:
    return {"now": clock.now(), "ms": clock.unix_ms(), "but": list(but)}


@lru_cache(maxsize=1)
def _waiting_of() -> Any:
    return _waiting(tuple(Lane)).where(col(Delivery.id) == bindparam("id"))


@lru_cache(maxsize=16)
def _waiting(lanes: tuple[Lane, ...]) -> Any:
    """Built once: building it costs more than asking."""
    now: Any = bindparam("now")
    undone = and_(col(Shard.delivery_id) == col(Delivery.id), col(Shard.done).is_(False))
    ripe = or_(col(Shard.retry_at).is_(None), col(Shard.retry_at) <= now)
    free = and_(undone, col(Shard.lease) == "", ripe)
    order = case({lane.value: rank for lane, rank in LANE_ORDER.items()}, value=Delivery.lane)
    # After a step back of the clock a turn may lie ahead: it counts as never.
    at = case((col(Turn.at) > bindparam("ms"), 0), else_=func.coalesce(Turn.at, 0))
    same = and_(col(Turn.authority_id) == Delivery.authority_id, col(Turn.lane) == Delivery.lane)
    return (
        columns(
            col(Delivery.id),
            col(Delivery.lane),
            col(Delivery.authority_id),
            col(Delivery.kind),
            col(Delivery.frozen),
            func.count().over(partition_by=col(Delivery.lane)),
            at,
        )
        .outerjoin(Turn, same)
        .where(
            col(Delivery.lane).in_([lane.value for lane in lanes]),
            col(Delivery.due_at) <= now,
            col(Delivery.lease) == "",
            col(Delivery.state).in_(_OPEN),
            col(Delivery.id).not_in(bindparam("but", expanding=True)),
            or_(
                col(Delivery.frozen).is_(False),
                exists().where(free),
                ~exists().where(undone),  # all told, and nobody said so yet
            ),
        )
        .order_by(order, at, col(Delivery.id))
        .limit(_MOST_AT_ONCE)
    )


def took_turns(session: Session, served: Iterable[tuple[int, str]]) -> None:
    """These (authority, lane) were served now."""
    moment = clock.unix_ms()
    given = [{"owner": owner, "in_lane": lane, "moment": moment} for owner, lane in sorted(served)]
    session.connection().execute(_take(session.get_bind().dialect.name), given)


@lru_cache(maxsize=2)
def _take(dialect: str) -> Any:
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    moment: Any = bindparam("moment")
    row = {"authority_id": bindparam("owner"), "lane": bindparam("in_lane"), "at": moment}
    return (
        insert(Turn)
        .values(row)
        .on_conflict_do_update(index_elements=["authority_id", "lane"], set_={"at": moment})
    )


def displays_due(session: Session, lanes: Collection[Lane], most: int = 5) -> list[int]:
    """Outlets that wait to be told in these lanes: a fan-out of minutes must not hold up a panel
    whose nudge lies behind it in the queue."""
    now = clock.now()
    return list(
        session.exec(
            select(DisplayRow.outlet_id)
            .where(
                col(DisplayRow.due_at) <= now,
                col(DisplayRow.due_at) > now - _STUCK,
                DisplayRow.lease == "",
                col(DisplayRow.lane).in_([lane.value for lane in lanes]),
            )
            .order_by(col(DisplayRow.due_at))
            .limit(most)
        ).all()
    )
