"""Two transactions that wait for each other: one is ended by the database, and done again."""

import threading

import psycopg
import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from sqlalchemy.exc import IntegrityError, OperationalError
from sqlmodel import col, select

from hub import again, db
from hub.models import Memo
from hub.web import _Again


def test_both_writers_of_a_deadlock_get_through(hub_on_postgres) -> None:
    with db.writing(db.EVERYWHERE) as session:
        session.add_all([Memo(name="a", number=0), Memo(name="b", number=0)])
    meet = threading.Barrier(2)
    tries: list[str] = []

    def raise_both(first: str, second: str) -> None:
        with db.writing(db.EVERYWHERE) as session:
            tries.append(first)
            for name in (first, second):
                memo = session.exec(
                    select(Memo).where(col(Memo.name) == name).with_for_update()
                ).one()
                memo.number += 1
                if len(tries) <= 2 and name == first:
                    meet.wait(30)

    work = again.retried(raise_both)
    threads = [threading.Thread(target=work, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(tries) == 3
    with db.reading(db.EVERYWHERE) as session:
        assert [m.number for m in session.exec(select(Memo).where(col(Memo.name) < "c"))] == [2, 2]


def answering(failures: int, error: Exception) -> TestClient:
    app = FastAPI()
    left = [error] * failures

    @app.middleware("http")
    async def pass_on(request: Request, answer):
        return await answer(request)

    @app.post("/echo")
    async def echo(said: dict[str, str]) -> dict[str, str]:
        if left:
            raise left.pop()
        return said

    return TestClient(_Again(app), raise_server_exceptions=False)


def lost() -> OperationalError:
    return OperationalError("UPDATE", {}, psycopg.errors.DeadlockDetected("deadlock detected"))


def test_a_request_that_lost_is_answered_anew_with_its_body() -> None:
    answer = answering(2, lost()).post("/echo", json={"headline": "Pont fermé"})
    assert (answer.status_code, answer.json()) == (200, {"headline": "Pont fermé"})


def test_who_made_the_same_at_the_same_moment_is_asked_again() -> None:
    """So the second of two gets the answer for what is there already, not an error of ours."""
    taken = IntegrityError("INSERT", {}, psycopg.errors.UniqueViolation("duplicate key"))
    answer = answering(1, taken).post("/echo", json={"code": "place"})
    assert (answer.status_code, answer.json()) == (200, {"code": "place"})


def test_a_request_that_always_loses_ends_as_an_error() -> None:
    assert answering(99, lost()).post("/echo", json={}).status_code == 500


@pytest.mark.parametrize("error", [RuntimeError("ours"), OperationalError("SELECT", {}, OSError())])
def test_another_error_is_not_tried_again(error: Exception) -> None:
    assert answering(1, error).post("/echo", json={}).status_code == 500
