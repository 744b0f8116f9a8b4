"""Shards: a push audience in slices of at most half a second.

A shard is at most 10,000 frozen ids with a cursor. Any number of workers hold shards of one
delivery, each by the shard's own lease; whoever closes the last one says how the delivery ended. A
worker reads the rows of its next slice as they are now (gone: skipped, changed: their present
keys), sends, and moves the cursor. Killed in between, the slice is repeated with the same Topic and
tag: a phone shows it once.

Slices of several deliveries are opened together (and closed, see closing): the statements are as
many for sixteen towns as for one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from math import ceil
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import bindparam, insert, or_, update
from sqlalchemy import select as columns
from sqlmodel import Session

from hub import clock, db, outlets
from hub.again import retried
from hub.contracts import Message, Outcome, Target, TemporaryFailure, Verdict
from hub.dispatch import freezing, hosts, lanes, leases, phones
from hub.models import Attempt, Delivery, Shard
from hub.vocabulary import DeliveryState, Intent

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

_CANDIDATES = 8

# Tables rather than classes, and built once: what the ORM adds to a statement, and building it,
# cost more than asking it.
_SHARD: Any = Shard.__table__  # type: ignore[attr-defined]
_DELIVERY: Any = Delivery.__table__  # type: ignore[attr-defined]
_ATTEMPT: Any = Attempt.__table__  # type: ignore[attr-defined]
_shard, _delivery, _attempt = _SHARD.c, _DELIVERY.c, _ATTEMPT.c
_now: Any = bindparam("now", type_=_attempt.started.type)
_me: Any = bindparam("me")
_these: Any = bindparam("these", expanding=True)
_FREE = (
    columns(_shard.id, _shard.delivery_id)
    .where(
        _shard.delivery_id.in_(_these),
        _shard.done.is_(False),
        _shard.lease.in_(["", _me]),  # ours: a try that the database cut short
        or_(_shard.retry_at.is_(None), _shard.retry_at <= _now),
    )
    .order_by(_shard.delivery_id, _shard.n)
)
_TAKEN = (
    update(_SHARD)
    .where(_shard.id.in_(_these), _shard.lease.in_(["", _me]), _shard.done.is_(False))
    .values(lease=_me, beat=_shard.beat + 1)
    .returning(_shard.id, _shard.delivery_id, _shard.cursor, _shard.size, _shard.intent, _shard.ids)
)
_STANDING = columns(_delivery.id, _delivery.state, _delivery.expires).where(
    _delivery.id.in_(_these)
)
_BEGUN = insert(_ATTEMPT).returning(_attempt.id, sort_by_parameter_order=True)
RELEASED = (
    update(_SHARD)
    .where(_shard.id.in_(_these), _shard.lease == _me)
    .values(lease="", done=_shard.cursor >= _shard.size)
)


@dataclass(slots=True)
class Ask:
    """What a worker wants: `size` phones of a delivery, from the shard it holds or from any that is
    free. `written`: whom the delivery addresses, where nobody wrote that down yet."""

    speaking: "Speaking"
    size: int
    shard_id: int | None = None
    written: "freezing.Written | None" = None

    @property
    def delivery_id(self) -> int:
        return self.speaking.delivery.id or 0


@dataclass(slots=True)
class Slice:
    """`size` ids from `start`; `ids` are those of `targets`, `ailing` those of them that failed
    lately, `held` those whose host is left alone, by the seconds it is."""

    speaking: "Speaking"
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
def open_(asks: Sequence[Ask]) -> list[Slice | None]:
    """Note the attempts, then read the next slices of phones as they are now: the write is short,
    the reading holds nobody up. None: nothing of the delivery is free, the shard is done, or it is
    no longer ours to do."""
    with db.writing(db.EVERYWHERE) as session:
        begun = _begin(session, asks, clock.now())
    if not any(begun):
        return [None for _ in asks]
    wanted = {n for piece in begun if piece for n in piece.ids}
    with db.reading(db.EVERYWHERE) as session:
        rows = {row[0]: row for row in phones.read(session, sorted(wanted))}
        numbers = {row.push_identity_id for row in rows.values()}
        identities = {n: phones.identity(session, n) for n in numbers}
        trouble = hosts.any_open(session)
    for piece in begun:
        if piece is not None:
            there = [rows[n] for n in piece.ids if n in rows]
            _address(piece, _allowed(piece, there) if trouble else there, identities)
    return begun


def _begin(session: Session, asks: Sequence[Ask], now: datetime) -> list[Slice | None]:
    """The next slices, written down as begun; their `ids` are all of them."""
    unwritten = [ask.written for ask in asks if ask.written is not None]
    if unwritten:
        freezing.begin(session, unwritten)
    taken = _take(session, asks, now)
    run = session.connection().execute
    standing = {
        row.id: row
        for row in run(_STANDING, {"these": [row.delivery_id for row in taken.values()]})
    }
    found: list[Slice | None] = []
    attempts, released = [], []
    for ask in asks:
        row = taken.get(ask.delivery_id)
        if row is None:
            found.append(None)
            continue
        delivery = standing[row.delivery_id]
        over = delivery.state != DeliveryState.OPEN or delivery.expires <= now
        if over or row.cursor >= row.size:
            released.append(row.id)
            found.append(None)
            continue
        ids = np.frombuffer(row.ids, "<i8")[row.cursor : row.cursor + ask.size].tolist()
        piece = Slice(ask.speaking, row.id, row.cursor, len(ids), ids, [], 0, Intent(row.intent))
        found.append(piece)
        attempts.append(
            {
                "authority_id": ask.speaking.delivery.authority_id,
                "delivery_id": row.delivery_id,
                "outlet_id": ask.speaking.delivery.outlet_id,
                "shard_id": row.id,
                "worker": leases.me(),
                "count": len(ids),
                "started": now,
                "outcome": "sending",
                "detail": "",
            }
        )
    if released:
        run(RELEASED, {"these": released, "me": leases.me()})
    pieces = [piece for piece in found if piece is not None]
    if pieces:
        numbers = run(_BEGUN, attempts).scalars().all()
        for piece, number in zip(pieces, numbers, strict=True):
            piece.attempt_id = number
        served = [piece.speaking.delivery for piece in pieces]
        lanes.took_turns(session, {(one.authority_id, one.lane) for one in served})
    return found


def _take(session: Session, asks: Sequence[Ask], now: datetime) -> Mapping[int, Any]:
    """delivery → its shard that is this worker's now: the one it held, or one that was free."""
    run = session.connection().execute
    choices: dict[int, list[int]] = {
        ask.delivery_id: [ask.shard_id] for ask in asks if ask.shard_id is not None
    }
    missing = [ask.delivery_id for ask in asks if ask.shard_id is None]
    if missing:
        for row in run(_FREE, {"these": missing, "now": now, "me": leases.me()}):
            choices.setdefault(row.delivery_id, []).append(row.id)
    taken: dict[int, Any] = {}
    for _ in range(_CANDIDATES):
        tried = [numbers.pop(0) for of, numbers in choices.items() if numbers and of not in taken]
        if not tried:
            break
        got = run(_TAKEN, {"these": sorted(tried), "me": leases.me()})
        taken |= {row.delivery_id: row for row in got}
    return taken


def _address(piece: Slice, rows: Sequence[Any], identities: Mapping[int, Any]) -> None:
    delivery = piece.speaking.delivery
    key, intent = f"{delivery.publication_id}.{delivery.revision_no}", piece.intent
    piece.ids, piece.targets = [], []
    for number, endpoint, p256dh, auth, language, identity, failures in rows:
        extra = {
            "p256dh": p256dh,
            "auth": auth,
            "language": language,
            "identity": identities[identity],
        }
        piece.ids.append(number)
        piece.targets.append(Target(key, endpoint, intent, "", extra))
        if failures:
            piece.ailing.append(number)


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


def wire(message: Message, piece: Slice) -> list[Outcome]:
    """The only step that touches the network; no session is open."""
    if not piece.targets:
        return []
    try:
        said: list[Outcome] = outlets.adapter(piece.speaking.outlet).send(message, piece.targets)
    except TemporaryFailure as failure:
        return [
            Outcome(Verdict.LATER, reason=failure.reason, retry_after=failure.retry_after)
        ] * len(piece.targets)
    return said
