"""Targets: addresses told one by one (or in sets, where repeating does no harm).

A kind without idempotency opens one target at a time, committed with synchronous=FULL before the
wire is touched; a worker that dies then leaves exactly that one `sending`, and it becomes
`uncertain`: named on the board, never resent by itself unless the route says `repeat`.
"""

import itertools
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

import structlog
from sqlalchemy import func, update
from sqlmodel import Session, col, select

from hub import changes, clock, db, outlets, stopping, vault
from hub.again import retried
from hub.contracts import AdapterFailure, Outcome, Target, TemporaryFailure, Verdict
from hub.dispatch import hosts, leases, providers
from hub.dispatch.patience import persist
from hub.models import Attempt, Contact, Delivery, TargetRow
from hub.vocabulary import (
    TARGET_MOVES,
    DeliveryState,
    Intent,
    TargetState,
    check_move,
)

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking

log = structlog.get_logger()

_STATES = {
    Verdict.ACCEPTED: TargetState.ACCEPTED,
    Verdict.GONE: TargetState.GONE,
    Verdict.REJECTED: TargetState.REJECTED,
    Verdict.UNCERTAIN: TargetState.UNCERTAIN,
    Verdict.LATER: TargetState.PENDING,
}
MOST_TRIES = 8
_LONGEST_S = 300.0


def run(speaking: "Speaking") -> timedelta | None:
    """Open, wire, close until no target is pending; how long to wait when some must, or when the
    worker is to end, or has done nothing else for five minutes."""
    began = clock.monotonic()
    while True:
        if stopping.asked() or clock.monotonic() - began > _LONGEST_S:
            return timedelta()
        before = persist(lambda: providers.standing(speaking))
        alone = providers.pause(speaking, before)
        if alone is not None:
            return alone
        opened = persist(_opening(speaking, probing=bool(before.known)))
        if not opened:
            return persist(lambda: _wait(speaking))
        outcomes = wire(speaking, opened)
        # What the wire said is kept in hand while the database is away.
        pause = persist(
            lambda opened=opened, said=outcomes, before=before: close(  # type: ignore[misc]
                speaking, opened, said, before
            )
        )
        if pause is not None:
            return max(pause, persist(lambda: _wait(speaking)) or pause)


Opened = list[tuple[TargetRow, Target]]


def _opening(speaking: "Speaking", probing: bool) -> Callable[[], Opened]:
    """`open_`, to be tried again when the database breaks off: what it wrote then, if it did, was
    never on the wire."""
    tries = itertools.count()
    return lambda: open_(speaking, probing, again=next(tries) > 0)


@retried
def open_(speaking: "Speaking", probing: bool = False, again: bool = False) -> Opened:
    """The next targets, written `sending` with their attempt, durable before the wire; a single one
    that asks whether the provider is well again. `again`: the last try may have been written."""
    capabilities = speaking.capabilities
    size = capabilities.max_batch if capabilities.idempotent and not probing else 1
    now = clock.now()
    with db.writing(db.EVERYWHERE, durable=True) as session:
        delivery = session.get_one(Delivery, speaking.delivery.id)
        if delivery.lease != leases.me() or delivery.state != DeliveryState.OPEN:
            return []  # superseded, expired, or taken over
        if again:
            put_back_sending(session, delivery, "")
        if delivery.expires <= now:
            return []
        first = session.exec(
            select(TargetRow)
            .where(TargetRow.delivery_id == delivery.id, TargetRow.state == TargetState.PENDING)
            .order_by(col(TargetRow.tries), col(TargetRow.id))
            .limit(size)
        ).all()
        rows = [row for row in first if row.intent == first[0].intent and row.tries == 0] or first[
            :1
        ]
        if rows and rows[0].tries >= MOST_TRIES:
            for row in first:
                row.state, row.reason = TargetState.REJECTED, f"gave up: {row.reason}"
                delivery.rejected += 1
                session.add(row)
            session.add(delivery)
            return []
        if rows and rows[0].tries and rows[0].closed_at and not probing:
            pause = timedelta(seconds=min(2 ** rows[0].tries, 300))
            if rows[0].closed_at + pause > now:
                return []
        contacts = _contacts(session, rows)
        opened = []
        for row in rows:
            row.state = check_move(TARGET_MOVES, TargetState(row.state), TargetState.SENDING)
            row.opened_at = now
            session.add(row)
            session.add(
                Attempt(
                    authority_id=delivery.authority_id,
                    delivery_id=delivery.id,
                    outlet_id=delivery.outlet_id,
                    target_id=row.id,
                    worker=leases.me(),
                    started=now,
                )
            )
            opened.append(
                (
                    row,
                    Target(
                        key=row.key,
                        address=contacts.get(row.contact_id, (speaking.outlet.code, ""))[0],
                        intent=Intent(row.intent),
                        earlier_ref=row.earlier_ref,
                        extra={"language": contacts.get(row.contact_id, ("", ""))[1]},
                    ),
                )
            )
        delivery.beat += 1
        session.add(delivery)
        return opened


