"""How many people a plan would reach, before it is carried out: phones and phone numbers."""

from collections.abc import Mapping

from sqlalchemy import func
from sqlmodel import Session, col, select

from hub import audience, registry
from hub.contracts import Notice
from hub.models import Contact
from hub.rules.plan import Plan


def of_plan(session: Session, authority_id: int, plan: Plan, notice: Notice) -> dict[str, int]:
    """outlet code → how many it addresses, for outlets that address people one by one."""
    counts: dict[str, int] = {}
    for route in plan.routes:
        if registry.is_display(route.kind):
            continue
        addresses = registry.channel(route.kind).capabilities.addresses
        if addresses == "subscriptions":
            counts[route.outlet] = len(
                audience.phones(session, authority_id, route.audience, notice, route.lane)
            )
        elif addresses == "contacts":
            counts[route.outlet] = session.exec(
                select(func.count()).where(
                    Contact.outlet_id == route.outlet_id, col(Contact.gone).is_(None)
                )
            ).one()
    return counts


def summary(counts: Mapping[str, int]) -> dict[str, int | str]:
    """{"people": 1240, "magnitude": "1000+"}: what a person confirms before a grave notice."""
    people = sum(counts.values())
    return {"people": people, "magnitude": magnitude(people)}


def magnitude(count: int) -> str:
    """The order of magnitude: "0", "1+", "10+", "100+", … (GOV.UK Emergency Alerts asks for the
    same before an alert is approved)."""
    return "0" if count == 0 else f"{10 ** (len(str(count)) - 1)}+"
