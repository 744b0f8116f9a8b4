"""Outlets and sources: add, change, pause, and every mistake by its field."""

import html
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pytest_httpserver import HTTPServer
from sqlmodel import select

from dashboards.base import labels
from dashboards.office import optionforms, sources
from hub import clock, db, registry, settings
from hub.models import Authority, Contact, ItemRow, Outlet, Publication, Source
from hub.vocabulary import Role
from tests.conftest import start_instance
from tests.dashboards.conftest import member, visible

SOON = clock.now() + timedelta(days=3)
CALENDAR = f"""BEGIN:VCALENDAR
VERSION:2.0
PRODID:-//Villard//FR
BEGIN:VEVENT
UID:marche@villard
DTSTAMP:20260101T080000Z
DTSTART:{SOON:%Y%m%d}T080000Z
DTEND:{SOON:%Y%m%d}T110000Z
SUMMARY:Marché de Lancey
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


def rows(here: Authority, table: type) -> list:
    with db.reading(here.id or 0) as session:
        return list(session.exec(select(table).order_by(table.id)).all())


def test_an_outlet_is_added_paused_and_changed(office: TestClient, here: Authority) -> None:
    assert "Panneau lumineux" in visible(office.get("/office/outlets/add").text)
    answer = office.post(
        "/office/outlets/add",
        data={
            "kind": "panel",
            "code": "place",
            "name": "Panneau de la place",
            "tags": "infos, bourg",
            "latitude": "45,235",
            "longitude": "5.89",
            "options.model": "text-6x20",
        },
    )
    assert answer.headers["location"] == "/office/outlets/place"
    made = rows(here, Outlet)[-1]
    assert (made.tags, made.latitude, made.options) == (
        ["infos", "bourg"],
        45.235,
        {"model": "text-6x20"},
    )
    office.post("/office/outlets/place", data={"paused": "yes"})
    assert rows(here, Outlet)[-1].paused
    assert "En pause" in visible(office.get("/office/outlets/place").text)
    office.post(
        "/office/outlets/place",
        data={"name": "Place de la Mairie", "kind": "panel", "options.model": "text-6x20"},
    )
    assert rows(here, Outlet)[-1].name == "Place de la Mairie"


def test_hours_with_blanks_are_kept_as_they_were_typed(office: TestClient, here: Authority) -> None:
    hours = "12345 07:00-22:00, 67 09:00-20:00"
    given = {
        "kind": "panel", "code": "place", "name": "Place", "options.languages": "fr, en",
        "options.windows": hours, "options.event_days": "5",
    }  # fmt: skip
    office.post("/office/outlets/add", data=given)
    kept = {"languages": ["fr", "en"], "windows": hours.split(", "), "event_days": 5}
    assert rows(here, Outlet)[-1].options == kept
    page = office.get("/office/outlets/place").text
    assert f'value="{hours}"' in page
    assert "Jours et heures des messages ordinaires" in visible(page)
    office.post("/office/outlets/place", data=given)
    assert rows(here, Outlet)[-1].options == kept
    refused = office.post("/office/outlets/place", data={**given, "options.windows": "99 07:00-22"})
    assert refused.status_code == 422
    assert 'value="99 07:00-22"' in refused.text
    assert 'value="fr, en"' in refused.text
    assert rows(here, Outlet)[-1].options == kept


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"code": "Place Mairie"}, "code"),
        ({"code": "site"}, "code"),
        ({"name": ""}, "name"),
        ({"latitude": "97"}, "latitude"),
        ({"options.model": "inconnu"}, "options-model"),
        ({"options.hold_ms": "vite"}, "options-hold_ms"),
        ({"options.windows": "12345 07:00"}, "options-windows"),
    ],
)
def test_a_wrong_outlet_is_refused_by_its_field(
    office: TestClient, here: Authority, wrong: dict[str, str], field: str
) -> None:
    good = {"kind": "panel", "code": "place", "name": "Place", "options.model": "text-8x16"}
    answer = office.post("/office/outlets/add", data=good | wrong)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert len(rows(here, Outlet)) == 2


def test_a_secret_is_kept_sealed_and_never_shown(office: TestClient, here: Authority) -> None:
    office.post(
        "/office/outlets/add",
        data={
            "kind": "mastodon",
            "code": "masto",
            "name": "Compte",
            "options.instance": "https://social.example",
            "options.token": "tres-secret",
        },
    )
    made = rows(here, Outlet)[-1]
    assert "tres-secret" not in str(made.options) + made.secrets
    page = office.get("/office/outlets/masto").text
    assert "tres-secret" not in page
    assert 'type="password"' in page
    office.post("/office/outlets/masto", data={"name": "Compte", "options.limit": "400"})
    assert rows(here, Outlet)[-1].secrets


def test_numbers_are_added_encrypted_and_a_wrong_one_is_named(
    office: TestClient, here: Authority
) -> None:
    office.post(
        "/office/outlets/add",
        data={
            "kind": "sms",
            "code": "sms",
            "name": "Liste",
            "options.url": "smseagle://jeton@operateur.example/",
        },
    )
    page = "/office/outlets/sms"
    answer = office.post(page, data={"numbers": "+33 6 39 98 00 01\n\n+33639980002"})
    assert answer.status_code == 303, visible(answer.text)
    assert len(rows(here, Contact)) == 2
    assert "39980001" not in "".join(c.sealed for c in rows(here, Contact))
    assert "2 numéros dans la liste" in visible(office.get(page).text)
    assert office.post(page, data={"numbers": "06 39"}).status_code == 422


def test_an_author_reads_outlets_and_sources_but_does_not_change_them(
    app: FastAPI, here: Authority
) -> None:
    author = member(app, here, "auteur@villard.example", Role.AUTHOR)
    assert author.get("/office/outlets").status_code == 200
    assert author.get("/office/outlets/add").status_code == 403
    assert author.post("/office/outlets/site", data={"paused": "yes"}).status_code == 403
    assert author.get("/office/sources/add").status_code == 403
    assert not rows(here, Outlet)[0].paused


@pytest.fixture
def feed(here: Authority, app: FastAPI, hub_on_sqlite: Path, httpserver: HTTPServer) -> str:
    """An agenda that this instance's address guard lets through."""
    httpserver.expect_request("/agenda.ics").respond_with_data(
        CALENDAR, content_type="text/calendar"
    )
    start_instance(
        hub_on_sqlite,
        TAMBOUR_TESTING="1",
        TAMBOUR_ALLOW_PRIVATE=f"{httpserver.host}:{httpserver.port}",
    )
    assert settings.get().policy.allow_private
    return httpserver.url_for("/agenda.ics")


