"""The panels of bench_fleet in a process of their own: each with its certificate, some flapping.

Run: python -m tests.benchmarks.fleet ENROLLED MEMORY FLAPPING, until its standard input ends.
ENROLLED holds a folder of `panel enrol` for each panel, MEMORY what they keep.
"""

import random
import sys
import threading
from pathlib import Path

from channels.panels.twin import Fleet, Twin, enrolled
from channels.panels.twin.serve import _allow_files
from hub import clock

# A flapping panel loses its line this often, for a second or so.
CUT_EVERY_S = (6.0, 14.0)


def main(folder: Path, memory: Path, flapping: int) -> None:
    twins = [twin_of(path, memory) for path in sorted(folder.iterdir())]
    _allow_files(len(twins) * 8)
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), daemon=True).start()
    pick = random.Random(1)
    cuts = {n: clock.monotonic() + 20 + pick.uniform(*CUT_EVERY_S) for n in range(flapping)}

    def stop() -> bool:
        now = clock.monotonic()
        for number, at in cuts.items():
            if at <= now:
                twins[number].link.drop()
                cuts[number] = now + pick.uniform(*CUT_EVERY_S)
        return over.is_set()

    Fleet(twins).run(stop)


def twin_of(folder: Path, store: Path) -> Twin:
    """A panel from the files its installer got."""
    who = enrolled.read(folder)
    return Twin(
        who.broker_url, who.authority, who.panel, who.model, store / who.panel, key=who.key,
        identity=who.identity, client_id=who.client_id, at_once=True,
    )  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]))
