"""The sweep: once a second, what is due or lost. The rows are the truth; Redis may be emptied at
any moment, a nudge may be lost, a worker killed: this finds it again.
"""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from hub import (
    clock,
    db,
    memos,
    monitoring,
    nudges,
    polling,
    publishing,
    registry,
    reminders,
    synthetic,
)
from hub.dispatch import leases
from hub.models import (
    Delivery,
    DisplayRow,
    IdempotencyKey,
    Outlet,
    Publication,
    Shard,
)
from hub.vocabulary import DELIVERY_OVER, DeliveryState, Lane, PublicationState

log = structlog.get_logger()

PERIOD_S = 1.0
_NUDGE_AGAIN_S = 5.0
_STEP_S = 60.0
_REMIND_S = 30.0
_BATCH = 500
_WATCH_S = 5.0


class Sweeper:
    """One per instance, in the beat role."""

    def __init__(self) -> None:
        self._watch = leases.Watch()
        self._nudged: dict[tuple[str, int], float] = {}
        self._wall = clock.now()
        self._mono = clock.monotonic()
        self._tidied = 0.0
        self._reminded = 0.0
        self._heard: reminders.Heard = set()
        self._watched = 0.0

    def run(self, stop: Callable[[], bool]) -> None:
        """Sweep once a second until `stop()`; a failing sweep is logged and tried again."""
        self.start()
        while not stop():
            began = clock.monotonic()
            try:
                self.sweep()
            except Exception:
                log.exception("sweep failed")
                db.dispose()
            time.sleep(max(0.05, PERIOD_S - (clock.monotonic() - began)))

    def start(self) -> None:
        """A clock behind the latest time ever seen: messengers wait until a person confirms."""
        with db.writing(db.EVERYWHERE) as session:
            latest = memos.read(session, "clock.latest")
            if latest and clock.now() < latest.at - timedelta(seconds=5):
                memos.write(session, "clock.hold", 1, "the clock is behind the last time seen")

    def sweep(self) -> None:
        self.watch_clock()
        self.wake_publications()
        with db.writing(db.EVERYWHERE) as session:
            self.expire_deliveries(session)
            self._watch.break_stale(session)
        with db.reading(db.EVERYWHERE) as session:
            due = self.due(session)
        for what, row_id, lane in due:
            self._nudge(what, row_id, lane)
        synthetic.step()
        self.remind()
        if clock.monotonic() - self._watched > _WATCH_S:
            self._watched = clock.monotonic()
            monitoring.step()
        if clock.monotonic() - self._tidied > 3600:
            self.tidy()
            self._tidied = clock.monotonic()
        with db.writing(db.EVERYWHERE) as session:
            memos.write(session, "sweep", 1)

    def watch_clock(self) -> None:
        """A step of more than a minute stops messengers; endings still happen."""
        wall, mono = clock.now(), clock.monotonic()
        stepped = (wall - self._wall).total_seconds() - (mono - self._mono)
        self._wall, self._mono = wall, mono
        with db.writing(db.EVERYWHERE) as session:
            if abs(stepped) > _STEP_S:
                memos.write(session, "clock.hold", 1, f"the clock jumped by {stepped:.0f} s")
                log.warning("clock stepped", seconds=round(stepped))
            latest = memos.read(session, "clock.latest")
            if latest is None or wall > latest.at:
                memos.write(session, "clock.latest", 0)

    def wake_publications(self) -> None:
        """Scheduled drafts go live, live ones whose time is over end: each in its own transaction,
        so that one that cannot does not hold the others."""
        with db.reading(db.EVERYWHERE) as session:
            ids = session.exec(
                select(Publication.id)
                .where(col(Publication.wake_at) <= clock.now())
                .order_by(col(Publication.wake_at))
                .limit(_BATCH)
            ).all()
        for publication_id in ids:
            try:
                with db.writing(db.EVERYWHERE) as session:
                    publishing.wake(session, session.get_one(Publication, publication_id))
            except publishing.Held:
                with db.writing(db.EVERYWHERE) as session:
                    publishing.hold_scheduled(session, publication_id)
            except Exception:
                log.exception("could not wake", publication=publication_id)

    def expire_deliveries(self, session: Session) -> None:
        """What was not said before it expired is not said any more."""
        now = clock.now()
        session.execute(
            update(Delivery)
            .where(
                col(Delivery.due_at) <= now,
                col(Delivery.expires) <= now,
                col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
            )
            .values(
                state=DeliveryState.EXPIRED,
                reason="expired before it could be said",
                due_at=None,
                closed_at=now,
                changed=now,
            )
        )

    def due(self, session: Session) -> list[tuple[str, int, Lane]]:
        """(what, id, lane) of every row that waits for a worker now."""
        now = clock.now()
        found: list[tuple[str, int, Lane]] = []
        sets: set[tuple[str, str]] = set()
        for outlet_id, kind, lane in session.exec(
            select(DisplayRow.outlet_id, Outlet.kind, DisplayRow.lane)
            .join(Outlet, col(Outlet.id) == DisplayRow.outlet_id)
            .where(col(DisplayRow.due_at) <= now, DisplayRow.lease == "")
            .order_by(col(DisplayRow.due_at))
            .limit(_BATCH)
        ).all():
            if registry.in_sets(kind):
                if (kind, lane) in sets:
                    continue  # who works the first works them all
                sets.add((kind, lane))
            found.append(("display", outlet_id, Lane(lane)))
        for delivery_id, lane in session.exec(
            select(Delivery.id, Delivery.lane)
            .where(col(Delivery.due_at) <= now, Delivery.lease == "")
            .order_by(col(Delivery.due_at))
            .limit(_BATCH)
        ).all():
            found.append(("delivery", delivery_id or 0, Lane(lane)))
        for source_id in polling.due_sources(session, now, _BATCH):
            found.append(("source", source_id, Lane.BULK))
        return found

    def remind(self) -> None:
        """Reminders of the agenda, asked twice a minute: their hours are whole minutes."""
        if clock.monotonic() - self._reminded > _REMIND_S:
            self._reminded = clock.monotonic()
            try:
                reminders.step(heard=self._heard)
            except Exception:
                log.exception("reminders failed")

    def tidy(self) -> None:
        """Idempotency keys live a day, frozen audiences 30 days after the end."""
        now = clock.now()
        with db.writing(db.EVERYWHERE) as session:
            session.execute(
                delete(IdempotencyKey).where(col(IdempotencyKey.created) < now - timedelta(days=1))
            )
            ended = (
                select(Delivery.id)
                .join(Publication, col(Publication.id) == Delivery.publication_id)
                .where(
                    Publication.state == PublicationState.ENDED,
                    col(Publication.ended_at) < now - timedelta(days=30),
                    col(Delivery.state).in_([s.value for s in DELIVERY_OVER]),
                )
            )
            session.execute(delete(Shard).where(col(Shard.delivery_id).in_(ended)))

    def _nudge(self, what: str, row_id: int, lane: Lane) -> None:
        moment = clock.monotonic()
        if moment - self._nudged.get((what, row_id), -_NUDGE_AGAIN_S) < _NUDGE_AGAIN_S:
            return
        if nudges.crowded(what, lane):
            return
        self._nudged[(what, row_id)] = moment
        if len(self._nudged) > 20_000:
            self._nudged = {k: t for k, t in self._nudged.items() if moment - t < _NUDGE_AGAIN_S}
        try:
            nudges.send(what, row_id, lane)
        except Exception:
            log.warning("nudge lost", what=what)
