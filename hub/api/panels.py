"""Panels as they are, and what a publication really showed."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from hub import certificate, db, panels
from hub.api.deps import Calling
from hub.api.problems import Problem
from hub.models import Authority

router = APIRouter(tags=["panels"])


@router.get("/panels")
def index(caller: Calling) -> dict[str, Any]:
    """Every panel: what is wanted and shown, how it is, what is wrong."""
    with db.reading(caller.authority_id) as session:
        return {"panels": [standing.as_json() for standing in panels.listing(session)]}


@router.get("/panels/{code}")
def read(code: str, caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        rows = panels.listing(session, code)
        if not rows:
            raise Problem(404, "There is no such panel here.")
        return rows[0].as_json()


@router.get("/publications/{publication_id}/certificate")
def certify(publication_id: str, caller: Calling) -> JSONResponse:
    """What every outlet really did with it, signed with the authority's key; docs/panels.md says
    how to check it."""
    return JSONResponse(signed(caller.authority_id, publication_id))


def signed(authority_id: int, publication_id: str) -> dict[str, Any]:
    """Raises Problem (404)."""
    with db.reading(authority_id) as session:
        owner = session.get_one(Authority, authority_id)
        try:
            return certificate.sealed(session, owner, publication_id)
        except LookupError:
            raise Problem(404, "This publication was never live here.") from None
