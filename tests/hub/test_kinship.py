"""One alert from two feeds, one event from two agendas: one publication, right at every moment."""

from datetime import timedelta
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from hub import db
from hub.contracts import Text
from hub.likeness import same_title
from hub.models import Authority, Delivery, Publication, Revision
from hub.source_words import say
from hub.vocabulary import EndedAs, ItemState, MsgType, PublicationState
from tests.factories import outlet, town
from tests.fakes.items import item
from tests.hub.town_feed import Feed

HOUR = timedelta(hours=1)


class Town:
    """Two feeds of alerts and two agendas of one town, which all publish by themselves."""

    def __init__(self) -> None:
        self.authority: Authority = town()
        outlet(self.authority, "null")
        self.one = Feed(self.authority, name="Météo-France")
        self.two = Feed(self.authority, name="MeteoAlarm")
        self.mine = Feed(self.authority, name="Agenda de la mairie", kind="ical")
        self.theirs = Feed(self.authority, name="OpenAgenda", kind="ical")

    def publications(self) -> list[Publication]:
        with db.reading(self.authority.id or 0) as session:
            return list(session.exec(select(Publication).order_by(Publication.created)).all())

    def live(self) -> list[Publication]:
        return [p for p in self.publications() if p.state == PublicationState.LIVE]

    def all_clears(self) -> int:
        with db.reading(self.authority.id or 0) as session:
            return len(
                session.exec(select(Revision).where(Revision.msg_type == MsgType.CANCEL)).all()
            )

    def concert(self, external_id: str = "x", headline: str = "Concert", **more: Any) -> Any:
        given = {
            "kind": "event",
            "category": "event",
            "place": "Espace Bergès",
            "onset": self.one.now + 30 * HOUR,
            "expires": self.one.now + 32 * HOUR,
        }
        return self.one.item(external_id, headline=headline, **given | more)


@pytest.fixture
def here(hub_on_sqlite: Path) -> Town:
    return Town()


# --- alerts under the same identifier ------------------------------------------------------------


def alert(here: Town) -> Any:
    return here.one.item("a", version="1")


def update(here: Town, *of: str, version: str = "2", **more: Any) -> Any:
    given = {"headline": "Vent plus fort", "supersedes": of or ("a",)}
    return here.one.item(f"u{version}", version=version, msg_type=MsgType.UPDATE, **given | more)


def end(here: Town, *of: str, version: str = "9") -> Any:
    more = {"cancels": of or ("a",), "version": version, "now": here.one.now}
    return item("c", msg_type=MsgType.CANCEL, **more)


