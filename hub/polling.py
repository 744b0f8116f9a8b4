"""Reading a source: claim, fetch outside any transaction, parse in the sandbox, take in at once.

A reading that fails changes nothing but the source's health; the last good content stays. Unchanged
bytes do nothing more than confirm what was missing before.
"""

import hashlib
import random
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from hub import audit, clock, courtesy, db, foresight, reading, registry
from hub.contracts import (
    EntryError,
    Fetch,
    NotModified,
    Parsed,
    SourceUnavailable,
    SourceUnreadable,
)
from hub.dispatch import leases
from hub.endings import Tally
from hub.models import Authority, Source
from hub.sandbox import parse_bounded
from hub.source_words import say
from hub.sources import guarded_fetcher, options_of
from hub.vocabulary import SourceHealth

log = structlog.get_logger()

# Agendas have a horizon that moves on: what is unchanged is still read anew once a day.
READ_ANEW: Final = timedelta(hours=24)
_LONGEST_WAIT_S: Final = 1800
_MOST_ERRORS_KEPT: Final = 100


@dataclass(frozen=True, slots=True)
class PollResult:
    """`outcome`: read, unchanged, failed, busy or skipped; `says` is the sentence for people."""

    source_id: int
    outcome: str
    says: str
    tally: Tally = field(default_factory=Tally)
    errors: tuple[EntryError, ...] = ()
    next_at: datetime | None = None

    @property
    def ok(self) -> bool:
        return self.outcome in ("read", "unchanged", "skipped")

    def as_json(self) -> dict[str, Any]:
        return {
            "source": self.source_id,
            "outcome": self.outcome,
            "says": self.says,
            **asdict(self.tally),
            "errors": [{"where": e.where, "reason": e.reason} for e in self.errors],
            "next_at": clock.rfc3339(self.next_at) if self.next_at else None,
        }


