"""Whom a delivery addresses, written down once before the first word.

For contacts and outlets: one target row an address. For phones: frozen shards of sorted ids. Who
was told by an earlier revision and is still wanted gets the update's words, who is new the first
words, who is told and no longer wanted the withdrawal's.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import bindparam, func, insert, update
from sqlmodel import Session, col, select

from hub import audience, clock, db, nudges
from hub.dispatch import leases
from hub.dispatch.among import among
from hub.dispatch.patience import persist
from hub.models import Attempt, Contact, Delivery, Shard, TargetRow
from hub.vocabulary import DeliveryState, Intent, Lane, TargetState

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

SHARD = 10_000
BATCH = 20  # shards a transaction: 1.6 MB, some ten milliseconds of SQLite's one writer
_MOST_NUDGES = 16
Ids = NDArray[np.int64]
_NOBODY: Ids = np.empty(0, np.int64)

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


def begun(session: Session, delivery_id: int) -> bool:
    """Whether there is a shard already."""
    found = select(Shard.id).where(Shard.delivery_id == delivery_id).limit(1)
    return session.exec(found).first() is not None


def freeze_phones(speaking: "Speaking") -> bool:
    """Shards of the delivery that this worker holds; then it holds it no longer. Whom it addresses
    is read without a lock and written in short turns, so that a million ids keep nobody from
    writing. A freeze that was interrupted
    goes on where it stood: what is in a shard already is not frozen again. False: not ours."""
    with db.reading(db.EVERYWHERE) as session:
        written = addressed(session, speaking)
    return write(written, 0)


@dataclass(frozen=True, slots=True)
class Written:
    """What is to be written down: rows of shards, and how many phones with those there already."""

    delivery: Delivery
    rows: list[dict[str, Any]]
    total: int

    def batch(self, first: int) -> tuple[list[dict[str, Any]], bool]:
        """(some rows from `first`, whether they are the last)."""
        return self.rows[first : first + BATCH], first + BATCH >= len(self.rows)


def addressed(session: Session, speaking: "Speaking") -> Written:
    """Whom the delivery addresses, without a lock."""
    delivery = speaking.delivery
    there, n = _frozen_already(session, delivery) if delivery.opened_at else (_NOBODY, 0)
    parts = [
        (intent, part)
        for intent, ids in _groups(session, delivery, speaking).items()
        for part in _parts(np.setdiff1d(ids, there, assume_unique=True))
    ]
    rows = [
        {
            "delivery_id": delivery.id,
            "n": n + offset,
            "intent": intent.value,
            "ids": part.astype("<i8").tobytes(),
            "size": len(part),
        }
        for offset, (intent, part) in enumerate(parts)
    ]
    return Written(delivery, rows, len(there) + sum(len(part) for _, part in parts))


def write(written: Written, first: int) -> bool:
    """The rows from `first` on; False when the delivery is no longer this worker's."""
    for start in range(first, max(len(written.rows), first + 1), BATCH):
        rows, last = written.batch(start)
        if not persist(lambda rows=rows, last=last: _write(written, rows, last)):  # type: ignore[misc]
            return False
    return True


def begin(session: Session, written: Sequence[Written]) -> set[int]:
    """Open deliveries that nobody began, and write down their first shards; which of them were so.
    Two hundred towns at once wait for each of these transactions."""
    now = clock.now()
    known = {each.delivery.id or 0: each for each in written}
    found = session.execute(
        select(Delivery.id)
        .where(
            among(col(Delivery.id), known),
            col(Delivery.lease) == "",
            col(Delivery.frozen).is_(False),
            col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
            col(Delivery.due_at) <= now,
            col(Delivery.expires) > now,
        )
        .order_by(col(Delivery.id))
        .with_for_update(key_share=True)
    )
    ours = set(found.scalars().all())
    opened, shards = [], []
    for number in sorted(ours):
        rows, last = known[number].batch(0)
        lease = "" if last else leases.me()
        opened.append(
            {"of": number, "all": known[number].total, "whole": last, "mine": lease, "now": now}
        )
        shards += rows
        _nudge(session, known[number].delivery, len(rows) - 1)
    if opened:
        session.connection().execute(_OPENED, opened)
    if shards:
        session.connection().execute(insert(_SHARDS), shards)
    return ours


_SHARDS: Any = Shard.__table__  # type: ignore[attr-defined]
_DELIVERIES: Any = Delivery.__table__  # type: ignore[attr-defined]
_OPENED = (
    update(_DELIVERIES)
    .where(_DELIVERIES.c.id == bindparam("of"))
    .values(
        state=DeliveryState.OPEN.value,
        opened_at=func.coalesce(
            _DELIVERIES.c.opened_at, bindparam("now", type_=_DELIVERIES.c.opened_at.type)
        ),
        total=bindparam("all"),
        beat=_DELIVERIES.c.beat + 1,
        changed=bindparam("now"),
        frozen=bindparam("whole"),
        lease=bindparam("mine"),
    )
)


