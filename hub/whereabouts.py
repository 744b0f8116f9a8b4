"""Where an item of a source is, and whether that touches the authority's territory. Pure, apart
from the tables in config/ it reads.

In this order: its geometry, its codes (INSEE, department, EMMA_ID…), the names of departments and
regions it gives, the authority's own places by name (config/places/CODE.yaml).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from shapely.errors import ShapelyError
from shapely.geometry import shape

from hub import geo, geocodes, settings
from hub.contracts import Item
from hub.geocodes import plain
from hub.models import Authority

# A street on the boundary is also ours, and a territory may be drawn by hand.
NEAR_M: Final = 500.0


@dataclass(frozen=True, slots=True)
class Where:
    """`touches`: whether it concerns the territory; None where nobody can tell. `by` says from
    what: geometry, codes, names, place or nothing. `away_km` where a geometry is outside. `area`
    is what a publication of it is drawn with (GeoJSON geometry or None)."""

    touches: bool | None = None
    by: str = ""
    area: Mapping[str, Any] | None = None
    away_km: float | None = None


def locate(item: Item, authority: Authority) -> Where:
    """Where the item is, seen from the authority."""
    area = _sound(item.area)
    territory = _sound(authority.territory)
    if area:
        return _by_geometry(area, territory)
    for by, meant in (
        ("codes", geocodes.meant_by(item.geocodes)),
        ("names", geocodes.named_in(item.area_desc)),
    ):
        if meant.known and authority.insee:
            ours = meant.touches(authority.insee)
            return Where(ours, by, territory if ours else None)
    if place := _place(f"{item.place}\n{item.area_desc}", authority):
        return Where(True, "place", {"type": "Point", "coordinates": list(place)})
    said = f" {plain(f'{item.place} {item.area_desc}')} "
    if authority.name and f" {plain(authority.name)} " in said:
        return Where(True, "place")
    return Where()


def _by_geometry(area: Mapping[str, Any], territory: Mapping[str, Any] | None) -> Where:
    if territory is None:
        return Where(None, "geometry", area)
    ours, theirs = shape(territory), shape(area)
    if theirs.covers(ours):
        return Where(True, "geometry", territory)  # a department's alert is here what concerns us
    if theirs.intersects(ours):
        return Where(True, "geometry", area)
    nearest = theirs.representative_point() if theirs.area else theirs
    points = [(p[0], p[1]) for part in getattr(theirs, "geoms", [theirs]) for p in _points(part)]
    away = float(min(geo.distances_m(territory, points or [(nearest.x, nearest.y)])))
    return Where(away <= NEAR_M, "geometry", area, None if away <= NEAR_M else away / 1000)


def _points(form: Any) -> list[tuple[float, ...]]:
    return list(form.exterior.coords if form.geom_type == "Polygon" else form.coords)


def _sound(area: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    if not area:
        return None
    try:
        geo.validate(area)
        return geo.geometry_of(area)
    except (geo.GeoError, ShapelyError):
        return None


def _place(text: str, authority: Authority) -> tuple[float, float] | None:
    """The authority's place that the text names; of several the longest name."""
    if not re.fullmatch(r"[a-z0-9-]+", authority.code):
        return None
    said = f" {plain(text)} "
    known = _places(settings.get().config / "places" / f"{authority.code}.yaml")
    named = [name for name in known if f" {name} " in said]
    return known[max(named, key=len)] if named else None


@lru_cache(maxsize=64)
def _places(path: Path) -> dict[str, tuple[float, float]]:
    """Names in plain letters; a file that is not there names nothing."""
    if not path.is_file():
        return {}
    rows = yaml.safe_load(path.read_text("utf-8")) or {}
    return {plain(name): (float(at[0]), float(at[1])) for name, at in rows.items()}
