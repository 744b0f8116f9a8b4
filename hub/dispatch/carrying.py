"""What displays were told, written down for many at once: the rows of `carried`, and the deliveries
that follow from them."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlmodel import Session, col, select

from hub.contracts import Said
from hub.dispatch.telling import Telling
from hub.models import Carried, Delivery
from hub.vocabulary import DeliveryState, Intent

_SOMETHING = (
    col(Carried.said_rev).is_not(None)
    | col(Carried.wanted_rev).is_not(None)
    | col(Carried.shown_rev).is_not(None)
)


def write_said(session: Session, said: Sequence[tuple[Telling, Said]], now: datetime) -> None:
    """What each display of a set was told; what it shows, too, where saying is showing."""
    told = {telling.outlet.id or 0: (telling, answer) for telling, answer in said}
    rows = session.execute(
        select(Carried.outlet_id, Carried.publication_id, Carried.shown_rev, col(Carried.since))
        .where(col(Carried.outlet_id).in_(told), _SOMETHING)
        .order_by(col(Carried.outlet_id), col(Carried.publication_id))
    ).all()
    changes: list[dict[str, Any]] = []
    for outlet_id, publication_id, shown_rev, since in rows:
        telling, answer = told[outlet_id]
        refusal = answer.refused.get(publication_id)
        said_rev = None if refusal else telling.revisions.get(publication_id)
        changes.append(
            {
                "outlet_id": outlet_id,
                "publication_id": publication_id,
                "said_rev": said_rev,
                "said_say_no": telling.view.say_no,
                "refused": f"{refusal.reason} {refusal.what_would_fit}".strip() if refusal else "",
                "shown_rev": said_rev if answer.shown else shown_rev,
                "since": now if answer.shown else since,
            }
        )
    if changes:
        session.execute(update(Carried), changes)
    settle(session, told, now)


def settle(session: Session, outlet_ids: Iterable[int], now: datetime) -> None:
    """Bring the deliveries of displays in line with what they say and show."""
    rows = session.execute(
        select(
            Delivery.id, Delivery.state, Delivery.intent, Delivery.revision_no,
            Delivery.reason, col(Delivery.first_at), col(Delivery.opened_at),
            Carried.refused, Carried.shown_rev, Carried.said_rev,
        )  # type: ignore[call-overload]
        .join(
            Carried,
            (col(Carried.outlet_id) == Delivery.outlet_id)
            & (col(Carried.publication_id) == Delivery.publication_id),
        )
        .where(
            col(Delivery.outlet_id).in_(list(outlet_ids)),
            col(Delivery.state).in_([DeliveryState.WAITING, DeliveryState.OPEN]),
        )
        .order_by(col(Delivery.id))
    ).mappings()  # fmt: skip
    changes = [change for row in rows if (change := _settled(row, now))]
    if changes:
        session.execute(update(Delivery), changes)


def _settled(row: Any, now: datetime) -> dict[str, Any] | None:
    """The change of a delivery, None when it stays as it is."""
    wanted = None if row["intent"] == Intent.WITHDRAW else row["revision_no"]
    state, reason, first = row["state"], row["reason"], row["first_at"]
    if row["refused"]:
        state, reason = DeliveryState.FAILED, row["refused"]
    elif row["shown_rev"] == wanted and row["said_rev"] == wanted:
        state, reason, first = DeliveryState.DONE, "", first or now
    elif row["said_rev"] == wanted:
        state = DeliveryState.OPEN
    if state == row["state"]:
        return None
    return {
        "id": row["id"],
        "state": state,
        "reason": reason,
        "first_at": first,
        "changed": now,
        "opened_at": row["opened_at"] or now,
        "closed_at": None if state == DeliveryState.OPEN else now,
    }
