"""The instance's small memory: one value a name, kept in the database."""

from datetime import datetime

from sqlmodel import Session

from hub import clock
from hub.models import Memo


def read(session: Session, name: str) -> Memo | None:
    return session.get(Memo, name)


def write(
    session: Session, name: str, number: int, text: str = "", at: datetime | None = None
) -> None:
    """Set the value and the moment it was written (or `at`)."""
    memo = session.get(Memo, name) or Memo(name=name)
    memo.number, memo.text, memo.at = number, text, at or clock.now()
    session.add(memo)
