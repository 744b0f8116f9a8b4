"""From a plan to promises: delivery rows, and wanted numbers on the displays. The transaction that
makes a revision calls this; a nudge to the workers follows its commit, and where the nudge is lost
the sweep finds the rows.
"""

from datetime import datetime, timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from hub import changes, clock, db, nudges, registry
from hub.models import Carried, Delivery, DisplayRow, Outlet, Publication, Revision, TargetRow
from hub.rules.plan import Plan, Route
from hub.vocabulary import LANE_ORDER, DeliveryState, Intent, Lane, TargetState

_OPEN = (DeliveryState.WAITING, DeliveryState.OPEN)


def promise(session: Session, publication: Publication, revision: Revision, plan: Plan) -> None:
    """Write the deliveries of a plan and supersede what earlier revisions still had to say."""
    now = clock.now()
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.publication_id) == publication.id,
            col(Delivery.revision_no) < revision.no,
            col(Delivery.state).in_(_OPEN),
        )
        .values(state=DeliveryState.SUPERSEDED, due_at=None, closed_at=now, changed=now)
    )
    for route in plan.routes:
        delivery = _delivery(publication, revision, route, now)
        session.add(delivery)
        changes.bump(session)
        if registry.is_display(route.kind):
            if delivery.state != DeliveryState.SUPPRESSED:
                _want(session, publication, revision, route, now)
        elif delivery.state == DeliveryState.WAITING:
            session.flush()
            _nudge(session, "delivery", delivery.id, route.lane)


def expire(session: Session, publication: Publication) -> None:
    """Time is over: displays are to carry it no longer, what was not said is not said any more."""
    now = clock.now()
    session.execute(
        update(Delivery)
        .where(col(Delivery.publication_id) == publication.id, col(Delivery.state).in_(_OPEN))
        .values(
            state=DeliveryState.EXPIRED,
            reason="expired before it could be said",
            due_at=None,
            closed_at=now,
            changed=now,
        )
    )
    rows = session.exec(
        select(Carried).where(
            Carried.publication_id == publication.id, col(Carried.wanted_rev).is_not(None)
        )
    ).all()
    for row in rows:
        row.wanted_rev = None
        row.since = now
        session.add(row)
        change(session, row.outlet_id, publication.authority_id, Lane.NORMAL, now)
    _take_away(session, publication, now)
    changes.bump(session)


def _take_away(session: Session, publication: Publication, now: datetime) -> None:
    """A post whose time is over is removed like a notice on a panel, where the network can: the
    delivery that made it is opened again with the intent to withdraw. Phones check the end by
    themselves, and an SMS cannot be called back."""
    rows = session.exec(
        select(TargetRow, Delivery)
        .join(Delivery, col(Delivery.id) == TargetRow.delivery_id)
        .where(
            Delivery.publication_id == publication.id,
            Delivery.revision_no == publication.revision_no,
            Delivery.state == DeliveryState.DONE,
            Delivery.intent != Intent.WITHDRAW,
            TargetRow.state == TargetState.ACCEPTED,
            TargetRow.reference != "",
        )
    ).all()
    for target, delivery in rows:
        known = registry.channel(delivery.kind).capabilities
        if known.addresses != "outlet" or Intent.WITHDRAW not in known.intents:
            continue
        target.earlier_ref = target.reference
        target.intent = delivery.intent = Intent.WITHDRAW
        target.key = f"{target.key}.end"
        target.state = TargetState.PENDING
        target.tries = 0
        target.closed_at = None
        delivery.state = DeliveryState.WAITING
        delivery.accepted = 0
        delivery.expires = now + timedelta(hours=24)
        delivery.due_at = now
        delivery.changed = now
        session.add_all([target, delivery])
        _nudge(session, "delivery", delivery.id, Lane.NORMAL)


def welcome(session: Session, outlet: Outlet) -> DisplayRow:
    """A new display is told at once that it has nothing to show: a station's feeds are there, if
    empty, from the first minute, and a panel finds a plan instead of none."""
    return change(session, outlet.id or 0, outlet.authority_id, Lane.NORMAL, clock.now())


def change(
    session: Session, outlet_id: int, authority_id: int, lane: Lane, due: datetime
) -> DisplayRow:
    """What the display should show changed: wanted_no + 1, in the caller's transaction."""
    row = session.get(DisplayRow, outlet_id)
    if row is None:
        row = DisplayRow(outlet_id=outlet_id, authority_id=authority_id)
    row.wanted_no += 1
    row.tries = 0
    row.due_at = min(due, row.due_at) if row.due_at else due
    if row.wanted_no == row.said_no + 1 or LANE_ORDER[lane] < LANE_ORDER[Lane(row.lane)]:
        row.lane = lane
    session.add(row)
    changes.bump(session)
    _nudge(session, "display", outlet_id, Lane(row.lane))
    return row


def _delivery(
    publication: Publication, revision: Revision, route: Route, now: datetime
) -> Delivery:
    suppressed = route.suppressed
    if not suppressed and not registry.is_display(route.kind):
        suppressed = _impossible(route)
    return Delivery(
        authority_id=publication.authority_id,
        revision_id=revision.id or 0,
        publication_id=publication.id,
        revision_no=revision.no,
        outlet_id=route.outlet_id,
        kind=route.kind,
        intent=route.intent,
        lane=route.lane,
        state=DeliveryState.SUPPRESSED if suppressed else DeliveryState.WAITING,
        reason=suppressed,
        route=route.model_dump(mode="json"),
        expires=revision.expires,
        due_at=None
        if suppressed or registry.is_display(route.kind)
        else max(route.not_before or now, now),
    )


def _impossible(route: Route) -> str:
    """Why a messenger stays silent on an update or a withdrawal, or "" when it speaks."""
    capabilities = registry.channel(route.kind).capabilities
    if route.intent in capabilities.intents or route.corrections == "send":
        return ""
    if route.corrections == "urgent" and route.lane is Lane.URGENT:
        return ""
    return f"{route.kind} cannot {route.intent}, and the rule wants no correction sent"


def _want(
    session: Session,
    publication: Publication,
    revision: Revision,
    route: Route,
    now: datetime,
) -> None:
    row = session.get(Carried, (route.outlet_id, publication.id)) or Carried(
        authority_id=publication.authority_id,
        outlet_id=route.outlet_id,
        publication_id=publication.id,
    )
    row.wanted_rev = None if route.intent is Intent.WITHDRAW else revision.no
    row.ended_at = now if revision.ended_as else None
    row.since = now
    row.refused = ""
    session.add(row)
    change(session, route.outlet_id, publication.authority_id, route.lane, now)


def _nudge(session: Session, what: str, row_id: int | None, lane: Lane) -> None:
    db.after_commit(session, lambda: nudges.send(what, row_id or 0, lane))
