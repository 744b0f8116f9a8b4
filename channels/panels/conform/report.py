"""The report: one JSON document, and the same as a page that an installer reads and prints."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

import yaml
from babel.dates import format_date, format_time
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from channels.panels.conform.check import CHECKS

HERE: Final = Path(__file__).parent
LOCALES: Final = ("fr", "en", "es")
MARKS: Final = {"passed": "✓", "failed": "✗", "not_applicable": "–", "not_run": "·"}
# What an installer knows the device by.
TOLD: Final = (
    "model", "serial", "fw", "columns", "lines", "w_px", "h_px", "colour", "glyphs", "formats",
    "modes", "max_pages", "max_items", "max_bytes", "commands", "proof", "key",
)  # fmt: skip


def html(report: dict[str, Any], locale: str) -> str:
    """The page, in French, English or Spanish; it needs nothing else. Times are of the plan's own
    zone where the panel named one, else of Paris."""
    said = locale if locale in LOCALES else "fr"
    which = LOCALES.index(said)

    def word(group: str, key: str, **values: Any) -> str:
        return str(words()[group][key][which]).format(**values)

    def phrase(told: dict[str, Any] | None) -> str:
        return sentence(told, said)

    groups: dict[str, list[dict[str, Any]]] = {}
    modules = {c.name: c.run.__module__.rpartition(".")[2] for c in CHECKS}
    for row in report["checks"]:
        groups.setdefault(modules[row["check"]], []).append(row)
    zone = ZoneInfo("Europe/Paris")
    began, ended = (datetime.fromisoformat(report[k]).astimezone(zone) for k in ("began", "ended"))
    region = "en_GB" if said == "en" else said
    birth = report["birth"] or {}
    told = {k: birth[k] for k in TOLD if birth.get(k) not in (None, "", [])}
    signed = words()["page"]["signed" if said == "fr" else f"signed_{said}"]
    page: str = _template().render(
        r=report,
        lang=said,
        word=word,
        phrase=phrase,
        groups=groups,
        marks=MARKS,
        failed=[row for row in report["checks"] if row["outcome"] == "failed"],
        told={k: ", ".join(map(str, v)) if isinstance(v, list) else v for k, v in told.items()},
        day=format_date(began, format="long", locale=region),
        from_=format_time(began, format="short", locale=region),
        to=format_time(ended, format="short", locale=region),
        signed=signed,
    )
    return page


def text(row: dict[str, Any], locale: str = "en") -> str:
    """A check in one line, for the terminal."""
    which = LOCALES.index(locale if locale in LOCALES else "en")
    line = f"{MARKS[row['outcome']]} {words()['checks'][row['check']][which]}"
    if row["outcome"] == "failed":
        told = words()["page"]
        line += (
            f"\n    {told['expected'][which]}: {sentence(row['expected'], locale)}"
            f"\n    {told['observed'][which]}: {sentence(row['observed'], locale)}"
        )
    elif row["why"]:
        line += f" ({sentence(row['why'], locale)})"
    return line


def sentence(told: dict[str, Any] | None, locale: str) -> str:
    """A phrase of a report in a language."""
    if told is None:
        return ""
    which = LOCALES.index(locale if locale in LOCALES else "en")
    values = {k: _plain(v) for k, v in told["values"].items()}
    return str(words()["phrases"][told["key"]][which]).format(**values)


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((HERE / "words.yaml").read_text("utf-8"))
    return data


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} = {v}" for k, v in value.items())
    return str(value)


@lru_cache(maxsize=1)
def _template() -> Any:
    jinja = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template("report.html")
