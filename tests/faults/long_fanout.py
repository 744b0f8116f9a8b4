"""The long form of test_fanout_kills, for `make kills`: a fan-out on PostgreSQL with Valkey, and at
every 2 % of it a kill -9 of something, chosen by chance: a worker, the web role, the sweep, the
queue (which then has forgotten everything), a process of PostgreSQL (which then throws all
connections out). Beside it 400 numbers are told by SMS: none of them twice, and who was not told is
named as uncertain.

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
from sqlmodel import col, select

from hub import db, vault
from hub.api.outlets import add_numbers
from hub.dispatch import fanout
from hub.embedded.supervisor import Supervisor
from hub.models import Authority, Contact, Delivery, TargetRow
from hub.vocabulary import DELIVERY_OVER, TargetState
from tests.benchmarks import crowd, field
from tests.benchmarks.push_host import PushHost
from tests.factories import outlet
from tests.fakes.operator import Operator

STEP = 0.02
NUMBERS = [f"+336399{n:05d}" for n in range(400)]
# What a worker may have on the wire when it dies.
_IN_FLIGHT = fanout._LARGEST


def main() -> int:
    """0 when nobody was missed; says what came twice."""
    size, seed = crowd.size(20_000), int(os.environ.get("SEED") or 1)
    chance = random.Random(seed)
    with (
        crowd.postgres() as address,
        PushHost() as host,
        Operator() as operator,
        crowd.hub(host, address, operator.address) as here,
    ):
        crowd.gather(here, host, size)
        _add_numbers(here, operator)
        with field.working(nudging=False, web=True) as supervisor:
            told = crowd.say(here, **crowd.GRAVE)
            kills = _kill_until_over(supervisor, address, host, told, size, chance)
            sms = _wait_for_sms(supervisor)
        seen, ended = host.seen(), crowd.delivery(told)
        untold = set(NUMBERS) - set(operator.counts())
        most = max(operator.counts().values())
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
        "SMS": {"told": len(NUMBERS) - len(untold), "most to one": most, "uncertain": len(sms)},
    }
    print(json.dumps(said))  # noqa: T201
    good = seen["distinct"] == size == ended.accepted and ended.state == "done"
    good = good and most == 1 and untold <= sms
    workers = sum(count for what, count in kills.items() if what.startswith("worker"))
    return 0 if good and seen["topics"] == 1 and twice <= (workers * 2 + 1) * _IN_FLIGHT else 1


def _add_numbers(here: Authority, operator: Operator) -> None:
    made = outlet(here, "sms", options={"url": operator.url})
    with db.writing(here.id or 0) as session:
        add_numbers(session, made, NUMBERS, "fr")


def _wait_for_sms(supervisor: Supervisor) -> set[str]:
    """Until it is over; the numbers that are named as uncertain."""
    end = time.monotonic() + 300
    while True:
        supervisor.look()
        with db.reading(db.EVERYWHERE) as session:
            one = session.exec(select(Delivery).where(Delivery.kind == "sms")).one()
            if one.state in DELIVERY_OVER:
                rows = session.exec(
                    select(Contact.sealed)
                    .join(TargetRow, col(TargetRow.contact_id) == Contact.id)
                    .where(TargetRow.state == TargetState.UNCERTAIN)
                ).all()
                return {vault.unseal(sealed, "phone").decode() for sealed in rows}
        assert time.monotonic() < end, one
        time.sleep(0.2)


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
