"""What lets a worker start, and what makes it step aside."""

from sqlmodel import Session, col, select

from hub import clock
from hub.models import Delivery, Memo
from hub.vocabulary import Lane


def urgent_waits(session: Session) -> bool:
    """Whether something urgent is due and nobody holds it."""
    return (
        session.exec(
            select(Delivery.id)
            .where(
                Delivery.lane == Lane.URGENT,
                col(Delivery.due_at) <= clock.now(),
                Delivery.lease == "",
            )
            .limit(1)
        ).first()
        is not None
    )


def held(session: Session) -> bool:
    """The clock is in doubt: no messenger starts until a person confirms the time."""
    memo = session.get(Memo, "clock.hold")
    return bool(memo and memo.number)
