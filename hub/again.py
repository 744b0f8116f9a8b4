"""What the database gave up to end a deadlock is done once more.

Transactions lock displays first, in the order of their outlets, then what they carry; where two
meet all the same, PostgreSQL ends one of them (SQLSTATE 40P01, or 40001 where it cannot order
them) and keeps nothing of it. SQLite has one writer and never does.
"""

import functools
import random
import time
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import structlog
from sqlalchemy.exc import IntegrityError, OperationalError

log = structlog.get_logger()

TRIES: Final = 5
_LOST_RACE: Final = {"40P01", "40001"}
_TAKEN_MEANWHILE: Final = "23505"

P = ParamSpec("P")
T = TypeVar("T")


def lost_race(error: BaseException) -> bool:
    """Nothing of the transaction was kept, and the same again will do."""
    return isinstance(error, OperationalError) and getattr(error.orig, "sqlstate", "") in _LOST_RACE


def taken_meanwhile(error: BaseException) -> bool:
    """Two made the same at once (PostgreSQL): done again, the second finds the first's."""
    return (
        isinstance(error, IntegrityError)
        and getattr(error.orig, "sqlstate", "") == _TAKEN_MEANWHILE
    )


def pause(tries: int) -> float:
    """Seconds before the next try, of random length so that the two do not meet again."""
    return random.uniform(0.01, 0.05) * (1 << tries)


def retried(work: Callable[P, T]) -> Callable[P, T]:
    """For a function that is one whole transaction of its own and touches nothing else."""

    @functools.wraps(work)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for tries in range(TRIES - 1):
            try:
                return work(*args, **kwargs)
            except OperationalError as error:
                if not lost_race(error):
                    raise
                log.info("deadlock ended, trying again", what=work.__qualname__)
            time.sleep(pause(tries))
        return work(*args, **kwargs)

    return tried