def wire(speaking: "Speaking", opened: Sequence[tuple[TargetRow, Target]]) -> list[Outcome]:
    """The only step that touches the network; no session is open."""
    first = opened[0][1]
    try:
        message = speaking.message(first.intent, str(first.extra.get("language", "")))
    except AdapterFailure:
        raise
    except Exception as bug:  # not sent: the same address may be tried again
        log.exception("message not made", delivery=speaking.delivery.id)
        raise TemporaryFailure(f"internal error: {type(bug).__name__}") from bug
    try:
        said: list[Outcome] = outlets.adapter(speaking.outlet).send(
            message, [target for _, target in opened]
        )
    except TemporaryFailure as failure:
        return [
            Outcome(Verdict.LATER, reason=failure.reason, retry_after=failure.retry_after)
        ] * len(opened)
    return said


@retried
def close(
    speaking: "Speaking",
    opened: Sequence[tuple[TargetRow, Target]],
    outcomes: Sequence[Outcome],
    before: hosts.Standing | None = None,
) -> timedelta | None:
    """Write what became of each; how long the rest had better wait, when the other side said so.
    `before`: how the provider stood."""
    now = clock.now()
    before = before or hosts.Standing()
    pause: timedelta | None = None
    with db.writing(db.EVERYWHERE) as session:
        delivery = session.get_one(Delivery, speaking.delivery.id)
        for (opened_row, _), outcome in zip(opened, outcomes, strict=True):
            row = session.get_one(TargetRow, opened_row.id)
            if row.state != TargetState.SENDING:
                continue  # declared uncertain by a sweeper meanwhile; a late answer may settle it
            to = _STATES[outcome.verdict]
            row.state = check_move(TARGET_MOVES, TargetState.SENDING, to)
            row.reference = outcome.ref or row.reference
            row.reason = outcome.reason
            row.closed_at = now
            if to is TargetState.PENDING:
                row.tries += 0 if before.known else 1  # in an outage it is not the address's turn
                pause = max(pause or timedelta(), timedelta(seconds=outcome.retry_after or 0))
                delivery.reason = outcome.reason
            _count(delivery, to)
            if to is TargetState.GONE and row.contact_id:
                contact = session.get_one(Contact, row.contact_id)
                contact.gone = now
                session.add(contact)
            session.add(row)
            _close_attempt(session, row, outcome.verdict, outcome.reason)
        delivery.beat += 1
        delivery.changed = now
        session.add(delivery)
        providers.judge(session, speaking, outcomes, before)
        changes.bump(session)
    return pause


