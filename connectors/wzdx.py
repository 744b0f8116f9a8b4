"""Work zones in WZDx 4 (and 2 to 3): GeoJSON features, each a road event with lanes and times."""

from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors import areas, roads
from connectors.common import HttpSource, SourceOptions, Wrong, moment_of, stamp
from connectors.gathering import Gathering
from connectors.plain import one_line, shortened, to_text, token
from connectors.trees import json_document
from connectors.wording import Words, pick, sentence, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency

_EVENTS: Final[dict[str, Words]] = {
    "work-zone": roads.WORKS,
    "detour": roads.DIVERSION,
    "restriction": roads.RESTRICTED,
    "incident": ("Incident de circulation", "Traffic incident", "Incidente de tráfico"),
    "weather-condition": ("Route affectée par la météo", "Weather on the road",
                          "Carretera afectada por el tiempo"),
    "special-event": roads.EVENT,
}  # fmt: skip
_IMPACTS: Final[dict[str, Words]] = {
    "all-lanes-closed": roads.CLOSED,
    "some-lanes-closed": ("voies fermées", "lanes closed", "carriles cortados"),
    "some-lanes-closed-merge-left": ("voies fermées, rabattement à gauche",
                                     "lanes closed, merge left",
                                     "carriles cortados, incorpórese a la izquierda"),
    "some-lanes-closed-merge-right": ("voies fermées, rabattement à droite",
                                      "lanes closed, merge right",
                                      "carriles cortados, incorpórese a la derecha"),
    "some-lanes-closed-split": ("voies fermées, chaussée séparée", "lanes closed, road split",
                                "carriles cortados, calzada dividida"),
    "all-lanes-open-shift-left": ("voies décalées à gauche", "lanes shifted left",
                                  "carriles desplazados a la izquierda"),
    "all-lanes-open-shift-right": ("voies décalées à droite", "lanes shifted right",
                                   "carriles desplazados a la derecha"),
    "alternating-one-way": roads.ALTERNATING,
    "flagging": ("circulation réglée à la main", "flagging", "tráfico regulado a mano"),
    "temporary-traffic-signal": ("feux de chantier", "temporary traffic lights",
                                 "semáforos provisionales"),
}  # fmt: skip
_BOUND: Final[dict[str, Words]] = {
    "northbound": ("vers le nord", "northbound", "hacia el norte"),
    "southbound": ("vers le sud", "southbound", "hacia el sur"),
    "eastbound": ("vers l'est", "eastbound", "hacia el este"),
    "westbound": ("vers l'ouest", "westbound", "hacia el oeste"),
    "inner-loop": ("boucle intérieure", "inner loop", "anillo interior"),
    "outer-loop": ("boucle extérieure", "outer loop", "anillo exterior"),
}
_BETWEEN: Final[Words] = ("Entre {a} et {b}.", "Between {a} and {b}.", "Entre {a} y {b}.")
_OVER: Final = frozenset({"completed", "cancelled"})


class WzdxOptions(SourceOptions):
    words: str = Field("en", min_length=2, max_length=8, description="Language of descriptions.")


