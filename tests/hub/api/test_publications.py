"""The outside handle: publications over HTTP."""

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from hub import accounts, db
from hub.api import plans, problems, publications
from hub.models import Authority, Station
from hub.vocabulary import Role
from tests.factories import outlet, town
from tests.working import work_all

NOTICE = {
    "headline": "Rue des Brûlis fermée",
    "instruction": "Suivez la déviation.",
    "category": "Transport",
    "severity": "minor",
    "area_desc": "Rue des Brûlis",
}


@pytest.fixture
def here(hub_on_sqlite: Path) -> Authority:
    made = town()
    outlet(made, "website")
    outlet(made, "null")
    return made


@pytest.fixture
def api(here: Authority) -> TestClient:
    return client(here, Role.ADMIN)


def client(authority: Authority, *roles: Role) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(plans.router, prefix="/api/v1")
    app.include_router(publications.router, prefix="/api/v1")
    with db.writing(authority.id) as session:
        _, token = accounts.create_token(session, authority, "test", list(roles), "test")
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def say(api: TestClient, **more: Any) -> Any:
    return api.post("/api/v1/publications", json=NOTICE | {"state": "live"} | more)


def test_a_post_goes_live_and_answers_with_its_plan(api: TestClient) -> None:
    answer = say(api)
    assert answer.status_code == 201
    body = answer.json()
    assert (body["revision"], body["state"]) == (1, "live")
    assert {r["outlet"] for r in body["plan"]["routes"]} >= {"website"}
    assert all(r["rules"] and r["reasons"] for r in body["plan"]["routes"])
    work_all()
    board = api.get(f"/api/v1/publications/{body['id']}/board").json()
    assert board["ok"] is True
    row = next(r for r in board["rows"] if r["outlet"] == "website")
    assert (row["wanted_revision"], row["shown_revision"], row["state"]) == (1, 1, "shown")


def test_a_revision_keeps_what_is_left_out(api: TestClient) -> None:
    first = say(api).json()
    answer = api.post(
        f"/api/v1/publications/{first['id']}/revisions", json={"headline": "Réouverte à 16 h"}
    )
    assert answer.status_code == 201
    body = answer.json()
    assert (body["revision"], body["msg_type"]) == (2, "update")
    assert body["content"]["texts"]["fr"]["instruction"] == "Suivez la déviation."
    whole = api.get(f"/api/v1/publications/{first['id']}").json()
    assert len(whole["revisions"][1]["references"]) == 1


def test_a_cancel_ends_it_and_cannot_be_repeated(api: TestClient) -> None:
    first = say(api).json()
    path = f"/api/v1/publications/{first['id']}/cancel"
    assert api.post(path, json={"ended_as": "retracted"}).json()["ended_as"] == "retracted"
    again = api.post(path, json={"ended_as": "over"})
    assert again.status_code == 409
    assert again.json()["errors"][0]["field"] == "state"


def test_the_same_key_gives_the_same_answer_and_no_second_publication(api: TestClient) -> None:
    one, two = (
        api.post("/api/v1/publications", json=NOTICE, headers={"Idempotency-Key": "k1"})
        for _ in range(2)
    )
    assert one.json() == two.json()
    assert two.headers["Idempotent-Replayed"] == "true"
    assert len(api.get("/api/v1/publications").json()["publications"]) == 1
    other = api.post(
        "/api/v1/publications", json=NOTICE | {"event": "x"}, headers={"Idempotency-Key": "k1"}
    )
    assert other.status_code == 422


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"category": "pizza"}, "category"),
        ({"onset": "2027-01-02T10:00:00Z", "expires": "2027-01-02T09:00:00Z"}, "expires"),
        ({"expires": "2001-01-01T00:00:00Z"}, "expires"),
        ({"headline": ""}, "texts.fr.headline"),
        ({"headline": "Rue\x00 fermée"}, "texts.fr.headline"),
        ({"instruction": "Suivez \u202ela déviation"}, "texts.fr.instruction"),
        ({"severity": "awful"}, "severity"),
        ({"unheard": 1}, "unheard"),
        ({"station": "NOWHERE"}, "station"),
        ({"expires": "2027-01-02T09:00:00"}, "expires"),
        ({"expires": "9999-12-31T23:59:59-05:00"}, "expires"),
        (
            {
                "area": {
                    "type": "Polygon",
                    "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1], [0, 0]]],
                }
            },
            "area",
        ),
    ],
)
def test_what_is_wrong_is_named(api: TestClient, change: dict[str, Any], field: str) -> None:
    answer = say(api, **change)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert field in [e["field"] for e in body["errors"]], body
    assert api.get("/api/v1/publications").json()["publications"] == []


def test_grave_news_needs_the_role(here: Authority) -> None:
    author = client(here, Role.AUTHOR)
    assert say(author, severity="Severe").status_code == 403
    assert say(author, severity="Moderate").status_code == 201
    assert say(client(here, Role.ON_DUTY), severity="Extreme").status_code in (201, 202)


