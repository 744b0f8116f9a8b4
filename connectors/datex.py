"""Road traffic in DATEX II v2 and v3: situations (works, closures, accidents, obstructions) and the
traffic orders of DiaLog. A situation is one notice, however many records tell its parts.

Names are read whatever their namespace and prefix: publishers disagree on both.
"""

from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Final
from zoneinfo import ZoneInfo

from connectors import areas, datex_places, datex_words, roads
from connectors.common import HttpSource, SourceOptions, Wrong, moment, moment_or_none, stamp
from connectors.gathering import Gathering
from connectors.plain import one_line, shortened, to_text, token, web
from connectors.trees import (
    child,
    children,
    first,
    inside,
    name_of,
    text,
    words,
    xml_root,
    xsi_type,
)
from connectors.wording import clock, listed, pick, sentence, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, ResponseType, Severity, Status, Urgency

_PUBLICATIONS: Final = ("SituationPublication", "TrafficRegulationPublication")
_UNITS: Final = ("situation", "trafficRegulationOrder")
_STATUS: Final = {
    "real": Status.ACTUAL, "": Status.ACTUAL, "test": Status.TEST,
    "securityExercise": Status.EXERCISE, "technicalExercise": Status.EXERCISE,
}  # fmt: skip
_SEVERITY: Final = {
    "highest": Severity.SEVERE, "high": Severity.MODERATE, "medium": Severity.MINOR,
    "low": Severity.MINOR, "lowest": Severity.MINOR, "none": Severity.MINOR,
}  # fmt: skip
_GRAVITY: Final = list(_SEVERITY)
_CERTAINTY: Final = {
    "certain": Certainty.OBSERVED, "probable": Certainty.LIKELY, "riskOf": Certainty.POSSIBLE,
}  # fmt: skip
_WORKS: Final = ("MaintenanceWorks", "ConstructionWorks")
_CLOSED: Final = ("roadClosed", "carriagewayClosures", "noEntry", "roadBlocked")
# What happened comes before what was done about it.
_MEASURES: Final = (
    "Management", "Instruction", "Service", "CarParks", "TransitInformation", "TrafficRegulation",
)  # fmt: skip
_NOT_PUBLIC: Final = ("internalNote", "dataProcessingNote")


class Datex(HttpSource):
    kind: ClassVar[str] = "datex"
    title: ClassVar[str] = "Trafic routier DATEX II"
    Options: ClassVar[type[SourceOptions]] = SourceOptions
    default_interval_s: ClassVar[int] = 300
    accept = "application/xml, text/xml, */*;q=0.5"
    what = "datex"

    def __init__(self, options: SourceOptions) -> None:
        super().__init__(options)
        self._languages = spoken(options.language)
        self._zone = ZoneInfo(options.timezone)

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """A snapshot is the whole of what is in force; an update holds what changed."""
        root = xml_root(self, raw)
        payloads = [n for n in root.iter() if xsi_type(n) in _PUBLICATIONS]
        units = list(inside(root, *_UNITS))
        if not payloads and not (
            units and "datex2" in str(root.tag) + raw[:3000].decode("latin-1")
        ):
            raise self.not_ours(raw)
        own = next((p.get("lang") for p in payloads if p.get("lang")), "") or self._languages[0]
        gathering = Gathering(self, complete=not _is_delta(root))
        for node in units:
            gathering.take(token(node.get("id")), partial(self._item, node, own[:2].lower()))
        creator = first(root, "nationalIdentifier")
        return gathering.parsed(creator and f"DATEX II {creator}")

    def _item(self, node: Any, own: str, remarks: list[Wrong]) -> Item:
        return _Unit(node, own, self._languages, self._zone, remarks).item()


