"""Finding a station, and what its page says at any moment."""

import html
import json
import re
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event
from sqlmodel import select

from hub import cells, clock, db, synthetic
from hub.models import Authority
from hub.vocabulary import EndedAs
from tests.dashboards.citizen.conftest import Town, open_town

HOUR = timedelta(hours=1)


@pytest.fixture
def villard(hub_on_both: Path) -> Town:
    """Here the queries matter, so on both databases."""
    return open_town()


def headlines(page: str) -> list[str]:
    """The headlines of the notices, in the page's order; without those taken back."""
    return re.findall(r'<h[34] lang="\w+"><a href="/p/\w+">([^<]+)</a>', page)


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("écoles", ["ECOLE"]),
        ("ECOLES VILLARD", ["ECOLE"]),
        ("villard bonnot", ["ECOLE", "VILLARD"]),
        ("Villard-Bonnot", ["ECOLE", "VILLARD"]),
        ("38547", ["ECOLE", "VILLARD"]),
        ("ecole", ["ECOLE"]),
        ("grenoble", []),
        ("%", []),
    ],
)
def test_a_station_is_found_by_name_commune_or_code_without_accents(
    villard: Town, typed: str, found: list[str]
) -> None:
    villard.open_station("ECOLE", "Écoles de Villard")
    page = villard.web.get("/", params={"q": typed}).text
    assert sorted(re.findall(r'href="/s/(\w+)/"', page)) == found


def test_the_code_that_was_typed_comes_first(villard: Town) -> None:
    villard.open_station("AAA", "Amis de BBB")
    villard.open_station("BBB", "Zoo")
    page = villard.web.get("/", params={"q": "bbb"}).text
    assert re.findall(r'href="/s/(\w+)/"', page) == ["BBB", "AAA"]


def test_the_first_page_lists_the_stations_but_not_the_hubs_own(villard: Town) -> None:
    synthetic.step()
    page = villard.read("/")
    assert re.findall(r'href="/s/([\w-]+)/"', page) == ["VILLARD"]
    villard.read(f"/s/{synthetic.CODE}/", 404)


def test_alerts_come_first_then_the_newest(villard: Town) -> None:
    for minute, (headline, severity) in enumerate(
        [("Eau coupée", "Minor"), ("Crue", "Severe"), ("Marché", "Minor"), ("Séisme", "Extreme")]
    ):
        clock.set_offset(clock.offset().total_seconds() + 60 * minute)
        villard.say(headline, severity=severity)
    page = villard.read("/s/VILLARD/")
    assert headlines(page) == ["Séisme", "Crue", "Marché", "Eau coupée"]


def test_each_notice_has_a_word_a_shape_and_its_end(villard: Town) -> None:
    villard.say("Crue", severity="Severe", expires=clock.now() + 3 * HOUR)
    page = villard.read("/s/VILLARD/", accept_language="en")
    badge = re.search(r'<span class="badge bad"><svg.*?</svg>Alert</span>', page, re.DOTALL)
    assert badge is not None
    ends = int((clock.now() + 3 * HOUR).timestamp() * 1000)
    assert abs(int(re.findall(r'data-expires="(\d+)"', page)[0]) - ends) < 10_000


def test_a_notice_leaves_the_page_at_its_end_with_no_worker_running(villard: Town) -> None:
    villard.say("Rue fermée", expires=clock.now() + HOUR)
    assert headlines(villard.read("/s/VILLARD/")) == ["Rue fermée"]
    clock.set_offset(clock.offset().total_seconds() + 3601)
    page = villard.read("/s/VILLARD/", accept_language="en")
    assert headlines(page) == []
    assert "Rue fermée" not in page
    assert re.search(r"<div data-empty>", page)


def test_what_begins_later_is_said_to_be_coming(villard: Town) -> None:
    villard.say("Marché", onset=clock.now() + HOUR, expires=clock.now() + 2 * HOUR)
    villard.say("Eau coupée")
    page = villard.read("/s/VILLARD/", accept_language="en")
    assert page.index("Eau coupée") < page.index('class="coming"') < page.index("Marché")


def test_what_was_taken_back_is_named_for_a_day_and_not_as_current(villard: Town) -> None:
    villard.end(villard.say("Eau impropre"), EndedAs.RETRACTED)
    villard.end(villard.say("Avenue fermée"), EndedAs.OVER)
    page = villard.read("/s/VILLARD/", accept_language="en")
    assert headlines(page) == []
    assert "Eau impropre" in page
    assert "it was wrong" in page
    clock.set_offset(clock.offset().total_seconds() + 86_401)
    assert "Eau impropre" not in villard.read("/s/VILLARD/")


