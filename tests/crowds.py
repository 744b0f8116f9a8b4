"""Many phones at once: rows as the hub would have written them, without a request each. They share
one pair of keys; the push service must answer for their endpoints, BASE/push/crowd/N."""

import itertools
from collections.abc import Callable, Sequence

from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import insert
from sqlmodel import func, select

from hub import audience, db, subscribing
from hub.models import Authority, Follow, FollowCell, Station, Subscription
from tests.fakes.push_service import FakePhone

PATH = "/push/crowd/"
_BATCH = 20_000


def one_for_all(base: str) -> FakePhone:
    """The keys that the phones of a crowd share."""
    return FakePhone(f"{base}{PATH}0", ec.derive_private_key(7, ec.SECP256R1()), b"s" * 16)


def gather(
    authority: Authority,
    base: str,
    count: int,
    *,
    station: str | None = None,
    cells: Callable[[int], Sequence[int]] = lambda _n: (),
    categories: Sequence[str] = (),
    min_severity: str = "Unknown",
) -> list[str]:
    """`count` phones that follow the authority's station (its first, or the one of this code); the
    endpoints of the first thousand. `cells(n)`: the cells of phone n, as integers."""
    phone = one_for_all(base)
    with db.writing(db.EVERYWHERE) as session:
        identity = subscribing.current_identity(session, "annonces.example")
        wanted = select(Station).where(Station.authority_id == authority.id)
        if station:
            wanted = wanted.where(Station.code == station)
        place = session.exec(wanted.order_by(Station.id)).first()
        assert place is not None
        highest = session.exec(select(func.max(Subscription.id))).one() or 0
        wishes = audience.mask(session, categories)
    shared = {
        "push_identity_id": identity.id,
        "host": base.partition("//")[2].partition(":")[0],
        "p256dh": phone.p256dh,
        "auth": phone.auth,
        "state": "active",
        "min_severity": min_severity,
    }
    index = {
        "station_id": place.id,
        "wishes": wishes,
        "least": audience.severity_rank(min_severity),
        "reach": 2,
    }
    numbers = iter(range(highest + 1, highest + 1 + count))
    while batch := list(itertools.islice(numbers, _BATCH)):
        chosen = {n: tuple(cells(n)) for n in batch}
        with db.writing(db.EVERYWHERE) as session:
            session.execute(
                insert(Subscription),
                [
                    shared
                    | {
                        "id": n,
                        "token_hash": f"crowd-{n}",
                        "endpoint": f"{base}{PATH}{n}",
                        "cells": [f"{c:x}" for c in chosen[n]],
                    }
                    for n in batch
                ],
            )
            session.execute(
                insert(Follow),
                [
                    index
                    | {
                        "authority_id": authority.id,
                        "subscription_id": n,
                        "categories": list(categories),
                    }
                    for n in batch
                ],
            )
            session.execute(
                insert(FollowCell),
                [
                    index | {"subscription_id": n, "cell": cell}
                    for n in batch
                    for cell in chosen[n] or (0,)
                ],
            )
    return [f"{base}{PATH}{n}" for n in range(highest + 1, highest + 1 + min(count, 1000))]
