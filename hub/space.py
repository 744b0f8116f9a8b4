"""Room on the disk of the data folder: what is not urgent waits before it is gone."""

import shutil
from functools import lru_cache

from hub import clock, settings

# An audience of a million is 8 MB, its attempts as many again, and SQLite's log may double both.
LEAST = 64 * 1024 * 1024
_LOOK_S = 5


def free() -> int:
    """Bytes left, as they were at most five seconds ago."""
    return _free(str(settings.get().data), int(clock.monotonic() / _LOOK_S))


def short() -> bool:
    """Whether bulk deliveries wait for room."""
    return free() < LEAST


@lru_cache(maxsize=2)
def _free(folder: str, _moment: int) -> int:
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return LEAST  # no folder: the database is elsewhere
