"""One line in the ledger, in the transaction of what it tells of."""

from typing import Any

from sqlmodel import Session
from structlog.contextvars import get_contextvars

from hub.models import AuditEvent


def note(
    session: Session, authority_id: int, actor: str, verb: str, thing: str, **detail: Any
) -> None:
    """Append who (`member:3`, `token:5`, `source:2`, `hub`) did what (`publish`) to what
    (`publication:01J…`). `detail` is JSON and holds no secret and no phone number."""
    session.add(
        AuditEvent(
            authority_id=authority_id,
            actor=actor,
            verb=verb,
            object=thing,
            detail=detail,
            request_id=str(get_contextvars().get("request_id", "")),
        )
    )