def settle_interrupted(session: Session, delivery: Delivery, speaking: "Speaking") -> None:
    """Targets that a dead worker left `sending`: repeated where that does no harm or the route says
    so, else uncertain and named."""
    rows = session.exec(
        select(TargetRow).where(
            TargetRow.delivery_id == delivery.id, TargetRow.state == TargetState.SENDING
        )
    ).all()
    repeat = speaking.capabilities.idempotent or speaking.route.on_uncertain == "repeat"
    for row in rows:
        if repeat:
            row.state = TargetState.PENDING
        else:
            row.state = check_move(TARGET_MOVES, TargetState.SENDING, TargetState.UNCERTAIN)
            row.reason = "the worker stopped between asking and the answer"
            row.closed_at = clock.now()
            delivery.uncertain += 1
        session.add(row)
        _close_attempt(session, row, "interrupted", row.reason)


def put_back_sending(session: Session, delivery: Delivery, reason: str) -> None:
    """Nothing of this call left: its targets wait again."""
    sending = select(TargetRow.id).where(
        TargetRow.delivery_id == delivery.id, TargetRow.state == TargetState.SENDING
    )
    session.execute(
        update(Attempt)
        .where(col(Attempt.target_id).in_(sending), col(Attempt.finished).is_(None))
        .values(finished=clock.now(), outcome="not sent", detail=reason)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(TargetRow)
        .where(
            col(TargetRow.delivery_id) == delivery.id,
            col(TargetRow.state) == TargetState.SENDING,
        )
        .values(state=TargetState.PENDING, reason=reason)
    )


def reject_open(session: Session, delivery: Delivery, reason: str) -> None:
    """The kind refuses this message for good: so for every target not told yet."""
    done = session.execute(
        update(TargetRow)
        .where(
            col(TargetRow.delivery_id) == delivery.id,
            col(TargetRow.state).in_([TargetState.SENDING, TargetState.PENDING]),
        )
        .values(state=TargetState.REJECTED, reason=reason, closed_at=clock.now())
    )
    delivery.rejected += done.rowcount  # type: ignore[attr-defined]


def reopen(session: Session, delivery: Delivery) -> int:
    """A person decided to repeat the uncertain ones; how many wait now, those never sent too."""
    done = session.execute(
        update(TargetRow)
        .where(
            col(TargetRow.delivery_id) == delivery.id,
            col(TargetRow.state).in_([TargetState.UNCERTAIN, TargetState.PENDING]),
        )
        .values(state=TargetState.PENDING, tries=0, closed_at=None)
    )
    return int(done.rowcount)  # type: ignore[attr-defined]


def _wait(speaking: "Speaking") -> timedelta | None:
    with db.reading(db.EVERYWHERE) as session:
        count, tries = session.exec(
            select(func.count(), func.max(TargetRow.tries)).where(
                TargetRow.delivery_id == speaking.delivery.id,
                TargetRow.state == TargetState.PENDING,
            )
        ).one()
    return timedelta(seconds=min(2 ** (tries or 0), 300)) if count else None


def _count(delivery: Delivery, to: TargetState) -> None:
    if to is TargetState.ACCEPTED:
        delivery.accepted += 1
        delivery.first_at = delivery.first_at or clock.now()
    elif to is TargetState.GONE:
        delivery.gone += 1
    elif to is TargetState.REJECTED:
        delivery.rejected += 1
    elif to is TargetState.UNCERTAIN:
        delivery.uncertain += 1


def _contacts(session: Session, rows: Sequence[TargetRow]) -> dict[int | None, tuple[str, str]]:
    """contact → (number, language). Contacts are told one at a time, each in his language."""
    ids = [row.contact_id for row in rows if row.contact_id]
    if not ids:
        return {}
    contacts = session.exec(select(Contact).where(col(Contact.id).in_(ids))).all()
    return {c.id: (vault.unseal(c.sealed, "phone").decode(), c.language) for c in contacts}


def _close_attempt(session: Session, row: TargetRow, outcome: str, detail: str) -> None:
    session.execute(
        update(Attempt)
        .where(col(Attempt.target_id) == row.id, col(Attempt.finished).is_(None))
        .values(finished=clock.now(), outcome=outcome, detail=detail)
    )
