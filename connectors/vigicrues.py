"""Vigicrues: the level of each river reach or territory, in four colours.

Read: InfoVigiCru as GeoJSON (reaches with their line) and as JSON-LD (one bulletin), the RSS of
reaches, and TerEntVigiCru, the list of territories, which announces nothing and is never published.
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, ClassVar, Final, TypeAlias
from zoneinfo import ZoneInfo

from pydantic import Field

from connectors import areas
from connectors.common import (
    HttpSource,
    SourceOptions,
    Wrong,
    mail_moment,
    moment_of,
    moment_or_none,
    stamp,
)
from connectors.gathering import Gathering
from connectors.levels import COLOURS, LEVELS, RESPONSE, SAID, SEVERITY, Level, urgency
from connectors.plain import one_line, to_text, token, web
from connectors.trees import children, inside, is_json, json_document, name_of, text, xml_root
from connectors.wording import Words, pick, spoken
from hub.contracts import Item, Parsed, Text
from hub.vocabulary import Certainty, MsgType, Status, Urgency

_SITE: Final = "https://www.vigicrues.gouv.fr/"
# Bulletins come at 10 h and at 16 h, more often in a flood: one that is a day old says nothing.
_LASTS: Final = timedelta(hours=24)
_FEW: Final = 60
_COLOUR: Final = re.compile(rf"\b({'|'.join(c for c in COLOURS)})\b", re.I)
_LABEL: Final = re.compile(r"\b(?:vigilance|niveau|tronçon|crues?)\b\s*:?", re.I)
_LISTS: Final = re.compile(r"(?:Ter|Tron|Sta)EntVigiCru")
_CODE: Final = re.compile(r"CdEntVigiCru=([A-Za-z0-9]{1,10})")

_HEADLINE: Final[Words] = (
    "Vigilance {level} crues : {name}",
    "{Level} flood warning: {name}",
    "Aviso {level} por crecidas: {name}",
)
_CALM: Final[Words] = (
    "Pas de vigilance crues : {name}", "No flood warning: {name}", "Sin aviso por crecidas: {name}",
)  # fmt: skip
_LISTED: Final[Words] = (
    "Vigicrues : {name}", "Vigicrues: {name}", "Vigicrues: {name}",
)  # fmt: skip
_LONG_AGO: Final = datetime(2000, 1, 1, tzinfo=UTC)
_MEANS: Final[dict[Level, Words]] = {
    "yellow": (
        "Risque de crue ou de montée rapide des eaux, sans dommages importants attendus.",
        "Risk of flooding or of fast rising water; no major damage is expected.",
        "Riesgo de crecida o de subida rápida de las aguas, sin daños importantes previstos.",
    ),
    "orange": (
        "Risque de crue avec débordements importants.",
        "Risk of a flood with major overflowing.",
        "Riesgo de crecida con desbordamientos importantes.",
    ),
    "red": (
        "Risque de crue majeure, menace directe pour les personnes et les biens.",
        "Risk of a major flood, a direct threat to people and property.",
        "Riesgo de crecida mayor, amenaza directa para las personas y los bienes.",
    ),
}
_DO: Final[dict[Level, Words]] = {
    "yellow": (
        "Soyez prudent près des cours d'eau et tenez-vous informé.",
        "Be careful near rivers and keep yourself informed.",
        "Sea prudente cerca de los ríos y manténgase informado.",
    ),
    "orange": (
        "Éloignez-vous des cours d'eau. Ne vous engagez pas sur une voie inondée. "
        "Mettez à l'abri ce qui craint l'eau.",
        "Keep away from rivers. Do not enter a flooded road. Move what fears water to safety.",
        "Aléjese de los ríos. No entre en una vía inundada. Ponga a salvo lo que pueda dañarse.",
    ),
    "red": (
        "Évitez tout déplacement et montez à l'étage si l'eau arrive. "
        "Suivez les consignes des autorités.",
        "Do not travel, and go upstairs if the water comes. "
        "Follow the instructions of the authorities.",
        "Evite todo desplazamiento y suba a un piso alto si llega el agua. "
        "Siga las instrucciones de las autoridades.",
    ),
}
# Its position, its name (empty: which one it was is not known), what it became.
_Found: TypeAlias = tuple[int, str, Item | Wrong]


class VigicruesOptions(SourceOptions):
    reaches: list[str] = Field(
        [], description="Codes of reaches or territories to read, such as AN31; all where none."
    )


class Vigicrues(HttpSource):
    kind: ClassVar[str] = "vigicrues"
    title: ClassVar[str] = "Vigicrues"
    Options: ClassVar[type[SourceOptions]] = VigicruesOptions
    default_interval_s: ClassVar[int] = 600
    accept = "application/geo+json, application/json, application/rss+xml, */*;q=0.5"
    what = "vigicrues"

    def __init__(self, options: VigicruesOptions) -> None:
        super().__init__(options)
        self._wished = {code.strip().upper() for code in options.reaches}
        self._languages = spoken(options.language)
        self._zone = ZoneInfo(options.timezone)

    def parse(self, raw: bytes, received_at: datetime) -> Parsed:
        """An item for each reach or territory. Green ones are named where they are few or chosen;
        among all of France's their absence says the same."""
        if is_json(raw):
            rows, title, complete = self._json(raw)
        else:
            rows, title, complete = self._rss(raw), "Vigicrues", True
        gathering = Gathering(self, complete=complete)
        for number, name, made in rows:
            if isinstance(made, Wrong):
                gathering.refuse(name, made, number)
            else:
                gathering.take(name, partial(_same, made), number)
        parsed = gathering.parsed(title)
        kept = sorted(parsed.items, key=lambda i: (-LEVELS.index(i.level), i.external_id))
        if len(kept) > _FEW and not self._wished:
            kept = [item for item in kept if item.level != "green"]
        return replace(parsed, items=tuple(kept))

    def _json(self, raw: bytes) -> tuple[Iterator[_Found], str, bool]:
        document = json_document(self, raw)
        if not isinstance(document, dict):
            raise self.not_ours(raw)
        bare = {key.rpartition(":")[2]: value for key, value in document.items()}
        features = bare.get("features")
        if isinstance(features, list) and (
            "InfoVigiCru" in str(bare.keys()) or any("NivInfViCr" in _said(f) for f in features)
        ):
            return self._reaches(features, bare.get("DtHrInfoVigiCru")), "Vigicrues", True
        if isinstance(bare.get("InfoVigiCru"), dict | list):
            rows = bare["InfoVigiCru"]
            return self._bulletins(rows if isinstance(rows, list) else [rows]), "Vigicrues", True
        listed = next((v for k, v in bare.items() if _LISTS.fullmatch(k)), None)
        if isinstance(listed, list | dict):
            rows = listed if isinstance(listed, list) else [listed, *_nested(listed)]
            stated = moment_or_none(_scenario(bare).get("DateHeureCreationFichier"), self._zone)
            title = f"Vigicrues : {len(rows)} lieux"
            return self._territories(rows, stated), title, True
        raise self.not_ours(raw)

    def _reaches(self, features: list[Any], issued: Any) -> Iterator[_Found]:
        sent = moment_or_none(issued, self._zone)
        for number, feature in enumerate(features, 1):
            said = _said(feature)
            code = token(said.get("CdEntCru") or said.get("CdEntVigiCru") or said.get("id"))
            if not said or not code:
                yield number, "", Wrong("not-an-object")
                continue
            if not self._is_wished(code, said.get("CdTCC")):
                continue
            place = one_line(str(said.get("lbentcru") or said.get("LbEntCru") or code))
            try:
                level = _level(said.get("NivInfViCr", said.get("NivInfoVigiCru")))
            except Wrong as wrong:
                yield number, code, wrong
                continue
            area = None
            try:
                area = areas.geojson(feature.get("geometry"))
            except areas.BadArea:
                yield number, code, Wrong("place-wrong")
            link = f"{_SITE}troncon/{code}"
            yield number, code, self._item(code, place, level, sent, area=area, link=link)

    def _bulletins(self, rows: list[Any]) -> Iterator[_Found]:
        for number, row in enumerate(rows, 1):
            said = _bare(row)
            about = _bare(said.get("porteSurLEntite"))
            code = token(about.get("CdEntVigiCru") or said.get("RefInfoVigiCru"))
            if not said or not code:
                yield number, "", Wrong("not-an-object")
                continue
            reach = token(about.get("TypEntVigiCru")) == "8"
            name = code if reach else f"territoire-{code}"
            author = _bare(said.get("aEteProduitePar")).get("LbIntervenant")
            place = one_line(str(about.get("LbEntVigiCru") or _basin(author) or code))
            try:
                level = _level(said.get("NivInfoVigiCru"))
                sent = moment_of(said, "DtHrInfoVigiCru", self._zone)
                until = moment_of(said, "DtHrSuivInfoVigiCru", self._zone)
            except Wrong as wrong:
                yield number, name, wrong
                continue
            words = {
                name: to_text(value)
                for name in ("SituActuInfoVigiCru", "ConsInfoVigiCru", "ConseqInfoVigiCru",
                             "EvolInfoVigiCru", "QualifInfoVigiCru")
                if isinstance(value := said.get(name), str)
            }  # fmt: skip
            about_it = [words.get(n, "") for n in
                        ("QualifInfoVigiCru", "SituActuInfoVigiCru", "EvolInfoVigiCru",
                         "ConseqInfoVigiCru")]  # fmt: skip
            yield (
                number,
                name,
                self._item(
                    name,
                    place,
                    level,
                    sent,
                    # The next bulletin may be late.
                    expires=until + timedelta(hours=6) if until else None,
                    description="\n\n".join(x for x in about_it if x),
                    instruction=words.get("ConsInfoVigiCru", ""),
                    link=f"{_SITE}{'troncon' if reach else 'territoire'}/{code}",
                ),
            )

    def _territories(self, rows: list[Any], stated: datetime | None) -> Iterator[_Found]:
        for number, row in enumerate(rows, 1):
            said = _bare(row)
            code, name = (
                token(said.get("CdEntVigiCru")),
                one_line(str(said.get("LbEntVigiCru", ""))),
            )
            if not code or not name:
                yield number, "", Wrong("not-an-object")
                continue
            headline = {x: pick(_LISTED, x).format(name=name) for x in self._languages}
            yield (
                number,
                code,
                Item(
                    external_id=f"liste-{code}",
                    version=stamp(stated),
                    msg_type=MsgType.ALERT,
                    status=Status.ACTUAL,
                    texts={language: Text(said) for language, said in headline.items()},
                    category="flood",
                    urgency=Urgency.PAST,
                    sent=stated,
                    # A list announces nothing: it is over when it is written.
                    expires=stated or _LONG_AGO,
                    area_desc=name,
                    link=web(said.get("LinkInfoCru")),
                    tags=("liste",),
                ),
            )

    def _rss(self, raw: bytes) -> Iterator[_Found]:
        root = xml_root(self, raw)
        if name_of(root) != "rss" or "vigicrue" not in raw.lower().decode("latin-1"):
            raise self.not_ours(raw)
        for number, node in enumerate(inside(root, "item"), 1):
            title, about = one_line(text(node, "title")), to_text(text(node, "description"))
            link = web(text(node, "link"), text(node, "guid"))
            found = _CODE.search(link) or _CODE.search(text(node, "guid"))
            code = found[1] if found else link.rstrip("/").rpartition("/")[2]
            colour = _COLOUR.findall(title) or _COLOUR.findall(about)
            if not code or not colour:
                yield number, code, Wrong("element-missing", element="couleur")
                continue
            if not self._is_wished(code):
                continue
            when = children(node, "pubDate", "date")
            sent = next((d for n in when if (d := _rfc822(n.text, self._zone))), None)
            place = _LABEL.sub("", _COLOUR.sub("", title)).strip(" :–-()")
            level = COLOURS[colour[-1].lower()]
            yield (
                number,
                code,
                self._item(code, place or code, level, sent, description=about, link=link),
            )

    def _item(
        self,
        external_id: str,
        place: str,
        level: Level,
        sent: datetime | None,
        *,
        expires: datetime | None = None,
        description: str = "",
        instruction: str = "",
        area: dict[str, Any] | None = None,
        link: str = "",
    ) -> Item:
        made = {}
        for language in self._languages:
            said = pick(SAID[level], language)
            row = _CALM if level == "green" else _HEADLINE
            own = language == "fr"
            means = pick(_MEANS[level], language) if level in _MEANS else ""
            advice = pick(_DO[level], language) if level in _DO else ""
            made[language] = Text(
                pick(row, language).format(level=said, Level=said.capitalize(), name=place),
                (description if own else "") or means,
                (instruction if own else "") or advice,
            )
        return Item(
            external_id=external_id,
            version=stamp(sent),
            msg_type=MsgType.ALERT,
            status=Status.ACTUAL,
            texts=made,
            category="flood",
            event=pick(("crues", "flood", "crecidas"), self._languages[0]),
            response_type=RESPONSE[level],
            severity=SEVERITY[level],
            urgency=urgency(level, later=False),
            certainty=Certainty.LIKELY,
            sent=sent,
            effective=sent,
            expires=expires or (sent + _LASTS if sent else None),
            area=area,
            area_desc=place,
            link=link,
            level=level,
        )

    def _is_wished(self, *codes: Any) -> bool:
        return not self._wished or any(token(code).upper() in self._wished for code in codes)


