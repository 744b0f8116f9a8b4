"""Events over HTTP."""

from pathlib import Path
from typing import Any

import icalendar
import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub import accounts, db
from hub.api import agenda, problems
from hub.vocabulary import Role
from tests.factories import town

LOTO = {"headline": "Loto", "starts": "2031-06-21T19:00:00+02:00", "place": "Salle des fêtes"}


@pytest.fixture
def api(hub_on_sqlite: Path) -> Any:
    """(a writer's browser, a reader's, a stranger's of another town)."""
    app = FastAPI()
    problems.install(app)
    app.include_router(agenda.router, prefix="/api/v1")

    towns = {code: town(code) for code in ("villard-bonnot", "froges")}

    def browser(code: str, *roles: Role) -> TestClient:
        with db.writing(towns[code].id or 0) as session:
            _, token = accounts.create_token(session, towns[code], "test", [*roles], "test")
        return TestClient(app, headers={"authorization": f"Bearer {token}"})

    return (
        browser("villard-bonnot", Role.AUTHOR),
        browser("villard-bonnot"),
        browser("froges", Role.ADMIN),
    )


def test_an_event_is_made_read_changed_cancelled_and_brought_back(api: Any) -> None:
    writer, reader, _ = api
    made = writer.post("/api/v1/events", json=LOTO)
    assert made.status_code == 201, made.text
    event = made.json()
    assert (event["state"], event["starts"]) == ("planned", "2031-06-21T17:00:00Z")
    assert event["sources"] == []
    path = f"/api/v1/events/{event['id']}"
    assert reader.get(path).json() == event
    changed = writer.put(path, json=LOTO | {"place": "Gymnase"}).json()
    assert (changed["place"], changed["sequence"]) == ("Gymnase", 1)
    for step, state in (("cancel", "cancelled"), ("restore", "planned"), ("withdraw", "withdrawn")):
        assert writer.post(f"{path}/{step}").json()["state"] == state
    refused = writer.post(f"{path}/cancel")
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "state"


def test_whole_days_are_written_as_days(api: Any) -> None:
    body = {"headline": "Exposition", "day": "2031-06-21", "last_day": "2031-06-23"}
    event = api[0].post("/api/v1/events", json=body).json()
    assert (event["day"], event["last_day"], event["all_day"]) == ("2031-06-21", "2031-06-23", True)
    assert event["ends"] == "2031-06-23T22:00:00Z"


def test_events_are_searched_and_paged(api: Any) -> None:
    writer = api[0]
    for n in range(3):
        writer.post("/api/v1/events", json=LOTO | {"headline": f"Fête {n}", "tags": ["Été"]})
    first = writer.get("/api/v1/events?q=FETE&tag=ete&limit=2").json()
    rest = writer.get(f"/api/v1/events?q=FETE&limit=2&after={first['next']}").json()
    assert (len(first["events"]), len(rest["events"]), rest["next"]) == (2, 1, None)
    assert writer.get("/api/v1/events?from=2031-06-22").json()["events"] == []
    assert writer.get("/api/v1/events?after=x").status_code == 422


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"starts": None}, "starts"),
        ({"starts": "2031-06-21T19:00:00"}, "starts"),
        ({"ends": "2031-06-20T19:00:00Z"}, "ends"),
        ({"category": "fete"}, "category"),
        ({"link": "ftp://x"}, "link"),
        ({"surprise": 1}, "surprise"),
        ({"headline": "x" * 161}, "texts.fr.headline"),
    ],
)
def test_what_is_wrong_is_named(api: Any, body: dict[str, Any], field: str) -> None:
    answer = api[0].post("/api/v1/events", json=LOTO | body)
    assert answer.status_code == 422, answer.text
    assert field in [row["field"] for row in answer.json()["errors"]]


def test_a_reader_writes_nothing_and_a_stranger_sees_nothing(api: Any) -> None:
    writer, reader, stranger = api
    event = writer.post("/api/v1/events", json=LOTO).json()["id"]
    assert reader.post("/api/v1/events", json=LOTO).status_code == 403
    for answer in (
        stranger.get(f"/api/v1/events/{event}"),
        stranger.put(f"/api/v1/events/{event}", json=LOTO),
        stranger.post(f"/api/v1/events/{event}/cancel"),
    ):
        assert answer.status_code == 404
    assert stranger.get("/api/v1/events").json()["events"] == []


def test_the_authoritys_calendar_has_all_its_stations(api: Any) -> None:
    writer, _, stranger = api
    writer.post("/api/v1/events", json=LOTO)
    entries = icalendar.Calendar.from_ical(writer.get("/api/v1/events.ics").content)
    assert len(entries.walk("VEVENT")) == 1
    assert b"VEVENT" not in stranger.get("/api/v1/events.ics").content


def test_a_search_may_name_the_first_and_the_last_day_there_are(api: Any) -> None:
    writer = api[0]
    writer.post("/api/v1/events", json=LOTO)
    for days in (
        "from=0001-01-01",
        "from=0001-01-01&to=9999-12-31",
        "from=2031-01-01&to=9999-12-31",
    ):
        answer = writer.get(f"/api/v1/events?{days}")
        assert answer.status_code == 200, answer.text
        assert [e["place"] for e in answer.json()["events"]] == ["Salle des fêtes"]
    assert writer.get("/api/v1/events?from=9999-12-31").json()["events"] == []


@pytest.mark.parametrize(
    ("when", "field"),
    [
        ({"day": "9999-12-31"}, "day"),
        ({"day": "0001-01-01"}, "day"),
        ({"starts": "9999-12-31T23:59:59-05:00"}, "starts"),
        ({"starts": "0001-01-01T00:00:00+05:00"}, "starts"),
    ],
)
def test_an_event_is_of_a_year_that_calendars_have(
    api: Any, when: dict[str, str], field: str
) -> None:
    answer = api[0].post("/api/v1/events", json={"headline": "Loto"} | when)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


def test_a_page_ends_between_two_events_of_one_second(api: Any) -> None:
    writer = api[0]
    for part in (".7", ".8"):
        writer.post("/api/v1/events", json=LOTO | {"starts": f"2031-06-21T19:00:00{part}Z"})
    first = writer.get("/api/v1/events?limit=1").json()
    rest = writer.get(f"/api/v1/events?limit=1&after={first['next']}").json()
    assert len({event["id"] for event in first["events"] + rest["events"]}) == 2
