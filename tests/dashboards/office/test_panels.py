"""The pages of panels and the certificate: what is wrong is said in words, in three languages."""

import io
import json

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from PIL import Image
from sqlmodel import select

from hub import db, sealing
from hub.contracts import ReportStage
from hub.models import Authority, Member, Publication
from hub.vocabulary import Role
from tests.dashboards.conftest import member, visible
from tests.factories import outlet
from tests.hub.panels.conftest import Spoken, publish, tell


@pytest.fixture
def panel(here: Authority) -> Spoken:
    made = outlet(here, "panel", "place", latitude=45.235, longitude=5.89)
    outlet(here, "panel", "gare", {"model": "matrix-96x64"}, latitude=45.24, longitude=5.88)
    return Spoken(here, made)


@pytest.fixture
def told(here: Authority, panel: Spoken) -> Publication:
    panel.say(ReportStage.BIRTH, plan_rev=0, model="text-8x16", columns=16, lines=8, colour="amber")
    made = publish(here)
    tell([panel.panel.id])
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, temp_c=21.5, brightness=60, data_month_kb=2048)
    panel.shows()
    return made


def speak(here: Authority, language: str) -> None:
    with db.writing(db.EVERYWHERE) as session:
        for row in session.exec(select(Member)).all():
            row.language = language
            session.add(row)


def test_the_list_shows_every_panel_on_a_map_and_in_words(
    office: TestClient, panel: Spoken, told: Publication
) -> None:
    page = office.get("/office/panels").text
    words = visible(page)
    assert "Affiche ce qui est voulu" in words
    assert "21,5 °C" in words
    assert "Tous les panneaux vont bien" in words
    assert page.count('class="pin"') == 2
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert "https://" not in page
    panel.shows(hash="A" * 43)
    words = visible(office.get("/office/panels").text)
    assert "1 panneau a besoin de quelqu’un" in words
    assert "il affiche une page que ce serveur n’a jamais envoyée" in words
    assert "On ne peut pas s’y fier" in words
    assert "il affiche une page" in visible(office.get("/office/").text)


@pytest.mark.parametrize(
    ("said", "word"), [("fr", "Sur sa face"), ("en", "On its face"), ("es", "En su cara")]
)
def test_the_page_of_a_panel_shows_face_plan_hours_and_reports(
    office: TestClient, here: Authority, panel: Spoken, told: Publication, said: str, word: str
) -> None:
    speak(here, said)
    page = office.get("/office/panels/place").text
    words = visible(page)
    assert word in words
    assert page.count('<svg class="led') == 2  # its face, and its plan
    assert 'class="hours"' in page
    assert "Rue des Brûlis fermée" in words
    assert "None" not in words or said == "en"


def test_what_is_wrong_with_a_panel_is_named_with_its_reason(
    office: TestClient, panel: Spoken, told: Publication
) -> None:
    row = panel.row()
    panel.say(ReportStage.ACK, ref=row.say_no, stage="rejected", reason="signature")
    panel.say(
        ReportStage.FAULT, code="door", severity="critical", detail="<b>ouverte</b>",
        first_seen="2026-03-02T08:00:00Z",
    )  # fmt: skip
    panel.shows(face_dark=True)
    page = office.get("/office/panels/place").text
    words = visible(page)
    assert "non signé par la collectivité, ou modifié en route" in words
    assert "La face n’éclaire pas" in words
    assert "Porte" in words
    assert "<b>ouverte" not in page


def test_a_panel_that_never_spoke_has_a_page_too(
    office: TestClient, panel: Spoken, told: Publication
) -> None:
    words = visible(office.get("/office/panels/gare").text)
    assert "Jamais entendu" in words
    assert "Il n’a pas encore dit ce qu’il affiche" in words
    assert "Rue des Brûlis fermée" in words


def test_a_frame_is_served_as_a_picture_and_nothing_else(
    office: TestClient, panel: Spoken, told: Publication
) -> None:
    assert office.get("/office/panels/place/frame.png").status_code == 404
    png = io.BytesIO()
    Image.new("1", (97, 71)).save(png, "PNG")
    panel.say(ReportStage.FRAME, hash="A" * 43, ref="x", raw=png.getvalue())
    answer = office.get("/office/panels/place/frame.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "frame.png" in office.get("/office/panels/place").text


def test_nobody_sees_the_panels_of_another_town(
    app: FastAPI, office: TestClient, panel: Spoken, told: Publication
) -> None:
    from tests.factories import town

    stranger = member(app, town("lancey"), "autre@lancey.example", Role.ADMIN)
    assert "place" not in stranger.get("/office/panels").text
    for path in ("panels/place", "panels/place/frame.png", f"publications/{told.id}/certificate"):
        assert stranger.get(f"/office/{path}").status_code == 404


@pytest.mark.parametrize("said", ["fr", "en", "es"])
def test_the_certificate_is_read_and_its_file_is_sealed(
    office: TestClient, here: Authority, panel: Spoken, told: Publication, said: str
) -> None:
    speak(here, said)
    page = office.get(f"/office/publications/{told.id}/certificate")
    assert page.status_code == 200
    assert here.key_id in visible(page.text)
    file = office.get(f"/office/publications/{told.id}/certificate.json")
    assert "attachment" in file.headers["content-disposition"]
    signed = json.loads(file.text)
    assert sealing.check(signed).key_id == here.key_id
    assert signed["certificate"]["publication"]["id"] == told.id


def test_a_draft_has_no_certificate(office: TestClient, here: Authority) -> None:
    from hub import publishing
    from tests.factories import content, station

    with db.writing(here.id) as session:
        draft = publishing.create(session, "test", station(session, here), content())
    assert office.get(f"/office/publications/{draft.id}/certificate").status_code == 404
