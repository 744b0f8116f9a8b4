"""`make bench`: runs the measures, keeps them in var/bench.json, prints them; `--page` writes
docs/performance.md from that file.

A measure is a module bench_NAME.py here with `run()`, which gives rows of the shape of
`measure.row`. No test asserts a time: what is slow is read here, by a person.

Run: python -m tests.benchmarks.run [NAME …] [--page]
"""

import argparse
import json
import os
import platform
import time
import traceback
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
PAGE = HERE.parents[1] / "docs" / "performance.md"
Measures = dict[str, dict[str, Any]]

HEAD = """# How fast it is

Every figure here is measured by `make bench` and written by `make bench-page`; nothing is typed by
hand. Ours, peer and limit take turns within the same minutes on the same machine, so that a busy
machine slows all of them alike; a figure is the median.

- **Ours** is the product as it runs, with its plan, its ledger and its checks.
- **Peer** is the usual library for the same task, where there is one.
- **Limit** is the least that the same bytes could take: a bare loop without any of our promises.

A ratio is ours divided by theirs: for a duration less is better, for a unit that ends in `/s` more.
"""


def names() -> list[str]:
    """All measures, in the order they run."""
    return sorted(path.stem.removeprefix("bench_") for path in HERE.glob("bench_*.py"))


def module(name: str) -> Any:
    return import_module(f"tests.benchmarks.bench_{name}")


def machine() -> dict[str, Any]:
    """What the figures depend on."""
    processor = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        lines = cpuinfo.read_text().splitlines()
        processor = next((x.split(": ")[1] for x in lines if x.startswith("model name")), processor)
    return {
        "cores": len(os.sched_getaffinity(0)),
        "load": round(os.getloadavg()[0], 1),
        "processor": processor,
        "python": platform.python_version(),
        "system": platform.system(),
        "date": datetime.now(UTC).date().isoformat(),
    }


def words(of: dict[str, Any]) -> str:
    return (
        f"{of['cores']} cores ({of['processor']}), {of['system']}, Python {of['python']}, "
        f"{of['date']}, load {of['load']} at the start"
    )


def kept(path: Path) -> Measures:
    """What earlier runs measured, by name."""
    measures: Measures = json.loads(path.read_text()) if path.exists() else {}
    return measures


def keep(path: Path, name: str, of: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    """Replace one measure in the file; the others stay."""
    path.parent.mkdir(parents=True, exist_ok=True)
    measures = kept(path) | {name: {"machine": of, "rows": rows}}
    path.write_text(json.dumps(measures, indent=1, ensure_ascii=False) + "\n")


def table(rows: list[dict[str, Any]]) -> Table:
    made = Table(show_edge=False, pad_edge=False)
    for title in ("", "ours", "peer", "limit", "unit", "to peer", "to limit"):
        made.add_column(title, justify="left" if title in ("", "unit") else "right")
    for row in rows:
        made.add_row(*cells(row))
    return made


def cells(row: dict[str, Any]) -> list[str]:
    def text(value: float | None, after: str = "") -> str:
        if value is None:
            return "–"
        return (f"{value:,}" if value >= 1000 else str(value)) + after

    figures = [text(row[key]) for key in ("ours", "peer", "limit")]
    ratios = [text(row[key], " ×") for key in ("ratio_to_peer", "ratio_to_limit")]
    return [row["name"], *figures, row["unit"], *ratios]


def page(measures: Measures) -> str:
    """docs/performance.md: for each measure its module's own words, its machine, its figures."""
    parts = [HEAD]
    for name in names():
        if name not in measures:
            continue
        title, _, about = (module(name).__doc__ or name).partition("\n")
        about = about.partition("\nRun: ")[0].strip()
        rows = measures[name]["rows"]
        lines = ["| | ours | peer | limit | unit | to peer | to limit |"]
        lines.append("| --- | ---: | ---: | ---: | --- | ---: | ---: |")
        lines += ["| " + " | ".join(cells(row)) + " |" for row in rows]
        notes = [f"- {row['name']}: {row['conditions']}" for row in rows]
        where = f"Measured on {words(measures[name]['machine'])} (`make bench ONLY={name}`)."
        parts += [f"## {title.strip().rstrip('.')}", about, where, "\n".join(lines)]
        parts.append("\n".join(notes))
    return "\n\n".join(part.strip() for part in parts) + "\n"


def main(words_given: list[str] | None = None) -> int:
    """The exit code: 1 when a measure broke off; the others are kept."""
    parser = argparse.ArgumentParser(prog="tests.benchmarks.run", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(names()))
    parser.add_argument("--page", action="store_true", help="write docs/performance.md, run none")
    given = parser.parse_args(words_given)
    path = Path(os.environ.get("TAMBOUR_DATA", "var")) / "bench.json"
    console = Console()
    if given.page:
        PAGE.write_text(page(kept(path)))
        console.print(f"{PAGE.name} now says what {path} holds.")
        return 0
    unknown = sorted(set(given.names) - set(names()))
    if unknown:
        parser.error(f"no measure {', '.join(unknown)}; there are {', '.join(names())}")
    broken = []
    for name in given.names or names():
        of, began = machine(), time.monotonic()
        console.print(f"\n[bold]{name}[/bold]  {words(of)}")
        try:
            rows = module(name).run()
        except Exception:
            broken.append(name)
            console.print(traceback.format_exc(), markup=False)
            continue
        keep(path, name, of, rows)
        console.print(table(rows))
        for row in rows:
            console.print(f"  {row['name']}: {row['conditions']}", style="dim", highlight=False)
        console.print(f"  {time.monotonic() - began:.0f} s", style="dim")
    console.print(f"\nKept in {path}; `make bench-page` writes docs/performance.md from it.")
    if broken:
        console.print(f"Broke off: {', '.join(broken)}.", style="bold")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
