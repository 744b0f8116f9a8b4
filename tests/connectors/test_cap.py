"""Alerts: a file of tests/connectors/fixtures/cap for each trait."""

import json
import re
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest.mock import ANY

import pytest
from shapely.geometry import Point, shape

from connectors import areas
from connectors.cap import AlertOptions, Cap
from connectors.reasons import say
from hub.contracts import Item, Parsed, SourceUnreadable
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency

NOW = datetime(2026, 3, 12, 15, tzinfo=UTC)
FILES = Path(__file__).parent / "fixtures" / "cap"


def parse(name: str, **options: Any) -> Parsed:
    return Cap(AlertOptions(**options)).parse((FILES / name).read_bytes(), NOW)


def only(parsed: Parsed) -> Item:
    assert (len(parsed.items), parsed.errors) == (1, ())
    return parsed.items[0]


@pytest.mark.parametrize("name", ["single_alert.xml", "version_1_1.xml"])
def test_an_alert_becomes_an_item_in_its_own_words(name: str) -> None:
    parsed = parse(name)
    item = only(parsed)
    assert not parsed.complete
    assert (item.external_id, item.version) == ("VB-1", "20260312140000")
    assert (item.msg_type, item.status) == (MsgType.ALERT, Status.ACTUAL)
    assert (item.category, item.event) == ("met", "Orages")
    assert (item.severity, item.urgency, item.certainty) == (
        Severity.MODERATE, Urgency.EXPECTED, Certainty.LIKELY
    )  # fmt: skip
    assert item.response_type is ResponseType.MONITOR
    assert item.onset == datetime(2026, 3, 12, 16, tzinfo=UTC)
    assert item.expires == datetime(2026, 3, 12, 22, tzinfo=UTC)
    assert item.texts["fr-FR"].instruction == "Restez à l'abri."
    assert item.area_desc == "Grésivaudan"
    assert item.geocodes == {"INSEE": ("38547",)}
    # "latitude,longitude" there, longitude first here
    assert shape(item.area).contains(Point(5.89, 45.25))


def test_alerts_in_a_feed_are_the_whole_of_what_is_in_force() -> None:
    parsed = parse("three_alerts.atom")
    assert [i.external_id for i in parsed.items] == ["VB-1", "VB-2", "VB-3"]
    assert parsed.complete
    assert parsed.title == "Vigilance Isère"
    assert not parse("paged_index.atom").complete


def test_each_language_has_its_words_and_the_sources_own_comes_first() -> None:
    item = only(parse("two_languages.xml"))
    assert list(item.texts) == ["fr-FR", "en-GB"]
    assert item.texts["en-GB"].headline == "Thunderstorms"
    assert list(only(parse("two_languages.xml", language="en")).texts) == ["en-GB", "fr-FR"]


def test_a_block_without_language_is_english_by_the_standard() -> None:
    assert list(only(parse("no_language.xml")).texts) == ["en-US"]
    assert list(only(parse("no_language.xml", unlabelled="fr")).texts) == ["fr"]


def test_two_phases_are_one_alert_as_grave_as_the_graver() -> None:
    item = only(parse("two_phases.xml"))
    assert item.severity is Severity.SEVERE
    assert item.expires == datetime(2026, 3, 13, 1, tzinfo=UTC)
    text = item.texts["fr-FR"]
    assert text.headline == "Orages violents au nord"
    assert "Grêle possible." in text.description
    assert "Des orages sont attendus." in text.description
    assert text.instruction == "Rentrez les véhicules.\n\nRestez à l'abri."
    area = shape(item.area)
    assert area.geom_type == "MultiPolygon"
    assert area.contains(Point(5.85, 45.35))
    assert area.contains(Point(5.89, 45.25))
    assert item.area_desc == "Chartreuse; Grésivaudan"


def test_an_update_replaces_what_it_refers_to() -> None:
    item = only(parse("update.xml"))
    assert (item.msg_type, item.supersedes, item.cancels) == (
        MsgType.UPDATE, ("VB-1", "VB-0"), ()
    )  # fmt: skip


def test_an_all_clear_update_ends_even_itself() -> None:
    item = only(parse("all_clear_update.xml"))
    assert (item.msg_type, item.cancels, item.supersedes) == (MsgType.CANCEL, ("VB-2",), ())


def test_a_cancel_needs_no_words_of_its_own() -> None:
    item = only(parse("cancel_without_info.xml"))
    assert (item.msg_type, item.cancels) == (MsgType.CANCEL, ("VB-1",))
    assert next(iter(item.texts.values())).headline


