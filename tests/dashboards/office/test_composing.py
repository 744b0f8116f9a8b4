"""Write it once: errors by their field, what they will see, and the steps of a draft."""

import json
from datetime import timedelta
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from dashboards.office import forms
from hub import clock, db
from hub.models import Authority, Publication, Revision
from hub.vocabulary import Role
from tests.dashboards.conftest import NOTICE, member, say, visible
from tests.factories import outlet


def kept(here: Authority) -> list[Publication]:
    with db.reading(here.id or 0) as session:
        return list(session.exec(select(Publication).order_by(Publication.id)).all())


def test_the_form_has_every_field_a_label_and_every_language_a_tab(office: TestClient) -> None:
    page = office.get("/office/compose").text
    for language in ("fr", "en", "es"):
        assert f'name="texts.{language}.headline"' in page
        assert f'<label for="texts-{language}-headline">' in page
    assert 'name="area_latitude"' in page  # the way without a map
    assert "Suivez" not in page


def test_enter_in_a_field_looks_and_does_not_publish(office: TestClient, here: Authority) -> None:
    page = office.get("/office/compose").text
    first = page.index("<button", page.index('id="compose"'))
    assert 'value="look"' in page[first : page.index(">", first)]
    answer = office.post("/office/compose", data=NOTICE | {"step": "look"})
    assert answer.status_code == 200
    assert kept(here) == []
    assert "Rue des Brûlis fermée" in answer.text


@pytest.mark.parametrize(
    ("wrong", "field", "says"),
    [
        ({"texts.fr.headline": ""}, "texts-fr-headline", "À remplir."),
        ({"texts.fr.headline": "x" * 161}, "texts-fr-headline", "Au plus 160 caractères."),
        ({"expires": "demain"}, "expires", "Indiquez un jour et une heure."),
        ({"onset": "2030-01-02T10:00", "expires": "2030-01-01T10:00"}, "expires", "après le début"),
        ({"area_latitude": "45,2", "area_longitude": "5,9", "area_radius": "0"}, "area", "rayon"),
        ({"area": "{"}, "area", "ne peut pas être lue"),
        ({"severity": "Terrible"}, "severity", "Choisissez dans la liste."),
        ({"expires": "2020-01-01T10:00"}, "expires", "rien ne serait montré"),
    ],
)
def test_what_is_wrong_is_said_by_its_field_and_nothing_is_lost(
    office: TestClient, here: Authority, wrong: dict[str, str], field: str, says: str
) -> None:
    answer = office.post("/office/compose", data=NOTICE | {"step": "publish"} | wrong)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert says in visible(answer.text)
    assert "Suivez la déviation par l’avenue Foch." in answer.text
    assert kept(here) == []


def test_an_area_that_crosses_itself_is_named_in_french(office: TestClient) -> None:
    bow = {
        "type": "Polygon",
        "coordinates": [[[5.88, 45.23], [5.9, 45.25], [5.9, 45.23], [5.88, 45.25], [5.88, 45.23]]],
    }
    answer = office.post("/office/compose", data=NOTICE | {"area": json.dumps(bow)})
    assert answer.status_code == 422
    assert 'href="#area"' in answer.text
    assert "croise" in visible(answer.text)


def test_a_circle_in_numbers_is_an_area_like_a_drawn_one(
    office: TestClient, here: Authority
) -> None:
    say(office, area_latitude="45,236", area_longitude="5,888", area_radius="300")
    (publication,) = kept(here)
    with db.reading(here.id or 0) as session:
        content = session.exec(select(Revision)).one().content
    assert content["area"]["type"] == "Polygon"
    assert publication.state == "live"


def sights(browser: TestClient, **more: Any) -> str:
    answer = browser.post("/office/compose/sights", data=NOTICE | more)
    assert answer.status_code == 200
    return answer.text


def test_what_they_will_see_has_every_outlet_and_every_reason(
    office: TestClient, here: Authority
) -> None:
    outlet(here, "panel", "place", longitude=5.89, latitude=45.235, tags=["infos"])
    html = sights(office)
    assert "<html" not in html  # a part of a page
    assert "Pourquoi" in visible(html)
    assert 'class="led' in html
    assert "Rue des Brûlis fermée" in visible(html)
    assert "Site web et flux" in visible(html)


def test_a_headline_no_panel_can_carry_is_refused_before_anything_leaves(
    office: TestClient, here: Authority
) -> None:
    outlet(here, "panel", "place", longitude=5.89, latitude=45.235, tags=["infos"])
    html = sights(office, **{"texts.fr.headline": "Anticonstitutionnellement " * 6})
    assert "message bad" in html
    assert kept(here) == []


def test_without_a_sentence_the_page_says_what_is_missing(office: TestClient) -> None:
    html = sights(office, **{"texts.fr.headline": "", "texts.fr.instruction": ""})
    assert "À remplir." in visible(html)


def test_publishing_leads_to_the_board(office: TestClient, here: Authority) -> None:
    publication = say(office)
    page = office.get(f"/office/publications/{publication}?said=published").text
    assert 'data-outlet="site"' in page
    assert "Publié. Le tableau ci-dessous suit chaque support." in visible(page)
    assert kept(here)[0].created_by == "member:1"


