"""The calendar, read by two readers: icalendar and vobject."""

from datetime import UTC, datetime, timedelta

import pytest
import vobject
from icalendar import Calendar

from hub.contracts import Text
from hub.vocabulary import EndedAs
from tests.channels.website.town import BASE, NOW, body, cancelled, notice, show, updated


def events(said):
    return Calendar.from_ical(body(said, "feed.ics")).events


def event(said):
    (only,) = events(said)
    return only


def test_a_notice_is_an_event_from_its_effect_to_its_expiry():
    given = notice()
    seen = event(show(given))
    assert seen["UID"] == "01K0ROAD@villard-bonnot.example"
    assert seen["SUMMARY"] == "Rue de la République fermée"
    assert seen["LOCATION"] == "Centre de Villard-Bonnot"
    assert seen["STATUS"] == "CONFIRMED"
    assert seen["URL"] == f"{BASE}/p/01K0ROAD"
    assert seen.start == given.effective
    assert seen.end == given.expires
    assert seen["DTSTAMP"].dt == given.sent


def test_the_onset_is_the_start_where_there_is_one():
    onset = NOW + timedelta(hours=3)
    assert event(show(notice(onset=onset))).start == onset


def test_another_reader_sees_the_same():
    text = Text("Eau coupée ; rue, n° 3", "Ligne 1\nLigne 2 " + "é" * 200, "Stockez\\de l’eau")
    given = notice(texts={"fr": text})
    ical = vobject.readOne(body(show(given), "feed.ics").decode())
    (seen,) = ical.vevent_list
    assert seen.summary.value == "Eau coupée ; rue, n° 3"
    assert seen.description.value == f"{text.description}\n\n{text.instruction}"
    assert seen.dtstart.value == given.effective
    assert seen.dtend.value == given.expires
    assert seen.uid.value == "01K0ROAD@villard-bonnot.example"
    assert ical.x_wr_calname.value == "Villard-Bonnot : annonces"


def test_lines_are_folded_at_75_octets_and_end_with_crlf():
    ical = body(show(notice(texts={"fr": Text("é" * 300)})), "feed.ics")
    lines = ical.split(b"\r\n")
    assert b"\n" not in ical.replace(b"\r\n", b"")
    assert max(map(len, lines)) <= 75


def test_an_update_keeps_the_uid_and_raises_the_sequence():
    first = notice()
    seen = [event(show(n)) for n in (first, updated(first), updated(updated(first)))]
    assert {e["UID"] for e in seen} == {"01K0ROAD@villard-bonnot.example"}
    assert [e["SEQUENCE"] for e in seen] == [0, 1, 2]
    assert seen[0]["LAST-MODIFIED"].dt < seen[1]["LAST-MODIFIED"].dt


@pytest.mark.parametrize(
    ("ended_as", "lead"), [(EndedAs.OVER, "Terminé : "), (EndedAs.RETRACTED, "Retiré : ")]
)
def test_a_cancel_is_struck_out_under_the_next_sequence(ended_as, lead):
    live = updated(notice())
    seen = event(show(ended=(cancelled(live, ended_as),)))
    assert seen["UID"] == "01K0ROAD@villard-bonnot.example"
    assert seen["STATUS"] == "CANCELLED"
    assert seen["SEQUENCE"] == event(show(live))["SEQUENCE"] + 1
    assert seen["SUMMARY"] == f"{lead}Rue de la République fermée"
    assert "déviation" not in seen["DESCRIPTION"]


def test_an_expiry_strikes_nothing_out():
    assert events(show(notice(expires=NOW), ended=(cancelled(notice(), EndedAs.EXPIRED),))) == []


def test_a_point_is_given_as_latitude_and_longitude():
    seen = event(show(notice(area={"type": "Point", "coordinates": [5.89, 45.24]})))
    assert seen["GEO"].to_ical() == "45.24;5.89"
    assert "GEO" not in event(show(notice()))


def test_times_are_written_in_utc():
    given = notice(onset=datetime(2026, 7, 1, 6, tzinfo=UTC), expires=NOW + timedelta(days=200))
    assert b"DTSTART:20260701T060000Z" in body(show(given), "feed.ics")
