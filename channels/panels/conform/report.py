"""The report: one JSON document, and the same as a page that an installer reads and prints."""

from datetime import datetime
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from babel.dates import format_date, format_time

from channels.panels import paper
from channels.panels.conform.check import CHECKS

HERE: Final = Path(__file__).parent
MARKS: Final = {"passed": "✓", "failed": "✗", "not_applicable": "–", "not_run": "·"}
# What an installer knows the device by.
TOLD: Final = (
    "model", "serial", "fw", "columns", "lines", "w_px", "h_px", "colour", "glyphs", "formats",
    "modes", "max_pages", "max_items", "max_bytes", "commands", "proof", "key",
)  # fmt: skip


def html(report: dict[str, Any], locale: str) -> str:
    """The page, in French, English or Spanish; it needs nothing else. Hours are those of Paris."""
    said = paper.tongue(locale)
    which = paper.LOCALES.index(said)

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
    region = paper.region(said)
    birth = report["birth"] or {}
    told = {k: birth[k] for k in TOLD if birth.get(k) not in (None, "", [])}
    signed = words()["page"]["signed" if said == "fr" else f"signed_{said}"]
    page: str = paper.template(HERE / "report.html").render(
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
    which = paper.LOCALES.index(paper.tongue(locale, "en"))
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
    which = paper.LOCALES.index(paper.tongue(locale, "en"))
    values = {k: _plain(v) for k, v in told["values"].items()}
    return str(words()["phrases"][told["key"]][which]).format(**values)


def words() -> dict[str, Any]:
    """words.yaml: of each phrase the three languages."""
    return paper.words(HERE / "words.yaml")


def _plain(value: Any) -> str:
    if isinstance(value, dict):
        return ", ".join(f"{k} = {v}" for k, v in value.items())
    return str(value)
