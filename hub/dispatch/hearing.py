"""What a slice heard, and what follows: for its phones, its hosts and its delivery's counters."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from math import ceil
from typing import Any

import numpy as np
from sqlalchemy import String, and_, bindparam, case, func, update
from sqlmodel import Session, col, select

from hub import audience, clock
from hub.contracts import Outcome, Target, Verdict
from hub.dispatch import hosts
from hub.models import Delivery, Shard, Subscription

HOST_REFUSES_US = "host-refuses-us"  # how channels.push begins such a reason
_ROUND = 1_000_000  # the round of a retry is kept in its shard number
_LONGEST_WAIT_S = 300.0
_DORMANT_AFTER = 20
_DORMANT_DAYS = 14


@dataclass(slots=True)
class Heard:
    """`later`: who is asked again, by pause in whole seconds; `unlucky`: who of them was tried, on
    a host that is well; `refused`: the reason of the first refusal; `refusing`: the host that
    refuses us."""

    accepted: list[int] = field(default_factory=list)
    gone: list[int] = field(default_factory=list)
    later: dict[float, list[int]] = field(default_factory=dict)
    unlucky: list[int] = field(default_factory=list)
    rejected: int = 0
    refused: str = ""
    refusing: str = ""
    tallies: dict[str, hosts.Tally] = field(default_factory=dict)


def sort_out(
    ids: Sequence[int],
    targets: Sequence[Target],
    outcomes: Sequence[Outcome],
    held: Mapping[float, list[int]],
    watched: bool = False,
) -> Heard:
    """401 and 403 are our fault, not the phone's: its host is left alone for a while and a person
    is told, but nobody is dropped. `watched`: some host of the slice has a breaker."""
    heard = Heard(later={pause: list(phones) for pause, phones in held.items()})
    tried: list[tuple[int, str]] = []
    for phone, target, outcome in zip(ids, targets, outcomes, strict=True):
        verdict = outcome.verdict
        if verdict is Verdict.ACCEPTED:
            heard.accepted.append(phone)
            continue
        host = hosts.host_of(target.address)
        tally = heard.tallies.setdefault(host, hosts.Tally())
        if verdict is Verdict.GONE:
            heard.gone.append(phone)
            tally.answers += 1
        elif outcome.reason.startswith(HOST_REFUSES_US) or verdict is Verdict.LATER:
            refuses = outcome.reason.startswith(HOST_REFUSES_US)
            pause = _LONGEST_WAIT_S if refuses else float(ceil(outcome.retry_after or 0))
            heard.later.setdefault(pause, []).append(phone)
            tried.append((phone, host))
            heard.refusing = outcome.reason if refuses else heard.refusing
            tally.misses += 1
            tally.retry_after = max(tally.retry_after, outcome.retry_after or 0.0)
            tally.refuses_us |= refuses
            tally.reason = outcome.reason
        else:
            heard.rejected += 1
            heard.refused = heard.refused or outcome.reason
            tally.answers += 1
    if heard.tallies or watched:  # who took its message is counted only where it matters
        for target, outcome in zip(targets, outcomes, strict=True):
            if outcome.verdict is Verdict.ACCEPTED:
                host = hosts.host_of(target.address)
                heard.tallies.setdefault(host, hosts.Tally()).answers += 1
    # What a host fails at is no failure of its phones.
    heard.unlucky = [phone for phone, host in tried if not heard.tallies[host].tripped]
    return heard


def count(session: Session, heard: Iterable[tuple[int, Heard, int]], now: datetime) -> None:
    """Add what slices heard (delivery, what, how many gone) to the deliveries' counters where they
    are, so that no worker's sum is lost to another's; the moments when 50, 90 and 99 % of the
    phones were settled follow from the new sums."""
    given = [
        {
            "told": len(said.accepted),
            "lost": gone,
            "no": said.rejected,
            "all": len(said.accepted) + gone + said.rejected,
            "now": now,
            "first": now if said.accepted else None,
            "why": said.refusing or said.refused or None,
            "delivery": delivery_id,
        }
        for delivery_id, said, gone in heard
    ]
    session.connection().execute(_counting(), given)


@lru_cache(maxsize=1)
def _counting() -> Any:
    table: Any = Delivery.__table__  # type: ignore[attr-defined]
    row = table.c
    moment: Any = bindparam("now", type_=row.changed.type)
    settled = row.accepted + row.gone + row.rejected + bindparam("all")

    def since(column: Any, share: int) -> Any:
        return case(
            (and_(column.is_(None), settled * 100 >= row.total * share), moment), else_=column
        )

    first: Any = bindparam("first", type_=row.first_at.type)
    return (
        update(table)
        .where(row.id == bindparam("delivery"))
        .values(
            accepted=row.accepted + bindparam("told"),
            gone=row.gone + bindparam("lost"),
            rejected=row.rejected + bindparam("no"),
            beat=row.beat + 1,
            changed=moment,
            first_at=func.coalesce(row.first_at, first),
            half_at=since(row.half_at, 50),
            ninety_at=since(row.ninety_at, 90),
            ninetynine_at=since(row.ninetynine_at, 99),
            reason=func.coalesce(bindparam("why", type_=String), row.reason),
        )
    )


def retry(
    session: Session, delivery_id: int, n: int, intent: str, later: Mapping[float, list[int]]
) -> None:
    """Shards of their own for who could not be reached, one a pause, so that a patient host does
    not wait for a tired one. Each round waits longer, until the notice expires."""
    if not later:
        return
    round_ = n // _ROUND
    base = (round_ + 1) * _ROUND
    highest = session.exec(
        select(func.max(Shard.n)).where(
            Shard.delivery_id == delivery_id, Shard.n >= base, Shard.n < base + _ROUND
        )
    ).one()
    first = base if highest is None else highest + 1
    for offset, (pause, ids) in enumerate(sorted(later.items())):
        wait = max(pause, min(2.0 ** (round_ + 1), _LONGEST_WAIT_S))
        session.add(
            Shard(
                delivery_id=delivery_id,
                n=first + offset,
                intent=intent,
                ids=np.array(sorted(ids), "<i8").tobytes(),
                size=len(ids),
                retry_at=clock.now() + timedelta(seconds=wait),
            )
        )
    session.flush()


def good_news(session: Session, ids: list[int]) -> None:
    """Who failed lately and answers now is well again."""
    if ids:
        session.execute(
            update(Subscription)
            .where(col(Subscription.id).in_(ids))
            .values(failures=0, failing_since=None, state="active")
        )
        audience.set_reach(session, ids, "active")


def bad_news(session: Session, ids: list[int]) -> None:
    """20 failures over 14 days make a phone dormant: it is told urgent things only."""
    if not ids:
        return
    now = clock.now()
    session.execute(
        update(Subscription)
        .where(col(Subscription.id).in_(ids))
        .values(
            failures=col(Subscription.failures) + 1,
            failing_since=func.coalesce(Subscription.failing_since, now),
        )
    )
    tired = session.exec(
        select(Subscription.id).where(
            col(Subscription.id).in_(ids),
            col(Subscription.failures) >= _DORMANT_AFTER,
            col(Subscription.failing_since) < now - timedelta(days=_DORMANT_DAYS),
        )
    ).all()
    if tired:
        session.execute(
            update(Subscription).where(col(Subscription.id).in_(tired)).values(state="dormant")
        )
        audience.set_reach(session, [i for i in tired if i], "dormant")
