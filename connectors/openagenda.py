"""Agendas of OpenAgenda (API v2, and the older exports): an event with all its timings.

An event with one timing is the item `uid`; with several, each is `uid#start` and `series` is the
uid, as for agendas in iCalendar.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, SecretStr

from connectors import areas
from connectors.common import HttpSource, SourceOptions, Wrong, moment, stamp
from connectors.gathering import Gathering
from connectors.plain import one_line, shortened, to_text, token, web
from connectors.trees import json_document
from connectors.wording import LANGUAGES, Words, pick
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Severity, Status, Urgency

_SITE: Final = "https://openagenda.com/"
_REFUSED: Final = -1
_MOVED_ONLINE, _POSTPONED, _FULL, _CANCELLED = 3, 4, 5, 6
_PREFIX: Final[dict[int, Words]] = {
    _POSTPONED: ("Reporté : ", "Postponed: ", "Aplazado: "),
    _FULL: ("Complet : ", "Fully booked: ", "Completo: "),
    _CANCELLED: ("Annulé : ", "Cancelled: ", "Cancelado: "),
}
_ONLINE: Final[Words] = ("En ligne.", "Online.", "En línea.")
_PRICE: Final[Words] = ("Conditions : {x}", "Conditions: {x}", "Condiciones: {x}")
_AGE: Final[Words] = ("Dès {n} ans.", "From age {n}.", "A partir de {n} años.")


class OpenAgendaOptions(SourceOptions):
    key: SecretStr = Field(SecretStr(""), description="Public key of your OpenAgenda account.")
    most_of_a_series: int = Field(366, ge=1, le=1000, description="Timings kept of one event.")


class OpenAgenda(HttpSource):
    kind: ClassVar[str] = "openagenda"
    title: ClassVar[str] = "Agenda OpenAgenda"
    Options: ClassVar[type[SourceOptions]] = OpenAgendaOptions
    default_interval_s: ClassVar[int] = 900
    accept = "application/json, */*;q=0.5"
    what = "openagenda"

    def __init__(self, options: OpenAgendaOptions) -> None:
        super().__init__(options)
        if key := options.key.get_secret_value():
            self.headers = {"key": key}
        self._language = options.language
        self._zone = ZoneInfo(options.timezone)
        self._most = options.most_of_a_series

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An item for each timing. A list that says there is more is not the whole."""
        document = json_document(self, raw)
        rows, title, complete = self._rows(document, raw)
        gathering = Gathering(self, complete=complete)
        for number, row in enumerate(rows, 1):
            if gathering.full:
                gathering.stop(len(rows))
                break
            name = token(row.get("uid") or row.get("id")) if isinstance(row, dict) else ""
            try:
                timings, notes = self._timings(name, row), list[Wrong]()
                item = self._item(name, row, notes)
            except Wrong as wrong:
                gathering.refuse(name, wrong, number)
                continue
            if len(timings) > self._most:
                gathering.refuse(name, Wrong("long-series", count=self._most))
                coming = [t for t in timings if t[1] >= received_at]
                past = [t for t in timings if t[1] < received_at]
                kept = coming[: self._most]
                timings = [*past[len(past) - (self._most - len(kept)) :], *kept]
            single, zone = len(timings) == 1, self._zone_of(row)
            for start, end in timings:
                external_id = name if single else f"{name}#{start:%Y%m%dT%H%M%SZ}"
                series = "" if single else name
                gathering.take(
                    name, partial(_at, item, external_id, series, start, end, zone, notes)
                )
        return gathering.parsed(title)

    def _rows(self, document: Any, raw: bytes) -> tuple[list[Any], str, bool]:
        if isinstance(document, list):
            rows, complete, title = document, True, ""
        elif not isinstance(document, dict):
            raise self.not_ours(raw)
        elif isinstance(document.get("event"), dict):
            rows, complete, title = [document["event"]], False, ""
        elif isinstance(document.get("events", document.get("data")), list):
            rows = document["events"] if "events" in document else document["data"]
            total = document.get("total")
            more = isinstance(total, int) and total > len(rows)
            complete = not more and not (document.get("after") and len(rows) >= 20)
            agenda = document.get("agenda")
            title = one_line(str(agenda.get("title") or "")) if isinstance(agenda, dict) else ""
        elif {"uid", "timings"} <= set(document):
            rows, complete, title = [document], False, ""
        else:
            raise self.not_ours(raw)
        if rows and not any(isinstance(r, dict) and "title" in r for r in rows):
            raise self.not_ours(raw)
        return rows, title, complete

    def _timings(self, name: str, row: Any) -> list[tuple[datetime, datetime]]:
        """(start, end) in order, each once. Raises Wrong."""
        if not isinstance(row, dict):
            raise Wrong("not-an-object")
        if not name:
            raise Wrong("element-missing", element="uid")
        if row.get("draft") is True or row.get("private") is True:
            raise Wrong("not-public", what="draft" if row.get("draft") else "private")
        if row.get("state") == _REFUSED:
            raise Wrong("not-public", what="state -1")
        zone = self._zone_of(row)
        found = row.get("timings")
        if not (isinstance(found, list) and found):
            found = [row.get("nextTiming") or row.get("firstTiming") or row]
        made: dict[datetime, datetime] = {}
        for timing in found:
            start, end = self._timing(timing, zone)
            made[start] = max(end, made.get(start, end))
        return sorted(made.items())

    def _timing(self, timing: Any, zone: ZoneInfo) -> tuple[datetime, datetime]:
        if not isinstance(timing, dict):
            raise Wrong("no-start")
        said = timing.get("begin") or timing.get("start") or timing.get("date_start")
        try:
            start = moment(said, zone)
            end = moment(timing.get("end") or timing.get("date_end"), zone)
        except ValueError:
            raise Wrong("element-wrong", element="timings", value=token(said)[:40]) from None
        if start is None:
            raise Wrong("no-start")
        return start, max(start, end or start)

    def _item(self, name: str, row: dict[str, Any], remarks: list[Wrong]) -> Item:
        """The event, not yet at a time."""
        stated = row.get("status")
        status = stated if isinstance(stated, int) else 1
        place = row.get("location")
        place = place if isinstance(place, dict) else row
        called = one_line(str(place.get("name") or place.get("locationName") or ""))
        address = one_line(_plain(place.get("address")))
        where = ", ".join(dict.fromkeys(x for x in (called, address) if x and x not in ("None",)))
        city = one_line(_plain(place.get("city")))
        if city and city not in where:
            where = ", ".join(x for x in (where, city) if x)
        insee = token(place.get("insee"))
        area = None
        try:
            area = _point(place)
        except areas.BadArea:
            remarks.append(Wrong("place-wrong"))
        try:
            sent = moment(row.get("updatedAt") or row.get("updated_at"), self._zone_of(row))
        except ValueError:
            remarks.append(Wrong("time-wrong", element="updatedAt",
                                 value=token(row.get("updatedAt"))[:40]))  # fmt: skip
            sent = None
        cancelled = status == _CANCELLED
        return Item(
            external_id=name,
            version=stamp(sent),
            msg_type=MsgType.CANCEL if cancelled else MsgType.ALERT,
            status=Status.ACTUAL,
            texts=self._texts(row, status),
            category="event",
            severity=Severity.MINOR,
            urgency=Urgency.FUTURE,
            certainty=Certainty.POSSIBLE if status == _POSTPONED else Certainty.LIKELY,
            sent=sent,
            area=area,
            area_desc=where,
            geocodes={"INSEE": (insee,)} if insee else {},
            link=_link(row),
            kind="event",
            place=where,
            tags=_keywords(row, self._language),
        )

    def _texts(self, row: dict[str, Any], status: int) -> dict[str, Text]:
        titles = self._by_language(row.get("title"))
        if not titles:
            raise Wrong("nothing-said")
        short, long = (self._by_language(row.get(k)) for k in ("description", "longDescription"))
        if html := row.get("html"):
            long = long or self._by_language(html)
        prices = self._by_language(row.get("conditions"))
        own = self._language[:2].lower()
        order = sorted(titles, key=lambda x: (x != own, x not in LANGUAGES, x))
        texts = {}
        for language in order:
            spoken = language if language in LANGUAGES else "en"
            parts = [to_text(short.get(language, "")), to_text(long.get(language, ""))]
            if parts[1].startswith(parts[0]):
                parts = parts[1:]
            if price := one_line(prices.get(language, "")):
                parts.append(pick(_PRICE, spoken).format(x=price))
            age = row.get("age")
            if isinstance(age, dict) and isinstance(age.get("min"), int) and 0 < age["min"] < 100:
                parts.append(pick(_AGE, spoken).format(n=age["min"]))
            if status == _MOVED_ONLINE or row.get("attendanceMode") == 2:
                parts.append(pick(_ONLINE, spoken))
            prefix = pick(_PREFIX[status], spoken) if status in _PREFIX else ""
            headline = prefix + one_line(titles[language])
            texts[language] = Text(shortened(headline, 160), "\n\n".join(p for p in parts if p))
        return texts

    def _by_language(self, value: Any) -> dict[str, str]:
        """Words by language; a plain text is in the source's own."""
        if isinstance(value, str):
            value = {self._language[:2].lower(): value}
        if not isinstance(value, dict):
            return {}
        return {
            key.lower()[:8]: said
            for key, said in value.items()
            if isinstance(said, str) and said.strip() and 2 <= len(key) <= 8
        }

    def _zone_of(self, row: dict[str, Any]) -> ZoneInfo:
        place = row.get("location")
        named = row.get("timezone") or (place.get("timezone") if isinstance(place, dict) else "")
        try:
            return ZoneInfo(named) if isinstance(named, str) and named else self._zone
        except (ZoneInfoNotFoundError, ValueError, OSError):
            return self._zone