class _Unit:
    """One situation, or one order. `remarks`: what was left out of it. Raises Wrong."""

    def __init__(
        self,
        node: Any,
        own: str,
        languages: tuple[str, ...],
        zone: ZoneInfo,
        remarks: list[Wrong],
    ) -> None:
        self._node, self._own, self._languages, self._zone = node, own, languages, zone
        self.remarks = remarks
        self._id = token(node.get("id"))
        if not self._id:
            raise Wrong("element-missing", element="id")
        if (kept := first(node, "confidentiality")) not in ("", "noRestriction"):
            raise Wrong("not-public", what=kept)
        records = children(node, "situationRecord", "trafficRegulation")
        if not records:
            raise Wrong("element-missing", element="situationRecord")
        records.sort(key=lambda r: (_is_measure(r), token(r.get("id"))))
        live = [r for r in records if not _is_over(r)]
        self._ended = not live
        self._records = live or records
        if all(first(r, "validityStatus") == "suspended" for r in self._records):
            raise Wrong("suspended")

    def item(self) -> Item:
        main = self._records[0]
        kind = xsi_type(main) or name_of(main)[0].upper() + name_of(main)[1:]
        codes = [c for r in self._records for c in _codes(r)]
        self._code = datex_words.known([*_codes(main), kind])
        self._is_closed = any(c in _CLOSED for c in codes)
        road, written = self._found(datex_places.road)
        town = self._found(datex_places.town)
        planned = kind in _WORKS or name_of(self._node) == "trafficRegulationOrder"
        sent = self._latest()
        onset, expires = self._times()
        said = self._own_words()
        texts = {}
        for language in (*self._languages, *(x for x in said if x not in self._languages)):
            texts[language] = self._text(language, said.get(language, []), road, town, codes)
        severity = self._severity(planned)
        late = onset and sent and onset > sent
        number = token(self._node.get("version"))
        return Item(
            external_id=self._id,
            version=f"{stamp(sent)}.{int(number) if number.isdigit() else 0:06d}",
            msg_type=MsgType.CANCEL if self._ended else MsgType.ALERT,
            status=_STATUS.get(first(self._node, "informationStatus"), Status.TEST),
            texts=texts,
            category="closure" if self._is_closed else "roadworks" if planned else "transport",
            event=datex_words.title(self._code, self._languages[0]),
            response_type=ResponseType.AVOID if self._is_closed else ResponseType.MONITOR,
            severity=severity,
            urgency=Urgency.FUTURE if late or planned else Urgency.IMMEDIATE,
            certainty=_CERTAINTY.get(first(main, "probabilityOfOccurrence"), Certainty.LIKELY),
            sent=sent,
            onset=onset,
            expires=expires,
            area=self._area(),
            area_desc=", ".join(dict.fromkeys(x for x in (road, town) if x)),
            place=", ".join(dict.fromkeys(x for x in (road, town) if x)),
            link=web(*(words(n) for n in inside(self._node, "urlLinkAddress"))),
            cancels=(self._id,) if self._ended else (),
            tags=tuple(dict.fromkeys(t for t in (written, kind, *codes) if t))[:10],
        )

    def _found(self, look: Any) -> Any:
        """The first record's that has one."""
        none = None
        for record in self._records:
            found = look(record)
            if found and found != ("", ""):
                return found
            none = found
        return none

    def _text(self, language: str, said: list[str], road: str, town: str, codes: list[str]) -> Text:
        if language not in self._languages:  # the source's own words, in a language of its own
            first_line = one_line(said[0].partition("\n")[0])
            return Text(shortened(first_line), "\n\n".join(said))
        headline = datex_words.title(self._code, language)
        if self._is_closed and self._code not in _CLOSED:
            headline += f", {datex_words.title('roadClosed', language).lower()}"
        headline += roads.on_road(road, language)
        if said and not (road or town):
            headline += roads.on_road(one_line(said[0].partition("\n")[0]).rstrip("."), language)
        if not town or town not in headline:
            headline += roads.at_place(town, language)
        facts = [pick(datex_words.MEASURES[c], language) for c in dict.fromkeys(codes)
                 if c in datex_words.MEASURES]  # fmt: skip
        for record in self._records:
            limit = first(record, "temporarySpeedLimit", "numericValue")
            facts.append(roads.speed(limit, language))
        hours = self._hours(language)
        parts = [*said, " ".join(f for f in dict.fromkeys(facts) if f), hours]
        if not said and (between := self._found(datex_places.described)):
            parts.append(sentence(between))
        return Text(shortened(headline, 150), "\n\n".join(p for p in parts if p))

    def _own_words(self) -> dict[str, list[str]]:
        """Public comments by language: descriptions, then where it is; short ones on one line."""
        found: dict[str, dict[str, str]] = {}
        for record in self._records:
            for comment in inside(record, "generalPublicComment"):
                kind = text(comment, "commentType")
                if kind not in _NOT_PUBLIC:
                    self._add(found, comment, "2" if kind == "locationDescriptor" else "1")
        if name_of(self._node) == "trafficRegulationOrder":
            for node in children(self._node, "description", "issuingAuthority"):
                self._add(found, node, "1")
        made: dict[str, list[str]] = {}
        for language, rows in found.items():
            short = [s for s, _ in sorted(rows.items(), key=lambda r: r[1]) if "\n" not in s]
            long = [s for s in rows if "\n" in s]
            made[language] = [*long, " ".join(sentence(s) for s in short)] if short else long
        return made

    def _add(self, found: dict[str, dict[str, str]], node: Any, rank: str) -> None:
        for value in inside(node, "value"):
            said = to_text("".join(value.itertext()))
            # The operator's district is of no use to those who drive.
            if said and not said.startswith("DIR "):
                language = (value.get("lang") or self._own)[:2].lower()
                found.setdefault(language, {}).setdefault(said, rank)

    def _times(self) -> tuple[datetime | None, datetime | None]:
        """From the first start to the last end; open where a record is."""
        starts: list[datetime] = []
        ends: list[datetime | None] = []
        for spec in inside(self._node, "validityTimeSpecification"):
            if not self._is_of_a_record(spec):
                continue
            begins, over = self._time(spec, "overallStartTime"), self._time(spec, "overallEndTime")
            for period in children(spec, "validPeriod"):
                begins = begins or self._time(period, "startOfPeriod")
                over = over or self._time(period, "endOfPeriod")
            starts += [begins] if begins else []
            ends.append(over)
        if not starts and (since := self._latest("situationRecordCreationTime")):
            starts.append(since)
        end = max((e for e in ends if e), default=None) if ends and all(ends) else None
        return min(starts, default=None), end

    def _is_of_a_record(self, spec: Any) -> bool:
        above = set(spec.iterancestors())
        order = name_of(self._node) == "trafficRegulationOrder"
        return order or any(record in above for record in self._records)

    def _time(self, node: Any, name: str) -> datetime | None:
        said = text(node, name)
        try:
            return moment(said, self._zone)
        except ValueError:
            self.remarks.append(Wrong("time-wrong", element=name, value=said[:40]))
            return None

    def _latest(self, *names: str) -> datetime | None:
        names = names or ("situationVersionTime", "situationRecordVersionTime",
                          "situationRecordCreationTime")  # fmt: skip
        found = (moment_or_none(words(n), self._zone) for n in inside(self._node, *names))
        return max((f for f in found if f), default=None)

    def _hours(self, language: str) -> str:
        """ "De 21 h à 6 h, lundi et mardi." where a period comes back."""
        said = []
        for period in inside(self._node, "validPeriod"):
            named = [words(n).lower() for n in inside(period, "applicableDay")]
            days = listed(
                (pick(roads.DAYS[n], language) for n in named if n in roads.DAYS), language
            )
            times = [
                (
                    _clock(text(p, "startTimeOfPeriod"), language),
                    _clock(text(p, "endTimeOfPeriod"), language),
                )
                for p in inside(period, "recurringTimePeriodOfDay")
            ]
            row = pick(("de {a} à {b}", "from {a} to {b}", "de {a} a {b}"), language)
            spans = listed((row.format(a=a, b=b) for a, b in times if a and b), language)
            if whole := ", ".join(x for x in (spans, days) if x):
                said.append(sentence(whole))
        return " ".join(dict.fromkeys(said))

    def _severity(self, planned: bool) -> Severity:
        said = {
            words(n) for n in inside(self._node, "overallSeverity", "severity", "overallImpact")
        }
        worst = next((s for s in _GRAVITY if s in said), "")
        found = _SEVERITY.get(worst, Severity.UNKNOWN)
        # Roadworks that close a road are a nuisance, no danger.
        return Severity.MODERATE if planned and found is Severity.SEVERE else found

    def _area(self) -> dict[str, Any] | None:
        shapes = []
        for record in self._records:
            try:
                shapes.append(datex_places.geometry(record))
            except areas.BadArea:
                self.remarks.append(Wrong("place-wrong"))
        return areas.gathered(shapes)


