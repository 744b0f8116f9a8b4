"""Vigicrues as GeoJSON, JSON-LD and RSS."""

import json
from typing import Any

import pytest

from connectors.reasons import say
from hub.vocabulary import ResponseType, Severity, Urgency
from tests.connectors.reading import by_id, only, raw_of, read, utc


def reaches(count: int) -> bytes:
    document: dict[str, Any] = json.loads(raw_of("vigicrues", "troncons.geojson"))
    row = document["features"][0]
    document["features"] = [
        {**row, "properties": row["properties"] | {"CdEntCru": f"X{n}", "NivInfViCr": 1 + (n == 7)}}
        for n in range(count)
    ]
    return json.dumps(document).encode()


def test_each_reach_is_an_item_with_its_line_the_gravest_first() -> None:
    parsed = read("vigicrues", "troncons.geojson")
    assert [(i.external_id, i.level) for i in parsed.items] == [
        ("AN31", "orange"), ("AN12", "yellow"), ("AN30", "green"),
    ]  # fmt: skip
    item = parsed.items[0]
    assert item.area
    assert item.area["type"] == "MultiLineString"
    assert (item.severity, item.category) == (Severity.SEVERE, "flood")
    assert item.expires == utc("2026-03-13T15:00")
    assert item.texts["fr"].headline == "Vigilance orange crues : Isère moyenne"
    assert item.texts["en"].headline == "Orange flood warning: Isère moyenne"
    assert item.texts["fr"].instruction
    assert (parsed.items[2].response_type, parsed.items[2].urgency) == (
        ResponseType.ALL_CLEAR, Urgency.PAST,
    )  # fmt: skip


def test_green_reaches_are_left_out_of_a_long_list_unless_they_were_chosen() -> None:
    assert [i.external_id for i in read("vigicrues", reaches(100)).items] == ["X7"]
    chosen = read("vigicrues", reaches(100), reaches=["x7", "X9"])
    assert {i.external_id: i.level for i in chosen.items} == {"X7": "yellow", "X9": "green"}


def test_a_territorys_bulletin_speaks_for_itself() -> None:
    item = only(read("vigicrues", "bulletin.jsonld"))
    assert (item.external_id, item.level) == ("territoire-19", "yellow")
    assert item.sent == utc("2026-03-12T15:00")
    assert item.expires == utc("2026-03-13T15:00")  # six hours after the next is due
    text = item.texts["fr"]
    assert text.headline == "Vigilance jaune crues : Alpes du Nord"
    assert text.description == "L'Isère monte lentement.\n\nDes chemins peuvent être inondés."
    assert text.instruction == "Restez à distance des berges."


def test_the_list_of_territories_announces_nothing() -> None:
    parsed = read("vigicrues", "territoires.jsonld")
    assert [i.area_desc for i in parsed.items] == ["Rhône amont-Saône", "Alpes du Nord"]
    assert parsed.title == "Vigicrues : 2 lieux"
    for item in parsed.items:
        assert item.level == ""
        assert item.expires == item.sent == utc("2026-03-12T08:00")


def test_the_rss_of_reaches_is_read_by_its_colours() -> None:
    items = by_id(read("vigicrues", "troncons.rss"))
    assert {k: (i.level, i.area_desc) for k, i in items.items()} == {
        "AN31": ("yellow", "Isère moyenne"), "AN12": ("green", "Arve aval"),
    }  # fmt: skip
    assert items["AN31"].sent == utc("2026-03-12T15:00")
    assert items["AN31"].texts["fr"].description == "Le niveau de vigilance est jaune."


@pytest.mark.parametrize(
    ("title", "place", "level"),
    [
        ("Isère moyenne : Jaune", "Isère moyenne", "yellow"),
        ("Vigilance crues : Drac aval - ORANGE", "Drac aval", "orange"),
        ("Têt (Rouge)", "Têt", "red"),
        ("Saône-Doubs : vert", "Saône-Doubs", "green"),
    ],
)
def test_titles_are_written_in_several_ways(title: str, place: str, level: str) -> None:
    raw = raw_of("vigicrues", "troncons.rss").replace(b"Arve aval : Vert", title.encode())
    item = by_id(read("vigicrues", raw))["AN12"]
    assert (item.area_desc, item.level) == (place, level)


def test_what_is_odd_is_named_and_the_rest_is_read() -> None:
    parsed = read("vigicrues", "broken_entries.geojson")
    assert [i.external_id for i in parsed.items] == ["AN31", "AN12", "AN41"]
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("AN40", say("element-wrong", element="NivInfoVigiCru", value="9")),
        ("entrée 4", say("not-an-object")),
        ("AN41", say("place-wrong")),
    ]
    assert not parsed.complete  # which reach the fourth was is not known: none is over


def test_what_has_no_colour_is_named_as_the_hub_knows_it() -> None:
    """By the id of its item: what is broken is not absent."""
    raw = raw_of("vigicrues", "troncons.rss").replace(b"Arve aval : Vert", b"Arve aval")
    parsed = read("vigicrues", raw)
    assert (set(by_id(parsed)), [e.where for e in parsed.errors]) == ({"AN31"}, ["AN12"])
    whole = only(read("vigicrues", "bulletin.jsonld"))
    bulletin = json.loads(raw_of("vigicrues", "bulletin.jsonld"))
    bulletin["vic:InfoVigiCru"]["vic:NivInfoVigiCru"] = "9"
    broken = read("vigicrues", json.dumps(bulletin).encode())
    assert [e.where for e in broken.errors] == [whole.external_id] == ["territoire-19"]


def test_a_reachs_bulletin_has_the_identity_of_the_reach() -> None:
    raw = raw_of("vigicrues", "bulletin.jsonld").replace(
        b'"vic:CdEntVigiCru": "19",\n   "vic:TypEntVigiCru": "5"',
        b'"vic:CdEntVigiCru": "AN31", "vic:TypEntVigiCru": "8"',
    )
    item = only(read("vigicrues", raw))
    assert (item.external_id, item.link) == ("AN31", "https://www.vigicrues.gouv.fr/troncon/AN31")


def test_a_territory_lists_its_reaches() -> None:
    below = [{"vic:CdEntVigiCru": "AN31", "vic:TypEntVigiCru": "8", "vic:LbEntVigiCru": "Isère"}]
    whole = {"vic:CdEntVigiCru": "19", "vic:LbEntVigiCru": "Alpes du Nord", "vic:aNMoinsUn": below}
    parsed = read("vigicrues", json.dumps({"vic:TerEntVigiCru": whole}).encode())
    assert {i.area_desc for i in parsed.items} == {"Alpes du Nord", "Isère"}
