"""Who follows: the phones of an audience, as sorted ids; and how many, before sending."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlmodel import Session, col, select

from hub.contracts import Notice
from hub.models import Follow, Station, Subscription
from hub.rules.plan import Audience
from hub.vocabulary import SEVERITY_ORDER, Lane, Severity


def phones(
    session: Session, authority_id: int, audience: Audience, notice: Notice, lane: str
) -> NDArray[np.int64]:
    """Sorted, distinct ids of the subscriptions to tell. Wished categories and the minimum severity
    never filter urgent; dormant phones are told urgent things only."""
    urgent = lane == Lane.URGENT
    statement: Any = (
        select(Follow.subscription_id, Follow.categories, Subscription.min_severity)
        .join(Subscription, col(Subscription.id) == Follow.subscription_id)
        .where(
            Follow.authority_id == authority_id,
            col(Subscription.state).in_(["active", "dormant"] if urgent else ["active"]),
        )
    )
    if not audience.everyone:
        codes = sorted(audience.stations)
        statement = statement.join(Station, col(Station.id) == Follow.station_id).where(
            col(Station.code).in_(codes)
        )
    rows: Sequence[tuple[int, list[str], str]] = session.exec(statement).all()
    weight = SEVERITY_ORDER[notice.severity]
    kept = {
        subscription_id
        for subscription_id, wished, least in rows
        if urgent
        or (
            (not audience.wishes or not wished or notice.category in wished)
            and (notice.severity is Severity.UNKNOWN or weight >= _rank(least))
        )
    }
    return np.array(sorted(kept), np.int64)


def _rank(severity: str) -> int:
    return SEVERITY_ORDER.get(Severity(severity), 0)
