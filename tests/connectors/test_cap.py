"""Alerts: a file of tests/connectors/fixtures/cap for each trait."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from shapely.geometry import Point, shape

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
