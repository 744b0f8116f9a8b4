"""Shards: a push audience in slices of at most half a second.

A shard is at most 10,000 frozen ids with a cursor. A worker claims a shard, reads the rows of the
next slice as they are now (gone: skipped, changed: their present keys), sends, and moves the
cursor. Killed in between, the slice is repeated with the same Topic and tag: a phone shows it once.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import delete, func, update
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from hub import changes, clock, db, memos, outlets, vault
from hub.contracts import Message, Outcome, Target, TemporaryFailure, Verdict
from hub.dispatch import freezing, lanes, leases
from hub.models import Attempt, Delivery, PushIdentity, Shard, Subscription
from hub.vocabulary import DeliveryState, Intent, Lane

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

HOST_REFUSES_US = "host-refuses-us"  # how channels.push begins such a reason
SLICE_S = 0.5
_FIRST_SLICE = 200
_LARGEST_SLICE = 5_000
_ROUND = 1_000_000  # the round of a retry is kept in its shard number
_LONGEST_WAIT_S = 300.0


@dataclass(slots=True)
class Slice:
    shard_id: int
    start: int
    size: int
    ids: list[int]
    targets: list[Target]
    attempt_id: int
    intent: Intent


def run(speaking: "Speaking") -> timedelta | None:
    """Freeze once, then work shards until none is left; how long to wait when some must."""
    delivery = speaking.delivery
    if not delivery.frozen:
        with db.writing(db.EVERYWHERE) as session:
            row = session.get_one(Delivery, delivery.id)
            if row.lease != leases.me():
                return None
            freezing.freeze_phones(session, row, speaking)
            speaking.delivery = row
    size = _FIRST_SLICE
    while True:
        shard_id = claim(delivery.id or 0)
        if shard_id is None:
            return _wait(delivery.id or 0)
        messages: dict[Intent, Message] = {}
        while True:
            piece = open_(speaking, shard_id, size)
            if piece is None:
                break
            if piece.intent not in messages:
                messages[piece.intent] = speaking.message(piece.intent)
            began = clock.monotonic()
            outcomes = wire(speaking, messages[piece.intent], piece)
            took = clock.monotonic() - began
            if close(speaking, piece, outcomes):
                return timedelta(seconds=1)
            if piece.targets and took > 0:
                fit = int(len(piece.targets) * SLICE_S / took)
                size = max(50, min(fit, size * 2, _LARGEST_SLICE))


def claim(delivery_id: int) -> int | None:
    """Take the next open shard of the delivery."""
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
            .limit(1)
        ).all()
        return next((i for i in ids if leases.claim(session, Shard, i)), None)


def open_(speaking: "Speaking", shard_id: int, size: int) -> Slice | None:
    """Read the next slice of phones as they are now. None: shard done, or no longer ours to do."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        shard = session.get_one(Shard, shard_id)
        if shard.lease != leases.me():
            return None
        delivery = session.get_one(Delivery, speaking.delivery.id)
        if delivery.state != DeliveryState.OPEN or delivery.expires <= now:
            shard.lease = ""
            session.add(shard)
            return None
        if shard.cursor >= shard.size:
            shard.done, shard.lease = True, ""
            session.add(shard)
            return None
        ids = np.frombuffer(shard.ids, "<i8")[shard.cursor : shard.cursor + size].tolist()
        rows = session.execute(
            columns(
                col(Subscription.id),
                col(Subscription.endpoint),
                col(Subscription.p256dh),
                col(Subscription.auth),
                col(Subscription.language),
                col(PushIdentity.public_key),
                col(PushIdentity.private_key),
            )
            .join(PushIdentity, col(PushIdentity.id) == Subscription.push_identity_id)
            .where(col(Subscription.id).in_(ids), col(Subscription.state) != "gone")
            .order_by(col(Subscription.id))
        ).all()
        attempt = Attempt(
            authority_id=delivery.authority_id,
            delivery_id=delivery.id,
            outlet_id=delivery.outlet_id,
            shard_id=shard.id,
            worker=leases.me(),
            count=len(ids),
        )
        shard.beat += 1
        delivery.beat += 1
        session.add_all([attempt, shard, delivery])
        session.flush()
        key = f"{delivery.publication_id}.{delivery.revision_no}"
        return Slice(
            shard_id=shard_id,
            start=shard.cursor,
            size=len(ids),
            ids=[int(row[0] or 0) for row in rows],
            targets=[
                Target(
                    key=key,
                    address=endpoint,
                    intent=Intent(shard.intent),
                    extra={
                        "p256dh": p256dh,
                        "auth": auth,
                        "language": language,
                        "identity": {"public_key": public, "private_key": _opened(private)},
                    },
                )
                for _, endpoint, p256dh, auth, language, public, private in rows
            ],
            attempt_id=attempt.id or 0,
            intent=Intent(shard.intent),
        )


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


