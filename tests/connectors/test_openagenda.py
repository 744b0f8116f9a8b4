"""Agendas of OpenAgenda."""

import json
from typing import Any

import pytest

from connectors.reasons import say
from hub.vocabulary import Certainty, MsgType
from tests.connectors.reading import by_id, only, raw_of, read, utc


def event(**changes: Any) -> bytes:
    document = json.loads(raw_of("openagenda", "events.json"))
    return json.dumps({"events": [document["events"][1] | changes]}).encode()


def test_each_timing_is_an_item_and_the_event_their_series() -> None:
    parsed = read("openagenda", "events.json")
    assert (parsed.errors, parsed.complete) == ((), True)
    assert parsed.title == "Agenda de Villard-Bonnot"
    items = by_id(parsed)
    assert list(items) == ["11#20260321T130000Z", "11#20260322T090000Z", "12"]
    first = items["11#20260321T130000Z"]
    assert (first.kind, first.series, first.category) == ("event", "11", "event")
    assert (first.onset, first.expires) == (utc("2026-03-21T13:00"), utc("2026-03-21T17:00"))
    assert first.place == "Espace Aragon, 19 boulevard Paul Langevin, Villard-Bonnot"
    assert first.geocodes == {"INSEE": ("38547",)}
    assert first.area == {"type": "Point", "coordinates": [5.8893, 45.2433]}
    assert first.tags == ("fête", "musique")
    assert first.link == "https://openagenda.com/villard-bonnot/events/fete-11"
    assert items["12"].series == ""


def test_each_language_has_its_words_and_markdown_is_read() -> None:
    text = by_id(read("openagenda", "events.json"))["11#20260321T130000Z"].texts
    assert list(text) == ["fr", "en"]
    assert text["fr"].headline == "Fête du village"
    assert text["fr"].description == (
        "Musique et jeux pour tous programme (https://villard-bonnot.example/fete)\n\n"
        "Conditions : Gratuit\n\nDès 6 ans."
    )
    assert text["en"].description == "Music and games\n\nFrom age 6."
    assert next(iter(by_id(read("openagenda", "events.json", language="en"))["12"].texts)) == "en"


def test_a_page_of_many_and_a_single_event_are_not_the_whole() -> None:
    assert not read("openagenda", "more_to_come.json").complete
    assert not read("openagenda", "one_event.json").complete


def test_a_cancelled_event_ends_at_each_of_its_times() -> None:
    parsed = read("openagenda", "one_event.json")
    assert len(parsed.items) == 2
    for item in parsed.items:
        assert (item.msg_type, item.cancels) == (MsgType.CANCEL, (item.external_id,))
        assert item.texts["fr"].headline == "Annulé : Fête du village"


@pytest.mark.parametrize(
    ("status", "headline"), [(4, "Reporté : Concert"), (5, "Complet : Concert"), (2, "Concert")]
)
def test_what_changed_about_it_is_said_first(status: int, headline: str) -> None:
    item = only(read("openagenda", event(status=status)))
    assert item.texts["fr"].headline == headline
    assert (item.certainty is Certainty.POSSIBLE) == (status == 4)


def test_an_hour_without_a_zone_is_that_of_the_place() -> None:
    there = {"name": "Ici", "timezone": "Europe/Lisbon"}
    given = {"timings": [{"start": "2026-04-01T20:00:00"}], "timezone": None, "location": there}
    item = only(read("openagenda", event(**given)))
    assert item.onset == item.expires == utc("2026-04-01T19:00")


def test_a_day_without_hours_is_a_whole_day() -> None:
    day = [{"begin": "2026-04-01T00:00:00+02:00", "end": "2026-04-01T23:59:00+02:00"}]
    assert only(read("openagenda", event(timings=day))).all_day
    assert not only(read("openagenda", event())).all_day


def test_of_too_many_timings_the_coming_ones_are_kept() -> None:
    days = [
        {"begin": f"2026-{m:02}-{d:02}T10:00:00Z", "end": f"2026-{m:02}-{d:02}T11:00:00Z"}
        for m in (2, 3, 4)
        for d in range(1, 29)
    ]
    parsed = read("openagenda", event(timings=days), most_of_a_series=50)
    assert parsed.items[0].onset == utc("2026-03-07T10:00")
    assert parsed.items[-1].onset == utc("2026-04-28T10:00")
    assert [e.reason for e in parsed.errors] == [say("long-series", count=50)]
    few = read("openagenda", event(timings=days), most_of_a_series=5)
    assert few.items[0].onset == utc("2026-03-13T10:00")


def test_odd_events_are_named() -> None:
    parsed = read("openagenda", "broken_entries.json")
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("12", say("element-wrong", element="timings", value="samedi")),
        ("13", say("not-public", what="draft")),
        ("14", say("nothing-said")),
        ("entrée 5", say("element-missing", element="uid")),
        ("15", say("place-wrong")),
    ]
    assert {i.series for i in parsed.items} == {"11", "15"}
