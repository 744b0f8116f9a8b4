"""Who may come in, and what a form of another site cannot do."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from hub import accounts, db
from hub.models import Authority, Member
from hub.vocabulary import Role
from tests.dashboards.conftest import ORIGIN, PASSWORD, member, visible


def test_the_office_asks_who_is_there(citizen: TestClient) -> None:
    answer = citizen.get("/office/outlets")
    assert answer.status_code == 303
    assert answer.headers["location"] == "/office/sign-in?next=/office/outlets"


def test_a_part_of_a_page_leads_to_the_sign_in_too(citizen: TestClient) -> None:
    answer = citizen.post("/office/compose/sights", headers=ORIGIN | {"HX-Request": "true"})
    assert (answer.status_code, answer.headers["hx-redirect"]) == (204, "/office/sign-in")


def test_the_cookie_cannot_be_read_by_scripts_or_sent_by_other_sites(
    app: FastAPI, here: Authority
) -> None:
    browser = member(app, here, "a@villard.example", Role.AUTHOR)
    answer = browser.post(
        "/office/sign-in", data={"email": "a@villard.example", "password": PASSWORD}
    )
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert "path=/office" in cookie
    assert PASSWORD not in cookie


def test_a_wrong_password_keeps_the_address_and_tells_nothing_more(
    citizen: TestClient, office: TestClient
) -> None:
    for email in ("chef@villard.example", "nobody@villard.example"):
        answer = citizen.post(
            "/office/sign-in", data={"email": email, "password": "faux"}, headers=ORIGIN
        )
        assert answer.status_code == 403
        assert f'value="{email}"' in answer.text
        assert "ne vont pas ensemble" in visible(answer.text)
        assert "set-cookie" not in answer.headers


def test_guessing_is_stopped(citizen: TestClient, office: TestClient) -> None:
    codes = [
        citizen.post(
            "/office/sign-in",
            data={"email": "chef@villard.example", "password": f"essai {n}"},
            headers=ORIGIN,
        ).status_code
        for n in range(7)
    ]
    assert codes[0] == 403
    assert codes[-1] == 429


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {}, {"Origin": "null"}, {"Sec-Fetch-Site": "cross-site"}],
)
def test_a_form_of_another_site_does_nothing(
    app: FastAPI, here: Authority, headers: dict[str, str]
) -> None:
    browser = member(app, here, "a@villard.example", Role.ADMIN)
    del browser.headers["Origin"]
    answer = browser.post("/office/sign-out", data={"everywhere": "yes"}, headers=headers)
    assert answer.status_code == 403
    with db.reading(here.id or 0) as session:
        assert {m.epoch for m in session.exec(select(Member)).all()} == {0}


def test_a_browser_that_states_its_own_page_is_believed(office: TestClient) -> None:
    del office.headers["Origin"]
    answer = office.post("/office/mode", headers={"Sec-Fetch-Site": "same-origin"})
    assert answer.status_code == 303


@pytest.mark.parametrize(
    "wish", ["https://evil.example", "//evil.example", "/office//evil", "/office\\evil", "/p/x"]
)
def test_signing_in_never_leads_out_of_the_office(app: FastAPI, here: Authority, wish: str) -> None:
    browser = member(app, here, "a@villard.example", Role.AUTHOR)
    answer = browser.post(
        "/office/sign-in",
        data={"email": "a@villard.example", "password": PASSWORD, "next": wish},
    )
    assert answer.headers["location"] == "/office/"


def test_signing_out_everywhere_ends_older_sessions(app: FastAPI, here: Authority) -> None:
    phone = member(app, here, "a@villard.example", Role.AUTHOR)
    desk = TestClient(app, follow_redirects=False, headers=ORIGIN)
    desk.post("/office/sign-in", data={"email": "a@villard.example", "password": PASSWORD})
    assert phone.get("/office/").status_code == 200
    desk.post("/office/sign-out", data={"everywhere": "yes"})
    assert phone.get("/office/").status_code == 303


def test_a_changed_password_or_a_closed_account_ends_the_session(
    app: FastAPI, here: Authority
) -> None:
    browser = member(app, here, "a@villard.example", Role.AUTHOR)
    with db.writing(here.id or 0) as session:
        found = session.get_one(Member, 1)
        accounts.set_password(session, found, "une autre peau")
    assert browser.get("/office/").status_code == 303


def test_a_cookie_that_was_changed_is_no_cookie(office: TestClient) -> None:
    forged = office.cookies["tambour_office"][:-2] + "xx"
    office.cookies.clear()
    office.cookies.set("tambour_office", forged, path="/office")
    assert office.get("/office/").status_code == 303


def test_an_exercise_shows_on_every_page_and_in_the_form(office: TestClient) -> None:
    office.post("/office/mode", data={"exercise": "yes"})
    page = office.get("/office/compose").text
    assert "est marqué partout comme un exercice" in visible(page)
    assert 'value="exercise" checked' in page
    office.post("/office/mode", data={})
    assert "est marqué partout comme un exercice" not in visible(office.get("/office/").text)
