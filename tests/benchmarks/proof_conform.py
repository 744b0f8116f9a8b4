"""`make conform-proof`: every check of the kit against the twin that is wrong in just that.

The suite tries a handful; this is the whole matrix, sixteen at a time, in about two minutes.
"""

import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from channels.panels.conform import CHECKS
from tests.fakes.brokers import Mosquitto
from tests.fakes.conforming import BRISK, FAST, WRONG, failures, proven, told, tried

AT_ONCE = 16


def main(names: list[str]) -> int:
    for (module, name), value in FAST.items():
        setattr(module, name, value)
    unproven = [check.name for check in CHECKS if check.name not in WRONG]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        broker = Mosquitto(folder)
        broker.start()
        began = time.monotonic()
        try:
            right = tried(broker, folder, None, BRISK)
            print(f"right twin: {right['counts']} in {time.monotonic() - began:.1f} s")
            if failures(right):
                print(told(right))
            wanted = [WRONG[name] for name in names or WRONG]
            with ThreadPoolExecutor(AT_ONCE) as pool:
                reports = list(pool.map(lambda w: tried(broker, folder, w, BRISK), wanted))
        finally:
            broker.stop()
    bad = [words for w, report in zip(wanted, reports, strict=True) if (words := proven(w, report))]
    print("\n".join(bad))
    print(
        f"{len(wanted) - len(bad)} of {len(wanted)} wrong twins seen for what they are, "
        f"{len(CHECKS)} checks, {time.monotonic() - began:.0f} s"
    )
    if unproven:
        print("without a wrong twin:", ", ".join(unproven))
    return 1 if bad or unproven or failures(right) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
