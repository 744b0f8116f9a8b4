"""What the workers and the sweep would do, in this process and at once."""

from sqlmodel import col, select

from hub import db
from hub.dispatch import displays, messengers
from hub.models import Delivery, DisplayRow


def work_all(rounds: int = 10) -> None:
    """Work every row that is due, until a round finds nothing to do."""
    for _ in range(rounds):
        with db.reading(db.EVERYWHERE) as session:
            shown = session.exec(
                select(DisplayRow.outlet_id).where(col(DisplayRow.due_at).is_not(None))
            ).all()
            told = session.exec(select(Delivery.id).where(col(Delivery.due_at).is_not(None))).all()
        done = [displays.work(i) for i in shown] + [messengers.work(i or 0) for i in told]
        if not any(done):
            return