def test_a_draft_is_kept_and_changed(office: TestClient, here: Authority) -> None:
    publication = say(office, step="draft")
    page = office.get(f"/office/publications/{publication}/edit").text
    assert 'value="Rue des Brûlis fermée"' in page
    answer = office.post(
        f"/office/publications/{publication}/edit",
        data=NOTICE | {"step": "publish", "texts.fr.headline": "Rue des Brûlis rouverte"},
    )
    assert answer.status_code == 303
    with db.reading(here.id or 0) as session:
        revision = session.exec(select(Revision)).one()
    assert revision.content["texts"]["fr"]["headline"] == "Rue des Brûlis rouverte"


def test_an_exercise_stays_an_exercise(office: TestClient, here: Authority) -> None:
    publication = say(office, status="exercise")
    assert "Exercice" in visible(office.get(f"/office/publications/{publication}").text)
    with db.reading(here.id or 0) as session:
        assert session.exec(select(Revision)).one().status == "exercise"


def test_a_later_hour_is_the_town_s_own(office: TestClient, here: Authority) -> None:
    tomorrow = clock.local(clock.now() + timedelta(days=1), "Europe/Paris").replace(hour=12)
    publication = say(office, step="schedule", publish_at=f"{tomorrow:%Y-%m-%dT12:00}")
    (row,) = kept(here)
    assert row.draft_state == "scheduled"
    assert row.publish_at is not None
    assert clock.local(row.publish_at, "Europe/Paris").hour == 12
    assert "Publication prévue" in visible(office.get(f"/office/publications/{publication}").text)


def test_a_past_hour_is_refused_by_its_field(office: TestClient, here: Authority) -> None:
    answer = office.post(
        "/office/compose", data=NOTICE | {"step": "schedule", "publish_at": "2020-01-01T10:00"}
    )
    assert answer.status_code == 422
    assert "Ce moment est déjà passé." in visible(answer.text)
    assert kept(here) == []


def test_something_grave_states_whom_it_reaches_before_it_leaves(
    office: TestClient, here: Authority
) -> None:
    publication = say(office, severity="Extreme", urgency="Immediate")
    assert kept(here)[0].state == "new"
    page = visible(office.get(f"/office/publications/{publication}/confirm").text)
    assert "Qui sera prévenu" in page
    assert "Ce n’est pas un exercice" in page
    step = f"/office/publications/{publication}/step"
    assert office.post(step, data={"step": "publish"}).headers["location"].endswith("/confirm")
    assert kept(here)[0].state == "new"
    office.post(step, data={"step": "publish", "confirmed": "yes"})
    assert kept(here)[0].state == "live"


def test_who_is_not_on_duty_cannot_publish_something_grave(app: FastAPI, here: Authority) -> None:
    author = member(app, here, "auteur@villard.example", Role.AUTHOR)
    publication = say(author, severity="Severe")
    assert kept(here)[0].state == "new"
    page = f"/office/publications/{publication}"
    assert author.get(f"{page}/confirm").status_code == 403
    answer = author.post(f"{page}/step", data={"step": "publish", "confirmed": "yes"})
    assert answer.status_code == 403
    assert kept(here)[0].state == "new"


def test_a_colleague_approves_and_the_author_cannot(app: FastAPI, here: Authority) -> None:
    author = member(app, here, "auteur@villard.example", Role.AUTHOR, Role.APPROVER)
    other = member(app, here, "valide@villard.example", Role.APPROVER)
    publication = say(author, step="submit")
    step = f"/office/publications/{publication}/step"
    refused = author.post(step, data={"step": "approve"})
    assert refused.status_code == 409
    assert "ne peut pas le valider" in visible(refused.text)
    missing = other.post(step, data={"step": "return", "note": " "})
    assert missing.status_code == 409
    assert other.post(step, data={"step": "return", "note": "La rue est mal nommée"}).status_code
    assert "La rue est mal nommée" in author.get(f"/office/publications/{publication}").text
    author.post(step, data={"step": "submit"})
    assert other.post(step, data={"step": "approve"}).status_code == 303
    author.post(step, data={"step": "publish"})
    assert kept(here)[0].state == "live"


def test_what_a_person_writes_is_never_markup(office: TestClient) -> None:
    nasty = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    publication = say(office, **{"texts.fr.headline": nasty, "area_desc": nasty})
    for path in ("", "/edit", "/end", "/board"):
        html = office.get(f"/office/publications/{publication}{path}").text
        assert "<script>alert" not in html
        assert "<img src=x" not in html
    assert "<script>alert" not in sights(office, **{"texts.fr.headline": nasty})
    assert "<script>alert" not in office.get("/office/").text


def test_a_year_half_typed_is_no_moment() -> None:
    """A browser gives 0001 while somebody types 2026; in UTC that is before the calendar."""
    assert forms.moment_of("0001-01-01T00:00", "Europe/Paris") is None
    assert forms.moment_of("2026-03-02T09:00", "Europe/Paris") is not None
