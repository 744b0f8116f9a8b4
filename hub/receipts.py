"""What outlets report by themselves: applied in batches, forward only by (session, seq).

A late or repeated report is stored as evidence where it is one, and changes nothing.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import structlog
from sqlmodel import Session, col, select

from hub import changes, clock, db, memos
from hub.contracts import Report, ReportStage
from hub.dispatch import displays
from hub.models import Authority, Carried, DisplayRow, Outlet, Receipt

log = structlog.get_logger()

_KEEP = {ReportStage.BIRTH, ReportStage.ACK, ReportStage.SHOWN}


def apply(reports: Sequence[Report]) -> int:
    """Write a batch of reports in one transaction; returns how many concerned an outlet of ours."""
    with db.writing(db.EVERYWHERE) as session:
        outlets = _outlets(session, reports)
        applied = 0
        for report in reports:
            if report.stage is ReportStage.BEACON:
                _beacon(session, report)
                continue
            outlet = outlets.get((report.authority, report.outlet))
            if outlet is None:
                continue
            applied += 1
            row = session.get(DisplayRow, outlet.id) or DisplayRow(
                outlet_id=outlet.id or 0, authority_id=outlet.authority_id
            )
            _one(session, row, report)
            session.add(row)
        if applied:
            changes.bump(session)
        return applied


def authorities() -> list[str]:
    """Codes of the authorities with a panel: those whose beacon must stand on the broker."""
    with db.reading(db.EVERYWHERE) as session:
        return list(
            session.exec(
                select(Authority.code)
                .join(Outlet, col(Outlet.authority_id) == Authority.id)
                .where(Outlet.kind == "panel")
                .distinct()
            ).all()
        )


def _one(session: Session, row: DisplayRow, report: Report) -> None:
    row.reported_no = max(row.reported_no, report.say_no or 0)
    if report.stage is ReportStage.PLAN:
        # The retained plan as the broker has it: another number than ours must not stay.
        waits = row.due_at is not None and row.due_at <= clock.now()
        if (report.say_no or 0) != row.say_no and not row.lease and not waits:
            displays.due_again(session, row.outlet_id)
        return
    if _is_old(row, report):
        return
    row.session, row.seq = report.session or row.session, report.seq
    if report.stage in _KEEP:
        session.add(
            Receipt(
                authority_id=row.authority_id,
                outlet_id=row.outlet_id,
                stage=str(report.body.get("stage", report.stage)),
                say_no=report.say_no,
                at=report.received,
                evidence=dict(report.body),
            )
        )
    match report.stage:
        case ReportStage.BIRTH:
            row.birth = dict(report.body)
            # A birth makes its outlet due only when numbers differ.
            if report.say_no is not None and report.say_no != row.say_no:
                displays.due_again(session, row.outlet_id)
        case ReportStage.PRESENCE:
            row.presence = str(report.body.get("state", ""))
            row.presence_at = report.received
        case ReportStage.HEARTBEAT:
            row.presence_at = report.received
        case ReportStage.ACK:
            _ack(session, row, report)
        case ReportStage.SHOWN:
            row.presence_at = report.received
            _shown(session, row, report)
        case _:
            log.warning("report of an unknown stage", stage=report.stage)


def _is_old(row: DisplayRow, report: Report) -> bool:
    """Reports without a session (a gateway that cannot number them) are taken as they come."""
    if not report.session:
        return False
    return (report.session, report.seq) <= (row.session, row.seq) and not (
        report.stage in (ReportStage.BIRTH, ReportStage.PRESENCE) and report.session == row.session
    )


def _ack(session: Session, row: DisplayRow, report: Report) -> None:
    stage = str(report.body.get("stage", ""))
    if report.say_no is None or report.say_no > row.say_no:
        row.trouble = f"acknowledged plan {report.say_no}, which was never sent"
        return
    if report.say_no != row.say_no:
        return  # of an older plan
    if stage == "rejected":
        again = row.trouble.startswith("the panel refused")
        row.trouble = f"the panel refused the plan: {report.body.get('reason', 'no reason given')}"
        if not again:  # bytes changed on the way: once more, under a new number
            displays.due_again(session, row.outlet_id)
        return
    row.trouble = ""
    if stage == "stored":
        _mark(session, row, {"stored_at": clock.rfc3339(report.received)})


def _shown(session: Session, row: DisplayRow, report: Report) -> None:
    """`items` is what the panel shows or plays in its loop now: pub and rev of each."""
    if report.say_no is not None and report.say_no > row.say_no:
        row.trouble = f"shows plan {report.say_no}, which was never sent"
        return
    row.shown_at = report.received
    shown = {
        str(item.get("pub")): item.get("rev")
        for item in report.body.get("items", ())
        if isinstance(item, dict) and isinstance(item.get("rev"), int)
    }
    current = report.say_no == row.say_no
    if current and row.said_no:
        row.shown_no = row.said_no
    rows = session.exec(
        select(Carried).where(
            Carried.outlet_id == row.outlet_id,
            col(Carried.said_rev).is_not(None)
            | col(Carried.wanted_rev).is_not(None)
            | col(Carried.shown_rev).is_not(None),
        )
    ).all()
    for carried in rows:
        revision = shown.get(carried.publication_id)
        if carried.shown_rev != revision:
            carried.shown_rev = revision
            carried.since = report.received
        carried.evidence = {
            **carried.evidence,
            "plan_rev": report.say_no,
            "source": report.body.get("source", ""),
            "reported_at": clock.rfc3339(report.received),
        }
        session.add(carried)
    session.flush()
    if current:
        displays.settle(session, [row.outlet_id], report.received)


def _mark(session: Session, row: DisplayRow, evidence: dict[str, Any]) -> None:
    for carried in session.exec(
        select(Carried).where(Carried.outlet_id == row.outlet_id, Carried.said_say_no == row.say_no)
    ).all():
        carried.evidence = {**carried.evidence, **evidence}
        session.add(carried)


def _beacon(session: Session, report: Report) -> None:
    kind = report.body.get("kind")
    if kind == "second_hub":
        memos.write(session, "second_hub", 1, str(report.body.get("other", "another hub")))
        log.error("a second hub speaks on this broker: publishing to panels is stopped")
    elif kind == "forgotten":
        _all_due(session, report.authority)
    elif kind == "alone":
        memos.write(session, "second_hub", 0)


def _all_due(session: Session, authority: str) -> None:
    """The broker forgot what it kept: every display that reports by itself is said again, at most
    200 a second so that alerts pass between them."""
    statement = (
        select(DisplayRow)
        .join(Outlet, col(Outlet.id) == DisplayRow.outlet_id)
        .join(Authority, col(Authority.id) == Outlet.authority_id)
        .where(Outlet.kind == "panel")
    )
    if authority:
        statement = statement.where(Authority.code == authority)
    now = clock.now()
    for position, row in enumerate(session.exec(statement).all()):
        row.wanted_no += 1
        row.due_at = now + timedelta(seconds=position // 200)
        session.add(row)


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
