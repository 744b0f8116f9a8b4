"""Who calls, and what they may do."""

from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header

from hub import accounts, clock, db
from hub.api.problems import Problem
from hub.vocabulary import Role

# What each role may do beside reading. An admin may do everything.
_RIGHTS = {
    "write": {Role.AUTHOR, Role.APPROVER, Role.ON_DUTY},
    "approve": {Role.APPROVER, Role.ON_DUTY},
    "grave": {Role.ON_DUTY},
    "configure": set[Role](),
}


@dataclass(frozen=True, slots=True)
class Caller:
    """The holder of a token (or a signed-in member). `actor` is what the audit names."""

    authority_id: int
    actor: str
    roles: frozenset[str]

    def may(self, right: str) -> bool:
        return Role.ADMIN in self.roles or bool(self.roles & _RIGHTS[right])

    def need(self, right: str) -> None:
        if not self.may(right):
            raise Problem(
                403, "This token may not do that.", f"It lacks a role with the right to {right}."
            )


def caller(authorization: Annotated[str, Header()] = "") -> Caller:
    """The caller by bearer token (RFC 6750)."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer" or not token:
        raise Problem(
            401,
            "A bearer token is needed.",
            "Send the header Authorization: Bearer TOKEN; make one with `tambour token create`.",
            headers={"WWW-Authenticate": "Bearer"},
        )
    with db.reading(db.EVERYWHERE) as session:
        row = accounts.token_holder(session, token.strip())
    if row is None:
        raise Problem(
            401,
            "This token is not known here, or was revoked.",
            headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
        )
    if row.last_used is None or (clock.now() - row.last_used).total_seconds() > 300:
        with db.writing(row.authority_id) as session:
            kept = session.get_one(type(row), row.id)
            kept.last_used = clock.now()
            session.add(kept)
    return Caller(row.authority_id, f"token:{row.id}", frozenset(row.roles))


Calling = Annotated[Caller, Depends(caller)]
