"""One publication: its board, its end, its history; and that nobody sees another town's."""

import asyncio
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.requests import Request

from dashboards.office import publications
from hub import db
from hub.models import Authority, Delivery, Publication
from hub.vocabulary import DeliveryState, Role
from tests.dashboards.conftest import NOTICE, member, say, visible
from tests.factories import town
from tests.working import work_all


def test_the_board_goes_from_wanted_to_shown(office: TestClient) -> None:
    page = f"/office/publications/{say(office)}"
    before = office.get(f"{page}/board").text
    assert 'data-outlet="site" data-state="due" data-ok="no"' in before
    work_all()
    after = office.get(f"{page}/board").text
    assert 'data-outlet="site" data-state="shown" data-ok="yes"' in after
    assert 'data-outlet="temoin" data-state="done" data-ok="yes"' in after
    assert "Tout montre ce qui est voulu" in visible(after)


def test_a_state_is_a_word_and_a_shape_never_a_colour_alone(office: TestClient) -> None:
    page = f"/office/publications/{say(office)}"
    html = office.get(f"{page}/board").text
    badge = html[html.index('<td data-label="État">') :]
    badge = badge[: badge.index("</td>")]
    assert "<svg" in badge
    assert "Va être prévenu" in visible(badge)


def test_the_page_says_why_each_outlet_by_its_name(office: TestClient) -> None:
    text = visible(office.get(f"/office/publications/{say(office)}").text)
    assert "Pourquoi ces supports" in text
    assert "site le dira : " in text.replace("\u00a0", " ")


