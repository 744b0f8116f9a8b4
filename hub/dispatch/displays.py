"""Displays, worked by outlet: read all it shall show in one read, say it under the number read,
leave it due if the number moved meanwhile.

Two workers composing one panel would let the older publish land last (seen on two brokers), so an
outlet has one lease; and a worker that wakes up after its lease was broken cannot close. Displays
of a kind that can be told in sets are claimed, read, said and closed up to 500 at a time; each
still has its own lease, number and attempt. Other kinds are sets of one.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

import structlog
from sqlalchemy import BigInteger, case, insert, literal, update
from sqlalchemy import select as core_select
from sqlmodel import Session, col, select
from sqlmodel.sql.sqltypes import UTCDateTime

from hub import changes, clock, db, nudges, outbox, outlets, registry, shelf
from hub.again import retried
from hub.contracts import AdapterFailure, Said, Saying, TemporaryFailure
from hub.dispatch import leases, pages
from hub.dispatch.among import among
from hub.dispatch.carrying import Group, groups, settle, write_said
from hub.dispatch.telling import TOMBSTONES, Opened, Telling, read
from hub.models import Attempt, DisplayRow, Memo, Outlet
from hub.vocabulary import LANE_ORDER, Lane

__all__ = ["MOST", "TOMBSTONES", "Telling", "due_again", "read", "render_afresh", "settle", "work"]

log = structlog.get_logger()

MOST: Final = 500
_LONGEST_WAIT_S = 300
# Sets worked for one nudge; what is due after that, the next nudge or the sweep finds.
_SETS: Final = 20
Answer: TypeAlias = Said | AdapterFailure


def work(outlet_id: int) -> int:
    """Claim, open, wire, close: the outlet, and where its kind is told in sets, what else of it is
    due. How many were told; 0 when there was nothing to do or other workers do it."""
    kind, lane = _kind_of(outlet_id)
    if not kind or not registry.in_sets(kind):
        return _work([outlet_id])
    told = 0
    for _ in range(_SETS):
        ids = due_of(kind, lane)
        if not ids:
            break
        told += _work(ids)
    return told


def due_of(kind: str, lane: Lane) -> list[int]:
    """Up to 500 displays of the kind that wait for a worker, the most pressing first; of the urgent
    lane alone for who works that one."""
    order = case(LANE_ORDER, value=DisplayRow.lane, else_=9)
    statement = (
        select(DisplayRow.outlet_id)
        .join(Outlet, col(Outlet.id) == DisplayRow.outlet_id)
        .where(Outlet.kind == kind, DisplayRow.lease == "", col(DisplayRow.due_at) <= clock.now())
        .order_by(order, col(DisplayRow.due_at), col(DisplayRow.outlet_id))
        .limit(MOST)
    )
    if lane is Lane.URGENT:
        statement = statement.where(DisplayRow.lane == lane)
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(statement).all())


def claim(outlet_id: int) -> bool:
    return bool(claim_set([outlet_id]))


@retried
def claim_set(outlet_ids: Sequence[int]) -> list[int]:
    """One conditional UPDATE: those of `outlet_ids` that are ours now."""
    with db.writing(db.EVERYWHERE) as session:
        if _second_hub(session):
            return []
        due = (col(DisplayRow.lease) == "", col(DisplayRow.due_at) <= clock.now())
        # In one order, past what others hold: two workers must not wait for each other.
        free = (
            select(DisplayRow.outlet_id)
            .where(among(col(DisplayRow.outlet_id), outlet_ids), *due)
            .order_by(col(DisplayRow.outlet_id))
            .with_for_update(skip_locked=True)
        )
        taken = session.execute(
            update(DisplayRow)
            .where(col(DisplayRow.outlet_id).in_(free), *due)
            .values(lease=leases.once(), beat=DisplayRow.beat + 1)
            .returning(col(DisplayRow.outlet_id))
            .execution_options(synchronize_session=False)
        )
        return sorted(taken.scalars())


def open_(outlet_id: int) -> Telling | None:
    return next(iter(open_set([outlet_id])), None)


@retried
def open_set(outlet_ids: Sequence[int]) -> list[Telling]:
    """Read what each shall show and take its next wire number; both durable before the wire."""
    last, reported = col(DisplayRow.say_no) + 1, col(DisplayRow.reported_no) + 1
    higher: Any = case((last > reported, last), else_=reported)
    ms = literal(clock.unix_ms(), BigInteger)
    now = clock.now()
    with db.writing(db.EVERYWHERE, durable=True) as session:
        numbers = session.execute(
            update(DisplayRow)
            .where(
                among(col(DisplayRow.outlet_id), outlet_ids),
                col(DisplayRow.lease).startswith(leases.me(), autoescape=True),
            )
            .values(
                say_no=case((higher > ms, higher), else_=ms), saying_no=col(DisplayRow.wanted_no)
            )
            .returning(
                col(DisplayRow.outlet_id),
                col(DisplayRow.say_no),
                col(DisplayRow.wanted_no),
                col(DisplayRow.lease),
                col(DisplayRow.evidence),
            )
            .execution_options(synchronize_session=False)
        ).all()
        ids = sorted(row[0] for row in numbers)
        if not ids:
            return []
        attempts = _attempts(session, ids, now)
        opened = {
            row[0]: Opened(
                row[1], row[2], row[3], attempts[row[0]], tuple(row[4].get("images", ()))
            )
            for row in numbers
        }
        return list(read(session, ids, now, opened).values())


def wire(telling: Telling) -> Said:
    """The only step that touches the network; no session is open. Raises AdapterFailure."""
    said: Said = outlets.adapter(telling.outlet).show(
        telling.view, telling.notices, telling.ended, clock.now()
    )
    return said


def wire_set(tellings: Sequence[Telling]) -> list[Answer]:
    """As `wire`, for many of one kind in one flight: an answer for each, nothing is raised."""
    answers: list[Answer] = []
    try:
        if len(tellings) == 1:
            return [wire(tellings[0])]
        now, sayings, asked = clock.now(), [], []
        for number, telling in enumerate(tellings):
            try:
                adapter = outlets.adapter(telling.outlet)
            except AdapterFailure as failure:
                answers.append(failure)
            else:
                answers.append(TemporaryFailure("not said"))
                asked.append(number)
                sayings.append(Saying(adapter, telling.view, telling.notices, now))
        if sayings:
            said: list[Answer] = registry.channel(tellings[0].outlet.kind).show_many(sayings)
            for number, answer in zip(asked, said, strict=True):
                answers[number] = answer
        return answers
    except AdapterFailure as failure:
        return [failure] * len(tellings)
    except Exception as bug:
        log.exception("displays failed", outlet=tellings[0].outlet.code, count=len(tellings))
        return [TemporaryFailure(f"internal error: {type(bug).__name__}")] * len(tellings)


def close(telling: Telling, said: Said) -> None:
    close_set([(telling, said)])


@retried
def close_set(told: Sequence[tuple[Telling, Said]]) -> int:
    """Write down what was said, all of it or nothing; what is shown too, where saying is showing.
    Who was taken over meanwhile is left alone: the other's word counts. How many were ours."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        standing = _standing(session, [telling for telling, _ in told])
        ours = [(telling, said) for telling, said in told if telling.outlet.id in standing]
        if not ours:
            return 0
        alike = groups(ours)
        write_said(session, alike, now)
        for telling, said in ours:
            if said.shown:
                outlet = telling.outlet
                shelf.store(session, outlet.id, outlet.authority_id, said, now)
        for group in alike:
            _write_closed(session, group, now)
            pages.keep(session, group.telling.revisions, group.said.pages, now)
            _close_attempts(session, group.attempts, "accepted", len(group.telling.notices))
        moved = [
            (telling.outlet.id, Lane(standing[telling.outlet.id]["lane"]))
            for telling, _ in ours
            if standing[telling.outlet.id]["wanted_no"] != telling.wanted_no
        ]
        kind = ours[0][0].outlet.kind
        db.after_commit(session, lambda: _nudge_again(kind, moved))
        changes.bump(session)
        return len(ours)


