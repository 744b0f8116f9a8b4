"""Push hosts that are left alone: a breaker for each, in the database, so that all workers know.
(Providers of the other messengers have theirs in the same table, see providers.)

It opens when a slice had at least eight misses on a host and more misses than answers, for as long
as the host asks (Retry-After) or 2, 4, 8 … 300 s. Then one worker, who moves `until` first, asks
with a single phone: an answer closes the breaker, a miss opens it for longer.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import delete, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub import clock
from hub.models import Breaker

PATIENCE = 8
PROBE_S = 15.0
LONGEST_S = 300.0
_MOST_S = 6 * 3600.0


@dataclass(slots=True)
class Tally:
    """What a slice heard from one host. `answers`: told or gone; `refuses_us`: 401 or 403."""

    answers: int = 0
    misses: int = 0
    retry_after: float = 0.0
    refuses_us: bool = False
    reason: str = ""

    @property
    def tripped(self) -> bool:
        """Whether it was the host rather than its phones."""
        return self.misses >= PATIENCE and self.misses > self.answers


@dataclass(slots=True)
class Standing:
    """What holds for a slice: host → seconds it is left alone; hosts this worker probes."""

    alone: dict[str, float] = field(default_factory=dict)
    probed: frozenset[str] = frozenset()
    known: frozenset[str] = frozenset()


def host_of(endpoint: str) -> str:
    """Host and port of an endpoint."""
    return endpoint.split("/", 3)[2] if endpoint.count("/") > 2 else endpoint


def standing(session: Session, hosts: Iterable[str]) -> Standing:
    """In a writing session when a breaker of `hosts` may be due for its probe (see `any_open`)."""
    now = clock.now()
    found = Standing()
    probed = set()
    rows = session.exec(select(Breaker).where(col(Breaker.host).in_(sorted(set(hosts))))).all()
    for row in rows:
        until = row.until
        if until <= now:
            mine = session.execute(
                update(Breaker)
                .where(col(Breaker.host) == row.host, col(Breaker.until) == until)
                .values(until=now + timedelta(seconds=PROBE_S))
                .execution_options(synchronize_session=False)
            )
            if mine.rowcount == 1:  # type: ignore[attr-defined]
                probed.add(row.host)
            until = now + timedelta(seconds=PROBE_S)
        found.alone[row.host] = (until - now).total_seconds()
    found.probed = frozenset(probed)
    found.known = frozenset(row.host for row in rows)
    return found


def any_open(session: Session) -> bool:
    return session.exec(select(Breaker.host).limit(1)).first() is not None


def judge(session: Session, tallies: Mapping[str, Tally], before: Standing) -> None:
    """Open and close breakers by what a slice heard."""
    for host, tally in sorted(tallies.items()):
        if tally.tripped or (tally.misses and host in before.probed):
            leave(session, host, tally)
        elif tally.answers and host in before.known:
            trust(session, host)


def trust(session: Session, host: str) -> None:
    """It answers again."""
    session.execute(delete(Breaker).where(col(Breaker.host) == host))


def leave(session: Session, host: str, tally: Tally) -> None:
    """Leave it alone, longer than the last time."""
    now = clock.now()
    row = session.get(Breaker, host)
    tries = row.tries + 1 if row else 1
    pause = max(LONGEST_S if tally.refuses_us else 0.0, min(2.0**tries, LONGEST_S))
    until: datetime = now + timedelta(seconds=min(max(pause, tally.retry_after), _MOST_S))
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    values = {"until": until, "tries": tries, "reason": tally.reason}
    session.execute(
        insert(Breaker)
        .values(host=host, since=now, **values)
        .on_conflict_do_update(index_elements=["host"], set_=values)
    )
