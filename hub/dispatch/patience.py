"""A database that is away for a minute: what a wire has said is kept in hand until it is back."""

import time
from collections.abc import Callable
from typing import TypeVar

import structlog
from sqlalchemy.exc import InterfaceError, OperationalError

from hub import clock, db, stopping

log = structlog.get_logger()

PATIENCE_S = 90.0
_PAUSE_S = 0.5
# Told to stop, a worker has five seconds for its checkpoint.
_STOPPING_S = 3.0

T = TypeVar("T")


def persist(work: Callable[[], T]) -> T:
    """Run `work` (one transaction that may be repeated) until the database takes it, at most
    PATIENCE_S; then what the database said is raised. A full disk and a lock count as away."""
    began = clock.monotonic()
    told = False
    while True:
        try:
            return work()
        except (OperationalError, InterfaceError) as trouble:
            waited = clock.monotonic() - began
            if waited > (_STOPPING_S if stopping.asked() else PATIENCE_S):
                raise
            if not told:
                log.warning("the database is away", error=type(trouble.orig).__name__)
                told = True
            db.dispose()
            time.sleep(_PAUSE_S)
