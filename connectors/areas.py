"""Where: CAP's areas (polygons and circles written "latitude,longitude") and strangers' GeoJSON to
one sound GeoJSON geometry."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

import shapely
from shapely.geometry import MultiPoint, Point, Polygon, shape

_KM_A_DEGREE: Final = 111.195
_CORNERS: Final = 32
_SPOT_KM: Final = 0.05
_COMMA: Final = re.compile(r"\s*,\s*")
_MOST_POSITIONS: Final = 20_000
_DEPTHS: Final = {
    "Point": 0, "MultiPoint": 1, "LineString": 1, "MultiLineString": 2, "Polygon": 2,
    "MultiPolygon": 3,
}  # fmt: skip


class BadArea(ValueError):
    """A polygon or circle that is not what CAP 1.2 section 3.2.4 describes."""


def polygon(text: str) -> Polygon | None:
    """`text`: at least four "lat,lon" pairs, first and last the same; None for an empty element.
    A ring left open is closed. Raises BadArea."""
    if not text.strip():
        return None
    points = [_pair(pair) for pair in _COMMA.sub(",", text.replace(";", " ")).split()]
    if points and points[0] != points[-1]:
        points.append(points[0])
    if len(points) < 4:
        raise BadArea(text[:60])
    return Polygon(points)


def circle(text: str) -> Polygon | Point | None:
    """`text`: "lat,lon radius" in km, as a polygon of 32 corners; radius 0 is a point."""
    if not text.strip():
        return None
    try:
        centre, radius_text = _COMMA.sub(",", text).split()
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
        # Normalised, so that the same shapes in another order are the same geometry.
        merged = shapely.normalize(shapely.union_all([shapely.make_valid(s) for s in grown]))
        flat = [
            p for p in shapely.get_parts(merged, return_index=False) if p.geom_type == "Polygon"
        ]
        if not flat:
            return None
        geometry = flat[0] if len(flat) == 1 else shapely.MultiPolygon(flat)
    made: dict[str, Any] = _lists(shapely.geometry.mapping(geometry))
    return made


def joined(one: Mapping[str, Any] | None, other: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """Both of what `union` made, as one of a single type."""
    if not (one and other):
        return dict(one or other or {}) or None
    return union(part for each in (one, other) for part in shapely.get_parts(shape(each)))


def geojson(value: Any) -> dict[str, Any] | None:
    """A stranger's GeoJSON geometry: positions of two finite numbers on the globe, to 6 decimals.
    None for nothing. Raises BadArea."""
    if value is None:
        return None
    depth = _DEPTHS.get(str(value.get("type"))) if isinstance(value, dict) else None
    if depth is None:
        raise BadArea(str(value)[:60])
    left = [_MOST_POSITIONS]
    made = {"type": value["type"], "coordinates": _positions(value.get("coordinates"), depth, left)}
    if not made["coordinates"]:
        return None
    try:
        found = shape(made)
        if found.is_empty:
            return None
        if found.geom_type.endswith("Polygon"):  # rings closed, crossings untangled
            return union([found]) if not found.is_valid else _lists(shapely.geometry.mapping(found))
    except (ValueError, shapely.errors.ShapelyError, TypeError, IndexError) as error:
        raise BadArea(str(value)[:60]) from error
    return made


def line(points: Iterable[tuple[float, float]]) -> dict[str, Any] | None:
    """(longitude, latitude) pairs as a line, as a point where they are one, None where none is on
    the globe."""
    found: list[list[float]] = []
    for x, y in points:
        if -180 <= x <= 180 and -90 <= y <= 90 and [x, y] != [0, 0]:
            at = [round(x, 6), round(y, 6)]
            if not found or found[-1] != at:
                found.append(at)
    if len(found) > 1:
        return {"type": "LineString", "coordinates": found}
    return {"type": "Point", "coordinates": found[0]} if found else None


def ring(points: Iterable[tuple[float, float]]) -> dict[str, Any] | None:
    """(longitude, latitude) pairs as a polygon; None for less than three."""
    made = line(points)
    if made is None or made["type"] == "Point" or len(made["coordinates"]) < 3:
        return made
    corners = made["coordinates"]
    closed = corners if corners[0] == corners[-1] else [*corners, corners[0]]
    return union([Polygon(closed)]) if len(closed) >= 4 else made


def read_geojson(said: str) -> dict[str, Any] | None:
    """GeoJSON written as text inside another format. Raises BadArea."""
    try:
        return geojson(json.loads(said)) if said else None
    except (ValueError, RecursionError) as error:
        raise BadArea(said[:60]) from error


def gathered(shapes: Iterable[Mapping[str, Any] | None]) -> dict[str, Any] | None:
    """Several geometries as one of a single type: lines as lines, else as their union grown to
    areas; the same whatever their order."""
    found = sorted({json.dumps(s, sort_keys=True) for s in shapes if s})
    parts = [json.loads(s) for s in found]
    if len(parts) < 2:
        return parts[0] if parts else None
    flat: list[Any] = []
    for part in parts:
        kind, coordinates = part["type"], part["coordinates"]
        one = kind.removeprefix("Multi")
        flat += [(one, c) for c in coordinates] if kind != one else [(one, coordinates)]
    kinds = {kind for kind, _ in flat}
    if kinds == {"Point", "LineString"}:  # the ends of a line, said once more
        flat, kinds = [(k, c) for k, c in flat if k == "LineString"], {"LineString"}
    if len(kinds) > 1:
        return union(_grown(shape({"type": k, "coordinates": c})) for k, c in flat)
    if len(flat) == 1:
        return {"type": flat[0][0], "coordinates": flat[0][1]}
    return {"type": f"Multi{kinds.pop()}", "coordinates": [c for _, c in flat]}


def _grown(found: Any) -> Any:
    return found if found.geom_type == "Polygon" else found.buffer(_SPOT_KM / _KM_A_DEGREE)


def _positions(value: Any, depth: int, left: list[int]) -> Any:
    if not isinstance(value, list):
        raise BadArea(str(value)[:60])
    if depth:
        return [_positions(part, depth - 1, left) for part in value]
    left[0] -= 1
    if left[0] < 0 or len(value) < 2 or any(type(n) not in (int, float) for n in value[:2]):
        raise BadArea(str(value)[:60])
    longitude, latitude = value[:2]
    if not (-90 <= latitude <= 90 and -181 <= longitude <= 181):
        raise BadArea(str(value)[:60])
    return [round(min(180.0, max(-180.0, longitude)), 6), round(latitude, 6)]


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