@pytest.mark.parametrize(
    "hidden", [{"status": "test"}, {"scope": "private"}, {"scope": "restricted"}]
)
def test_what_is_not_for_citizens_is_nowhere(villard: Town, hidden: dict[str, str]) -> None:
    publication = villard.say("Rien à lire", **hidden)
    for path in ("/s/VILLARD/", "/suivies?s=VILLARD"):
        assert "Rien à lire" not in villard.read(path)
    villard.read(f"/p/{publication}", 404)


def test_an_exercise_is_marked_wherever_it_is_named(villard: Town) -> None:
    publication = villard.say("Évacuation", status="exercise")
    for path in ("/s/VILLARD/", "/suivies?s=VILLARD", f"/p/{publication}"):
        assert "exercise-mark" in villard.read(path)


def test_another_stations_notices_stay_on_its_own_page(villard: Town) -> None:
    villard.open_station("ECOLE", "École")
    villard.say("Cantine fermée", station="ECOLE")
    assert headlines(villard.read("/s/VILLARD/")) == []
    assert headlines(villard.read("/s/ECOLE/")) == ["Cantine fermée"]


def test_followed_stations_come_in_the_order_asked_and_unknown_ones_are_left_out(
    villard: Town,
) -> None:
    villard.open_station("ECOLE", "École")
    villard.say("Cantine fermée", station="ECOLE")
    page = villard.read("/suivies?s=ECOLE&s=NOWHERE&s=VILLARD&s=ECOLE")
    assert re.findall(r'<h3 id="f\d"><a href="/s/(\w+)/">', page) == ["ECOLE", "VILLARD"]
    assert headlines(page) == ["Cantine fermée"]
    villard.read("/suivies")


def test_one_station_costs_one_query(villard: Town) -> None:
    for n in range(3):
        villard.say(f"Annonce {n}")
    asked: list[str] = []

    def count(_c: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    engine = db.engine()
    event.listen(engine, "before_cursor_execute", count)
    villard.read("/s/VILLARD/")
    event.remove(engine, "before_cursor_execute", count)
    assert len([s for s in asked if s.lstrip().upper().startswith("SELECT")]) == 1


def test_a_code_in_small_letters_leads_to_the_station(villard: Town) -> None:
    answer = villard.web.get("/s/villard/")
    assert (answer.status_code, answer.headers["location"]) == (308, "/s/VILLARD/")


@pytest.mark.parametrize("code", ["NOWHERE", "V_LLARD", "%25", "VILLARD'--"])
def test_an_unknown_station_says_so(villard: Town, code: str) -> None:
    page = villard.read(f"/s/{code}/", 404, accept_language="en")
    assert "There is no such station" in page


def test_the_station_names_its_feeds(villard: Town) -> None:
    page = villard.read("/s/VILLARD/")
    for end in ("json", "rss", "atom", "ics", "cap"):
        assert f'href="/s/VILLARD/feed.{end}"' in page


def test_neighbourhoods_can_be_chosen_and_none_is_a_position(hub_on_sqlite: Path) -> None:
    """Named ones carry their cells; the grid for "around where I am" is in the page, so that the
    browser can answer by itself."""
    villard = open_town()
    with db.writing(db.EVERYWHERE) as session:
        authority = session.exec(select(Authority)).first()
        authority.territory = {
            "type": "Polygon",
            "coordinates": [[[5.87, 45.23], [5.91, 45.23], [5.91, 45.25], [5.87, 45.23]]],
        }
        session.add(authority)
    page = villard.read("/s/VILLARD/")
    form = page.partition('id="places"')[2].partition("</fieldset>")[0]
    assert all(name in form for name in ("Lancey", "Brignoud", "Le Bourg", "Vos quartiers"))
    chosen = re.findall(r'name="places" value="([^"]+)"', form)
    assert len(chosen) == 4
    for cell in " ".join(chosen).split():
        assert cells.name(cells.number(cell)) == cell
    grid = json.loads(html.unescape(re.findall(r'data-grid="([^"]*)"', page)[0]))
    assert 3 <= len(grid) <= 20
    assert all(
        cells.number(cell) and 5 < east < 7 and 45 < north < 46 for cell, east, north in grid
    )
