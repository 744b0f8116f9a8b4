"""CAP areas (polygons and circles written "latitude,longitude") to one GeoJSON geometry."""

import math
from collections.abc import Iterable
from typing import Any, Final

import shapely
from shapely.geometry import MultiPoint, Point, Polygon

_KM_A_DEGREE: Final = 111.195
_CORNERS: Final = 32
_SPOT_KM: Final = 0.05


class BadArea(ValueError):
    """A polygon or circle that is not what CAP 1.2 section 3.2.4 describes."""


def polygon(text: str) -> Polygon | None:
    """`text`: at least four "lat,lon" pairs, first and last the same; None for an empty element.
    A ring left open is closed. Raises BadArea."""
    if not text.strip():
        return None
    points = [_pair(pair) for pair in text.split()]
    if points[0] != points[-1]:
        points.append(points[0])
    if len(points) < 4:
        raise BadArea(text[:60])
    return Polygon(points)


def circle(text: str) -> Polygon | Point | None:
    """`text`: "lat,lon radius" in km, as a polygon of 32 corners; radius 0 is a point."""
    if not text.strip():
        return None
    try:
        centre, radius_text = text.split()
        radius = float(radius_text)
    except ValueError:
        raise BadArea(text[:60]) from None
    x, y = _pair(centre)
    if not 0 <= radius < 20_000:
        raise BadArea(text[:60])
    return Point(x, y) if radius == 0 else _ring(x, y, radius)


def union(shapes: Iterable[Polygon | Point]) -> dict[str, Any] | None:
    """One sound geometry of all: overlaps merged, crossings untangled; points only when alone."""
    found = list(shapes)
    points = [s for s in found if isinstance(s, Point)]
    if not found:
        return None
    if len(points) == len(found):
        geometry = points[0] if len(points) == 1 else MultiPoint(points)
    else:
        grown = [_ring(s.x, s.y, _SPOT_KM) if isinstance(s, Point) else s for s in found]
        merged = shapely.union_all([shapely.make_valid(s) for s in grown])
        flat = [
            p for p in shapely.get_parts(merged, return_index=False) if p.geom_type == "Polygon"
        ]
        if not flat:
            return None
        geometry = flat[0] if len(flat) == 1 else shapely.MultiPolygon(flat)
    made: dict[str, Any] = _lists(shapely.geometry.mapping(geometry))
    return made


def _pair(text: str) -> tuple[float, float]:
    try:
        latitude, longitude = (float(part) for part in text.split(","))
    except ValueError:
        raise BadArea(text[:60]) from None
    # A degree of tolerance: a shape drawn at the date line overshoots it by a hair (GDACS).
    if not (-90 <= latitude <= 90 and -181 <= longitude <= 181):
        raise BadArea(text[:60])
    return min(180.0, max(-180.0, longitude)), latitude


def _ring(x: float, y: float, radius_km: float) -> Polygon:
    wide = _KM_A_DEGREE * max(0.01, math.cos(math.radians(y)))
    turns = [2 * math.pi * n / _CORNERS for n in range(_CORNERS)]
    return Polygon(
        (
            round(min(180, max(-180, x + radius_km / wide * math.cos(a))), 6),
            round(min(90, max(-90, y + radius_km / _KM_A_DEGREE * math.sin(a))), 6),
        )
        for a in turns
    )


def _lists(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _lists(part) for key, part in value.items()}
    return [_lists(part) for part in value] if isinstance(value, list | tuple) else value
