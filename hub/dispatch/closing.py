"""What a slice comes to, written down: cursors, counters, who is gone, who is asked again, and the
end of a delivery with its last shard. Slices that were spoken together are closed together.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from sqlalchemy import bindparam, case, delete, update
from sqlalchemy import select as columns
from sqlmodel import Session, col

from hub import changes, clock, db, memos
from hub.again import retried
from hub.contracts import Outcome
from hub.dispatch import endings, hearing, hosts, lanes, leases
from hub.dispatch.shards import RELEASED, Slice
from hub.models import Attempt, Delivery, Shard, Subscription
from hub.vocabulary import LANE_ORDER, Lane

_SHARD: Any = Shard.__table__  # type: ignore[attr-defined]
_DELIVERY: Any = Delivery.__table__  # type: ignore[attr-defined]
_ATTEMPT: Any = Attempt.__table__  # type: ignore[attr-defined]
_shard, _delivery, _attempt = _SHARD.c, _DELIVERY.c, _ATTEMPT.c
_these: Any = bindparam("these", expanding=True)
_OURS = (
    columns(_shard.id, _shard.cursor, _shard.size, _shard.n, _shard.delivery_id)
    .where(_shard.id.in_(_these), _shard.lease == bindparam("me"))
    .order_by(_shard.id)
    .with_for_update(key_share=True)
)
_MOVED = (
    update(_SHARD)
    .where(_shard.id == bindparam("shard"))
    .values(
        cursor=bindparam("to"),
        beat=_shard.beat + 1,
        accepted=_shard.accepted + bindparam("told"),
        gone=_shard.gone + bindparam("lost"),
        rejected=_shard.rejected + bindparam("no"),
        done=bindparam("over"),
        lease=bindparam("kept"),
    )
)
_LOCKED = (
    columns(_delivery.id)
    .where(_delivery.id.in_(_these))
    .order_by(_delivery.id)
    .with_for_update(key_share=True)
)
_ENDED = (
    update(_ATTEMPT)
    .where(_attempt.shard_id == bindparam("shard"), _attempt.finished.is_(None))
    .values(
        finished=bindparam("at", type_=_attempt.finished.type),
        outcome=case((_attempt.id == bindparam("ours"), bindparam("said")), else_="interrupted"),
    )
)

Spoken = tuple[Slice, Sequence[Outcome]]


class Closing(StrEnum):
    """What is to do after a slice."""

    GOES_ON = "goes on"  # the shard is still ours
    DONE = "done"
    HANDED_BACK = "handed back"  # somebody else's turn
    LOST = "lost"  # the lease was broken: another worker repeats the slice


@dataclass(slots=True)
class _Closed:
    """What a slice comes to: `row` is its shard as it was, `gone` counts who was no longer there,
    too."""

    piece: Slice
    heard: hearing.Heard
    row: Any
    gone: int

    @property
    def cursor(self) -> int:
        return self.piece.start + self.piece.size

    @property
    def done(self) -> bool:
        return self.cursor >= int(self.row.size)


@retried
def close(spoken: Sequence[Spoken], keep: bool = True) -> list[Closing]:
    """Move the cursors, drop the dead, put the unlucky into a shard for later, end the deliveries
    with their last shard. A shard is handed back when it is somebody else's turn; without `keep`
    at once."""
    heard = [
        hearing.sort_out(p.ids, p.targets, outcomes, p.held, bool(p.standing.known))
        for p, outcomes in spoken
    ]
    with db.writing(db.EVERYWHERE) as session:
        run = session.connection().execute
        these = sorted(piece.shard_id for piece, _ in spoken)
        rows = {row.id: row for row in run(_OURS, {"these": these, "me": leases.me()})}
        found: list[_Closed | None] = []
        for (piece, _), said in zip(spoken, heard, strict=True):
            row = rows.get(piece.shard_id)
            if row is None or row.cursor != piece.start:
                found.append(None)
                continue
            missed = piece.size - len(piece.ids) - sum(map(len, piece.held.values()))
            found.append(_Closed(piece, said, row, len(said.gone) + missed))
        closed = [each for each in found if each is not None]
        if closed:
            run(_MOVED, [_moved(each, keep) for each in closed])
            for each in closed:
                _aftermath(session, each)
            _count(session, closed)
            changes.bump(session)
            endings.settle(session, [each.row.delivery_id for each in closed if each.done])
        kept = [each for each in closed if keep and not each.done]
        if kept and any(_others_turn(session, each.piece.speaking.delivery) for each in kept):
            these = [each.piece.shard_id for each in kept]
            run(RELEASED, {"these": these, "me": leases.me()})
            kept = []
    return [_closing(each, each in kept) for each in found]


def _closing(closed: _Closed | None, kept: bool) -> Closing:
    if closed is None:
        return Closing.LOST
    if closed.done:
        return Closing.DONE
    return Closing.GOES_ON if kept else Closing.HANDED_BACK


def _moved(closed: _Closed, keep: bool) -> dict[str, Any]:
    return {
        "shard": closed.piece.shard_id,
        "to": closed.cursor,
        "told": len(closed.heard.accepted),
        "lost": closed.gone,
        "no": closed.heard.rejected,
        "over": closed.done,
        "kept": leases.me() if keep and not closed.done else "",
    }


def _aftermath(session: Session, closed: _Closed) -> None:
    """For the phones that did not simply take it, and for their hosts."""
    piece, heard = closed.piece, closed.heard
    hearing.retry(session, closed.row.delivery_id, closed.row.n, piece.intent, heard.later)
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


def _count(session: Session, closed: Sequence[_Closed]) -> None:
    """The deliveries' rows are locked before the look at the clock, so that 99 % never comes before
    90, and at their other shards: of two workers that close the last two, the second sees the
    first's."""
    run = session.connection().execute
    run(_LOCKED, {"these": sorted({each.row.delivery_id for each in closed})})
    now = clock.now()
    hearing.count(session, [(x.row.delivery_id, x.heard, x.gone) for x in closed], now)
    # Ours, and those of a worker that died: this slice repeated theirs.
    run(
        _ENDED,
        [
            {
                "shard": each.piece.shard_id,
                "ours": each.piece.attempt_id,
                "at": now,
                "said": f"{len(each.heard.accepted)} accepted",
            }
            for each in closed
        ],
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
        session.connection().execute(RELEASED, {"these": [shard_id], "me": leases.me()})
        session.execute(
            update(Attempt)
            .where(
                col(Attempt.finished).is_(None),
                col(Attempt.shard_id) == shard_id,
                col(Attempt.worker) == leases.me(),
            )
            .values(finished=clock.now(), outcome="failed", detail=reason)
        )