def test_what_is_not_meant_for_people_keeps_its_status() -> None:
    found = {i.external_id: i.status for i in parse("statuses.atom").items}
    assert found == {
        "Actual": Status.ACTUAL,
        "Exercise": Status.EXERCISE,
        "Test": Status.TEST,
        "System": Status.TEST,
        "Draft": Status.TEST,
    }


def test_a_bad_alert_is_named_and_its_neighbours_are_read() -> None:
    parsed = parse("one_bad_entry.atom")
    assert [i.external_id for i in parsed.items] == ["good-1", "good-2"]
    assert parsed.complete  # each of the others is named
    errors = {e.where: e.reason for e in parsed.errors}
    assert errors == {
        "no-scope": say("element-missing", element="scope"),
        "bad-severity": say("element-wrong", element="severity", value="Terrible"),
        "bad-sent": say("element-wrong", element="sent", value="hier"),
        "restricted": say("not-public", what="Restricted"),
        "ack": say("not-an-alert", what="Ack"),
        "lone-cancel": say("no-reference"),
        "no-info": say("element-missing", element="info"),
    }


def test_an_index_is_read_from_its_own_elements_without_following_links() -> None:
    parsed = parse("index_with_cap_elements.atom")
    item = parsed.items[0]
    assert len(parsed.items) == 1
    assert (item.external_id, item.severity) == ("V-1", Severity.MODERATE)
    assert item.texts["fr"].headline == "Vent fort - Isère"
    assert item.texts["fr"].description == "Rafales à 90 km/h."
    assert (item.area_desc, item.geocodes) == ("Isère", {"EMMA_ID": ("FR038",)})
    assert item.expires == datetime(2026, 3, 13, 5, tzinfo=UTC)
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("urn:e:2", say("element-missing", element="cap:status"))
    ]


def test_a_shape_that_crosses_itself_is_untangled_and_a_wrong_one_is_said() -> None:
    parsed = parse("odd_areas.xml")
    assert shape(parsed.items[0].area).is_valid
    assert parsed.items[0].area_desc == "A; B"
    assert [e.reason for e in parsed.errors] == [
        say("element-wrong", element="polygon", value="ici,là")
    ]


def test_a_circle_without_radius_is_a_point() -> None:
    assert only(parse("point_area.xml")).area == {"type": "Point", "coordinates": [5.89, 45.25]}


@pytest.mark.parametrize("name", ["entity_bomb.xml", "external_entity.xml", "foreign_dtd.xml"])
def test_a_document_type_is_refused_not_read(name: str) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        parse(name)
    assert caught.value.reason == say("entities")


def test_an_alert_that_is_cut_off_is_refused_with_its_line() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        parse("truncated.xml")
    assert caught.value.reason == say("truncated")
    assert caught.value.where.startswith("ligne")


def index(*entries: str) -> bytes:
    cap = "urn:oasis:names:tc:emergency:cap:1.2"
    head = f'<feed xmlns="http://www.w3.org/2005/Atom" xmlns:cap="{cap}">'
    return f"{head}<id>x</id><title>Europe</title>{''.join(entries)}</feed>".encode()


def area_of(code: str, name: str, **words: str) -> str:
    said = {
        "identifier": "W-1", "status": "Actual", "message_type": "Alert", "scope": "Public",
        "event": "Orange Wind warning", "sent": "2026-03-12T14:00:00+00:00", "areaDesc": name,
        "expires": "2026-03-12T22:00:00+00:00", "severity": "Severe",
    } | words  # fmt: skip
    cap = "".join(f"<cap:{k}>{v}</cap:{k}>" for k, v in said.items())
    place = f"<valueName>EMMA_ID</valueName><value>{code}</value>"
    return (
        f"<entry><id>urn:{code}</id><title>Orange Wind Warning issued for France - {name}</title>"
        f"<link href='https://warn.example/{code}' hreflang='en'/>"
        f"<cap:geocode>{place}</cap:geocode>{cap}</entry>"
    )


def read(raw: bytes, **options: Any) -> Parsed:
    return Cap(AlertOptions(**options)).parse(raw, NOW)


def test_an_index_with_an_entry_for_each_area_is_one_alert() -> None:
    entries = [area_of("FR038", "Isère"), area_of("FR073", "Savoie"), area_of("FR001", "Ain")]
    item = only(read(index(*entries)))
    assert (item.external_id, item.level, item.category) == ("W-1", "orange", "met")
    assert item.geocodes == {"EMMA_ID": ("FR001", "FR038", "FR073")}
    assert item.area_desc == "Ain; Isère; Savoie"
    assert item.texts["en"].headline == "Orange Wind Warning issued for France"
    assert only(read(index(*reversed(entries)))) == replace(item, link=ANY)