def _nudge(session: Session, delivery: Delivery, most: int) -> None:
    """As many workers as shards."""
    lane = Lane(delivery.lane)
    for _ in range(min(most, _MOST_NUDGES)):
        db.after_commit(session, lambda: nudges.send("delivery", delivery.id or 0, lane))


def _write(written: Written, rows: list[dict[str, Any]], last: bool) -> bool:
    """Some shards in one short transaction of who holds the delivery."""
    delivery = written.delivery
    with db.writing(db.EVERYWHERE) as session:
        done: Any = session.execute(
            update(Delivery)
            .where(col(Delivery.id) == delivery.id, col(Delivery.lease) == leases.me())
            .values(
                total=written.total,
                beat=Delivery.beat + 1,
                changed=clock.now(),
                frozen=last,
                lease="" if last else leases.me(),
            )
            .execution_options(synchronize_session=False)
        )
        if done.rowcount != 1:
            return False
        if rows:
            session.connection().execute(insert(_SHARDS), rows)
        _nudge(session, delivery, len(rows) - 1)  # this worker takes one itself
    return True


def _groups(session: Session, delivery: Delivery, speaking: "Speaking") -> dict[Intent, Ids]:
    told = told_phones(session, delivery)
    wanted = _NOBODY
    if delivery.intent != Intent.WITHDRAW:
        wanted = audience.phones(
            session, delivery.authority_id, speaking.route.audience, speaking.notice, delivery.lane
        )
    return {
        Intent.PUBLISH: np.setdiff1d(wanted, told, assume_unique=True),
        Intent.UPDATE: np.intersect1d(wanted, told, assume_unique=True),
        Intent.WITHDRAW: np.setdiff1d(told, wanted, assume_unique=True),
    }


def _frozen_already(session: Session, delivery: Delivery) -> tuple[Ids, int]:
    """(sorted ids in the shards there are, the next shard's number)."""
    blobs = session.exec(select(Shard.ids).where(Shard.delivery_id == delivery.id)).all()
    if not blobs:
        return _NOBODY, 0
    return np.unique(np.concatenate([np.frombuffer(b, "<i8") for b in blobs])), len(blobs)


def _parts(ids: Ids) -> list[Ids]:
    return [ids[start : start + SHARD] for start in range(0, len(ids), SHARD)]


def told_phones(session: Session, delivery: Delivery) -> Ids:
    """Sorted ids of the phones that earlier revisions told: the frozen ids up to the cursors, and
    the slice beyond that is being sent or whose worker died: it may have left, and a correction
    must reach whoever may have been told."""
    if delivery.revision_no == 1:
        return _NOBODY
    earlier = (
        Delivery.publication_id == delivery.publication_id,
        Delivery.outlet_id == delivery.outlet_id,
        Delivery.revision_no < delivery.revision_no,
    )
    revisions = session.exec(
        select(Delivery.id).where(*earlier).order_by(col(Delivery.revision_no))
    ).all()
    told = _NOBODY
    for revision in revisions:  # one at a time: a million ids are 8 MB, ten revisions of it 80
        sending = dict(
            session.exec(
                select(Attempt.shard_id, func.max(Attempt.count))
                .where(
                    Attempt.delivery_id == revision,
                    col(Attempt.finished).is_(None),
                    col(Attempt.shard_id).is_not(None),
                )
                .group_by(col(Attempt.shard_id))
            ).all()
        )
        reached: list[Ids] = []
        withdrawn: list[Ids] = []
        for shard_id, intent, ids, cursor in session.exec(
            select(Shard.id, Shard.intent, Shard.ids, Shard.cursor).where(
                Shard.delivery_id == revision
            )
        ).all():
            if intent == Intent.WITHDRAW:
                withdrawn.append(np.frombuffer(ids, "<i8")[:cursor])
            else:
                most = cursor + sending.get(shard_id, 0)
                reached.append(np.frombuffer(ids, "<i8")[:most])
        told = np.unique(np.concatenate([told, *reached]))
        if withdrawn:
            told = np.setdiff1d(told, np.concatenate(withdrawn))
    return told


def progress(session: Session, delivery_id: int) -> tuple[int, int]:
    """(phones told, phones frozen) of a delivery."""
    told, size = session.exec(
        select(func.sum(Shard.cursor), func.sum(Shard.size)).where(Shard.delivery_id == delivery_id)
    ).one()
    return int(told or 0), int(size or 0)
