"""Whatever is in flight, an alert does not wait.

A metropolis sends a bulk push; in its middle a town sends an urgent one: its first and its last
phone, against the same on an idle hub. Then 200 authorities publish urgent news at the same moment:
how soon each is begun, and how evenly they share. Real workers, queue and sweep on one machine with
the push host. `SIZE=1000000` is the full form: a million bulk pushes, 40,000 urgent ones.

Run: SIZE=40000 python -m tests.benchmarks.bench_lanes
"""

import json
import statistics
import time
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select

from hub import clock, db, nudges
from hub.models import Authority, Delivery
from hub.vocabulary import DELIVERY_OVER, Lane
from hub.worker import use_celery_for_nudges
from tests.benchmarks import crowd, field
from tests.benchmarks.measure import ROUNDS, jain, percentile, row
from tests.benchmarks.push_host import PushHost

MANY = 200
CALM = {"severity": "Minor", "urgency": "Future", "category": "culture"}


def run() -> list[dict[str, Any]]:
    """Rows in seconds."""
    bulk = crowd.size(40_000)
    urgent = max(bulk // 25, 400)
    each = 200 if bulk >= 1_000_000 else 60
    with PushHost() as host, crowd.hub(host) as metropolis:
        crowd.gather(metropolis, host, bulk)
        small = _town(host, "lancey", urgent)
        towns = [_town(host, f"commune{n}-x", each) for n in range(MANY)]
        with field.working():
            rows = _beside(metropolis, small, bulk, urgent)
            rows += _together(towns, each)
    return rows


def _town(host: PushHost, code: str, phones: int) -> Authority:
    made = crowd.another(host, code)
    crowd.gather(made, host, phones)
    return made


def _beside(
    metropolis: Authority, small: Authority, bulk: int, urgent: int
) -> list[dict[str, Any]]:
    idle, busy = [], []
    for number in range(ROUNDS + 1):
        alone = _timed(_over(crowd.say(small, f"Crue {number}", **crowd.GRAVE)))
        calm = crowd.say(metropolis, f"Concert {number}", **CALM)
        assert crowd.delivery(calm).lane == Lane.BULK
        _until(calm, lambda d: d.first_at is not None)
        among = _timed(_over(crowd.say(small, f"Feu {number}", **crowd.GRAVE)))
        under_way = crowd.delivery(calm).state not in DELIVERY_OVER
        _end(calm)
        if number:
            idle.append(alone)
            busy.append((*among, under_way))
    note = f"{ROUNDS} rounds by turns; {urgent:,} urgent phones beside {bulk:,} bulk ones"
    note += f", which were still in flight in {sum(b[2] for b in busy)}"
    firsts, lasts = [b[0] for b in busy], [b[1] for b in busy]
    return [
        row("lanes: commit to first push beside a bulk one", "s", ours=percentile(firsts, 95),
            limit=percentile([a[0] for a in idle], 95), conditions=f"95 %; {note}; limit: idle"),
        row("lanes: last phone beside a bulk push", "s", ours=statistics.median(lasts),
            limit=statistics.median(a[1] for a in idle), conditions=f"median; {note}; limit: idle"),
    ]  # fmt: skip


def _together(towns: list[Authority], each: int) -> list[dict[str, Any]]:
    """All deliveries are written, then become due and are nudged at one moment."""
    nudges.use(None)
    numbers = [crowd.say(one, "Alerte", due_later=True, **crowd.GRAVE) for one in towns]
    use_celery_for_nudges()
    with db.writing(db.EVERYWHERE) as session:
        moment = clock.now()
        session.execute(update(Delivery).where(col(Delivery.id).in_(numbers)).values(due_at=moment))
    for number in numbers:
        nudges.send("delivery", number, Lane.URGENT)
    for number in numbers:
        _over(number)
    with db.reading(db.EVERYWHERE) as session:
        rows = session.exec(select(Delivery).where(col(Delivery.id).in_(numbers))).all()
    firsts = [(d.first_at - moment).total_seconds() for d in rows if d.first_at]
    lasts = [(d.ninety_at - moment).total_seconds() for d in rows if d.ninety_at]
    assert len(firsts) == len(lasts) == len(towns)
    fair = jain([each / last for last in lasts])
    note = f"{len(towns)} authorities at once, {each} phones each; Jain index {fair:.3f}"
    return [
        row("lanes: commit to first push of 200 authorities", "s", ours=percentile(firsts, 95),
            limit=statistics.median(firsts), conditions="95 % against the median; "
            f"{note}; all told after {max(lasts):.1f} s"),
    ]  # fmt: skip


def _timed(number: int) -> tuple[float, float]:
    """Seconds from the commit to the first push, and to the last checkpoint."""
    ended: Any = crowd.delivery(number)
    first = (ended.first_at - ended.created).total_seconds()
    return first, (ended.closed_at - ended.created).total_seconds()


def _over(number: int) -> int:
    _until(number, lambda d: d.state in DELIVERY_OVER)
    return number


def _end(number: int) -> None:
    """What the bulk push has left to say is of no use here."""
    with db.writing(db.EVERYWHERE) as session:
        session.execute(
            update(Delivery).where(col(Delivery.id) == number).values(expires=clock.now())
        )
    _over(number)


def _until(number: int, true: Any, most: float = 900.0) -> None:
    end = time.monotonic() + most
    while not true(crowd.delivery(number)):
        assert time.monotonic() < end, crowd.delivery(number)
        time.sleep(0.05)


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each, ensure_ascii=False))
