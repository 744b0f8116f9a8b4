"""What the codes and names of areas mean in France: departments and regions by INSEE code, NUTS 3,
MeteoAlarm's EMMA_ID, or name. The table is config/geocodes/france.yaml.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Final

import yaml

from hub import settings

_SYSTEMS: Final = {
    "insee": "commune",
    "insee_com": "commune",
    "commune": "commune",
    "code_insee": "commune",
    "department": "department",
    "departement": "department",
    "dep": "department",
    "insee_dep": "department",
    "domain": "department",
    "region": "region",
    "insee_reg": "region",
    "reg": "region",
    "emma_id": "emma",
    "emma": "emma",
    "nuts3": "nuts",
    "nuts2": "nuts",
    "nuts": "nuts",
}


@dataclass(frozen=True, slots=True)
class Meant:
    """Where codes or names point: INSEE codes of communes and departments. `elsewhere`: at least
    one of them is surely outside of France; `known`: at least one was understood."""

    communes: frozenset[str] = frozenset()
    departments: frozenset[str] = frozenset()
    elsewhere: bool = False

    @property
    def known(self) -> bool:
        return bool(self.communes or self.departments or self.elsewhere)

    def touches(self, insee: str) -> bool:
        """Whether it takes in the commune with this INSEE code."""
        return insee in self.communes or department_of(insee) in self.departments


@dataclass(frozen=True, slots=True)
class _Table:
    names: Mapping[str, str]
    regions: Mapping[str, frozenset[str]]
    emma: Mapping[str, frozenset[str]]
    nuts: Mapping[str, str]
    spoken: Mapping[str, frozenset[str]] = field(default_factory=dict)


def department_of(insee: str) -> str:
    """The department of a commune: 38547 is in 38, 97411 in 974, 2A004 in 2A."""
    return insee[:3] if insee.startswith(("97", "98")) else insee[:2]


def name_of(department: str) -> str:
    """Isère for 38; the code itself where there is no such department."""
    return _table().names.get(department, department)


def meant_by(geocodes: Mapping[str, Iterable[str]]) -> Meant:
    """Where geocodes point, by system (valueName in CAP) and codes. Unknown systems say nothing."""
    table = _table()
    communes: set[str] = set()
    departments: set[str] = set()
    elsewhere = False
    for system, codes in geocodes.items():
        kind = _SYSTEMS.get(re.sub(r"[^a-z0-9_]", "", plain(system).replace(" ", "_")))
        for code in (c.strip().upper() for c in codes):
            match kind:
                case "commune" if re.fullmatch(r"[0-9][0-9AB][0-9]{3}", code):
                    communes.add(code)
                case "department":
                    code = code.zfill(2)
                    if code in table.names:
                        departments.add(code)
                    elif code in ("FR", "FRANCE"):
                        departments |= table.names.keys()
                case "region":
                    departments |= table.regions.get(code.zfill(2), frozenset())
                case "emma" | "nuts":
                    found = table.emma.get(code) if kind == "emma" else _nuts(table, code)
                    departments |= found or frozenset()
                    elsewhere = elsewhere or (not found and not code.startswith("FR"))
    return Meant(frozenset(communes), frozenset(departments), elsewhere)


def named_in(text: str) -> Meant:
    """The departments and regions that a list of names is about ("Isère; Savoie"). Each part must
    be a name as a whole: "Salle Loire" is a room, not a department."""
    table = _table()
    departments: set[str] = set()
    for part in re.split(r"[;,/\n]|\bet\b|\band\b", text):
        words = re.sub(r"^(departement|region)s? (de la |de l |du |des |de |d )?", "", plain(part))
        departments |= table.spoken.get(words.strip(), frozenset())
    return Meant(departments=frozenset(departments))


def plain(text: str) -> str:
    """Small letters without accents, words parted by one blank: "Côte-d'Or" is "cote d or"."""
    bare = unicodedata.normalize("NFKD", text.lower()).encode("ascii", "ignore").decode()
    return " ".join(re.findall(r"[a-z0-9_]+", bare))


def _nuts(table: _Table, code: str) -> frozenset[str]:
    """A NUTS 3 code is a department; a shorter one all that begin with it."""
    return frozenset(d for nuts, d in table.nuts.items() if nuts.startswith(code))


def _table() -> _Table:
    return _read(settings.get().config / "geocodes" / "france.yaml")


@lru_cache(maxsize=2)
def _read(path: Path) -> _Table:
    data = yaml.safe_load(path.read_text("utf-8"))
    names = {code: row["name"] for code, row in data["departments"].items()}
    regions: dict[str, set[str]] = {code: set() for code in data["regions"]}
    emma: dict[str, set[str]] = {}
    nuts: dict[str, str] = {}
    spoken: dict[str, set[str]] = {}
    for code, row in data["departments"].items():
        regions[row["region"]].add(code)
        if row.get("emma"):
            emma.setdefault(row["emma"], set()).add(code)
        nuts |= dict.fromkeys(row["nuts"], code)
        spoken.setdefault(plain(row["name"]), set()).add(code)
    for code, name in data["regions"].items():
        spoken.setdefault(plain(name), set()).update(regions[code])
    return _Table(
        names=names,
        regions={code: frozenset(found) for code, found in regions.items()},
        emma={code: frozenset(found) for code, found in emma.items()},
        nuts=nuts,
        spoken={name: frozenset(found) for name, found in spoken.items()},
    )