def test_entries_of_different_age_are_not_one_alert() -> None:
    older = area_of("FR038", "Isère", sent="2026-03-12T08:00:00+00:00")
    parsed = read(index(area_of("FR073", "Savoie"), older))
    assert [i.area_desc for i in parsed.items] == ["Savoie"]
    assert [e.reason for e in parsed.errors] == [say("twice")]


@pytest.mark.parametrize(
    ("event", "level"),
    [
        ("Yellow Wind warning", "yellow"),
        ("Vigilance orange orages", "orange"),
        ("Wind", ""),
    ],
)
def test_the_level_is_read_from_the_words_where_nothing_else_says_it(
    event: str, level: str
) -> None:
    assert only(read(index(area_of("FR038", "Isère", event=event)))).level == level


def test_words_that_happen_to_be_colours_are_no_level() -> None:
    raw = index(area_of("FR038", "Isère", event="Red Flag Warning"))
    assert only(read(raw.replace(b"EMMA_ID", b"UGC"))).level == ""


def test_the_level_is_read_from_its_parameter_first() -> None:
    raw = (FILES / "single_alert.xml").read_bytes()
    parameter = b"<parameter><valueName>awareness_level</valueName><value>3; orange; Severe</value>"
    item = only(read(raw.replace(b"<area>", parameter + b"</parameter><area>")))
    assert item.level == "orange"


def test_a_cancel_and_an_update_in_an_index_need_their_references() -> None:
    referred = {"message_type": "Cancel", "references": "a@b,W-0,2026-03-12T08:00:00+00:00"}
    item = only(read(index(area_of("FR038", "Isère", **referred))))
    assert (item.msg_type, item.cancels) == (MsgType.CANCEL, ("W-0",))
    alone = read(index(area_of("FR038", "Isère", message_type="Cancel")))
    assert [e.reason for e in alone.errors] == [say("no-reference")]


@pytest.mark.parametrize(
    ("written", "found"),
    [
        ("a@b,VB-1,2026-03-12T15:00:00+01:00\n   a@b,VB-0,2026-03-12T14:00:00Z", ("VB-1", "VB-0")),
        ("a@b,with, comma,2026-03-12T15:00:00+01:00", ("with, comma",)),
        ("a@b,two words,2026-03-12T15:00:00+01:00", ("two words",)),
        ("VB-9", ("VB-9",)),
        ("a@b,VB-8", ("VB-8",)),
        ("a@b,VB-1,2026-03-12T15:00:00+01:00 a@b,VB-1,2026-03-12T15:00:00+01:00", ("VB-1",)),
        (",,", ()),
    ],
)
def test_references_are_read_as_far_as_they_go(written: str, found: tuple[str, ...]) -> None:
    raw = (FILES / "update.xml").read_text()
    said = re.sub(r"(?s)(<references>).*(</references>)", rf"\1{written}\2", raw)
    assert only(read(said.encode())).supersedes == found


@pytest.mark.parametrize(
    "space", ["urn:oasis:names:tc:emergency:cap:1.1", "http://www.incident.com/cap/1.0", ""]
)
def test_older_alerts_and_those_without_a_namespace_are_read(space: str) -> None:
    raw = (FILES / "single_alert.xml").read_text()
    assert "urn:oasis:names:tc:emergency:cap:1.2" in raw
    assert only(read(raw.replace("urn:oasis:names:tc:emergency:cap:1.2", space).encode()))


def test_an_alert_beside_the_entries_of_an_index_is_none_of_them() -> None:
    alert = (FILES / "single_alert.xml").read_text().partition("?>")[2]
    parsed = read(index(alert))
    assert (parsed.items, parsed.complete) == ((), False)


def test_the_weather_service_of_the_united_states_writes_json() -> None:
    parsed = parse("national_weather_service.json")
    assert not parsed.complete  # which one the last was is not known
    first, second, third = parsed.items
    assert (first.external_id, first.version) == ("urn:oid:1", "20260312140000")
    assert first.expires == datetime(2026, 3, 13, 6, tzinfo=UTC)  # when it ends, not the message
    assert first.area
    assert first.area["type"] == "Polygon"
    assert first.geocodes == {"SAME": ("027123",), "UGC": ("MNZ062",)}
    assert first.texts["en-US"].instruction == "Stay inside."
    assert (second.msg_type, second.supersedes) == (MsgType.UPDATE, ("urn:oid:1",))
    assert (third.sent, third.expires) == (None, None)
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("urn:oid:3", say("time-wrong", element="sent, expires", value="soon")),
        ("urn:oid:4", say("element-wrong", element="severity", value="Terrible")),
        ("entrée 5", say("not-an-object")),
    ]


