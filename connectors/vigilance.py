"""The Vigilance of Météo-France: hazards by department, for today and tomorrow, in four colours.

Read: the map (`cartevigilance/encours`) and the bulletins (`textesvigilance/encours`) of the public
API DPVigilance v1 (product V6), and the two shapes of the mobile service (`currentphenomenons`,
`full`). Green is an item too: it says that a warning is over, and is otherwise left aside.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, ClassVar, Final, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, field_validator

from connectors import vigilance_texts
from connectors.common import (
    MOST,
    HttpSource,
    SourceOptions,
    Wrong,
    epoch,
    moment,
    moment_of,
    stamp,
)
from connectors.departments import NAMES, located
from connectors.levels import LEVELS, RESPONSE, SEVERITY, Level, urgency
from connectors.plain import token
from connectors.trees import json_document
from connectors.vigilance_words import PHENOMENA, hazard, headline, instruction
from connectors.wording import sentence, span, spoken
from hub.contracts import EntryError, Item, Parsed, SourceUnreadable, Text
from hub.vocabulary import Certainty, MsgType, Status

_LINK: Final = "https://vigilance.meteofrance.fr/"
# The sums of others, no place of their own: France, the zones of defence.
_SUMS: Final = ("FRA", "ZDF")
_PERIOD: Final = "période"
_MOBILE: Final = ("phenomenons_max_colors", "phenomenons_items")
_MOBILE_TIMES: Final = ("update_time", "end_validity_time")
Found: TypeAlias = tuple[str, Item | Wrong]


class VigilanceOptions(SourceOptions):
    key: SecretStr = Field(SecretStr(""), description="Key of the Météo-France API portal.")
    departments: list[str] = Field(
        [],
        description="Departments to read, such as 38 or 2A; the authority's where none is named.",
    )
    insee: str = Field("", max_length=5, description="INSEE code of the authority.")

    @field_validator("departments")
    @classmethod
    def _known(cls, value: list[str]) -> list[str]:
        named = [d.strip().upper().zfill(2) for d in value]
        for code in named:
            if code not in NAMES:
                raise ValueError(f"{code!r} is not a department")
        return named


class Vigilance(HttpSource):
    kind: ClassVar[str] = "vigilance"
    title: ClassVar[str] = "Vigilance Météo-France"
    Options: ClassVar[type[SourceOptions]] = VigilanceOptions
    default_interval_s: ClassVar[int] = 600
    accept = "application/json, */*;q=0.5"
    what = "vigilance"

    def __init__(self, options: VigilanceOptions) -> None:
        super().__init__(options)
        if key := options.key.get_secret_value():
            self.headers = {"apikey": key}
        own = options.insee[: 3 if options.insee.startswith(("97", "98")) else 2]
        self._wished = set(options.departments) or ({own} & NAMES.keys())
        self._languages = spoken(options.language)
        self._zone = ZoneInfo(options.timezone)

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An item for each department, hazard and day (map), department (bulletins), department and
        hazard (mobile). Green ones are named only where departments were chosen, or one is read."""
        document = json_document(self, raw)
        if not isinstance(document, dict):
            raise self.not_ours(raw)
        product = document.get("product", document)
        if not isinstance(product, dict):
            raise self.not_ours(raw)
        if isinstance(product.get("text_bloc_items"), list):
            found: Iterator[Found] = vigilance_texts.bulletins(product, self._wished, self._zone)
            title = "Bulletins de Vigilance Météo-France"
        elif isinstance(product.get("periods"), list):
            found, title = self._map(product), "Carte de Vigilance Météo-France"
        elif "domain_id" in product and any(isinstance(product.get(k), list) for k in _MOBILE):
            found, title = self._mobile(product), "Vigilance Météo-France"
        else:
            raise self.not_ours(raw)
        items: dict[str, Item] = {}
        errors: list[EntryError] = []
        whole = True
        try:
            for name, made in found:
                if isinstance(made, Wrong):
                    # What stood in a period that cannot be read is not over.
                    whole = whole and not name.startswith(_PERIOD)
                    errors.append(EntryError(name, self.say(made.code, **made.values)))
                    continue
                if len(items) >= MOST:
                    rest = self.say("long-feed", count=f"> {MOST}", kept=MOST)
                    errors.append(EntryError(name, rest))
                    whole = False
                    break
                known = items.get(made.external_id)
                if known is None or LEVELS.index(made.level) > LEVELS.index(known.level):
                    items[made.external_id] = made
        except Wrong as wrong:
            raise SourceUnreadable(self.say(wrong.code, **wrong.values)) from wrong
        return Parsed(tuple(sorted(items.values(), key=_grave)), tuple(errors), whole, title)

    def _map(self, product: dict[str, Any]) -> Iterator[Found]:
        sent = _needed(product, "update_time", self._zone)
        for number, period in enumerate(product["periods"], 1):
            name = f"{_PERIOD} {number}"
            try:
                begins = _needed(period, "begin_validity_time", self._zone)
                ends = _needed(period, "end_validity_time", self._zone)
                domains = period["timelaps"]["domain_ids"]
                later = str(period.get("echeance", "J")).upper() not in ("J", "J0")
            except Wrong as wrong:
                yield name, wrong
                continue
            except (KeyError, TypeError):
                yield name, Wrong("element-missing", element="timelaps.domain_ids")
                continue
            date = (ends - timedelta(seconds=1)).astimezone(self._zone).date().isoformat()
            for domain in domains if isinstance(domains, list) else []:
                code = token(domain.get("domain_id")) if isinstance(domain, dict) else ""
                if not code:
                    yield name, Wrong("element-missing", element="domain_id")
                    continue
                if not self._is_wished(code):
                    continue
                for row in _list(domain, "phenomenon_items"):
                    given = {"sent": sent, "begins": begins, "ends": ends, "later": later}
                    yield from self._one(code, row, date, given)

    def _mobile(self, product: dict[str, Any]) -> Iterator[Found]:
        for rows in product.values():  # a country gives its departments inside
            for row in rows if isinstance(rows, list) else []:
                if isinstance(row, dict) and "domain_id" in row:
                    yield from self._domain({k: product.get(k) for k in _MOBILE_TIMES} | row)
        yield from self._domain(product)

    def _domain(self, product: dict[str, Any]) -> Iterator[Found]:
        code = token(product["domain_id"])
        if code.upper().startswith((*_SUMS, "FR")):
            return
        try:
            sent = epoch(product.get("update_time"))
            ends = epoch(product.get("end_validity_time"))
        except ValueError as error:
            raise Wrong("element-wrong", element="update_time", value=str(error)[:40]) from error
        if sent is None:
            raise Wrong("element-missing", element="update_time")
        phases = {
            token(row.get("phenomenon_id")): _list(row, "timelaps_items")
            for row in _list(product, "timelaps")
            if isinstance(row, dict)
        }
        texts = vigilance_texts.by_phenomenon(product)
        for row in _list(product, *_MOBILE):
            if isinstance(row, dict):
                number = token(row.get("phenomenon_id"))
                row = {**row, "timelaps_items": phases.get(number, [])}
            given = {"sent": sent, "begins": sent, "ends": ends, "later": False, "texts": texts}
            yield from self._one(code, row, "", given)

    def _one(self, code: str, row: Any, date: str, given: dict[str, Any]) -> Iterator[Found]:
        number = token(row.get("phenomenon_id")) if isinstance(row, dict) else ""
        name = "-".join(p for p in (code, number, date) if p)
        try:
            if number not in PHENOMENA:
                raise Wrong("element-wrong", element="phenomenon_id", value=number)
            level = _level(row.get("phenomenon_max_color_id"))
            if level != "green" or date == "" or self._wished:
                phases = self._phases(row, level)
                yield name, self._item(name, code, number, level, phases, **given)
        except Wrong as wrong:
            yield name, wrong

    def _item(
        self,
        name: str,
        code: str,
        number: str,
        level: Level,
        phases: list[tuple[datetime, datetime | None]],
        *,
        sent: datetime,
        begins: datetime,
        ends: datetime | None,
        later: bool,
        texts: dict[str, tuple[str, str]] | None = None,
    ) -> Item:
        department, coast = code[:2] if len(code) == 4 else code, len(code) == 4
        place = NAMES.get(department, department)
        starts = min((a for a, _ in phases), default=begins)
        last = max((b for _, b in phases if b), default=ends) if phases else ends
        where = f"sur le littoral ({place})" if coast else located(department)
        about, advice = (texts or {}).get(number, ("", ""))
        made = {}
        for language in self._languages:
            times = sentence(span(starts, last, self._zone, language)) if level != "green" else ""
            own = language == "fr"
            made[language] = Text(
                headline=headline(number, level, where, place, language),
                description="\n\n".join(p for p in (times, about if own else "") if p),
                instruction=(advice if own else "") or instruction(number, level, language),
            )
        return Item(
            external_id=name,
            version=stamp(sent),
            msg_type=MsgType.ALERT,
            status=Status.ACTUAL,
            texts=made,
            category=PHENOMENA[number][1],
            event=hazard(number, self._languages[0]),
            response_type=RESPONSE[level],
            severity=SEVERITY[level],
            urgency=urgency(level, later=later),
            certainty=Certainty.LIKELY,
            sent=sent,
            effective=sent,
            onset=starts,
            expires=last if last is None or last > starts else starts + timedelta(hours=1),
            area_desc=place,
            geocodes={"department": (department,)},
            link=_LINK,
            level=level,
            tags=(hazard(number, "fr"),),
        )

    def _phases(self, row: dict[str, Any], level: Level) -> list[tuple[datetime, datetime | None]]:
        """When the hazard has its gravest colour; an end that is not written is the next start."""
        found: list[tuple[datetime, datetime | None, Level]] = []
        for phase in _list(row, "timelaps_items"):
            try:
                colour = _level(phase.get("color_id"))
                begins, ends = (self._time(phase.get(k)) for k in ("begin_time", "end_time"))
            except (ValueError, AttributeError):
                raise Wrong(
                    "element-wrong", element="timelaps_items", value=str(phase)[:60]
                ) from None
            if begins:
                found.append((begins, ends, colour))
        found.sort(key=lambda f: f[0])
        next_starts = [*(f[0] for f in found[1:]), None]
        return [
            (begins, ends or after)
            for (begins, ends, colour), after in zip(found, next_starts, strict=False)
            if colour == level
        ]

    def _time(self, value: Any) -> datetime | None:
        return epoch(value) if isinstance(value, int | float) else moment(value, self._zone)

    def _is_wished(self, code: str) -> bool:
        if code.startswith(_SUMS):
            return False
        return not self._wished or code in self._wished or code[:2] in self._wished


def _list(node: dict[str, Any], *names: str) -> list[Any]:
    return next((node[n] for n in names if isinstance(node.get(n), list)), [])


def _needed(node: Any, name: str, zone: ZoneInfo) -> datetime:
    found = moment_of(node, name, zone) if isinstance(node, dict) else None
    if found is None:
        raise Wrong("element-missing", element=name)
    return found


def _level(value: Any) -> Level:
    said = token(value)
    if said not in ("1", "2", "3", "4"):
        raise Wrong("element-wrong", element="color_id", value=said)
    return LEVELS[int(said)]


def _grave(item: Item) -> tuple[int, datetime | None, str]:
    return (-LEVELS.index(item.level), item.onset, item.external_id)
