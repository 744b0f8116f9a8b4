"""Road incidents in CIFS."""

import pytest

from connectors.reasons import say
from hub.vocabulary import ResponseType
from tests.connectors.reading import by_id, only, raw_of, read


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