def test_another_authority_sees_nothing_of_it(api: TestClient) -> None:
    mine = say(api).json()["id"]
    stranger = client(town("froges"), Role.ADMIN)
    assert stranger.get(f"/api/v1/publications/{mine}").status_code == 404
    assert stranger.get(f"/api/v1/publications/{mine}/board").status_code == 404
    assert stranger.get("/api/v1/publications").json()["publications"] == []


def test_without_a_token_nothing_is_told(api: TestClient) -> None:
    answer = api.get("/api/v1/publications", headers={"Authorization": ""})
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_a_dry_run_shows_and_changes_nothing(api: TestClient) -> None:
    answer = api.post("/api/v1/plans", json=NOTICE).json()
    assert {p["outlet"] for p in answer["previews"]} >= {"website"}
    assert "people" in answer["reach"]
    assert api.get("/api/v1/publications").json()["publications"] == []


def test_approval_takes_two(here: Authority) -> None:
    author, approver = client(here, Role.AUTHOR), client(here, Role.APPROVER)
    draft = author.post("/api/v1/publications", json=NOTICE | {"state": "submitted"}).json()
    path = f"/api/v1/publications/{draft['id']}"
    assert author.post(f"{path}/approve").status_code == 403
    returned = approver.post(f"{path}/return", json={"note": "Précisez l'heure."}).json()
    assert (returned["draft_state"], returned["draft_note"]) == ("returned", "Précisez l'heure.")
    assert author.post(f"{path}/submit").json()["draft_state"] == "submitted"
    assert approver.post(f"{path}/approve").json()["draft_state"] == "approved"
    assert author.post(f"{path}/publish").json()["state"] == "live"
    verbs = [e["verb"] for e in author.get(f"{path}/audit").json()["events"]]
    assert verbs == ["create", "submit", "return", "submit", "approve", "publish"]


def test_a_revision_may_come_from_another_station(here: Authority, api: TestClient) -> None:
    with db.writing(here.id) as session:
        school = Station(authority_id=here.id, code="ECOLE", name="École")
        session.add(school)
    outlet(here, "website", "site-ecole", station="ECOLE")
    first = say(api).json()
    work_all()
    moved = api.post(f"/api/v1/publications/{first['id']}/revisions", json={"station": "ECOLE"})
    assert (moved.status_code, moved.json()["station"]) == (201, "ECOLE")
    work_all()
    rows = api.get(f"/api/v1/publications/{first['id']}/board").json()["rows"]
    shown = {r["outlet"]: (r["wanted_revision"], r["shown_revision"]) for r in rows}
    assert shown["site-ecole"] == (2, 2)
    assert shown["website"] == (None, None)
    lost = api.post(f"/api/v1/publications/{first['id']}/revisions", json={"station": "NOWHERE"})
    assert lost.status_code == 422


def test_a_body_that_is_not_json_is_named_as_such(api: TestClient) -> None:
    answer = api.post(
        "/api/v1/publications", content=b"{nope", headers={"Content-Type": "application/json"}
    )
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "body"


@pytest.mark.parametrize("step", ["publish", "submit"])
def test_a_step_without_an_open_draft_is_refused(api: TestClient, step: str) -> None:
    live = say(api).json()
    answer = api.post(f"/api/v1/publications/{live['id']}/{step}")
    assert answer.status_code == 409
    assert answer.json()["errors"][0]["field"] == "state"
    assert api.get(f"/api/v1/publications/{live['id']}").json()["draft_state"] is None


def test_what_was_discarded_before_it_went_live_has_no_next_revision(api: TestClient) -> None:
    draft = api.post("/api/v1/publications", json=NOTICE).json()
    path = f"/api/v1/publications/{draft['id']}"
    assert api.post(f"{path}/discard").json()["state"] == "ended"
    answer = api.post(f"{path}/revisions", json={"headline": "Réouverte"})
    assert answer.status_code == 409


@pytest.mark.parametrize(
    "change",
    [
        {"texts": 5, "headline": "Réouverte"},
        {"texts": {"fr": "Réouverte"}, "headline": "Réouverte"},
        {"language": ["fr"], "headline": "Réouverte"},
    ],
)
def test_texts_of_the_wrong_form_are_named_in_a_revision(
    api: TestClient, change: dict[str, Any]
) -> None:
    live = say(api).json()
    answer = api.post(f"/api/v1/publications/{live['id']}/revisions", json=change)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"].startswith("texts")


def test_an_end_on_the_last_day_there_is_is_shown(api: TestClient) -> None:
    said = say(api, expires="9999-12-31T23:59:59Z").json()
    work_all()
    board = api.get(f"/api/v1/publications/{said['id']}/board").json()
    row = next(r for r in board["rows"] if r["outlet"] == "website")
    assert (row["state"], row["reason"]) == ("shown", "")
