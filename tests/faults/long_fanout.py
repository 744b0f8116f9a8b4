"""The long form of test_fanout_kills, for `make kills`: a fan-out on PostgreSQL with Valkey, and at
every 2 % of it a kill -9 of something, chosen by chance: a worker, the web role, the sweep, the
queue (which then has forgotten everything), a process of PostgreSQL (which then throws all
connections out).

Run: SIZE=100000 SEED=1 python -m tests.faults.long_fanout
"""

import json
import os
import random
import signal
import sys
import time
from contextlib import suppress
from typing import Any

import psycopg

from hub.dispatch import fanout
from hub.embedded.supervisor import Supervisor
from hub.vocabulary import DELIVERY_OVER
from tests.benchmarks import crowd, field
from tests.benchmarks.push_host import PushHost

STEP = 0.02
# What a worker may have on the wire when it dies.
_IN_FLIGHT = fanout._LARGEST


def main() -> int:
    """0 when nobody was missed; says what came twice."""
    size, seed = crowd.size(20_000), int(os.environ.get("SEED") or 1)
    chance = random.Random(seed)
    with crowd.postgres() as address, PushHost() as host, crowd.hub(host, address) as here:
        crowd.gather(here, host, size)
        with field.working(nudging=False, web=True) as supervisor:
            told = crowd.say(here, **crowd.GRAVE)
            kills = _kill_until_over(supervisor, address, host, told, size, chance)
        seen, ended = host.seen(), crowd.delivery(told)
    twice = seen["count"] - seen["distinct"]
    said: dict[str, Any] = {
        "phones": size,
        "seed": seed,
        "kills": kills,
        "reached": seen["distinct"],
        "sent again": twice,
        "topics": seen["topics"],
        "state": ended.state,
        "accepted": ended.accepted,
    }
    print(json.dumps(said))  # noqa: T201
    good = seen["distinct"] == size == ended.accepted and ended.state == "done"
    workers = sum(count for what, count in kills.items() if what.startswith("worker"))
    return 0 if good and seen["topics"] == 1 and twice <= (workers * 2 + 1) * _IN_FLIGHT else 1


def _kill_until_over(
    supervisor: Supervisor,
    address: str,
    host: PushHost,
    told: int,
    size: int,
    chance: random.Random,
) -> dict[str, int]:
    kills: dict[str, int] = {}
    next_at, end = STEP, time.monotonic() + 3600
    while True:
        assert time.monotonic() < end, (crowd.delivery(told), kills)
        supervisor.look()
        time.sleep(0.1)
        try:
            over = crowd.delivery(told).state in DELIVERY_OVER
        except Exception:  # PostgreSQL is coming back
            continue
        if over:
            return kills
        if host.seen()["distinct"] >= next_at * size:
            next_at += STEP
            what = _kill(supervisor, address, chance)
            kills[what] = kills.get(what, 0) + 1


def _kill(supervisor: Supervisor, address: str, chance: random.Random) -> str:
    up = [c for c in supervisor.children if c.process is not None and c.running]
    child = chance.choice([*up, None])
    if child is None:
        with suppress(psycopg.OperationalError), psycopg.connect(address) as connection:
            os.kill(connection.info.backend_pid, signal.SIGKILL)
            connection.execute("SELECT 1")
        return "postgres"
    assert child.process is not None
    child.deaths = 0  # else the supervisor waits longer after each of our kills
    os.killpg(child.process.pid, signal.SIGKILL)
    return str(child.service.name)


if __name__ == "__main__":
    sys.exit(main())
