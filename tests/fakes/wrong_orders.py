"""Wrong twins: commands, keys, pictures, the line, and what holds all the time."""

import json
from datetime import timedelta
from typing import Any

from channels.panels import jws
from channels.panels.conform import saying
from hub import clock
from tests.fakes.wrong_answers import NO_HASH
from tests.fakes.wrong_twins import (
    KEY,
    KEY_ID,
    Body,
    Tried,
    header,
    hears,
    later,
    raw,
    says,
    signed,
    time_of,
    wrong,
)

# Commands


def obeys(fails: str, how: Any, *, quiet: bool = False) -> None:
    """Carries commands out by `how(twin, name, command, right way)`."""

    def setup(twin: Tried) -> None:
        right = twin.inbox._obey_command
        twin.inbox._obey_command = lambda name, word: how(twin, name, word, right)

    wrong(fails, setup=setup, quiet=quiet)


obeys("cmd-done", lambda t, n, w, right: None if w == "resend_birth" else right(n, w), quiet=True)


@hears("cmd-replay", "cmd")
def _(twin: Tried, body: Body) -> Body:
    twin.inbox._done.clear()
    return body


@hears("cmd-deadline", "cmd")
def _(_twin: Tried, body: Body) -> Body:
    past = time_of(body["deadline"]) < clock.now()
    return body | ({"ts": later(0), "deadline": later(0.005)} if past else {})


