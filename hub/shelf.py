"""Documents as they are served: stored by the dispatcher, kept as bytes in every web process.

`store` writes what a website said in the transaction that ends the saying. `Shelf` stands ahead of
the router and answers from a dict: no database on a hit. Past `valid_until` it renders afresh by
itself, so that an expiry holds with every worker stopped.
"""

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, MutableMapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import unquote

import structlog
from sqlalchemy import delete
from sqlmodel import Session, col, select

from hub import changes, clock, vault
from hub.contracts import Document, PermanentFailure, Said
from hub.db import EVERYWHERE, reading
from hub.http_bytes import Held, hold, reply, text_reply
from hub.models import ShelfRow

log = structlog.get_logger()

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]
Renew = Callable[[int], Said | None]

# A removed row stays as an empty one, so that web processes hear of it, then goes.
_GONE_FOR: Final = timedelta(days=1)
# What a web process rendered by itself is looked at again after this, should no worker ever come.
_RENEWED_FOR: Final = timedelta(seconds=60)
_PAUSE_S: Final = 1.0
# A worker may store, or the next end may pass, while we render.
_TRIES: Final = 3


class PathTaken(PermanentFailure):
    """Two outlets want to serve the same address."""


def etag_of(body: bytes) -> str:
    """Base64url of the SHA-256 of the bytes, without padding or quotes."""
    return vault.base64url(hashlib.sha256(body).digest())


def store(session: Session, outlet_id: int, authority_id: int, said: Said, now: datetime) -> bool:
    """Put what the outlet said on the shelf and take off what it no longer says.

    True, and the change counter raised, only when a document, its media type or its validity is
    another than before; `modified` moves with the bytes alone. Raises PathTaken.
    """
    had = _marks(session, outlet_id)
    wanted = {document.path: document for document in said.documents}
    removed = {path for path, (_, kind, _) in had.items() if kind and path not in wanted}
    marks = {path: (etag_of(d.body), d.media_type, d.valid_until) for path, d in wanted.items()}
    changed = [path for path, mark in marks.items() if had.get(path) != mark]
    if not changed and not removed:
        return False
    _check_free(session, outlet_id, [path for path in changed if path not in had])
    stamped = [_put(session, outlet_id, authority_id, wanted[path], now) for path in changed]
    for path in removed:
        empty = Document(path, "", b"")
        stamped.append(_put(session, outlet_id, authority_id, empty, now))
    session.flush()
    session.exec(
        delete(ShelfRow).where(
            col(ShelfRow.outlet_id) == outlet_id,
            col(ShelfRow.media_type) == "",
            col(ShelfRow.modified) < now - _GONE_FOR,
        )
    )
    changes.bump(session, *stamped)
    return True


_Mark = tuple[str, str, datetime | None]


def _marks(session: Session, outlet_id: int) -> dict[str, _Mark]:
    """Path to what tells one document from another; the bytes are not read."""
    query = select(
        ShelfRow.path,
        ShelfRow.etag,
        ShelfRow.media_type,
        col(ShelfRow.valid_until),
    ).where(ShelfRow.outlet_id == outlet_id)
    return {path: (etag, kind, until) for path, etag, kind, until in session.exec(query)}


def _put(
    session: Session, outlet_id: int, authority_id: int, document: Document, now: datetime
) -> ShelfRow:
    row = session.get(ShelfRow, document.path)
    etag = etag_of(document.body)
    if row is None:
        row = ShelfRow(
            path=document.path,
            outlet_id=outlet_id,
            authority_id=authority_id,
            etag=etag,
            media_type=document.media_type,
            body=document.body,
            modified=now,
        )
        session.add(row)
    elif (row.etag, row.media_type) != (etag, document.media_type):
        row.etag, row.media_type, row.body = etag, document.media_type, document.body
        row.modified = now
    row.valid_until = document.valid_until
    return row


def _check_free(session: Session, outlet_id: int, paths: list[str]) -> None:
    """Frees the paths that another outlet left; raises PathTaken for one in use. The table itself
    is asked: a scoped session would not see another authority's row."""
    if not paths:
        return
    table = ShelfRow.__table__  # type: ignore[attr-defined]
    others = (table.c.path.in_(paths), table.c.outlet_id != outlet_id)
    query = table.select().with_only_columns(table.c.path).where(*others, table.c.media_type != "")
    taken = session.connection().scalar(query.limit(1))
    if taken:
        raise PathTaken(f"{taken} est déjà servi pour un autre site : changez la station de l’un.")
    session.connection().execute(table.delete().where(*others))


