"""CAP words in JSON: GeoJSON of the National Weather Service of the United States
(api.weather.gov/alerts), warnings of MeteoAlarm (feeds.meteoalarm.org/api). Each entry is written
as a CAP alert and read by the same reader."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final, TypeAlias
from zoneinfo import ZoneInfo

from lxml import etree

from connectors import areas
from connectors.cap_alert import AlertReader
from connectors.common import HttpSource, Wrong, moment
from connectors.plain import token
from hub.contracts import Item

# An entry's name, what it became, whether it is one entry of several of the same alert.
Found: TypeAlias = tuple[str, Item | Wrong, bool]
_REQUIRED: Final = ("identifier", "status", "msgType")
_TIMES: Final = ("sent", "effective", "onset", "expires")
_INFO: Final = (
    "language", "category", "event", "urgency", "severity", "certainty", "headline", "description",
    "instruction", "senderName", "web",
)  # fmt: skip
_UTC: Final = ZoneInfo("UTC")


def features(source: HttpSource, document: Any) -> tuple[list[Any], str, bool]:
    """The features, the title, whether it is all there is. Raises SourceUnreadable."""
    if not isinstance(document, dict):
        raise source.not_ours(b"")
    title = document.get("title")
    if document.get("type") == "FeatureCollection" and isinstance(document.get("features"), list):
        found, complete = document["features"], not document.get("pagination")
        ours = not found or any(_properties(f) for f in found)
    elif isinstance(document.get("warnings"), list):
        found, complete = document["warnings"], True
        ours = not found or any(_written(f) for f in found)
    else:
        found, complete = [document], False
        ours = bool(_properties(document) or _written(document))
    if not ours:
        raise source.not_ours(b"")
    return found, title if isinstance(title, str) else "", complete


def read(found: list[Any], reader: AlertReader) -> Iterator[Found]:
    for feature in found:
        if whole := _written(feature):
            alert = _element("alert", whole, 0)
            try:
                yield token(whole.get("identifier")), reader.alert(alert), False
            except Wrong as refused:
                yield token(whole.get("identifier")), refused, False
            continue
        said = _properties(feature)
        name = token((said or {}).get("id") or (said or {}).get("identifier"))
        if not said:
            yield "", Wrong("not-an-object"), False
            continue
        wrong: list[Wrong] = []
        try:
            item = reader.alert(_alert(said, wrong), _REQUIRED)
        except Wrong as refused:
            yield name, refused, False
            continue
        try:
            geometry = feature.get("geometry")
            item = replace(item, area=areas.geojson(geometry) or item.area)
        except areas.BadArea:
            wrong.append(Wrong("place-wrong"))
        reader.remarks += wrong
        yield name, item, False


def _properties(feature: Any) -> dict[str, Any] | None:
    said = feature.get("properties", feature) if isinstance(feature, dict) else None
    return said if isinstance(said, dict) and {"severity", "urgency"} <= set(said) else None


def _written(entry: Any) -> dict[str, Any] | None:
    """An alert with the names of CAP, by itself or under "alert"."""
    said = entry.get("alert", entry) if isinstance(entry, dict) else None
    return said if isinstance(said, dict) and {"identifier", "msgType"} <= set(said) else None


def _element(name: str, value: Any, depth: int) -> Any:
    """An element of CAP from its JSON: objects hold elements, lists repeat them."""
    made = etree.Element(name)
    for key, inner in value.items() if isinstance(value, dict) else ():
        for one in inner if isinstance(inner, list) else [inner]:
            if isinstance(one, dict) and depth < 5 and key.isidentifier() and key.isascii():
                made.append(_element(key, one, depth + 1))
            elif key.isidentifier() and key.isascii() and not isinstance(one, dict | list):
                _put(made, key, one)
    return made


def _alert(said: dict[str, Any], wrong: list[Wrong]) -> Any:
    alert = etree.Element("alert")
    times, unread = {}, []
    for name in (*_TIMES, "ends"):
        try:
            times[name] = moment(said.get(name), _UTC)
        except ValueError:
            unread.append(name)
            times[name] = None
    if unread:
        value = token(said.get(unread[0]))[:40]
        wrong.append(Wrong("time-wrong", element=", ".join(unread), value=value))
    # `expires` is when the message is replaced, `ends` when the weather is over.
    times["expires"] = times.pop("ends") or times["expires"]
    _put(alert, "identifier", said.get("id") or said.get("identifier"))
    _put(alert, "sender", said.get("sender"))
    _put(alert, "sent", times["sent"] and times["sent"].isoformat())
    _put(alert, "status", said.get("status"))
    _put(alert, "msgType", said.get("messageType") or said.get("msgType"))
    _put(alert, "scope", said.get("scope"))
    listed = said.get("references")
    before = [r for r in listed if isinstance(r, dict)] if isinstance(listed, list) else []
    lines = [f"{r.get('sender')},{r.get('identifier')},{r.get('sent')}" for r in before]
    _put(alert, "references", " ".join(lines))
    info = etree.SubElement(alert, "info")
    for name in _INFO:
        _put(info, name, said.get(name))
    _put(info, "responseType", said.get("response"))
    for name in _TIMES[1:]:
        found = times[name]
        _put(info, name, found and found.isoformat())
    area = etree.SubElement(info, "area")
    _put(area, "areaDesc", said.get("areaDesc"))
    codes = said.get("geocode")
    for name, values in codes.items() if isinstance(codes, dict) else ():
        for value in values if isinstance(values, list) else [values]:
            geocode = etree.SubElement(area, "geocode")
            _put(geocode, "valueName", name)
            _put(geocode, "value", value)
    return alert


def _put(node: Any, name: str, value: Any) -> None:
    if value not in (None, "", []):
        said = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
        # XML has no place for control letters.
        etree.SubElement(node, name).text = "".join(
            c
            for c in said
            if c in "\t\n" or (c >= " " and not "\ud800" <= c <= "\udfff" and c < "\ufffe")
        )
