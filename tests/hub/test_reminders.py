"""Reminders: by rule, at their hour in the town's zone, once, and true afterwards."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from hub import clock, db, publishing, reminder_words, reminders, synthetic
from hub.models import Authority, Event, Publication, Reminder, Revision
from hub.rules import loading
from hub.settings import PROJECT
from hub.vocabulary import DraftState, EndedAs, EventState
from tests.factories import outlet
from tests.hub.test_agenda import Agenda

MONDAY = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
EVE = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # 18:00 in Villard-Bonnot
TOMORROW = datetime(2026, 3, 3, 18, 0, tzinfo=UTC)


class Told(Agenda):
    """A town with an agenda; what its reminders have said."""

    def step(self, now: datetime) -> int:
        return reminders.step(now)

    def publications(self) -> list[Publication]:
        with db.reading(self.scope) as session:
            query = select(Publication).order_by(Publication.id)
            return list(session.exec(query).all())

    def said(self) -> list[str]:
        """The headline of each reminder as it stands."""
        with db.reading(self.scope) as session:
            return [
                publishing.revision_of(session, row).content["texts"]["fr"]["headline"]
                for row in self.publications()
            ]

    def revisions(self) -> list[Revision]:
        with db.reading(self.scope) as session:
            return list(session.exec(select(Revision).order_by(Revision.id)).all())

    def change(self, event: Event, **new: Any) -> None:
        from hub import accounts, agenda
        from hub.event_schema import EventIn

        with db.writing(self.scope) as session:
            row = session.get_one(Event, event.id)
            given = {"headline": row.texts["fr"]["headline"], "starts": row.starts} | new
            station = accounts.station_of(session, self.scope, None)
            agenda.edit(session, row, EventIn.model_validate(given), "member:1", station)


@pytest.fixture
def here(hub_on_sqlite, at) -> Told:
    made = Told()
    outlet(made.authority, "website", "site", tags=["site"])
    return made


def test_the_day_before_at_18_in_the_zone_of_the_town_and_never_twice(here: Told) -> None:
    here.write(headline="Loto", starts=TOMORROW, place="Salle des fêtes")
    assert here.step(EVE - timedelta(seconds=1)) == 0
    assert here.step(EVE) == 1
    assert here.said() == ["Mardi 3 mars à 19 h : Loto"]
    for later in (0, 1, 30, 6 * 60, 11 * 60, 23 * 60):  # as after any number of restarts
        assert here.step(EVE + timedelta(minutes=later)) == 0
    (told,) = here.publications()
    assert told.created_by == "agenda:veille"
    (revision,) = here.revisions()
    assert (revision.onset, revision.expires) == (TOMORROW, TOMORROW + timedelta(hours=1))
    assert revision.content["area_desc"] == "Salle des fêtes"
    assert set(revision.content["texts"]) == {"fr", "en"}


def test_a_hub_that_was_away_at_the_hour_says_it_when_it_is_back(here: Told) -> None:
    here.write(starts=TOMORROW)
    assert here.step(EVE + timedelta(hours=5)) == 1


def test_a_hub_that_was_away_too_long_says_nothing(here: Told) -> None:
    here.write(starts=TOMORROW)
    assert here.step(EVE + timedelta(hours=13)) == 0
    assert here.step(TOMORROW + timedelta(hours=1)) == 0


@pytest.mark.parametrize("verb", ["cancel", "withdraw"])
def test_nothing_is_said_of_what_is_cancelled(here: Told, verb: str) -> None:
    here.do(verb, here.write(starts=TOMORROW))
    assert here.step(EVE) == 0
    assert here.publications() == []


def test_nothing_is_said_of_what_is_today_or_later_than_tomorrow(here: Told) -> None:
    here.write(starts=EVE + timedelta(hours=2))
    here.write(starts=TOMORROW + timedelta(days=1))
    assert here.step(EVE) == 0


def test_what_came_into_the_agenda_after_the_hour_is_not_said_late(here: Told, at: Any) -> None:
    at.now = EVE + timedelta(minutes=5)
    here.write(starts=TOMORROW)
    assert here.step(EVE + timedelta(minutes=10)) == 0


def test_several_on_one_day_are_one_notice_with_a_line_for_each(here: Told) -> None:
    here.write(headline="Loto", starts=TOMORROW, place="Salle des fêtes")
    here.write(headline="Marché", starts=None, day="2026-03-03")
    assert here.step(EVE) == 1
    assert here.said() == ["Agenda du mardi 3 mars : 2 rendez-vous"]
    (revision,) = here.revisions()
    lines = revision.content["texts"]["fr"]["description"].splitlines()
    assert lines[:2] == ["- Marché", "- 19 h, Loto (Salle des fêtes)"]
    english = revision.content["texts"]["en"]
    assert english["headline"] == "Agenda of Tuesday 3 March: 2 events"
    assert "- 19:00, Loto (Salle des fêtes)" in english["description"]


def test_the_week_is_told_on_friday(here: Told, at: Any) -> None:
    friday = datetime(2026, 3, 6, 11, 0, tzinfo=UTC)
    here.write(headline="Loto", starts=friday + timedelta(days=1))
    here.write(headline="Conseil", starts=friday + timedelta(days=5))
    here.write(headline="Trop loin", starts=friday + timedelta(days=8))
    assert here.step(friday - timedelta(days=1)) == 0
    assert here.step(friday) == 1
    assert here.said() == ["Agenda du 7 au 11 mars : 2 rendez-vous"]


def test_a_change_after_the_reminder_follows_what_was_told(here: Told, at: Any) -> None:
    event = here.write(headline="Loto", starts=TOMORROW)
    here.step(EVE)
    at.now = EVE + timedelta(hours=1)
    here.change(event, starts=TOMORROW + timedelta(hours=1), place="Gymnase")
    assert here.said() == ["Mardi 3 mars à 20 h : Loto"]
    here.change(event, starts=TOMORROW + timedelta(hours=1), place="Gymnase", tags=["Jeux"])
    assert [r.no for r in here.revisions()] == [1, 2]  # a tag is nothing to tell anybody
    here.do("cancel", event)
    assert here.said() == ["Annulé : Mardi 3 mars à 20 h : Loto"]
    here.do("restore", event)
    assert here.said() == ["Mardi 3 mars à 20 h : Loto"]
    assert len(here.publications()) == 1


def test_what_is_put_off_for_long_is_said_and_not_shown_until_then(here: Told, at: Any) -> None:
    event = here.write(starts=TOMORROW)
    here.step(EVE)
    at.now = EVE + timedelta(hours=1)
    here.change(event, starts=TOMORROW + timedelta(days=90))
    last = here.revisions()[-1]
    assert "lundi 1er juin" in last.content["texts"]["fr"]["headline"].lower()
    assert last.expires <= TOMORROW + timedelta(days=2)


def test_what_was_a_mistake_is_withdrawn_with_its_reminder(here: Told, at: Any) -> None:
    one, other = (here.write(headline=name, starts=TOMORROW) for name in ("Loto", "Bal"))
    here.step(EVE)
    at.now = EVE + timedelta(hours=1)
    here.do("withdraw", one)
    assert here.said() == ["Mardi 3 mars à 19 h : Bal"]
    here.do("withdraw", other)
    (told,) = here.publications()
    assert told.ended_as == EndedAs.RETRACTED


def test_an_update_of_what_is_past_says_nothing(here: Told, at: Any) -> None:
    event = here.write(starts=TOMORROW)
    here.step(EVE)
    at.now = TOMORROW + timedelta(days=3)
    with db.writing(here.scope) as session:
        for row in session.exec(select(Publication)).all():
            publishing.expire(session, row)
    here.do("cancel", event)
    assert len(here.revisions()) == 1


def test_a_reminder_that_a_person_rewrote_waits_for_that_person(here: Told, at: Any) -> None:
    from hub.schemas import Content

    event = here.write(starts=TOMORROW)
    here.step(EVE)
    at.now = EVE + timedelta(hours=1)
    with db.writing(here.scope) as session:
        row = session.exec(select(Publication)).one()
        body = publishing.revision_of(session, row).content
        body = body | {"texts": {"fr": {"headline": "Venez au loto"}}}
        publishing.revise(session, row, Content.model_validate(body), "member:1")
    here.do("cancel", event)
    (told,) = here.publications()
    assert here.said() == ["Venez au loto"]
    assert told.draft_state == DraftState.WRITING
    assert "repris le texte ici" in told.draft_note


def test_each_station_tells_its_own(here: Told) -> None:
    from hub.models import Station

    with db.writing(here.scope) as session:
        session.add(Station(authority_id=here.scope, code="ECOLE", name="École"))
    here.write(starts=TOMORROW)
    with db.writing(here.scope) as session:
        school = session.exec(select(Station).where(Station.code == "ECOLE")).one()
        event = session.exec(select(Event)).one()
        event.station_id = school.id
        session.add(event)
    assert here.step(EVE) == 1
    (told,) = here.publications()
    assert told.station_id == school.id
    with db.reading(here.scope) as session:
        assert len(session.exec(select(Reminder)).all()) == 2


RULE = """
reminders:
  - name: culture
    title: Sorties
    every: {every}
    at: "{at}"
    days: {days}
    when: |
      {when}
