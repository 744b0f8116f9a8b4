"""A territory and an area as SVG paths: a map that needs no script, no tile and no request."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

_SIZE = 400.0
Ring = list[tuple[float, float]]


@dataclass(frozen=True, slots=True)
class Drawing:
    """`box` is a viewBox; `land` and `zone` are the `d` of paths; `stroke` fits the box."""

    box: str
    land: str
    zone: str
    stroke: float


@dataclass(frozen=True, slots=True)
class Map:
    """A territory with points on it: `places` in the units of `box`, in the order they were given;
    None for one that has no place."""

    box: str
    land: str
    stroke: float
    places: tuple[tuple[float, float] | None, ...]


def map_of(
    territory: Mapping[str, Any] | None, points: Sequence[tuple[float, float] | None]
) -> Map | None:
    """The map of points (longitude, latitude) that stand on or near a territory; None without any
    point."""
    known = [point for point in points if point]
    if not known:
        return None
    marks = {"type": "MultiLineString", "coordinates": [[list(point)] for point in known]}
    drawn = drawing_of(territory, marks)
    if drawn is None:
        return None
    steps = [part.strip("MZ").split(",") for part in drawn.zone.split("Z") if part]
    where = iter([(float(x), float(y)) for x, y in steps])
    return Map(
        drawn.box, drawn.land, drawn.stroke, tuple(next(where) if p else None for p in points)
    )


def drawing_of(
    territory: Mapping[str, Any] | None, area: Mapping[str, Any] | None
) -> Drawing | None:
    """Both GeoJSON geometries in one frame (plate carrée, narrowed by the latitude), or None."""
    rings = [ring for shape in (territory, area) if shape for ring in _rings(shape)]
    points = [point for ring in rings for point in ring]
    if not points:
        return None
    west, east = min(p[0] for p in points), max(p[0] for p in points)
    south, north = min(p[1] for p in points), max(p[1] for p in points)
    narrow = math.cos(math.radians((south + north) / 2))
    wide, high = max((east - west) * narrow, 1e-5), max(north - south, 1e-5)
    scale = _SIZE / max(wide, high)

    def path(shape: Mapping[str, Any] | None) -> str:
        parts = []
        for ring in _rings(shape) if shape else ():
            steps = " ".join(
                f"{(x - west) * narrow * scale:.1f},{(north - y) * scale:.1f}" for x, y in ring
            )
            parts.append(f"M{steps}Z")
        return "".join(parts)

    margin = _SIZE * 0.05
    corner, frame = -margin, (wide * scale + 2 * margin, high * scale + 2 * margin)
    box = f"{corner:.0f} {corner:.0f} {frame[0]:.0f} {frame[1]:.0f}"
    return Drawing(box, path(territory), path(area), 2.5)


def _rings(shape: Mapping[str, Any]) -> Iterator[Ring]:
    kind = shape.get("type")
    if kind == "Feature":
        yield from _rings(shape.get("geometry") or {})
    elif kind in ("FeatureCollection", "GeometryCollection"):
        for part in shape.get("features") or shape.get("geometries") or ():
            yield from _rings(part)
    elif kind == "Polygon":
        yield from (_ring(ring) for ring in shape["coordinates"])
    elif kind == "MultiPolygon":
        for polygon in shape["coordinates"]:
            yield from (_ring(ring) for ring in polygon)
    elif kind == "LineString":
        yield _ring(shape["coordinates"])
    elif kind == "MultiLineString":
        yield from (_ring(line) for line in shape["coordinates"])
    elif kind == "Point":
        yield _ring(circle(shape["coordinates"][0], shape["coordinates"][1], 60)["coordinates"][0])


def _ring(points: Sequence[Sequence[float]]) -> Ring:
    return [(float(p[0]), float(p[1])) for p in points]


def circle(longitude: float, latitude: float, radius_m: float, corners: int = 48) -> dict[str, Any]:
    """A GeoJSON polygon around a point; `radius_m` in metres, right to 1 % below 50 km."""
    dy = radius_m / 111_195
    dx = dy / max(math.cos(math.radians(latitude)), 0.01)
    turn = [2 * math.pi * n / corners for n in range(corners)]
    ring = [[round(longitude + dx * math.cos(a), 6), round(latitude + dy * math.sin(a), 6)]
            for a in turn]  # fmt: skip
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}
