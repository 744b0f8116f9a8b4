"""Sources over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from hub import accounts, clock, db
from hub.api import problems, sources
from hub.models import Authority, Publication
from hub.vocabulary import Role
from tests.conftest import start_instance
from tests.factories import outlet, town
from tests.fakes.feeds import Feeds
from tests.hub.test_polling import agenda


@pytest.fixture
def site(hub_on_sqlite: Path) -> Iterator[Feeds]:
    with Feeds() as running:
        start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=running.pair)
        running.put("/agenda.ics", agenda(loto="Loto", bal="Bal"), "text/calendar")
        yield running


@pytest.fixture
def here(site: Feeds) -> Authority:
    made = town()
    outlet(made, "null")
    return made


@pytest.fixture
def api(here: Authority) -> TestClient:
    return client(here, Role.ADMIN)


def client(authority: Authority, *roles: Role) -> TestClient:
    app = FastAPI()
    problems.install(app)
    app.include_router(sources.router, prefix="/api/v1")
    with db.writing(authority.id or 0) as session:
        _, token = accounts.create_token(session, authority, "test", list(roles), "test")
    return TestClient(app, headers={"Authorization": f"Bearer {token}"})


def given(site: Feeds, **more: object) -> dict[str, object]:
    return {
        "name": "Agenda",
        "kind": "ical",
        "url": site.url("/agenda.ics"),
        "intake": "publish",
    } | more


def made(api: TestClient, site: Feeds, **more: object) -> int:
    answer = api.post("/api/v1/sources", json=given(site, **more))
    assert answer.status_code == 201, answer.text
    return int(answer.json()["id"])


def fields(answer: object) -> list[str]:
    body = answer.json()  # type: ignore[attr-defined]
    assert answer.status_code == 422  # type: ignore[attr-defined]
    assert all(e["reason"] for e in body["errors"])
    return [e["field"] for e in body["errors"]]


def test_a_source_is_made_polled_and_its_items_are_read(api: TestClient, site: Feeds) -> None:
    source = made(api, site)
    shown = api.get(f"/api/v1/sources/{source}").json()
    assert (shown["health"], shown["items"], shown["interval_s"]) == ("new", 0, 900)
    assert shown["next_at"]
    polled = api.post(f"/api/v1/sources/{source}/poll").json()
    assert (polled["outcome"], polled["published"]) == ("read", 2)
    items = api.get(f"/api/v1/sources/{source}/items").json()["items"]
    assert [i["headline"] for i in items] == ["Bal", "Loto"]
    assert {(i["state"], i["publication_state"]) for i in items} == {("published", "live")}
    later = api.get(f"/api/v1/sources/{source}/items", params={"after": items[0]["id"]}).json()
    assert [i["headline"] for i in later["items"]] == ["Loto"]
    none = api.get(f"/api/v1/sources/{source}/items", params={"state": "ignored"}).json()
    assert none["items"] == []
    listed = api.get("/api/v1/sources").json()["sources"]
    assert [(s["id"], s["health"], s["items"]) for s in listed] == [(source, "good", 2)]


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/agenda.ics",
        "http://169.254.169.254/latest/",
        "http://[::ffff:127.0.0.1]/agenda.ics",
        "webcal://localhost/agenda.ics",
        "file:///etc/passwd",
        "https://user:secret@villard-bonnot.example/agenda.ics",
        "agenda.ics",
    ],
)
def test_an_address_inside_is_refused_and_the_field_is_named(
    api: TestClient, site: Feeds, url: str
) -> None:
    assert fields(api.post("/api/v1/sources", json=given(site, url=url))) == ["url"]
    source = made(api, site)
    assert fields(api.patch(f"/api/v1/sources/{source}", json={"url": url})) == ["url"]


def test_webcal_is_kept_as_https(api: TestClient, site: Feeds) -> None:
    source = made(api, site, url="webcal://villard-bonnot.example/agenda.ics")
    url = api.get(f"/api/v1/sources/{source}").json()["url"]
    assert url == "https://villard-bonnot.example/agenda.ics"


@pytest.mark.parametrize(
    ("more", "field"),
    [
        ({"kind": "carrier-pigeon"}, "kind"),
        ({"options": {"timezone": "Mars/Olympus"}}, "options.timezone"),
        ({"options": {"surprise": 1}}, "options.surprise"),
        ({"options": {"url": "https://x.example"}}, "options.url"),
        ({"category": "dance"}, "category"),
        ({"station": "NOWHERE"}, "station"),
        ({"interval_s": 5}, "interval_s"),
        ({"intake": "maybe"}, "intake"),
        ({"name": ""}, "name"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_each_wrong_field_is_named(
    api: TestClient, site: Feeds, more: dict[str, object], field: str
) -> None:
    assert fields(api.post("/api/v1/sources", json=given(site, **more))) == [field]


def test_a_failing_source_is_an_answer_not_an_error(api: TestClient, site: Feeds) -> None:
    source = made(api, site)
    site.status("/agenda.ics", 503)
    answer = api.post(f"/api/v1/sources/{source}/poll")
    assert answer.status_code == 200
    assert answer.json()["outcome"] == "failed"
    shown = api.get(f"/api/v1/sources/{source}").json()
    assert (shown["health"], shown["failures"]) == ("failing", 1)
    assert "503" in shown["error"]


def test_a_dry_run_says_what_would_come_and_keeps_nothing(api: TestClient, site: Feeds) -> None:
    answer = api.post("/api/v1/sources/test", json=given(site, intake="draft")).json()
    assert [(i["headline"], i["would"]) for i in answer["items"]] == [
        ("Bal", "draft"),
        ("Loto", "draft"),
    ]
    assert api.get("/api/v1/sources").json() == {"sources": []}
    site.status("/agenda.ics", 404)
    assert fields(api.post("/api/v1/sources/test", json=given(site))) == ["url"]


def test_a_changed_setting_makes_the_next_reading_a_full_one(api: TestClient, site: Feeds) -> None:
    source = made(api, site, intake="ignore")
    api.post(f"/api/v1/sources/{source}/poll")
    changed = api.patch(
        f"/api/v1/sources/{source}", json={"intake": "draft", "options": {"days_ahead": 30}}
    ).json()
    assert (changed["intake"], changed["options"]) == ("draft", {"days_ahead": 30})
    polled = api.post(f"/api/v1/sources/{source}/poll").json()
    assert (polled["outcome"], polled["drafted"]) == ("read", 2)
    kept = api.patch(f"/api/v1/sources/{source}", json={"options": {"days_before": 2}}).json()
    assert kept["options"] == {"days_ahead": 30, "days_before": 2}


def test_a_paused_source_says_so(api: TestClient, site: Feeds) -> None:
    source = made(api, site)
    assert api.patch(f"/api/v1/sources/{source}", json={"paused": True}).json()["health"] == (
        "paused"
    )


def test_a_deleted_source_leaves_what_was_published(api: TestClient, site: Feeds) -> None:
    source = made(api, site)
    api.post(f"/api/v1/sources/{source}/poll")
    assert api.delete(f"/api/v1/sources/{source}").status_code == 204
    assert api.get(f"/api/v1/sources/{source}").status_code == 404
    with db.reading(db.EVERYWHERE) as session:
        rows = session.exec(select(Publication)).all()
    assert [(p.state, p.item_id) for p in rows] == [("live", None)] * 2
    assert all(p.wake_at and p.wake_at > clock.now() + timedelta(hours=1) for p in rows)


def test_other_authorities_and_smaller_roles_are_kept_out(
    api: TestClient, here: Authority, site: Feeds
) -> None:
    source = made(api, site)
    stranger = client(town("froges"), Role.ADMIN)
    assert stranger.get("/api/v1/sources").json() == {"sources": []}
    for answer in (
        stranger.get(f"/api/v1/sources/{source}"),
        stranger.get(f"/api/v1/sources/{source}/items"),
        stranger.patch(f"/api/v1/sources/{source}", json={"paused": True}),
        stranger.post(f"/api/v1/sources/{source}/poll"),
        stranger.delete(f"/api/v1/sources/{source}"),
    ):
        assert answer.status_code == 404
    author = client(here, Role.AUTHOR)
    assert author.post("/api/v1/sources", json=given(site)).status_code == 403
    assert author.delete(f"/api/v1/sources/{source}").status_code == 403
    assert author.post(f"/api/v1/sources/{source}/poll").status_code == 200


def test_the_kinds_tell_their_options(api: TestClient) -> None:
    kinds = {k["kind"]: k for k in api.get("/api/v1/sources/kinds").json()["kinds"]}
    assert {"ical", "rss", "cap"} <= set(kinds)
    assert "days_ahead" in kinds["ical"]["options"]["properties"]