def test_a_source_shows_what_would_come_before_it_is_kept(
    feed: str, office: TestClient, here: Authority
) -> None:
    given = {"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft", "station": "VILLARD"}
    looked = office.post("/office/sources/add", data=given | {"step": "look"})
    assert looked.status_code == 200, visible(looked.text)
    assert "Marché de Lancey" in looked.text
    assert "Deviendrait un brouillon" in visible(looked.text)
    assert rows(here, Source) == []
    added = office.post("/office/sources/add", data=given | {"step": "add"})
    page = added.headers["location"]
    assert page == "/office/sources/1"
    polled = office.post(page, data={"step": "poll"})
    assert polled.status_code == 303
    text = visible(office.get(page).text)
    assert "Marché de Lancey" in text
    assert "Brouillon proposé" in text
    assert "Fonctionne" in text
    assert len(rows(here, ItemRow)) == 1


def test_a_proposed_draft_is_accepted_or_ignored(
    feed: str, office: TestClient, here: Authority
) -> None:
    office.post(
        "/office/sources/add",
        data={"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft"},
    )
    office.post("/office/sources/1", data={"step": "poll"})
    (draft,) = rows(here, Publication)
    text = visible(office.get("/office/drafts").text)
    assert "Marché de Lancey" in text
    assert "Proposé" in text
    assert "À partir de" in text  # when the event is, not when it was read
    office.post(f"/office/drafts/{draft.id}", data={"step": "accept"})
    assert rows(here, Publication)[0].state == "live"


def test_an_ignored_draft_is_gone(feed: str, office: TestClient, here: Authority) -> None:
    office.post(
        "/office/sources/add",
        data={"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft"},
    )
    office.post("/office/sources/1", data={"step": "poll"})
    office.post(f"/office/drafts/{rows(here, Publication)[0].id}", data={"step": "ignore"})
    assert rows(here, Publication)[0].state == "ended"
    assert "Marché" not in office.get("/office/drafts").text


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/a.ics", "http://169.254.169.254/", "ftp://x"])
def test_a_source_on_this_machine_s_network_is_refused_by_its_field(
    office: TestClient, here: Authority, url: str
) -> None:
    answer = office.post(
        "/office/sources/add", data={"kind": "ical", "name": "A", "url": url, "intake": "draft"}
    )
    assert answer.status_code == 422
    assert 'href="#url"' in answer.text
    assert rows(here, Source) == []