class _Failed(Exception):
    """The reading failed: `reason` in words; `retry_after` in seconds when the other side said."""

    def __init__(self, reason: str, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason, self.retry_after = reason, retry_after


@dataclass(frozen=True, slots=True)
class _Brought:
    """Bytes and what they say; `parsed` None: nothing new."""

    cursor: dict[str, Any]
    hash: str = ""
    parsed: Parsed | None = None


def due_sources(session: Session, now: datetime, limit: int = 500) -> Sequence[int]:
    """Ids of the sources that wait to be read."""
    return [
        source_id
        for source_id in session.exec(
            select(Source.id)
            .where(col(Source.next_at) <= now, Source.lease == "", col(Source.paused).is_(False))
            .order_by(col(Source.next_at))
            .limit(limit)
        ).all()
        if source_id is not None
    ]


def poll(source_id: int, *, force: bool = False, fetch: Fetch | None = None) -> PollResult:
    """Read a source now, if it is due or `force`. Never raises for what the source does.

    `fetch` stands in for the guarded fetcher.
    """
    now = clock.now()
    with db.writing(db.EVERYWHERE) as session:
        source = session.get(Source, source_id)
        if source is None:
            raise LookupError(f"There is no source {source_id}.")
        authority = session.get_one(Authority, source.authority_id)
        language = authority.languages[0][:2]
        if not force and (source.paused or source.next_at is None or source.next_at > now):
            key = "paused" if source.paused else "unchanged"
            return PollResult(source_id, "skipped", say(key, language), next_at=source.next_at)
        asked_to_wait = courtesy.until(session, source.url, now)
        if asked_to_wait and not force:
            source.next_at = asked_to_wait
            says = say("host-waits", language)
            return PollResult(source_id, "skipped", says, next_at=asked_to_wait)
        if not leases.claim(session, Source, source_id):
            return PollResult(source_id, "busy", say("busy", language))
        pause = courtesy.turn(session, source.url, now)
        session.expunge(source)
    time.sleep(pause)
    try:
        brought = _bring(source, authority, now, language, fetch)
    except _Failed as failure:
        return _failed(source, failure)
    except Exception:
        log.exception("reading failed", source=source_id)
        return _failed(source, _Failed(say("unexpected", language)))
    try:
        if brought.parsed is None and (done := _unchanged(source, brought, language)):
            return done
        return _good(source, brought, language)
    except Exception:
        log.exception("taking in failed", source=source_id)
        return _failed(source, _Failed(say("unexpected", language)))


def dry_run(
    source: Source, authority: Authority, fetch: Fetch | None = None
) -> tuple[Parsed, list[dict[str, Any]]]:
    """What a source would bring now: (the reading, a row an item with what intake would do).
    Writes nothing. Raises SourceUnavailable, also for what cannot be read."""
    now = clock.now()
    language = authority.languages[0][:2]
    try:
        brought = _bring(source, authority, now, language, fetch, claimed=False)
    except _Failed as failure:
        raise SourceUnavailable(failure.reason, failure.retry_after) from failure
    parsed = brought.parsed or Parsed(())
    return parsed, foresight.foresee(source, authority, parsed, now)


def _bring(
    source: Source,
    authority: Authority,
    now: datetime,
    language: str,
    fetch: Fetch | None,
    *,
    claimed: bool = True,
) -> _Brought:
    """Fetch and parse; no transaction is open meanwhile."""
    kept = source.cursor
    stale = not kept.get("read_at") or datetime.fromisoformat(kept["read_at"]) < now - READ_ANEW
    try:
        kind = registry.connector(source.kind)
        options = options_of(source, authority)
        connector = kind(kind.Options.model_validate(options))
    except (registry.UnknownKind, ValueError) as error:
        raise _Failed(say("bad-options", language, fields=_fields(error))) from error
    try:
        brought = connector.fetch(
            {} if stale else kept.get("cursor", {}), fetch or guarded_fetcher(language)
        )
    except SourceUnavailable as error:
        raise _Failed(error.reason, error.retry_after) from error
    if isinstance(brought, NotModified):
        return _Brought(kept)
    fingerprint = hashlib.sha256(brought.raw).hexdigest()
    if fingerprint == source.content_hash and not stale:
        return _Brought(kept | {"cursor": dict(brought.cursor)}, fingerprint)
    if claimed:
        _beat(source)
    try:
        parsed = parse_bounded(source.kind, options, brought.raw, now, language=language)
    except SourceUnreadable as error:
        raise _Failed(f"{error.reason} ({error.where})" if error.where else error.reason) from error
    cursor = {"cursor": dict(brought.cursor), "read_at": now.isoformat()}
    return _Brought(cursor, fingerprint, parsed)


def _beat(source: Source) -> None:
    """Fetching and parsing together may outlast what a silent lease is given (30 s)."""
    with db.writing(source.authority_id) as session:
        row = session.get(Source, source.id)
        if row and row.lease == leases.me():
            row.beat += 1


def _unchanged(source: Source, brought: _Brought, language: str) -> PollResult | None:
    """The usual end of a poll, without loading a row: nothing new, the source was good before,
    nothing is missing. None where there is more to it."""
    table = Source.__table__  # type: ignore[attr-defined]
    with db.writing(db.EVERYWHERE) as session:
        now = clock.now()
        row = session.execute(
            columns(
                table.c.url, table.c.kind, table.c.options, table.c.lease, table.c.health
            ).where(table.c.id == source.id)
        ).first()
        wanted = (source.url, source.kind, source.options, leases.me(), SourceHealth.GOOD)
        if row is None or tuple(row) != wanted or not reading.nothing_waits(session, source, now):
            return None
        next_at = now + timedelta(seconds=source.interval_s * random.uniform(0.95, 1.1))
        session.execute(
            table.update()
            .where(table.c.id == source.id)
            .values(
                cursor=brought.cursor,
                content_hash=brought.hash or source.content_hash,
                last_good=now,
                last_try=now,
                next_at=next_at,
                lease="",
                beat=table.c.beat + 1,
            )
        )
    says = say("unchanged", language)
    return PollResult(source.id or 0, "unchanged", says, next_at=next_at)


def _good(source: Source, brought: _Brought, language: str) -> PollResult:
    """Everything a good reading changes, in one transaction."""
    with db.writing(source.authority_id) as session:
        row = session.get(Source, source.id)
        now = clock.now()
        if row is None or row.lease != leases.me():
            return PollResult(source.id or 0, "busy", say("busy", language))
        if (row.url, row.kind, row.options) != (source.url, source.kind, source.options):
            _release(row, now, now)  # its settings were changed meanwhile: read it anew
            return PollResult(source.id or 0, "busy", say("busy", language), next_at=now)
        errors: tuple[EntryError, ...] = ()
        if brought.parsed is None:
            outcome = "unchanged"
            tally = reading.confirm(session, row, now)
        else:
            outcome, errors = "read", brought.parsed.errors
            tally = reading.take_in(session, row, brought.parsed, now)
            row.entry_errors = [asdict(e) for e in errors[:_MOST_ERRORS_KEPT]]
        if row.health == SourceHealth.FAILING:
            audit.note(session, row.authority_id, "hub", "recovery", f"source:{row.id}")
            log.info("source recovered", source=row.id)
        row.cursor, row.content_hash = brought.cursor, brought.hash or row.content_hash
        row.health, row.error, row.failures, row.last_good = SourceHealth.GOOD, "", 0, now
        wait = timedelta(seconds=row.interval_s * random.uniform(0.95, 1.1))
        _release(row, now, now + wait)
        return PollResult(
            source.id or 0, outcome, _says(outcome, tally, errors, language), tally, errors,
            row.next_at,
        )  # fmt: skip


def _failed(source: Source, failure: _Failed) -> PollResult:
    """Health only. The outage is written to the ledger once, when it begins."""
    with db.writing(source.authority_id) as session:
        row = session.get(Source, source.id)
        now = clock.now()
        if row is None or row.lease != leases.me():
            return PollResult(source.id or 0, "failed", failure.reason)
        if row.health != SourceHealth.FAILING:
            audit.note(
                session, row.authority_id, "hub", "outage", f"source:{row.id}", why=failure.reason
            )
            log.warning("source fails", source=row.id)
        row.health, row.error = SourceHealth.FAILING, failure.reason
        row.failures += 1
        longest = max(row.interval_s, _LONGEST_WAIT_S)
        wait = min(row.interval_s * 2.0 ** min(row.failures - 1, 12), longest)
        wait = max(wait * random.uniform(0.9, 1.1), failure.retry_after or 0)
        if failure.retry_after:
            courtesy.keep_away(session, row.url, now + timedelta(seconds=failure.retry_after))
        _release(row, now, now + timedelta(seconds=wait))
        return PollResult(source.id or 0, "failed", failure.reason, next_at=row.next_at)


def _release(row: Source, now: datetime, next_at: datetime) -> None:
    row.last_try, row.next_at, row.lease = now, next_at, ""
    row.beat += 1


def _says(outcome: str, tally: Tally, errors: Sequence[EntryError], language: str) -> str:
    if outcome == "unchanged":
        return say("unchanged", language)
    figures = {k: v for k, v in asdict(tally).items() if k != "notes"}
    return " ".join([say("read", language, **figures, errors=len(errors)), *tally.notes])


def _fields(error: Exception) -> str:
    found = getattr(error, "errors", None)
    if callable(found):
        return ", ".join(".".join(map(str, e["loc"])) for e in found())
    return str(error)
