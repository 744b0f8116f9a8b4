"""Makers of facts and rules for the tests of this folder. The town is Villard-Bonnot (Isère)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hub.rules import loading
from hub.rules.plan import Facts, OutletFacts, Plan
from hub.rules.ruleset import RuleSet

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)  # a Monday, 10:00 in Villard-Bonnot
SQUARE = [[5.88, 45.23], [5.9, 45.23], [5.9, 45.25], [5.88, 45.25], [5.88, 45.23]]
AREA = {"type": "Polygon", "coordinates": [SQUARE]}


def outlet(number: int, kind: str = "panel", **more: Any) -> OutletFacts:
    tags = frozenset(more.pop("tags", ()))
    return OutletFacts(
        id=number, code=f"{kind}-{number}", name=f"{kind} {number}", kind=kind, tags=tags, **more
    )


def facts(*outlets: OutletFacts, **more: Any) -> Facts:
    """Facts of an ordinary notice; keywords of Facts as they are, any other is a field of the
    publication."""
    given = {
        "authority": {"code": "villard-bonnot", "name": "Villard-Bonnot"},
        "expires": NOW + timedelta(days=2),
        "now": NOW,
    }
    publication: dict[str, Any] = {
        "status": "actual",
        "scope": "public",
        "category": "roadworks",
        "severity": "Minor",
        "station": "mairie",
    }
    for name, value in more.items():
        (given if name in Facts.model_fields else publication)[name] = value
    return Facts(publication=publication, outlets=outlets, **given)


def rules(text: str) -> RuleSet:
    return loading.parse(text, "rules.yaml")


def route(plan: Plan, number: int = 1) -> Any:
    found = plan.route_to(number)
    assert found is not None, plan.left_out
    return found


def why_not(plan: Plan, number: int = 1) -> str:
    return next(left.reason for left in plan.left_out if left.outlet_id == number)
