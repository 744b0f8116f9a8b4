"""What Météo-France's forecasters write: bulletins by department, advice by hazard."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.common import Wrong, moment_or_none, stamp
from connectors.departments import NAMES
from connectors.levels import COLOURS, LEVELS, RESPONSE, SAID, SEVERITY, Level, urgency
from connectors.plain import to_text, token
from hub.contracts import Item, Text
from hub.vocabulary import Certainty, MsgType, Status

_NOTHING: Final = frozenset({"", "néant", "néant.", "sans objet", "sans objet."})


def bulletins(
    product: dict[str, Any], wished: set[str], zone: ZoneInfo
) -> Iterator[tuple[str, Item | Wrong]]:
    """An item for each department that has a text (`textesvigilance`); those of France and of the
    zones of defence are the same words for more people."""
    sent = moment_or_none(product.get("update_time"), zone)
    for block in product["text_bloc_items"]:
        code = token(block.get("domain_id")) if isinstance(block, dict) else ""
        if code not in NAMES or (wished and code not in wished):
            continue
        said, levels, times = _words(block, zone)
        if not said:
            continue
        level: Level = max(levels, key=LEVELS.index, default="")
        begins = min((a for a, _ in times if a), default=sent)
        ends = max((b for _, b in times if b), default=None)
        colour = f" ({SAID[level][0]})" if level else ""
        yield (
            code,
            Item(
                external_id=f"bulletin-{code}",
                version=stamp(sent),
                msg_type=MsgType.ALERT,
                status=Status.ACTUAL,
                texts={"fr": Text(f"Bulletin de vigilance{colour} : {NAMES[code]}", said)},
                category="met",
                event="bulletin",
                response_type=RESPONSE[level],
                severity=SEVERITY[level],
                urgency=urgency(level, later=False),
                certainty=Certainty.LIKELY,
                sent=sent,
                onset=begins,
                expires=ends,
                area_desc=NAMES[code],
                geocodes={"department": (code,)},
                link="https://vigilance.meteofrance.fr/",
                level=level,
            ),
        )


def by_phenomenon(product: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Consequences and advice by hazard, as the mobile service gives them."""
    found: dict[str, list[str]] = {}
    for at, key in enumerate(("consequences", "advices")):
        rows = product.get(key)
        for row in rows if isinstance(rows, list) else []:
            if not isinstance(row, dict):
                continue
            said = [v for k, v in row.items() if k.startswith("text")]
            lines = [_clean(x) for v in said for x in (v if isinstance(v, list) else [v])]
            kept = found.setdefault(token(row.get("phenomenon_id")), ["", ""])
            kept[at] = "\n".join(x for x in lines if x)
    return {number: (row[0], row[1]) for number, row in found.items()}


def _words(
    block: dict[str, Any], zone: ZoneInfo
) -> tuple[str, set[Level], list[tuple[datetime | None, datetime | None]]]:
    parts: list[str] = []
    levels: set[Level] = set()
    times = []
    for item in _rows(block, "bloc_items"):
        for text in _rows(item, "text_items"):
            about = token(text.get("hazard_name"))
            for term in _rows(text, "term_items"):
                said = [_subdivision(s) for s in _rows(term, "subdivision_text")]
                lines = [s for s in said if s]
                if not lines:
                    continue
                levels |= {_level(term)} - {""}
                begins, ends = (term.get(f"{edge}_time") for edge in ("start", "end"))
                times.append((moment_or_none(begins, zone), moment_or_none(ends, zone)))
                if about and about.lower() != "tous aléas":
                    lines[0] = f"{about} : {lines[0]}"
                parts += [p for p in lines if p not in parts]
    return "\n\n".join(parts), levels, times


def _subdivision(row: dict[str, Any]) -> str:
    lines = row.get("text")
    said = "\n".join(x for v in (lines if isinstance(lines, list) else [lines]) if (x := _clean(v)))
    title = " ".join(x for k in ("underline_text", "bold_text") if (x := _clean(row.get(k))))
    return f"{title} {said}" if title and said else said


def _level(term: dict[str, Any]) -> Level:
    code = token(term.get("risk_code"))
    if code in ("1", "2", "3", "4"):
        return LEVELS[int(code)]
    return COLOURS.get(token(term.get("risk_name")).lower(), "")


def _clean(value: Any) -> str:
    said = to_text(value) if isinstance(value, str) else ""
    return "" if said.lower() in _NOTHING else said


def _rows(node: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = node.get(name)
    return [row for row in found if isinstance(row, dict)] if isinstance(found, list) else []
