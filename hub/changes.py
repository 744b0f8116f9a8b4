"""That something changed, told to every web process: one counter, read twice a second.

Whoever changes what people see calls `bump`; the counter rises as the last statement of that
transaction. So it is never seen before the change is, and its lock, which all writers share on
PostgreSQL, is held for a commit only and never before another lock: no two writers can wait for
each other. A web process has one `Poller`; nothing else asks the database whether it changed.
"""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import structlog
from sqlalchemy import event
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub import clock
from hub.db import EVERYWHERE, reading
from hub.models import Memo, ShelfRow

log = structlog.get_logger()

NAME: Final = "change"
INTERVAL_S: Final = 0.5
_PENDING: Final = "changes.pending"


def bump(session: Session, *stamped: ShelfRow) -> None:
    """Raise the counter when this transaction commits; each of `stamped` gets the new number as its
    `version`."""
    session.info.setdefault(_PENDING, []).extend(stamped)


def number(session: Session) -> int:
    """The counter as this transaction sees it; 0 before the first change."""
    return session.exec(select(Memo.number).where(Memo.name == NAME)).first() or 0


@event.listens_for(Session, "before_commit")
def _raise(session: Session) -> None:
    if _PENDING not in session.info or session.in_nested_transaction():
        return
    stamped = session.info.pop(_PENDING)
    session.flush()  # every other lock is taken before this one
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    now = clock.now()
    new = session.connection().scalar(
        insert(Memo)
        .values(name=NAME, number=1, text="", at=now)
        .on_conflict_do_update(
            index_elements=["name"], set_={"number": col(Memo.number) + 1, "at": now}
        )
        .returning(col(Memo.number))
    )
    for row in stamped:
        row.version = new


def _read() -> int:
    with reading(EVERYWHERE) as session:
        return number(session)


class Poller:
    """Reads the counter in a thread of its own and tells who asked.

    Subscribers are told before waiters wake, so that who waits finds them up to date. One that
    fails is told again at the next look.
    """

    def __init__(self, read: Callable[[], int] = _read, interval: float = INTERVAL_S) -> None:
        self.number = -1
        self._read, self._interval = read, interval
        self._told: dict[Callable[[], Awaitable[None]], int] = {}
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="changes")
        self._changed = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._failing = False
        self.stopped = False

    def subscribe(self, tell: Callable[[], Awaitable[None]]) -> None:
        """`tell` is awaited at the first look and at every change."""
        self._told[tell] = -1

    async def start(self) -> None:
        """Looks once, then keeps looking; subscribers are up to date when it returns."""
        await self._look()
        self._task = asyncio.create_task(self._run())

    async def stop(self) -> None:
        """Ends the looking and wakes everybody who waits."""
        self.stopped = True
        self._changed.set()
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        self._thread.shutdown(wait=False)

    async def wait(self, after: int) -> int:
        """The number, as soon as it is another than `after`, or at once when stopped. Any other:
        a restored database counts from an older one."""
        while self.number == after and not self.stopped:
            await self._changed.wait()
        return self.number

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._interval)
            await self._look()

    async def _look(self) -> None:
        try:
            seen = await asyncio.get_running_loop().run_in_executor(self._thread, self._read)
        except Exception:
            if not self._failing:  # once a failure, not twice a second
                log.warning("the change counter cannot be read", exc_info=True)
            self._failing = True
            return
        self._failing = False
        for tell, told in list(self._told.items()):
            if told == seen:
                continue
            try:
                await tell()
                self._told[tell] = seen
            except Exception:
                log.warning("a change could not be told", exc_info=True)
        if seen != self.number:
            self.number = seen
            waiters, self._changed = self._changed, asyncio.Event()
            waiters.set()
