"""The agenda: from sources and by hand, told apart, searched, given out again."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import icalendar
import pytest
from pydantic import ValidationError
from sqlmodel import select

from hub import accounts, agenda, agenda_ical, agenda_search, agenda_taking, db, likeness
from hub.agenda_search import Asked
from hub.contracts import EntryError, Item, Parsed, Text
from hub.event_schema import EventIn
from hub.models import Authority, Event, EventOrigin, Source
from hub.publishing import Refused
from hub.vocabulary import EventState, MsgType, Status
from tests.factories import town

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


def item(name: str = "fete", headline: str = "Fête du village", **more: Any) -> Item:
    starts = more.pop("starts", NOW + timedelta(days=5))
    given: dict[str, Any] = {
        "external_id": name,
        "version": "1",
        "msg_type": MsgType.ALERT,
        "status": Status.ACTUAL,
        "kind": "event",
        "category": "event",
        "texts": {"fr": Text(headline=headline, description="Venez nombreux")},
        "onset": starts,
        "expires": starts + 2 * HOUR,
        "place": "Salle des fêtes",
        "tags": ("Culture", "Été"),
    }
    return Item(**(given | more))


class Agenda:
    """A town, its sources, and what its agenda holds."""

    def __init__(self, code: str = "villard-bonnot") -> None:
        self.authority: Authority = town(code, languages=["fr", "en"])
        self.scope = self.authority.id or 0

    def source(self, name: str = "Mairie") -> Source:
        with db.writing(self.scope) as session:
            station = accounts.station_of(session, self.scope, None)
            made = Source(
                authority_id=self.scope, name=name, kind="ical", url="x", station_id=station.id
            )
            session.add(made)
        return made

    def read(self, source: Source, *found: Item, at: datetime = NOW, **more: Any) -> None:
        refused = more.pop("refused", ())
        with db.writing(self.scope) as session:
            agenda_taking.take_in(session, source, Parsed(found, **more), at, refused)

    def events(self) -> list[Event]:
        with db.reading(self.scope) as session:
            return list(session.exec(select(Event).order_by(Event.starts, Event.id)).all())

    def only(self) -> Event:
        (event,) = self.events()
        return event

    def write(self, **more: Any) -> Event:
        given = {"headline": "Loto", "starts": NOW + timedelta(days=1)} | more
        with db.writing(self.scope) as session:
            station = accounts.station_of(session, self.scope, None)
            return agenda.create(session, "member:1", station, EventIn.model_validate(given))

    def do(self, verb: str, event: Event) -> None:
        with db.writing(self.scope) as session:
            getattr(agenda, verb)(session, session.get_one(Event, event.id), "member:1")

    def search(self, **asked: Any) -> list[str]:
        with db.reading(db.EVERYWHERE) as session:
            rows, _ = agenda_search.search(session, Asked(**asked))
        return [row.event.texts["fr"]["headline"] for row in rows]

    def ical(self, now: datetime = NOW) -> Any:
        with db.reading(db.EVERYWHERE) as session:
            rows = agenda_ical.listed(session, now)
            body = agenda_ical.calendar(rows, "Agenda", "fr", "Europe/Paris")
        return icalendar.Calendar.from_ical(body).walk("VEVENT")


@pytest.fixture
def here(hub_on_sqlite, at) -> Agenda:
    return Agenda()


def test_an_event_of_a_source_is_kept_with_all_it_says(here: Agenda) -> None:
    point = {"type": "Point", "coordinates": [5.8886, 45.2453]}
    here.read(here.source(), item(area=point, series="s@x", link="https://x.example/f"))
    event = here.only()
    assert event.texts == {"fr": {"headline": "Fête du village", "description": "Venez nombreux"}}
    assert (event.starts, event.ends - event.starts) == (NOW + timedelta(days=5), 2 * HOUR)
    assert (event.place, event.tags, event.series) == ("Salle des fêtes", ["Culture", "Été"], "s@x")
    assert (event.longitude, event.latitude) == (5.8886, 45.2453)
    assert (event.state, event.sequence, event.link) == ("planned", 0, "https://x.example/f")


def test_reading_the_same_again_changes_nothing(here: Agenda) -> None:
    source = here.source()
    here.read(source, item(), item("b", "Bal"))
    before = [event.model_dump() for event in here.events()]
    here.read(source, item("b", "Bal"), item(version="2"), at=NOW + HOUR)
    assert [event.model_dump() for event in here.events()] == before


def test_a_change_raises_the_sequence_and_an_older_version_changes_nothing(here: Agenda) -> None:
    source = here.source()
    here.read(source, item(version="2"))
    here.read(source, item(version="3", headline="Fête des mères"))
    here.read(source, item(version="1", headline="Ancien"))
    assert (here.only().texts["fr"]["headline"], here.only().sequence) == ("Fête des mères", 1)


def test_what_is_over_is_not_taken_into_the_agenda(here: Agenda) -> None:
    here.read(here.source(), item(starts=NOW - timedelta(days=2)))
    assert here.events() == []


def test_what_intake_left_aside_and_what_is_no_event_stay_out(here: Agenda) -> None:
    notice = replace(item("n"), kind="notice")
    trial = replace(item("t"), status=Status.TEST)
    here.read(here.source(), notice, trial, item("away"), refused={"away"})
    assert here.events() == []


def test_a_cancelled_event_is_struck_out_and_comes_back_when_its_source_says_so(
    here: Agenda,
) -> None:
    source = here.source()
    here.read(source, item())
    here.read(source, replace(item(version="2"), msg_type=MsgType.CANCEL))
    assert here.only().state == EventState.CANCELLED
    here.read(source, item(version="3"))
    assert here.only().state == EventState.PLANNED


def test_what_is_absent_twice_is_withdrawn_and_comes_back(here: Agenda) -> None:
    source = here.source()
    here.read(source, item(), item("b", "Bal"))
    here.read(source, item("b", "Bal"))
    assert [e.state for e in here.events()] == ["planned", "planned"]
    with db.writing(here.scope) as session:
        agenda_taking.confirm(session, source, NOW)
    assert sorted(e.state for e in here.events()) == ["planned", "withdrawn"]
    here.read(source, item(), item("b", "Bal"))
    assert [e.state for e in here.events()] == ["planned", "planned"]


def test_absence_counts_for_nothing_in_half_a_file_or_for_a_broken_entry(here: Agenda) -> None:
    source = here.source()
    here.read(source, item("s@x#1"), item("b", "Bal"))
    for _ in range(3):
        here.read(source, item("b", "Bal"), errors=(EntryError("s@x", "illisible"),))
        here.read(source, complete=False)
        here.read(source, item("s@x#1"), item("b", "Bal"))
    assert [e.state for e in here.events()] == ["planned", "planned"]


def test_two_sources_that_list_one_event_give_one(here: Agenda) -> None:
    town_hall, tourism = here.source(), here.source("Office du tourisme")
    here.read(town_hall, item())
    here.read(tourism, item("999", "Grande fête du village", place="Salle des Fêtes, Lancey"))
    event = here.only()
    with db.reading(here.scope) as session:
        names = [origin.source_name for origin in agenda_search.origins(session, event)]
    assert names == ["Mairie", "Office du tourisme"]
    assert event.texts["fr"]["headline"] == "Fête du village"  # the first decides
    for _ in range(2):
        here.read(town_hall)
    assert here.only().state == EventState.PLANNED  # the other still lists it
    here.read(tourism, item("999", "Fête du village", version="2"))
    for _ in range(2):
        here.read(tourism)
    assert here.only().state == EventState.WITHDRAWN


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Fête du village", "FETE DU VILLAGE !", True),
        ("Fête du village", "Grande fête du village", True),
        ("Vide-grenier", "Vide grenier", True),
        ("Concert de la chorale", "Concert de l’harmonie", False),
        ("Concert", "Concert de la chorale", False),
        ("Atelier 1", "Atelier 2", False),
        ("Loto de l'école", "Loto du foot", False),
        ("Exposition Monet", "Exposition Manet", False),
        ("", "", False),
    ],
)
def test_titles_are_told_apart(one: str, other: str, same: bool) -> None:
    assert likeness.same_title(one, other) is likeness.same_title(other, one) is same


def test_two_concerts_in_one_hall_at_one_hour_stay_two(here: Agenda) -> None:
    here.read(here.source(), item("1", "Concert de la chorale"))
    here.read(here.source("Autre"), item("2", "Concert de l’harmonie"))
    here.read(here.source("Tiers"), item("3", "Concert de la chorale", place="Église"))
    assert len(here.events()) == 3


def test_one_source_that_lists_two_alike_means_two(here: Agenda) -> None:
    here.read(here.source(), item("1"), item("2"))
    assert len(here.events()) == 2


def test_a_persons_words_stay_and_the_source_may_still_cancel(here: Agenda) -> None:
    source = here.source()
    here.read(source, item())
    with db.writing(here.scope) as session:
        event = session.get_one(Event, here.only().id)
        station = accounts.station_of(session, here.scope, None)
        given = EventIn.model_validate({"headline": "Fête, salle B", "starts": event.starts})
        agenda.edit(session, event, given, "member:1", station)
    here.read(source, item(version="2", headline="Fête annoncée"))
    assert here.only().texts["fr"]["headline"] == "Fête, salle B"
    assert "repris le texte ici" in here.only().note
    here.read(source, replace(item(version="3"), msg_type=MsgType.CANCEL))
    assert here.only().state == EventState.CANCELLED


def test_a_source_that_is_forgotten_leaves_its_events(here: Agenda) -> None:
    source = here.source()
    here.read(source, item())
    with db.writing(here.scope) as session:
        agenda_taking.forget_source(session, source.id or 0)
        assert session.exec(select(EventOrigin.source_id)).all() == [None]
    assert here.only().state == EventState.PLANNED


def test_by_hand_it_is_cancelled_restored_and_withdrawn(here: Agenda) -> None:
    event = here.write()
    for verb, state in (("cancel", "cancelled"), ("restore", "planned"), ("withdraw", "withdrawn")):
        here.do(verb, event)
        assert here.only().state == state
    assert here.only().sequence == 3
    with pytest.raises(Refused):
        here.do("cancel", event)


def test_whole_days_are_the_towns_own(here: Agenda) -> None:
    event = here.write(starts=None, day=date(2026, 3, 28), last_day=date(2026, 3, 29))
    assert event.all_day
    assert event.starts == datetime(2026, 3, 27, 23, tzinfo=UTC)
    assert event.ends == datetime(2026, 3, 29, 22, tzinfo=UTC)  # the clocks went forward


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"starts": None}, "starts"),
        ({"day": "2026-03-03"}, "starts"),
        ({"ends": NOW - HOUR}, "ends"),
        ({"ends": NOW + timedelta(days=900)}, "ends"),
        ({"link": "javascript:alert(1)"}, "link"),
        ({"latitude": 45}, "latitude"),
        ({"tags": ["x" * 61]}, "tags"),
        ({"headline": "Loto\x00"}, "headline"),
        ({"category": "fête"}, "category"),
        ({"headline": ""}, "headline"),
    ],
)
def test_what_cannot_be_is_refused_by_its_field(
    hub_on_sqlite: Any, wrong: dict[str, Any], field: str
) -> None:
    given = {"headline": "Loto", "starts": NOW} | wrong
    with pytest.raises((ValidationError, LookupError, ValueError)) as caught:
        EventIn.model_validate(given)
    assert field in str(caught.value)


# --- searching -----------------------------------------------------------------------------------


@pytest.fixture
def full(here: Agenda) -> Agenda:
    here.write(headline="Fête de l’Été", starts=NOW + timedelta(days=3), tags=["Fêtes & bals"])
    here.write(headline="Conseil municipal", starts=NOW + timedelta(days=1), category="council")
    here.write(
        headline="Exposition",
        starts=None,
        day=date(2026, 3, 1),
        last_day=date(2026, 3, 20),
        place="Médiathèque",
        tags=["Culture"],
    )
    return here


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["Exposition", "Conseil municipal", "Fête de l’Été"]),
        ({"words": "fete ETE"}, ["Fête de l’Été"]),
        ({"words": "mediatheque"}, ["Exposition"]),
        ({"words": "fête conseil"}, []),
        ({"words": "100% _"}, []),
        ({"words": "'; DROP TABLE event"}, []),
        ({"tag": "fetes & BALS"}, ["Fête de l’Été"]),
        ({"tag": "bals"}, []),
        ({"category": "council"}, ["Conseil municipal"]),
        ({"stations": ("VILLARD",)}, ["Exposition", "Conseil municipal", "Fête de l’Été"]),
        ({"stations": ("AUTRE",)}, []),
        ({"first": date(2026, 3, 4)}, ["Exposition", "Fête de l’Été"]),
        ({"first": date(2026, 3, 21)}, []),
        ({"last": date(2026, 3, 3)}, ["Exposition", "Conseil municipal"]),
        ({"last": date(2026, 2, 28)}, []),
        ({"authority": "villard-bonnot", "limit": 1}, ["Exposition"]),
    ],
)
def test_the_agenda_is_searched(full: Agenda, asked: dict[str, Any], found: list[str]) -> None:
    assert full.search(**asked) == found


def test_pages_follow_each_other_and_tags_are_counted(full: Agenda) -> None:
    with db.reading(db.EVERYWHERE) as session:
        rows, more = agenda_search.search(session, Asked(limit=2))
        assert more
        last = rows[-1].event
        rest, more = agenda_search.search(session, Asked(limit=2, after=(last.starts, last.id)))
        assert ([row.event.category for row in rest], more) == (["event"], False)
        assert agenda_search.tags(session, NOW) == ["Culture", "Fêtes & bals"]


@pytest.mark.parametrize("database", ["hub_on_postgres"], indirect=True)
def test_words_are_found_on_the_other_database_too(database: Any, at: Any) -> None:
    there = Agenda()
    there.read(there.source(), item(headline="Fête de l’Été"), item("b", "Bal", place="Gymnase"))
    found = there.search(words="ete", tag="ÉTÉ", first=date(2026, 3, 7))
    assert sorted(found) == ["Bal", "Fête de l’Été"]
    assert there.search(words="l'été fête") == ["Fête de l’Été"]
    assert len(there.ical()) == 2


# --- given out -----------------------------------------------------------------------------------


def test_the_agenda_is_given_out_as_icalendar(full: Agenda) -> None:
    show, council, _ = full.ical()
    assert show["DTSTART"].dt == date(2026, 3, 1)
    assert show["DTEND"].dt == date(2026, 3, 21)
    assert council["DTSTART"].dt == NOW + timedelta(days=1)
    assert str(council["STATUS"]) == "CONFIRMED"
    assert council["UID"].endswith("@127.0.0.1") or "@" in council["UID"]


def test_what_is_struck_out_stays_thirty_days_with_a_higher_sequence(here: Agenda, at: Any) -> None:
    event = here.write()
    uid = here.ical()[0]["UID"]
    here.do("withdraw", event)
    (dead,) = here.ical()
    assert (dead["UID"], str(dead["STATUS"]), dead["SEQUENCE"]) == (uid, "CANCELLED", 1)
    assert here.ical(NOW + timedelta(days=31)) == []


def test_the_same_agenda_gives_the_same_bytes_and_reads_back_whole(full: Agenda) -> None:
    from connectors.ical import AgendaOptions, ICalendar

    with db.reading(db.EVERYWHERE) as session:
        rows = agenda_ical.listed(session, NOW)
    made = [agenda_ical.calendar(rows, "Agenda", "fr", "Europe/Paris") for _ in range(2)]
    assert made[0] == made[1]
    parsed = ICalendar(AgendaOptions()).parse(made[0], NOW)
    assert parsed.errors == ()
    assert [i.texts["fr"].headline for i in parsed.items] == full.search()
    assert [i.all_day for i in parsed.items] == [True, False, False]