def test_a_source_is_paused_changed_and_forgotten(
    feed: str, office: TestClient, here: Authority
) -> None:
    office.post(
        "/office/sources/add",
        data={"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft"},
    )
    office.post("/office/sources/1", data={"step": "pause"})
    assert "En pause" in visible(office.get("/office/sources").text)
    office.post("/office/sources/1", data={"step": "resume"})
    office.post("/office/sources/1", data={"step": "delete"})
    assert rows(here, Source) == []


def test_an_address_is_tried_whatever_its_kind_and_nothing_is_kept(
    feed: str, office: TestClient, here: Authority
) -> None:
    assert "Essayer une adresse" in visible(office.get("/office/sources").text)
    tried = office.post("/office/sources/try", data={"url": feed})
    text = visible(tried.text)
    assert "Marché de Lancey" in text
    assert "Deviendrait un brouillon" in text
    assert "/office/sources/add?kind=ical&amp;url=" in tried.text
    assert rows(here, Source) == rows(here, ItemRow) == []


def test_an_address_that_gives_no_feed_or_leads_inside_is_told_in_words(
    feed: str, office: TestClient, httpserver: HTTPServer
) -> None:
    httpserver.expect_request("/page").respond_with_data("<html>Bonjour</html>")
    page = {"url": httpserver.url_for("/page")}
    text = visible(office.post("/office/sources/try", data=page).text)
    assert "Rien n'a pu être lu" in text
    assert "Données ouvertes" in text
    for url in ("http://127.1:1/", "http://[::ffff:127.0.0.1]/"):
        refused = office.post("/office/sources/try", data={"url": url})
        assert "Rien n'a pu être lu" in visible(refused.text)
    assert office.post("/office/sources/try", data={"url": ""}).status_code == 422


def test_how_a_source_is_doing_is_on_its_page(
    feed: str, office: TestClient, here: Authority, httpserver: HTTPServer
) -> None:
    given = {"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft"}
    office.post("/office/sources/add", data=given)
    assert "Pas encore" in visible(office.get("/office/sources/1").text)
    office.post("/office/sources/1", data={"step": "poll"})
    assert "Prochain essai" in visible(office.get("/office/sources/1").text)
    httpserver.clear()
    httpserver.expect_request("/agenda.ics").respond_with_data("", status=503)
    for _ in range(2):
        office.post("/office/sources/1", data={"step": "poll"})
    text = visible(office.get("/office/sources/1").text)
    assert "est en panne (code 503)" in text
    assert "Dernier essai" in text
    assert "(2 échecs de suite)" in text
    assert len(rows(here, ItemRow)) == 1


def test_where_else_an_event_comes_from_is_shown(
    feed: str, office: TestClient, here: Authority
) -> None:
    for name in ("Agenda", "OpenAgenda"):
        given = {"kind": "ical", "name": name, "url": feed, "intake": "draft"}
        page = office.post("/office/sources/add", data=given).headers["location"]
        office.post(page, data={"step": "poll"})
    assert "Vient aussi de : Agenda" in visible(office.get(page).text)
    assert len(rows(here, Publication)) == 1


@pytest.mark.parametrize("kind", sorted(registry.kinds("connectors")))
def test_every_option_of_a_source_has_a_name_in_each_language(kind: str) -> None:
    options = registry.connector(kind).Options
    assert {field.name for field in optionforms.fields(options, {})} <= set(labels.WORDS["option"])


def test_a_name_with_spaces_stays_one_in_a_list() -> None:
    typed = {"options.calendars": "Salle des fêtes, Médiathèque, "}
    read = optionforms.read(registry.connector("caldav").Options, typed)
    assert read["calendars"] == ["Salle des fêtes", "Médiathèque"]


def test_what_a_reading_says_is_shown_whole(
    feed: str, office: TestClient, here: Authority, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = {"kind": "ical", "name": "Agenda", "url": feed, "intake": "draft"}
    page = office.post("/office/sources/add", data=given).headers["location"]
    told = "Illisible (a&b=100 %#x+y) ; ce qui était connu est gardé."
    monkeypatch.setattr(sources.api, "poll", lambda *_: {"says": told})
    answer = office.post(page, data={"step": "poll"})
    assert html.escape(told) in office.get(answer.headers["location"]).text