"""


def rule(
    every: str = "day", at: str = "18:00", days: int = 1, when: str = "'true' == 'true'"
) -> Any:
    text = RULE.format(every=every, at=at, days=days, when=when)
    return loading.parse(text, "x.yaml", None, ["event", "culture"]).reminders[0]


@pytest.mark.parametrize(
    ("zone", "now", "due"),
    [
        ("Europe/Paris", datetime(2026, 3, 29, 16, 0, tzinfo=UTC), True),  # summer since 3 o'clock
        ("Europe/Paris", datetime(2026, 3, 28, 16, 0, tzinfo=UTC), False),
        ("Europe/Paris", datetime(2026, 3, 28, 17, 0, tzinfo=UTC), True),
        ("America/Cayenne", datetime(2026, 3, 28, 21, 0, tzinfo=UTC), True),
        ("Pacific/Noumea", datetime(2026, 3, 28, 7, 0, tzinfo=UTC), True),
    ],
)
def test_the_hour_is_that_of_the_towns_clocks(zone: str, now: datetime, due: bool) -> None:
    rules = loading.RuleSet("x", reminders=(rule(),))
    hours = [at for _, at in reminders.due_now(rules, zone, now)]
    assert (now in hours) is due
    assert reminders.coming(rules, zone, now)[0][1] > now


def test_a_condition_chooses_among_the_events(here: Told, monkeypatch: Any) -> None:
    here.write(headline="Concert", starts=TOMORROW, category="culture", tags=["Gratuit"])
    here.write(headline="Loto", starts=TOMORROW)
    chosen = rule(when="event.category == 'culture' && 'Gratuit' in event.tags && event.by_hand")
    rules = loading.RuleSet("x", reminders=(chosen,))
    monkeypatch.setattr(loading, "for_authority", lambda *_: rules)
    assert here.step(EVE) == 1
    with db.reading(here.scope) as session:
        rows = session.exec(select(Reminder)).all()
        named = [session.get_one(Event, e).texts["fr"]["headline"] for r in rows for e in r.events]
    assert named == ["Concert"]


@pytest.mark.parametrize(
    ("wrong", "says"),
    [
        ({"every": "noon"}, "every"),
        ({"at": "25:00"}, "at: must be an hour"),
        ({"days": 0}, "days"),
        ({"when": "event.categorie == 'x'"}, "categorie"),
        ({"when": "event.category == 'cultur'"}, "cultur"),
    ],
)
def test_a_rule_that_cannot_be_read_says_where(wrong: dict[str, Any], says: str) -> None:
    with pytest.raises(loading.RulesError, match=says):
        rule(**wrong)


def test_the_rules_of_a_commune_remind_on_the_eve_and_on_friday() -> None:
    from hub import registry

    path = PROJECT / "config" / "rules" / "commune.yaml"
    eve, week = loading.load(path, registry.kinds("channels")).reminders
    assert (eve.at.hour, eve.days, len(eve.on)) == (18, 1, 7)
    assert (week.on, week.days) == (frozenset({5}), 7)
    assert all(set(one.title) == {"fr", "en", "es"} for one in (eve, week))


def test_states_of_an_event_are_not_those_of_a_publication() -> None:
    assert {s.value for s in EventState} == {"planned", "cancelled", "withdrawn"}
    assert clock.now().tzinfo is not None


def test_the_hubs_own_authority_hears_no_rule(here: Told) -> None:
    synthetic.step()
    here.write(starts=TOMORROW)
    assert here.step(EVE + timedelta(hours=2)) == 1  # 18:00 in UTC, too
    with db.reading(db.EVERYWHERE) as session:
        owners = set(session.exec(select(Reminder.authority_id)).all())
    assert owners == {here.scope}


def test_a_town_that_cannot_does_not_hold_the_others(here: Told) -> None:
    with db.writing(db.EVERYWHERE) as session:
        session.get_one(Authority, here.scope).timezone = "Nowhere/Atlantis"
    other = Told("froges")
    other.write(headline="Bal", starts=TOMORROW)
    assert other.step(EVE) == 1
    assert other.said() == ["Mardi 3 mars à 19 h : Bal"]


def test_languages_with_a_country_are_spoken_too(here: Told) -> None:
    event = Event(station_id=1, starts=TOMORROW, ends=TOMORROW, texts={"fr": {"headline": "Loto"}})
    told = reminder_words.texts([event], ["en-GB", "fr-FR"], "Europe/Paris", "https://x.example")
    assert list(told) == ["en", "fr"]
    assert told["en"]["headline"] == "Tuesday 3 March at 19:00: Loto"


@pytest.mark.parametrize(("count", "said"), [(21, "… et 1 autre :"), (23, "… et 3 autres :")])
def test_a_long_list_says_how_many_more_there_are(here: Told, count: int, said: str) -> None:
    events = [
        Event(station_id=1, starts=TOMORROW, ends=TOMORROW, texts={"fr": {"headline": f"Bal {n}"}})
        for n in range(count)
    ]
    told = reminder_words.texts(events, ["fr"], "Europe/Paris", "https://x.example")
    assert said in told["fr"]["description"]