def test_an_alert_in_two_feeds_is_one_publication_that_keeps_both_origins(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    tally = here.two.reads(alert(here), complete=False)
    assert (tally.published, tally.joined, len(here.publications())) == (0, 1, 1)
    rows = [here.one.row("a"), here.two.row("a")]
    assert {row.publication_id for row in rows} == {here.live()[0].id}
    assert rows[1].reason == say("same-as", source="Météo-France")
    for feed in (here.one, here.two):
        feed.reads(alert(here), complete=False)
    assert here.live()[0].revision_no == 1


@pytest.mark.parametrize("order", list(permutations("AUC")))
@pytest.mark.parametrize("feeds", ["1", "12", "21", "each"])
def test_whatever_the_order_and_the_feed_there_is_one_publication_at_most(
    here: Town, order: tuple[str, ...], feeds: str
) -> None:
    """Alert, update, cancel in every order, each from one feed, from both, or in turn."""
    messages = {"A": alert(here), "U": update(here), "C": end(here, "a", "u2")}
    ways = {"1": [here.one], "12": [here.one, here.two], "21": [here.two, here.one]}
    seen: set[str] = set()
    for n, name in enumerate(order):
        readers = ways.get(feeds) or [(here.one, here.two)[n % 2]]
        for reader in readers:
            reader.reads(messages[name], complete=False)
            reader.reads(messages[name], complete=False)  # repeated
            seen.add(name)
            due = 1 if ("A" in seen or "U" in seen) and "C" not in seen else 0
            assert len(here.live()) == due, f"after {name} of {order}"
            if due and "U" in seen:
                assert _said(here) == "Vent plus fort"
    assert len(here.publications()) <= 1
    assert here.all_clears() == len(here.publications())


def _said(here: Town) -> str:
    with db.reading(here.authority.id or 0) as session:
        live = here.live()[0]
        last = session.exec(
            select(Revision).where(Revision.publication_id == live.id).order_by(Revision.no.desc())  # type: ignore[attr-defined]
        ).first()
        assert last
        return str(last.content["texts"]["fr"]["headline"])


def test_a_cancel_of_the_first_message_only_ends_what_came_of_it(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    here.one.reads(update(here), complete=False)
    here.two.reads(end(here, "a"), complete=False)
    assert (here.live(), here.all_clears()) == ([], 1)
    here.two.reads(end(here, "a"), complete=False)
    assert here.all_clears() == 1


def test_an_update_that_names_only_the_first_message_goes_on_with_the_last(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    here.one.reads(update(here), complete=False)
    here.one.reads(update(here, "a", version="3", headline="Vent en baisse"), complete=False)
    assert len(here.publications()) == 1
    assert (here.live()[0].revision_no, _said(here)) == (3, "Vent en baisse")


def test_an_update_that_comes_after_a_later_one_is_no_news(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    here.two.reads(update(here, "a", version="3", headline="Dernier état"), complete=False)
    here.one.reads(update(here, "a", version="2"), complete=False)
    assert (len(here.publications()), _said(here)) == (1, "Dernier état")
    assert here.one.row("u2").state == ItemState.CLOSED


def test_an_update_sent_after_the_cancel_is_a_new_alert(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    here.one.reads(end(here, "a", version="2"), complete=False)
    here.one.reads(update(here, "a", version="3", headline="Reprise"), complete=False)
    assert len(here.publications()) == 2
    assert _said(here) == "Reprise"
    here.one.reads(end(here, "a", version="2"), complete=False)
    assert len(here.live()) == 1


def test_a_reference_to_nothing_known_ends_nothing(here: Town) -> None:
    here.one.reads(alert(here), complete=False)
    here.one.reads(end(here, "somebody-elses"), complete=False)
    assert (len(here.live()), here.all_clears()) == (1, 0)


def test_every_outlet_is_told_the_end_once(here: Town) -> None:
    outlet(here.authority, "website")
    outlet(here.authority, "panel", options={"model": "text-8x16"})
    here.one.reads(alert(here), complete=False)
    here.two.reads(alert(here), complete=False)
    for reader in (here.one, here.two, here.one):
        reader.reads(end(here), complete=False)
    with db.reading(here.authority.id or 0) as session:
        told = session.exec(select(Delivery).where(Delivery.revision_no == 2)).all()
        assert len(told) == len({d.outlet_id for d in told}) == 2


def test_gone_from_one_feed_it_stays_while_the_other_has_it(here: Town) -> None:
    here.one.reads(alert(here))
    here.two.reads(alert(here))
    here.one.reads()
    here.one.reads()
    assert len(here.live()) == 1
    assert here.one.row("a").state == ItemState.CLOSED
    assert here.two.row("a").reason == say("taken-over", source="Météo-France")
    here.two.reads(here.two.item("a", version="2", headline="Vent, suite"))
    assert _said(here) == "Vent, suite"
    here.two.reads()
    here.two.reads()
    assert (here.live(), here.all_clears()) == ([], 1)


def test_a_newer_version_of_the_same_message_is_followed_whoever_brings_it(here: Town) -> None:
    here.one.reads(here.one.item("a", version="1", headline="Ancien"), complete=False)
    here.two.reads(here.two.item("a", version="1", headline="Ancien"), complete=False)
    here.two.reads(here.two.item("a", version="2", headline="Nouveau"), complete=False)
    here.one.reads(here.one.item("a", version="2", headline="Nouveau"), complete=False)
    assert (_said(here), here.live()[0].revision_no) == ("Nouveau", 2)


def test_what_one_feed_drafts_another_may_publish(here: Town) -> None:
    careful = Feed(here.authority, intake="draft", name="Relue")
    careful.reads(alert(here), complete=False)
    assert here.live() == []
    here.two.reads(alert(here), complete=False)
    assert (len(here.publications()), len(here.live())) == (1, 1)
    assert careful.row("a").state == ItemState.PUBLISHED


def test_numbers_of_two_agendas_mean_nothing_to_each_other(here: Town) -> None:
    here.mine.reads(here.concert("7", "Loto"))
    here.theirs.reads(here.concert("7", "Bal", place="Stade"))
    assert len(here.live()) == 2


# --- events that are alike -----------------------------------------------------------------------


def test_the_same_event_of_two_agendas_is_one_publication(here: Town) -> None:
    here.mine.reads(here.concert("a", "Concert de la chorale"))
    here.theirs.reads(here.concert("b", "Concert : de la Chorale", place="Espace Bergès, Lancey"))
    assert len(here.live()) == 1
    assert here.theirs.row("b").publication_id == here.mine.row("a").publication_id
    assert here.theirs.row("b").reason == say("same-as", source="Agenda de la mairie")


@pytest.mark.parametrize(
    "more",
    [
        {"headline": "Récital de piano"},
        {"place": "Stade"},
        {"later": 1},
        {"headline": "Concert 2"},
    ],
)
def test_what_differs_in_title_place_or_hour_stays_two(here: Town, more: dict[str, Any]) -> None:
    here.mine.reads(here.concert("a", "Concert 1"))
    later = more.pop("later", 0) * HOUR
    moved = {"onset": here.one.now + 30 * HOUR + later, "expires": here.one.now + 33 * HOUR}
    here.theirs.reads(here.concert("b", **{"headline": "Concert 1"} | moved | more))
    assert len(here.live()) == 2


def test_two_concerts_of_one_agenda_in_one_hall_at_one_hour_stay_two(here: Town) -> None:
    here.mine.reads(here.concert("a", "Concert"), here.concert("b", "Concert"))
    assert len(here.live()) == 2


def test_an_event_cancelled_by_one_source_is_over_for_both(here: Town) -> None:
    here.mine.reads(here.concert("a"))
    here.theirs.reads(here.concert("b"))
    here.theirs.reads(here.concert("b", msg_type=MsgType.CANCEL, cancels=("b",), version="2"))
    assert (here.live(), here.all_clears()) == ([], 1)
    assert here.mine.row("a").reason == say("cancelled-there", source="OpenAgenda")
    here.mine.reads(here.concert("a"))
    here.mine.reads(here.concert("a", description="Entrée libre"))
    assert here.live() == []


def test_an_event_moved_by_one_source_is_moved_once(here: Town) -> None:
    here.mine.reads(here.concert("a", "Concert de la chorale"))
    here.theirs.reads(here.concert("b", "Concert de la chorale"))
    moved = {"onset": here.one.now + 31 * HOUR, "expires": here.one.now + 33 * HOUR}
    here.theirs.reads(here.concert("b", "Concert de la chorale", **moved))
    assert len(here.live()) == 1
    assert here.live()[0].revision_no == 2
    here.mine.reads(here.concert("a", "Concert de la chorale", **moved))
    assert (len(here.live()), here.live()[0].revision_no) == (1, 2)


def test_an_entry_that_becomes_another_event_leaves_the_other_alone(here: Town) -> None:
    here.mine.reads(here.concert("a", "Concert de la chorale"))
    here.theirs.reads(here.concert("b", "Concert de la chorale"))
    here.theirs.reads(here.concert("b", "Tournoi de belote"))
    assert len(here.live()) == 2
    assert here.theirs.row("b").publication_id != here.mine.row("a").publication_id


def test_absent_from_one_agenda_the_event_stays(here: Town) -> None:
    here.mine.reads(here.concert("a"))
    here.theirs.reads(here.concert("b"))
    for _ in range(2):
        here.mine.reads()
    assert len(here.live()) == 1
    assert here.live()[0].ended_as is None
    for _ in range(2):
        here.theirs.reads()
    assert [p.ended_as for p in here.publications()] == [EndedAs.OVER]


def test_a_title_may_be_longer_but_not_another() -> None:
    assert same_title("Marché de Noël", "Marché de Noel 2026 sur la place")
    assert not same_title("Exposition Monet", "Exposition Manet")
    assert not same_title("", "Concert")


def test_texts_of_another_language_still_match(here: Town) -> None:
    both = {"fr": Text("Concert de la chorale"), "en": Text("Choir concert")}
    here.mine.reads(here.concert("a", texts=both))
    here.theirs.reads(here.concert("b", texts={"en": Text("Choir concert")}))
    assert len(here.live()) == 1
