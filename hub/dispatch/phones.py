"""Phones as a slice needs them: their rows as they are now, and the identities they are signed by.

Five thousand ids go to the database as one value, for a parameter each costs more than its row.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from hub import vault
from hub.models import PushIdentity

_COLUMNS = "s.id, s.endpoint, s.p256dh, s.auth, s.language, s.push_identity_id, s.failures"
_WHERE = "WHERE s.state <> 'gone' ORDER BY s.id"
_BY_IDS = {
    "sqlite": text(
        f"SELECT {_COLUMNS} FROM json_each(:ids) j JOIN subscription s ON s.id = j.value {_WHERE}"
    ),
    "postgresql": text(
        f"SELECT {_COLUMNS} FROM json_array_elements_text(CAST(:ids AS json)) j"
        f" JOIN subscription s ON s.id = CAST(j AS bigint) {_WHERE}"
    ),
}

_identities: dict[tuple[int, str], Mapping[str, str]] = {}


def read(session: Session, ids: Sequence[int]) -> Sequence[Any]:
    """Rows (id, endpoint, p256dh, auth, language, push_identity_id, failures), sorted by id."""
    statement = _BY_IDS[session.get_bind().dialect.name]
    return session.execute(statement, {"ids": json.dumps(ids)}).all()


def identity(session: Session, number: int) -> Mapping[str, str]:
    """{public_key, private_key}, opened once a process: all its phones share the object."""
    row = session.get_one(PushIdentity, number)
    key = (number, row.private_key)
    if key not in _identities:
        private = vault.unseal(row.private_key, "push-identity").decode()
        _identities[key] = {"public_key": row.public_key, "private_key": private}
    return _identities[key]
