"""Politeness to a site that serves many sources: requests begin one at a time, a quarter of a
second apart, and when it asks one of them to wait (Retry-After), all of them do.
"""

from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from sqlmodel import Session

from hub import clock, memos, settings

GAP: Final = timedelta(seconds=0.25)
_LONGEST: Final = timedelta(hours=1)


def turn(session: Session, url: str, now: datetime) -> float:
    """Take the next turn at the site; returns how many seconds to wait for it. The machine's own
    feeds (TAMBOUR_ALLOW_PRIVATE) have no queue."""
    host = _host(url)
    if not host:
        return 0.0
    last = memos.read(session, f"host.turn:{host}")
    # A clock that went back must not make anybody wait for the old time to come again.
    begins = max(now, last.at + GAP) if last and last.at < now + _LONGEST else now
    memos.write(session, f"host.turn:{host}", 1, at=begins)
    return min((begins - now).total_seconds(), 10.0)


def keep_away(session: Session, url: str, until: datetime) -> None:
    """The site asked to be left alone until then; an hour at most for the others' sake."""
    if host := _host(url):
        at = min(until, clock.now() + _LONGEST)
        memos.write(session, f"host.until:{host}", 1, at=at)


def until(session: Session, url: str, now: datetime) -> datetime | None:
    """When the site may be asked again; None: now."""
    host = _host(url)
    memo = memos.read(session, f"host.until:{host}") if host else None
    return memo.at if memo and now < memo.at <= now + _LONGEST else None


def _host(url: str) -> str:
    """host:port, or "" for an exact exception of the policy."""
    try:
        parts = urlsplit(url)
        policy = settings.get().policy
        host, port = (parts.hostname or "").lower(), policy.port_of(parts)
    except ValueError:
        return ""
    return "" if not host or policy.is_excepted(host, port) else f"{host}:{port}"
