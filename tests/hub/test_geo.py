"""Areas: what is refused and where, and distances held against the great circle."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub import geo

SQUARE = [[5.88, 45.23], [5.9, 45.23], [5.9, 45.25], [5.88, 45.25], [5.88, 45.23]]
HOLE = [[5.885, 45.235], [5.895, 45.235], [5.895, 45.245], [5.885, 45.245], [5.885, 45.235]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def point(longitude: float, latitude: float) -> dict[str, Any]:
    return {"type": "Point", "coordinates": [longitude, latitude]}


def great_circle(a: tuple[float, float], b: tuple[float, float]) -> float:
    """Haversine on the mean radius: within 0.56 % of the ellipsoid anywhere."""
    (x1, y1), (x2, y2) = (tuple(map(math.radians, p)) for p in (a, b))
    h = math.sin((y2 - y1) / 2) ** 2 + math.cos(y1) * math.cos(y2) * math.sin((x2 - x1) / 2) ** 2
    return 2 * 6371008.8 * math.asin(math.sqrt(h))


@pytest.mark.parametrize(
    "area",
    [
        point(5.89, 45.24),
        {"type": "LineString", "coordinates": SQUARE[:2]},
        polygon(SQUARE),
        polygon(SQUARE, HOLE),
        {"type": "MultiPoint", "coordinates": SQUARE},
        {"type": "MultiLineString", "coordinates": [SQUARE[:2], SQUARE[2:]]},
        {"type": "MultiPolygon", "coordinates": [[SQUARE]]},
        {"type": "Feature", "properties": {}, "geometry": polygon(SQUARE)},
        {"type": "Point", "coordinates": [5.89, 45.24, 230.0]},
    ],
)
def test_a_sound_geometry_or_feature_is_accepted(area: dict[str, Any]) -> None:
    geo.validate(area)


@pytest.mark.parametrize(
    ("area", "code", "where"),
    [
        ("Villard-Bonnot", "not_an_object", ""),
        ({"type": "GeometryCollection", "geometries": []}, "type", "type"),
        ({"type": "FeatureCollection", "features": []}, "type", "type"),
        ({"type": ["Point"], "coordinates": [1, 2]}, "type", "type"),
        ({"type": "Feature", "geometry": None}, "type", "type"),
        ({"type": "Point"}, "position", "coordinates"),
        ({"type": "Point", "coordinates": []}, "empty", "coordinates"),
        ({"type": "Point", "coordinates": ["5.89", "45.24"]}, "position", "coordinates"),
        ({"type": "Point", "coordinates": [True, False]}, "position", "coordinates"),
        ({"type": "Point", "coordinates": [5.89]}, "position", "coordinates"),
        ({"type": "Point", "coordinates": [float("nan"), 45.24]}, "range", "coordinates"),
        ({"type": "Point", "coordinates": [45.24, 10**400]}, "range", "coordinates"),
        ({"type": "Point", "coordinates": [5.89, 91]}, "range", "coordinates"),
        ({"type": "LineString", "coordinates": [[5, 45]]}, "short_line", "coordinates"),
        (polygon(), "empty", "coordinates"),
        (polygon([]), "empty", "coordinates[0]"),
        (polygon(SQUARE[:4]), "open_ring", "coordinates[0]"),
        (polygon(SQUARE, HOLE[:4]), "open_ring", "coordinates[1]"),
        (polygon([SQUARE[0], SQUARE[1], SQUARE[0]]), "short_ring", "coordinates[0]"),
        (polygon([*SQUARE[:2], [5.9, 452.5], *SQUARE[3:]]), "range", "coordinates[0][2]"),
        (polygon(SQUARE, [[x + 1, y] for x, y in HOLE]), "invalid", "coordinates"),
    ],
)
def test_a_wrong_area_is_refused_with_its_place(area: Any, code: str, where: str) -> None:
    with pytest.raises(geo.GeoError) as caught:
        geo.validate(area)
    assert (caught.value.code, caught.value.where) == (code, where)


def test_an_outline_that_crosses_itself_names_the_point() -> None:
    bow = [[5.88, 45.23], [5.9, 45.25], [5.9, 45.23], [5.88, 45.25], [5.88, 45.23]]
    with pytest.raises(geo.GeoError) as caught:
        geo.validate(polygon(bow))
    assert caught.value.code == "crossing"
    assert caught.value.at == pytest.approx((5.89, 45.24))
    assert caught.value.says("fr") == "le contour se croise lui-même au point [5.89, 45.24]"
    assert str(caught.value) == "coordinates: the outline crosses itself at [5.89, 45.24]"


def test_ten_thousand_vertices_pass_and_one_more_is_refused() -> None:
    line = [[5.0 + n / 1e5, 45.0] for n in range(geo.MOST_VERTICES)]
    geo.validate({"type": "LineString", "coordinates": line})
    with pytest.raises(geo.GeoError, match="more than 10000 vertices"):
        geo.validate({"type": "LineString", "coordinates": [*line, [6.0, 45.0]]})


def test_coordinates_nested_without_end_are_refused_not_followed() -> None:
    deep: Any = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(geo.GeoError):
        geo.validate({"type": "Polygon", "coordinates": deep})


def test_every_sentence_exists_in_the_three_languages() -> None:
    for code, sentences in geo._SAYS.items():
        assert set(sentences) == {"fr", "en", "es"}, code


def test_a_place_inside_is_at_no_distance_and_one_without_position_is_unknown() -> None:
    found = geo.distances_m(polygon(SQUARE), [(5.89, 45.24), (math.nan, math.nan)])
    assert found[0] == 0
    assert math.isnan(found[1])


def test_a_place_in_the_hole_of_an_area_is_outside_of_it() -> None:
    inside = geo.distances_m(polygon(SQUARE, HOLE), [(5.89, 45.24)])
    assert inside[0] == pytest.approx(393, rel=0.01)  # 0.005 degrees of longitude


def test_distances_to_no_places_are_none() -> None:
    assert len(geo.distances_m(point(5.89, 45.24), [])) == 0


def test_the_length_of_a_degree_is_that_of_the_ellipsoid() -> None:
    # Reference: WGS 84, at the equator and at 45 degrees north.
    assert geo.metres_per_degree(0.0) == pytest.approx((111319.49, 110574.39), abs=0.5)
    assert geo.metres_per_degree(45.0) == pytest.approx((78846.8, 111132.0), abs=1)


def test_a_place_across_the_180th_meridian_is_next_door() -> None:
    away = geo.distances_m(point(179.99, -16.5), [(-179.99, -16.5)])[0]
    assert away == pytest.approx(great_circle((179.99, -16.5), (180.01, -16.5)), rel=0.01)


@settings(deadline=None)
@given(
    start=st.tuples(st.floats(-170, 170), st.floats(-65, 65)),
    bearing=st.floats(0, 2 * math.pi),
    metres=st.floats(50, 50_000),
)
def test_distances_under_fifty_kilometres_are_within_one_percent(
    start: tuple[float, float], bearing: float, metres: float
) -> None:
    east, north = geo.metres_per_degree(start[1])
    end = (
        start[0] + math.sin(bearing) * metres / float(east),
        start[1] + math.cos(bearing) * metres / float(north),
    )
    # 0.56 % is the sphere's own error: the sum stays under 1 % of the ellipsoid.
    assert geo.distances_m(point(*start), [end])[0] == pytest.approx(
        great_circle(start, end), rel=0.01
    )


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(5.5, 6.3), st.floats(45, 45.5)), min_size=1, max_size=40))
def test_each_place_has_the_same_distance_alone_and_in_company(
    places: list[tuple[float, float]],
) -> None:
    together = geo.distances_m(polygon(SQUARE), places)
    alone = [geo.distances_m(polygon(SQUARE), [place])[0] for place in places]
    assert np.allclose(together, alone)


def test_the_centre_of_a_crescent_lies_inside_of_it() -> None:
    horseshoe = [[0, 0], [3, 0], [3, 3], [2, 3], [2, 1], [1, 1], [1, 3], [0, 3], [0, 0]]
    longitude, latitude = geo.centre(polygon(horseshoe))
    assert geo.distances_m(polygon(horseshoe), [(longitude, latitude)])[0] == 0


def test_the_centre_of_a_square_is_its_middle() -> None:
    feature = {"type": "Feature", "geometry": polygon(SQUARE)}
    assert geo.centre(feature) == pytest.approx((5.89, 45.24))
