"""Authorities with a website, on either database, and an hour that a test sets."""

from collections.abc import Callable
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest

from hub import clock, db
from hub.models import Authority, Outlet


@pytest.fixture(params=["hub_on_sqlite", "hub_on_postgres"])
def database(request):
    """An empty instance; a test of one database only says so by
    `parametrize("database", ["hub_on_sqlite"], indirect=True)`."""
    return request.getfixturevalue(request.param)


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
    """The hour, which stands still until the test says `at.now = ...`."""
    hand = SimpleNamespace(now=datetime(2026, 3, 2, 8, 30, tzinfo=UTC))
    monkeypatch.setattr(clock, "now", lambda: hand.now)
    return hand