def put_back(telling: Telling, failure: AdapterFailure) -> None:
    put_back_set([(telling, failure)])


@retried
def put_back_set(failed: Sequence[tuple[Telling, AdapterFailure]]) -> None:
    """They surely were not said: say them again later, and less often what a person must mend."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        standing = _standing(session, [telling for telling, _ in failed])
        ours = [(telling, why) for telling, why in failed if telling.outlet.id in standing]
        rows = []
        for telling, failure in ours:
            tries = standing[telling.outlet.id]["tries"] + 1
            wait = _LONGEST_WAIT_S
            if isinstance(failure, TemporaryFailure):
                wait = int(failure.retry_after or min(2 ** min(tries, 10), 60))
            rows.append(
                {
                    "outlet_id": telling.outlet.id,
                    "lease": "",
                    "tries": tries,
                    "trouble": failure.reason,
                    "due_at": now + timedelta(seconds=min(wait, _LONGEST_WAIT_S)),
                }
            )
        if rows:
            session.execute(update(DisplayRow), rows)
            changes.bump(session)
            for telling, failure in ours:
                count = len(telling.notices)
                _close_attempts(session, [telling.attempt_id], "failed", count, failure.reason)


def render_afresh(outlet_id: int) -> Said | None:
    """What a display of documents would say at this moment, from the web role, no worker needed:
    an expiry holds with every worker stopped. Writes nothing."""
    with db.reading(db.EVERYWHERE) as session:
        row = session.get(DisplayRow, outlet_id)
        if row is None:
            return None
        telling = read(session, [outlet_id], clock.now())[outlet_id]
        view = replace(telling.view, say_no=row.say_no)
    said: Said = outlets.adapter(telling.outlet).show(
        view, telling.notices, telling.ended, clock.now()
    )
    return said


def due_again(session: Session, outlet_id: int) -> None:
    """What is said is not what should be: say it again, under a new number."""
    row = session.get(DisplayRow, outlet_id)
    if row is not None:
        outbox.change(session, outlet_id, row.authority_id, Lane.NORMAL, clock.now())


# --- inside --------------------------------------------------------------------------------------


def _work(outlet_ids: Sequence[int]) -> int:
    claimed = claim_set(outlet_ids)
    tellings = open_set(claimed) if claimed else []
    if not tellings:
        return 0
    answers = list(zip(tellings, wire_set(tellings), strict=True))
    said = [(telling, answer) for telling, answer in answers if isinstance(answer, Said)]
    failed = [(t, answer) for t, answer in answers if isinstance(answer, AdapterFailure)]
    told = 0
    if said:
        try:
            told = close_set(said)
        except AdapterFailure as failure:  # it cannot be kept: another outlet has its path
            failed += [(telling, failure) for telling, _ in said]
    if failed:
        put_back_set(failed)
    return told


def _kind_of(outlet_id: int) -> tuple[str, Lane]:
    with db.reading(db.EVERYWHERE) as session:
        row = session.exec(
            select(Outlet.kind, DisplayRow.lane)
            .join(DisplayRow, col(DisplayRow.outlet_id) == Outlet.id)
            .where(Outlet.id == outlet_id)
        ).first()
    return (row[0], Lane(row[1])) if row else ("", Lane.NORMAL)


def _standing(session: Session, tellings: Sequence[Telling]) -> dict[int, dict[str, Any]]:
    """The rows that are still ours by the claim under which they were told, by outlet; locked."""
    rows = session.execute(
        select(
            DisplayRow.outlet_id, DisplayRow.lease, DisplayRow.wanted_no, DisplayRow.lane,
            DisplayRow.tries,
        )  # type: ignore[call-overload]
        .where(among(col(DisplayRow.outlet_id), [telling.outlet.id for telling in tellings]))
        .order_by(col(DisplayRow.outlet_id))
        .with_for_update()
    ).mappings()  # fmt: skip
    leased = {telling.outlet.id: telling.lease for telling in tellings}
    return {r["outlet_id"]: dict(r) for r in rows if r["lease"] == leased[r["outlet_id"]]}


def _write_closed(session: Session, group: Group, now: datetime) -> None:
    said, done = group.said, col(DisplayRow.wanted_no) == col(DisplayRow.saying_no)
    # A panel may have answered before its saying was closed.
    already = col(DisplayRow.shown_say_no) == col(DisplayRow.say_no)
    shown: dict[str, Any] = {
        "shown_no": case((already, col(DisplayRow.saying_no)), else_=col(DisplayRow.shown_no))
    }
    if said.shown:
        shown = {"shown_no": DisplayRow.saying_no, "shown_at": now}
    moment = UTCDateTime()
    session.execute(
        update(DisplayRow)
        .where(among(col(DisplayRow.outlet_id), group.outlets))
        .values(
            said_no=DisplayRow.saying_no,
            said_at=now,
            lease="",
            tries=0,
            trouble="",
            lane=case((done, Lane.NORMAL.value), else_=col(DisplayRow.lane)),
            due_at=case((done, literal(said.next_change_at, moment)), else_=literal(now, moment)),
            next_change_at=said.next_change_at,
            evidence=dict(said.evidence),
            **shown,
        )
        .execution_options(synchronize_session=False)
    )


def _nudge_again(kind: str, moved: Sequence[tuple[int, Lane]]) -> None:
    """What changed while it was being told does not wait for the sweep."""
    told: set[Lane] = set()
    for outlet_id, lane in moved:
        if lane not in told or not registry.in_sets(kind):
            told.add(lane)
            nudges.send("display", outlet_id, lane)


def _attempts(session: Session, outlet_ids: Sequence[int], now: datetime) -> dict[int, int]:
    """An attempt for each display, on record before the wire is touched: outlet to attempt."""
    columns = ("authority_id", "outlet_id", "worker", "started", "outcome", "count", "detail")
    values: tuple[Any, ...] = (
        col(DisplayRow.authority_id), col(DisplayRow.outlet_id), literal(leases.me()),
        literal(now, UTCDateTime()), literal("sending"), literal(0), literal(""),
    )  # fmt: skip
    rows = session.execute(
        insert(Attempt)
        .from_select(
            columns,
            core_select(*values).where(among(col(DisplayRow.outlet_id), outlet_ids)),
            include_defaults=False,
        )
        .returning(col(Attempt.outlet_id), col(Attempt.id))
    )
    return {outlet_id: attempt_id or 0 for outlet_id, attempt_id in rows}


def _close_attempts(
    session: Session, ids: Sequence[int], outcome: str, count: int, detail: str = ""
) -> None:
    session.execute(
        update(Attempt)
        .where(among(col(Attempt.id), ids))
        .values(finished=clock.now(), outcome=outcome, count=count, detail=detail)
        .execution_options(synchronize_session=False)
    )


def _second_hub(session: Session) -> bool:
    """Another live hub speaks on our broker: say nothing until a person has looked."""
    memo = session.get(Memo, "second_hub")
    return bool(memo and memo.number)
