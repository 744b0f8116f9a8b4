"""Outlets over HTTP: a new display speaks at once."""

from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from hub import accounts, clock, db, demo
from hub.api import outlets, problems
from hub.models import Authority, DisplayRow, Outlet, ShelfRow
from hub.vocabulary import Role
from tests.factories import town
from tests.hub.test_demo import AT
from tests.working import work_all


@pytest.fixture
def here(hub_on_sqlite: Path) -> Authority:
    return town()


@pytest.fixture
def api(here: Authority) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(outlets.router, prefix="/api/v1")
    with db.writing(here.id or 0) as session:
        _, token = accounts.create_token(session, here, "test", [Role.ADMIN], "test")
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def displays_of(authority_id: int) -> dict[str, DisplayRow]:
    with db.reading(authority_id) as session:
        rows = session.exec(select(Outlet, DisplayRow).where(DisplayRow.outlet_id == Outlet.id))
        return {outlet.code: row for outlet, row in rows}


def test_the_feeds_of_a_new_website_are_there_before_anything_was_said(
    api: TestClient, here: Authority
) -> None:
    made = api.post(
        "/api/v1/outlets",
        json={"code": "site", "name": "Site", "kind": "website", "station": "VILLARD"},
    )
    assert made.status_code == 201, made.text
    row = displays_of(here.id or 0)["site"]
    assert row.wanted_no == 1
    assert row.due_at is not None
    assert row.due_at <= clock.now()
    work_all()
    with db.reading(here.id or 0) as session:
        served = set(session.exec(select(ShelfRow.path)).all())
    assert {"/s/VILLARD/feed.json", "/s/VILLARD/feed.rss"} <= served
    row = displays_of(here.id or 0)["site"]
    assert (row.said_no, row.shown_no) == (1, 1)


def test_a_display_whose_settings_change_is_told_again(api: TestClient, here: Authority) -> None:
    api.post("/api/v1/outlets", json={"code": "panneau", "name": "Panneau", "kind": "panel"})
    for change, wanted in (
        ({"tags": ["bourg"]}, 1),
        ({"paused": True}, 1),
        ({"options": {"model": "text-6x20"}}, 2),
        ({"options": {"model": "text-6x20"}}, 2),
        ({"name": "Panneau de la place"}, 3),
    ):
        answer = api.patch("/api/v1/outlets/panneau", json=change)
        assert answer.status_code == 200, answer.text
        assert displays_of(here.id or 0)["panneau"].wanted_no == wanted, change


def test_a_null_takes_a_place_away_and_leaves_the_rest(api: TestClient) -> None:
    given = {"code": "panneau", "name": "Panneau", "kind": "panel", "tags": ["bourg"]}
    made = api.post("/api/v1/outlets", json=given | {"longitude": 5.9, "latitude": 45.2}).json()
    nothing = dict.fromkeys(("name", "tags", "options", "paused", "longitude", "latitude"))
    changed = api.patch("/api/v1/outlets/panneau", json=nothing)
    assert changed.status_code == 200, changed.text
    assert changed.json() == made | {"longitude": None, "latitude": None}


def test_the_displays_of_the_demo_town_are_due_from_the_first_minute(hub_on_sqlite: Path) -> None:
    demo.seed(AT, told=False)
    with db.reading(db.EVERYWHERE) as session:
        rows = session.exec(select(DisplayRow)).all()
    assert rows
    assert all(row.wanted_no == 1 and row.due_at is not None for row in rows)
