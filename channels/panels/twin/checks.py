"""Whether what comes down may be stored: docs/panel-contract.md section 5, in its order.

The twin reads that page as a maker would: it has its own verifier and its own schemas' validator,
and shares nothing with the code that compiles and signs.
"""

import hashlib
import json
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import jsonschema_rs

from channels.panels.twin import seal
from channels.panels.twin.face import Face
from channels.panels.twin.plans import BadTime, Page, Plan, plan_of, time_of

SCHEMAS: Final = Path(__file__).resolve().parents[1] / "schemas"
COMMANDS: Final = ("screenshot", "resend_birth", "test_pattern", "reload")
MAX_COMMAND: Final = 4096
MAX_DEADLINE: Final = timedelta(seconds=60)
LONG_AGO: Final = datetime.min.replace(tzinfo=UTC)


class Rejected(Exception):
    """What is not stored or done. `reason` is a word of the contract (section 5), `ref` the
    plan_rev as far as it could be read."""

    def __init__(self, reason: str, ref: int | None = None, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason, self.ref, self.detail = reason, ref, detail


def admit(
    payload: bytes,
    jws: str,
    *,
    face: Face,
    authority: str,
    panel: str,
    trusted: Sequence[seal.Key],
    stored_rev: int,
    now: datetime,
) -> tuple[Plan, seal.Key]:
    """The plan and the key it is signed with; `image_missing` is for the caller, who can wait.
    `trusted`: empty to trust the first key seen. `now`: an unsure clock asks with a time before
    all others, so that nothing is over. Raises Rejected."""
    if len(payload) > face.max_bytes:
        raise Rejected("too_big", None, f"{len(payload)} bytes, at most {face.max_bytes}")
    key = check_seal(payload, jws, trusted, now)
    body = parse(payload)
    rev: int = body["plan_rev"]
    plan = planned(body)
    _check_fit(plan, face)
    _check_addressee(body, authority, panel, rev)
    if rev <= stored_rev:
        raise Rejected("replay", rev, f"{stored_rev} is stored")
    if plan.not_after <= now:
        raise Rejected("expired", rev)
    _check_room(plan, face)
    _every_page(plan, "hash_mismatch", lambda page: hash_of(page) == page.hash)
    _every_page(plan, "glyph_missing", lambda page: _drawable(page, face))
    return plan, key


def admit_keys(
    payload: bytes,
    jws: str,
    *,
    authority: str,
    panel: str,
    trusted: Sequence[seal.Key],
    stored_rev: int,
    now: datetime,
) -> tuple[int, tuple[seal.Key, ...]]:
    """(keys_rev, the keys trusted from now on). A key whose time for plans is over may still sign
    a set: that is how a hub restored from a backup is heard again. Raises Rejected; `ref` is always
    None."""
    if len(payload) > MAX_COMMAND:
        raise Rejected("too_big")
    check_seal(payload, jws, trusted, LONG_AGO)
    body = parse(payload, "keys")
    try:
        keys = tuple(
            seal.Key(
                entry["kid"],
                seal.unb64(entry["x"]),
                time_of(entry["not_after"]) if "not_after" in entry else None,
            )
            for entry in body["keys"]
        )
    except ValueError as error:
        raise Rejected("format", None, "keys") from error
    _check_addressee(body, authority, panel, None)
    if body["keys_rev"] <= stored_rev:
        raise Rejected("replay", None, f"{stored_rev} is stored")
    if all(key.not_after is not None and key.not_after <= now for key in keys):
        raise Rejected("expired")
    return body["keys_rev"], keys


def admit_command(
    payload: bytes,
    jws: str,
    *,
    authority: str,
    panel: str,
    trusted: Sequence[seal.Key],
    done: Collection[str],
    now: datetime | None,
) -> tuple[str, str, datetime]:
    """(id, command, deadline). `done`: the ids seen before. `now`: None where the clock is
    not sure, and a deadline means nothing. Raises Rejected; its `detail` never holds the id."""
    if len(payload) > MAX_COMMAND:
        raise Rejected("too_big")
    # A panel that has no key yet trusts plans, not commands: there is nothing to see or to do.
    if not trusted:
        raise Rejected("signature", None, "no key yet")
    check_seal(payload, jws, trusted, now or LONG_AGO)
    body = parse(payload, "cmd")
    try:
        deadline, sent = time_of(body["deadline"]), time_of(body["ts"])
    except BadTime as error:
        raise Rejected("format", None, str(error)) from error
    if deadline - sent > MAX_DEADLINE:
        raise Rejected("format", None, "a deadline more than 60 s away")
    _check_addressee(body, authority, panel, None)
    if body["id"] in done:
        raise Rejected("replay")
    if now is None:
        raise Rejected("clock_unsure")
    # A hub whose clock is ahead must not keep a command alive for ever.
    if deadline <= now or deadline - now > 2 * MAX_DEADLINE:
        raise Rejected("expired")
    if body["cmd"] not in COMMANDS:
        raise Rejected("unsupported", None, body["cmd"])
    return body["id"], body["cmd"], deadline


def check_seal(payload: bytes, jws: str, trusted: Sequence[seal.Key], now: datetime) -> seal.Key:
    try:
        return seal.check(payload, jws, trusted, now)
    except seal.BadSeal as error:
        raise Rejected("signature", peek(payload), str(error)) from error


def parse(payload: bytes, schema: str = "plan") -> dict[str, Any]:
    """The body of a message that comes down, after its schema. Raises Rejected."""
    try:
        body = json.loads(payload)
        # Half of a letter, or nested too deep: the validator raises as well.
        problem = next(validator(schema).iter_errors(body), None)
    except (ValueError, RecursionError) as error:
        raise Rejected("format", None, "not JSON") from error
    if problem is not None:
        where = "/".join(str(step) for step in problem.instance_path)
        raise Rejected("format", peek(payload), where)
    return dict(body)


def planned(body: dict[str, Any]) -> Plan:
    """`plan_of`, with the contract's word for what is wrong."""
    try:
        return plan_of(body)
    except BadTime as error:
        raise Rejected("format", body["plan_rev"], str(error)) from error


def hash_of(page: Page) -> str:
    """What the page's hash must be as far as the plan tells: of its lines; a bitmap's is compared
    with its dots when it arrives."""
    if page.image is not None:
        return page.image.hash
    return seal.b64(hashlib.sha256("\n".join(page.lines).encode()).digest())


def peek(payload: bytes, field: str = "plan_rev") -> int | None:
    """The number of something that is not trusted, to name it in the refusal."""
    try:
        rev = json.loads(payload)[field]
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return rev if type(rev) is int and 0 <= rev < 2**53 else None


def peek_id(payload: bytes) -> str:
    """The id of a command that is not trusted, to name it in the refusal."""
    try:
        name = json.loads(payload)["id"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return name[:64] if isinstance(name, str) else ""


@lru_cache(maxsize=8)
def validator(name: str) -> jsonschema_rs.Validator:
    return jsonschema_rs.validator_for(json.loads((SCHEMAS / f"{name}.json").read_text("utf-8")))


def _check_addressee(body: dict[str, Any], authority: str, panel: str, ref: int | None) -> None:
    if (body["authority"], body["panel"]) != (authority, panel):
        raise Rejected("wrong_panel", ref, f"for {body['authority']}/{body['panel']}")


def _check_fit(plan: Plan, face: Face) -> None:
    for item in plan.items:
        for page in item.pages:
            image = page.image
            if image is not None:
                if image.mode not in face.modes:
                    raise Rejected("format", plan.rev, f"{item.item}: no bitmap of this mode")
                if image.width > face.width or image.height > face.height:
                    raise Rejected("format", plan.rev, f"{item.item} is larger than the face")
            elif len(page.lines) > face.lines or any(len(s) > face.columns for s in page.lines):
                raise Rejected("format", plan.rev, f"{item.item} is larger than the face")


def _check_room(plan: Plan, face: Face) -> None:
    if len(plan.items) > face.max_items:
        raise Rejected("memory", plan.rev, f"{len(plan.items)} items, at most {face.max_items}")
    if len(plan.images) > face.max_images:
        raise Rejected("memory", plan.rev, f"{len(plan.images)} images, at most {face.max_images}")
    for item in plan.items:
        if len(item.pages) > face.max_pages:
            raise Rejected("too_many_pages", plan.rev, item.item)


def _every_page(plan: Plan, reason: str, right: Callable[[Page], bool]) -> None:
    for item in plan.items:
        if not all(right(page) for page in item.pages):
            raise Rejected(reason, plan.rev, item.item)


def _drawable(page: Page, face: Face) -> bool:
    return page.image is not None or face.letters.issuperset("".join(page.lines))
