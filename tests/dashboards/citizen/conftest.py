"""A small town and its citizens' pages, asked without a browser."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards import assets, citizen
from hub import accounts, clock, db, publishing
from hub.api import problems
from hub.models import Authority, Publication, Station
from hub.schemas import Content
from hub.vocabulary import EndedAs
from tests.factories import content, town

NOON = 1_900_000_000.0  # 17 March 2030, 17:46:40 UTC


@dataclass
class Town:
    """What a town says, straight through the hub's verbs, and what its citizens read."""

    authority: Authority
    web: TestClient

    def say(self, headline: str = "Rue des Brûlis fermée", station: str = "", **more: Any) -> str:
        with db.writing(self.authority.id or 0) as session:
            speaker = accounts.station_of(session, self.authority.id or 0, station or None)
            given = Content.model_validate(more) if "texts" in more else content(headline, **more)
            publication = publishing.create(session, "test", speaker, given)
            publishing.publish(session, publication, "test")
            return publication.id

    def revise(self, publication: str, headline: str, **more: Any) -> None:
        with db.writing(self.authority.id or 0) as session:
            row = session.get_one(Publication, publication)
            publishing.edit(session, row, content(headline, **more), "test")
            publishing.publish(session, row, "test")

    def end(self, publication: str, ended_as: EndedAs) -> None:
        with db.writing(self.authority.id or 0) as session:
            row = session.get_one(Publication, publication)
            publishing.cancel(session, row, ended_as, "test")

    def open_station(self, code: str, name: str, description: str = "") -> None:
        with db.writing(self.authority.id or 0) as session:
            session.add(
                Station(
                    authority_id=self.authority.id, code=code, name=name, description=description
                )
            )

    def read(self, path: str, status: int = 200, **headers: str) -> str:
        answer = self.web.get(path, headers={k.replace("_", "-"): v for k, v in headers.items()})
        assert answer.status_code == status, answer.text
        return answer.text


def open_town() -> Town:
    """Villard-Bonnot with one station, Mairie (VILLARD), at a fixed hour."""
    clock.set_offset(NOON - (clock.now().timestamp() - clock.offset().total_seconds()))
    made = town(languages=["fr", "en"], insee="38547")
    app = FastAPI()
    problems.install(app)
    assets.mount(app)
    app.include_router(citizen.router)
    return Town(made, TestClient(app, follow_redirects=False))


@pytest.fixture
def villard(hub_on_sqlite: Path) -> Town:
    return open_town()
