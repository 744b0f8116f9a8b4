"""The agenda's pages, the office's and everybody's, asked as without a script."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import icalendar
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from hub import clock, db
from hub.models import Authority, Event, Station
from hub.vocabulary import Role
from tests.dashboards.conftest import member, visible

FORM = {
    "texts.fr.headline": "Fête de l’Été",
    "texts.fr.description": "Entrée libre, https://x.example/fete.",
    "texts.en.headline": "Summer fair",
    "station": "VILLARD",
    "category": "event",
    "from_day": "2031-06-21",
    "from_hour": "19:00",
    "to_hour": "01:30",
    "place": "Salle des fêtes",
    "tags": "Musique, Danse & bals",
    "latitude": "45,24",
    "longitude": "5,89",
}


def put(office: TestClient, **more: str) -> str:
    """Fill in the form; the id of the event it made."""
    answer = office.post("/office/agenda/add", data=FORM | more)
    assert answer.status_code == 303, visible(answer.text)
    return answer.headers["location"].partition("?")[0].rpartition("/")[2]


def row(event_id: str) -> Event:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(Event, event_id)


def read(browser: TestClient, path: str, language: str = "fr", status: int = 200) -> str:
    answer = browser.get(path, headers={"accept-language": language, "accept": "text/html"})
    assert answer.status_code == status, answer.text
    return visible(answer.text)


def test_an_event_is_written_and_everybody_reads_it(
    office: TestClient, citizen: TestClient
) -> None:
    event = put(office)
    stored = row(event)
    assert stored.starts == datetime(2031, 6, 21, 17, tzinfo=UTC)
    assert stored.ends == datetime(2031, 6, 21, 23, 30, tzinfo=UTC)  # past midnight
    assert stored.tags == ["Musique", "Danse & bals"]
    page = read(citizen, f"/agenda/{event}")
    assert "Samedi 21 juin 2031, 19:00 – 01:30" in page
    assert "Salle des fêtes" in page
    assert "Summer fair" in read(citizen, f"/agenda/{event}", "en")
    assert "described in the language" not in read(citizen, f"/agenda/{event}", "en")
    assert "solo está descrito" in read(citizen, f"/agenda/{event}", "es")
    listed = read(citizen, "/agenda")
    assert "Samedi 21 juin 2031" in listed
    assert "Fête de l’Été" in listed


@pytest.mark.parametrize(
    ("query", "there"),
    [
        ("", True),
        ("?q=ETE+salle", True),
        ("?q=conseil", False),
        ("?tag=danse+%26+bals", True),
        ("?tag=sport", False),
        ("?du=2031-06-21&au=2031-06-21", True),
        ("?du=2031-06-23", False),
        ("?au=2031-06-20", False),
        ("?station=VILLARD", True),
        ("?station=AUTRE", False),
        ("?du=demain", True),
        ("?after=nothing", True),
    ],
)
def test_the_agenda_is_filtered(
    office: TestClient, citizen: TestClient, query: str, there: bool
) -> None:
    put(office)
    page = read(citizen, f"/agenda{query}")
    assert ("Summer fair" in page or "Fête de l’Été" in page) is there
    assert ("n’a pas pu être lu" in page) is ("demain" in query)


def test_a_filter_may_name_the_first_and_the_last_day_there_are(
    office: TestClient, citizen: TestClient
) -> None:
    put(office)
    assert "Fête de l’Été" in read(citizen, "/agenda?du=0001-01-01&au=9999-12-31")
    assert "Fête de l’Été" not in read(citizen, "/agenda?du=9999-12-31")


def test_a_long_agenda_goes_on_page_after_page(office: TestClient, citizen: TestClient) -> None:
    for n in range(3):
        put(office, **{"texts.fr.headline": f"Bal {n}", "from_day": f"2031-06-2{n}"})
    from dashboards.citizen import agenda

    agenda._A_PAGE, before = 2, agenda._A_PAGE
    try:
        page = citizen.get("/agenda").text
        following = re.search(r'href="(/agenda\?after=[^"]+)"', page)
        assert following
        assert "Bal 2" in read(citizen, following[1].replace("&amp;", "&"))
    finally:
        agenda._A_PAGE = before


def test_without_an_hour_it_lasts_whole_days(office: TestClient, citizen: TestClient) -> None:
    one = put(office, from_hour="", to_hour="")
    assert "Samedi 21 juin 2031, toute la journée" in read(citizen, f"/agenda/{one}")
    three = put(office, from_hour="", to_hour="", to_day="2031-06-23")
    page = read(citizen, f"/agenda/{three}")
    assert "Du samedi 21 juin 2031 au lundi 23 juin 2031" in page
    filled = office.get(f"/office/agenda/{three}").text
    assert 'value="2031-06-23"' in filled
    assert "Du samedi 21" in read(citizen, "/agenda?du=2031-06-22")


@pytest.mark.parametrize(
    ("given", "field", "says"),
    [
        ({"texts.fr.headline": "", "texts.en.headline": ""}, "texts-fr-headline", "À remplir"),
        ({"from_day": ""}, "from_day", "Écrivez un jour"),
        ({"from_hour": "midi"}, "from_hour", "Écrivez une heure"),
        ({"to_day": "2031-06-20"}, "to_day", ""),
        ({"to_hour": "", "to_day": "2031-06-22"}, "to_hour", "heure de fin"),
        ({"link": "javascript:alert(1)"}, "link", ""),
        ({"latitude": "nord"}, "latitude", "nombre"),
        ({"longitude": ""}, "latitude", ""),
        ({"tags": "x" * 61}, "tags", ""),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(
    office: TestClient, given: dict[str, str], field: str, says: str
) -> None:
    answer = office.post("/office/agenda/add", data=FORM | given)
    assert answer.status_code == 422
    assert f'href="#{field}"' in answer.text
    assert says in visible(answer.text)
    assert "Salle des fêtes" in answer.text
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(Event)).all() == []


def test_an_event_is_changed_cancelled_and_taken_out(
    office: TestClient, citizen: TestClient
) -> None:
    event = put(office)
    moved = FORM | {"step": "save", "place": "Gymnase", "from_day": "2031-06-28"}
    assert office.post(f"/office/agenda/{event}", data=moved).status_code == 303
    assert "Gymnase" in read(citizen, f"/agenda/{event}")
    office.post(f"/office/agenda/{event}", data={"step": "cancel"})
    assert "Cet événement n’aura pas lieu" in read(citizen, f"/agenda/{event}")
    assert "Annulé" in read(citizen, "/agenda")
    office.post(f"/office/agenda/{event}", data={"step": "restore"})
    assert "Annulé" not in read(citizen, "/agenda")
    office.post(f"/office/agenda/{event}", data={"step": "withdraw"})
    assert "n’est plus à l’agenda" in read(citizen, f"/agenda/{event}")
    assert "Fête" not in read(citizen, "/agenda")
    assert "Fête de l’Été" in visible(office.get("/office/agenda?state=withdrawn").text)


def test_the_office_shows_what_reminders_would_say(office: TestClient, here: Authority) -> None:
    tomorrow = clock.local(clock.now(), here.timezone).date() + timedelta(days=1)
    for n in range(4):
        day = (tomorrow + timedelta(days=n)).isoformat()
        put(office, **{"from_day": day, "from_hour": "20:00", "to_hour": ""})
    page = visible(office.get("/office/agenda").text)
    assert "Rappel de la veille" in page
    assert "à 20 h : Fête de l’Été" in page
    assert "Agenda de la semaine" in page


def test_a_reader_without_the_right_changes_nothing(
    office: TestClient, app: Any, here: Authority
) -> None:
    event = put(office)
    reader = member(app, here, "lit@villard.example")
    assert reader.get("/office/agenda").status_code == 200
    assert 'name="step"' not in reader.get(f"/office/agenda/{event}").text.partition("<main")[2]
    for path in ("/office/agenda/add", f"/office/agenda/{event}"):
        assert reader.post(path, data=FORM).status_code == 403
    author = member(app, here, "ecrit@villard.example", Role.AUTHOR)
    assert author.post("/office/agenda/add", data=FORM).status_code == 303


def test_another_towns_event_is_not_here(office: TestClient) -> None:
    assert office.get("/office/agenda/01J00000000000000000000000").status_code == 404


def test_what_is_not_there_says_so(citizen: TestClient) -> None:
    assert "n’existe pas" in read(citizen, "/agenda/01J00000000000000000000000", status=404)
    for path in ("/agenda/none.ics", "/s/NONE/agenda.ics", "/agenda.ics?authority=none"):
        assert citizen.get(path).status_code == 404


def test_markup_in_an_event_is_shown_as_it_is_written(
    office: TestClient, citizen: TestClient
) -> None:
    event = put(office, **{"texts.fr.headline": "<script>alert(1)</script>", "tags": "<b>"})
    for path in ("/agenda", f"/agenda/{event}"):
        assert "<script>alert" not in citizen.get(path).text
        assert "<b>" not in citizen.get(path).text


@pytest.mark.parametrize(
    "path", ["/agenda.ics", "/s/VILLARD/agenda.ics", "/agenda.ics?authority=villard-bonnot"]
)
def test_the_agenda_is_a_calendar_that_is_not_sent_twice(
    office: TestClient, citizen: TestClient, path: str
) -> None:
    event = put(office)
    answer = citizen.get(path)
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    (entry,) = icalendar.Calendar.from_ical(answer.content).walk("VEVENT")
    assert str(entry["SUMMARY"]) == "Fête de l’Été"
    assert entry["UID"].startswith(event)
    for asked in (
        {"if-none-match": answer.headers["etag"]},
        {"if-none-match": f'"x", W/{answer.headers["etag"]}'},
        {"if-none-match": "*"},
        {"if-modified-since": answer.headers["last-modified"]},
    ):
        again = citizen.get(path, headers=asked)
        assert (again.status_code, again.content) == (304, b""), asked
    office.post(f"/office/agenda/{event}", data={"step": "cancel"})
    changed = citizen.get(path, headers={"if-none-match": answer.headers["etag"]})
    (entry,) = icalendar.Calendar.from_ical(changed.content).walk("VEVENT")
    assert (str(entry["STATUS"]), entry["SEQUENCE"]) == ("CANCELLED", 1)


def test_a_calendar_of_a_station_has_its_own_events_only(
    office: TestClient, citizen: TestClient, here: Authority
) -> None:
    with db.writing(here.id or 0) as session:
        session.add(Station(authority_id=here.id, code="ECOLE", name="École"))
    put(office)
    put(office, station="ECOLE", **{"texts.fr.headline": "Kermesse"})
    entries = icalendar.Calendar.from_ical(citizen.get("/s/ECOLE/agenda.ics").content)
    assert [str(e["SUMMARY"]) for e in entries.walk("VEVENT")] == ["Kermesse"]
    assert len(icalendar.Calendar.from_ical(citizen.get("/agenda.ics").content).walk("VEVENT")) == 2
