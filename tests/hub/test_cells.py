"""Areas as covers of coarse cells: nobody inside is missed, few outside are taken in."""

import math
import random
from typing import Any

import h3.api.basic_int as h3
import pytest
import shapely
from shapely.geometry import shape

from hub import cells, geo

LANCEY = (5.879, 45.236)


def polygon(*rings: list[list[float]]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


def ring(
    longitude: float, latitude: float, degrees: float, corners: int = 400
) -> list[list[float]]:
    """A wavy ring around a place."""
    found = []
    for n in range(corners):
        turn = 2 * math.pi * n / corners
        far = degrees * (1 + 0.2 * math.sin(9 * turn))
        found.append([longitude + far * math.cos(turn), latitude + far * math.sin(turn)])
    return [*found, found[0]]


def held(cover: list[cells.Range], longitude: float, latitude: float) -> bool:
    cell = h3.latlng_to_cell(latitude, longitude, cells.RESOLUTION)
    return any(low <= cell <= high for low, high in cover)


def scattered(form: Any, count: int, seed: int) -> list[tuple[float, float]]:
    """Places inside a form."""
    west, south, east, north = form.bounds
    chance = random.Random(seed)
    found: list[tuple[float, float]] = []
    while len(found) < count:
        place = chance.uniform(west, east), chance.uniform(south, north)
        if form.covers(shapely.Point(place)):
            found.append(place)
    return found


@pytest.mark.parametrize(
    "area",
    [
        polygon(ring(5.88, 45.24, 0.08)),
        polygon(ring(5.88, 45.24, 0.08), ring(5.88, 45.24, 0.03)[::-1]),
        polygon(ring(-61.0, 14.6, 0.2)),
        {"type": "MultiPolygon", "coordinates": [[ring(5.7, 45.2, 0.02)], [ring(5.9, 45.3, 0.02)]]},
        polygon(ring(5.88, 45.24, 0.0004)),
    ],
)
def test_everybody_inside_is_found(area: dict[str, Any]) -> None:
    cover = cells.cover(area)
    assert all(held(cover, *place) for place in scattered(shape(area), 300, 1))


def test_who_lives_in_a_hole_or_far_outside_is_not() -> None:
    cover = cells.cover(polygon(ring(5.88, 45.24, 0.08), ring(5.88, 45.24, 0.05)[::-1]))
    assert not held(cover, 5.88, 45.24)
    assert not held(cover, 6.0, 45.24)


def test_the_ranges_hold_exactly_the_cells_that_meet_the_area() -> None:
    area = polygon(ring(5.88, 45.24, 0.1))
    meeting, cover = set(cells.covering(area)), cells.cover(area)
    assert len(cover) < len(meeting) / 3
    around = h3.grid_disk(h3.latlng_to_cell(45.24, 5.88, cells.RESOLUTION), 40)
    assert {c for c in around if any(lo <= c <= hi for lo, hi in cover)} == meeting
    form = shape(area)
    for cell in meeting:
        assert form.intersects(shape(polygon(cells.outline(cell))))


def test_a_margin_reaches_as_far_as_it_says() -> None:
    area = {"type": "Point", "coordinates": list(LANCEY)}
    chance = random.Random(2)
    cover = cells.cover(area, 2_000)
    east, north = geo.metres_per_degree(LANCEY[1])
    for _ in range(300):
        far, turn = 2_000 * math.sqrt(chance.random()), chance.uniform(0, 2 * math.pi)
        place = LANCEY[0] + far * math.cos(turn) / east, LANCEY[1] + far * math.sin(turn) / north
        assert held(cover, *place)
    assert not held(cover, LANCEY[0] + 4_500 / east, LANCEY[1])
    assert len(cells.covering(area)) == 1


def test_a_line_is_as_wide_as_its_margin() -> None:
    isere = {"type": "LineString", "coordinates": [[5.85, 45.21], [5.93, 45.28]]}
    narrow, wide = cells.covering(isere), cells.covering(isere, 1_000)
    assert set(narrow) < set(wide)
    assert h3.latlng_to_cell(45.245, 5.89, cells.RESOLUTION) in narrow


def test_a_country_is_covered_by_larger_cells_and_stays_short() -> None:
    square = [[-4.5, 42.5], [8.0, 42.5], [8.0, 51.0], [-4.5, 51.0], [-4.5, 42.5]]
    cover = cells.cover(polygon(square))
    assert len(cover) < 5_000
    assert held(cover, 5.88, 45.24)
    assert not held(cover, 13.4, 52.5)


def test_more_than_half_the_world_is_covered_whole() -> None:
    square = [[-179, -60], [179, -60], [179, 75], [-179, 75], [-179, -60]]
    cover = cells.cover(polygon(square))
    for longitude in range(-170, 180, 20):
        assert held(cover, longitude, 45.0), longitude


def test_what_is_no_cell_of_ours_is_refused() -> None:
    ours = cells.name(h3.latlng_to_cell(45.24, 5.88, 8))
    assert cells.number(ours) == h3.latlng_to_cell(45.24, 5.88, 8)
    finer = cells.name(h3.latlng_to_cell(45.24, 5.88, 9))
    for wrong in (finer, "", "0", "zz", "88", "8" * 40, "٣", "-1", "88ffffffffffffff"):
        with pytest.raises(cells.BadCell):
            cells.number(wrong)
