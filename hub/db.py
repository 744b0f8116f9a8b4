"""Engines and sessions.

Three ways in, each a context manager that commits at its end or rolls back:
- `reading(scope)`: a snapshot; the database itself refuses a write.
- `writing(scope)`: BEGIN IMMEDIATE on SQLite (a read that turns into a write fails at once there,
  whatever the busy timeout).
- `writing(scope, durable=True)`: committed with synchronous=FULL, for what must survive a power cut
  (the opening of a target that may not be repeated, a panel's plan number).

`scope` is an authority's id, or EVERYWHERE for the instance's own work. Inside a scope every query
on a table of an authority is filtered to it, and every new row must belong to it: forgetting is not
possible. Nudges given to `after_commit` run once the transaction is in the database, never before.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any, Final

import structlog
from sqlalchemy import Engine, event, make_url
from sqlalchemy.orm import ORMExecuteState, with_loader_criteria
from sqlmodel import Session, col, create_engine

from hub import settings
from hub.models.base import OfAuthority

log = structlog.get_logger()


class _Everywhere:
    def __repr__(self) -> str:
        return "EVERYWHERE"


EVERYWHERE: Final = _Everywhere()
Scope = int | _Everywhere

_engines: dict[tuple[int, str], Engine] = {}


class ScopeBroken(RuntimeError):
    """A row of one authority was written in the scope of another."""


def engine() -> Engine:
    """This process's engine; made after fork, one per process and database address."""
    url = settings.get().database
    key = (os.getpid(), url)
    if key not in _engines:
        _engines[key] = _make(url)
    return _engines[key]


def dispose() -> None:
    """Close this process's connections."""
    for key in [k for k in _engines if k[0] == os.getpid()]:
        _engines.pop(key).dispose()


def _make(url: str) -> Engine:
    if make_url(url).get_backend_name() == "sqlite":
        settings.get().data.mkdir(parents=True, exist_ok=True)
        made = create_engine(
            url, pool_size=20, max_overflow=20, connect_args={"check_same_thread": False}
        )
        event.listen(made, "connect", _sqlite_connect)
        event.listen(made, "begin", _sqlite_begin)
        return made
    return create_engine(
        url.replace("postgresql://", "postgresql+psycopg://", 1), pool_size=10, pool_pre_ping=True
    )


def _sqlite_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin by itself
    for pragma in (
        "journal_mode=WAL",
        "synchronous=NORMAL",
        "foreign_keys=ON",
        "busy_timeout=15000",
        "cache_size=-16000",
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _sqlite_begin(connection: Any) -> None:
    mode = connection.get_execution_options().get("tambour", "write")
    raw = connection.connection.dbapi_connection
    # The safety level cannot change inside a transaction, so it is set before each.
    raw.execute(f"PRAGMA synchronous={'FULL' if mode == 'durable' else 'NORMAL'}")
    raw.execute(f"PRAGMA query_only={'ON' if mode == 'read' else 'OFF'}")
    raw.execute("BEGIN" if mode == "read" else "BEGIN IMMEDIATE")


def after_commit(session: Session, nudge: Callable[[], None]) -> None:
    """Run `nudge` once this transaction is committed; it is dropped on rollback."""
    session.info.setdefault("nudges", []).append(nudge)


@contextmanager
def reading(scope: Scope) -> Iterator[Session]:
    with _session(scope, "read") as session:
        yield session


@contextmanager
def writing(scope: Scope, *, durable: bool = False) -> Iterator[Session]:
    with _session(scope, "durable" if durable else "write") as session:
        yield session


@contextmanager
def _session(scope: Scope, mode: str) -> Iterator[Session]:
    options: dict[str, Any] = {"tambour": mode}
    if engine().dialect.name == "postgresql":
        options["postgresql_readonly"] = mode == "read"
    with Session(engine().execution_options(**options), expire_on_commit=False) as session:
        session.info["scope"] = scope
        try:
            yield session
            session.commit()
        except BaseException:
            session.rollback()
            raise
    for nudge in session.info.get("nudges", ()):
        try:
            nudge()
        except Exception:  # the row is the truth, the sweep finds it
            log.warning("nudge lost", exc_info=True)


@event.listens_for(Session, "do_orm_execute")
def _filter(state: ORMExecuteState) -> None:
    scope = state.session.info["scope"]  # a session made without a scope fails here
    if scope is EVERYWHERE:
        return
    state.statement = state.statement.options(*_criteria(scope))


@lru_cache(maxsize=4096)
def _criteria(scope: int) -> tuple[Any, ...]:
    """One criterion per table of an authority: every query of the scope carries them, joins and
    subqueries too. (One lambda on the mixin would do, but pydantic hides a mixin's columns.)"""
    return tuple(
        with_loader_criteria(table, col(table.authority_id) == scope, include_aliases=True)
        for table in OfAuthority.__subclasses__()
    )


@event.listens_for(Session, "before_flush")
def _check(session: Session, _context: Any, _instances: Any) -> None:
    scope = session.info["scope"]
    if scope is EVERYWHERE:
        return
    for row in (*session.new, *session.dirty, *session.deleted):
        if isinstance(row, OfAuthority):
            if row.authority_id is None:
                row.authority_id = scope
            elif row.authority_id != scope:
                raise ScopeBroken(f"{type(row).__name__} of authority {row.authority_id}")
