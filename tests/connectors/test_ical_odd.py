"""What agendas in the wild do to RFC 5545, one trait a test; each written here, line by line."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from connectors import ical_zones
from connectors.ical import AgendaOptions, ICalendar
from hub.contracts import Item, Parsed, SourceUnreadable

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FAIR = "DTSTART;TZID=Europe/Paris:20260312T190000"


def calendar(*parts: str, head: str = "") -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", *head.split("\n"), *parts, "END:VCALENDAR", ""]
    return "\r\n".join(line for part in lines for line in part.split("\n") if line).encode()


def event(text: str = FAIR, uid: str = "fete@x") -> str:
    return f"BEGIN:VEVENT\nUID:{uid}\nSUMMARY:Fête\n{text}\nEND:VEVENT"


def parse(raw: bytes, at: datetime = NOW, **options: Any) -> Parsed:
    return ICalendar(AgendaOptions(**options)).parse(raw, at)


def only(raw: bytes, **options: Any) -> Item:
    parsed = parse(raw, **options)
    assert parsed.errors == ()
    assert len(parsed.items) == 1
    return parsed.items[0]


def starts(parsed: Parsed) -> list[str]:
    return [f"{i.onset:%d.%m %H:%M}" for i in parsed.items if i.onset]


# --- zones ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "zone"),
    [
        ("Europe/Paris", "Europe/Paris"),
        ("europe/paris", "Europe/Paris"),
        ("Europe-Paris", "Europe/Paris"),
        ('"Europe/Paris"', "Europe/Paris"),
        ("/freeassociation.sourceforge.net/Tzfile/Europe/Paris", "Europe/Paris"),
        ("/mozilla.org/20050126_1/America/Argentina/Salta", "America/Argentina/Salta"),
        ("Romance Standard Time", "Europe/Paris"),
        ("romance standard time 1", "Europe/Paris"),
        ("tzone://Microsoft/Utc", "UTC"),
        ("tzone://Microsoft/Romance Standard Time", "Europe/Paris"),
        ("(UTC+01:00) Brussels, Copenhagen, Madrid, Paris", "Europe/Brussels"),
        ("(GMT-05:00) Eastern Time (US & Canada)", "America/New_York"),
        ("Paris, Madrid", "Europe/Paris"),
        ("Central European Time", "Europe/Paris"),
        ("CET", "CET"),
        ("GMT+0100", "Etc/GMT-1"),
        ("UTC+1", "Etc/GMT-1"),
        ("-03:00", "Etc/GMT+3"),
        ("UTC", "UTC"),
        ("Z", "UTC"),
        ("Mairie/Grande Salle", ""),
        ("Customized Time Zone", ""),
        ("+05:30", ""),
        ("../../etc/passwd", ""),
        ("", ""),
        ("x" * 5000, ""),
    ],
)
def test_a_zone_is_known_by_the_names_that_programs_give_it(name: str, zone: str) -> None:
    assert ical_zones.probably(name) == zone


@pytest.mark.parametrize(
    "name",
    [
        "Romance Standard Time",
        '"(UTC+01:00) Brussels, Copenhagen, Madrid, Paris"',
        "(UTC+01:00) Brussels, Copenhagen, Madrid, Paris",  # its colon without quotes
        "(UTC+01:00) Brussels, Copenhagen, Madrid,\n  Paris",  # folded within the name
    ],
)
def test_an_hour_is_read_in_a_zone_of_microsoft(name: str) -> None:
    item = only(calendar(event(f"DTSTART;TZID={name}:20260412T190000")))
    assert item.onset == datetime(2026, 4, 12, 17, tzinfo=UTC)


ZONE = """BEGIN:VTIMEZONE
TZID:Customized Time Zone
BEGIN:STANDARD
DTSTART:16010101T030000
TZOFFSETFROM:+{0}
TZOFFSETTO:+{1}
RRULE:FREQ={2}
END:STANDARD
END:VTIMEZONE"""
THEIRS = event("DTSTART;TZID=Customized Time Zone:20260312T190000")


def test_a_file_may_define_a_zone_of_its_own_and_no_other_file_hears_of_it() -> None:
    there = only(calendar(ZONE.format("0500", "0500", "YEARLY;BYMONTH=10"), THEIRS))
    assert there.onset == datetime(2026, 3, 12, 14, tzinfo=UTC)
    here = only(calendar(ZONE.format("0200", "0200", "YEARLY;BYMONTH=10"), THEIRS))
    assert here.onset == datetime(2026, 3, 12, 17, tzinfo=UTC)


@pytest.mark.parametrize(
    "zone", ["", ZONE.format("", "", "YEARLY"), ZONE.format("0100", "0100", "SECONDLY")]
)
def test_a_zone_that_means_nothing_is_said_and_its_hours_are_local(zone: str) -> None:
    parsed = parse(calendar(zone, THEIRS))
    assert starts(parsed) == ["12.03 18:00"]
    assert [e.where for e in parsed.errors] == ["TZID=Customized Time Zone"]
    assert "Europe/Paris" in parsed.errors[0].reason


def test_the_zone_of_the_calendar_holds_for_hours_without_one_and_for_series_in_utc() -> None:
    raw = calendar(
        event("DTSTART:20260312T190000", "floating@x"),
        event("DTSTART:20260326T180000Z\nRRULE:FREQ=WEEKLY;COUNT=2", "weekly@x"),
        event("DTSTART:20260313T190000Z", "utc@x"),
        head="X-WR-TIMEZONE:Romance Standard Time",
    )
    assert starts(parse(raw, timezone="America/Cayenne")) == [
        "12.03 18:00", "13.03 19:00", "26.03 18:00", "02.04 17:00"
    ]  # fmt: skip


def test_hours_written_in_utc_and_with_a_zone_too_are_utc() -> None:
    item = only(calendar(event("DTSTART;TZID=America/Cayenne:20260312T190000Z")))
    assert item.onset == datetime(2026, 3, 12, 19, tzinfo=UTC)


# --- ends ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("DTSTART;VALUE=DATE:20260312", 24),
        ("DTSTART;VALUE=DATE:20260312\nDTEND;VALUE=DATE:20260312", 24),
        ("DTSTART;VALUE=DATE:20260312\nDTEND;VALUE=DATE:20260310", 24),
        ("DTSTART;VALUE=DATE:20260312\nDTEND;VALUE=DATE:20260314", 48),
        ("DTSTART;VALUE=DATE:20260312\nDURATION:P2D", 48),
        ("DTSTART;VALUE=DATE:20260312\nDURATION:PT3H", 24),
        ("DTSTART;VALUE=DATE:20260312\nDTEND:20260313T180000Z", 24),
        ("DTSTART:20260312", 24),
        ("DTSTART;VALUE=DATE:20260329", 23),  # the clocks go forward
        (FAIR, 0),
        (f"{FAIR}\nDURATION:PT1H30M", 1.5),
        (f"{FAIR}\nDURATION:P1D", 24),
        (f"{FAIR}\nDURATION:-PT1H", 0),
        (f"{FAIR}\nDTEND;TZID=Europe/Paris:20260312T210000", 2),
        (f"{FAIR}\nDTEND;TZID=Europe/Paris:20260312T170000", 0),
        (f"{FAIR}\nDTEND;VALUE=DATE:20260313", 5),
        (f"{FAIR}\nDTEND:20260312T210000", 2),  # the end without the zone of its start
        (f"{FAIR}\nDTEND:bientôt", 0),
    ],
)
def test_an_event_ends_where_its_file_means_it(text: str, hours: float) -> None:
    item = parse(calendar(event(text))).items[0]
    assert item.onset
    assert item.expires
    assert item.expires - item.onset == timedelta(hours=hours)
    assert item.all_day == ("T" not in text.partition("\n")[0].rpartition(":")[2])


def test_a_whole_day_is_the_same_day_in_every_zone() -> None:
    for zone in ("Europe/Paris", "America/Cayenne", "Pacific/Noumea"):
        item = only(calendar(event("DTSTART;VALUE=DATE:20260312")), timezone=zone)
        assert item.onset
        from zoneinfo import ZoneInfo

        assert f"{item.onset.astimezone(ZoneInfo(zone)):%F %T}" == "2026-03-12 00:00:00"


# --- series --------------------------------------------------------------------------------------

SERIES = "DTSTART;TZID=Europe/Paris:20260303T190000\nRRULE:FREQ=WEEKLY;COUNT=5"


@pytest.mark.parametrize(
    ("more", "wanted"),
    [
        ("EXDATE;TZID=Europe/Paris:20260310T190000", "03.03 17.03 24.03 31.03"),
        ("EXDATE:20260310T180000Z,20260317T180000Z", "03.03 24.03 31.03"),
        ("EXDATE;VALUE=DATE:20260310", "03.03 17.03 24.03 31.03"),
        ("RDATE;TZID=Europe/Paris:20260305T190000", "03.03 05.03 10.03 17.03 24.03 31.03"),
        (
            "RDATE;VALUE=PERIOD;TZID=Europe/Paris:20260305T190000/PT1H",
            "03.03 05.03 10.03 17.03 24.03 31.03",
        ),
        (
            "RDATE;VALUE=PERIOD:20260305T180000Z/20260305T190000Z",
            "03.03 05.03 10.03 17.03 24.03 31.03",
        ),
    ],
)
def test_dates_are_taken_out_and_added(more: str, wanted: str) -> None:
    parsed = parse(calendar(event(f"{SERIES}\n{more}")))
    assert parsed.errors == ()
    assert [f"{i.onset:%d.%m}" for i in parsed.items if i.onset] == wanted.split()


def edit(which: str, begins: str, more: str = "") -> str:
    zone = "TZID=Europe/Paris"
    return event(f"RECURRENCE-ID;{zone}{which}\nDTSTART;{zone}:{begins}\n{more}".strip())


def test_an_edit_of_all_that_follow_keeps_the_names_of_its_occurrences_as_time_goes_by() -> None:
    raw = calendar(event(SERIES), edit(";RANGE=THISANDFUTURE:20260317T190000", "20260318T200000"))
    names = {i.external_id: i.onset for i in parse(raw).items}
    assert list(names) == [
        "fete@x#20260303T180000Z",
        "fete@x#20260310T180000Z",
        "fete@x#20260317T180000Z",
        "fete@x#20260324T180000Z",
        "fete@x#20260331T170000Z",
    ]
    assert names["fete@x#20260331T170000Z"] == datetime(2026, 4, 1, 18, tzinfo=UTC)
    later = parse(raw, datetime(2026, 3, 25, 12, tzinfo=UTC)).items
    assert {i.external_id: i.onset for i in later}.items() <= names.items()


def test_of_two_edits_of_one_occurrence_the_newer_counts() -> None:
    raw = calendar(
        edit(":20260310T190000", "20260310T210000", "SEQUENCE:3"),
        event(SERIES),
        edit(":20260310T190000", "20260310T170000", "SEQUENCE:1"),
    )
    assert "10.03 20:00" in starts(parse(raw))
    assert len(parse(raw).items) == 5


def test_an_edit_that_cannot_be_read_leaves_its_series_whole() -> None:
    raw = calendar(event(SERIES), event("RECURRENCE-ID;TZID=Europe/Paris:20260310T190000"))
    parsed = parse(raw)
    assert len(parsed.items) == 5
    assert [(e.where, "ligne 9" in e.reason) for e in parsed.errors] == [("fete@x", True)]


def test_an_edit_without_its_series_is_an_event() -> None:
    item = only(calendar(edit(":20260310T190000", "20260311T190000")))
    assert item.external_id == "fete@x#20260310T180000Z"
    assert item.onset == datetime(2026, 3, 11, 18, tzinfo=UTC)


def test_all_of_a_series_have_its_name_and_are_events() -> None:
    items = parse(calendar(event(SERIES))).items
    assert {(i.series, i.kind) for i in items} == {("fete@x", "event")}
    assert only(calendar(event())).series == ""


def test_a_series_without_end_stops_at_the_horizon() -> None:
    raw = calendar(event("DTSTART;VALUE=DATE:19990101\nRRULE:FREQ=DAILY"))
    assert len(parse(raw, days_before=0, days_ahead=10).items) == 11
    assert len(parse(raw).items) == 733


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYWEEKNO=53;BYMONTH=6",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=300",
        "FREQ=DAILY;BYMONTH=2;BYDAY=MO;BYSETPOS=9",
        "FREQ=SECONDLY;UNTIL=99991231T235959Z",
        "FREQ=YEARLY;BYSECOND=0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25",
    ],
)
def test_a_rule_that_never_comes_to_an_end_costs_little_and_its_neighbours_are_read(
    rule: str,
) -> None:
    bomb = event(f"DTSTART:19000101T000000Z\nRRULE:{rule}", "bomb@x")
    parsed = parse(calendar(bomb, event()))
    assert [i.external_id for i in parsed.items] == ["fete@x"]
    assert {e.where for e in parsed.errors} <= {"bomb@x"}


def test_many_series_together_stay_within_the_most_and_it_is_said() -> None:
    many = [event("DTSTART:20260101T100000Z\nRRULE:FREQ=DAILY", f"d{n}@x") for n in range(6)]
    parsed = parse(calendar(*many, event()), most=1500)
    assert len(parsed.items) == 1500
    assert not parsed.complete
    assert parsed.errors[-1].where == "VCALENDAR"
    assert any(i.external_id == "fete@x" for i in parsed.items)


def test_what_happens_once_is_read_whenever_it_is() -> None:
    raw = calendar(
        event("DTSTART;VALUE=DATE:20190601", "old@x"), event("DTSTART;VALUE=DATE:20330601", "far@x")
    )
    assert [i.external_id for i in parse(raw).items] == ["old@x", "far@x"]
    assert [i.external_id for i in parse(raw, most=1).items] == ["far@x"]


# --- words and identities ------------------------------------------------------------------------


def test_several_calendars_may_use_the_same_uid() -> None:
    def one(name: str, title: str) -> str:
        return (f"BEGIN:VCALENDAR\nX-WR-CALNAME:{name}\n{event(uid='7')}\nEND:VCALENDAR").replace(
            "Fête", title
        )

    raw = "\r\n".join([one("École", "Kermesse"), one("Mairie", "Conseil")]).encode()
    parsed = parse(raw)
    assert {i.external_id: i.texts["fr"].headline for i in parsed.items} == {
        "7@École": "Kermesse",
        "7@Mairie": "Conseil",
    }
    assert parsed.errors == ()


def test_one_uid_for_every_date_of_what_repeats_loses_none() -> None:
    raw = calendar(event(), event(FAIR.replace("12T", "19T")), event(FAIR.replace("12T", "26T")))
    parsed = parse(raw)
    assert len({i.external_id for i in parsed.items}) == 3
    assert parsed.errors == ()


def test_categories_keep_the_commas_that_are_theirs() -> None:
    text = f"{FAIR}\nCATEGORIES:Jeux\\, sports,Enfants\nCATEGORIES:Gratuit"
    assert only(calendar(event(text))).tags == ("Jeux, sports", "Enfants", "Gratuit")


def test_words_in_several_languages_are_kept_apart() -> None:
    text = f"{FAIR}\nSUMMARY;LANGUAGE=en:Fair\nDESCRIPTION;LANGUAGE=en:Come\nDESCRIPTION:Venez"
    item = only(calendar(event(text)))
    assert {code: (t.headline, t.description) for code, t in item.texts.items()} == {
        "fr": ("Fête", "Venez"),
        "en": ("Fair", "Come"),
    }


def test_a_place_is_known_in_words_and_in_numbers_and_an_empty_form_is_nowhere() -> None:
    item = only(calendar(event(f"{FAIR}\nLOCATION:Salle\\, rue X\nGEO:45.2453;5.8886")))
    assert item.place == item.area_desc == "Salle, rue X"
    assert item.area == {"type": "Point", "coordinates": [5.8886, 45.2453]}
    assert only(calendar(event(f"{FAIR}\nGEO:0.0;0.0"))).area is None


def test_a_line_break_that_was_not_folded_stays_in_its_text() -> None:
    raw = calendar(event(f"{FAIR}\nDESCRIPTION:Venez\nnombreux\n\n(entrée libre)"))
    assert only(raw).texts["fr"].description == "Venez\nnombreux\n(entrée libre)"


def test_what_is_no_event_spoils_nothing() -> None:
    todo = "BEGIN:VTODO\nUID:t@x\nSUMMARY:À faire\nDUE:hier\nEND:VTODO"
    alarm = "BEGIN:VALARM\nTRIGGER:demain\nDESCRIPTION:Bip\nEND:VALARM"
    raw = calendar(todo, event(f'{FAIR}\n{alarm}\nORGANIZER;CN="Mairie:nobody\nX-Y:z'))
    assert only(raw).texts["fr"].headline == "Fête"
    assert parse(calendar(todo)) == Parsed((), (), True, "")


def test_an_event_that_never_ends_is_named_and_its_neighbours_are_read() -> None:
    open_one = event(uid="open@x").replace("\nEND:VEVENT", "")
    for raw in (calendar(open_one, event()), calendar(event(), open_one)):
        parsed = parse(raw)
        assert [i.external_id for i in parsed.items] == ["fete@x"]
        assert [e.where for e in parsed.errors] == ["open@x"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ends", ["\r\n", "\n", "\r"])
def test_every_encoding_and_every_line_end_is_read(encoding: str, ends: str) -> None:
    raw = calendar(event()).decode().replace("\r\n", ends).encode(encoding)
    assert only(raw).texts["fr"].headline == "Fête"


@pytest.mark.parametrize(
    "raw", [b"", b"BEGIN:VCALENDAR", calendar(event())[:-30], calendar(event()) + calendar()[:20]]
)
def test_a_file_that_stops_before_its_end_is_never_a_short_agenda(raw: bytes) -> None:
    with pytest.raises(SourceUnreadable):
        parse(raw)


def test_reordering_and_folding_anew_changes_no_item() -> None:
    first, second = event(uid="a@x"), event(f"{FAIR}\nLOCATION:Salle des fêtes", "b@x")
    folded = second.replace("Salle des", "Sal\n le des")
    swapped = folded.replace("SUMMARY:Fête\n", "").replace(FAIR, f"{FAIR}\nSUMMARY:Fête")
    assert parse(calendar(first, second)) == parse(calendar(swapped, first))
