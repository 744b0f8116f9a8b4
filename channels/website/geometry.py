"""A GeoJSON geometry as CAP shapes: polygons and circles, "latitude,longitude" in WGS 84 degrees.

CAP 1.2 section 3.2.4: a polygon is a closed ring of at least four pairs; a circle is a centre and a
radius in kilometres. It knows neither holes nor lines, so a hole is filled (the ring around it
holds) and a line becomes the street's width.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from shapely import affinity
from shapely.errors import ShapelyError
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry

from hub.contracts import Json

POINT_RADIUS_KM: Final = 0.1
LINE_HALF_WIDTH_M: Final = 25.0
_METRES_A_DEGREE: Final = 111_320.0


@dataclass(frozen=True, slots=True)
class Shapes:
    """The texts of CAP `polygon` and `circle` elements."""

    polygons: tuple[str, ...] = ()
    circles: tuple[str, ...] = ()


def shapes(area: Json | None) -> Shapes:
    """CAP shapes of a geometry (RFC 7946 section 3.1); nothing for None or what has no shape."""
    if not area:
        return Shapes()
    try:
        parts = list(_parts(shape(dict(area))))
    except (ShapelyError, ValueError, TypeError, KeyError, AttributeError, IndexError):
        # The hub checks an area when it is written; a feed must not fail for one that slipped by.
        return Shapes()
    return Shapes(
        polygons=tuple(
            _ring(ring.exterior.coords)
            for part in parts
            if part.geom_type in ("Polygon", "LineString", "LinearRing")
            for ring in _areas(part)
        ),
        circles=tuple(
            f"{_pair(part.x, part.y)} {POINT_RADIUS_KM}"
            for part in parts
            if part.geom_type == "Point"
        ),
    )


def point_of(area: Json | None) -> tuple[float, float] | None:
    """(latitude, longitude) when the area is one point."""
    if not area or area.get("type") != "Point":
        return None
    try:
        longitude, latitude = (float(number) for number in area["coordinates"][:2])
    except (KeyError, TypeError, ValueError):
        return None
    return latitude, longitude


def _parts(geometry: BaseGeometry) -> Iterator[Any]:
    if geometry.is_empty:
        return
    if hasattr(geometry, "geoms"):
        for part in geometry.geoms:
            yield from _parts(part)
    else:
        yield geometry


def _areas(part: Any) -> Iterator[Any]:
    if part.geom_type == "Polygon":
        yield part
        return
    # Metres are the same in both directions once longitudes are shrunk by cos(latitude).
    origin = part.centroid
    narrow = max(math.cos(math.radians(origin.y)), 0.01)
    flat = affinity.scale(part, xfact=narrow, yfact=1.0, origin=origin)
    wide = flat.buffer(LINE_HALF_WIDTH_M / _METRES_A_DEGREE, quad_segs=2)
    yield from _parts(affinity.scale(wide, xfact=1 / narrow, yfact=1.0, origin=origin))


def _ring(coordinates: Iterable[tuple[float, ...]]) -> str:
    return " ".join(_pair(longitude, latitude) for longitude, latitude, *_ in coordinates)


def _pair(longitude: float, latitude: float) -> str:
    # Five decimals are a metre; fixed notation, for an exponent is no number in CAP.
    return f"{latitude:.5f},{longitude:.5f}"
