"""From a plan to promises: delivery rows, and wanted numbers on the displays. The transaction that
makes a revision calls this; a nudge to the workers follows its commit, and where the nudge is lost
the sweep finds the rows.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from hub import changes, clock, db, nudges, registry
from hub.models import Carried, Delivery, DisplayRow, Outlet, Publication, Revision, TargetRow
from hub.rules.plan import Plan, Route
from hub.vocabulary import LANE_ORDER, DeliveryState, Intent, Lane, TargetState

_SET: Final = 500
_FEW: Final = 8
_WAITING: Final = "outbox.displays"
_OPEN = (DeliveryState.WAITING, DeliveryState.OPEN)


def promise(session: Session, publication: Publication, revision: Revision, plan: Plan) -> None:
    """Write the deliveries of a plan and supersede what earlier revisions still had to say."""
    now = clock.now()
    _lock(session, publication, [r.outlet_id for r in plan.routes if registry.is_display(r.kind)])
    session.execute(
        update(Delivery)
        .where(
            col(Delivery.publication_id) == publication.id,
            col(Delivery.revision_no) < revision.no,
            col(Delivery.state).in_(_OPEN),
        )
        .values(state=DeliveryState.SUPERSEDED, due_at=None, closed_at=now, changed=now)
    )
    displays = [route for route in plan.routes if registry.is_display(route.kind)]
    others = [route for route in plan.routes if not registry.is_display(route.kind)]
    deliveries = [(_delivery(publication, revision, route, now), route) for route in others]
    session.add_all([delivery for delivery, _ in deliveries])
    _add_like(
        session,
        [_delivery(publication, revision, r, now) for r in displays[:1]],
        [
            {
                "outlet_id": route.outlet_id,
                "kind": route.kind,
                "intent": route.intent,
                "lane": route.lane,
                "state": DeliveryState.SUPPRESSED if route.suppressed else DeliveryState.WAITING,
                "reason": route.suppressed,
                "route": route.model_dump(mode="json"),
            }
            for route in displays
        ],
    )
    changes.bump(session)
    shown = [route for route in displays if not route.suppressed]
    _want(session, publication, revision, shown, now)
    session.flush()
    for delivery, route in deliveries:
        if delivery.state == DeliveryState.WAITING:
            _nudge(session, "delivery", delivery.id, route.lane)


def _add_like(session: Session, first: Sequence[Any], rows: Sequence[dict[str, Any]]) -> None:
    """New rows that differ from the first in a few columns: five thousand objects took a second to
    make and another to write."""
    for one in first:
        common = one.model_dump(exclude={"id"})
        session.flush()
        session.connection().execute(insert(type(one).__table__), [common | row for row in rows])


def expire(session: Session, publication: Publication) -> None:
    """Time is over: displays are to carry it no longer, what was not said is not said any more."""
    now = clock.now()
    _lock(session, publication, [])
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
    owner = publication.authority_id
    change_many(session, {row.outlet_id: owner for row in rows}, Lane.NORMAL, now)
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
    (row,) = change_many(session, {outlet_id: authority_id}, lane, due)
    return row


def change_many(
    session: Session, owners: Mapping[int, int], lane: Lane, due: datetime
) -> list[DisplayRow]:
    """`change` for many; `owners`: outlet to authority. Always locked in the order of the outlets:
    two writers must not wait for each other."""
    known = _by_outlet(session, DisplayRow, sorted(owners))
    rows = []
    for outlet_id, authority_id in sorted(owners.items()):
        row = known.get(outlet_id) or DisplayRow(outlet_id=outlet_id, authority_id=authority_id)
        row.wanted_no += 1
        row.tries = 0
        row.due_at = min(due, row.due_at) if row.due_at else due
        if row.wanted_no == row.said_no + 1 or LANE_ORDER[lane] < LANE_ORDER[Lane(row.lane)]:
            row.lane = lane
        session.add(row)
        rows.append(row)
        _nudge_display(session, outlet_id, Lane(row.lane))
    changes.bump(session)
    return rows


def _lock(session: Session, publication: Publication, outlet_ids: Sequence[int]) -> None:
    """Displays before what they carry and before deliveries, as a worker that closes does: in any
    other order two transactions may wait for each other."""
    carrying = session.exec(
        select(Carried.outlet_id).where(Carried.publication_id == publication.id)
    ).all()
    _by_outlet(session, DisplayRow, sorted({*outlet_ids, *carrying}))


def _by_outlet(session: Session, table: Any, outlet_ids: Sequence[int], *where: Any) -> Any:
    """Rows of the table by outlet, read 500 at a time; locked where the database locks rows."""
    found = {}
    for start in range(0, len(outlet_ids), _SET):
        part = outlet_ids[start : start + _SET]
        rows = session.exec(
            select(table)
            .where(col(table.outlet_id).in_(part), *where)
            .order_by(col(table.outlet_id))
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        found.update({row.outlet_id: row for row in rows})
    return found


def _delivery(
    publication: Publication, revision: Revision, route: Route, now: datetime
) -> Delivery:
    shown = registry.is_display(route.kind)
    suppressed = route.suppressed or ("" if shown else _impossible(route))
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
        due_at=None if suppressed or shown else max(route.not_before or now, now),
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
    routes: Sequence[Route],
    now: datetime,
) -> None:
    """The revision is wanted on every display of `routes`, or gone from it."""
    ids = sorted(route.outlet_id for route in routes)
    known = _by_outlet(session, Carried, ids, Carried.publication_id == publication.id)
    by_lane: dict[Lane, dict[int, int]] = {}
    new: dict[int, dict[str, Any]] = {}
    for route in routes:
        wanted = None if route.intent is Intent.WITHDRAW else revision.no
        ended = now if revision.ended_as else None
        row = known.get(route.outlet_id)
        if row is None:
            new[route.outlet_id] = {
                "outlet_id": route.outlet_id,
                "wanted_rev": wanted,
                "ended_at": ended,
            }
        else:
            row.wanted_rev, row.ended_at, row.since, row.refused = wanted, ended, now, ""
            session.add(row)
        by_lane.setdefault(route.lane, {})[route.outlet_id] = publication.authority_id
    like = Carried(
        authority_id=publication.authority_id, outlet_id=0, publication_id=publication.id, since=now
    )
    _add_like(session, [like] if new else [], list(new.values()))
    for lane, owners in by_lane.items():
        change_many(session, owners, lane, now)


def _nudge(session: Session, what: str, row_id: int | None, lane: Lane) -> None:
    db.after_commit(session, lambda: nudges.send(what, row_id or 0, lane))


def _nudge_display(session: Session, outlet_id: int, lane: Lane) -> None:
    """Displays changed by one transaction are nudged together."""
    waiting = session.info.get(_WAITING)
    if waiting is None:
        waiting = session.info[_WAITING] = {}
        db.after_commit(session, lambda: _nudge_displays(waiting))
    waiting[outlet_id] = lane


def _nudge_displays(lanes: Mapping[int, Lane]) -> None:
    """One nudge for up to 500 displays of a kind that is told in sets: who works one of them works
    the others, too."""
    if len(lanes) <= _FEW:
        kinds: dict[int, str] = {}
    else:
        with db.reading(db.EVERYWHERE) as session:
            kinds = dict(session.exec(select(Outlet.id, Outlet.kind)).all())  # type: ignore[arg-type]
    sets: dict[tuple[str, Lane], int] = {}
    for outlet_id, lane in lanes.items():
        kind = kinds.get(outlet_id, "")
        if kind and registry.in_sets(kind):
            place = sets[(kind, lane)] = sets.get((kind, lane), -1) + 1
            if place % _SET:
                continue
        nudges.send("display", outlet_id, lane)
