"""Parsing strangers' bytes in a process of its own, bounded in memory, time and output.

A Celery prefork child may not start multiprocessing children, so this is a process of the nursery:
it gets a line of JSON and the bytes on its standard input and answers JSON on its standard output.
It inherits neither secrets (an almost empty environment) nor connections.
"""

import contextlib
import json
import os
import resource
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO

from hub import nursery
from hub.contracts import Parsed, SourceUnreadable
from hub.items import PARSED
from hub.source_words import say


@dataclass(frozen=True, slots=True)
class Bounds:
    """Address space in bytes, processor and wall time in seconds, output in bytes."""

    memory: int = 600_000_000
    cpu_s: int = 8
    wall_s: float = 9.0
    output: int = 40_000_000


@dataclass(frozen=True, slots=True)
class Guess:
    """A kind that can read some bytes: how many items and refused entries, the earliest moment of
    an item (RFC 3339, or empty)."""

    kind: str
    items: int
    errors: int
    first: str


def parse_bounded(
    kind: str,
    options: Mapping[str, Any],
    raw: bytes,
    received_at: datetime,
    *,
    language: str = "fr",
    bounds: Bounds | None = None,
) -> Parsed:
    """`registry.connector(kind)(Options(**options)).parse(raw, received_at)`, bounded.

    `options` are JSON values. Raises SourceUnreadable: by the connector, or because the bounds were
    reached or the parser failed; the reason is in `language`.
    """
    limits = bounds or Bounds()
    order = {"kind": kind, "options": dict(options), "received_at": received_at.isoformat()}
    code, answer, trouble = _run(order, raw, limits, language)
    return _understood(code, answer, trouble, limits.cpu_s, language)


def guess_bounded(
    kinds: Sequence[str], raw: bytes, received_at: datetime, *, bounds: Bounds | None = None
) -> list[Guess]:
    """How well each of the kinds reads the bytes, the best first; a kind that cannot is left out.
    Raises SourceUnreadable where trying them ran into the bounds."""
    limits = bounds or Bounds()
    order = {"kinds": list(kinds), "received_at": received_at.isoformat()}
    code, answer, trouble = _run(order, raw, limits, "en")
    if code != 0 or not answer.startswith(b"guessed\n"):
        _understood(code, answer, trouble, limits.cpu_s, "en")
    return [Guess(*row) for row in json.loads(answer.partition(b"\n")[2])]


def _run(
    order: dict[str, Any], raw: bytes, limits: Bounds, language: str
) -> tuple[int, bytes, bytes]:
    """(exit code, answer, trouble) of a child that does what `order` says."""
    order = order | {"memory": limits.memory, "cpu_s": limits.cpu_s, "output": limits.output}
    kinds = order.get("kinds") or [order["kind"]]
    given = json.dumps(order).encode() + b"\n" + raw
    try:
        answer = nursery.run(kinds, given, limits.wall_s)
    except nursery.TookTooLong:
        raise SourceUnreadable(
            say("parse-too-long", language, seconds=round(limits.wall_s))
        ) from None
    return answer.code, answer.out, answer.err


def _understood(code: int, answer: bytes, trouble: bytes, cpu_s: int, language: str) -> Parsed:
    if code in (-signal.SIGXCPU, -signal.SIGKILL):
        raise SourceUnreadable(say("parse-too-long", language, seconds=cpu_s))
    if code == 0:
        with contextlib.suppress(ValueError):
            kind, _, body = answer.partition(b"\n")
            if kind == b"parsed":
                return PARSED.validate_json(body)
            if kind == b"unreadable":
                reason, where = json.loads(body)
                raise SourceUnreadable(reason, where)
            if kind == b"memory":
                raise SourceUnreadable(say("parse-too-heavy", language))
    last = trouble.decode("utf-8", "replace").strip().rpartition("\n")[2][:200]
    import structlog  # here, so that the child does not pay for it

    structlog.get_logger().warning("parser failed", code=code, last=last, output=len(answer))
    raise SourceUnreadable(say("parse-failed", language))


def main(given: BinaryIO, answer: BinaryIO) -> None:
    """The child: limits first, then the connector's code, then the bytes."""
    order = json.loads(given.readline())
    resource.setrlimit(resource.RLIMIT_AS, (order["memory"], order["memory"]))
    resource.setrlimit(resource.RLIMIT_CPU, (order["cpu_s"], order["cpu_s"] + 2))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    from hub import registry

    try:
        if "kinds" in order:
            _guess(order, given.read(), answer)
            return
        kind = registry.connector(order["kind"])
        connector = kind(kind.Options.model_validate(order["options"]))
        parsed = connector.parse(given.read(), datetime.fromisoformat(order["received_at"]))
        body = b"parsed\n" + PARSED.dump_json(parsed)
        if len(body) > order["output"]:
            raise MemoryError
    except SourceUnreadable as error:
        body = b"unreadable\n" + json.dumps([error.reason, error.where]).encode()
        if _ran_out(error):
            body = b"memory\n"
    except MemoryError:
        body = b"memory\n"
    answer.write(body)
    answer.flush()


def _guess(order: dict[str, Any], raw: bytes, answer: BinaryIO) -> None:
    from hub import registry

    at = datetime.fromisoformat(order["received_at"])
    found = []
    for name in order["kinds"]:
        kind = registry.connector(name)
        try:
            parsed = kind(kind.Options()).parse(raw, at)
        except Exception:  # bytes of another kind may break it in any way
            continue
        moments = [m for i in parsed.items for m in (i.sent, i.onset, i.effective) if m]
        first = min(moments).isoformat() if moments else ""
        found.append((name, len(parsed.items), len(parsed.errors), first, kind.default_interval_s))
    # Alerts are read more often than news: of two kinds that find something in it, the more special
    # one; of two that find nothing, the more general.
    found.sort(key=lambda g: (g[1] == 0, g[2] / (g[1] + g[2] or 1), g[4] if g[1] else -g[4]))
    answer.write(b"guessed\n" + json.dumps([g[:4] for g in found]).encode())
    answer.flush()


def _ran_out(error: BaseException | None) -> bool:
    """icalendar turns any trouble with a line, MemoryError too, into "Expected StringType"."""
    while error is not None:
        if isinstance(error, MemoryError):
            return True
        error = error.__cause__ or error.__context__
    return False


def _child() -> None:
    # What a library prints must not mix with the answer.
    pipe = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    with open(0, "rb", closefd=False) as given:
        main(given, pipe)
    pipe.close()


if __name__ == "__main__":
    from hub import registry

    nursery.serve(socket.socket(fileno=int(sys.argv[1])), registry.connector, _child)
