"""The board: for every outlet of a publication, what is wanted and what is shown.

One row an outlet ever concerned, in the order of the outlets; as many queries for ten as for one.
"""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from hub import clock, incidents, registry
from hub.models import Carried, Delivery, DisplayRow, Outlet, Publication
from hub.vocabulary import DeliveryState, EndedAs, Intent


@dataclass(frozen=True, slots=True)
class Row:
    """`state` for a display: due, told, stored, shown, clear, refused, trouble; for a messenger the
    delivery's state. `ok` is green: what is wanted is what is shown, or was said to everybody."""

    outlet: str
    name: str
    kind: str
    wanted_revision: int | None
    shown_revision: int | None
    state: str
    ok: bool
    since: datetime
    reason: str = ""
    delivery_id: int | None = None
    evidence: dict[str, Any] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {
            "outlet": self.outlet,
            "name": self.name,
            "kind": self.kind,
            "wanted_revision": self.wanted_revision,
            "shown_revision": self.shown_revision,
            "state": self.state,
            "ok": self.ok,
            "since": clock.rfc3339(self.since),
            "reason": self.reason,
            "delivery": self.delivery_id,
            "evidence": self.evidence,
        }


def rows(session: Session, publication_id: str) -> list[Row]:
    """The board of one publication."""
    deliveries = session.exec(
        select(Delivery, Outlet)
        .join(Outlet, col(Outlet.id) == Delivery.outlet_id)
        .where(Delivery.publication_id == publication_id, col(Outlet.hidden).is_(False))
        .order_by(col(Outlet.id), col(Delivery.revision_no))
    ).all()
    carried = {
        row.outlet_id: (row, display)
        for row, display in session.exec(
            select(Carried, DisplayRow)
            .join(DisplayRow, col(DisplayRow.outlet_id) == Carried.outlet_id)
            .where(Carried.publication_id == publication_id)
        ).all()
    }
    wrong: dict[int, list[str]] = {}
    for incident in incidents.open_of(session, list(carried)) if carried else ():
        wrong.setdefault(incident.outlet_id, []).append(incident.kind)
    by_outlet: dict[int, tuple[Outlet, list[Delivery]]] = {}
    for delivery, outlet in deliveries:
        by_outlet.setdefault(outlet.id or 0, (outlet, []))[1].append(delivery)
    publication = session.get(Publication, publication_id)
    expired = publication is not None and publication.ended_as == EndedAs.EXPIRED
    board = []
    for outlet_id, (outlet, its) in by_outlet.items():
        if registry.is_display(outlet.kind):
            if outlet_id in carried:
                row = _display(outlet, its[-1], *carried[outlet_id])
                board.append(_with_incidents(row, wrong.get(outlet_id, [])))
        else:
            board.append(_messenger(outlet, its, expired))
    return board


def _display(outlet: Outlet, last: Delivery, row: Carried, display: DisplayRow) -> Row:
    shown = row.shown_rev
    if row.refused and row.wanted_rev is not None:
        state, reason = "refused", row.refused
    elif shown == row.wanted_rev and row.said_rev == row.wanted_rev:
        state, reason = ("clear" if shown is None else "shown"), ""
    elif display.trouble:
        state, reason = "trouble", display.trouble
    elif row.said_rev == row.wanted_rev:
        stored = row.wanted_rev is not None and "stored_at" in row.evidence
        state, reason = ("stored" if stored else "told"), _presence(display)
    else:
        state, reason = "due", _presence(display)
    said = dict(display.evidence)
    if registry.in_sets(outlet.kind):
        said["plan_rev"] = row.said_say_no
    return Row(
        outlet=outlet.code,
        name=outlet.name,
        kind=outlet.kind,
        wanted_revision=row.wanted_rev,
        shown_revision=shown,
        state=state,
        ok=state in ("shown", "clear"),
        since=row.since,
        reason=reason,
        delivery_id=last.id,
        evidence={**said, **row.evidence, "presence": display.presence},
    )


def _with_incidents(row: Row, wrong: list[str]) -> Row:
    """What was told may not be what is seen: a hijacked or dark face is never green."""
    if not wrong:
        return row
    row = replace(row, evidence={**row.evidence, "incidents": wrong})
    grave = [kind for kind in wrong if kind in incidents.UNTRUE]
    if not grave:
        return row
    return replace(row, state="trouble", ok=False, reason=incidents.says(grave[0]))


def _presence(display: DisplayRow) -> str:
    return f"the display is {display.presence}" if display.presence in ("lost", "sleeping") else ""


def _messenger(outlet: Outlet, its: list[Delivery], expired: bool) -> Row:
    """What was said once cannot be unsaid; after its time it is wanted nowhere and is over."""
    last = its[-1]
    told = [
        d
        for d in its
        if d.state == DeliveryState.DONE and d.intent != Intent.WITHDRAW and d.total > 0
    ]
    withdrawn = last.intent == Intent.WITHDRAW
    shown = told[-1].revision_no if told else None
    if expired or (withdrawn and last.state == DeliveryState.DONE):
        shown = None
    return Row(
        outlet=outlet.code,
        name=outlet.name,
        kind=outlet.kind,
        wanted_revision=None if withdrawn or expired else last.revision_no,
        shown_revision=shown,
        state=last.state,
        ok=last.state in (DeliveryState.DONE, DeliveryState.SUPPRESSED),
        since=last.changed,
        reason=last.reason,
        delivery_id=last.id,
        evidence={
            "intent": last.intent,
            "lane": last.lane,
            "total": last.total,
            "accepted": last.accepted,
            "gone": last.gone,
            "rejected": last.rejected,
            "uncertain": last.uncertain,
            **({"first_at": clock.rfc3339(last.first_at)} if last.first_at else {}),
            **_progress(last),
        },
    )


def _progress(delivery: Delivery) -> dict[str, Any]:
    """`settled`: phones or numbers told, gone or refused; `after_s`: seconds from the moment it was
    due until the first was told and until 50, 90, 99 % were settled; while it is under way also
    `per_s` and `left_s`, what the rest will take at that rate."""
    settled = delivery.accepted + delivery.gone + delivery.rejected + delivery.uncertain
    held = delivery.route.get("not_before")
    began = max(delivery.created, datetime.fromisoformat(held)) if held else delivery.created
    moments = {
        "first": delivery.first_at,
        "50": delivery.half_at,
        "90": delivery.ninety_at,
        "99": delivery.ninetynine_at,
    }
    found: dict[str, Any] = {
        "settled": settled,
        "after_s": {k: _seconds(at - began) for k, at in moments.items() if at is not None},
    }
    if delivery.state == DeliveryState.OPEN and delivery.opened_at and settled:
        spent = (delivery.changed - delivery.opened_at).total_seconds()
        if spent > 0:
            rate = settled / spent
            found |= {"per_s": round(rate), "left_s": round((delivery.total - settled) / rate)}
    return found


def _seconds(span: timedelta) -> float:
    return round(max(span.total_seconds(), 0.0), 2)
