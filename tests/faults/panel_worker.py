"""One worker of test_panel_order: tells one panel whenever it is due, until it is ended."""

import sys
import time

from hub.dispatch import displays, leases


def main(name: str, outlet_id: int) -> None:
    leases.name_this_worker(name)
    print("ready", flush=True)  # noqa: T201
    while True:
        if not displays.work(outlet_id):
            time.sleep(0.002)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
