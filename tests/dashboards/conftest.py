"""A town, its members, and the faces as a browser would ask for them."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards import faces
from dashboards.office import signin
from hub import accounts, db
from hub.api import problems
from hub.models import Authority
from hub.vocabulary import Role
from tests.factories import outlet, town

ORIGIN = {"Origin": "http://testserver"}
PASSWORD = "un tambour et deux baguettes"
TERRITORY = {
    "type": "Polygon",
    "coordinates": [[[5.87, 45.22], [5.91, 45.22], [5.91, 45.25], [5.87, 45.25], [5.87, 45.22]]],
}


@pytest.fixture
def here(hub_on_sqlite: Path) -> Authority:
    """A town with a website, a panel, an SMS list and a witness."""
    made = town(territory=TERRITORY, languages=["fr"])
    outlet(made, "website", "site", tags=["site"])
    outlet(made, "null", "temoin", tags=["temoin"])
    return made


@pytest.fixture
def app(here: Authority) -> FastAPI:
    made = FastAPI()
    problems.install(made)
    faces.mount(made)
    signin.limiter().storage.reset()
    return made


@pytest.fixture
def citizen(app: FastAPI) -> TestClient:
    """A browser nobody signed in with."""
    return TestClient(app, follow_redirects=False)


@pytest.fixture
def office(app: FastAPI, here: Authority) -> TestClient:
    """An administrator's browser."""
    return member(app, here, "chef@villard.example", Role.ADMIN)


def member(app: FastAPI, authority: Authority, email: str, *roles: Role) -> TestClient:
    """A member's browser, signed in through the page."""
    with db.writing(authority.id) as session:
        accounts.create_member(session, authority, email, email.split("@")[0], PASSWORD, [*roles])
    browser = TestClient(app, follow_redirects=False, headers=ORIGIN)
    answer = browser.post("/office/sign-in", data={"email": email, "password": PASSWORD})
    assert answer.status_code == 303, answer.text
    return browser


NOTICE = {
    "station": "VILLARD",
    "category": "roadworks",
    "severity": "Minor",
    "urgency": "Expected",
    "status": "actual",
    "texts.fr.headline": "Rue des Brûlis fermée",
    "texts.fr.instruction": "Suivez la déviation par l’avenue Foch.",
    "area_desc": "Rue des Brûlis",
}


def say(browser: TestClient, step: str = "publish", **more: str) -> str:
    """Send the form; the id of the publication it led to."""
    answer = browser.post("/office/compose", data=NOTICE | {"step": step} | more)
    assert answer.status_code == 303, visible(answer.text)
    found = re.search(r"/publications/([0-9A-Z]{26})", answer.headers["location"])
    assert found, answer.headers["location"]
    return found[1]


def visible(html: str) -> str:
    """The text of a page without its tags, on one line."""
    plain = re.sub(r"<(script|style)\b.*?</\1>", " ", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>", " ", plain).split())
