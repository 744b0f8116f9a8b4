"""kill -9 of a worker at every tenth of a fan-out: nobody is missed, and what came twice is
at most the slice that was in flight, under the same Topic. (`make kills` is the long form: 100,000
phones, every process of the hub, every 2 %.)"""

import multiprocessing
import os
import random
import signal
import time
from collections import Counter
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from hub import db
from hub.dispatch import fanout, freezing, leases, messengers
from hub.models import Authority
from hub.vocabulary import DELIVERY_OVER
from tests import crowds
from tests.fakes.push_service import PushService
from tests.faults.test_many_workers import begin, fresh, fresh_state, said

PHONES, SLICE = 300, 5
FORK = multiprocessing.get_context("fork")


@pytest.fixture
def here(hub_on_both: Path, service: PushService, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setattr(freezing, "SHARD", 40)
    for name in ("_LARGEST", "_LEAST"):
        monkeypatch.setattr(fanout, name, SLICE)
    return begin(hub_on_both, service)


def worker(name: str, delivery_id: int) -> None:
    """As the role does at its start: what the same worker held before it was killed is free."""
    leases.name_this_worker(name)
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)
    while fresh_state(delivery_id) not in DELIVERY_OVER:
        messengers.work(delivery_id)
        time.sleep(0.01)


def test_a_worker_killed_at_every_tenth(here: Authority, service: PushService) -> None:
    endpoints = crowds.gather(here, service.base, PHONES)
    delivery = said(here)
    chance = random.Random(38547)
    running = {name: start(name, delivery.id or 0) for name in ("one", "two")}
    kills = 0
    end = time.monotonic() + 110
    while fresh_state(delivery.id or 0) not in DELIVERY_OVER:
        assert time.monotonic() < end, (fresh(delivery), kills)
        if len(service.received) > (kills + 1) * PHONES // 10:
            name = chance.choice(sorted(running))
            os.kill(running[name].pid or 0, signal.SIGKILL)
            running[name].join(20)
            running[name] = start(name, delivery.id or 0)
            kills += 1
        time.sleep(0.005)
    for process in running.values():
        process.join(30)
    assert kills >= 5
    came = Counter(r.path for r in service.received)
    assert set(came) == {urlsplit(endpoint).path for endpoint in endpoints}
    assert sum(came.values()) - PHONES <= kills * SLICE
    assert len({r.headers["topic"] for r in service.received}) == 1
    ended = fresh(delivery)
    assert (ended.state, ended.total, ended.accepted) == ("done", PHONES, PHONES)


def start(name: str, delivery_id: int) -> "multiprocessing.process.BaseProcess":
    process = FORK.Process(target=worker, args=(name, delivery_id))
    process.start()
    return process
