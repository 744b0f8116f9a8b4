"""What the street received: the last 200 SMS and the last 200 posts, in memory and in a file."""

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hub import clock

KEPT: Final = 200


@dataclass(slots=True)
class Sms:
    id: int
    number: str
    text: str
    at: str
    language: str = ""


@dataclass(slots=True)
class Edition:
    """A wording a post had, until the moment it was replaced."""

    text: str
    at: str


@dataclass(slots=True)
class Post:
    id: str
    account: str
    text: str
    at: str
    language: str = ""
    visibility: str = "public"
    key: str = ""
    edits: list[Edition] = field(default_factory=list)
    edited: str = ""
    deleted: str = ""


class Store:
    """Changed by one event loop only. `version` rises with every change; `wait` waits for it."""

    def __init__(self, file: Path | None = None) -> None:
        self.sms: list[Sms] = []
        self.posts: list[Post] = []
        self.version = 0
        self._last = 0
        self._file = file
        self._changed = asyncio.Condition()
        if file is not None and file.exists():
            self._load(json.loads(file.read_text("utf-8")))

    def telephones(self) -> dict[str, list[Sms]]:
        """Messages by number, the number that last received one first; oldest message first."""
        by_number: dict[str, list[Sms]] = {}
        for sms in reversed(self.sms):
            by_number.setdefault(sms.number, []).insert(0, sms)
        return by_number

    def timeline(self) -> list[Post]:
        """Posts, newest first."""
        return self.posts[::-1]

    def post(self, ident: str) -> Post | None:
        """A post that still stands."""
        return next((p for p in self.posts if p.id == ident and not p.deleted), None)

    async def receive(self, number: str, text: str) -> Sms:
        """A text message arrives on a telephone."""
        sms = Sms(self._next(), number, text, _now())
        self.sms = [*self.sms, sms][-KEPT:]
        await self._say()
        return sms

    async def publish(
        self, account: str, text: str, language: str, visibility: str, key: str
    ) -> Post:
        """A new post; the one already made under the same key, where there is one."""
        made = next((p for p in self.posts if key and (p.account, p.key) == (account, key)), None)
        if made is not None:
            return made
        post = Post(str(self._next()), account, text, _now(), language, visibility, key)
        self.posts = [*self.posts, post][-KEPT:]
        await self._say()
        return post

    async def edit(self, post: Post, text: str, language: str) -> None:
        """Replaces the wording of a post; the earlier one stays readable."""
        if text != post.text:
            post.edits.append(Edition(post.text, post.edited or post.at))
            post.text, post.language, post.edited = text, language or post.language, _now()
            await self._say()

    async def delete(self, post: Post) -> None:
        """Removes a post; the page keeps it, struck."""
        post.deleted = _now()
        await self._say()

    async def wait(self, seen: int, seconds: float) -> int:
        """The version, as soon as it is not `seen`, or after `seconds` whatever it is."""
        async with self._changed:
            with suppress(TimeoutError):
                await asyncio.wait_for(
                    self._changed.wait_for(lambda: self.version != seen), timeout=seconds
                )
            return self.version

    def _next(self) -> int:
        # Ids stay increasing over a street that was emptied: a sender remembers them.
        self._last = max(self._last + 1, clock.unix_ms())
        return self._last

    async def _say(self) -> None:
        self.version += 1
        if self._file is not None:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            partial = self._file.with_suffix(".part")
            kept = {"sms": self.sms, "posts": self.posts}
            rows = {name: [asdict(row) for row in rows] for name, rows in kept.items()}  # type: ignore[attr-defined]
            partial.write_text(json.dumps(rows, ensure_ascii=False), "utf-8")
            os.replace(partial, self._file)
        async with self._changed:
            self._changed.notify_all()

    def _load(self, kept: dict[str, Any]) -> None:
        self.sms = [Sms(**row) for row in kept["sms"]]
        self.posts = [
            Post(**(row | {"edits": [Edition(**e) for e in row["edits"]]})) for row in kept["posts"]
        ]
        self._last = max((int(row.id) for row in (*self.sms, *self.posts)), default=0)


def _now() -> str:
    return clock.rfc3339(clock.now())


def moment(text: str) -> datetime:
    """The time of a row, aware."""
    return datetime.fromisoformat(text)
