"""How a delivery ends: its verdict, and who says it when many workers had a hand in it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from hub import changes, clock
from hub.dispatch.among import among
from hub.models import Delivery, Shard
from hub.vocabulary import DELIVERY_MOVES, DeliveryState, check_move


def settle(session: Session, delivery_ids: Iterable[int]) -> None:
    """Of deliveries in shards: over when the last shard is done; due again when all that is left
    waits for a host; else as they are. Whoever comes first says it, the others find it said."""
    these = sorted(set(delivery_ids))
    if not these:
        return
    now = clock.now()
    found = session.exec(
        select(Delivery)
        .where(
            among(col(Delivery.id), these),
            col(Delivery.state) == DeliveryState.OPEN,
            col(Delivery.frozen),
            col(Delivery.lease) == "",
        )
        .order_by(col(Delivery.id))
        .with_for_update(key_share=True)  # nobody else's until this transaction ends (PostgreSQL)
        .execution_options(populate_existing=True)
    ).all()
    left: dict[int, list[Any]] = {}
    for row in session.execute(
        columns(col(Shard.delivery_id), col(Shard.lease), col(Shard.retry_at)).where(
            among(col(Shard.delivery_id), these), col(Shard.done).is_(False)
        )
    ):
        left.setdefault(row.delivery_id, []).append(row)
    for delivery in found:
        _settle(delivery, left.get(delivery.id or 0, []), now)
        session.add(delivery)
    session.flush()
    changes.bump(session)


def _settle(delivery: Delivery, left: Sequence[Any], now: datetime) -> None:
    delivery.beat += 1
    if not left:
        move(delivery, *verdict(delivery), now)
    elif delivery.expires <= now:
        move(delivery, DeliveryState.EXPIRED, "expired before all were told", now)
    elif any(row.lease or not row.retry_at or row.retry_at <= now for row in left):
        delivery.due_at = min(delivery.due_at or now, now)
    else:
        delivery.due_at = min(row.retry_at for row in left)


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