def test_the_stream_sends_the_board_again_only_when_it_changed(
    app: FastAPI, office: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(publications, "LOOK_EVERY_S", 0.05)
    publication = say(office)
    scope: dict[str, Any] = {
        "type": "http",
        "method": "GET",
        "path": f"/office/publications/{publication}/events",
        "query_string": b"",
        "headers": [
            (b"cookie", f"tambour_office={office.cookies['tambour_office']}".encode()),
        ],
        "app": app,
    }

    async def listen() -> list[str]:
        answer = await publications.events(Request(scope), publication)
        assert answer.media_type == "text/event-stream"
        heard: list[str] = []
        async for part in answer.body_iterator:
            heard.append(part if isinstance(part, str) else bytes(part).decode())
            if len(heard) == 2:
                await asyncio.to_thread(work_all)
            if len(heard) == 3:
                break
        return heard

    retry, first, second = asyncio.run(asyncio.wait_for(listen(), 30))
    assert retry.startswith("retry:")
    assert first.startswith("event: board\ndata: ")
    assert 'data-state="due"' in first
    assert 'data-outlet="site" data-state="shown"' in second


def test_an_update_is_a_second_revision(office: TestClient) -> None:
    publication = say(office)
    answer = office.post(
        f"/office/publications/{publication}/edit",
        data=NOTICE | {"step": "publish", "texts.fr.headline": "Rue rouverte à 16 h"},
    )
    assert answer.status_code == 303
    work_all()
    assert 'class="num brief">2</td>' in office.get(
        f"/office/publications/{publication}/board"
    ).text.replace("\n", "")


@pytest.mark.parametrize(
    ("how", "says"), [("over", "C’est terminé"), ("retracted", "Retirée : c’était une erreur")]
)
def test_it_is_ended_one_way_or_the_other(office: TestClient, how: str, says: str) -> None:
    publication = say(office)
    work_all()
    page = f"/office/publications/{publication}"
    assert "C’était une erreur" in visible(office.get(f"{page}/end").text)
    answer = office.post(f"{page}/end", data={"ended_as": how, "reason": "Chantier fini"})
    assert answer.headers["location"] == f"{page}?said=ended"
    work_all()
    after = office.get(page).text
    assert says in visible(after).replace("\u00a0", " ")
    assert "Chantier fini" in after
    assert 'data-outlet="site" data-state="clear" data-ok="yes"' in after


def test_an_end_without_a_choice_asks_again(office: TestClient) -> None:
    publication = say(office)
    assert office.post(f"/office/publications/{publication}/end", data={}).status_code == 200
    assert "En cours" in visible(office.get(f"/office/publications/{publication}").text)


def test_what_has_ended_cannot_end_again(office: TestClient) -> None:
    page = f"/office/publications/{say(office)}"
    office.post(f"{page}/end", data={"ended_as": "over"})
    again = office.post(f"{page}/end", data={"ended_as": "retracted"})
    assert again.status_code == 409
    assert "Seule une publication en cours" in visible(again.text)


def test_what_is_uncertain_can_be_sent_again_and_the_risk_is_named(
    office: TestClient, here: Authority
) -> None:
    publication = say(office)
    work_all()
    with db.writing(here.id or 0) as session:
        delivery = session.exec(select(Delivery).where(Delivery.kind == "null")).one()
        delivery.state, delivery.uncertain, delivery.total = DeliveryState.UNCERTAIN, 1, 1
        session.add(delivery)
        number = delivery.id
    page = office.get(f"/office/publications/{publication}").text
    assert f'action="/office/publications/{publication}/resend/{number}"' in page
    assert "peut-être prévenues deux fois" in visible(page)
    assert "Incertain" in visible(office.get("/office/").text)
    answer = office.post(f"/office/publications/{publication}/resend/{number}")
    assert answer.headers["location"].endswith("?said=resent")


def test_another_town_s_publication_does_not_exist_here(app: FastAPI, office: TestClient) -> None:
    publication = say(office)
    elsewhere = town("froges")
    stranger = member(app, elsewhere, "chef@froges.example", Role.ADMIN)
    page = f"/office/publications/{publication}"
    for path in ("", "/board", "/edit", "/end", "/confirm"):
        answer = stranger.get(page + path)
        assert answer.status_code == 404
        assert "Rue des Brûlis" not in answer.text
    assert stranger.post(f"{page}/end", data={"ended_as": "over"}).status_code == 404
    assert stranger.post(f"{page}/step", data={"step": "discard"}).status_code == 404
    assert "Rue des Brûlis" not in stranger.get("/office/").text


def test_a_page_that_is_not_there_is_said_in_words(office: TestClient) -> None:
    answer = office.get("/office/publications/0123456789ABCDEFGHJKMNPQRS")
    assert answer.status_code == 404
    assert "Cette page n’existe pas" in visible(answer.text)


def test_today_shows_what_is_live_and_what_waits(office: TestClient, here: Authority) -> None:
    assert "Rien n’est annoncé en ce moment" in visible(office.get("/office/").text)
    say(office)
    say(office, step="submit", **{"texts.fr.headline": "Coupure d’eau jeudi"})
    work_all()
    text = visible(office.get("/office/").text)
    assert "2 supports sur 2" in text
    assert "Coupure d’eau jeudi" in text
    assert "En attente de validation" in text
    with db.reading(here.id or 0) as session:
        assert len(session.exec(select(Publication)).all()) == 2


def test_lists_are_filtered_and_paged(office: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publications, "PAGE", 2)
    for n in range(3):
        say(office, step="draft", **{"texts.fr.headline": f"Annonce {n}"})
    first = office.get("/office/publications").text
    assert "Annonce 2" in first
    assert "Annonce 0" not in first
    more = first[first.index("before=") :].partition('"')[0]
    assert "Annonce 0" in office.get(f"/office/publications?{more}").text
    assert "Annonce" not in office.get("/office/publications?state=live").text


@pytest.mark.parametrize("language", ["en", "es"])
def test_every_page_speaks_the_language_asked_for(office: TestClient, language: str) -> None:
    publication = say(office)
    work_all()
    for path in (
        "",
        "compose",
        "publications",
        "drafts",
        "outlets",
        "outlets/add?kind=panel",
        "sources",
        "sources/add",
        f"publications/{publication}",
        f"publications/{publication}/edit",
        f"publications/{publication}/end",
    ):
        link = f"/office/{path}" + ("&" if "?" in path else "?") + f"lang={language}"
        answer = office.get(link)
        assert answer.status_code == 200, link
        assert f'<html lang="{language}">' in answer.text
        for french in ("Aujourd’hui", "Brouillons", "Se déconnecter", "Gravité", "Jusqu’à"):
            assert french not in visible(answer.text), (link, french)
