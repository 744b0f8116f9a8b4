"""A hub that can say "I am blind": every five minutes a synthetic publication takes the real way,
rules, plan, delivery, worker, to a hidden null outlet. When it came through last is on /health.
"""

from datetime import timedelta

from sqlalchemy import delete
from sqlmodel import Session, col, select

from hub import accounts, clock, db, memos, publishing
from hub.models import (
    Attempt,
    AuditEvent,
    Authority,
    Delivery,
    Outlet,
    Publication,
    Revision,
    Station,
    StoredPlan,
    TargetRow,
)
from hub.schemas import Content
from hub.vocabulary import DeliveryState, Status

CODE = accounts.SYNTHETIC
EVERY = timedelta(minutes=5)


def step() -> None:
    """Note whether the last one came through; make the next one when it is time."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        asked = memos.read(session, "synthetic.asked")
        if asked is not None and asked.text:
            done = session.exec(
                select(Delivery.closed_at).where(
                    Delivery.publication_id == asked.text, Delivery.state == DeliveryState.DONE
                )
            ).first()
        else:
            done = None
        due = asked is None or now - asked.at >= EVERY
    if done is not None or due:
        with db.writing(db.EVERYWHERE) as session:
            if done is not None and asked is not None:
                memos.write(session, "synthetic", 1)
                memos.write(session, "synthetic.asked", 1, "", at=asked.at)
            if due:
                _clear(session)
                memos.write(session, "synthetic.asked", 1, _publish(session))


def _publish(session: Session) -> str:
    station = session.exec(select(Station).where(Station.code == CODE)).first() or _make(session)
    content = Content.model_validate(
        {
            "headline": "Synthetic publication",
            "status": Status.TEST,
            "category": "other",
            "expires": clock.now() + timedelta(minutes=10),
        }
    )
    publication = publishing.create(session, "hub", station, content)
    publishing.publish(session, publication, "hub")
    return publication.id


def _make(session: Session) -> Station:
    authority = accounts.create_authority(session, CODE, "Synthetic", timezone="UTC")
    station = Station(authority_id=authority.id or 0, code=CODE, name="Synthetic")
    session.add(station)
    session.flush()
    session.add(
        Outlet(
            authority_id=authority.id or 0,
            station_id=station.id,
            code="null",
            name="Null",
            kind="null",
            tags=["test"],
        )
    )
    session.flush()
    return station


def _clear(session: Session) -> None:
    """The ones before: nobody asks for their history."""
    owner = session.exec(select(Authority).where(Authority.code == CODE)).first()
    if owner is None:
        return
    for table in (Attempt, TargetRow, Delivery, StoredPlan, Revision, AuditEvent, Publication):
        session.execute(delete(table).where(col(table.authority_id) == owner.id))
