"""The wrong twins themselves, in the order of the kit's checks; see wrong_twins.py."""

import json
from datetime import timedelta
from typing import Any

from channels.panels import jws
from channels.panels.conform import check_times, saying
from hub import clock
from tests.fakes.wrong_twins import (
    KEY,
    KEY_ID,
    Body,
    Tried,
    drop_stage,
    header,
    hears,
    items_of,
    later,
    own_header,
    raw,
    says,
    signed,
    soon,
    time_of,
    wrong,
)

NO_HASH = "A" * 43

# Who it is, what it shows, what it says of it


@says("birth", "birth")
def _(_twin: Tried, body: Body) -> Body:
    return {k: v for k, v in body.items() if k != "columns"}


@says("birth-face", "birth")
def _(_twin: Tried, body: Body) -> Body:
    return {k: v for k, v in body.items() if k != "fw"}


@says("presence", "presence")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"state": "init" if body["state"] in ("ready", "alert") else body["state"]}


drop_stage("plan-stages", "verified")


@says("displayed", "ack")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"rev": 7} if body["stage"] == "displayed" else body


@says("shown", "shown")
def _(_twin: Tried, body: Body) -> Body:
    return body | ({"page": body["page"] | {"hash": NO_HASH}} if body["page"] else {})


@says("shown-retained", "presence")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"retain": False}


drop_stage("superseded", "superseded", quiet=True)


@says("update", "shown")
def _(_twin: Tried, body: Body) -> Body:
    """It shows the new revision and names the old one."""
    return body | {"items": [item | {"rev": 1} for item in body["items"]]}


@hears("cancel")
def _(twin: Tried, body: Body) -> Body:
    """What shares a plan with something known is added to it: nothing is taken away."""
    before = twin.memo.get("before", [])
    known = {item["item"] for item in body["items"]}
    if any(item["item"] in known for item in before):
        body["items"] += [item for item in before if item["item"] not in known]
    twin.memo["before"] = list(body["items"])
    return body


