"""CAP 1.2: every message is valid, names those it replaces, and carries the shape of its area."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from lxml import etree

from channels.website import WebsiteOptions
from channels.website.cap import NAMESPACE, cap_time
from channels.website.geometry import shapes
from hub.contracts import Image, Text
from hub.vocabulary import (
    CAP_CATEGORIES,
    Certainty,
    EndedAs,
    ResponseType,
    Severity,
    Status,
    Urgency,
)
from tests.channels.website.town import (
    BASE,
    NOW,
    SQUARE,
    body,
    cancelled,
    notice,
    paths,
    show,
    updated,
)

CONFIG = Path(__file__).parents[3] / "config"
PROFILE = etree.RelaxNG(etree.parse(CONFIG / "cap" / "cap-1.2.rng"))
HOLED = {
    "type": "Polygon",
    "coordinates": [
        SQUARE["coordinates"][0],
        [[5.885, 45.235], [5.895, 45.235], [5.89, 45.24], [5.885, 45.235]],
    ],
}


def cap(name):
    return f"{{{NAMESPACE}}}{name}"


def message(said, identifier):
    root = etree.fromstring(body(said, f"cap/{identifier}.xml"))
    assert PROFILE.validate(root), PROFILE.error_log
    return root


def words(root, name):
    return [node.text for node in root.iter(cap(name))]


def embedded(said):
    """The messages inside the index, each validated apart from it."""
    index = etree.fromstring(body(said, "feed.cap"))
    found = [etree.fromstring(etree.tostring(node)) for node in index.iter(cap("alert"))]
    assert all(PROFILE.validate(root) for root in found), PROFILE.error_log
    return found


def test_a_first_message_is_an_alert_without_references():
    root = message(show(notice()), "01K0ROAD.1")
    assert words(root, "msgType") == ["Alert"]
    assert words(root, "references") == []
    assert words(root, "sent") == ["2026-03-02T07:30:00-00:00"]
    assert words(root, "web") == [f"{BASE}/p/01K0ROAD"] * 2


def test_there_is_one_info_for_each_language():
    root = message(show(notice()), "01K0ROAD.1")
    assert words(root, "language") == ["fr", "en"]
    assert words(root, "headline") == [
        "Rue de la République fermée",
        "Rue de la République closed",
    ]


def test_an_update_refers_to_every_earlier_message_as_that_one_named_itself():
    first = notice()
    third = updated(updated(first))
    sent = [words(message(show(n), n.identifier), "sent")[0] for n in (first, updated(first))]
    root = message(show(third), "01K0ROAD.3")
    assert words(root, "msgType") == ["Update"]
    assert words(root, "references")[0].split() == [
        f"{first.sender},01K0ROAD.1,{sent[0]}",
        f"{first.sender},01K0ROAD.2,{sent[1]}",
    ]


@pytest.mark.parametrize(
    ("ended_as", "response", "lead"),
    [(EndedAs.OVER, "AllClear", "Terminé : "), (EndedAs.RETRACTED, "None", "Retiré : ")],
)
def test_a_cancel_refers_to_all_it_ends_and_asks_nothing_more(ended_as, response, lead):
    root = message(show(ended=(cancelled(updated(notice()), ended_as),)), "01K0ROAD.3")
    assert words(root, "msgType") == ["Cancel"]
    assert len(words(root, "references")[0].split()) == 2
    assert words(root, "responseType") == [response] * 2
    assert words(root, "urgency") == ["Past"] * 2
    assert words(root, "instruction") == []
    assert words(root, "headline")[0] == f"{lead}Rue de la République fermée"


def test_the_index_holds_and_links_every_message():
    said = show(notice("01K0B", sent=NOW), ended=(cancelled(notice()),))
    assert [words(root, "identifier")[0] for root in embedded(said)] == ["01K0B.1", "01K0ROAD.2"]
    index = etree.fromstring(body(said, "feed.cap"))
    links = index.xpath("//*[local-name()='entry']/*[local-name()='link']/@href")
    assert [link.removeprefix(f"{BASE}/s/mairie/") for link in links] == [
        "cap/01K0B.1.xml",
        "cap/01K0ROAD.2.xml",
    ]


def test_an_expiry_leaves_no_cancel():
    ended = cancelled(notice(), EndedAs.EXPIRED)
    elsewhere = cancelled(notice("01K0B"), ended_as=None)
    said = show(notice("01K0C", expires=NOW - timedelta(seconds=1)), ended=(ended, elsewhere))
    assert embedded(said) == []
    assert not [path for path in paths(said) if path.startswith("cap/")]


def test_a_cancel_stays_thirty_days():
    gone = cancelled(notice())
    last = gone.sent + timedelta(days=30)
    almost, after = last - timedelta(seconds=1), last
    assert len(embedded(show(ended=(gone,), now=almost))) == 1
    assert embedded(show(ended=(gone,), now=after)) == []
    assert show(ended=(gone,), now=almost).next_change_at == last


@pytest.mark.parametrize("status", [Status.EXERCISE, Status.TEST])
def test_an_exercise_says_so_in_status_note_headline_and_description(status):
    root = message(show(notice(status=status)), "01K0ROAD.1")
    assert words(root, "status") == [status.capitalize()]
    assert words(root, "note")[0].startswith("[")
    marks = {"exercise": ["[EXERCICE] ", "[EXERCISE] "], "test": ["[TEST] ", "[TEST] "]}[status]
    for name in ("headline", "description"):
        assert [text[: len(m)] for text, m in zip(words(root, name), marks, strict=True)] == marks


@pytest.mark.parametrize(
    "changes",
    [
        *({"cap_category": category} for category in CAP_CATEGORIES),
        *({"severity": word} for word in Severity),
        *({"urgency": word} for word in Urgency),
        *({"certainty": word} for word in Certainty),
        *({"response_type": word} for word in ResponseType),
        {"onset": NOW + timedelta(hours=1)},
        {"area": None, "area_desc": ""},
        {"event": ""},
        {"texts": {"fr-FR": Text("Un titre seul")}},
        {"images": (Image(f"{BASE}/i/1.png", "image/png", {}),)},
        {"url": ""},
    ],
    ids=str,
)
def test_every_word_makes_a_valid_message(changes):
    message(show(notice(**changes)), "01K0ROAD.1")


def test_how_to_reach_the_sender_is_written_when_it_is_known():
    said = show(notice(), options=WebsiteOptions(contact="Mairie, 04 76 00 00 00"))
    assert words(message(said, "01K0ROAD.1"), "contact") == ["Mairie, 04 76 00 00 00"] * 2


def test_times_carry_a_numeric_offset_and_never_the_letter_z():
    assert cap_time(datetime(2026, 7, 1, 9, tzinfo=UTC)) == "2026-07-01T09:00:00-00:00"


@pytest.mark.parametrize(
    ("find", "put"),
    [
        ("07:30:00-00:00</sent>", "07:30:00Z</sent>"),
        ("07:30:00-00:00</sent>", "07:30:00+00:00</sent>"),
        ("<status>Actual</status><msgType>Alert</msgType>", "<msgType>Alert</msgType>"),
        ("<msgType>Alert</msgType>", "<msgType>Update</msgType>"),
        ("<status>Actual</status>", "<status>Exercise</status>"),
        ("<severity>Moderate</severity>", "<severity>moderate</severity>"),
        ("<areaDesc>Centre de Villard-Bonnot</areaDesc>", ""),
        ("<identifier>01K0ROAD.1</identifier>", "<identifier>01K0 ROAD</identifier>"),
        ("45.23000,5.88000 ", "45.23000;5.88000 "),
        ("<instruction>", "<web>http://x.example</web><instruction>"),
    ],
)
def test_the_profile_refuses_what_the_standard_refuses(find, put):
    good = body(show(notice()), "cap/01K0ROAD.1.xml").decode()
    assert find in good
    assert not PROFILE.validate(etree.fromstring(good.replace(find, put).encode()))


def rings(area):
    return [
        [tuple(map(float, pair.split(","))) for pair in polygon.split(" ")]
        for polygon in shapes(area).polygons
    ]


def test_a_polygon_is_a_closed_ring_of_latitude_and_longitude():
    (ring,) = rings(SQUARE)
    assert ring[0] == ring[-1] == (45.23, 5.88)
    assert len(ring) == 5


def test_a_hole_is_filled():
    assert rings(HOLED) == rings(SQUARE)


def test_several_polygons_stay_several():
    other = [[[6.0, 45.0], [6.1, 45.0], [6.1, 45.1], [6.0, 45.0]]]
    several = {"type": "MultiPolygon", "coordinates": [SQUARE["coordinates"], other]}
    assert len(rings(several)) == 2
    root = message(show(notice(area=several)), "01K0ROAD.1")
    assert len(words(root, "polygon")) == 4


def test_a_point_is_a_small_circle():
    point = {"type": "Point", "coordinates": [5.89123456, 45.24]}
    assert shapes(point).circles == ("45.24000,5.89123 0.1",)
    assert (
        words(message(show(notice(area=point)), "01K0ROAD.1"), "circle")
        == ["45.24000,5.89123 0.1"] * 2
    )


def test_a_line_becomes_as_wide_as_a_street():
    street = {"type": "LineString", "coordinates": [[5.89, 45.24], [5.89, 45.25]]}
    (ring,) = rings(street)
    assert ring[0] == ring[-1]
    latitudes, longitudes = zip(*ring, strict=True)
    assert min(latitudes) < 45.24 < 45.25 < max(latitudes)
    # 25 m on each side at 45 degrees north, where a degree of longitude is 78 km.
    width_m = (max(longitudes) - min(longitudes)) * 78_400
    assert 48 < width_m < 52


@pytest.mark.parametrize(
    "area",
    [
        None,
        {},
        {"type": "Polygon", "coordinates": []},
        {"type": "Nowhere"},
        {"type": "Point"},
        {"type": "Point", "coordinates": ["a", "b"]},
    ],
)
def test_an_area_without_a_shape_still_has_its_name(area):
    root = message(show(notice(area=area)), "01K0ROAD.1")
    assert words(root, "areaDesc") == ["Centre de Villard-Bonnot"] * 2
    assert words(root, "polygon") == words(root, "circle") == []
