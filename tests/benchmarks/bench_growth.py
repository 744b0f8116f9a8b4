"""Growing by workers: one push told by one worker, then by one a core, on PostgreSQL.

The push host shares the machine and takes its part of every core, so twice the workers cannot be
twice as fast here; the limit is one worker's rate times their number. `SIZE` is how many phones.

Run: SIZE=20000 python -m tests.benchmarks.bench_growth
"""

import json
import os
import statistics
from typing import Any

from tests.benchmarks import crowd
from tests.benchmarks.measure import ROUNDS, row
from tests.benchmarks.push_host import PushHost


def run() -> list[dict[str, Any]]:
    """One row of phones a second."""
    cores = sorted(os.sched_getaffinity(0))
    phones = max(crowd.size(20_000), 20_000)  # two shards at least
    rounds = ROUNDS if phones < 100_000 else 1
    with crowd.postgres() as address, PushHost() as host, crowd.hub(host, address) as here:
        crowd.gather(here, host, phones)
        one, many = [], []
        for number in range(rounds + 1):
            for count, rates in ((1, one), (len(cores), many)):
                delivery = crowd.say(here)
                spent = crowd.workers(delivery, count, cores)
                assert crowd.delivery(delivery).accepted == phones
                if number or rounds == 1:
                    rates.append(phones / max(each["wall"] for each in spent))
    alone, together = statistics.median(one), statistics.median(many)
    note = f"median of {len(many)}; {phones:,} phones; one worker {alone:,.0f} a second"
    return [
        row(f"growth: {len(cores)} workers on PostgreSQL", "phones/s", ours=together,
            limit=alone * len(cores), conditions=note),
    ]  # fmt: skip


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each))
