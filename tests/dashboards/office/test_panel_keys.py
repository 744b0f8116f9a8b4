"""The page of the panels' key: change it, make one void, and nothing by a slip of the finger."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub import db
from hub.models import Authority
from hub.vocabulary import Role
from tests import factories
from tests.dashboards.conftest import member, visible

PAGE = "/office/panel-keys"


def key_of(here: Authority) -> str:
    with db.reading(here.id or 0) as session:
        return session.get_one(Authority, here.id).key_id


def test_the_key_is_changed_with_the_box_ticked(office: TestClient, here: Authority) -> None:
    factories.outlet(here, "panel", "mairie")
    assert PAGE in office.get("/office/outlets").text
    before = key_of(here)
    assert before in visible(office.get(PAGE).text)
    slipped = office.post(f"{PAGE}/rotate", data={})
    assert slipped.status_code == 422
    assert "cochez d’abord la case" in visible(slipped.text)
    assert key_of(here) == before
    done = office.post(f"{PAGE}/rotate", data={"confirmed": "yes"})
    assert done.status_code == 303
    page = visible(office.get(done.headers["location"]).text)
    assert "La clé est changée" in page
    assert key_of(here) in page
    assert "Encore acceptée" in page


def test_a_stolen_key_is_made_void_and_replaced(office: TestClient, here: Authority) -> None:
    before = key_of(here)
    assert office.post(f"{PAGE}/revoke", data={"key": before}).status_code == 422
    unknown = office.post(f"{PAGE}/revoke", data={"key": "x", "confirmed": "yes"})
    assert "n’est pas en vigueur" in visible(unknown.text)
    assert key_of(here) == before
    office.post(f"{PAGE}/revoke", data={"key": before, "confirmed": "yes"})
    assert key_of(here) != before
    page = office.get(PAGE).text
    assert "Révoquée" in visible(page)
    assert f"<option>{before}</option>" not in page


@pytest.mark.parametrize("path", ["", "/rotate", "/revoke"])
def test_who_may_not_configure_changes_no_key(app: FastAPI, here: Authority, path: str) -> None:
    author = member(app, here, "plume@villard.example", Role.AUTHOR)
    before = key_of(here)
    answer = author.get(PAGE) if not path else author.post(PAGE + path, data={"confirmed": "yes"})
    assert answer.status_code == 403
    assert key_of(here) == before