@raw("repeat")
def _(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
    if leaf == "plan" and payload and payload == twin.inbox.kept.payload:
        twin.mouth.acknowledge(json.loads(payload)["plan_rev"], "rejected", reason="replay")
    return payload, seal


@hears("unknown-fields")
def _(twin: Tried, body: Body) -> Body | None:
    if "future" in body:
        twin.mouth.acknowledge(body["plan_rev"], "rejected", reason="format")
        return None
    return body


# What it should have refused


def trusts(fails: str, how: Any) -> None:
    """Takes a plan without a right signature where `how(payload, seal)` says so."""

    def change(_twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
        if leaf == "plan" and payload and not signed(payload, seal) and how(payload, seal):
            return payload, jws.sign(payload, KEY, KEY_ID)
        return payload, seal

    raw(fails)(change)


def by_its_own_header(payload: bytes, seal: str) -> bool:
    key = header(seal).get("jwk", {}).get("x", "")
    try:
        jws.verify(payload, seal, jws.unb64(key))
    except ValueError:
        return False
    return True


trusts("signature-other", by_its_own_header)
trusts("signature-none", lambda _payload, seal: not seal)
trusts("signature-alg", lambda _payload, seal: header(seal).get("alg") == "none")
trusts("changed-byte", lambda payload, seal: own_header(seal) and payload[:1] == b"{")


@raw("signature-order")
def _(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str] | None:
    if leaf == "plan" and payload and not signed(payload, seal) and b"2020-01-01" in payload:
        twin.mouth.acknowledge(json.loads(payload)["plan_rev"], "rejected", reason="expired")
        return None
    return payload, seal


def takes_number(fails: str, when: Any) -> None:
    """Takes a plan whose number is too low, under another one, and answers with the old."""

    def hear(twin: Tried, body: Body) -> Body:
        rev, again = body["plan_rev"], body == twin.memo.get("last")
        twin.memo["last"] = json.loads(saying.dump(body))
        if twin._rev and not again and when(rev, twin.memo.get("seen", 0)):
            body["plan_rev"] = twin.memo.setdefault("up", {}).setdefault(rev, twin._rev + 1)
        twin.memo["seen"] = max(rev, twin.memo.get("seen", 0))
        return body

    def say(twin: Tried, body: Body) -> Body:
        names = {new: old for old, new in twin.memo.get("up", {}).items()}
        return body | {"ref": names.get(body["ref"], body["ref"])}

    wrong(fails, hears={"plan": hear}, says={"ack": say})


takes_number("replay", lambda rev, seen: rev < seen)
takes_number("replay-equal", lambda rev, seen: rev == seen)


@hears("expired")
def _(_twin: Tried, body: Body) -> Body:
    past = time_of(body["not_after"]) < clock.now() - timedelta(days=1)
    return body | ({"not_after": later()} if past else {})


@hears("wrong-panel")
def _(twin: Tried, body: Body) -> Body:
    return body | {"panel": twin.panel}


@hears("wrong-authority")
def _(twin: Tried, body: Body) -> Body:
    return body | {"authority": twin.authority}


def claims(fails: str, **less: int) -> None:
    """Says in its birth that it takes less than it does."""

    def say(_twin: Tried, body: Body) -> Body:
        return body | {name: body[name] - number for name, number in less.items()}

    says(fails, "birth")(say)


claims("too-big", max_bytes=64)
claims("largest", max_bytes=-64)


@says("format-json", "ack")
def _(_twin: Tried, body: Body) -> Body:
    unread = body["ref"] is None and body.get("reason") == "format"
    return body | ({"reason": "memory"} if unread and "cmd" not in body else {})


@hears("format-field")
def _(_twin: Tried, body: Body) -> Body:
    return {"fallback": saying.FALLBACK} | body


def pages(change: Any) -> Any:
    """Every text page through `change(lines) -> lines`, with a hash that fits."""

    def hear(_twin: Tried, body: Body) -> Body:
        for item in body["items"]:
            for page in item["pages"]:
                if "image" not in page and change(page["lines"]) != page["lines"]:
                    page["lines"] = change(page["lines"])
                    page["hash"] = saying.page_hash(page["lines"])
        return body

    return hear


hears("format-face")(pages(lambda lines: [line[:10] for line in lines]))
claims("memory", max_items=1)
claims("too-many-pages", max_pages=1)


@hears("hash-mismatch")
def _(_twin: Tried, body: Body) -> Body:
    for item in body["items"]:
        for page in item["pages"]:
            if page.get("lines") == ["TEST", "BAD"]:
                page["hash"] = saying.page_hash(page["lines"])
    return body


hears("glyph-missing")(pages(lambda lines: [line.replace("\U00010000", "?") for line in lines]))


@says("refusals-change-nothing", "ack")
def _(twin: Tried, body: Body) -> Body | None:
    """A refusal makes its face go blank."""
    if body.get("reason") != "glyph_missing":
        return body
    blank = {"plan_rev": 1, "source": "local", "since": later(0), "items": [], "page": None}
    twin.then("ack", body, blank | {"dark": False})
    return None


# Its clock, its windows, its night


def each(change: Any) -> Any:
    def hear(_twin: Tried, body: Body) -> Body:
        for item in body["items"]:
            change(item)
        return body

    return hear


hears("item-start")(
    each(lambda i: i.pop("start") if "start" in i and time_of(i["start"]) > clock.now() else None)
)


@hears("item-end")
def _(_twin: Tried, body: Body) -> Body:
    for item in body["items"]:
        if "end" in item and soon(item["end"]) and item["activation"] == "queue":
            item["end"] = later()
    return body


drop_stage("expired-said", "expired", quiet=True)


@hears("plan-void")
def _(_twin: Tried, body: Body) -> Body:
    near = soon(body["not_after"]) and time_of(body["not_after"]) > clock.now()
    return body | ({"not_after": later()} if near else {})


@hears("undated")
def _(_twin: Tried, body: Body) -> Body:
    kept = [i for i in body["items"] if "end" in i or len(body["items"]) > 1]
    return body | {"items": kept if not soon(body["not_after"]) else body["items"]}


@says("empty", "shown")
def _(_twin: Tried, body: Body) -> Body:
    return body | ({"source": "fallback"} if not body["items"] else {})


hears("windows")(each(lambda item: item.pop("windows", None)))


@hears("windows-zone")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"tz": saying.ZONE}


hears("windows-days")(
    each(lambda item: [w.update(days="1234567") for w in item.get("windows", ())])
)
hears("preempt")(each(lambda item: item.update(activation="queue")))


@says("resume", "shown")
def _(_twin: Tried, body: Body) -> Body:
    held = {"held": True}
    return body | {
        "items": [i | (held if i["item"] == "conform-calm" else {}) for i in body["items"]]
    }


@hears("night")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"night": []}


@hears("night-except")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"night": [window | {"except": []} for window in body["night"]]}


@hears("night-over")
def _(_twin: Tried, body: Body) -> Body:
    """It takes the night for its own hours."""
    return body | ({"night": check_times._night([])} if items_of(body) == ["daylight"] else {})
