"""Coarse places: areas as covers of H3 cells. Pure.

A phone may name cells it cares for, never a position. They are of resolution 8: hexagons of 0.7
square kilometres, 0.9 km across, as large as a quarter. (Resolution 7, 5 km², would be one cell for
a small commune; resolution 9, 0.1 km², can be a single farm.) Cells are kept as integers; those of
one parent follow each other, so a cover is a short list of ranges, found again in any index.
"""

import json
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, Final

import h3.api.basic_int as h3
import numpy as np
import shapely
from h3 import LatLngMultiPoly, LatLngPoly
from shapely.geometry import mapping, shape

from hub import geo

RESOLUTION: Final = 8
MOST_CHOSEN: Final = 60
# A cover of more cells than this is made of larger ones: over-inclusive by one of them at its edge.
_MOST_CELLS: Final = 20_000
_QUARTERS: Final = 4  # segments a quarter circle in a margin
_POINT_M: Final = 1.0
_WRITTEN: Final = re.compile(r"[0-9a-fA-F]{15}")

Range = tuple[int, int]


class BadCell(ValueError):
    """Not an H3 cell of our resolution."""


def number(cell: str) -> int:
    """The integer of a cell written in hexadecimal. Raises BadCell."""
    found = int(cell, 16) if _WRITTEN.fullmatch(cell) else 0
    if not found or not h3.is_valid_cell(found) or h3.get_resolution(found) != RESOLUTION:
        raise BadCell(f"{cell[:20]!r} is not an H3 cell of resolution {RESOLUTION}.")
    return found


def name(cell: int) -> str:
    """A cell as it is written on the wire."""
    return str(h3.int_to_str(cell))


def cover(area: Mapping[str, Any], margin_m: float = 0.0) -> list[Range]:
    """Sorted ranges (first, last) of the cells that meet the area, or come within `margin_m` of it.
    Polygons with holes, lines, points; circles are points with a margin. Nobody inside is missed;
    who lives in a cell of the edge is taken in. `area` must have passed geo.validate."""
    return list(_cover(json.dumps(geo.geometry_of(area)), margin_m))


@lru_cache(maxsize=64)
def _cover(area: str, margin_m: float) -> tuple[Range, ...]:
    """Kept: the estimate, the plan and the sending ask for the same area."""
    found = covering(json.loads(area), margin_m)
    return tuple(_ranges(h3.compact_cells(found) if len(found) > 1 else found))


def covering(area: Mapping[str, Any], margin_m: float = 0.0) -> list[int]:
    """The cells themselves; of a coarser resolution where there would be too many."""
    form = _widened(area, margin_m)
    resolution = _resolution_for(form)
    found: set[int] = set()
    for part in _polygons(_cut(form)):
        found.update(h3.h3shape_to_cells_experimental(_as_h3(part), resolution, contain="overlap"))
    return sorted(found)


def outline(cell: int) -> list[list[float]]:
    """The corners of a cell, [longitude, latitude], closed."""
    ring = [[round(lng, 5), round(lat, 5)] for lat, lng in h3.cell_to_boundary(cell)]
    return [*ring, ring[0]]


def middle(cell: int) -> tuple[float, float]:
    """Longitude and latitude of its middle, to ten metres."""
    latitude, longitude = h3.cell_to_latlng(cell)
    return round(longitude, 4), round(latitude, 4)


def is_coarser(cell: int) -> bool:
    """Whether a cover had to be made of larger cells than ours."""
    return bool(cell) and h3.get_resolution(cell) < RESOLUTION


def inside(cell: int, cover: Sequence[Range]) -> bool:
    """Whether a cell is in a cover."""
    at = bisect_right(cover, (cell, 2**63)) - 1
    return at >= 0 and cell <= cover[at][1]


def _widened(area: Mapping[str, Any], margin_m: float) -> Any:
    """The area as polygons, `margin_m` wider; lines and points get at least a metre."""
    form = shapely.force_2d(shape(geo.geometry_of(area)))
    margin = margin_m if form.area > 0 else max(margin_m, _POINT_M)
    if margin <= 0:
        return form
    west, south, east, north = form.bounds
    middle = ((west + east) / 2, (south + north) / 2)
    # At the latitude farther from the equator a degree of longitude is shortest: nobody is missed.
    far = min(max(abs(south), abs(north)), 85.0)
    scale = np.array([geo.metres_per_degree(far)[0], geo.metres_per_degree(middle[1])[1]])
    plane = shapely.transform(form, lambda xy: (xy - middle) * scale)
    # A circle of chords lies inside the true one: widen by the sagitta.
    wide = shapely.buffer(plane, margin / math.cos(math.pi / (4 * _QUARTERS)), quad_segs=_QUARTERS)
    back = shapely.transform(wide, lambda xy: xy / scale + middle)
    return shapely.intersection(back, shapely.box(-180, -89.9, 180, 89.9))


def _resolution_for(form: Any) -> int:
    west, south, east, north = form.bounds
    per_lng, per_lat = geo.metres_per_degree((south + north) / 2)
    # The area itself, and a cell on each side along its outline.
    across = math.hypot((east - west) * per_lng, (north - south) * per_lat)
    square_km = form.area * per_lng * per_lat / 1e6
    for resolution in range(RESOLUTION, 0, -1):
        each = h3.average_hexagon_area(resolution, "km^2")
        if square_km / each + across / 1000 / math.sqrt(each) <= _MOST_CELLS:
            return resolution
    return 0


def _cut(form: Any) -> Any:
    """In pieces of at most 90 degrees: H3 takes a longer edge for one round the other side."""
    west, _, east, _ = form.bounds
    if east - west <= 90:
        return form
    starts = range(-180, 180, 90)
    pieces = [form.intersection(shapely.box(w, -90, w + 90, 90)) for w in starts]
    return shapely.GeometryCollection(pieces)


def _polygons(form: Any) -> Iterable[Any]:
    for part in shapely.get_parts(form):
        if part.geom_type == "Polygon" and not part.is_empty:
            yield part
        elif part.geom_type in ("MultiPolygon", "GeometryCollection"):
            yield from _polygons(part)


def _as_h3(part: Any) -> LatLngPoly | LatLngMultiPoly:
    rings: Sequence[Any] = mapping(part)["coordinates"]
    outer, *holes = [[(lat, lng) for lng, lat in ring] for ring in rings]
    return LatLngPoly(outer, *holes)


def _ranges(found: Iterable[int]) -> list[Range]:
    """A cell of resolution r is, at ours, the range of its children: the digits between are all
    zeros first and all sixes last. Ranges that touch are joined."""
    spans = sorted(_span(cell) for cell in found)
    joined: list[Range] = []
    step = 1 << (3 * (15 - RESOLUTION))  # from one cell of our resolution to the next
    for low, high in spans:
        if joined and low <= joined[-1][1] + step:
            joined[-1] = (joined[-1][0], max(joined[-1][1], high))
        else:
            joined.append((low, high))
    return joined


def _span(cell: int) -> Range:
    resolution = h3.get_resolution(cell)
    if resolution == RESOLUTION:
        return cell, cell
    low = high = cell & ~(0xF << 52) | RESOLUTION << 52
    for digit in range(resolution + 1, RESOLUTION + 1):
        shift = 3 * (15 - digit)
        low &= ~(7 << shift)
        high = high & ~(7 << shift) | 6 << shift
    return low, high
