"""Whether a plan may be stored: size, signature, form, addressee, replay, time, hashes, letters.

The twin reads docs/panel-contract.md as a maker would: it has its own verifier and its own schemas'
validator, and shares nothing with the code that compiles and signs.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from channels.panels.twin.face import Face

SCHEMA: Final = Path(__file__).resolve().parents[1] / "schemas" / "plan.json"


class Rejected(Exception):
    """A plan that is not stored. `reason` is a word of the contract (section 5), `ref` the plan_rev
    as far as it could be read."""

    def __init__(self, reason: str, ref: int | None = None, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.ref, self.detail = reason, ref, detail


@dataclass(frozen=True, slots=True)
class Page:
    lines: tuple[str, ...]
    hold_s: float
    hash: str


@dataclass(frozen=True, slots=True)
class Item:
    item: str
    pub: str
    rev: int
    kind: str
    priority: int
    preempts: bool
    start: datetime | None
    end: datetime | None
    pages: tuple[Page, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    rev: int
    not_after: datetime
    tz: str
    items: tuple[Item, ...]
    fallback: dict[str, Any]
    night: tuple[dict[str, Any], ...]


def admit(
    payload: bytes,
    jws: str,
    *,
    face: Face,
    authority: str,
    panel: str,
    pinned: bytes,
    stored_rev: int,
    now: datetime,
) -> tuple[Plan, bytes, str]:
    """(plan, the key it is signed with, that key's id). `pinned`: 32 bytes, or b"" to trust the
    first key seen. `now` None-like values are not accepted: an unsure clock asks with the last
    time it knew. Raises Rejected."""
    if len(payload) > face.max_bytes:
        raise Rejected("too_big", detail=f"{len(payload)} bytes, at most {face.max_bytes}")
    key, key_id = check_seal(payload, jws, pinned)
    body = parse(payload)
    rev: int = body["plan_rev"]
    if (body["authority"], body["panel"]) != (authority, panel):
        raise Rejected("wrong_panel", rev, f"for {body['authority']}/{body['panel']}")
    if rev <= stored_rev:
        raise Rejected("replay", rev, f"{stored_rev} is stored")
    plan = plan_of(body)
    if plan.not_after <= now:
        raise Rejected("expired", rev)
    _check_room(plan, face)
    _check_pages(plan, face)
    return plan, key, key_id


def check_seal(payload: bytes, jws: str, pinned: bytes) -> tuple[bytes, str]:
    """The key and key id under which `jws` (header..signature, RFC 7515 appendix F) signs."""
    header, dots, signature = jws.partition("..")
    try:
        fields = json.loads(_unb64(header))
        if not dots or fields.get("alg") not in ("EdDSA", "Ed25519") or "crit" in fields:
            raise ValueError("algorithm")
        key = pinned or _unb64(fields["jwk"]["x"])
        signed = header.encode() + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        Ed25519PublicKey.from_public_bytes(key).verify(_unb64(signature), signed)
    except (InvalidSignature, ValueError, KeyError, TypeError, AttributeError) as error:
        raise Rejected("signature", _peek(payload)) from error
    return key, str(fields.get("kid", ""))


def parse(payload: bytes) -> dict[str, Any]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError) as error:
        raise Rejected("format", None, "not JSON") from error
    problem = next(_validator().iter_errors(body), None)
    if problem is not None:
        where = "/".join(str(step) for step in problem.instance_path)
        raise Rejected("format", _peek(payload), where)
    return dict(body)


def plan_of(body: dict[str, Any]) -> Plan:
    """A plan that passed the schema, with its times read."""
    return Plan(
        rev=body["plan_rev"],
        not_after=_time(body["not_after"]),
        tz=body["tz"],
        items=tuple(_item(item) for item in body["items"]),
        fallback=body["fallback"],
        night=tuple(body["night"]),
    )


def _item(body: dict[str, Any]) -> Item:
    return Item(
        item=body["item"],
        pub=body["pub"],
        rev=body["rev"],
        kind=body["kind"],
        priority=body["priority"],
        preempts=body["activation"] == "preempt",
        start=_time(body["start"]) if "start" in body else None,
        end=_time(body["end"]) if "end" in body else None,
        pages=tuple(
            Page(tuple(page.get("lines", ())), page["hold_ms"] / 1000, page["hash"])
            for page in body["pages"]
        ),
    )


def _check_room(plan: Plan, face: Face) -> None:
    if len(plan.items) > face.max_items:
        raise Rejected("memory", plan.rev, f"{len(plan.items)} items, at most {face.max_items}")
    for item in plan.items:
        if len(item.pages) > face.max_pages:
            raise Rejected("too_many_pages", plan.rev, item.item)


def _check_pages(plan: Plan, face: Face) -> None:
    for item in plan.items:
        for page in item.pages:
            canonical = "\n".join(page.lines).encode()
            digest = base64.urlsafe_b64encode(hashlib.sha256(canonical).digest())
            if digest.rstrip(b"=").decode() != page.hash:
                raise Rejected("hash_mismatch", plan.rev, item.item)
            if len(page.lines) > face.lines or any(len(s) > face.columns for s in page.lines):
                raise Rejected("format", plan.rev, f"{item.item} is larger than the face")
            if not face.letters.issuperset("".join(page.lines)):
                raise Rejected("glyph_missing", plan.rev, item.item)


def _peek(payload: bytes) -> int | None:
    """The plan_rev of something that is not trusted, to name it in the refusal."""
    try:
        rev = json.loads(payload)["plan_rev"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return rev if type(rev) is int and 0 <= rev < 2**53 else None


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except ValueError as error:
        raise Rejected("format", None, "a time that does not exist") from error


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


@lru_cache(maxsize=1)
def _validator() -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads(SCHEMA.read_text("utf-8")))