class Shelf:
    """ASGI middleware ahead of the router: what is on the shelf is answered here, all else passes.

    `renew(outlet_id)` says what an outlet shows now, None when there is no such outlet any more; it
    may block, runs in a thread, once at a time for each outlet.
    """

    def __init__(self, app: App, *, poller: changes.Poller, renew: Renew) -> None:
        self._app, self._renew = app, renew
        poller.subscribe(self.refresh)
        self._held: dict[str, Held] = {}
        self._seen = -1
        self._renewed: set[int] = set()
        self._turn: dict[int, int] = {}
        self._running: dict[int, asyncio.Task[None]] = {}
        self._failed: dict[int, float] = {}

    async def refresh(self) -> None:
        """Take over the rows stored since the last time; everything after a failure."""
        seen, self._seen = self._seen, -1
        news = await asyncio.to_thread(_read, seen, frozenset(self._renewed))
        if news.everything:
            self._held = {}
            self._renewed.clear()
        self._drop(news.whole)
        self._renewed -= news.whole
        for path, outlet_id, held in news.rows:
            self._turn[outlet_id] = self._turn.get(outlet_id, 0) + 1
            if held:
                self._held[path] = held
            else:
                self._held.pop(path, None)
        self._seen = news.number

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        held = self._held.get(scope["path"]) if scope["type"] == "http" else None
        if held is None:
            await self._app(scope, receive, send)
            return
        for _ in range(_TRIES):
            now = clock.now()
            if not held.is_stale(now):
                await reply(send, scope, held, now)
                return
            try:
                await self._fresh(held.outlet_id)
            except Exception:
                break  # said in the log by who rendered
            held = self._held.get(scope["path"])
            if held is None:  # it ended
                await self._app(scope, receive, send)
                return
        await text_reply(send, 503, _LATER, (b"retry-after", b"5"))

    async def _fresh(self, outlet_id: int) -> None:
        """Render the outlet again, or join who does; after a failure, not for a second."""
        task = self._running.get(outlet_id)
        if task is None:
            failed = self._failed.get(outlet_id)
            if failed is not None and clock.monotonic() - failed < _PAUSE_S:
                raise RuntimeError("rendering failed a moment ago")
            task = asyncio.create_task(self._render(outlet_id))
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            self._running[outlet_id] = task
        await asyncio.shield(task)

    async def _render(self, outlet_id: int) -> None:
        turn = self._turn.get(outlet_id, 0)
        try:
            said = await asyncio.to_thread(self._renew, outlet_id)
            self._failed.pop(outlet_id, None)
        except Exception:
            self._failed[outlet_id] = clock.monotonic()
            log.warning("a website cannot be rendered", outlet=outlet_id, exc_info=True)
            raise
        finally:
            self._running.pop(outlet_id, None)
        if self._turn.get(outlet_id, 0) != turn:
            return  # a worker stored something newer meanwhile
        now, before = clock.now(), self._held
        limit = now + _RENEWED_FOR
        self._drop({outlet_id})
        for document in said.documents if said else ():
            path, etag = unquote(document.path), etag_of(document.body)
            old = before.get(path)
            modified = old.modified if old and old.etag == etag else now
            until = min(document.valid_until or limit, limit)
            self._held[path] = hold(
                outlet_id, etag, document.media_type, document.body, modified, until
            )
        self._renewed.add(outlet_id)

    def _drop(self, outlets: AbstractSet[int]) -> None:
        if outlets:
            self._held = {p: h for p, h in self._held.items() if h.outlet_id not in outlets}


_LATER: Final = "Cette page est momentanément indisponible. Réessayez dans quelques secondes."


@dataclass(frozen=True, slots=True)
class _News:
    """`rows`: path, outlet and document, None where it was removed. `whole`: outlets given whole.
    `everything`: the rows are all there are."""

    number: int
    rows: list[tuple[str, int, Held | None]]
    whole: frozenset[int]
    everything: bool


def _read(seen: int, renewed: frozenset[int]) -> _News:
    """Rows stored after the counter stood at `seen`. An outlet that this process rendered by itself
    is given whole: its other rows were not compared with what is held here."""
    with reading(EVERYWHERE) as session:
        number = changes.number(session)  # first: what comes later is read again next time
        everything = seen < 0 or number < seen  # a restored database counts from an older number
        query = select(ShelfRow)
        if not everything:
            query = query.where(ShelfRow.version > seen)
        rows = {row.path: row for row in session.exec(query)}
        whole = frozenset(row.outlet_id for row in rows.values()) & renewed
        for row in session.exec(select(ShelfRow).where(col(ShelfRow.outlet_id).in_(whole))):
            rows[row.path] = row
        kept = [(unquote(row.path), row.outlet_id, _held(row)) for row in rows.values()]
        return _News(number, kept, whole, everything)


def _held(row: ShelfRow) -> Held | None:
    if not row.media_type:
        return None
    return hold(row.outlet_id, row.etag, row.media_type, row.body, row.modified, row.valid_until)
