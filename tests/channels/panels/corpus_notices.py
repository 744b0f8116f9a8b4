"""The corpus of municipal notices: corpus/*.yaml as Notices."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from hub.contracts import Notice, Text
from hub.vocabulary import ResponseType, Severity
from tests.fakes.notices import water_cut

HERE = Path(__file__).parent / "corpus"
YEAR = 2026
PARIS = ZoneInfo("Europe/Paris")
CAP = {
    "water": "Infra", "power": "Infra", "infra": "Infra", "closure": "Transport",
    "roadworks": "Transport", "transport": "Transport", "weather": "Met", "flood": "Met",
    "safety": "Safety", "fire": "Fire", "health": "Health", "waste": "Env", "env": "Env",
    "missing": "Rescue", "rescue": "Rescue", "geo": "Geo", "security": "Security",
    "cbrne": "CBRNE",
}  # fmt: skip


@dataclass(frozen=True)
class Entry:
    """A line of the corpus, as it is written there; times are local."""

    file: str
    language: str
    what: str
    where: str
    do: str
    onset: datetime | None
    expires: datetime
    notice: Notice


@cache
def entries() -> tuple[Entry, ...]:
    return tuple(entry for path in sorted(HERE.glob("*.yaml")) for entry in _read(path))


def _read(path: Path) -> Iterator[Entry]:
    data = yaml.safe_load(path.read_text("utf-8"))
    for head, lines in data["notices"].items():
        category, severity, response = head.split()
        for number, line in enumerate(lines.strip().split("\n")):
            what, where, do, times = (part.strip() for part in line.split(" | "))
            begin, end = times.split(" / ")
            onset = _local(begin) if begin != "-" else None
            expires = _local(end)
            if onset and expires <= onset:
                expires = expires.replace(year=YEAR + 1)
            notice = water_cut(
                publication=f"{path.stem}-{category}-{severity}-{number}",
                category=category,
                cap_category=CAP.get(category, "Other"),
                severity=Severity(severity),
                response_type=ResponseType(response),
                sent=((onset or expires) - timedelta(days=3)).astimezone(UTC),
                onset=onset.astimezone(UTC) if onset else None,
                expires=expires.astimezone(UTC),
                texts={data["language"]: Text(what, instruction=do)},
                area_desc=where,
            )
            yield Entry(path.stem, data["language"], what, where, do, onset, expires, notice)


def _local(text: str) -> datetime:
    return datetime.fromisoformat(f"{YEAR}-{text}").replace(tzinfo=PARIS)
