"""From what happened on the wire to an outcome: accepted, rejected, later, uncertain.

The rule is at most once: `later` (the dispatcher asks again) only where surely no message was
taken; where it may have been, `uncertain`, and a person decides.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Final

from channels import wire
from channels.watched import Exchange
from hub.contracts import NotConfigured, Outcome, Verdict
from hub.guard import AddressRefused

_REF_KEYS: Final = ("message_id", "messageid", "message-id", "id", "sid", "uuid", "uri")
_WORD_KEYS: Final = (
    "error_description", "error_text", "error", "message", "detail", "title", "errors",
    "description", "status",
)  # fmt: skip
_MOST_WORDS: Final = 160


def outcome_of(
    said_yes: bool, exchanges: Sequence[Exchange], service: str, secrets: Iterable[str] = ()
) -> Outcome:
    """The outcome of one call. `service` names the other side in the reason; `secrets` are never
    repeated in it. Raises NotConfigured where a person must act."""
    if not exchanges:
        if said_yes:
            return Outcome(Verdict.UNCERTAIN, reason=f"{service} : l'envoi n'a pas pu être suivi.")
        return Outcome(
            Verdict.REJECTED,
            reason=f"{service} : cette adresse ou ce message ne convient pas. Rien n'est parti.",
        )
    last, earlier = exchanges[-1], exchanges[:-1]
    if said_yes:
        return Outcome(Verdict.ACCEPTED, ref=_ref(last.body))
    # A log-in before the message is a POST as well: which of them was the message, nobody knows.
    may_have_left = any(e.connected and e.method != "GET" for e in earlier)
    if last.error is not None:
        return _broken(last, may_have_left, service)
    return _answered(last, may_have_left, service, frozenset(secrets))


def _broken(last: Exchange, may_have_left: bool, service: str) -> Outcome:
    refused = _cause(last.error, AddressRefused)
    if refused is not None:
        raise NotConfigured(f"{service} : cette adresse n'est pas permise. {refused}")
    if last.connected or may_have_left:
        return Outcome(
            Verdict.UNCERTAIN,
            reason=f"{service} n'a pas répondu jusqu'au bout : le message est peut-être parti.",
        )
    return Outcome(
        Verdict.LATER, reason=f"{service} ne répond pas ({last.host}). Rien n'est parti."
    )


def _answered(
    last: Exchange, may_have_left: bool, service: str, secrets: frozenset[str]
) -> Outcome:
    status, words = last.status, _words(last.body, secrets)
    shown = f"{service} a répondu {status}" + (f" : {words}" if words else "")
    wait = wire.retry_after(last.headers.get("Retry-After", ""))
    if status == 401:
        raise NotConfigured(f"{shown}. Vérifiez l'identifiant et la clé de cette sortie.")
    if 300 <= status < 400:
        raise NotConfigured(f"{shown}. L'adresse a changé ; elle n'est pas suivie.")
    waits = status == 429 or (status == 503 and wait is not None)
    if waits and not may_have_left:
        return Outcome(Verdict.LATER, reason=f"{shown}. Rien n'est parti.", retry_after=wait)
    said_no = 400 <= status < 500 or (status < 300 and _json(last.body) is not None)
    if said_no and not waits:
        return Outcome(Verdict.REJECTED, reason=f"{shown}.")
    return Outcome(Verdict.UNCERTAIN, reason=f"{shown}. Le message est peut-être parti.")


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


def _walk(value: Any, depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Names and values of a JSON document, the shallow ones first."""
    if depth > 4:
        return
    inside = value.items() if isinstance(value, dict) else ()
    yield from ((str(k).lower(), v) for k, v in inside)
    for child in value.values() if isinstance(value, dict) else value:
        if isinstance(child, (dict, list)):
            yield from _walk(child, depth + 1)


def _first(body: bytes, keys: Sequence[str]) -> str:
    found = _json(body)
    if not isinstance(found, (dict, list)):
        return ""
    pairs = [(k, v) for k, v in _walk(found) if isinstance(v, (str, int)) and v is not True and v]
    for key in keys:
        for name, value in pairs:
            if name == key:
                return str(value)
    return ""


def _ref(body: bytes) -> str:
    """The other side's id of the message, where its answer names one."""
    return _first(body, _REF_KEYS)[:100]


def _words(body: bytes, secrets: frozenset[str]) -> str:
    words = " ".join(_first(body, _WORD_KEYS).split())
    for secret in sorted(secrets, key=len, reverse=True):
        words = words.replace(secret, "…")
    return words[:_MOST_WORDS].rstrip(" .")
