"""How a delivery ends: its verdict, and who says it when many workers had a hand in it."""

from datetime import datetime

from sqlalchemy import select as columns
from sqlalchemy import update
from sqlmodel import Session, col

from hub import changes, clock
from hub.models import Delivery, Shard
from hub.vocabulary import DELIVERY_MOVES, DeliveryState, check_move


def settle(session: Session, delivery_id: int) -> None:
    """Of a delivery in shards: over when the last shard is done; due again when all that is left
    waits for a host; else as it is. Whoever comes first says it, the others find it said."""
    now = clock.now()
    delivery = _locked(session, delivery_id)
    if delivery.state != DeliveryState.OPEN or not delivery.frozen or delivery.lease:
        return
    left = session.execute(
        columns(col(Shard.lease), col(Shard.retry_at)).where(
            col(Shard.delivery_id) == delivery_id, col(Shard.done).is_(False)
        )
    ).all()
    if not left:
        move(delivery, *verdict(delivery), now)
    elif delivery.expires <= now:
        move(delivery, DeliveryState.EXPIRED, "expired before all were told", now)
    elif any(row.lease or not row.retry_at or row.retry_at <= now for row in left):
        delivery.due_at = min(delivery.due_at or now, now)
    else:
        delivery.due_at = min(row.retry_at for row in left)
    session.add(delivery)
    session.flush()
    changes.bump(session)


def _locked(session: Session, delivery_id: int) -> Delivery:
    """The row as it is now, and nobody else's until this transaction ends (PostgreSQL)."""
    session.execute(
        update(Delivery)
        .where(col(Delivery.id) == delivery_id)
        .values(beat=Delivery.beat + 1)
        .execution_options(synchronize_session=False)
    )
    return session.get_one(Delivery, delivery_id, populate_existing=True)


def verdict(delivery: Delivery) -> tuple[DeliveryState, str]:
    """(state, reason) of a delivery that has nobody left to tell."""
    if delivery.uncertain:
        return DeliveryState.UNCERTAIN, f"{delivery.uncertain} uncertain"
    if delivery.rejected and not delivery.accepted:
        return DeliveryState.FAILED, delivery.reason or f"{delivery.rejected} rejected"
    if delivery.total == 0:
        return DeliveryState.DONE, "nobody to tell"
    return DeliveryState.DONE, f"{delivery.rejected} rejected" if delivery.rejected else ""


def move(delivery: Delivery, to: DeliveryState, reason: str, now: datetime) -> None:
    """To its end: nobody holds it, nothing is due."""
    delivery.state = check_move(DELIVERY_MOVES, DeliveryState(delivery.state), to)
    delivery.reason = reason
    delivery.due_at = None
    delivery.lease = ""
    delivery.closed_at = now
    delivery.changed = now
