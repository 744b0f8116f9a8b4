"""Messengers: the delivery's frame, common to targets and shards.

`claim` takes the delivery. Addresses told one by one stay with that worker: `targets` opens, wires
and closes them, `finish` says how it ended. A push is only held while its audience is written down
(`frame`); then any number of workers take its shards (`fanout`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

import structlog
from sqlmodel import Session, col, select

from hub import audit, changes, clock, db, notices, nudges, outlets, registry
from hub.again import retried
from hub.contracts import (
    AdapterFailure,
    Capabilities,
    Message,
    NotConfigured,
    Notice,
    TemporaryFailure,
)
from hub.dispatch import endings, fanout, freezing, lanes, leases, targets
from hub.dispatch.among import among
from hub.dispatch.patience import persist
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
    """What a nudge asks for: of a push the turns that are due (see fanout), else claim the delivery
    and speak until it is done, or due later."""
    return fanout.work(delivery_id) if is_push(delivery_id) else speak(delivery_id)


def is_push(delivery_id: int) -> bool:
    """Whether it is told in shards of phones."""
    with db.reading(db.EVERYWHERE) as session:
        kind = session.exec(select(Delivery.kind).where(Delivery.id == delivery_id)).first()
    return kind is not None and in_shards(kind)


def in_shards(kind: str) -> bool:
    """Whether a kind addresses phones."""
    return bool(registry.channel(kind).capabilities.addresses == "subscriptions")


def speak(delivery_id: int) -> bool:
    """Targets: claim, then open, wire, close until nobody is left."""
    speaking = persist(lambda: claim(delivery_id))
    if speaking is None:
        return False
    left = False
    try:
        wait = targets.run(speaking)
    except AdapterFailure as failure:
        trouble = failure
    except Exception as bug:
        log.exception("delivery failed", delivery=delivery_id, outlet=speaking.outlet.code)
        trouble, left = TemporaryFailure(f"internal error: {type(bug).__name__}"), True
    else:
        persist(lambda: finish(speaking, wait))
        return True
    persist(lambda: put_back(speaking, trouble, left))
    return False


def ready(delivery_ids: Sequence[int]) -> list[tuple[Speaking, "freezing.Written | None"]]:
    """Of these pushes those that may be told now, ready to be spoken: with whom they address where
    nobody has written that down yet. (What stands otherwise is for `frame`.)"""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        if lanes.held(session):
            return []
        found: list[tuple[Speaking, freezing.Written | None]] = []
        for speaking in _read_all(session, delivery_ids):
            delivery = speaking.delivery
            if delivery.expires <= now or delivery.lease:
                continue
            if not delivery.frozen and delivery.state in (
                DeliveryState.WAITING,
                DeliveryState.OPEN,
            ):
                found.append((speaking, freezing.addressed(session, speaking)))
            elif delivery.frozen and delivery.state == DeliveryState.OPEN:
                found.append((speaking, None))
        return found


def frame(delivery_id: int) -> Speaking | None:
    """A push: ready to be spoken by this worker, its audience written down. The first worker does
    that; others join as soon as there is a shard. None when there is nothing to do."""
    with db.reading(db.EVERYWHERE) as session:
        if lanes.held(session):
            return None
        delivery = session.get(Delivery, delivery_id)
        if delivery is None or delivery.state not in (DeliveryState.WAITING, DeliveryState.OPEN):
            return None
        there = delivery.frozen or (delivery.lease and freezing.begun(session, delivery_id))
        if delivery.state == DeliveryState.OPEN and there:
            return read(session, delivery)
    speaking = claim(delivery_id)
    if speaking is None or not freezing.freeze_phones(speaking):
        return None
    return speaking


@retried
def claim(delivery_id: int) -> Speaking | None:
    """Take the delivery, open it; freeze its addresses where they are told one by one. None when
    there is nothing to do."""
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
            endings.move(delivery, DeliveryState.EXPIRED, "expired before it could be said", now)
            session.add(delivery)
            return None
        lanes.took_turns(session, [(delivery.authority_id, delivery.lane)])
        speaking = read(session, delivery)
        if delivery.state == DeliveryState.WAITING:
            delivery.state = check_move(
                DELIVERY_MOVES, DeliveryState(delivery.state), DeliveryState.OPEN
            )
            delivery.changed = now
        delivery.opened_at = delivery.opened_at or now
        if speaking.capabilities.addresses != "subscriptions":
            freezing.freeze_targets(session, delivery, speaking)
            targets.settle_interrupted(session, delivery, speaking)
        session.add(delivery)
        return speaking


def read(session: Session, delivery: Delivery) -> Speaking:
    """The delivery with its outlet and notice, detached from any session."""
    return _read_all(session, [delivery.id or 0])[0]


def _read_all(session: Session, delivery_ids: Sequence[int]) -> list[Speaking]:
    """The same of several, those that there are."""
    rows = session.exec(
        select(Delivery, Outlet, Publication, Revision, Authority, Station)  # type: ignore[call-overload]
        .join(Outlet, col(Outlet.id) == Delivery.outlet_id)
        .join(Publication, col(Publication.id) == Delivery.publication_id)
        .join(Revision, col(Revision.id) == Delivery.revision_id)
        .join(Authority, col(Authority.id) == Delivery.authority_id)
        .join(Station, col(Station.id) == Publication.station_id)
        .where(among(col(Delivery.id), delivery_ids))
    ).all()
    return [
        Speaking(
            delivery=delivery,
            outlet=outlet,
            notice=notices.notice_of(
                revision, publication, authority, station, Intent(delivery.intent)
            ),
            route=Route.model_validate(delivery.route),
            locale=authority.languages[0],
        )
        for delivery, outlet, publication, revision, authority, station in rows
    ]


@retried
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
                endings.move(delivery, *endings.verdict(delivery), now)
        session.add(delivery)
        changes.bump(session)


@retried
def put_back(speaking: Speaking, failure: AdapterFailure, left: bool = False) -> None:
    """The whole call failed: later for what may pass, over for what will not. (Of a push no worker
    holds the delivery, so any of them may say so.) `left`: what was open may be told all the same;
    it is not told again by itself."""
    now = clock.now()
    sharded = speaking.capabilities.addresses == "subscriptions"
    with db.writing(db.EVERYWHERE) as session:
        delivery = session.get_one(Delivery, speaking.delivery.id)
        if delivery.lease != ("" if sharded else leases.me()):
            return
        delivery.lease = ""
        delivery.tries += 1
        delivery.reason = failure.reason
        if left and not sharded:
            targets.settle_interrupted(session, delivery, speaking)
        if isinstance(failure, TemporaryFailure) and delivery.tries < MOST_TRIES:
            seconds = failure.retry_after or min(2**delivery.tries, 300)
            delivery.due_at = now + timedelta(seconds=seconds)
            targets.put_back_sending(session, delivery, failure.reason)
        elif delivery.state == DeliveryState.OPEN:
            if isinstance(failure, NotConfigured):  # a person mends it, then resends
                targets.put_back_sending(session, delivery, failure.reason)
            else:
                targets.reject_open(session, delivery, failure.reason)
            endings.move(delivery, DeliveryState.FAILED, failure.reason, now)
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
