"""A worker dies between any two steps of an SMS: no number is told twice, none is lost silently."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import col, select

from hub import board, clock, db, publishing
from hub.api.outlets import add_numbers
from hub.dispatch import leases, messengers, targets
from hub.models import Authority, Delivery, Outlet, Publication, TargetRow
from hub.schemas import TextIn
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.operator import Operator
from tests.working import work_all

NUMBERS = [f"+33639980{i:03d}" for i in range(5)]


@pytest.fixture
def operator() -> Iterator[Operator]:
    with Operator() as made:
        yield made


@pytest.fixture
def here(hub_on_sqlite: Path, operator: Operator) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=operator.address)
    made = town()
    sms = outlet(made, "sms", options={"url": operator.url})
    with db.writing(made.id) as session:
        add_numbers(session, sms, NUMBERS, "fr")
    return made


def grave(here: Authority, headline: str = "Évacuez les berges de l'Isère") -> Delivery:
    """A grave publication; its SMS delivery."""
    with db.writing(here.id) as session:
        publication = publishing.create(
            session, "test", station(session, here), content(headline, severity="Severe")
        )
        publishing.publish(session, publication, "test")
    with db.reading(here.id) as session:
        return session.exec(select(Delivery).where(Delivery.publication_id == publication.id)).one()


def another_worker() -> None:
    """The process is gone; what the sweeper or a restart of the same worker does to its lease."""
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)


def states(delivery: Delivery) -> list[str]:
    with db.reading(db.EVERYWHERE) as session:
        rows = session.exec(
            select(TargetRow.state)
            .where(TargetRow.delivery_id == delivery.id)
            .order_by(col(TargetRow.id))
        ).all()
        return list(rows)


def test_killed_before_open_nothing_was_said_and_all_is_said_later(
    here: Authority, operator: Operator
) -> None:
    delivery = grave(here)
    assert messengers.claim(delivery.id)
    assert states(delivery) == ["pending"] * 5
    another_worker()
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)


def test_killed_between_open_and_wire_one_is_uncertain_and_named(
    here: Authority, operator: Operator
) -> None:
    delivery = grave(here)
    speaking = messengers.claim(delivery.id)
    assert targets.open_(speaking)
    another_worker()
    work_all()
    assert sum(operator.counts().values()) == 4
    assert max(operator.counts().values()) == 1
    assert sorted(states(delivery)) == ["accepted"] * 4 + ["uncertain"]
    with db.reading(here.id) as session:
        (row,) = board.rows(session, delivery.publication_id)
    assert (row.state, row.ok, row.evidence["uncertain"]) == ("uncertain", False, 1)


def test_killed_between_wire_and_close_the_told_one_is_not_told_again(
    here: Authority, operator: Operator
) -> None:
    delivery = grave(here)
    speaking = messengers.claim(delivery.id)
    opened = targets.open_(speaking)
    targets.wire(speaking, opened)
    another_worker()
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)
    assert sorted(states(delivery)) == ["accepted"] * 4 + ["uncertain"]


def test_a_person_resends_and_nobody_is_missing(here: Authority, operator: Operator) -> None:
    delivery = grave(here)
    assert targets.open_(messengers.claim(delivery.id))
    another_worker()
    work_all()
    with db.writing(here.id) as session:
        row = session.get_one(Delivery, delivery.id)
        assert messengers.resend(session, row, "member:1") == 1
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)
    assert states(delivery) == ["accepted"] * 5
    with db.reading(here.id) as session:
        assert session.get_one(Delivery, delivery.id).state == "done"


def test_a_worker_whose_lease_was_broken_writes_nothing_more(
    here: Authority, operator: Operator
) -> None:
    delivery = grave(here)
    speaking = messengers.claim(delivery.id)
    another_worker()
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(Delivery, delivery.id)
        row.lease = "elsewhere/worker/1"
        session.add(row)
    assert targets.open_(speaking) == []
    messengers.finish(speaking, None)
    with db.reading(here.id) as session:
        assert session.get_one(Delivery, delivery.id).lease == "elsewhere/worker/1"


def test_a_refusing_operator_fails_and_says_why(here: Authority, operator: Operator) -> None:
    operator.answer = "refuse"
    delivery = grave(here)
    work_all()
    with db.reading(here.id) as session:
        row = session.get_one(Delivery, delivery.id)
    assert (row.state, row.rejected) == ("failed", 5)
    assert row.reason


def test_a_new_revision_stops_what_the_old_one_had_left_to_say(
    here: Authority, operator: Operator
) -> None:
    delivery = grave(here)
    speaking = messengers.claim(delivery.id)
    opened = targets.open_(speaking)
    targets.close(speaking, opened, targets.wire(speaking, opened))
    with db.writing(here.id) as session:
        publication = session.get_one(Publication, delivery.publication_id)
        publishing.revise(
            session, publication, content("Évacuez aussi la gare", severity="Severe"), "test"
        )
    assert targets.open_(speaking) == []
    messengers.finish(speaking, None)
    work_all()
    texts = [text for _, text in operator.log]
    assert len(texts) == 6
    assert sum("gare" in text for text in texts) == 5
    assert operator.counts()[NUMBERS[0]] == 2


def test_after_a_wrong_password_is_mended_a_resend_reaches_all(
    here: Authority, operator: Operator
) -> None:
    operator.answer = "401"
    delivery = grave(here)
    work_all()
    with db.reading(here.id) as session:
        assert session.get_one(Delivery, delivery.id).state == "failed"
    operator.answer = "ok"
    with db.writing(here.id) as session:
        assert messengers.resend(session, session.get_one(Delivery, delivery.id), "member:1") == 5
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)


def test_each_contact_is_told_in_his_language(here: Authority, operator: Operator) -> None:
    with db.writing(here.id) as session:
        sms = session.exec(select(Outlet)).one()
        add_numbers(session, sms, ["+33639980901"], "en")
    with db.writing(here.id) as session:
        words = {"fr": {"headline": "Évacuez"}, "en": {"headline": "Leave now"}}
        said = content(severity="Severe").model_copy(
            update={"texts": {k: TextIn(**v) for k, v in words.items()}}
        )
        publishing.publish(
            session, publishing.create(session, "t", station(session, here), said), "t"
        )
    work_all()
    texts = dict(operator.log)
    assert "Leave now" in texts["+33639980901"]
    assert "vacuez" in texts[NUMBERS[0]]


def test_what_the_operator_took_is_kept_in_hand_while_the_database_is_away(
    here: Authority, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It goes when the first answer is to be written, and is back at the second try."""
    delivery = grave(here)
    closed, failures = targets.close, iter([True])

    def close(*given: Any) -> Any:
        if next(failures, False):
            raise OperationalError("UPDATE target", {}, Exception("server closed the connection"))
        return closed(*given)

    monkeypatch.setattr(targets, "close", close)
    monkeypatch.setattr("hub.dispatch.patience._PAUSE_S", 0.0)
    assert messengers.work(delivery.id or 0)
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)
    assert set(states(delivery)) == {"accepted"}


def test_an_error_of_ours_after_the_wire_is_uncertain_and_not_told_again(
    here: Authority, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = grave(here)

    def broken(*_: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as once:
        once.setattr(targets, "close", broken)
        messengers.work(delivery.id or 0)
    assert states(delivery) == ["uncertain", *["pending"] * 4]
    with db.writing(db.EVERYWHERE) as session:
        session.get_one(Delivery, delivery.id).due_at = clock.now()
    work_all()
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)


def test_an_opening_whose_answer_was_lost_is_opened_again(
    here: Authority, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database took it and died before it said so: it was never on the wire."""
    delivery = grave(here)
    opened, failures = targets.open_, iter([True])

    def open_(*given: Any, **more: Any) -> Any:
        found = opened(*given, **more)
        if next(failures, False):
            raise OperationalError("COMMIT", {}, Exception("server closed the connection"))
        return found

    monkeypatch.setattr(targets, "open_", open_)
    monkeypatch.setattr("hub.dispatch.patience._PAUSE_S", 0.0)
    assert messengers.work(delivery.id or 0)
    assert operator.counts() == dict.fromkeys(NUMBERS, 1)
    assert set(states(delivery)) == {"accepted"}