class Wzdx(HttpSource):
    kind: ClassVar[str] = "wzdx"
    title: ClassVar[str] = "Chantiers WZDx"
    Options: ClassVar[type[SourceOptions]] = WzdxOptions
    default_interval_s: ClassVar[int] = 600
    accept = "application/geo+json, application/json, */*;q=0.5"
    what = "wzdx"

    def __init__(self, options: WzdxOptions) -> None:
        super().__init__(options)
        self._languages = spoken(options.language)
        self._own = options.words[:2].lower()
        self._zone = ZoneInfo(options.timezone)

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An item for each road event; a recurring closure is one event for each of its nights,
        joined by `series`."""
        document = json_document(self, raw)
        info = document.get("feed_info", document.get("road_event_feed_info")) if isinstance(
            document, dict) else None  # fmt: skip
        if not isinstance(info, dict):
            raise self.not_ours(raw)
        features = document.get("features")
        if not isinstance(features, list):
            raise self.unreadable("no-entries", element="features")
        firsts = _firsts(features)
        gathering = Gathering(self)
        for feature in features:
            name = _id(feature, _said(feature)[0])
            gathering.take(name, partial(self._item, name, feature, firsts.get(name, "")))
        return gathering.parsed(one_line(_text(info, "publisher")))

    def _item(self, name: str, feature: Any, series: str, remarks: list[Wrong]) -> Item:
        said, core = _said(feature)
        kind = _text(core, "event_type") or _text(said, "event_type")
        # The first versions knew work zones only.
        kind = kind or ("work-zone" if _text(said, "vehicle_impact") else "")
        if not name:
            raise Wrong("element-missing", element="id")
        if not kind:
            raise Wrong("element-missing", element="event_type")
        onset, expires = (
            moment_of(said, "start_date", self._zone),
            moment_of(said, "end_date", self._zone),
        )
        if onset is None and kind != "restriction":
            raise Wrong("element-missing", element="start_date")
        sent = None
        for key in ("update_date", "creation_date"):
            try:
                sent = sent or moment_of(core, key, self._zone) or moment_of(said, key, self._zone)
            except Wrong as wrong:
                remarks.append(Wrong("time-wrong", **wrong.values))
        area = None
        try:
            area = areas.geojson(feature.get("geometry"))
        except areas.BadArea:
            remarks.append(Wrong("place-wrong"))
        impact = _text(said, "vehicle_impact")
        over = _text(said, "event_status") in _OVER
        names = core.get("road_names") or said.get("road_names") or _text(said, "road_name")
        named = [one_line(str(n)) for n in (names if isinstance(names, list) else [names]) if n]
        road = ", ".join(dict.fromkeys(named))
        own = to_text(_text(core, "description") or _text(said, "description"))
        bound = _text(core, "direction") or _text(said, "direction")
        languages = dict.fromkeys((*self._languages, *([self._own] if own else [])))
        texts = {}
        for language in languages:
            if language not in self._languages:
                texts[language] = Text(shortened(one_line(own)), own)
                continue
            headline = pick(_EVENTS.get(kind, _EVENTS["restriction"]), language)
            headline += roads.on_road(road, language)
            if bound in _BOUND:
                headline += f", {pick(_BOUND[bound], language)}"
            facts = [pick(_IMPACTS[impact], language)] if impact in _IMPACTS else []
            parts = [own if language == self._own else "", *map(sentence, facts)]
            ends = [one_line(_text(said, f"{end}_cross_street")) for end in ("beginning", "ending")]
            if all(ends):
                parts.append(pick(_BETWEEN, language).format(a=ends[0], b=ends[1]))
            parts.append(roads.speed(said.get("reduced_speed_limit_kph"), language))
            texts[language] = Text(shortened(headline, 150), "\n".join(p for p in parts if p))
        closed = impact == "all-lanes-closed"
        return Item(
            external_id=name,
            version=stamp(sent),
            msg_type=MsgType.CANCEL if over else MsgType.ALERT,
            status=Status.ACTUAL,
            texts=texts,
            category="closure" if closed else "roadworks" if kind == "work-zone" else "transport",
            event=pick(_EVENTS.get(kind, _EVENTS["restriction"]), self._languages[0]),
            response_type=ResponseType.AVOID if closed else ResponseType.MONITOR,
            severity=Severity.MODERATE if closed else Severity.MINOR,
            urgency=Urgency.FUTURE,
            certainty=Certainty.LIKELY,
            sent=sent,
            onset=onset,
            expires=expires,
            area=area,
            area_desc=road,
            place=road,
            cancels=(name,) if over else (),
            series=series,
            tags=tuple(x for x in (token(kind), token(impact)) if x),
        )


def _said(feature: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Properties and core details; before version 4 they were one."""
    said = feature.get("properties") if isinstance(feature, dict) else None
    said = said if isinstance(said, dict) else {}
    core = said.get("core_details")
    return said, core if isinstance(core, dict) else said


def _id(feature: Any, said: dict[str, Any]) -> str:
    named = feature.get("id") if isinstance(feature, dict) else None
    return token(named if named is not None else said.get("road_event_id"))


def _firsts(features: list[Any]) -> dict[str, str]:
    """Event → the first event of its series, by "first-occurrence" or by the chain of "next"."""
    before: dict[str, str] = {}
    firsts: dict[str, str] = {}
    for feature in features:
        said, core = _said(feature)
        name = _id(feature, said)
        related = core.get("related_road_events") or core.get("relationship") or []
        for row in related if isinstance(related, list) else []:
            if not isinstance(row, dict):
                continue
            kind, other = row.get("type"), token(row.get("id"))
            if kind == "first-occurrence":
                firsts[name] = other
            elif kind == "next-occurrence":
                before[other] = name
    heads: dict[str, str] = {}
    for name in sorted({*before, *before.values()}):
        way, at = dict.fromkeys([name]), name
        while at in before and at not in heads and before[at] not in way:
            at = before[at]
            way[at] = None
        heads.update(dict.fromkeys(way, heads.get(at, at)))
    return heads | firsts


def _text(node: dict[str, Any], key: str) -> str:
    value = node.get(key)
    return value if isinstance(value, str) else ""