def _rfc822(value: str | None, zone: ZoneInfo) -> datetime | None:
    try:
        return mail_moment(value or "", zone)
    except ValueError:
        return moment_or_none(value, zone)


def _said(feature: Any) -> dict[str, Any]:
    said = feature.get("properties") if isinstance(feature, dict) else None
    return said if isinstance(said, dict) else {}


def _bare(node: Any) -> dict[str, Any]:
    """An object of JSON-LD without the prefixes of its names."""
    if not isinstance(node, dict):
        return {}
    return {key.rpartition(":")[2]: value for key, value in node.items()}


def _nested(node: dict[str, Any]) -> list[Any]:
    """The reaches of a territory: what stands one level below it."""
    below = _bare(node).get("aNMoinsUn")
    return below if isinstance(below, list) else []


def _scenario(bare: dict[str, Any]) -> dict[str, Any]:
    return _bare(bare.get("Scenario"))


def _basin(author: Any) -> str:
    """The name of the basin in that of its service."""
    return re.sub(r"^.*Pr[ée]vision des Crues\s*", "", author) if isinstance(author, str) else ""


def _level(value: Any) -> Level:
    said = token(value)
    if said not in ("1", "2", "3", "4"):
        raise Wrong("element-wrong", element="NivInfoVigiCru", value=said)
    return LEVELS[int(said)]


def _same(item: Item, _remarks: list[Wrong]) -> Item:
    return item
