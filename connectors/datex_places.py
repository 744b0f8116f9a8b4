"""Where a DATEX II record is: its line, point or area, its road, the town; in v2 and v3 words."""

from collections.abc import Iterable
from typing import Any

from connectors import areas
from connectors.plain import one_line
from connectors.roads import road_name
from connectors.trees import child, first, inside, name_of, text, words

_GROUPS = ("groupOfLocations", "locationReference", "locationByOrder", "groupOfLocationsReference")
_DIVERSIONS = ("alternativeRoute",)
_LINEAR = (
    "tpegLinearLocation", "linearWithinLinearElement", "linearByCoordinates", "openlrLinear",
    "linearCoordinatesExtended", "pointCoordinatesList",
)  # fmt: skip
# From one end to the other.
_ENDS = (
    "from", "fromPoint", "start", "linearCoordinatesStartPoint", "intermediate",
    "linearIntermediatePoint", "to", "toPoint", "end", "linearCoordinatesEndPoint",
)  # fmt: skip


def located(record: Any) -> list[Any]:
    """The elements that say where a record is; not those of the road around it."""
    return [n for n in record if name_of(n) in _GROUPS] or [
        n for n in inside(record, *_GROUPS) if not _is_diversion(n)
    ]


def geometry(record: Any) -> dict[str, Any] | None:
    """One geometry of all its places. Raises areas.BadArea."""
    return areas.gathered(shape for place in located(record) for shape in _shapes(place))


def road(record: Any) -> tuple[str, str]:
    """(the road as people call it, as it is written): A4 and A0004."""
    for place in located(record):
        named = [
            one_line(_value(n))
            for n in inside(place, "name", "descriptor", "tpegOtherPointDescriptor")
            if _is(n, "linkName", "roadName", "roadNumber")
        ]
        written = first(place, "roadNumber", "roadNumberOrName") or ""
        plain = first(place, "roadName") or _value_of(place, "roadName")
        for said in (*named, written, plain):
            if said:
                return road_name(said), written or said
    return "", ""


def town(record: Any) -> str:
    for place in located(record):
        for node in inside(place, "name"):
            if _is(node, "townName", "settlement", "areaName"):
                return one_line(_value(node))
        if said := first(place, "townName", "areaName", "tpegAreaName"):
            return one_line(said)
    return ""


def described(record: Any) -> str:
    """Between which points, where the source names them."""
    names: list[str] = []
    for place in located(record):
        for node in inside(place, "alertCLocationName", "referentName", "locationDescription"):
            said = one_line(_value(node))
            if said and said not in names and not said.isdigit():
                names.append(said)
    return " – ".join(names[:2])


def _shapes(place: Any) -> Iterable[dict[str, Any] | None]:
    for node in inside(place, "geoJsonGeometry"):
        yield areas.read_geojson(words(node))
    found = False
    for node in inside(place, "posList", "gmlPosList"):
        found = True
        pairs = _pairs(words(node).split())
        around = any(
            name_of(a) in ("exterior", "gmlPolygon", "Polygon", "LinearRing")
            for a in node.iterancestors()
        )
        yield areas.ring(pairs) if around else areas.line(pairs)
    if found:
        return
    linear = list(inside(place, *_LINEAR))
    for node in linear:
        ends = [n for name in _ENDS for n in inside(node, name)]
        points = [p for n in ends for p in _points(n)] if ends else list(_points(node))
        if points:
            found = True
            yield areas.line(points)
    if found:
        return
    for x, y in _points(place):
        yield areas.line([(x, y)])


def _points(node: Any) -> Iterable[tuple[float, float]]:
    for latitude in inside(node, "latitude"):
        longitude = child(latitude.getparent(), "longitude")
        if longitude is None or _is_diversion(latitude):
            continue
        try:
            yield float(words(longitude)), float(words(latitude))
        except ValueError:
            raise areas.BadArea(f"{words(latitude)},{words(longitude)}"[:60]) from None


def _pairs(numbers: list[str]) -> list[tuple[float, float]]:
    """Latitude before longitude (WGS 84 as GML writes it)."""
    try:
        flat = [float(n) for n in numbers]
    except ValueError:
        raise areas.BadArea(" ".join(numbers)[:60]) from None
    return [(x, y) for y, x in zip(flat[::2], flat[1::2], strict=False)]


def _is(node: Any, *kinds: str) -> bool:
    said = first(
        node, "tpegOtherPointDescriptorType", "tpegDescriptorType", "tpegAreaDescriptorType"
    )
    return said in kinds or text(node, "type") in kinds


def _value(node: Any) -> str:
    return next((said for n in inside(node, "value") if (said := words(n))), "") or (
        "" if len(node) else words(node)
    )


def _value_of(place: Any, name: str) -> str:
    return next((said for n in inside(place, name) if (said := one_line(_value(n)))), "")


def _is_diversion(node: Any) -> bool:
    return any(name_of(a) in _DIVERSIONS for a in node.iterancestors())
