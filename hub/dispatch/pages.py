"""Pages that displays were told, by publication, revision and hash: what a hash that comes back in
a report or a proof must be."""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session

from hub import db
from hub.contracts import Json
from hub.models import ToldPage

_KNOWN: Final[OrderedDict[tuple[Any, ...], None]] = OrderedDict()
_MOST_KNOWN: Final = 10_000


def keep(
    session: Session,
    revisions: Mapping[str, int],
    pages: Mapping[str, Sequence[Json]],
    now: datetime,
) -> None:
    """Write down the pages that were not written down yet."""
    rows: dict[tuple[Any, ...], dict[str, Any]] = {}
    database = str(db.engine().url)
    for publication, its in pages.items():
        for position, page in enumerate(its):
            key = (publication, revisions[publication], str(page["hash"]))
            if (database, *key) in _KNOWN:
                continue
            rows[key] = {
                "publication_id": key[0],
                "revision": key[1],
                "hash": key[2],
                "position": position,
                "page": dict(page),
                "first": now,
            }
    if not rows:
        return
    insert: Any
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    statement = insert(ToldPage).on_conflict_do_nothing()
    session.execute(statement, [rows[key] for key in sorted(rows)])
    # Only once they are in the database: a transaction that fails must write them again.
    db.after_commit(session, lambda: _remember(database, list(rows)))


def _remember(database: str, keys: Sequence[tuple[Any, ...]]) -> None:
    for key in keys:
        _KNOWN[(database, *key)] = None
    while len(_KNOWN) > _MOST_KNOWN:
        _KNOWN.popitem(last=False)
