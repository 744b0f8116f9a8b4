"""Agendas: a file of tests/connectors/fixtures/ical for each trait."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.ical import AgendaOptions, ICalendar
from connectors.reasons import say
from hub.contracts import Item, Parsed, SourceUnreadable
from hub.vocabulary import Certainty, MsgType

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FILES = Path(__file__).parent / "fixtures" / "ical"


def parse(name: str, at: datetime = NOW, **options: Any) -> Parsed:
    return ICalendar(AgendaOptions(**options)).parse((FILES / name).read_bytes(), at)


def only(parsed: Parsed) -> Item:
    assert len(parsed.items) == 1
    return parsed.items[0]


def at(reason: str, line: int) -> str:
    return say("at-line", said=reason, line=line)


def said(item: Item) -> str:
    return next(iter(item.texts.values())).headline


def test_an_event_becomes_an_item_with_all_it_says() -> None:
    parsed = parse("three_events.ics")
    council, market, loto = parsed.items
    assert (parsed.title, parsed.complete, parsed.errors) == (
        "Agenda de Villard-Bonnot", True, ()
    )  # fmt: skip
    assert council.external_id == "conseil-2026-03@villard-bonnot.example"
    assert council.texts["fr"].headline == "Conseil municipal"
    assert council.texts["fr"].description == (
        "Ordre du jour :\n- budget 2026\n- travaux du pont de Lancey"
    )
    assert council.onset == datetime(2026, 3, 12, 18, tzinfo=UTC)
    assert council.expires == datetime(2026, 3, 12, 20, 30, tzinfo=UTC)
    assert council.area_desc == "Salle du conseil, mairie"
    assert council.area == {"type": "Point", "coordinates": [5.8886, 45.2453]}
    assert council.link == "https://villard-bonnot.example/conseil"
    assert (council.category, council.event) == ("event", "Vie municipale, Séance publique")
    assert council.version == "0000000002.20260219160000"
    assert loto.expires == datetime(2026, 3, 15, 16, 30, tzinfo=UTC)
    assert (council.certainty, loto.certainty) == (Certainty.LIKELY, Certainty.POSSIBLE)
    assert market.all_day
    assert market.onset == datetime(2026, 3, 13, 23, tzinfo=UTC)
    assert market.expires == datetime(2026, 3, 14, 23, tzinfo=UTC)


def test_a_weekly_meeting_keeps_its_local_hour_when_the_clocks_change() -> None:
    items = parse("weekly_across_clock_change.ics").items
    assert [i.onset.hour for i in items if i.onset] == [17, 17, 16, 16]
    assert items[0].external_id == "danse@x#20260318T173000Z"


def test_edited_excluded_added_and_cancelled_occurrences() -> None:
    items = {i.external_id: i for i in parse("series_with_edits.ics").items}
    assert list(items) == [
        "cine@x#20260303T190000Z",
        "cine@x#20260306T190000Z",
        "cine@x#20260317T190000Z",
        "cine@x#20260324T190000Z",
        "cine@x#20260331T180000Z",
    ]
    moved = items["cine@x#20260317T190000Z"]
    assert said(moved) == "Ciné-club en plein air"
    assert moved.onset == datetime(2026, 3, 18, 20, tzinfo=UTC)
    dead = items["cine@x#20260324T190000Z"]
    assert (dead.msg_type, dead.cancels) == (MsgType.CANCEL, (dead.external_id,))


def test_an_edit_of_this_and_all_that_follow_gives_each_its_own_item() -> None:
    items = parse("this_and_future.ics").items
    assert len(items) == len({i.external_id for i in items}) == 4
    assert [i.onset.hour for i in items if i.onset] == [8, 8, 9, 9]


@pytest.mark.parametrize("name", ["cancelled_event.ics", "method_cancel.ics"])
def test_a_cancelled_event_cancels_its_item(name: str) -> None:
    item = only(parse(name))
    assert (item.msg_type, item.cancels) == (MsgType.CANCEL, (item.external_id,))


@pytest.mark.parametrize(
    ("name", "options", "hour"),
    [
        ("floating_hours.ics", {}, 18),
        ("floating_hours.ics", {"timezone": "America/Cayenne"}, 22),
        ("calendar_zone.ics", {}, 15),
        ("windows_zone.ics", {}, 18),
        ("unknown_zone.ics", {}, 18),
    ],
)
def test_an_hour_is_read_in_the_right_zone(name: str, options: dict[str, str], hour: int) -> None:
    assert only(parse(name, **options)).onset == datetime(2026, 3, 12, hour, tzinfo=UTC)


def test_old_encodings_and_marks_are_read() -> None:
    assert said(only(parse("byte_order_mark.ics"))) == "Fête de l’été"
    assert said(only(parse("windows_1252.ics"))) == "Fête d'été"


def test_events_without_uid_are_told_apart_and_named_the_same_each_time() -> None:
    first, again = parse("no_uid.ics"), parse("no_uid.ics", NOW + timedelta(days=1))
    assert len({i.external_id for i in first.items}) == 3
    assert [i.external_id for i in first.items] == [i.external_id for i in again.items]


def test_of_two_events_with_one_uid_the_newer_is_kept_and_it_is_said() -> None:
    parsed = parse("uid_used_twice.ics")
    assert sorted(said(i) for i in parsed.items) == ["Autre", "Nouveau"]
    assert [(e.where, e.reason) for e in parsed.errors] == [("d@x", at(say("twice"), 4))]


def test_several_calendars_in_one_file_are_all_read() -> None:
    assert sorted(said(i) for i in parse("two_calendars.ics").items) == ["Mairie", "École"]


def test_a_bad_entry_is_named_and_its_neighbours_are_read() -> None:
    parsed = parse("broken_entries.ics")
    assert [i.external_id for i in parsed.items] == ["good@x", "odd@x"]
    errors = {e.where: e.reason for e in parsed.errors}
    assert errors["no-start@x"] == at(say("no-start"), 9)
    assert errors["bad-start@x"] == at(say("no-start"), 15)
    assert "FREQ=SOUVENT" in errors["bad-rule@x"]
    assert "BYMONTHDAY=30" in errors["never@x"]
    assert set(errors) == {
        "no-start@x", "bad-start@x", "bad-rule@x", "never@x", "still@x", "private@x"
    }  # fmt: skip


def test_rules_that_never_end_are_refused_and_the_rest_goes_on() -> None:
    parsed = parse("too_frequent.ics")
    refused = {"secondly@x", "secondly-count@x", "minutely@x", "hourly@x", "disguised@x"}
    assert {e.where for e in parsed.errors} == refused
    assert all("trop fréquente" in e.reason for e in parsed.errors)
    assert [i.external_id.partition("#")[0] for i in parsed.items] == ["short-hourly@x"] * 4 + [
        "good@x"
    ]


def test_the_horizon_moves_with_the_moment_of_the_reading() -> None:
    def days(at: datetime) -> list[str]:
        found = parse("weekly_across_clock_change.ics", at, days_ahead=60).items
        return [f"{i.onset:%d/%m}" for i in found if i.onset]

    assert days(datetime(2026, 1, 25, tzinfo=UTC)) == ["18/03", "25/03"]
    assert days(datetime(2026, 3, 26, 12, tzinfo=UTC)) == ["25/03", "01/04", "08/04"]
    assert days(datetime(2026, 6, 1, tzinfo=UTC)) == []


def test_a_long_series_is_cut_and_it_is_said() -> None:
    parsed = parse("long_series.ics", most_of_a_series=10)
    assert len(parsed.items) == 11
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("daily@x", say("long-series", count=10))
    ]
    assert parsed.complete
    cut = parse("long_series.ics", most=10)
    assert len(cut.items) == 10
    assert not cut.complete


def test_a_file_that_is_cut_off_is_no_short_agenda() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        parse("truncated.ics")
    assert caught.value.reason == say("truncated")


def test_reports_come_in_the_language_of_the_authority() -> None:
    parsed = parse("broken_entries.ics", report_in="es")
    wanted = say("at-line", "es", said=say("no-start", "es"), line=9)
    assert wanted in [e.reason for e in parsed.errors]


def test_markup_in_a_description_becomes_plain_text() -> None:
    text = only(parse("html_description.ics")).texts["fr"]
    assert text.headline == "Fête & repas"
    assert text.description == "Inscription ici (https://x.example/i)\n\n- un\n\n- deux"


def test_an_event_without_an_end_is_kept() -> None:
    moment, day = sorted(parse("no_end.ics").items, key=lambda i: i.external_id)
    assert moment.expires == moment.onset
    assert day.all_day
    assert day.onset
    assert day.expires == day.onset + timedelta(days=1)
