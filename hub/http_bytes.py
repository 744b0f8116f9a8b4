"""Bytes over HTTP: entity tags, conditional requests, gzip, caching (RFC 9110, RFC 9111). No I/O
but the ASGI `send`."""

import gzip
import math
import re
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from functools import lru_cache
from typing import Any, Final

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Header = tuple[bytes, bytes]
Messages = tuple[dict[str, Any], dict[str, Any]]

MAX_AGE_S: Final = 60
_LONG: Final = timedelta(seconds=MAX_AGE_S)
_GZIP_FROM: Final = 1024
_ZIPPED: Final = "-gz"  # other bytes, other strong tag (RFC 9110 section 8.8.3.3)
_TAGS: Final = re.compile(r'(?:W/)?"([^"]*)"')
_ALWAYS: Final[tuple[Header, ...]] = (
    (b"access-control-allow-origin", b"*"),
    (b"x-content-type-options", b"nosniff"),
)
# A town may show the page in a frame of its own site; the page itself may load nothing but its
# own hub's pictures.
_PAGE: Final[tuple[Header, ...]] = (
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; img-src 'self'; base-uri 'none'; "
        b"form-action 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
)
_PREFLIGHT: Final[tuple[Header, ...]] = (
    (b"access-control-allow-methods", b"GET, HEAD"),
    (b"access-control-allow-headers", b"If-None-Match, If-Modified-Since"),
    (b"access-control-max-age", b"86400"),
)


_ASKED: Final[Mapping[bytes, str]] = {
    name.encode(): name for name in ("accept-encoding", "if-none-match", "if-modified-since")
}


@dataclass(frozen=True, slots=True)
class Held:
    """A document ready to be sent. `etag` without quotes; `zipped` where gzip makes it smaller;
    `answers`: the messages that were sent for it already, by status, coding and age."""

    outlet_id: int
    etag: str
    body: bytes
    zipped: bytes | None
    modified: datetime
    valid_until: datetime | None
    headers: tuple[Header, ...]
    answers: dict[tuple[int, bool, int], Messages] = field(default_factory=dict, compare=False)

    def is_stale(self, now: datetime) -> bool:
        return self.valid_until is not None and self.valid_until <= now

    def max_age(self, now: datetime) -> int:
        """Whole seconds a cache may keep it: at most a minute, never past its validity."""
        left = self.valid_until - now if self.valid_until else _LONG
        return MAX_AGE_S if left >= _LONG else max(0, math.floor(left.total_seconds()))


def hold(
    outlet_id: int,
    etag: str,
    media_type: str,
    body: bytes,
    modified: datetime,
    valid_until: datetime | None,
) -> Held:
    """Everything that need not be worked out for each request."""
    zipped = gzip.compress(body, 6, mtime=0) if len(body) > _GZIP_FROM else None
    if zipped and len(zipped) >= len(body):
        zipped = None
    stamp = format_datetime(modified.astimezone(UTC), usegmt=True).encode()
    headers: list[Header] = [
        (b"content-type", media_type.encode()),
        (b"last-modified", stamp),
        *_ALWAYS,
    ]
    if media_type.startswith("text/html"):
        headers += _PAGE
    if zipped:
        headers.append((b"vary", b"accept-encoding"))
    return Held(outlet_id, etag, body, zipped, modified, valid_until, tuple(headers))


async def reply(send: Send, scope: Mapping[str, Any], held: Held, now: datetime) -> None:
    """Answer a request for a held document, whatever its method."""
    method = scope["method"]
    if method == "OPTIONS":
        await _say(send, 204, (*_ALWAYS, *_PREFLIGHT, (b"allow", b"GET, HEAD, OPTIONS")))
        return
    if method not in ("GET", "HEAD"):
        await text_reply(send, 405, "Cette adresse se lit seulement.", (b"allow", b"GET, HEAD"))
        return
    asked = _asked(scope["headers"])
    zipped = held.zipped is not None and _takes_gzip(asked.get("accept-encoding", ""))
    status = 304 if asked and unchanged(asked, held.etag, held.modified) else 200
    age = held.max_age(now)
    start, body = held.answers.get((status, zipped, age)) or _answer(held, status, zipped, age)
    await send(start)
    await send(body if method == "GET" else _NOTHING)


