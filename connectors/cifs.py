"""Road incidents in Waze's CIFS (Closure and Incident Feed Specification), as XML or JSON; DiaLog
gives out French traffic orders in it."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from connectors import areas, roads
from connectors.common import HttpSource, SourceOptions, Wrong, moment_of, stamp
from connectors.gathering import Gathering
from connectors.plain import one_line, shortened, to_text, token, web
from connectors.trees import child, inside, is_json, json_document, name_of, words, xml_root
from connectors.wording import Words, pick, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency

_TYPES: Final[dict[str, Words]] = {
    "ROAD_CLOSED": roads.CLOSED,
    "CONSTRUCTION": roads.WORKS,
    "ACCIDENT": roads.ACCIDENT,
    "HAZARD": ("Danger sur la route", "Hazard in the road", "Peligro en la carretera"),
    "JAM": ("Bouchon", "Traffic jam", "Atasco"),
    "POLICE": ("Contrôle routier", "Police check", "Control policial"),
    "CHIT_CHAT": roads.INFORMATION,
    "ROAD_CLOSED_CONSTRUCTION": ("Route fermée pour travaux", "Road closed for roadworks",
                                 "Carretera cortada por obras"),
    "ROAD_CLOSED_EVENT": ("Route fermée pour une manifestation", "Road closed for an event",
                          "Carretera cortada por un acto"),
    "ROAD_CLOSED_HAZARD": ("Route fermée à cause d'un danger", "Road closed because of a hazard",
                           "Carretera cortada por un peligro"),
    "HAZARD_ON_ROAD_CONSTRUCTION": ("Travaux sur la route", "Roadworks in the road",
                                    "Obras en la carretera"),
    "HAZARD_ON_ROAD_ICE": roads.ICE,
    "HAZARD_ON_ROAD_OBJECT": roads.OBJECT,
    "HAZARD_ON_ROAD_LANE_CLOSED": roads.LANE_CLOSED,
    "HAZARD_ON_ROAD_CAR_STOPPED": ("Véhicule arrêté", "Stopped vehicle", "Vehículo detenido"),
    "HAZARD_WEATHER_FLOOD": roads.FLOODED,
    "HAZARD_WEATHER_FOG": roads.FOG,
    "ACCIDENT_MAJOR": ("Accident grave", "Major accident", "Accidente grave"),
}  # fmt: skip
_ONE_WAY: Final[Words] = (
    "Dans un seul sens de circulation.", "In one direction only.", "En un solo sentido.",
)  # fmt: skip
_DAYS: Final = {"everyday": ("tous les jours", "every day", "todos los días"), **roads.DAYS}


class Cifs(HttpSource):
    kind: ClassVar[str] = "cifs"
    title: ClassVar[str] = "Incidents routiers Waze CIFS"
    Options: ClassVar[type[SourceOptions]] = SourceOptions
    default_interval_s: ClassVar[int] = 300
    accept = "application/xml, application/json, */*;q=0.5"
    what = "cifs"

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self._languages = spoken(options.language)
        self._own = options.language[:2].lower()
        self._zone = ZoneInfo(options.timezone)

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """The whole of what is going on: an incident that is gone is over."""
        gathering = Gathering(self)
        for row in self._rows(raw):
            name = token(row.get("id"))
            gathering.take(name, partial(self._item, name, row))
        return gathering.parsed()

    def _rows(self, raw: bytes) -> list[dict[str, Any]]:
        if is_json(raw):
            document = json_document(self, raw)
            found = document.get("incidents") if isinstance(document, dict) else None
            if not isinstance(found, list):
                raise self.not_ours(raw)
            return [_flat(row) if isinstance(row, dict) else {} for row in found]
        root = xml_root(self, raw)
        if name_of(root) != "incidents":
            raise self.not_ours(raw)
        return [_of_xml(node) for node in inside(root, "incident")]

    def _item(self, name: str, row: Mapping[str, Any], remarks: list[Wrong]) -> Item:
        if not name:
            raise Wrong("element-missing", element="id")
        kind, detail = token(row.get("type")).upper(), token(row.get("subtype")).upper()
        if kind not in _TYPES:
            raise Wrong("element-wrong", element="type", value=kind[:40])
        onset = moment_of(row, "starttime", self._zone)
        if onset is None:
            raise Wrong("element-missing", element="starttime")
        expires = moment_of(row, "endtime", self._zone)
        try:
            sent = moment_of(row, "updatetime", self._zone) or moment_of(
                row, "creationtime", self._zone
            )
        except Wrong as wrong:
            remarks.append(Wrong("time-wrong", **wrong.values))
            sent = None
        area = None
        try:
            area = _polyline(row.get("polyline"))
        except areas.BadArea:
            remarks.append(Wrong("place-wrong"))
        street, town = one_line(str(row.get("street") or "")), one_line(str(row.get("city") or ""))
        said = _TYPES.get(detail, _TYPES[kind])
        own = to_text(str(row.get("description") or ""))
        texts = {}
        for language in self._languages:
            headline = pick(said, language) + roads.on_road(street, language)
            if town and town not in street:
                headline += roads.at_place(town, language)
            parts = [own if language == self._own or self._own not in self._languages else ""]
            if token(row.get("direction")).upper() == "ONE_DIRECTION":
                parts.append(pick(_ONE_WAY, language))
            parts.append(_schedule(row.get("schedule"), language))
            texts[language] = Text(shortened(headline, 150), "\n".join(p for p in parts if p))
        closed = kind == "ROAD_CLOSED"
        planned = kind in ("ROAD_CLOSED", "CONSTRUCTION", "CHIT_CHAT")
        return Item(
            external_id=name,
            version=stamp(sent),
            msg_type=MsgType.ALERT,
            status=Status.ACTUAL,
            texts=texts,
            category="closure"
            if closed
            else "roadworks"
            if kind == "CONSTRUCTION"
            else "transport",
            event=pick(said, self._languages[0]),
            response_type=ResponseType.AVOID if closed else ResponseType.MONITOR,
            severity=Severity.MINOR
            if kind in ("CHIT_CHAT", "JAM", "POLICE")
            else Severity.MODERATE,
            urgency=Urgency.FUTURE if planned else Urgency.IMMEDIATE,
            certainty=Certainty.LIKELY,
            sent=sent,
            onset=onset,
            expires=expires,
            area=area,
            area_desc=", ".join(x for x in (street, town) if x),
            place=", ".join(x for x in (street, town) if x),
            link=web(row.get("url")),
            tags=tuple(x for x in (kind, detail) if x),
        )


def _flat(row: dict[str, Any]) -> dict[str, Any]:
    """Keys in small letters, what stands under location and source beside the rest."""
    found = {k.lower(): v for k, v in row.items()}
    for group in ("location", "source"):
        inner = found.get(group)
        if isinstance(inner, dict):
            found = {k.lower(): v for k, v in inner.items()} | found
    return found


def _of_xml(node: Any) -> dict[str, Any]:
    found = {"id": node.get("id")} | {name_of(n): words(n) for n in node if not len(n)}
    for group in ("location", "source"):
        if (inner := child(node, group)) is not None:
            found = {name_of(n): words(n) for n in inner} | found
    if (schedule := child(node, "schedule")) is not None:
        found["schedule"] = {name_of(n): words(n) for n in schedule}
    if found["id"] is None:
        found["id"] = next((words(n) for n in node if name_of(n) == "id"), "")
    return found


def _polyline(said: Any) -> dict[str, Any] | None:
    """ "latitude longitude latitude longitude …". Raises areas.BadArea."""
    numbers = said if isinstance(said, list) else str(said or "").replace(",", " ").split()
    try:
        flat = [float(n) for n in numbers]
    except (TypeError, ValueError):
        raise areas.BadArea(str(said)[:60]) from None
    if len(flat) % 2 or any(not -90 <= y <= 90 for y in flat[::2]):
        raise areas.BadArea(str(said)[:60])
    return areas.line(zip(flat[1::2], flat[::2], strict=True))


def _schedule(said: Any, language: str) -> str:
    """ "Lundi : 09:00-12:00"."""
    if not isinstance(said, dict):
        return ""
    colon = " : " if language == "fr" else ": "
    rows = [
        pick(_DAYS[day.lower()], language) + colon + ", ".join(token(hours).split(","))
        for day, hours in said.items()
        if day.lower() in _DAYS and token(hours)
    ]
    whole = " ; ".join(rows)
    return whole[:1].upper() + whole[1:] + ("." if whole else "")