def _at(
    item: Item,
    external_id: str,
    series: str,
    start: datetime,
    end: datetime,
    zone: ZoneInfo,
    notes: list[Wrong],
    remarks: list[Wrong],
) -> Item:
    """The event at one of its times; what was said of it is said once."""
    remarks += notes
    notes.clear()
    local = start.astimezone(zone)
    return replace(
        item,
        external_id=external_id,
        series=series,
        onset=start,
        expires=end,
        # A day without hours is written from midnight to 23:59.
        all_day=(local.hour, local.minute) == (0, 0)
        and end - start >= timedelta(hours=23, minutes=59),
        cancels=(external_id,) if item.msg_type is MsgType.CANCEL else (),
    )


def _plain(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _point(place: dict[str, Any]) -> dict[str, Any] | None:
    at = place.get("longitude"), place.get("latitude")
    if at == (None, None) or at == (0, 0):
        return None
    try:
        made = [float(str(n)) for n in at]
    except ValueError:
        raise areas.BadArea(str(at)[:60]) from None
    return areas.geojson({"type": "Point", "coordinates": made})


def _link(row: dict[str, Any]) -> str:
    agenda = row.get("originAgenda")
    slug, owner = _plain(row.get("slug")), _plain((agenda or {}).get("slug")) if isinstance(
        agenda, dict) else ""  # fmt: skip
    made = f"{_SITE}{owner}/events/{slug}" if slug and owner else ""
    found = web(row.get("canonicalUrl"), row.get("onlineAccessLink"), row.get("link"), made)
    return found if found and urlsplit(found).hostname else ""


def _keywords(row: dict[str, Any], language: str) -> tuple[str, ...]:
    found = row.get("keywords")
    if isinstance(found, dict):
        found = found.get(language[:2].lower()) or next(iter(found.values()), [])
    if isinstance(found, str):
        found = found.split(",")
    named = [one_line(w) for w in found if isinstance(w, str)] if isinstance(found, list) else []
    return tuple(dict.fromkeys(w for w in named if w))[:20]
