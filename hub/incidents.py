"""Something is wrong with an outlet: said once when it begins, once when it is over.

At most one incident of a kind is open for an outlet; each beginning and end is a line of the audit
and a change that faces hear of.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import structlog
from sqlmodel import Session, col, select

from hub import audit, changes
from hub.models import Incident, Outlet

log = structlog.get_logger()

# Somebody else than this hub may decide what the face shows.
HIJACK: Final = frozenset(
    {
        "foreign_plan",
        "foreign_retained",
        "unknown_page",
        "unknown_notice",
        "wrong_session",
        "frame_differs",
        "proof_unknown",
        "local",
    }
)
# What the panel reports cannot be taken for what people see.
UNTRUE: Final = HIJACK | {"dark"}
# What a technician must see; the rest is told on the panel's own page.
ALARMS: Final = HIJACK | {"lost", "dark", "refused", "behind"}


_SAYS: Final = {
    "foreign_plan": "it obeys a plan that this hub never sent",
    "foreign_retained": "the broker holds a plan that this hub never sent",
    "unknown_page": "it shows a page that this hub never sent",
    "unknown_notice": "it shows a notice that this hub never sent",
    "frame_differs": "its face differs from the page it means to show",
    "proof_unknown": "it proved a page that this hub never sent",
    "wrong_session": "somebody else speaks in its name, or its clock is days ahead",
    "local": "somebody works at the panel",
    "dark": "its face gives no light",
    "lost": "it is out of reach",
    "refused": "it refused a plan",
    "behind": "it does not show what it was told",
    "proof_gap": "batches of proof never came",
    "data_budget": "its link has nearly used up the month",
}


def says(kind: str) -> str:
    """An incident in a sentence; faces translate it."""
    return _SAYS.get(kind, "it reports a fault" if kind.startswith("fault:") else kind)


def is_alarm(kind: str) -> bool:
    """Whether somebody has to do something."""
    return kind in ALARMS or kind.startswith("fault:")


class Incidents:
    """The open incidents of some outlets, read once and kept up within one transaction."""

    def __init__(self, session: Session, outlet_ids: Iterable[int]) -> None:
        self._session = session
        rows = session.exec(
            select(Incident)
            .where(
                col(Incident.outlet_id).in_(sorted(set(outlet_ids))), col(Incident.closed).is_(None)
            )
            .order_by(col(Incident.id))
        ).all()
        self._open = {(row.outlet_id, row.kind): row for row in rows}

    def last_seen(self, outlet_id: int, kind: str) -> datetime | None:
        """When it was so last, while the incident is open."""
        row = self._open.get((outlet_id, kind))
        return row.seen if row else None

    def begin(
        self, authority_id: int, outlet_id: int, kind: str, at: datetime, **detail: Any
    ) -> None:
        """It is so since `at`; once open, only its detail follows."""
        row = self._open.get((outlet_id, kind))
        if row is not None:
            row.detail, row.seen = detail, at
            self._session.add(row)
            return
        row = Incident(
            authority_id=authority_id,
            outlet_id=outlet_id,
            kind=kind,
            detail=detail,
            opened=at,
            seen=at,
        )
        self._session.add(row)
        self._open[(outlet_id, kind)] = row
        self._note(row, "incident begins", detail)

    def over(self, outlet_id: int, kind: str, at: datetime) -> None:
        """It is so no longer; nothing where it was not."""
        row = self._open.pop((outlet_id, kind), None)
        if row is not None:
            row.closed = at
            self._session.add(row)
            self._note(row, "incident ends", {})

    def _note(self, row: Incident, verb: str, detail: Mapping[str, Any]) -> None:
        thing = f"outlet-id:{row.outlet_id}"
        audit.note(
            self._session,
            row.authority_id,
            "hub",
            verb,
            thing,
            kind=row.kind,
            detail=dict(detail),
        )
        changes.bump(self._session)
        log.warning(verb, kind=row.kind, outlet=row.outlet_id)


def open_of(session: Session, outlet_ids: Sequence[int] | None = None) -> list[Incident]:
    """Open incidents, the newest first; of some outlets, or of all that the session may see."""
    statement = select(Incident).where(col(Incident.closed).is_(None))
    if outlet_ids is not None:
        statement = statement.where(col(Incident.outlet_id).in_(outlet_ids))
    return list(session.exec(statement.order_by(col(Incident.id).desc())).all())


def named(session: Session, kinds: Iterable[str]) -> list[tuple[Incident, Outlet]]:
    """Open incidents of some kinds with their outlets, the oldest first."""
    return list(
        session.exec(
            select(Incident, Outlet)
            .join(Outlet, col(Outlet.id) == Incident.outlet_id)
            .where(col(Incident.closed).is_(None), col(Incident.kind).in_(sorted(kinds)))
            .order_by(col(Incident.id))
        ).all()
    )