@raw("cmd-signature")
def _(_twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
    return payload, jws.sign(payload, KEY, KEY_ID) if leaf == "cmd" else seal


@hears("cmd-wrong-panel", "cmd")
def _(twin: Tried, body: Body) -> Body:
    return body | {"panel": twin.panel}


@says("cmd-unknown", "ack")
def _(_twin: Tried, body: Body) -> Body:
    return body | ({"reason": "format"} if body.get("reason") == "unsupported" else {})


def _forget(twin: Tried, name: str, word: str, right: Any) -> None:
    right(name, word)
    if word == "reload":
        twin.display.take(None)


obeys("cmd-wants-nothing", _forget)
wrong(
    "frame",
    says={"frame": lambda _t, more: more | {"user": more["user"] | {"hash": NO_HASH}}},
)


def _always(twin: Tried, name: str, word: str, right: Any) -> None:
    twin._frame_at = -1e9
    right(name, word)


obeys("frame-rate", _always)

# Keys


@hears("keys-rotate", "keys")
def _(twin: Tried, body: Body) -> Body | None:
    if len(body["keys"]) == 1:
        return body
    reason = {"reason": "format", "keys_rev": body["keys_rev"]}
    twin.mouth.acknowledge(None, "rejected", **reason)
    return None


@hears("keys-replay", "keys")
def _(twin: Tried, body: Body) -> Body | None:
    if body["keys_rev"] < twin.inbox.kept.keys_rev:
        twin.mouth.acknowledge(None, "done", keys_rev=body["keys_rev"])
        return None
    return body


@raw("keys-signature")
def _(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str] | None:
    if leaf == "keys" and payload and not signed(payload, seal):
        twin.mouth.acknowledge(None, "done", keys_rev=json.loads(payload)["keys_rev"])
        return None
    return payload, seal


@raw("keys-revoke")
def _(_twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
    if leaf == "plan" and header(seal).get("kid") == "conform-new":
        seal = jws.sign(payload, KEY, KEY_ID)
    return payload, seal


# Pictures


@says("image", "ack")
def _(_twin: Tried, body: Body) -> Body:
    mine = body.get("item") == "conform-picture" and body["stage"] == "displayed"
    return body | ({"hash": NO_HASH} if mine else {})


def _impatient(twin: Tried) -> None:
    settle = twin.inbox.settle

    def at_once() -> None:
        if twin.inbox._waiting:
            twin.inbox._waiting = (*twin.inbox._waiting[:4], -1.0)
        settle()

    twin.inbox.settle = at_once  # type: ignore[method-assign]


wrong("image-late", setup=_impatient)


def _describes(body: Body, when: bool) -> Body:
    """Takes a plan with a picture as if it were text."""
    for item in body["items"]:
        item["pages"] = [
            saying.page("TEST") if when and "image" in page else page for page in item["pages"]
        ]
    return body


@hears("image-missing")
def _(_twin: Tried, body: Body) -> Body:
    return _describes(body, any(item["item"] == "conform-bad" for item in body["items"]))


def _shows_anything(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
    if leaf.startswith("image/") and payload:
        twin.memo.setdefault("images", set()).add(leaf.removeprefix("image/"))
    if leaf == "plan" and payload and signed(payload, seal):
        body = json.loads(payload)
        named = {p.get("image") for item in body["items"] for p in item["pages"]} - {None}
        if named & twin.memo.get("images", set()) and body["items"][0]["item"] == "conform-bad":
            payload = saying.dump(_describes(body, True))
            seal = jws.sign(payload, KEY, KEY_ID)
    return payload, seal


raw("image-wrong")(_shows_anything)

# The line


@raw("forgotten-plan")
def _(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str]:
    if leaf == "plan" and not payload:
        twin.display.take(None)
    return payload, seal


def _weak_will(twin: Tried) -> None:
    begin = twin.link._will
    twin.link._will = lambda: begin() | {"seq": 5}


wrong("will", setup=_weak_will)


@says("return", "presence", quiet=True)
def _(twin: Tried, body: Body) -> Body | None:
    first = twin.memo.setdefault("first", body["session"])
    return body if body["session"] == first or body["state"] != "ready" else None


def _same_session(twin: Tried) -> None:
    new = twin.inbox.new_session
    twin.inbox.new_session = lambda: twin.memo.setdefault("session", new())  # type: ignore[method-assign]


wrong("session-rises", setup=_same_session)


@raw("return-plan")
def _(twin: Tried, leaf: str, payload: bytes, seal: str) -> tuple[bytes, str] | None:
    """It looks at no plan that was there before it."""
    before, now = twin.memo.get("session"), twin.inbox.kept.session
    if leaf == "plan":
        twin.memo["session"] = now
        if before not in (None, now):
            return None
    return payload, seal


@says("return-birth", "birth")
def _(twin: Tried, body: Body) -> Body:
    first = twin.memo.setdefault("first", body["session"])
    return body | ({} if body["session"] == first else {"plan_rev": 0})


@says("return-shown", "shown", quiet=True)
def _(twin: Tried, body: Body) -> Body | None:
    session, rev = twin.memo.get("shown", (0, 0))
    if session != body["session"]:
        twin.memo["old"] = rev
    twin.memo["shown"] = (body["session"], body["plan_rev"])
    return None if body["plan_rev"] == twin.memo["old"] else body


# All the time


@says("proof-batches", "proof")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"batch": body["batch"] * 2}


@says("proof-true", "proof")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"entries": [entry | {"hash": NO_HASH} for entry in body["entries"]]}


wrong("heartbeat", says={"hb": lambda _t, _body: None}, quiet=True)
wrong("forms", says={"hb": lambda _t, body: body | {"faults": "none"}})
wrong("numbers", says={"ack": lambda _t, body: body | {"seq": 1}})


def _fast(leaf: str) -> Any:
    return lambda _t, body: (
        body | {"ts": clock.rfc3339(time_of(body["ts"]) + timedelta(seconds=30))}
    )


wrong("clock", says={"hb": _fast("hb"), "birth": _fast("birth")})


@says("calm", "shown")
def _(twin: Tried, body: Body) -> None:
    again = {k: v for k, v in body.items() if k not in ("v", "ts", "session", "seq")}
    twin.then("shown", body, again)


@says("fault-form", "fault")
def _(_twin: Tried, body: Body) -> Body:
    return body | {"code": "window"}


@says("sleep-until", "presence")
def _(twin: Tried, body: Body) -> Body | None:
    if body["state"] != "ready" or twin.memo.get("slept"):
        return body
    twin.memo["slept"] = True
    twin.then("presence", body | {"state": "sleeping"}, {"state": "ready"}, also="presence")
    return None


@hears("never-late")
def _(twin: Tried, body: Body) -> Body:
    """Long after an item's end, with a new plan at the door, it says once more that it shows it."""
    told = twin.memo.get("brief")
    if told and clock.now() > time_of(told[1]["end"]) + timedelta(seconds=4):
        rev, item = told
        twin.memo["brief"] = None
        entry = {name: item[name] for name in ("item", "pub", "rev")}
        shown = {"plan_rev": rev, "source": "plan", "since": later(0), "dark": False}
        twin.add("shown", {**shown, "items": [entry], "page": None})
    for item in body["items"]:
        if item["item"] == "conform-brief":
            twin.memo["brief"] = (body["plan_rev"], item)
    return body
