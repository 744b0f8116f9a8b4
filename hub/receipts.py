"""What outlets report by themselves: applied in batches, forward only by (session, seq).

A late or repeated report is stored as evidence where it is one, and changes nothing. A batch is
read and written in sets: five thousand panels whose retained state is heard again after a restart
are a few transactions.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlmodel import Session, col, select

from hub import audit, changes, clock, db, memos, monitoring
from hub.again import retried
from hub.contracts import Report, ReportStage
from hub.models import Authority, Carried, DisplayRow, Outlet, Revision
from hub.reports import Batch
from hub.vocabulary import Lane

log = structlog.get_logger()

# After a broker forgot everything: so many displays a second, so that alerts pass between them.
AGAIN_A_SECOND = 200


def apply(reports: Sequence[Report]) -> int:
    """Write a batch of reports in one transaction; returns how many concerned an outlet of ours.

    One that cannot be written for good is logged and left out: offered again for ever, it would
    keep the reports of all others from being read. Raises OperationalError, InterfaceError: the
    database is away, the whole batch may be offered again.
    """
    try:
        return _apply(reports)
    except (OperationalError, InterfaceError):
        raise
    except Exception:
        if len(reports) == 1:
            lost = reports[0]
            log.exception(
                "a report cannot be kept",
                authority=lost.authority, outlet=lost.outlet, stage=lost.stage,
            )  # fmt: skip
            return 0
    half = len(reports) // 2
    return apply(reports[:half]) + apply(reports[half:])


@retried
def _apply(reports: Sequence[Report]) -> int:
    with db.writing(db.EVERYWHERE) as session:
        for report in reports:
            if report.stage is ReportStage.BEACON:
                _beacon(session, report)
        known = _outlets(session, [r for r in reports if r.outlet])
        if not known:
            return 0
        batch = Batch(session, known.values())
        applied = 0
        for report in reports:
            outlet = known.get((report.authority, report.outlet))
            if outlet is not None:
                applied += 1
                batch.take(outlet, report)
        batch.finish()
        return applied


def authorities() -> list[str]:
    """Codes of the authorities with a panel: those whose beacon must stand on the broker. Asked
    for while the broker answers, so it signs for the listener, too."""
    monitoring.listening()
    with db.reading(db.EVERYWHERE) as session:
        return list(
            session.exec(
                select(Authority.code)
                .join(Outlet, col(Outlet.authority_id) == Authority.id)
                .where(Outlet.kind == "panel")
                .distinct()
            ).all()
        )


def _beacon(session: Session, report: Report) -> None:
    kind = report.body.get("kind")
    if kind == "second_hub":
        other = str(report.body.get("other", "another hub"))
        known = memos.read(session, "second_hub")
        if known is None or not known.number:
            _note(session, report.authority, "second hub", other=other)
            log.error("a second hub speaks on this broker: publishing to panels is stopped")
        memos.write(session, "second_hub", 1, other)
        changes.bump(session)
    elif kind == "forgotten":
        _all_due(session, report.authority)
    elif kind == "alone":
        known = memos.read(session, "second_hub")
        if known is not None and known.number:
            _note(session, report.authority, "second hub gone")
        memos.write(session, "second_hub", 0)
        changes.bump(session)


def _note(session: Session, authority: str, verb: str, **detail: Any) -> None:
    owner = session.exec(select(Authority).where(Authority.code == authority)).first()
    if owner is not None:
        audit.note(session, owner.id or 0, "hub", verb, f"authority:{owner.code}", **detail)


def _all_due(session: Session, authority: str) -> None:
    """The broker forgot what it kept, pictures too: every display that reports by itself is said
    again, those with something urgent first."""
    statement = (
        select(DisplayRow)
        .join(Outlet, col(Outlet.id) == DisplayRow.outlet_id)
        .join(Authority, col(Authority.id) == Outlet.authority_id)
        .where(Outlet.kind == "panel")
        .order_by(col(DisplayRow.outlet_id))
        .with_for_update(of=DisplayRow)
    )
    if authority:
        statement = statement.where(Authority.code == authority)
    pressing = set(
        session.exec(
            select(Carried.outlet_id)
            .join(
                Revision,
                (col(Revision.publication_id) == Carried.publication_id)
                & (col(Revision.no) == Carried.wanted_rev),
            )
            .where(Revision.lane == Lane.URGENT)
            .distinct()
        ).all()
    )
    now = clock.now()
    rows = sorted(
        session.exec(statement).all(), key=lambda r: (r.outlet_id not in pressing, r.outlet_id)
    )
    for position, row in enumerate(rows):
        row.wanted_no += 1
        row.evidence = {**row.evidence, "images": []}
        row.due_at = now + timedelta(seconds=position // AGAIN_A_SECOND)
        if row.outlet_id in pressing:
            row.lane = Lane.URGENT
        session.add(row)
    changes.bump(session)


def _outlets(session: Session, reports: Sequence[Report]) -> dict[tuple[str, str], Outlet]:
    authorities = {r.authority for r in reports}
    codes = {r.outlet for r in reports}
    rows = session.exec(
        select(Outlet, Authority.code)
        .join(Authority, col(Authority.id) == Outlet.authority_id)
        .where(
            col(Authority.code).in_(authorities),
            col(Outlet.code).in_(codes),
            Outlet.kind == "panel",
        )
    ).all()
    return {(code, outlet.code): outlet for outlet, code in rows}
