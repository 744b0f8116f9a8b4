"""Displays, worked by outlet: read all it shall show in one read, say it under the number read,
leave it due if the number moved meanwhile.

Two workers composing one panel would let the older publish land last (seen on two brokers), so an
outlet has one lease; and a worker that wakes up after its lease was broken cannot close.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session, col, select

from hub import changes, clock, db, notices, outbox, outlets, shelf, vault
from hub.contracts import (
    AdapterFailure,
    Notice,
    OutletView,
    Said,
    TemporaryFailure,
)
from hub.dispatch import leases
from hub.models import (
    Attempt,
    Authority,
    Carried,
    Delivery,
    DisplayRow,
    Memo,
    Outlet,
    Publication,
    Revision,
    Station,
)
from hub.vocabulary import DeliveryState, Intent, Lane

log = structlog.get_logger()

TOMBSTONES = timedelta(days=30)
_LONGEST_WAIT_S = 300


@dataclass(frozen=True, slots=True)
class Telling:
    """What one display is about to be told, under which numbers."""

    outlet: Outlet
    view: OutletView
    wanted_no: int
    notices: tuple[Notice, ...]
    ended: tuple[Notice, ...]
    attempt_id: int = 0
    revisions: Mapping[str, int] = field(default_factory=dict)


def work(outlet_id: int) -> bool:
    """Claim, open, wire, close. False when there was nothing to do or another worker does it."""
    if not claim(outlet_id):
        return False
    telling = open_(outlet_id)
    if telling is None:
        return False
    try:
        said = wire(telling)
    except AdapterFailure as failure:
        put_back(telling, failure)
        return False
    except Exception as bug:
        log.exception("display failed", outlet=telling.outlet.code)
        put_back(telling, TemporaryFailure(f"internal error: {type(bug).__name__}"))
        return False
    try:
        close(telling, said)
    except AdapterFailure as failure:  # what was said cannot be kept: another outlet has its path
        put_back(telling, failure)
        return False
    return True


def claim(outlet_id: int) -> bool:
    with db.writing(db.EVERYWHERE) as session:
        if _second_hub(session):
            return False
        return leases.claim(session, DisplayRow, outlet_id, col(DisplayRow.due_at) <= clock.now())


def open_(outlet_id: int) -> Telling | None:
    """Read what it shall show and take the next wire number; both durable before the wire."""
    now = clock.now()
    with db.writing(db.EVERYWHERE, durable=True) as session:
        row = session.get_one(DisplayRow, outlet_id)
        if row.lease != leases.me():
            return None
        telling = read(session, outlet_id, now)
        row.say_no = max(row.say_no + 1, clock.unix_ms(), row.reported_no + 1)
        attempt = Attempt(
            authority_id=row.authority_id,
            outlet_id=outlet_id,
            worker=leases.me(),
            count=len(telling.notices),
        )
        session.add_all([row, attempt])
        session.flush()
        return Telling(
            outlet=telling.outlet,
            view=replace(telling.view, say_no=row.say_no),
            wanted_no=row.wanted_no,
            notices=telling.notices,
            ended=telling.ended,
            attempt_id=attempt.id or 0,
            revisions=telling.revisions,
        )


def wire(telling: Telling) -> Said:
    """The only step that touches the network; no session is open. Raises AdapterFailure."""
    said: Said = outlets.adapter(telling.outlet).show(
        telling.view, telling.notices, telling.ended, clock.now()
    )
    return said


def close(telling: Telling, said: Said) -> None:
    """Write down what was said; what is shown too, where saying is showing."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(DisplayRow, telling.outlet.id)
        if row.lease != leases.me() or row.say_no != telling.view.say_no:
            return  # broken and taken over: the other's word counts
        row.said_no = telling.wanted_no
        row.said_at = now
        row.lease = ""
        row.tries = 0
        row.trouble = ""
        row.lane = Lane.NORMAL
        row.evidence = dict(said.evidence)
        _write_said(session, telling, said, now)
        if said.shown:
            shelf.store(session, row.outlet_id, row.authority_id, said, now)
            row.shown_no = telling.wanted_no
            row.shown_at = now
        if row.wanted_no != telling.wanted_no:
            row.due_at = now
        else:
            row.due_at = said.next_change_at
        row.next_change_at = said.next_change_at
        session.add(row)
        changes.bump(session)
        _close_attempt(session, telling, "accepted", now)