def close(speaking: "Speaking", piece: Slice, outcomes: list[Outcome]) -> bool:
    """Move the cursor, drop the dead, put the unlucky into a shard for later. True when something
    urgent is open and this lane had better hand back."""
    now = clock.now()
    accepted = [
        i for i, o in zip(piece.ids, outcomes, strict=True) if o.verdict is Verdict.ACCEPTED
    ]
    gone = [i for i, o in zip(piece.ids, outcomes, strict=True) if o.verdict is Verdict.GONE]
    later, refused, host = _sorted_out(piece, outcomes)
    with db.writing(db.EVERYWHERE) as session:
        shard = session.get_one(Shard, piece.shard_id)
        if shard.lease != leases.me() or shard.cursor != piece.start:
            return False  # broken and taken over; the other repeats the slice
        delivery = session.get_one(Delivery, speaking.delivery.id)
        shard.cursor += piece.size
        shard.beat += 1
        shard.accepted += len(accepted)
        shard.gone += len(gone) + piece.size - len(piece.ids)
        rejected = len(refused)
        _retry(session, shard, later)
        shard.rejected += rejected
        if shard.cursor >= shard.size:
            shard.done, shard.lease = True, ""
        if gone:
            session.execute(delete(Subscription).where(col(Subscription.id).in_(gone)))
        _good_news(session, accepted)
        if later:
            _bad_news(session, [i for ids in later.values() for i in ids])
        delivery.accepted += len(accepted)
        delivery.gone += len(gone) + piece.size - len(piece.ids)
        delivery.rejected += rejected
        delivery.beat += 1
        delivery.changed = now
        if refused:
            delivery.reason = refused[0].reason
        if host:
            delivery.reason = host
            memos.write(session, "push.refused", 1, host.removeprefix(HOST_REFUSES_US).strip(": "))
        if accepted:
            delivery.first_at = delivery.first_at or now
        if delivery.accepted * 2 >= delivery.total:
            delivery.half_at = delivery.half_at or now
        if delivery.accepted * 10 >= delivery.total * 9:
            delivery.ninety_at = delivery.ninety_at or now
        attempt = session.get_one(Attempt, piece.attempt_id)
        attempt.finished, attempt.outcome = now, f"{len(accepted)} accepted"
        session.add_all([shard, delivery, attempt])
        session.flush()
        # Those of a worker that died: this slice repeated theirs.
        _finish(session, "interrupted", Attempt.shard_id == shard.id)
        changes.bump(session)
        hand_back = delivery.lane != Lane.URGENT and lanes.urgent_waits(session)
        if hand_back:
            shard.lease = ""
        return hand_back


def close_mine(session: Session, delivery: Delivery, reason: str) -> None:
    """What this worker has open surely did not leave: nobody of it counts as told."""
    mine = (Attempt.delivery_id == delivery.id, Attempt.worker == leases.me())
    _finish(session, "failed", *mine, col(Attempt.shard_id).is_not(None), detail=reason)


def _finish(session: Session, outcome: str, *which: Any, detail: str = "") -> None:
    session.execute(
        update(Attempt)
        .where(col(Attempt.finished).is_(None), *which)
        .values(finished=clock.now(), outcome=outcome, detail=detail)
    )


def _sorted_out(
    piece: Slice, outcomes: list[Outcome]
) -> tuple[dict[float, list[int]], list[Outcome], str]:
    """(who is asked again, by pause in whole seconds; who refused; the host that refuses us).

    401 and 403 are our fault, not the phone's: its host is left alone for a while and a person is
    told, but nobody is dropped.
    """
    later: dict[float, list[int]] = {}
    refused: list[Outcome] = []
    host = ""
    for phone, outcome in zip(piece.ids, outcomes, strict=True):
        if outcome.reason.startswith(HOST_REFUSES_US):
            host = outcome.reason
            later.setdefault(_LONGEST_WAIT_S, []).append(phone)
        elif outcome.verdict is Verdict.LATER:
            later.setdefault(float(ceil(outcome.retry_after or 0)), []).append(phone)
        elif outcome.verdict in (Verdict.REJECTED, Verdict.UNCERTAIN):
            refused.append(outcome)
    return later, refused, host


@lru_cache(maxsize=64)
def _opened(private: str) -> str:
    return vault.unseal(private, "push-identity").decode()


def _retry(session: Session, shard: Shard, later: Mapping[float, list[int]]) -> None:
    """Shards of their own for who could not be reached, one a pause, so that a patient host does
    not wait for a tired one. Each round waits longer, until the notice expires."""
    round_ = shard.n // _ROUND
    base = (round_ + 1) * _ROUND
    highest = session.exec(
        select(func.max(Shard.n)).where(
            Shard.delivery_id == shard.delivery_id, Shard.n >= base, Shard.n < base + _ROUND
        )
    ).one()
    n = base if highest is None else highest + 1
    for offset, (pause, ids) in enumerate(sorted(later.items())):
        wait = max(pause, min(2.0 ** (round_ + 1), _LONGEST_WAIT_S))
        session.add(
            Shard(
                delivery_id=shard.delivery_id,
                n=n + offset,
                intent=shard.intent,
                ids=np.array(ids, "<i8").tobytes(),
                size=len(ids),
                retry_at=clock.now() + timedelta(seconds=wait),
            )
        )


def _good_news(session: Session, ids: list[int]) -> None:
    if ids:
        session.execute(
            update(Subscription)
            .where(col(Subscription.id).in_(ids), col(Subscription.failures) > 0)
            .values(failures=0, failing_since=None, state="active")
        )


def _bad_news(session: Session, ids: list[int]) -> None:
    """20 failures over 14 days make a phone dormant: it is told urgent things only."""
    now = clock.now()
    session.execute(
        update(Subscription)
        .where(col(Subscription.id).in_(ids))
        .values(
            failures=col(Subscription.failures) + 1,
            failing_since=func.coalesce(Subscription.failing_since, now),
        )
    )
    session.execute(
        update(Subscription)
        .where(
            col(Subscription.id).in_(ids),
            col(Subscription.failures) >= 20,
            col(Subscription.failing_since) < now - timedelta(days=14),
        )
        .values(state="dormant")
    )


def _wait(delivery_id: int) -> timedelta | None:
    """None when every shard is done; else until the next one is due."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        rows = session.exec(
            select(Shard.retry_at).where(
                Shard.delivery_id == delivery_id, col(Shard.done).is_(False)
            )
        ).all()
    if not rows:
        return None
    waits = [max((r - now).total_seconds(), 0.2) if r else 1.0 for r in rows]
    return timedelta(seconds=min(waits))
