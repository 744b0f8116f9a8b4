"""Shards: a push audience in slices of at most half a second.

A shard is at most 10,000 frozen ids with a cursor. Any number of workers hold shards of one
delivery, each by the shard's own lease; whoever closes the last one says how the delivery ended. A
worker reads the rows of its next slice as they are now (gone: skipped, changed: their present
keys), sends, and moves the cursor. Killed in between, the slice is repeated with the same Topic and
tag: a phone shows it once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import and_, bindparam, case, delete, insert, or_, update
from sqlalchemy import select as columns
from sqlmodel import Session, col

from hub import changes, clock, db, memos, outlets
from hub.again import retried
from hub.contracts import Message, Outcome, Target, TemporaryFailure, Verdict
from hub.dispatch import endings, hearing, hosts, lanes, leases, phones
from hub.models import Attempt, Delivery, Shard, Subscription
from hub.vocabulary import LANE_ORDER, DeliveryState, Intent, Lane

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

_CANDIDATES = 8

# Built once: building a statement costs more than asking it, and a slice asks a dozen.
_now: Any = bindparam("now")
_me: Any = bindparam("me")
_held = and_(col(Shard.id) == bindparam("shard"), col(Shard.lease) == _me)
_FREE = (
    columns(col(Shard.id))
    .where(
        col(Shard.delivery_id) == bindparam("delivery"),
        col(Shard.done).is_(False),
        col(Shard.lease) == "",
        or_(col(Shard.retry_at).is_(None), col(Shard.retry_at) <= _now),
    )
    .order_by(col(Shard.n))
    .limit(_CANDIDATES)
)
_NEXT = (
    columns(
        col(Shard.cursor),
        col(Shard.size),
        col(Shard.intent),
        col(Shard.ids),
        col(Delivery.authority_id),
        col(Delivery.outlet_id),
        col(Delivery.lane),
        col(Delivery.state),
        col(Delivery.expires),
    )
    .join(Delivery, col(Delivery.id) == Shard.delivery_id)
    .where(_held)
)
_BEGUN = insert(Attempt.__table__).values(  # type: ignore[attr-defined]
    authority_id=bindparam("authority"),
    delivery_id=bindparam("delivery"),
    outlet_id=bindparam("outlet"),
    shard_id=bindparam("shard"),
    worker=_me,
    count=bindparam("many"),
    started=_now,
    outcome="sending",
    detail="",
)
_WHOLE = columns(col(Shard.size), col(Shard.n), col(Shard.delivery_id)).where(
    col(Shard.id) == bindparam("shard")
)
_LOCKED = (
    columns(col(Delivery.id)).where(col(Delivery.id) == bindparam("delivery")).with_for_update()
)


def _marking(*conditions: Any, **values: Any) -> Any:
    marked = update(Shard).where(_held, *conditions).values(**values)
    return marked.execution_options(synchronize_session=False)


_BEAT = _marking(beat=Shard.beat + 1)
_RELEASED = _marking(lease="", done=col(Shard.cursor) >= col(Shard.size))
_MOVED = _marking(
    col(Shard.cursor) == bindparam("start"),
    cursor=bindparam("to"),
    beat=Shard.beat + 1,
    accepted=Shard.accepted + bindparam("told"),
    gone=Shard.gone + bindparam("lost"),
    rejected=Shard.rejected + bindparam("no"),
    done=bindparam("over"),
    lease=bindparam("kept"),
)
_ENDED = (
    update(Attempt)
    .where(col(Attempt.shard_id) == bindparam("shard"), col(Attempt.finished).is_(None))
    .values(
        finished=bindparam("at"),
        outcome=case(
            (col(Attempt.id) == bindparam("ours"), bindparam("said")), else_="interrupted"
        ),
    )
    .execution_options(synchronize_session=False)
)


class Closing(StrEnum):
    """What is to do after a slice."""

    GOES_ON = "goes on"  # the shard is still ours
    DONE = "done"
    HANDED_BACK = "handed back"  # somebody else's turn
    LOST = "lost"  # the lease was broken: another worker repeats the slice


@dataclass(slots=True)
class Slice:
    """`size` ids from `start`; `ids` are those of `targets`, `ailing` those of them that failed
    lately, `held` those whose host is left alone, by the seconds it is."""

    shard_id: int
    start: int
    size: int
    ids: list[int]
    targets: list[Target]
    attempt_id: int
    intent: Intent
    ailing: list[int] = field(default_factory=list)
    held: dict[float, list[int]] = field(default_factory=dict)
    standing: hosts.Standing = field(default_factory=hosts.Standing)


@retried
def claim(delivery_id: int) -> int | None:
    """Take an open shard of the delivery that nobody holds."""
    with db.writing(db.EVERYWHERE) as session:
        ids = session.execute(_FREE, {"delivery": delivery_id, "now": clock.now()}).scalars().all()
        return next((i for i in ids if leases.claim(session, Shard, i)), None)


@retried
def open_(speaking: "Speaking", shard_id: int, size: int) -> Slice | None:
    """Note the attempt, then read the next slice of phones as they are now: the write is short, the
    reading holds nobody up. None: the shard is done, or it is no longer ours to do."""
    with db.writing(db.EVERYWHERE) as session:
        begun = _begin(session, speaking.delivery.id or 0, shard_id, size, clock.now())
    if begun is None:
        return None
    start, ids, intent, attempt_id = begun
    with db.reading(db.EVERYWHERE) as session:
        rows = phones.read(session, ids)
        identities = {n: phones.identity(session, n) for n in {r.push_identity_id for r in rows}}
        trouble = hosts.any_open(session)
    piece = Slice(shard_id, start, len(ids), [], [], attempt_id, intent)
    if trouble:
        rows = _allowed(piece, rows)
    key = f"{speaking.delivery.publication_id}.{speaking.delivery.revision_no}"
    piece.targets = [
        Target(
            key,
            row.endpoint,
            intent,
            "",
            {
                "p256dh": row.p256dh,
                "auth": row.auth,
                "language": row.language,
                "identity": identities[row.push_identity_id],
            },
        )
        for row in rows
    ]
    piece.ids = [row.id for row in rows]
    piece.ailing = [row.id for row in rows if row.failures]
    return piece


def _begin(
    session: Session, delivery_id: int, shard_id: int, size: int, now: datetime
) -> tuple[int, list[int], Intent, int] | None:
    """(cursor, ids, intent, attempt) of the next slice, written down as begun."""
    mine = {"shard": shard_id, "me": leases.me()}
    row = session.execute(_NEXT, mine).first()
    if row is None:
        return None
    over = row.state != DeliveryState.OPEN or row.expires <= now
    if over or row.cursor >= row.size:
        _mark(session, _RELEASED, shard_id)
        return None
    if not _mark(session, _BEAT, shard_id):
        return None
    lanes.took_turn(session, row.authority_id, row.lane)
    ids: list[int] = np.frombuffer(row.ids, "<i8")[row.cursor : row.cursor + size].tolist()
    given = {
        "authority": row.authority_id,
        "delivery": delivery_id,
        "outlet": row.outlet_id,
        "many": len(ids),
        "now": now,
    }
    made: Any = session.execute(_BEGUN, mine | given)
    return row.cursor, ids, Intent(row.intent), int(made.inserted_primary_key[0])


def _mark(session: Session, marking: Any, shard_id: int, **given: Any) -> bool:
    """Write to a shard that this worker still holds; whether it does."""
    done: Any = session.execute(marking, {"shard": shard_id, "me": leases.me(), **given})
    return bool(done.rowcount == 1)


def _allowed(piece: Slice, rows: Sequence[Any]) -> Sequence[Any]:
    """Without the phones whose host is left alone; of a host that is being probed, one."""
    names = [hosts.host_of(row.endpoint) for row in rows]
    with db.writing(db.EVERYWHERE) as session:
        piece.standing = hosts.standing(session, names)
    probing = set(piece.standing.probed)
    kept = []
    for row, host in zip(rows, names, strict=True):
        if host not in piece.standing.alone:
            kept.append(row)
        elif host in probing:
            probing.discard(host)
            kept.append(row)
        else:
            piece.held.setdefault(float(ceil(piece.standing.alone[host])), []).append(row.id)
    return kept


def wire(speaking: "Speaking", message: Message, piece: Slice) -> list[Outcome]:
    """The only step that touches the network; no session is open."""
    if not piece.targets:
        return []
    try:
        said: list[Outcome] = outlets.adapter(speaking.outlet).send(message, piece.targets)
    except TemporaryFailure as failure:
        return [
            Outcome(Verdict.LATER, reason=failure.reason, retry_after=failure.retry_after)
        ] * len(piece.targets)
    return said


@retried
def close(speaking: "Speaking", piece: Slice, outcomes: list[Outcome]) -> Closing:
    """Move the cursor, drop the dead, put the unlucky into a shard for later, end the delivery with
    its last shard, hand the shard back when it is somebody else's turn."""
    watched = bool(piece.standing.known)
    heard = hearing.sort_out(piece.ids, piece.targets, outcomes, piece.held, watched)
    gone = len(heard.gone) + piece.size - len(piece.ids) - sum(map(len, piece.held.values()))
    cursor = piece.start + piece.size
    with db.writing(db.EVERYWHERE) as session:
        shard = session.execute(_WHOLE, {"shard": piece.shard_id}).one()
        done = cursor >= shard.size
        mine = _mark(
            session,
            _MOVED,
            piece.shard_id,
            start=piece.start,
            to=cursor,
            told=len(heard.accepted),
            lost=gone,
            no=heard.rejected,
            over=done,
            kept="" if done else leases.me(),
        )
        if not mine:
            return Closing.LOST
        hearing.retry(session, shard.delivery_id, shard.n, piece.intent, heard.later)
        if heard.gone:
            session.execute(delete(Subscription).where(col(Subscription.id).in_(heard.gone)))
        if piece.ailing:
            hearing.good_news(session, sorted({*piece.ailing} & {*heard.accepted}))
        hearing.bad_news(session, heard.unlucky)
        if heard.tallies:
            hosts.judge(session, heard.tallies, piece.standing)
        if heard.refusing:
            host = heard.refusing.removeprefix(hearing.HOST_REFUSES_US).strip(": ")
            memos.write(session, "push.refused", 1, host)
        # The delivery's row is locked before the look at the clock, so that 99 % never comes before
        # 90, and at its other shards: of two workers that close the last two, the second sees the
        # first's.
        session.execute(_LOCKED, {"delivery": shard.delivery_id})
        now = clock.now()
        hearing.count(session, shard.delivery_id, heard, gone, now)
        # Ours, and those of a worker that died: this slice repeated theirs.
        ended = {"shard": piece.shard_id, "ours": piece.attempt_id, "at": now}
        session.execute(_ENDED, ended | {"said": f"{len(heard.accepted)} accepted"})
        changes.bump(session)
        if done:
            endings.settle(session, shard.delivery_id)
            return Closing.DONE
        if not _others_turn(session, speaking.delivery):
            return Closing.GOES_ON
        _mark(session, _RELEASED, piece.shard_id)
        return Closing.HANDED_BACK


def _others_turn(session: Session, delivery: Delivery) -> bool:
    """Whether a more pressing lane or another authority waits for this worker."""
    lane = Lane(delivery.lane)
    if lanes.rests(session, lane):
        return True
    mine = [x for x in lanes.served() if LANE_ORDER[x] <= LANE_ORDER[lane]]
    turn = lanes.next_turn(session, mine or [lane])
    return turn is not None and (
        turn.lane is not lane or turn.authority_id != delivery.authority_id
    )


def give_back(shard_id: int, reason: str) -> None:
    """The call failed as a whole: nobody of it counts as told, the shard is free again."""
    with db.writing(db.EVERYWHERE) as session:
        _mark(session, _RELEASED, shard_id)
        mine = (Attempt.shard_id == shard_id, Attempt.worker == leases.me())
        _finish(session, "failed", *mine, detail=reason)


def _finish(session: Session, outcome: str, *which: Any, detail: str = "") -> None:
    session.execute(
        update(Attempt)
        .where(col(Attempt.finished).is_(None), *which)
        .values(finished=clock.now(), outcome=outcome, detail=detail)
    )
