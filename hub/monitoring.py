"""How panels are: ready, stale after three missed heartbeats, lost by their will or after ten
minutes, asleep as announced. Deadlines are written with each report; the sweep looks for those that
passed.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from hub import changes, clock, db, memos
from hub.incidents import Incidents
from hub.models import DisplayRow, Incident, PanelRow

MISSED: Final = 3
HEARTBEAT_S: Final = 60
LOST_AFTER: Final = timedelta(minutes=10)
# A panel that sleeps without saying until when is expected the next day.
LONGEST_SLEEP: Final = timedelta(hours=24)
# A panel that is there and does not show what it was told a while ago.
BEHIND_AFTER: Final = timedelta(minutes=2)
_SLACK: Final = timedelta(seconds=5)
_SIGNS: Final = timedelta(seconds=10)
_DEAF_AFTER: Final = timedelta(seconds=45)
_MOST: Final = 500
MEMO: Final = "panels.listener"


def heard(row: DisplayRow, panel: PanelRow, at: datetime, incidents: Incidents) -> None:
    """It spoke: it is there, whatever was thought before."""
    period = timedelta(seconds=int(row.birth.get("heartbeat_s") or HEARTBEAT_S))
    panel.heard_at = row.presence_at = at
    if panel.state == "sleeping":
        return
    if panel.state not in ("ready", "alert"):
        set_state(row, panel, "ready", at)
    panel.quiet_at = at + MISSED * period + _SLACK
    panel.lost_at = at + max(LOST_AFTER, MISSED * period + _SLACK)
    incidents.over(row.outlet_id, "lost", at)


def presence(
    row: DisplayRow, panel: PanelRow, body: dict[str, Any], at: datetime, incidents: Incidents
) -> None:
    """What it says of its connection itself, or its last will for it."""
    state = str(body.get("state", ""))
    if state == "lost":
        _lose(row, panel, at, incidents, "will")
        return
    panel.sleeps_until = None
    if state == "sleeping":
        until = _moment(body.get("until"))
        panel.sleeps_until = until
        panel.heard_at = row.presence_at = at
        panel.quiet_at = None
        panel.lost_at = min(until or at + LONGEST_SLEEP, at + LONGEST_SLEEP * 7) + LOST_AFTER
        set_state(row, panel, state, at)
        incidents.over(row.outlet_id, "lost", at)
        return
    set_state(row, panel, {"init": "ready", "alert": "alert"}.get(state, state), at)
    if state == "disconnected":
        panel.quiet_at, panel.lost_at = None, at + LOST_AFTER
        return
    heard(row, panel, at, incidents)


def set_state(row: DisplayRow, panel: PanelRow, state: str, at: datetime) -> None:
    row.presence = state
    row.presence_at = row.presence_at or at
    if panel.state != state:
        panel.state, panel.since = state, at


def listening() -> None:
    """The listener is connected. When it was deaf for a while, so were its ears for every panel:
    nobody is late before he had the time to speak again."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        last = memos.read(session, MEMO)
        if last is not None and timedelta(0) <= now - last.at < _SIGNS:
            return
    with db.writing(db.EVERYWHERE) as session:
        if last is None or now - last.at > _DEAF_AFTER:
            patience = now + LOST_AFTER
            for column in (PanelRow.quiet_at, PanelRow.lost_at):
                session.execute(
                    update(PanelRow)
                    .where(col(column) < patience)
                    .values({column: patience})
                    .execution_options(synchronize_session=False)
                )
        memos.write(session, MEMO, 1)


def deaf(session: Session, now: datetime) -> bool:
    """Whether nobody listens to the panels, though somebody did."""
    last = memos.read(session, MEMO)
    return last is not None and now - last.at > _DEAF_AFTER


def step() -> int:
    """Of the sweep: who fell silent, who does not show what was said; how many changed."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        if deaf(session, now):
            return 0  # it is we who do not hear
        late = session.exec(
            select(PanelRow.outlet_id)
            .where(
                ((col(PanelRow.quiet_at) <= now) & (PanelRow.state != "stale"))
                | (col(PanelRow.lost_at) <= now)
            )
            .limit(_MOST)
        ).all()
        slow = _behind(session, now)
    if not late and not slow:
        return 0
    with db.writing(db.EVERYWHERE) as session:
        ids = sorted({*late, *slow})
        rows = session.exec(
            select(DisplayRow, PanelRow)
            .join(PanelRow, col(PanelRow.outlet_id) == DisplayRow.outlet_id)
            .where(col(DisplayRow.outlet_id).in_(ids))
            .order_by(col(DisplayRow.outlet_id))
            .with_for_update()
        ).all()
        open_now = Incidents(session, ids)
        for row, panel in rows:
            if panel.lost_at is not None and panel.lost_at <= now:
                _lose(row, panel, now, open_now, "silence")
            elif panel.quiet_at is not None and panel.quiet_at <= now:
                set_state(row, panel, "stale", now)
                panel.quiet_at = None
            if row.outlet_id in slow and row.shown_no != row.said_no:
                open_now.begin(
                    row.authority_id, row.outlet_id, "behind", now,
                    wanted=row.said_no, shown=row.shown_no,
                )  # fmt: skip
            session.add_all([row, panel])
        changes.bump(session)
        return len(rows)


def _behind(session: Session, now: datetime) -> set[int]:
    """Panels that are there, were told a while ago, and do not show it."""
    known = select(Incident.outlet_id).where(
        Incident.kind == "behind", col(Incident.closed).is_(None)
    )
    return set(
        session.exec(
            select(DisplayRow.outlet_id)
            .join(PanelRow, col(PanelRow.outlet_id) == DisplayRow.outlet_id)
            .where(
                col(PanelRow.state).in_(["ready", "alert"]),
                DisplayRow.said_no != DisplayRow.shown_no,
                col(DisplayRow.said_at) <= now - BEHIND_AFTER,
                col(DisplayRow.outlet_id).not_in(known),
            )
            .limit(_MOST)
        ).all()
    )


def _lose(row: DisplayRow, panel: PanelRow, at: datetime, incidents: Incidents, how: str) -> None:
    panel.quiet_at = panel.lost_at = panel.sleeps_until = None
    set_state(row, panel, "lost", at)
    heard_at = clock.rfc3339(panel.heard_at) if panel.heard_at else ""
    incidents.begin(row.authority_id, row.outlet_id, "lost", at, how=how, heard_at=heard_at)


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)) if text else None
    except ValueError:
        return None