def put_back(telling: Telling, failure: AdapterFailure) -> None:
    """It surely was not said: say it again later; what a person must mend is asked less often."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(DisplayRow, telling.outlet.id)
        if row.lease != leases.me():
            return
        row.lease = ""
        row.tries += 1
        row.trouble = failure.reason
        wait = _LONGEST_WAIT_S
        if isinstance(failure, TemporaryFailure):
            wait = int(failure.retry_after or min(2**row.tries, 60))
        row.due_at = now + timedelta(seconds=min(wait, _LONGEST_WAIT_S))
        session.add(row)
        changes.bump(session)
        _close_attempt(session, telling, "failed", now, failure.reason)


def render_afresh(outlet_id: int) -> Said | None:
    """What a display of documents would say at this moment, from the web role, no worker needed:
    an expiry holds with every worker stopped. Writes nothing."""
    with db.reading(db.EVERYWHERE) as session:
        row = session.get(DisplayRow, outlet_id)
        if row is None:
            return None
        telling = read(session, outlet_id, clock.now())
        view = replace(telling.view, say_no=row.say_no)
    said: Said = outlets.adapter(telling.outlet).show(
        view, telling.notices, telling.ended, clock.now()
    )
    return said


def read(session: Session, outlet_id: int, now: datetime) -> Telling:
    """All the outlet shall show now, newest first, in three queries."""
    outlet = session.get_one(Outlet, outlet_id)
    authority = session.get_one(Authority, outlet.authority_id)
    stations = {
        s.id: s
        for s in session.exec(
            select(Station).where(Station.authority_id == outlet.authority_id)
        ).all()
    }
    live = session.exec(
        select(Carried, Revision, Publication, Delivery.route)
        .join(
            Revision,
            (col(Revision.publication_id) == Carried.publication_id)
            & (col(Revision.no) == Carried.wanted_rev),
        )
        .join(Publication, col(Publication.id) == Carried.publication_id)
        .join(
            Delivery,
            (col(Delivery.revision_id) == Revision.id) & (col(Delivery.outlet_id) == outlet_id),
            isouter=True,
        )
        .where(Carried.outlet_id == outlet_id, Revision.expires > now)
        .order_by(col(Revision.sent).desc(), col(Publication.id).desc())
    ).all()
    ended = session.exec(
        select(Carried, Revision, Publication)
        .join(Publication, col(Publication.id) == Carried.publication_id)
        .join(
            Revision,
            (col(Revision.publication_id) == Carried.publication_id)
            & (col(Revision.no) == Publication.revision_no),
        )
        .where(
            Carried.outlet_id == outlet_id,
            col(Carried.ended_at) > now - TOMBSTONES,
            col(Revision.ended_as).is_not(None),
        )
        .order_by(col(Revision.sent).desc(), col(Publication.id).desc())
    ).all()
    carried = tuple(
        notices.notice_of(
            revision,
            publication,
            authority,
            stations[publication.station_id],
            Intent.PUBLISH if revision.no == 1 else Intent.UPDATE,
            _hour_of(route),
        )
        for _, revision, publication, route in live
    )
    gone = tuple(
        notices.notice_of(
            revision, publication, authority, stations[publication.station_id], Intent.WITHDRAW
        )
        for _, revision, publication in ended
    )
    return Telling(
        outlet=outlet,
        view=_view(session, outlet, 0),
        wanted_no=0,
        notices=carried,
        ended=gone,
        revisions={n.publication: n.revision for n in carried},
    )


def _hour_of(route: Mapping[Any, Any] | None) -> datetime | None:
    text = route.get("not_before") if route else None
    return datetime.fromisoformat(text) if text else None


def _view(session: Session, outlet: Outlet, say_no: int) -> OutletView:
    authority = session.get_one(Authority, outlet.authority_id)
    station = session.get(Station, outlet.station_id) if outlet.station_id else None
    return OutletView(
        id=outlet.id or 0,
        code=outlet.code,
        name=outlet.name,
        authority=authority.code,
        authority_name=authority.name,
        timezone=authority.timezone,
        languages=tuple(authority.languages),
        say_no=say_no,
        station=station.code if station else "",
        signing_key=vault.unseal(authority.signing_key, "signing-key")
        if authority.signing_key
        else b"",
        key_id=authority.key_id,
        longitude=outlet.longitude,
        latitude=outlet.latitude,
    )


def _write_said(session: Session, telling: Telling, said: Said, now: datetime) -> None:
    rows = session.exec(
        select(Carried).where(
            Carried.outlet_id == telling.outlet.id,
            col(Carried.said_rev).is_not(None)
            | col(Carried.wanted_rev).is_not(None)
            | col(Carried.shown_rev).is_not(None),
        )
    ).all()
    for row in rows:
        revision = telling.revisions.get(row.publication_id)
        refusal = said.refused.get(row.publication_id)
        row.said_rev = None if refusal else revision
        row.said_say_no = telling.view.say_no
        row.refused = f"{refusal.reason} {refusal.what_would_fit}".strip() if refusal else ""
        if said.shown:
            row.shown_rev = row.said_rev
            row.since = now
        session.add(row)
    settle(session, telling.outlet.id or 0, now)


def settle(session: Session, outlet_id: int, now: datetime) -> None:
    """Bring the deliveries of a display in line with what it says and shows."""
    rows = session.exec(
        select(Delivery, Carried)
        .join(
            Carried,
            (col(Carried.outlet_id) == Delivery.outlet_id)
            & (col(Carried.publication_id) == Delivery.publication_id),
        )
        .where(
            Delivery.outlet_id == outlet_id,
            col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
        )
    ).all()
    for delivery, row in rows:
        wanted = None if delivery.intent == Intent.WITHDRAW else delivery.revision_no
        was = delivery.state
        if row.refused:
            delivery.state, delivery.reason = DeliveryState.FAILED, row.refused
        elif row.shown_rev == wanted and row.said_rev == wanted:
            delivery.state, delivery.reason = DeliveryState.DONE, ""
            delivery.first_at = delivery.first_at or now
        elif row.said_rev == wanted:
            delivery.state = DeliveryState.OPEN
        if delivery.state != was:
            delivery.changed = now
            delivery.opened_at = delivery.opened_at or now
            if delivery.state != DeliveryState.OPEN:
                delivery.closed_at = now
            session.add(delivery)


def _close_attempt(
    session: Session, telling: Telling, outcome: str, now: datetime, detail: str = ""
) -> None:
    attempt = session.get_one(Attempt, telling.attempt_id)
    attempt.finished, attempt.outcome, attempt.detail = now, outcome, detail
    session.add(attempt)


def _second_hub(session: Session) -> bool:
    """Another live hub speaks on our broker: say nothing until a person has looked."""
    memo = session.get(Memo, "second_hub")
    return bool(memo and memo.number)


def due_again(session: Session, outlet_id: int) -> None:
    """What is said is not what should be: say it again, under a new number."""
    row = session.get(DisplayRow, outlet_id)
    if row is not None:
        outbox.change(session, outlet_id, row.authority_id, Lane.NORMAL, clock.now())
