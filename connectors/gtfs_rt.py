"""Public transport alerts in GTFS-Realtime 2.0: the wire format, its text form and its JSON."""

from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final

from google.protobuf import json_format, text_format
from google.protobuf.message import DecodeError
from google.transit import gtfs_realtime_pb2 as rt
from pydantic import Field, SecretStr

from connectors.common import HttpSource, SourceOptions, Wrong, epoch
from connectors.gathering import Gathering
from connectors.plain import one_line, shortened, to_text, token, web
from connectors.trees import BIGGEST, BIGGEST_JSON, is_json
from connectors.wording import Words, listed, pick, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency

# Text is for people and read slowly: 3 MB take 5 s.
_BIGGEST_TEXT: Final = 3_000_000
_EFFECTS: Final[dict[str, Words]] = {
    "NO_SERVICE": ("Service interrompu", "No service", "Servicio interrumpido"),
    "REDUCED_SERVICE": ("Service réduit", "Reduced service", "Servicio reducido"),
    "SIGNIFICANT_DELAYS": ("Retards importants", "Significant delays", "Retrasos importantes"),
    "DETOUR": ("Itinéraire dévié", "Detour", "Desvío"),
    "ADDITIONAL_SERVICE": ("Service renforcé", "Additional service", "Servicio reforzado"),
    "MODIFIED_SERVICE": ("Service modifié", "Modified service", "Servicio modificado"),
    "OTHER_EFFECT": ("Information voyageurs", "Service notice", "Información a los viajeros"),
    "UNKNOWN_EFFECT": ("Information voyageurs", "Service notice", "Información a los viajeros"),
    "STOP_MOVED": ("Arrêt déplacé", "Stop moved", "Parada trasladada"),
    "NO_EFFECT": ("Information voyageurs", "Service notice", "Información a los viajeros"),
    "ACCESSIBILITY_ISSUE": ("Accès perturbé", "Accessibility problem",
                            "Problema de accesibilidad"),
}  # fmt: skip
_CAUSES: Final[dict[str, Words]] = {
    "TECHNICAL_PROBLEM": ("problème technique", "technical problem", "problema técnico"),
    "STRIKE": ("grève", "strike", "huelga"),
    "DEMONSTRATION": ("manifestation", "demonstration", "manifestación"),
    "ACCIDENT": ("accident", "accident", "accidente"),
    "HOLIDAY": ("jour férié", "public holiday", "día festivo"),
    "WEATHER": ("météo", "weather", "meteorología"),
    "MAINTENANCE": ("entretien", "maintenance", "mantenimiento"),
    "CONSTRUCTION": ("travaux", "construction", "obras"),
    "POLICE_ACTIVITY": ("intervention de police", "police activity", "intervención policial"),
    "MEDICAL_EMERGENCY": ("urgence médicale", "medical emergency", "urgencia médica"),
}
_SEVERITY: Final = {
    "INFO": Severity.MINOR, "WARNING": Severity.MODERATE, "SEVERE": Severity.MODERATE,
}  # fmt: skip
_UNREAD: Final = (DecodeError, text_format.ParseError, json_format.ParseError)
_ROUTES: Final[Words] = ("Lignes concernées : {x}.", "Routes: {x}.", "Líneas afectadas: {x}.")
_STOPS: Final[Words] = ("Arrêts concernés : {x}.", "Stops: {x}.", "Paradas afectadas: {x}.")


class TransitOptions(SourceOptions):
    key: SecretStr = Field(SecretStr(""), description="Key, where the address asks for one.")
    key_header: str = Field("apikey", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,39}$")


