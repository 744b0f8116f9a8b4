"""A provider in trouble (an SMS operator, an instance of Mastodon) is left alone as a push host is:
one row of `Breaker` for each outlet, so that all workers and all its deliveries know.

It opens with the first answer "not now" (no answer, too many, in maintenance), for 2, 4, 8 … 300 s
or as long as the provider asks. Then a single address asks: any other answer closes it, and whoever
waits is due at once. What fails meanwhile uses up none of an address's own tries.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import update
from sqlmodel import Session, col

from hub import clock, db
from hub.contracts import Outcome, Verdict
from hub.dispatch import hosts
from hub.models import Delivery
from hub.vocabulary import DeliveryState

if TYPE_CHECKING:
    from hub.dispatch.messengers import Speaking


def name_of(speaking: "Speaking") -> str:
    """ "authority/outlet": no push host holds a stroke."""
    return f"{speaking.notice.authority}/{speaking.outlet.code}"


def standing(speaking: "Speaking") -> hosts.Standing:
    """How the outlet's provider stands; whoever comes when its pause is over is its probe."""
    with db.reading(db.EVERYWHERE) as session:
        if not hosts.any_open(session):
            return hosts.Standing()
    with db.writing(db.EVERYWHERE) as session:
        return hosts.standing(session, [name_of(speaking)])


def pause(speaking: "Speaking", before: hosts.Standing) -> timedelta | None:
    """How long to leave it alone; None: go on."""
    name = name_of(speaking)
    if name in before.alone and name not in before.probed:
        return timedelta(seconds=before.alone[name])
    return None


def judge(
    session: Session, speaking: "Speaking", outcomes: Sequence[Outcome], before: hosts.Standing
) -> None:
    """Open or close the breaker by what the provider just answered."""
    name = name_of(speaking)
    tired = [outcome for outcome in outcomes if outcome.verdict is Verdict.LATER]
    if tired:
        asked = max(outcome.retry_after or 0.0 for outcome in tired)
        hosts.leave(session, name, hosts.Tally(retry_after=asked, reason=tired[0].reason))
    elif name in before.known:
        hosts.trust(session, name)
        session.execute(
            update(Delivery)
            .where(
                col(Delivery.outlet_id) == speaking.outlet.id,
                col(Delivery.state) == DeliveryState.OPEN,
                col(Delivery.lease) == "",
                col(Delivery.due_at) > clock.now(),
            )
            .values(due_at=clock.now())
            .execution_options(synchronize_session=False)
        )
