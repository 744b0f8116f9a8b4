"""Idempotency-Key on POST (draft-ietf-httpapi-idempotency-key-header): the same key with the same
body gets the same answer again; with another body it is refused.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import orjson
from fastapi.encoders import jsonable_encoder
from fastapi.responses import JSONResponse
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, select

from hub import db
from hub.api.problems import Problem, wrong
from hub.models import IdempotencyKey

Work = Callable[[Session], tuple[int, dict[str, Any]]]


def once(authority_id: int, key: str | None, body: Any, work: Work) -> JSONResponse:
    """Run `work` in one writing transaction of the authority and answer its (status, body); with a
    key, its row is written in the same transaction, so a crash leaves neither or both."""
    if key is None:
        with db.writing(authority_id) as session:
            status, answer = work(session)
        return JSONResponse(answer, status)
    if not 1 <= len(key) <= 200:
        raise wrong("Idempotency-Key", "The key must have 1 to 200 characters.")
    print_ = hashlib.sha256(orjson.dumps(jsonable_encoder(body))).hexdigest()
    try:
        with db.writing(authority_id) as session:
            known = session.exec(select(IdempotencyKey).where(IdempotencyKey.key == key)).first()
            if known:
                return _again(known, print_)
            row = IdempotencyKey(authority_id=authority_id, key=key, fingerprint=print_)
            session.add(row)
            session.flush()
            status, answer = work(session)
            row.status, row.body = status, answer
            session.add(row)
        return JSONResponse(answer, status)
    except IntegrityError:  # PostgreSQL: another request with the same key was first
        with db.reading(authority_id) as session:
            known = session.exec(select(IdempotencyKey).where(IdempotencyKey.key == key)).first()
        if known is None:
            raise
        return _again(known, print_)


def _again(known: IdempotencyKey, print_: str) -> JSONResponse:
    if known.fingerprint != print_:
        raise Problem(
            422,
            "This Idempotency-Key was used for another request.",
            "Nothing was done. Send a new key for a new request.",
            [{"field": "Idempotency-Key", "reason": "used with another body"}],
        )
    return JSONResponse(known.body, known.status, headers={"Idempotent-Replayed": "true"})
