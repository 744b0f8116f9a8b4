"""Proof of what the face showed: counted as it happens, closed in batches, kept until delivered.

The open batch is written down every minute. After a power cut it is closed as it stood then and the
next one begins with the new life: the numbers have no gap, the times between them do.
"""

import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from channels.panels.twin.journal import Lines
from hub import clock

PERIOD: Final = timedelta(minutes=15)
LONGEST_PAGE: Final = timedelta(seconds=60)
SAVED_EVERY_S: Final = 60.0
# One batch stays under the 64 KB of an upward message.
MAX_ENTRIES: Final = 200
# A month at four an hour; a panel away for longer drops the oldest and says how many.
MAX_KEPT: Final = 3000


@dataclass(slots=True)
class _Entry:
    began: datetime
    ended: datetime
    plays: int = 0
    seconds: float = 0.0
    dark_s: float = 0.0


Subject = tuple[str, str, int, str]
"""(item, pub, rev, hash) of a page."""


class Proofs:
    """The counter and its folder. `note` says what is on the face from this moment on."""

    def __init__(self, folder: Path, now: datetime) -> None:
        self._folder = folder
        self._open = Lines(folder / "open.jsonl")
        self._entries: dict[Subject, _Entry] = {}
        self._subject: Subject | None = None
        self._lit = True
        self._at: tuple[datetime, float] | None = None
        self._saved = 0.0
        self.dropped = 0
        folder.mkdir(parents=True, exist_ok=True)
        self.kept = sorted(int(path.stem) for path in folder.glob("[0-9]*.json"))
        self.number, self.began = (self.kept[-1] + 1 if self.kept else 1), now
        self._recover(now)

    @property
    def due(self) -> datetime:
        """When the open batch is to be closed, with the next page."""
        return self.began + PERIOD

    def wait_s(self, now: datetime) -> float:
        """Seconds until it is closed at the latest, whatever the face does."""
        latest = self.due if self._subject is None else self.due + LONGEST_PAGE
        return max(0.0, (latest - now).total_seconds())

    def note(
        self, subject: Subject | None, *, lit: bool, fresh: bool, now: datetime, at: float, rev: int
    ) -> None:
        """`fresh`: the page comes up at this moment. `at`: seconds of a clock that never steps,
        by which time on the face is counted; `now` only says when. `rev`: the plan in force."""
        self._count(now, at)
        turns = fresh or subject != self._subject or subject is None
        # With the page rather than in the middle of it, so that each play is in one batch.
        if now >= self.due + LONGEST_PAGE or (
            turns and (now >= self.due or len(self._entries) >= MAX_ENTRIES)
        ):
            self._subject = None if turns else self._subject
            self.close(now, at, rev)
        self._subject, self._lit = subject, lit
        if subject is not None:
            entry = self._entries.get(subject)
            if entry is None:
                entry = self._entries[subject] = _Entry(now, now)
            entry.plays += turns
        if at - self._saved >= SAVED_EVERY_S:
            self._saved = at
            self._open.add(self._body(now, rev))

    def close(self, now: datetime, at: float, rev: int) -> None:
        """Ends the open batch and begins the next; raises OSError where the disk is full."""
        self._count(now, at)
        self._put(self._body(now, rev))
        self._entries = {}
        if self._subject is not None:  # a page that is cut in two by the batch counts in both
            self._entries[self._subject] = _Entry(now, now, plays=1)
        self.began, self._saved = now, at
        self._open.clear()
        self._open.add(self._body(now, rev))

    def body(self, number: int) -> dict[str, Any] | None:
        """A kept batch; None where the disk lost it."""
        try:
            found: dict[str, Any] = json.loads(self._path(number).read_text("utf-8"))
        except (OSError, ValueError):
            return None
        return found

    def delivered(self, number: int) -> None:
        """The broker has it."""
        self._path(number).unlink(missing_ok=True)
        if number in self.kept:
            self.kept.remove(number)

    def stop(self) -> None:
        """Close the file of the open batch, until the next `note`."""
        self._open.close()

    def _recover(self, now: datetime) -> None:
        try:
            left = self._open.read()[-1]
            number, self.dropped = int(left["batch"]), int(left["dropped"])
        except (IndexError, ValueError, KeyError, TypeError):
            return
        if number >= self.number:
            self.number = number
            self._put(left)
        self.began = now

    def _put(self, body: dict[str, Any]) -> None:
        _write(self._path(self.number), body)
        self.kept.append(self.number)
        self.number += 1
        while len(self.kept) > MAX_KEPT:
            self.dropped += 1
            self.delivered(self.kept[0])

    def _count(self, now: datetime, at: float) -> None:
        if self._at is not None and self._subject is not None:
            entry = self._entries[self._subject]
            passed = max(0.0, at - self._at[1])
            entry.ended = max(entry.ended, now)
            if self._lit:
                entry.seconds += passed
            else:
                entry.dark_s += passed
        self._at = (now, at)

    def _body(self, now: datetime, rev: int) -> dict[str, Any]:
        return {
            "batch": self.number,
            "from": clock.rfc3339(self.began),
            "to": clock.rfc3339(now),
            "plan_rev": rev,
            "dropped": self.dropped,
            "entries": list(self._said()),
        }

    def _said(self) -> Iterator[dict[str, Any]]:
        for (item, pub, rev, page), entry in self._entries.items():
            if not entry.seconds and not entry.dark_s:
                continue  # it came or left at the very moment
            yield {
                "item": item,
                "pub": pub,
                "rev": rev,
                "hash": page,
                "from": clock.rfc3339(entry.began),
                "to": clock.rfc3339(entry.ended),
                "plays": entry.plays,
                "seconds": round(entry.seconds, 1),
                "dark_s": round(entry.dark_s, 1),
            }

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:012d}.json"


def _write(path: Path, body: dict[str, Any]) -> None:
    partial = path.with_suffix(".new")
    with open(partial, "w", encoding="utf-8") as out:
        json.dump(body, out, separators=(",", ":"))
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, path)
