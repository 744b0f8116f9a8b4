"""Whom an area reaches, among the phones of a metropolis, before and after the word to send.

Phones hold coarse cells, scattered over a metropolis; the area is a polygon of 400 vertices over a
fifth of it. Ours is the estimate of the dry run and the time until the first slice is ready to be
encrypted (read, frozen, opened), on SQLite and on PostgreSQL. The limit is shapely's vectorised
test of as many points against the prepared polygon, points in memory: no database, no wishes, no
rows. `SIZE=1000000` measures a million.

Run: SIZE=100000 python -m tests.benchmarks.bench_audience
"""

import json
import math
import random
import statistics
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import shapely
from sqlmodel import Session

from hub import audience, cells, clock, db, notices
from hub.dispatch import messengers, shards
from hub.models import Authority, Delivery
from hub.rules.plan import Audience
from tests.benchmarks import crowd
from tests.benchmarks.measure import ROUNDS, row, seconds
from tests.factories import content, station

EAST, NORTH, HALF = 5.72, 45.18, 0.22  # Grenoble and around, degrees
NEAR = Audience(everyone=True, within_m=0.0)


class _Nowhere:
    """No push host: nothing is sent here."""

    base, pair, ca = "https://127.0.0.1:1", "127.0.0.1:1", ""


def run() -> list[dict[str, Any]]:
    """Rows in milliseconds."""
    count = crowd.size(100_000)
    middle = np.array([EAST, NORTH])
    places = middle + np.random.default_rng(7).uniform(-HALF, HALF, (count, 2))
    area = _area()
    rows = _rows("SQLite", "", count, places, area)
    with crowd.postgres() as address:
        rows += _rows("PostgreSQL", address, count, places, area)
    return rows


def _rows(name: str, database: str, count: int, places: Any, area: Any) -> list[dict[str, Any]]:
    chosen = [h3.latlng_to_cell(lat, lng, cells.RESOLUTION) for lng, lat in places.tolist()]
    with crowd.hub(_Nowhere(), database) as here:  # type: ignore[arg-type]
        crowd.gather(here, _Nowhere(), count, cells=lambda n: (chosen[n - 1],))  # type: ignore[arg-type]
        if database:
            with db.engine().connect() as connection:
                connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql(
                    "VACUUM ANALYZE"
                )
        estimates, firsts, bare = [], [], []
        with db.reading(here.id or 0) as session:
            said = _notice(session, here, area)
        for number in range(ROUNDS + 1):
            taken = seconds(lambda: _estimate(here, said))
            first = _first(here, area)
            test = seconds(lambda: _bare(places, area))
            if number:
                estimates.append(taken * 1e3)
                firsts.append(first * 1e3)
                bare.append(test * 1e3)
        found, exact = _estimate(here, said), int(_bare(places, area).sum())
    limit = statistics.median(bare)
    note = (
        f"median of {ROUNDS}; {count:,} phones, {found:,} in the cells of the area, {exact:,} in it"
    )
    return [
        row(f"audience: estimate, {name}", "ms", ours=statistics.median(estimates), limit=limit,
            conditions=f"{note}; worst {max(estimates):.0f} ms"),
        row(f"audience: first slice ready, {name}", "ms", ours=statistics.median(firsts),
            limit=limit, conditions=f"{note}; claim, audience, freeze, first slice read"),
    ]  # fmt: skip


def _notice(session: Session, here: Authority, area: Any) -> Any:
    return notices.draft_notice(content(area=area), here, station(session, here), clock.now())


def _estimate(here: Authority, said: Any) -> int:
    with db.reading(here.id or 0) as session:
        return len(audience.phones(session, here.id or 0, NEAR, said, "normal"))


def _first(here: Authority, area: Any) -> float:
    """Seconds from the nudge to a slice that only has to be encrypted."""
    number = crowd.say(here, area=area)
    with db.writing(db.EVERYWHERE) as session:  # the default rules ask for no distance
        delivery = session.get_one(Delivery, number)
        delivery.route = delivery.route | {"audience": NEAR.model_dump(mode="json")}
        session.add(delivery)

    def work() -> None:
        ((speaking, written),) = messengers.ready([number])
        (piece,) = shards.open_([shards.Ask(speaking, 200, written=written)])
        assert piece is not None
        assert len(piece.targets) == 200
        speaking.message(piece.intent)

    return seconds(work)


def _bare(places: Any, area: Any) -> Any:
    form = shapely.Polygon(area["coordinates"][0])
    shapely.prepare(form)
    west, south, east, north = form.bounds
    x, y = places[:, 0], places[:, 1]
    near = (x >= west) & (x <= east) & (y >= south) & (y <= north)
    inside = np.zeros(len(places), np.bool_)
    inside[near] = shapely.contains_xy(form, x[near], y[near])
    return inside


def _area() -> dict[str, Any]:
    chance = random.Random(5)
    ring = []
    for n in range(400):
        turn = 2 * math.pi * n / 400
        far = 0.5 * HALF * (1 + 0.15 * math.sin(5 * turn) + 0.02 * chance.random())
        ring.append([EAST + far * math.cos(turn), NORTH + far * math.sin(turn)])
    return {"type": "Polygon", "coordinates": [[*ring, ring[0]]]}


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each, ensure_ascii=False))
