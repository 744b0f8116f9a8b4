"""A sign of life of each role: a small file in the data folder, written anew every few seconds.

For the health checks of containers and for the supervisor's "ready". Remote control of Celery,
which would answer a ping, is off: it costs two connections a worker and a broadcast queue.
`python -m hub.alive ROLE` exits 1 when the last sign is too old; it imports so little (0.3 s, the
command takes 3) that a container may ask every half minute.
"""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

from hub import clock, settings

PERIOD_S = 5.0
STALE_S = 30.0


def path(role: str) -> Path:
    return settings.get().data / "alive" / role


def sign(role: str) -> None:
    """Write the sign of `role` (unique on this data folder)."""
    file = path(role)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(f"{clock.unix_ms()}\n")


def signing(role: str, stop: Callable[[], bool]) -> Callable[[], bool]:
    """`stop`, signing whenever a loop asks it, at most every PERIOD_S."""
    last = -PERIOD_S

    def asked() -> bool:
        nonlocal last
        if clock.monotonic() - last >= PERIOD_S:
            last = clock.monotonic()
            sign(role)
        return stop()

    return asked


def age(role: str) -> float | None:
    """Seconds since the last sign; None when there is none or it cannot be read."""
    try:
        return max(0.0, (clock.unix_ms() - int(path(role).read_text())) / 1000)
    except (OSError, ValueError):
        return None


def main(role: str) -> int:
    """The exit code of a health check. `%h` in a role's name is the host."""
    seconds = age(role.replace("%h", socket.gethostname()))
    return 0 if seconds is not None and seconds <= STALE_S else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
