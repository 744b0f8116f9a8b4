"""Work zones in WZDx."""

import json

from connectors.reasons import say
from connectors.wzdx import _firsts
from hub.vocabulary import MsgType
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


def test_a_chain_of_twenty_thousand_nights_is_followed_once() -> None:
    nights = [
        {"id": f"n{n}", "properties": {"core_details": {
            "related_road_events": [{"type": "next-occurrence", "id": f"n{n + 1}"}]}}}
        for n in range(20_000)
    ]  # fmt: skip
    firsts = _firsts(nights)
    assert len(firsts) == 20_001
    assert set(firsts.values()) == {"n0"}


def test_the_first_versions_knew_work_zones_only() -> None:
    document = json.loads(raw_of("wzdx", "version_3.geojson"))
    del document["features"][0]["properties"]["event_type"]
    item = only(read("wzdx", json.dumps(document).encode()))
    assert item.texts["en"].headline == "Roadworks on the RN85, southbound"
