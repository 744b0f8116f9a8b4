"""What displays were told, written down for many at once: the rows of `carried`, and the deliveries
that follow from them. The number of statements grows with what differs between the displays, not
with how many they are.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import case, func, null, select, update
from sqlmodel import Session, col

from hub.contracts import Said
from hub.dispatch.among import among
from hub.dispatch.telling import Telling
from hub.models import Carried, Delivery, DisplayRow
from hub.vocabulary import DeliveryState, Intent

_SOMETHING = (
    col(Carried.said_rev).is_not(None)
    | col(Carried.wanted_rev).is_not(None)
    | col(Carried.shown_rev).is_not(None)
)
_UNSEEN = {"synchronize_session": False}


@dataclass(slots=True)
class Group:
    """Displays that were told the same and answered alike."""

    telling: Telling
    said: Said
    outlets: list[int] = field(default_factory=list)
    attempts: list[int] = field(default_factory=list)


def groups(told: Sequence[tuple[Telling, Said]]) -> list[Group]:
    """What a set was told, put together. Mappings that are one object are the same."""
    found: dict[Any, Group] = {}
    for telling, said in told:
        key = (
            id(telling.revisions), id(said.refused) if said.refused else 0, id(said.evidence),
            said.next_change_at,
        )  # fmt: skip
        group = found.setdefault(key, Group(telling, said))
        group.outlets.append(telling.outlet.id)
        group.attempts.append(telling.attempt_id)
    return list(found.values())


def write_said(session: Session, told: Sequence[Group], now: datetime) -> None:
    """What each display of a set was told; what it shows, too, where saying is showing."""
    say_no = (
        select(col(DisplayRow.say_no))
        .where(col(DisplayRow.outlet_id) == col(Carried.outlet_id))
        .scalar_subquery()
    )
    for group in told:
        refused = group.said.refused
        words = {
            publication: f"{why.reason} {why.what_would_fit}".strip()
            for publication, why in refused.items()
        }
        carried = {p: r for p, r in group.telling.revisions.items() if p not in refused}
        publication: Any = col(Carried.publication_id)
        said_rev: Any = case(carried, value=publication, else_=null()) if carried else null()
        changes: dict[str, Any] = {
            "said_rev": said_rev,
            "said_say_no": say_no,
            "refused": case(words, value=publication, else_="") if words else "",
        }
        if group.said.shown:
            changes |= {"shown_rev": said_rev, "since": now}
        session.execute(
            update(Carried)
            .where(among(col(Carried.outlet_id), group.outlets), _SOMETHING)
            .values(changes)
            .execution_options(**_UNSEEN)
        )
    settle(session, [outlet for group in told for outlet in group.outlets], now)


def settle(session: Session, outlet_ids: Sequence[int], now: datetime) -> None:
    """Bring the deliveries of displays in line with what they say and show."""
    over = {"changed": now, "closed_at": now, "opened_at": func.coalesce(Delivery.opened_at, now)}
    wanted: Any = case(
        (col(Delivery.intent) == Intent.WITHDRAW, null()), else_=Delivery.revision_no
    )
    said = col(Carried.said_rev).is_not_distinct_from(wanted)
    shown = col(Carried.shown_rev).is_not_distinct_from(wanted)
    refused = col(Carried.refused) != ""
    steps: tuple[tuple[Any, dict[str, Any]], ...] = (
        (refused, {"state": DeliveryState.FAILED, "reason": Carried.refused, **over}),
        (
            said & shown,
            {
                "state": DeliveryState.DONE,
                "reason": "",
                "first_at": func.coalesce(Delivery.first_at, now),
                **over,
            },
        ),
        (
            said & (col(Delivery.state) == DeliveryState.WAITING),
            {"state": DeliveryState.OPEN, **over, "closed_at": None},
        ),
    )
    for condition, values in steps:
        session.execute(
            update(Delivery)
            .where(
                among(col(Delivery.outlet_id), outlet_ids),
                col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
                col(Carried.outlet_id) == col(Delivery.outlet_id),
                col(Carried.publication_id) == col(Delivery.publication_id),
                condition,
            )
            .values(values)
            .execution_options(**_UNSEEN)
        )
