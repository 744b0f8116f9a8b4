"""One batch of reports: the rows they concern are read once, changed here, and written together."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

import structlog
from sqlalchemy import insert
from sqlmodel import Session, col, select

from hub import changes, clock, monitoring, outbox, proving, watching
from hub.contracts import Report, ReportStage
from hub.dispatch import displays
from hub.incidents import Incidents
from hub.models import Carried, DisplayRow, FrameRow, Outlet, PanelRow, Receipt, ToldPage
from hub.vocabulary import Lane

log = structlog.get_logger()

_KEEP: Final = {ReportStage.BIRTH, ReportStage.ACK, ReportStage.SHOWN}
# A session begins at the unix time (docs/panel-contract.md section 2): one from farther ahead is a
# forgery or a clock that is wrong by days, and would silence what the panel says after it.
_AHEAD_S: Final = 86_400
# A plan number above this is nobody's: ours would rise beyond what JSON carries.
_MOST_NO: Final = 2**52
_GRAVE_FAULTS: Final = frozenset({"error", "critical"})
_MOST_FAULTS: Final = 50
_BUDGET: Final = 0.9
_WRONG_FOR_S: Final = 300


class Batch:
    """Reports of outlets whose rows are locked for this transaction, in one order."""

    def __init__(self, session: Session, outlets: Iterable[Outlet]) -> None:
        self._session = session
        self._outlets = {outlet.id or 0: outlet for outlet in outlets}
        ids = sorted(self._outlets)
        self._rows = {
            row.outlet_id: row
            for row in session.exec(
                select(DisplayRow)
                .where(col(DisplayRow.outlet_id).in_(ids))
                .order_by(col(DisplayRow.outlet_id))
                .with_for_update()
            )
        }
        self._panels = {
            row.outlet_id: row
            for row in session.exec(select(PanelRow).where(col(PanelRow.outlet_id).in_(ids)))
        }
        self._incidents = Incidents(session, ids)
        self._due: set[int] = set()
        self._shown: dict[int, Report] = {}
        self._stored: dict[int, Report] = {}
        self._proofs: list[proving.Batch] = []
        self._receipts: list[dict[str, Any]] = []

    def take(self, outlet: Outlet, report: Report) -> None:
        """Apply one report, or leave it where it says nothing new."""
        row, panel = self._of(outlet)
        if report.stage is ReportStage.PLAN:
            self._retained(row, report)
            return
        if not self._in_time(row, panel, report):
            return
        row.reported_no = max(row.reported_no, min(report.say_no or 0, _MOST_NO))
        if self._is_old(row, panel, report):
            return
        if report.session > row.session:
            row.session, row.seq = report.session, report.seq
        elif report.session == row.session:
            row.seq = max(row.seq, report.seq)
        if report.stage in _KEEP:
            self._receipts.append(_receipt(row, report))
        at = report.received
        if report.stage is not ReportStage.PRESENCE:
            monitoring.heard(row, panel, at, self._incidents)
        match report.stage:
            case ReportStage.BIRTH:
                if report.session > int(row.birth.get("session") or 0):
                    panel.proved = proving.after_birth(panel.proved, report.body)
                row.birth = dict(report.body)
                # A birth makes its outlet due only when numbers differ.
                if report.say_no is not None and report.say_no != row.say_no:
                    self._due.add(row.outlet_id)
            case ReportStage.PRESENCE:
                monitoring.presence(row, panel, dict(report.body), at, self._incidents)
            case ReportStage.HEARTBEAT:
                self._heartbeat(row, panel, report)
            case ReportStage.ACK:
                self._ack(row, panel, report)
            case ReportStage.SHOWN:
                panel.shown, panel.shown_at = dict(report.body), at
                self._shown[row.outlet_id] = report
            case ReportStage.FAULT:
                self._fault(row, panel, report)
            case ReportStage.PROOF:
                self._proofs.append(proving.Batch(self._outlets[row.outlet_id], row, panel, report))
            case ReportStage.FRAME:
                self._frame(row, report)
            case _:
                log.warning("report of an unknown stage", stage=report.stage)

    def finish(self) -> None:
        """Write what the batch leads to."""
        session = self._session
        session.add_all([*self._rows.values(), *self._panels.values()])
        if self._receipts:
            session.execute(insert(Receipt), self._receipts)
        if self._shown:
            self._write_shown()
        if self._stored:
            self._write_stored()
        if self._proofs:
            proving.write(session, self._proofs, self._incidents)
        session.flush()
        if self._due:
            owners = {i: self._rows[i].authority_id for i in self._due}
            outbox.change_many(session, owners, Lane.NORMAL, clock.now())
        changes.bump(session)

    # --- what each report does ---------------------------------------------------------------

    def _retained(self, row: DisplayRow, report: Report) -> None:
        """The retained plan as the broker has it: another number than ours must not stay."""
        waits = row.due_at is not None and row.due_at <= clock.now()
        if (report.say_no or 0) == row.say_no:
            self._incidents.over(row.outlet_id, "foreign_retained", report.received)
        elif not row.lease and not waits:
            self._due.add(row.outlet_id)
            if (report.say_no or 0) > row.say_no:
                self._incidents.begin(
                    row.authority_id, row.outlet_id, "foreign_retained", report.received,
                    plan_rev=report.say_no, last_said=row.say_no,
                )  # fmt: skip

    def _heartbeat(self, row: DisplayRow, panel: PanelRow, report: Report) -> None:
        body, at = report.body, report.received
        panel.heartbeat, panel.beat_at = dict(body), at
        wrong = self._incidents.last_seen(row.outlet_id, "wrong_session")
        if wrong is not None and (at - wrong).total_seconds() > _WRONG_FOR_S:
            self._incidents.over(row.outlet_id, "wrong_session", at)
        budget = self._outlets[row.outlet_id].options.get("data_month_mb")
        used = int(body.get("data_month_kb") or 0) / 1024
        if budget and used > float(budget) * _BUDGET:
            self._incidents.begin(
                row.authority_id, row.outlet_id, "data_budget", at, used_mb=round(used),
                budget_mb=budget,
            )  # fmt: skip
        else:
            self._incidents.over(row.outlet_id, "data_budget", at)

    def _ack(self, row: DisplayRow, panel: PanelRow, report: Report) -> None:
        stage, at = str(report.body.get("stage", "")), report.received
        if report.body.get("cmd") or report.body.get("keys_rev") is not None:
            return  # of a command or a set of keys: kept as evidence
        if stage == "rejected":
            self._refused(row, panel, report)
            return
        if report.say_no is None or report.say_no > row.say_no:
            row.trouble = f"acknowledged plan {report.say_no}, which was never sent"
            return
        if report.say_no != row.say_no:
            return  # of an older plan
        row.trouble = ""
        if panel.refused:
            panel.refused = {}
        self._incidents.over(row.outlet_id, "refused", at)
        if stage == "stored":
            self._stored[row.outlet_id] = report

    def _refused(self, row: DisplayRow, panel: PanelRow, report: Report) -> None:
        """A plan that the panel did not take: ours, or one that somebody else put there."""
        reason = str(report.body.get("reason", "no reason given"))
        ours = report.say_no in (None, row.say_no)
        detail = {"reason": reason, "plan_rev": report.say_no, "ours": ours}
        if report.body.get("detail"):
            detail["detail"] = str(report.body["detail"])[:200]
        panel.refused = {**detail, "at": clock.rfc3339(report.received)}
        self._incidents.begin(row.authority_id, row.outlet_id, "refused", report.received, **detail)
        if not ours:
            return
        again = row.trouble.startswith("the panel refused")
        row.trouble = f"the panel refused the plan: {reason}"
        if reason == "image_missing":
            row.evidence = {**row.evidence, "images": []}
        if not again:  # bytes changed on the way: once more, under a new number
            self._due.add(row.outlet_id)

    def _fault(self, row: DisplayRow, panel: PanelRow, report: Report) -> None:
        code, at = str(report.body.get("code", "")), report.received
        kind = f"fault:{code}"
        if report.body.get("over"):
            panel.faults = {k: v for k, v in panel.faults.items() if k != code}
            self._incidents.over(row.outlet_id, kind, at)
            return
        if code not in panel.faults and len(panel.faults) >= _MOST_FAULTS:
            return
        panel.faults = {**panel.faults, code: dict(report.body)}
        if report.body.get("severity") in _GRAVE_FAULTS:
            detail = str(report.body.get("detail", ""))
            self._incidents.begin(row.authority_id, row.outlet_id, kind, at, detail=detail)
        else:
            self._incidents.over(row.outlet_id, kind, at)

    def _frame(self, row: DisplayRow, report: Report) -> None:
        frame = self._session.get(FrameRow, row.outlet_id) or FrameRow(
            outlet_id=row.outlet_id,
            authority_id=row.authority_id,
            at=report.received,
            hash="",
            png=b"",
        )
        frame.at, frame.png = report.received, report.raw
        frame.hash = str(report.body.get("hash", ""))
        frame.page_hash = str(report.body.get("page_hash", ""))
        frame.reference = str(report.body.get("ref", ""))
        self._session.add(frame)
        if report.body.get("reason") == "mismatch":
            self._incidents.begin(
                row.authority_id, row.outlet_id, "frame_differs", report.received,
                hash=frame.hash, meant=frame.page_hash,
            )  # fmt: skip

    # --- written together --------------------------------------------------------------------

    def _write_shown(self) -> None:
        session = self._session
        carried: dict[int, list[Carried]] = {}
        for each in session.exec(
            select(Carried).where(
                col(Carried.outlet_id).in_(sorted(self._shown)),
                col(Carried.said_rev).is_not(None)
                | col(Carried.wanted_rev).is_not(None)
                | col(Carried.shown_rev).is_not(None),
            )
        ):
            carried.setdefault(each.outlet_id, []).append(each)
        told = self._told()
        settled = []
        for outlet_id, report in self._shown.items():
            row = self._rows[outlet_id]
            watching.content(row, report.body, self._incidents, told, report.received)
            if report.say_no is not None and report.say_no > row.say_no:
                row.trouble = f"shows plan {report.say_no}, which was never sent"
                continue
            row.shown_at = report.received
            row.shown_say_no = report.say_no or 0
            # What the face does not show by its own word is not shown: it is dark, or another's.
            seen = {} if report.body.get("face_dark") else _items(report.body)
            for each in carried.get(outlet_id, ()):
                _carry(each, seen.get(each.publication_id), report)
                session.add(each)
            if report.say_no == row.say_no:
                if row.said_no and not row.lease:
                    row.shown_no = row.said_no
                    self._incidents.over(outlet_id, "behind", report.received)
                settled.append(outlet_id)
        session.flush()
        if settled:
            displays.settle(session, settled, clock.now())

    def _told(self) -> set[str]:
        """Of the hashes these reports name, those this hub ever told a display."""
        named = {h for report in self._shown.values() for h in watching.hashes(report.body)}
        if not named:
            return set()
        found = select(ToldPage.hash).where(col(ToldPage.hash).in_(sorted(named)))
        return set(self._session.exec(found).all())

    def _write_stored(self) -> None:
        for each in self._session.exec(
            select(Carried).where(col(Carried.outlet_id).in_(sorted(self._stored)))
        ):
            report = self._stored[each.outlet_id]
            if each.said_say_no == self._rows[each.outlet_id].say_no:
                each.evidence = {**each.evidence, "stored_at": clock.rfc3339(report.received)}
                self._session.add(each)

    # --- order -------------------------------------------------------------------------------

    def _of(self, outlet: Outlet) -> tuple[DisplayRow, PanelRow]:
        key = outlet.id or 0
        row = self._rows.get(key)
        if row is None:
            row = DisplayRow(outlet_id=key, authority_id=outlet.authority_id)
            self._rows[key] = row
            self._session.add(row)
        panel = self._panels.get(key)
        if panel is None:
            panel = PanelRow(outlet_id=key, authority_id=outlet.authority_id)
            self._panels[key] = panel
        return row, panel

    def _in_time(self, row: DisplayRow, panel: PanelRow, report: Report) -> bool:
        """A session from the future is named, not believed; one that was believed is forgotten."""
        limit = int(report.received.timestamp()) + _AHEAD_S
        if row.session > limit:
            row.session, row.seq, panel.seqs = 0, 0, {}
        if report.session <= limit:
            return True
        self._wrong_session(row, report)
        return False

    def _is_old(self, row: DisplayRow, panel: PanelRow, report: Report) -> bool:
        """Each kind of report goes forward only. One without a session (a gateway that cannot
        number them) is taken as it comes; a fault and a proof are true whenever they come."""
        if not report.session or report.stage in (ReportStage.FAULT, ReportStage.PROOF):
            return False
        mark = [report.session, report.seq]
        if report.session < row.session:
            # Two devices under one name: the one that connected last is believed.
            if report.stage is ReportStage.HEARTBEAT:
                self._wrong_session(row, report)
            return True
        if mark <= panel.seqs.get(report.stage, [0, -1]):
            return True
        panel.seqs = {**panel.seqs, report.stage.value: mark}
        return False

    def _wrong_session(self, row: DisplayRow, report: Report) -> None:
        self._incidents.begin(
            row.authority_id, row.outlet_id, "wrong_session", report.received,
            session=report.session, current=row.session,
        )  # fmt: skip


def _receipt(row: DisplayRow, report: Report) -> dict[str, Any]:
    return {
        "authority_id": row.authority_id,
        "outlet_id": row.outlet_id,
        "stage": str(report.body.get("stage", report.stage)),
        "say_no": report.say_no,
        "at": report.received,
        "evidence": dict(report.body),
    }


def _items(body: Mapping[str, Any]) -> dict[str, int]:
    """`items` is what the panel shows or plays in its loop now: publication to revision."""
    return {
        str(item.get("pub")): item["rev"]
        for item in body.get("items", ())
        if isinstance(item, dict) and isinstance(item.get("rev"), int)
    }


def _carry(carried: Carried, revision: int | None, report: Report) -> None:
    at: datetime = report.received
    if carried.shown_rev != revision:
        carried.shown_rev = revision
        carried.since = at
    carried.evidence = {
        **carried.evidence,
        "plan_rev": report.say_no,
        "source": report.body.get("source", ""),
        "reported_at": clock.rfc3339(at),
    }
