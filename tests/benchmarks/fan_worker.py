"""A worker of the measures: what the product's worker imports, and nothing of the tests. Waits for
a word, tells one delivery until it is over, says what that cost."""

import json
import os
import sys
import time
from pathlib import Path

from sqlmodel import select

from hub import db, worker
from hub.dispatch import lanes, leases, messengers
from hub.models import Delivery
from hub.vocabulary import DELIVERY_OVER, Lane


def main(delivery_id: int) -> None:
    leases.name_this_worker(f"bench-{os.getpid()}")
    lanes.serve(list(Lane))
    worker.settle_memory()
    print("ready", flush=True)
    sys.stdin.readline()
    before, began = time.process_time(), time.perf_counter()
    while not is_over(delivery_id):
        messengers.work(delivery_id)
        time.sleep(0.005)
    spent = {
        "cpu": time.process_time() - before,
        "wall": time.perf_counter() - began,
        "peak": peak(),
    }
    print(json.dumps(spent))


def peak() -> float:
    """Megabytes; not ru_maxrss, which begins with what the parent had."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def is_over(delivery_id: int) -> bool:
    with db.reading(db.EVERYWHERE) as session:
        state = session.exec(select(Delivery.state).where(Delivery.id == delivery_id)).one()
    return state in DELIVERY_OVER


if __name__ == "__main__":
    main(int(sys.argv[1]))
