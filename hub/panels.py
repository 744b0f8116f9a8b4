"""Panels as people look at them: all of them with what is wanted and what is shown, and one with
its face, its plan, the hours ahead, its reports and its incidents."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from hub import clock, incidents, outlets, proving
from hub.contracts import AdapterFailure
from hub.dispatch import telling
from hub.models import (
    DisplayRow,
    FrameRow,
    Incident,
    Outlet,
    PanelRow,
    Play,
    Publication,
    Receipt,
    Revision,
    ToldPage,
)

_AHEAD: Final = timedelta(hours=24)
_MOST: Final = 30


@dataclass(frozen=True, slots=True)
class Standing:
    """One panel in the list. `behind_s`: for how long it has not shown what is wanted; None: it
    does. `tone` of good, busy, warn, bad, idle sums it up."""

    outlet: Outlet
    display: DisplayRow
    panel: PanelRow
    open: tuple[Incident, ...]
    behind_s: int | None
    tone: str

    @property
    def doubted(self) -> bool:
        """Whether what it reports cannot be taken for what people see."""
        return any(incident.kind in incidents.UNTRUE for incident in self.open)

    @property
    def shows(self) -> bool:
        return self.behind_s is None and not self.doubted

    def as_json(self) -> dict[str, Any]:
        beat = self.panel.heartbeat
        return {
            "outlet": self.outlet.code,
            "name": self.outlet.name,
            "longitude": self.outlet.longitude,
            "latitude": self.outlet.latitude,
            "state": self.panel.state,
            "since": clock.rfc3339(self.panel.since),
            "heard_at": _text(self.panel.heard_at),
            "wanted_no": self.display.wanted_no,
            "said_no": self.display.said_no,
            "shown_no": self.display.shown_no,
            "plan_rev": self.display.say_no,
            "shown_plan_rev": self.display.shown_say_no,
            "behind_s": self.behind_s,
            "refused": self.panel.refused,
            "shown": self.panel.shown,
            "faults": self.panel.faults,
            "heartbeat": beat,
            "proof": {
                "last": _text(self.panel.proved_at),
                "gaps": len(proving.gaps(self.panel.proved)),
            },
            "incidents": [
                {"kind": i.kind, "opened": clock.rfc3339(i.opened), "detail": i.detail}
                for i in self.open
            ],
        }


@dataclass(frozen=True, slots=True)
class Whole:
    """One panel with everything there is of it."""

    standing: Standing
    outlook: dict[str, Any]
    trouble: str
    headlines: dict[str, str]
    page: dict[str, Any] | None
    frame: FrameRow | None
    past: tuple[Incident, ...]
    receipts: tuple[Receipt, ...]
    gaps: tuple[proving.Gap, ...]
    proved: tuple[tuple[str, int, int, int], ...]


def listing(session: Session, code: str | None = None) -> list[Standing]:
    """The authority's panels, those in trouble first, in two queries."""
    statement = (
        select(Outlet, DisplayRow, PanelRow)
        .join(DisplayRow, col(DisplayRow.outlet_id) == Outlet.id)
        .join(PanelRow, col(PanelRow.outlet_id) == Outlet.id, isouter=True)
        .where(Outlet.kind == "panel", col(Outlet.hidden).is_(False))
        .order_by(col(Outlet.id))
    )
    if code is not None:
        statement = statement.where(Outlet.code == code)
    rows = session.exec(statement).all()
    wrong: dict[int, list[Incident]] = {}
    for incident in incidents.open_of(session):
        wrong.setdefault(incident.outlet_id, []).append(incident)
    now = clock.now()
    found = [
        _standing(outlet, display, panel, wrong.get(outlet.id or 0, []), now)
        for outlet, display, panel in rows
    ]
    order = {"bad": 0, "warn": 1, "busy": 2, "idle": 3, "good": 4}
    return sorted(found, key=lambda s: (order[s.tone], s.outlet.name.lower()))


