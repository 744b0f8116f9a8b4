"""Road traffic in DATEX II: a file of tests/connectors/fixtures/datex for each trait."""

import pytest

from connectors.datex_words import TYPES
from connectors.reasons import say
from connectors.roads import road_name
from hub.contracts import SourceUnreadable
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency
from tests.connectors.reading import by_id, only, raw_of, read, utc


def test_several_records_of_one_situation_are_one_notice() -> None:
    parsed = read("datex", "situations_v2.xml")
    assert [i.external_id for i in parsed.items] == ["vb-travaux", "vb-accident", "vb-panne"]
    assert (parsed.errors, parsed.complete, parsed.title) == ((), True, "DATEX II Tipi")
    works = parsed.items[0]
    assert (works.category, works.response_type) == ("closure", ResponseType.AVOID)
    assert (works.onset, works.expires) == (utc("2026-03-16T07:00"), utc("2026-03-20T17:00"))
    assert (works.severity, works.urgency) == (Severity.MODERATE, Urgency.FUTURE)
    assert works.certainty is Certainty.OBSERVED
    text = works.texts["fr"]
    assert text.headline == "Réfection de la chaussée, route fermée sur la D523 à Villard-Bonnot"
    assert text.description == (
        "Réfection de la chaussée.\n\nLa route est fermée. Suivez la déviation fléchée."
    )
    assert works.texts["en"].headline.endswith("road closed on the D523 near Villard-Bonnot")
    assert works.place == "D523, Villard-Bonnot"
    assert works.area == {"type": "Point", "coordinates": [5.8893, 45.2433]}
    assert "D0523" in works.tags


def test_an_accident_has_an_open_end() -> None:
    item = by_id(read("datex", "situations_v2.xml"))["vb-accident"]
    assert item.texts["fr"].headline == "Accident sur la D523 à Villard-Bonnot"
    assert item.expires is None
    assert (item.version, item.category) == ("20260310080000.000001", "transport")


def test_a_closed_situation_is_a_cancel_and_an_ended_record_is_passed_over() -> None:
    parsed = read("datex", "ended_records.xml")
    assert not parsed.complete  # an update holds what changed, no more
    items = by_id(parsed)
    assert (items["vb-fini"].msg_type, items["vb-fini"].cancels) == (MsgType.CANCEL, ("vb-fini",))
    left = items["vb-suite"]
    assert (left.msg_type, left.expires) == (MsgType.ALERT, None)
    assert left.texts["fr"].headline == "Circulation alternée sur la D523 à Villard-Bonnot"


def test_a_snapshot_without_situations_is_an_empty_one() -> None:
    parsed = read("datex", "empty.xml")
    assert (parsed.items, parsed.errors, parsed.complete) == ((), (), True)


def test_an_envelope_and_any_prefix_are_read() -> None:
    assert only(read("datex", "soap_envelope.xml")).external_id == "vb-soap"
    plain = by_id(read("datex", "situations_v2.xml"))["vb-accident"]
    assert only(read("datex", "soap_envelope.xml")).texts == plain.texts


def test_version_3_lines_and_repeated_hours() -> None:
    item = only(read("datex", "linear_v3.xml"))
    assert item.area == {
        "type": "LineString", "coordinates": [[5.88, 45.24], [5.89, 45.25], [5.9, 45.26]],
    }  # fmt: skip
    assert item.expires == utc("2026-03-20T23:59:59")
    assert item.texts["fr"].headline == "Travaux : Rue Haute"
    assert item.texts["fr"].description == "De 21 h à 5 h 30, lundi et mardi."
    assert item.texts["es"].description == "De 21:00 a 5:30, lunes y martes."
    # Words of a language we do not write stay in it.
    assert item.texts["nl"].description == "Nieuw asfalt."
    assert next(iter(item.texts)) == "fr"


def test_an_area_is_a_polygon_and_an_exercise_stays_one() -> None:
    item = only(read("datex", "area_v3.xml"))
    assert item.area
    assert item.area["type"] == "Polygon"
    assert item.status is Status.EXERCISE
    assert item.texts["fr"].headline == "Brouillard dense"


def test_a_traffic_order_of_dialog_is_a_closure() -> None:
    item = only(read("datex", "dialog_order.xml"))
    assert (item.external_id, item.category) == ("ordre-1", "closure")
    assert item.texts["fr"].headline == "Circulation interdite : Rue Haute"
    assert item.texts["fr"].description == (
        "Arrêté 2026-12, travaux de réseau. Mairie de Villard-Bonnot."
    )
    assert item.area
    assert item.area["type"] == "LineString"
    assert (item.onset, item.expires) == (utc("2026-03-16T07:00"), utc("2026-03-20T17:00"))


def test_what_is_odd_is_named_and_the_rest_is_read() -> None:
    parsed = read("datex", "broken_entries.xml")
    kept = ["vb-travaux", "vb-accident", "bad-start", "bad-place"]
    assert [i.external_id for i in parsed.items] == kept
    assert [(e.where, e.reason) for e in parsed.errors] == [
        ("empty", say("element-missing", element="situationRecord")),
        ("bad-start", say("time-wrong", element="overallStartTime", value="hier")),
        ("bad-place", say("place-wrong")),
        ("secret", say("not-public", what="restrictedToAuthorities")),
        ("halted", say("suspended")),
    ]
    assert parsed.complete  # each has a name


@pytest.mark.parametrize(
    ("said", "known"),
    [
        ("A0004", "A4"),
        ("N0094", "N94"),
        ("D 523", "D523"),
        ("RN0007", "RN7"),
        ("rue Haute", "rue Haute"),
    ],
)
def test_roads_are_called_as_people_call_them(said: str, known: str) -> None:
    assert road_name(said) == known


def test_measurements_are_no_situations() -> None:
    raw = raw_of("datex", "empty.xml").replace(
        b'"SituationPublication"', b'"MeasuredDataPublication"'
    )
    with pytest.raises(SourceUnreadable):
        read("datex", raw)


def test_every_word_is_written_in_three_languages() -> None:
    for row in TYPES.values():
        assert len(row) == 3
        assert all(said and said == said.strip() for said in row)
