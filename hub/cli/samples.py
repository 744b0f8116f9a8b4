"""sources samples: a folder of recorded inputs, each read as the kind it seems to be."""

import re
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from hub import clock, registry, sandbox
from hub.cli.app import AsJson, say
from hub.cli.sources import group, judged
from hub.contracts import SourceUnreadable

_STARTS: Final = re.compile(rb"^BEGIN:VEVENT\r?$.*?^DTSTART[^:\r\n]*:(\d{4})\d{4}", re.M | re.S)
# An agenda is looked at from the first day of its first year, for two years.
_WIDE: Final = {"days_ahead": 730, "most": 5000, "most_of_a_series": 1000}


@group.command()
def samples(
    folder: Annotated[
        Path,
        typer.Argument(
            exists=True, file_okay=False, help="Folder of files, read with its subfolders."
        ),
    ],
    authority: Annotated[str, typer.Option(help="Code of the authority to judge for.")] = "",
    at: Annotated[str, typer.Option(help="One moment for all (RFC 3339).")] = "",
    as_json: AsJson = False,
) -> None:
    """What each file of a folder gives: its kind, its entries and what would become of them.

    The kind is the one whose name the folder has, else the one that reads the file best. The moment
    is the earliest one of the file, so that recorded alerts are judged as if they were new.
    """
    owner, moment = judged(authority, at, as_json)
    rows = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != "README.md"):
        row = _row(path, owner, moment)
        rows.append(row)
        if not as_json:
            say({}, False, _line(row, folder))
    if as_json:
        say({"files": rows}, True, "")
    raise typer.Exit(0 if rows else 2)


def _row(path: Path, owner: Any, at: datetime | None) -> dict[str, Any]:
    trying = import_module("hub.trying")
    began = clock.monotonic()
    raw = path.read_bytes()
    kind, when = _guess(path, raw)
    row: dict[str, Any] = {"file": str(path), "kind": kind, "exit": 2, "reason": "no kind reads it"}
    if kind:
        fields = registry.connector(kind).Options.model_fields
        wide = {name: value for name, value in _WIDE.items() if name in fields}
        answer = trying.read(
            kind, str(path), at=at or when, authority=owner, options=wide
        ).as_json()
        row |= {name: answer[name] for name in ("at", "exit", "count", "would", "errors")}
        row["reason"] = (answer["error"] or {}).get("reason", "")
        row["headlines"] = [
            next(iter(i["texts"].values()), {"headline": ""})["headline"] for i in answer["items"]
        ]
    return row | {"seconds": round(clock.monotonic() - began, 2)}


def _guess(path: Path, raw: bytes) -> tuple[str, datetime]:
    """(kind, moment to judge at); no kind where none reads it."""
    now = clock.now()
    kinds = list(registry.kinds("connectors"))
    named = [k for k in kinds if re.sub(r"\W|_", "", k) in re.sub(r"\W|_", "", path.parent.name)]
    if (found := _STARTS.findall(raw)) and "ical" in kinds:
        first = min(int(year) for year in found)
        return "ical", datetime(max(first, 1971), 1, 1, tzinfo=UTC)
    try:
        guesses = sandbox.guess_bounded(named if len(named) == 1 else kinds, raw, now)
    except SourceUnreadable:
        guesses = []
    guesses.sort(key=lambda g: g.kind not in named)
    if not guesses:
        return next(iter(named), ""), now
    first_of = guesses[0].first
    begun = datetime.fromisoformat(first_of) + timedelta(minutes=1) if first_of else now
    return guesses[0].kind, begun


def _line(row: dict[str, Any], folder: Path) -> str:
    name = str(Path(row["file"]).relative_to(folder))
    would = ", ".join(f"{n} {do}" for do, n in sorted(row.get("would", {}).items()))
    refused = f", {len(row['errors'])} refused" if row.get("errors") else ""
    told = row["reason"] or f"{row['count']} entries{': ' + would if would else ''}{refused}"
    return f"{name[:56]:56} {row['kind'] or '?':11} {row['exit']} {row['seconds']:5.1f} s  {told}"