def one(session: Session, code: str) -> Whole:
    """Raises LookupError."""
    rows = listing(session, code)
    if not rows:
        raise LookupError(code)
    standing = rows[0]
    outlet_id = standing.outlet.id or 0
    now = clock.now()
    told = telling.read(session, [outlet_id], now)[outlet_id]
    outlook: dict[str, Any] = {"items": [], "dark": [], "refused": {}}
    trouble = ""
    try:
        adapter = outlets.adapter(standing.outlet)
        outlook = adapter.outlook(told.view, told.notices, now, now + _AHEAD)
    except AdapterFailure as failure:
        trouble = failure.reason
    past = session.exec(
        select(Incident)
        .where(Incident.outlet_id == outlet_id, col(Incident.closed).is_not(None))
        .order_by(col(Incident.id).desc())
        .limit(_MOST)
    ).all()
    receipts = session.exec(
        select(Receipt)
        .where(Receipt.outlet_id == outlet_id)
        .order_by(col(Receipt.id).desc())
        .limit(_MOST)
    ).all()
    days: dict[str, list[float]] = {}
    week_ago = (now - timedelta(days=8)).date().isoformat()
    for play in session.exec(
        select(Play)
        .where(Play.outlet_id == outlet_id, Play.day >= week_ago)
        .order_by(col(Play.day).desc())
    ):
        sums = days.setdefault(play.day, [0, 0, 0])
        sums[0] += play.plays
        sums[1] += play.seconds
        sums[2] += play.dark_s
    return Whole(
        standing=standing,
        outlook=outlook,
        trouble=trouble,
        headlines=_headlines(session, [n.publication for n in told.notices]),
        page=_page(session, standing.panel.shown),
        frame=session.get(FrameRow, outlet_id),
        past=tuple(past),
        receipts=tuple(receipts),
        gaps=tuple(proving.gaps(standing.panel.proved)),
        proved=tuple((day, int(s[0]), round(s[1]), round(s[2])) for day, s in days.items()),
    )


def _standing(
    outlet: Outlet,
    display: DisplayRow,
    panel: PanelRow | None,
    wrong: list[Incident],
    now: datetime,
) -> Standing:
    panel = panel or PanelRow(outlet_id=outlet.id or 0, authority_id=outlet.authority_id)
    behind = None
    if display.wanted_no != display.shown_no:
        since = display.said_at if display.said_no == display.wanted_no else display.due_at
        behind = max(int((now - (since or now)).total_seconds()), 0)
    kinds = {incident.kind for incident in wrong}
    if outlet.paused:
        tone = "idle"
    elif any(map(incidents.is_alarm, kinds)) or display.trouble:
        tone = "bad"
    elif panel.state in ("stale", "disconnected") or kinds:
        tone = "warn"
    elif panel.state in ("unknown", "sleeping"):
        tone = "idle"
    else:
        tone = "good" if behind is None else "busy"
    return Standing(outlet, display, panel, tuple(wrong), behind, tone)


def _headlines(session: Session, ids: list[str]) -> dict[str, str]:
    rows = session.exec(
        select(Revision.publication_id, Revision.content)
        .join(
            Publication,
            (col(Publication.id) == Revision.publication_id)
            & (col(Publication.revision_no) == Revision.no),
        )
        .where(col(Publication.id).in_(ids))
    ).all()
    return {key: next(iter(content["texts"].values()))["headline"] for key, content in rows}


def _page(session: Session, shown: dict[str, Any]) -> dict[str, Any] | None:
    """The page on the face by the panel's own word; None where there is none or nobody knows it."""
    key = shown.get("hash") or (shown.get("page") or {}).get("hash")
    if not key:
        return None
    row = session.exec(select(ToldPage).where(ToldPage.hash == key).limit(1)).first()
    return row.page if row else None


def _text(at: datetime | None) -> str | None:
    return clock.rfc3339(at) if at else None
