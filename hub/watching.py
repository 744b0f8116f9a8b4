"""The watchdog: is what a panel says it shows what this hub told it?

Paris learned in 2017 from social networks that somebody else wrote on its panels. A panel tells
which plan it obeys and the hash of the page on its face; here they are held against what was told.
"""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from hub.incidents import Incidents
from hub.models import DisplayRow

# Kinds that `content` decides alone: what it does not find is over.
DECIDED = ("foreign_plan", "unknown_page", "unknown_notice", "frame_differs", "local", "dark")


def content(
    row: DisplayRow,
    shown: Mapping[str, Any],
    incidents: Incidents,
    told: Collection[str],
    at: datetime,
) -> None:
    """Begin and end the incidents that `shown` tells of. `told`: of the hashes it names, those
    that this hub ever told a panel. Nothing while a plan is under way: what was told is not
    written down yet."""
    if row.lease:
        return
    found = dict(_found(row, shown, told))
    for kind in DECIDED:
        if kind in found:
            incidents.begin(row.authority_id, row.outlet_id, kind, at, **found[kind])
        else:
            incidents.over(row.outlet_id, kind, at)


def hashes(shown: Mapping[str, Any]) -> set[str]:
    """The hashes that a `shown` names."""
    page = shown.get("page") or {}
    return {str(h) for h in (shown.get("hash"), page.get("hash")) if h}


def _found(
    row: DisplayRow, shown: Mapping[str, Any], told: Collection[str]
) -> list[tuple[str, dict[str, Any]]]:
    found: list[tuple[str, dict[str, Any]]] = []
    number, source = int(shown.get("plan_rev") or 0), shown.get("source")
    if number > row.say_no:
        found.append(("foreign_plan", {"plan_rev": number, "last_said": row.say_no}))
    if source == "local":
        found.append(("local", {}))
    if shown.get("face_dark"):
        found.append(("dark", {"light": shown.get("light")}))
    if source != "plan":
        return found
    pages: dict[str, list[str]] = row.evidence.get("pages", {})
    current = number == row.say_no and "pages" in row.evidence
    strange = [
        item
        for item in shown.get("items", ())
        if isinstance(item, dict) and current and item.get("pub") not in pages
    ]
    if strange:
        found.append(("unknown_notice", {"publication": str(strange[0].get("pub"))[:64]}))
    allowed = {h for each in pages.values() for h in each} if current else set(told)
    face, page = shown.get("hash"), (shown.get("page") or {}).get("hash")
    for seen in (face, page):
        if seen and seen not in allowed:
            found.append(("unknown_page", {"hash": seen}))
            return found
    if face and page and face != page:
        found.append(("frame_differs", {"hash": face, "meant": page}))
    return found
