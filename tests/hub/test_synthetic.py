"""The synthetic publication takes the real way and is seen to have come through."""

from datetime import timedelta
from pathlib import Path

from sqlmodel import select

from hub import clock, db, memos, synthetic
from hub.dispatch import messengers
from hub.models import Delivery, Publication


def test_it_comes_through_and_the_ones_before_are_forgotten(hub_on_sqlite: Path) -> None:
    for minutes in (0, 6, 12):
        clock.set_offset(minutes * 60)
        synthetic.step()
        with db.reading(db.EVERYWHERE) as session:
            (delivery,) = session.exec(select(Delivery)).all()
            assert len(session.exec(select(Publication)).all()) == 1
        assert messengers.work(delivery.id)
        synthetic.step()
        with db.reading(db.EVERYWHERE) as session:
            came = memos.read(session, "synthetic")
        assert clock.now() - came.at < timedelta(minutes=1)


def test_a_dead_worker_leaves_the_age_growing(hub_on_sqlite: Path) -> None:
    synthetic.step()
    synthetic.step()
    with db.reading(db.EVERYWHERE) as session:
        assert memos.read(session, "synthetic") is None
