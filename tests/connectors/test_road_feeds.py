"""Work zones in WZDx and incidents in CIFS."""

import json

import pytest

from connectors.reasons import say
from hub.vocabulary import MsgType, ResponseType
from tests.connectors.reading import by_id, only, raw_of, read, utc


def test_a_work_zone_says_where_when_and_how() -> None:
    item = by_id(read("wzdx", "zones.geojson"))["vb-1"]
    assert item.texts["fr"].headline == "Travaux sur la D523, vers le nord"
    assert item.texts["fr"].description == (
        "Circulation alternée.\nEntre Rue Haute et Rue Basse.\nVitesse limitée à 30 km/h."
    )
    assert item.texts["en"].description.startswith("Resurfacing\nAlternating traffic.")
    assert (item.onset, item.expires) == (utc("2026-03-16T07:00"), utc("2026-03-20T17:00"))
    assert (item.place, item.category) == ("D523", "roadworks")
    assert item.area
    assert item.area["type"] == "LineString"


def test_the_nights_of_one_closure_are_items_of_one_series() -> None:
    items = by_id(read("wzdx", "zones.geojson"))
    nights = [items[f"nuit-{n}"] for n in (1, 2, 3)]
    assert {i.series for i in nights} == {"nuit-1"}
    assert len({i.onset for i in nights}) == 3
    assert nights[0].category == "closure"
    assert items["vb-1"].series == ""


def test_version_3_has_everything_in_one_object_and_a_cancelled_zone_ends() -> None:
    item = only(read("wzdx", "version_3.geojson"))
    assert (item.external_id, item.msg_type, item.cancels) == ("v3-1", MsgType.CANCEL, ("v3-1",))
    assert item.texts["fr"].headline == "Travaux sur la RN85, vers le sud"


def test_odd_work_zones_are_named() -> None:
    parsed = read("wzdx", "broken_entries.geojson")
    assert [i.external_id for i in parsed.items] == ["vb-1", "vb-2", "bad-place"]
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("no-start", say("element-missing", element="start_date")),
        ("bad-end", say("element-wrong", element="end_date", value="jeudi")),
        ("no-properties", say("element-missing", element="event_type")),
        ("bad-place", say("place-wrong")),
    ]


def test_a_ring_of_next_occurrences_ends() -> None:
    document = json.loads(raw_of("wzdx", "zones.geojson"))
    core = document["features"][3]["properties"]["core_details"]
    core["related_road_events"] = [{"type": "next-occurrence", "id": "nuit-1"}]
    items = by_id(read("wzdx", json.dumps(document).encode()))
    assert all(items[f"nuit-{n}"].series for n in (1, 2, 3))


def test_an_incident_is_read_with_its_line_and_hours() -> None:
    items = by_id(read("cifs", "incidents.xml"))
    closed = items["vb-1"]
    assert closed.texts["fr"].headline == "Route fermée pour travaux : Rue Haute"
    assert closed.texts["fr"].description == (
        "Pose de canalisations\nDans un seul sens de circulation.\n"
        "Lundi : 09:00-12:00, 14:00-16:00."
    )
    assert closed.texts["en"].description == (
        "In one direction only.\nMonday: 09:00-12:00, 14:00-16:00."
    )
    assert (closed.category, closed.response_type) == ("closure", ResponseType.AVOID)
    assert closed.area == {"type": "LineString", "coordinates": [[5.88, 45.24], [5.881, 45.241]]}
    assert closed.version == "20260302090000"
    assert closed.link == "https://dialog.example/vb"
    assert (items["vb-2"].category, items["vb-3"].category) == ("transport", "roadworks")


def test_incidents_come_as_json_too() -> None:
    item = only(read("cifs", "incidents.json"))
    assert item.texts["fr"].headline == "Route fermée sur la D523"
    assert item.area == {"type": "LineString", "coordinates": [[5.88, 45.24], [5.89, 45.25]]}


def test_odd_incidents_are_named() -> None:
    parsed = read("cifs", "broken_entries.xml")
    assert [i.external_id for i in parsed.items] == ["vb-1", "vb-2", "bad-place"]
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("odd-type", say("element-wrong", element="type", value="FIESTA")),
        ("bad-start", say("element-wrong", element="starttime", value="lundi")),
        ("bad-place", say("place-wrong")),
        ("entrée 6", say("element-missing", element="id")),
    ]
    assert not parsed.complete  # which one the last was is not known


@pytest.mark.parametrize("line", ["", "45.2", "95 5", "a b", "45.2 5.8 45.3"])
def test_a_line_that_is_none_leaves_the_incident(line: str) -> None:
    raw = raw_of("cifs", "incidents.xml").replace(b"45.2400 5.8800 45.2410 5.8810", line.encode())
    parsed = read("cifs", raw)
    assert len(parsed.items) == 3
    assert all(i.area is None for i in parsed.items)
    assert len(parsed.errors) == (3 if line else 0)