_NOTHING: Final[dict[str, Any]] = {"type": "http.response.body", "body": b""}


def _answer(held: Held, status: int, zipped: bool, age: int) -> Messages:
    """The two messages of an answer, built once: of a thousand phones that ask within a second each
    gets the same."""
    headers = [
        (b"etag", f'"{held.etag}{_ZIPPED if zipped else ""}"'.encode()),
        (b"cache-control", f"public, max-age={age}".encode()),
        (b"access-control-expose-headers", b"ETag, Last-Modified"),
        *(h for h in held.headers if status == 200 or h[0] != b"content-type"),
    ]
    body = _NOTHING
    if status == 200:
        content = held.zipped if zipped and held.zipped else held.body
        headers.append((b"content-length", str(len(content)).encode()))
        if zipped:
            headers.append((b"content-encoding", b"gzip"))
        body = {"type": "http.response.body", "body": content}
    start = {"type": "http.response.start", "status": status, "headers": headers}
    held.answers[status, zipped, age] = start, body
    return start, body


async def text_reply(send: Send, status: int, text: str, *headers: Header) -> None:
    """A sentence for a person, never cached."""
    body = text.encode()
    await _say(
        send,
        status,
        (
            (b"content-type", b"text/plain; charset=utf-8"),
            (b"content-length", str(len(body)).encode()),
            (b"cache-control", b"no-store"),
            *_ALWAYS,
            *headers,
        ),
        body,
    )


def unchanged(asked: Mapping[str, str], etag: str, modified: datetime) -> bool:
    """Whether who asks has it already; `asked` are headers by small name, `etag` has no quotes. RFC
    9110 section 13.1: If-None-Match (weak comparison) decides alone where it is given."""
    known = asked.get("if-none-match")
    if known is not None:
        return _knows(known, etag)
    since = asked.get("if-modified-since")
    if since is None:
        return False
    try:
        moment = parsedate_to_datetime(since)
    except ValueError:
        return False
    if moment.tzinfo is None:  # "-0000", and nothing an HTTP date should be
        moment = moment.replace(tzinfo=UTC)
    return modified.replace(microsecond=0) <= moment


@lru_cache(maxsize=1024)
def _knows(known: str, etag: str) -> bool:
    if known.strip() == "*":
        return True
    return etag in {tag.removesuffix(_ZIPPED) for tag in _TAGS.findall(known)}


@lru_cache(maxsize=256)
def _takes_gzip(accepted: str) -> bool:
    """RFC 9110 section 12.5.3: named with a weight above 0, or covered by a star."""
    weights = {}
    for part in accepted.lower().split(","):
        coding, _, rest = part.strip().partition(";")
        name, _, value = rest.strip().partition("=")
        try:
            weights[coding.strip()] = float(value) if name.strip() == "q" else 1.0
        except ValueError:
            weights[coding.strip()] = 0.0
    return weights.get("gzip", weights.get("*", 0.0)) > 0


def _asked(headers: Iterable[Header]) -> dict[str, str]:
    """Of the header lines (names in small letters, ASGI 3.0) those that matter here; repeated ones
    joined (RFC 9110 section 5.2)."""
    found: dict[str, str] = {}
    for name, value in headers:
        key = _ASKED.get(name)
        if key is not None:
            text = value.decode("latin-1")
            found[key] = f"{found[key]}, {text}" if key in found else text
    return found


async def _say(send: Send, status: int, headers: tuple[Header, ...], body: bytes = b"") -> None:
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})
    await send({"type": "http.response.body", "body": body})