def test_meteoalarm_writes_json_too() -> None:
    info = {
        "language": "fr-FR", "category": ["Met"], "event": "Vigilance orange orages",
        "severity": "Severe", "urgency": "Expected", "certainty": "Likely", "headline": "Orages",
        "parameter": [{"valueName": "awareness_level", "value": "3; orange; Severe"}],
        "area": [{"areaDesc": "Isère", "geocode": [{"valueName": "EMMA_ID", "value": "FR038"}]}],
    }  # fmt: skip
    alert = {
        "identifier": "W-1", "sender": "v@meteo.example", "sent": "2026-03-12T14:00:00+00:00",
        "status": "Actual", "msgType": "Alert", "scope": "Public",
        "info": [info, info | {"language": "en", "headline": "Storms"}],
    }  # fmt: skip
    parsed = read(json.dumps({"warnings": [{"alert": alert, "uuid": "1"}, {"alert": {}}]}).encode())
    item = parsed.items[0]
    assert (item.level, item.geocodes) == ("orange", {"EMMA_ID": ("FR038",)})
    assert {k: t.headline for k, t in item.texts.items()} == {"fr-FR": "Orages", "en": "Storms"}
    assert [e.where for e in parsed.errors] == ["entrée 2"]


@pytest.mark.parametrize("written", ["45.2, 5.8 45.3 ,5.8 45.3,5.9 45.2,5.8",
                                     "45.2,5.8;45.3,5.8;45.3,5.9;45.2,5.8"])  # fmt: skip
def test_polygons_are_written_in_several_ways(written: str) -> None:
    raw = (FILES / "single_alert.xml").read_text()
    said = re.sub(r"<polygon>[^<]*</polygon>", f"<polygon>{written}</polygon>", raw)
    assert "45.3" in said
    item = only(read(said.encode()))
    assert item.area
    assert item.area["type"] == "Polygon"


@pytest.mark.parametrize("written", [";", ",", "48,2", "48,2 48,2"])
def test_a_polygon_that_is_none_leaves_the_alert(written: str) -> None:
    raw = (FILES / "single_alert.xml").read_text()
    said = re.sub(r"<polygon>[^<]*</polygon>", f"<polygon>{written}</polygon>", raw)
    parsed = Cap(AlertOptions()).parse(said.encode(), NOW)
    assert [i.area for i in parsed.items] == [None]
    assert [e.reason for e in parsed.errors] == [
        say("element-wrong", element="polygon", value=written)
    ]


def test_a_point_and_an_area_of_one_alert_are_one_geometry() -> None:
    spot = {"type": "Point", "coordinates": [5.9, 45.24]}
    field = {"type": "Polygon", "coordinates": [[[6, 45], [7, 45], [7, 46], [6, 45]]]}
    both = areas.joined(spot, field)
    assert both
    assert both["type"] == "MultiPolygon"
    assert shape(both).covers(Point(5.9, 45.24))
    assert shape(both).covers(Point(6.9, 45.5))
    assert areas.joined(spot, spot | {"coordinates": [5.8, 45.2]}) == {
        "type": "MultiPoint", "coordinates": [[5.9, 45.24], [5.8, 45.2]],
    }  # fmt: skip
    assert areas.joined(None, field) == field


@pytest.mark.parametrize(
    ("written", "at"),
    [
        ("Thu, 12 Mar 2026 10:00:00 -0000", datetime(2026, 3, 12, 10, tzinfo=UTC)),
        ("Thu, 12 Mar 2026 10:00:00", datetime(2026, 3, 12, 9, tzinfo=UTC)),
        ("Thu, 12 Mar 2026 10:00:00 +0200", datetime(2026, 3, 12, 8, tzinfo=UTC)),
    ],
)
def test_the_machines_own_zone_counts_for_nothing(
    written: str, at: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        entry = area_of("FR038", "Isère", sent=written)
        item = only(read(index(entry), timezone="Europe/Paris"))
    finally:
        monkeypatch.undo()
        time.tzset()
    assert item.sent == at