class GtfsRt(HttpSource):
    kind: ClassVar[str] = "gtfs_rt"
    title: ClassVar[str] = "Info trafic GTFS-Realtime"
    Options: ClassVar[type[SourceOptions]] = TransitOptions
    default_interval_s: ClassVar[int] = 120
    accept = "application/x-protobuf, application/octet-stream, */*;q=0.5"
    what = "gtfs_rt"

    def __init__(self, options: TransitOptions) -> None:
        super().__init__(options)
        self._languages = spoken(options.language)
        self._own = options.language[:2].lower()
        if key := options.key.get_secret_value():
            self.headers = {options.key_header: key}

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An item for each alert; vehicles and trip updates are passed over. A full dataset is the
        whole of what is going on."""
        message = self._message(raw)
        differential = message.header.incrementality == rt.FeedHeader.DIFFERENTIAL
        gathering = Gathering(self, complete=not differential)
        made_at = _when(message.header.timestamp)
        for entity in message.entity:
            if entity.HasField("alert") or entity.is_deleted:
                name = token(_str(entity.id))
                gathering.take(name, partial(self._item, name, entity, made_at))
        return gathering.parsed()

    def _message(self, raw: bytes) -> Any:
        longest = BIGGEST_JSON if is_json(raw) else BIGGEST
        if len(raw) > longest:
            raise self.unreadable("too-big", megabytes=longest // 1_000_000)
        message = rt.FeedMessage()
        head = raw[:400].lstrip(b"\xef\xbb\xbf \t\r\n")
        try:
            if is_json(raw):
                json_format.Parse(raw, message, ignore_unknown_fields=True)
            elif head[:1] in (b"#", b"h", b"e") and b"\0" not in raw[:4000]:
                if len(raw) > _BIGGEST_TEXT:
                    raise self.unreadable("too-big", megabytes=_BIGGEST_TEXT // 1_000_000)
                text_format.Parse(
                    raw, message, allow_unknown_extension=True, allow_unknown_field=True
                )
            else:
                message.ParseFromString(raw)
        except (*_UNREAD, ValueError, RecursionError, KeyError, TypeError) as error:
            if b"header" in raw[:4000] or (head[:1] == b"\n" and raw[2:3] == b"\n"):
                raise self.unreadable("malformed", detail=one_line(str(error))[:100]) from error
            raise self.not_ours(raw) from error
        if not message.HasField("header") or not _str(message.header.gtfs_realtime_version).strip():
            raise self.not_ours(raw)
        return message

    def _item(self, name: str, entity: Any, made_at: datetime | None, remarks: list[Wrong]) -> Item:
        if not name:
            raise Wrong("element-missing", element="id")
        alert = entity.alert
        effect, cause = _named(alert, "effect", rt.Alert), _named(alert, "cause", rt.Alert)
        texts = self._texts(alert, effect, cause)
        starts, ends = self._times(alert, remarks)
        routes = sorted({token(_str(e.route_id)) for e in alert.informed_entity if e.route_id})
        stops = sorted({token(_str(e.stop_id)) for e in alert.informed_entity if e.stop_id})
        severity = _named(alert, "severity_level", rt.Alert)
        gone = effect == "NO_SERVICE"
        links = [_str(t.text) for t in alert.url.translation]
        return Item(
            external_id=name,
            # The stamp of the file moves at each reading: the words tell what is new.
            version="",
            msg_type=MsgType.CANCEL if entity.is_deleted else MsgType.ALERT,
            status=Status.ACTUAL,
            texts=texts,
            category="transport",
            event=pick(_EFFECTS.get(effect, _EFFECTS["OTHER_EFFECT"]), self._languages[0]),
            response_type=ResponseType.AVOID if gone else ResponseType.MONITOR,
            severity=_SEVERITY.get(severity, Severity.MODERATE if gone else Severity.MINOR),
            urgency=Urgency.EXPECTED if gone else Urgency.FUTURE,
            certainty=Certainty.OBSERVED,
            sent=None,
            effective=made_at,
            onset=starts,
            expires=ends,
            geocodes={k: v for k, v in (("route", tuple(routes)), ("stop", tuple(stops))) if v},
            link=web(*links),
            cancels=(name,) if entity.is_deleted else (),
            tags=tuple(x for x in (effect, cause) if x and not x.startswith("UNKNOWN")),
        )

    def _texts(self, alert: Any, effect: str, cause: str) -> dict[str, Text]:
        headers, bodies = _spoken(alert.header_text, self._own), _spoken(
            alert.description_text, self._own
        )  # fmt: skip
        found = list(dict.fromkeys([*headers, *bodies]))
        order = sorted(found, key=lambda x: (x[:2].lower() != self._own, found.index(x)))
        texts = {}
        for language in order:
            body = bodies.get(language, "")
            headline = one_line(headers.get(language, "")) or shortened(one_line(body))
            texts[language] = Text(shortened(headline, 160), "" if body == headline else body)
        if texts:
            return texts
        routes = [token(_str(e.route_id)) for e in alert.informed_entity if e.route_id]
        stops = [token(_str(e.stop_id)) for e in alert.informed_entity if e.stop_id]
        for language in self._languages:
            headline = pick(_EFFECTS.get(effect, _EFFECTS["OTHER_EFFECT"]), language)
            if cause in _CAUSES:
                headline += f" ({pick(_CAUSES[cause], language)})"
            parts = [
                pick(row, language).format(x=listed(sorted(names)[:20], language))
                for row, names in ((_ROUTES, set(routes)), (_STOPS, set(stops)))
                if names
            ]
            texts[language] = Text(headline, "\n".join(parts))
        return texts

    def _times(self, alert: Any, remarks: list[Wrong]) -> tuple[datetime | None, datetime | None]:
        """From the first start to the last end; an alert without a period is on as long as it is
        in the feed."""
        starts, ends = [], []
        for period in alert.active_period[:1000]:
            try:
                starts.append(epoch(period.start))
                ends.append(epoch(period.end))
            except ValueError as error:
                remarks.append(Wrong("time-wrong", element="active_period", value=str(error)[:40]))
        first = min((s for s in starts if s), default=None) if all(starts) else None
        last = max((e for e in ends if e), default=None) if ends and all(ends) else None
        return first, last


def _spoken(translated: Any, own: str) -> dict[str, str]:
    """Words by language; one without a language is the feed's own."""
    found: dict[str, str] = {}
    for row in translated.translation:
        if said := to_text(_str(row.text)):
            language = token(_str(row.language))[:8]
            valid = 2 <= len(language) <= 8 and language.replace("-", "").isalnum()
            found.setdefault(language if valid else own, said)
    return found


def _str(value: Any) -> str:
    """Text of the wire format; what is no UTF-8 comes as bytes."""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)


def _named(alert: Any, field: str, kind: Any) -> str:
    if not alert.HasField(field):
        return ""
    enum = kind.DESCRIPTOR.fields_by_name[field].enum_type
    found = enum.values_by_number.get(getattr(alert, field))
    return found.name if found else ""


def _when(value: int) -> datetime | None:
    try:
        return epoch(value)
    except ValueError:
        return None
