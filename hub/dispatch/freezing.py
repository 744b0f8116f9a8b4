"""Whom a delivery addresses, written down once before the first word.

For contacts and outlets: one target row an address. For phones: frozen shards of sorted ids. Who
was told by an earlier revision and is still wanted gets the update's words, who is new the first
words, who is told and no longer wanted the withdrawal's.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import func
from sqlmodel import Session, col, select

from hub import audience, clock
from hub.models import Attempt, Contact, Delivery, Shard, TargetRow
from hub.vocabulary import Intent, TargetState

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

SHARD = 10_000
Ids = NDArray[np.int64]

_TOLD = (TargetState.ACCEPTED, TargetState.UNCERTAIN)


def freeze_targets(session: Session, delivery: Delivery, speaking: "Speaking") -> None:
    """One row an address, once; a second call does nothing."""
    if delivery.frozen:
        return
    told = _told_targets(session, delivery)
    wanted: dict[str, int | None] = {}
    if delivery.intent != Intent.WITHDRAW:
        wanted = _wanted(session, delivery, speaking.capabilities.addresses)
    rows = []
    for address, contact_id in wanted.items():
        intent = Intent.UPDATE if address in told else Intent.PUBLISH
        rows.append((address, contact_id, intent, told.get(address, ("", None))[0]))
    for address, (reference, contact_id) in told.items():
        if address not in wanted:
            rows.append((address, contact_id, Intent.WITHDRAW, reference))
    for address, contact_id, intent, reference in rows:
        session.add(
            TargetRow(
                authority_id=delivery.authority_id,
                delivery_id=delivery.id or 0,
                contact_id=contact_id,
                address=address,
                intent=intent,
                key=f"{delivery.publication_id}.{delivery.revision_no}.{intent}.{address}",
                earlier_ref=reference,
            )
        )
    delivery.total = len(rows)
    delivery.frozen = True
    session.add(delivery)
    session.flush()


def _wanted(session: Session, delivery: Delivery, addresses: str) -> dict[str, int | None]:
    if addresses == "outlet":
        return {"outlet": None}
    rows = session.exec(
        select(Contact.fingerprint, Contact.id)
        .where(Contact.outlet_id == delivery.outlet_id, col(Contact.gone).is_(None))
        .order_by(col(Contact.id))
    ).all()
    return dict(rows)


def _told_targets(session: Session, delivery: Delivery) -> dict[str, tuple[str, int | None]]:
    """address → (the reference it answered last, its contact) of who was told and not withdrawn."""
    rows = session.exec(
        select(TargetRow.address, TargetRow.reference, TargetRow.contact_id, TargetRow.intent)
        .join(Delivery, col(Delivery.id) == TargetRow.delivery_id)
        .where(
            Delivery.publication_id == delivery.publication_id,
            Delivery.outlet_id == delivery.outlet_id,
            Delivery.revision_no < delivery.revision_no,
            col(TargetRow.state).in_([s.value for s in _TOLD]),
        )
        .order_by(col(Delivery.revision_no), col(TargetRow.id))
    ).all()
    told: dict[str, tuple[str, int | None]] = {}
    for address, reference, contact_id, intent in rows:
        if intent == Intent.WITHDRAW:
            told.pop(address, None)
        else:
            told[address] = (reference or told.get(address, ("", None))[0], contact_id)
    return told


def freeze_phones(session: Session, delivery: Delivery, speaking: "Speaking") -> None:
    """Shards of the delivery. A freeze that was interrupted goes on where it stood: what is in a
    shard already is not frozen again."""
    if delivery.frozen:
        return
    told = told_phones(session, delivery)
    wanted = np.empty(0, np.int64)
    if delivery.intent != Intent.WITHDRAW:
        wanted = audience.phones(
            session, delivery.authority_id, speaking.route.audience, speaking.notice, delivery.lane
        )
    groups = {
        Intent.PUBLISH: np.setdiff1d(wanted, told, assume_unique=True),
        Intent.UPDATE: np.intersect1d(wanted, told, assume_unique=True),
        Intent.WITHDRAW: np.setdiff1d(told, wanted, assume_unique=True),
    }
    done = [
        np.frombuffer(ids, "<i8")
        for ids in session.exec(select(Shard.ids).where(Shard.delivery_id == delivery.id)).all()
    ]
    there = np.concatenate(done) if done else np.empty(0, np.int64)
    n = len(done)
    for intent, ids in groups.items():
        rest = np.setdiff1d(ids, there, assume_unique=True)
        for start in range(0, len(rest), SHARD):
            part = rest[start : start + SHARD]
            session.add(
                Shard(
                    delivery_id=delivery.id or 0,
                    n=n,
                    intent=intent,
                    ids=part.astype("<i8").tobytes(),
                    size=len(part),
                )
            )
            n += 1
    delivery.total = int(sum(len(ids) for ids in groups.values()))
    delivery.frozen = True
    delivery.changed = clock.now()
    session.add(delivery)
    session.flush()


def told_phones(session: Session, delivery: Delivery) -> Ids:
    """Sorted ids of the phones that earlier revisions told: the frozen ids up to the cursors, and
    the slice beyond that is being sent or whose worker died: it may have left, and a correction
    must reach whoever may have been told."""
    earlier = (
        Delivery.publication_id == delivery.publication_id,
        Delivery.outlet_id == delivery.outlet_id,
        Delivery.revision_no < delivery.revision_no,
    )
    rows = session.exec(
        select(Shard.id, Shard.intent, Shard.ids, Shard.cursor)
        .join(Delivery, col(Delivery.id) == Shard.delivery_id)
        .where(*earlier)
        .order_by(col(Delivery.revision_no), col(Shard.n))
    ).all()
    sending = dict(
        session.exec(
            select(Attempt.shard_id, func.max(Attempt.count))
            .join(Delivery, col(Delivery.id) == Attempt.delivery_id)
            .where(*earlier, col(Attempt.finished).is_(None), col(Attempt.shard_id).is_not(None))
            .group_by(col(Attempt.shard_id))
        ).all()
    )
    told = np.empty(0, np.int64)
    for shard_id, intent, ids, cursor in rows:
        reached = cursor if intent == Intent.WITHDRAW else cursor + sending.get(shard_id, 0)
        part = np.frombuffer(ids, "<i8")[:reached]
        told = np.setdiff1d(told, part) if intent == Intent.WITHDRAW else np.union1d(told, part)
    return told


def progress(session: Session, delivery_id: int) -> tuple[int, int]:
    """(phones told, phones frozen) of a delivery."""
    told, size = session.exec(
        select(func.sum(Shard.cursor), func.sum(Shard.size)).where(Shard.delivery_id == delivery_id)
    ).one()
    return int(told or 0), int(size or 0)
