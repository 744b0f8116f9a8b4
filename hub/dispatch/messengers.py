"""Messengers: the delivery's frame, common to targets and shards.

claim takes the delivery and freezes whom it addresses; then `targets` or `shards` open, wire and
close piece by piece; `finish` says how it ended.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col

from hub import audit, changes, clock, db, notices, nudges, outlets, registry
from hub.contracts import (
    AdapterFailure,
    Capabilities,
    Message,
    NotConfigured,
    Notice,
    TemporaryFailure,
)
from hub.dispatch import freezing, lanes, leases, shards, targets
from hub.models import (
    Authority,
    Delivery,
    Outlet,
    Publication,
    Revision,
    Station,
)
from hub.rules.plan import Route
from hub.vocabulary import (
    DELIVERY_MOVES,
    DeliveryState,
    Intent,
    Lane,
    check_move,
)

log = structlog.get_logger()

MOST_TRIES = 12


@dataclass(slots=True)
class Speaking:
    """A claimed delivery and all that is needed to speak without a session."""

    delivery: Delivery
    outlet: Outlet
    notice: Notice
    route: Route
    locale: str

    @property
    def capabilities(self) -> Capabilities:
        known: Capabilities = registry.channel(self.outlet.kind).capabilities
        return known

    def message(self, intent: Intent, language: str = "") -> Message:
        """The wire form for an intent, in `language` where the notice speaks it, else in the
        authority's first. Raises PermanentFailure."""
        locale = language if language in self.notice.texts else self.locale
        made: Message = outlets.adapter(self.outlet).render([self.notice], intent, locale)
        return made


def work(delivery_id: int) -> bool:
    """Claim the delivery and speak until it is done, due later, or something urgent is open."""
    speaking = claim(delivery_id)
    if speaking is None:
        return False
    try:
        if speaking.capabilities.addresses == "subscriptions":
            wait = shards.run(speaking)
        else:
            wait = targets.run(speaking)
    except AdapterFailure as failure:
        put_back(speaking, failure)
        return False
    except Exception as bug:
        log.exception("delivery failed", delivery=delivery_id, outlet=speaking.outlet.code)
        put_back(speaking, TemporaryFailure(f"internal error: {type(bug).__name__}"))
        return False
    finish(speaking, wait)
    return True


def claim(delivery_id: int) -> Speaking | None:
    """Take the delivery, open it, freeze its addresses. None when there is nothing to do."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        if lanes.held(session):
            return None
        mine = leases.claim(
            session,
            Delivery,
            delivery_id,
            col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
            col(Delivery.due_at) <= now,
        )
        if not mine:
            return None
        delivery = session.get_one(Delivery, delivery_id)
        if delivery.expires <= now:
            _move(delivery, DeliveryState.EXPIRED, now, "expired before it could be said")
            session.add(delivery)
            return None
        speaking = read(session, delivery)
        if delivery.state == DeliveryState.WAITING:
            delivery.state = check_move(
                DELIVERY_MOVES, DeliveryState(delivery.state), DeliveryState.OPEN
            )
            delivery.changed = now
        if speaking.capabilities.addresses == "subscriptions":
            delivery.opened_at = delivery.opened_at or now
        else:
            freezing.freeze_targets(session, delivery, speaking)
            targets.settle_interrupted(session, delivery, speaking)
            delivery.opened_at = delivery.opened_at or now
        session.add(delivery)
        return speaking


def read(session: Session, delivery: Delivery) -> Speaking:
    """The delivery with its outlet and notice, detached from any session."""
    publication = session.get_one(Publication, delivery.publication_id)
    authority = session.get_one(Authority, delivery.authority_id)
    route = Route.model_validate(delivery.route)
    notice = notices.notice_of(
        session.get_one(Revision, delivery.revision_id),
        publication,
        authority,
        session.get_one(Station, publication.station_id),
        Intent(delivery.intent),
    )
    return Speaking(
        delivery=delivery,
        outlet=session.get_one(Outlet, delivery.outlet_id),
        notice=notice,
        route=route,
        locale=authority.languages[0],
    )


def finish(speaking: Speaking, wait: timedelta | None) -> None:
    """Release the delivery: over, or due again after `wait`."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        delivery = session.get_one(Delivery, speaking.delivery.id)
        if delivery.lease != leases.me():
            return
        delivery.lease = ""
        if delivery.state == DeliveryState.OPEN:
            if wait is not None:
                delivery.due_at = now + wait
            else:
                state, reason = _verdict(delivery)
                _move(delivery, state, now, reason)
        session.add(delivery)
        changes.bump(session)


def put_back(speaking: Speaking, failure: AdapterFailure) -> None:
    """The whole call failed: later for what may pass, over for what will not."""
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        delivery = session.get_one(Delivery, speaking.delivery.id)
        if delivery.lease != leases.me():
            return
        delivery.lease = ""
        delivery.tries += 1
        delivery.reason = failure.reason
        shards.close_mine(session, delivery, failure.reason)
        if isinstance(failure, TemporaryFailure) and delivery.tries < MOST_TRIES:
            seconds = failure.retry_after or min(2**delivery.tries, 300)
            delivery.due_at = now + timedelta(seconds=seconds)
            targets.put_back_sending(session, delivery, failure.reason)
        elif delivery.state == DeliveryState.OPEN:
            if isinstance(failure, NotConfigured):  # a person mends it, then resends
                targets.put_back_sending(session, delivery, failure.reason)
            else:
                targets.reject_open(session, delivery, failure.reason)
            _move(delivery, DeliveryState.FAILED, now, failure.reason)
        session.add(delivery)


def resend(session: Session, delivery: Delivery, actor: str) -> int:
    """A person asks again for the uncertain targets of a delivery, and for those that wait since
    its outlet was refused; returns how many."""
    count = targets.reopen(session, delivery)
    if count:
        now = clock.now()
        delivery.state = DeliveryState.OPEN
        delivery.uncertain = 0
        delivery.due_at = now
        delivery.closed_at = None
        delivery.changed = now
        delivery.expires = max(delivery.expires, now + timedelta(hours=1))
        session.add(delivery)
        thing = f"publication:{delivery.publication_id}"
        audit.note(
            session, delivery.authority_id, actor, "resend", thing, outlet=delivery.outlet_id
        )
        lane = Lane(delivery.lane)
        db.after_commit(session, lambda: nudges.send("delivery", delivery.id or 0, lane))
    return count


def _verdict(delivery: Delivery) -> tuple[DeliveryState, str]:
    if delivery.uncertain:
        return DeliveryState.UNCERTAIN, f"{delivery.uncertain} uncertain"
    if delivery.rejected and not delivery.accepted:
        return DeliveryState.FAILED, delivery.reason or f"{delivery.rejected} rejected"
    if delivery.total == 0:
        return DeliveryState.DONE, "nobody to tell"
    return DeliveryState.DONE, f"{delivery.rejected} rejected" if delivery.rejected else ""


def _move(delivery: Delivery, to: DeliveryState, now: datetime, reason: str) -> None:
    delivery.state = check_move(DELIVERY_MOVES, DeliveryState(delivery.state), to)
    delivery.reason = reason
    delivery.due_at = None
    delivery.lease = ""
    delivery.closed_at = now
    delivery.changed = now