def _codes(record: Any) -> list[str]:
    """What the record says in codes: vehicleObstructionType and its like."""
    skipped = ("commentType", "sourceType", "complianceOption")
    nodes = [n for n in record if name_of(n).endswith("Type") and name_of(n) not in skipped]
    nodes += list(inside(record, "trafficConstrictionType"))
    if (kind := child(record, "typeOfRegulation")) is not None:
        nodes += [n for n in kind.iter() if name_of(n).endswith("Type")]
        return [*(words(n) for n in nodes), xsi_type(kind)]
    return [said for n in nodes if (said := words(n))]


def _is_measure(record: Any) -> bool:
    kind = xsi_type(record) or name_of(record)
    return any(word.lower() in kind.lower() for word in _MEASURES)


def _is_over(record: Any) -> bool:
    cycle = next(inside(record, "lifeCycleManagement"), None)
    return cycle is not None and "true" in (text(cycle, "end"), text(cycle, "cancel"))


def _is_delta(root: Any) -> bool:
    method = first(root, "updateMethod") + first(root, "codedExchangeProtocol")
    return any(word in method for word in ("ElementUpdate", "delta"))


def _clock(said: str, language: str) -> str:
    """ "21:00:00+02:00" as people say it."""
    hours, _, rest = said.partition(":")
    if not hours.isdigit() or not rest[:2].isdigit():
        return ""
    return clock(int(hours), int(rest[:2]), language)
