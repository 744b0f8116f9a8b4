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
from sqlalchemy import case, delete, insert, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from hub import changes, clock, db, memos, outlets
from hub.again import retried
from hub.contracts import Message, Outcome, Target, TemporaryFailure, Verdict
from hub.dispatch import endings, hearing, hosts, lanes, leases, phones
from hub.models import Attempt, Delivery, Shard, Subscription
from hub.vocabulary import LANE_ORDER, DeliveryState, Intent, Lane

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

_CANDIDATES = 8


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
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        ids = session.exec(
            select(Shard.id)
            .where(
                Shard.delivery_id == delivery_id,
                col(Shard.done).is_(False),
                Shard.lease == "",
                col(Shard.retry_at).is_(None) | (col(Shard.retry_at) <= now),
            )
            .order_by(col(Shard.n))
            .limit(_CANDIDATES)
        ).all()
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
    shard = session.execute(
        columns(col(Shard.cursor), col(Shard.size), col(Shard.intent), col(Shard.ids)).where(
            col(Shard.id) == shard_id, col(Shard.lease) == leases.me()
        )
    ).first()
    if shard is None:
        return None
    cursor, whole, intent, blob = shard
    delivery = session.execute(
        columns(
            col(Delivery.authority_id),
            col(Delivery.outlet_id),
            col(Delivery.lane),
            col(Delivery.state),
            col(Delivery.expires),
        ).where(col(Delivery.id) == delivery_id)
    ).one()
    over = delivery.state != DeliveryState.OPEN or delivery.expires <= now
    if over or cursor >= whole:
        _mark(session, shard_id, lease="", done=cursor >= whole)
        return None
    if not _mark(session, shard_id, beat=Shard.beat + 1):
        return None
    lanes.took_turn(session, delivery.authority_id, delivery.lane)
    ids: list[int] = np.frombuffer(blob, "<i8")[cursor : cursor + size].tolist()
    made: Any = session.execute(
        insert(Attempt).values(
            authority_id=delivery.authority_id,
            delivery_id=delivery_id,
            outlet_id=delivery.outlet_id,
            shard_id=shard_id,
            worker=leases.me(),
            count=len(ids),
            started=now,
        )
    )
    return cursor, ids, Intent(intent), int(made.inserted_primary_key[0])


def _mark(session: Session, shard_id: int, *conditions: Any, **values: Any) -> bool:
    """Write to a shard that this worker still holds; whether it does."""
    done: Any = session.execute(
        update(Shard)
        .where(col(Shard.id) == shard_id, col(Shard.lease) == leases.me(), *conditions)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
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
        shard = session.execute(
            columns(col(Shard.size), col(Shard.n), col(Shard.delivery_id)).where(
                col(Shard.id) == piece.shard_id
            )
        ).one()
        done = cursor >= shard.size
        mine = _mark(
            session,
            piece.shard_id,
            col(Shard.cursor) == piece.start,
            cursor=cursor,
            beat=Shard.beat + 1,
            accepted=Shard.accepted + len(heard.accepted),
            gone=Shard.gone + gone,
            rejected=Shard.rejected + heard.rejected,
            done=done,
            **({"lease": ""} if done else {}),
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
        session.execute(
            columns(col(Delivery.id)).where(col(Delivery.id) == shard.delivery_id).with_for_update()
        )
        now = clock.now()
        hearing.count(session, shard.delivery_id, heard, gone, now)
        _close_attempt(session, piece, f"{len(heard.accepted)} accepted", now)
        changes.bump(session)
        if done:
            endings.settle(session, shard.delivery_id)
            return Closing.DONE
        if not _others_turn(session, speaking.delivery):
            return Closing.GOES_ON
        _mark(session, piece.shard_id, lease="")
        return Closing.HANDED_BACK


def _close_attempt(session: Session, piece: Slice, outcome: str, now: datetime) -> None:
    """Ours, and those of a worker that died: this slice repeated theirs."""
    session.execute(
        update(Attempt)
        .where(col(Attempt.shard_id) == piece.shard_id, col(Attempt.finished).is_(None))
        .values(
            finished=now,
            outcome=case((col(Attempt.id) == piece.attempt_id, outcome), else_="interrupted"),
        )
        .execution_options(synchronize_session=False)
    )


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
        _mark(session, shard_id, lease="")
        mine = (Attempt.shard_id == shard_id, Attempt.worker == leases.me())
        _finish(session, "failed", *mine, detail=reason)


def _finish(session: Session, outcome: str, *which: Any, detail: str = "") -> None:
    session.execute(
        update(Attempt)
        .where(col(Attempt.finished).is_(None), *which)
        .values(finished=clock.now(), outcome=outcome, detail=detail)
    )
