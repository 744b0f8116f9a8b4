"""Panels that keep the contract but for one thing: each proves that the kit's check sees it.

A wrong twin is our twin with a hand on its line: `hears` changes what comes down before the twin
checks it (signed anew, as if it had not looked), `says` changes what goes up. The key is the hub's,
which a real panel does not have; how else should a twin be made to believe what it should not.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from channels.panels import jws
from channels.panels.conform import saying
from channels.panels.twin import Twin, face
from channels.panels.twin.link import Down
from hub import clock

Body = dict[str, Any]
KEY: Final = bytes(range(32))
KEY_ID: Final = "vb-1"
MODEL: Final = "matrix-96x64"
MAX_ITEMS: Final = 6


@dataclass
class Wrong:
    """`fails`: the check that must see it. `quiet`: it is seen by a silence, which takes time."""

    fails: str
    hears: dict[str, Callable[["Tried", Body], Body | None]] = field(default_factory=dict)
    says: dict[str, Callable[["Tried", Body], Any]] = field(default_factory=dict)
    raw: Callable[["Tried", str, bytes, str], tuple[bytes, str] | None] | None = None
    setup: Callable[["Tried"], None] | None = None
    quiet: bool = False


class Tried(Twin):
    """A twin with a small memory, so that every check applies, and somebody's hand on its line."""

    def __init__(self, broker_url: str, panel: str, folder: Path, wrong: Wrong | None) -> None:
        super().__init__(
            broker_url, "villard-bonnot", panel, MODEL, folder,
            key=jws.public_of(KEY), at_once=True, heartbeat_s=10,
        )  # fmt: skip
        self.face = replace(face.load(MODEL), max_items=MAX_ITEMS)
        self.wrong = wrong or Wrong("")
        self.memo: Body = {}
        self._publish = self.link.publish
        self.link.publish = self._say  # type: ignore[method-assign]
        self.faults.raise_("door", "info", self.clock.now(), "open")
        if self.wrong.setup:
            self.wrong.setup(self)

    def _on_down(self, down: Down) -> None:
        leaf = down.leaf.partition("/")[0]
        payload, seal = down.payload, down.jws
        if self.wrong.raw:
            changed = self.wrong.raw(self, down.leaf, payload, seal)
            if changed is None:
                return
            payload, seal = changed
        hears = self.wrong.hears.get(leaf)
        if hears and payload and signed(payload, seal):
            body = json.loads(payload)
            given = saying.dump(body)
            heard = hears(self, body)
            if heard is None:
                return
            if (raw := saying.dump(heard)) != given:
                payload, seal = raw, jws.sign(raw, KEY, KEY_ID)
        super()._on_down(Down(down.leaf, payload, seal))

    def _say(self, leaf: str, payload: bytes, **more: Any) -> int:
        if leaf == "birth":  # the beat is faster here than a panel may say
            payload = saying.dump(json.loads(payload) | {"heartbeat_s": 10})
        says = self.wrong.says.get(leaf.partition("/")[0])
        if says is None or not payload:
            return self._publish(leaf, payload, **more)
        if leaf == "frame":
            return self._publish(leaf, payload, **says(self, more))
        said = says(self, json.loads(payload))
        if said is None:
            # Swallowed, and as if the broker had it: no two under one number.
            self.memo["swallowed"] = mid = self.memo.get("swallowed", 0) - 1
            self.link.confirmed[mid] = 0
            return int(mid)
        retain = bool(said.pop("retain", more.get("retain")))
        return self._publish(leaf, saying.dump(said), **(more | {"retain": retain}))

    def add(self, leaf: str, body: Body) -> None:
        """Say something more, under the next number, untouched."""
        self.mouth._seq += 1
        told = {**self.mouth.head(self.mouth._seq), **body}
        self._publish(leaf, saying.dump(told), qos=1, retain=True)

    def then(self, leaf: str, body: Body, more: Body, *, also: str = "shown") -> None:
        """Say what was to be said, and something more after it."""
        self._publish(leaf, saying.dump(body), qos=1, retain=leaf != "ack")
        self.add(also, more)


WRONG: Final[dict[str, Wrong]] = {}


def wrong(fails: str, **how: Any) -> Wrong:
    made = Wrong(fails, **how)
    assert fails not in WRONG
    WRONG[fails] = made
    return made


def signed(payload: bytes, seal: str) -> bool:
    try:
        json.loads(payload)
        jws.verify(payload, seal, jws.public_of(KEY))
    except ValueError:
        return False
    return True


def says(fails: str, leaf: str, *, quiet: bool = False) -> Any:
    """A decorator: what the twin says on a leaf is changed; None swallows it."""
    return lambda change: wrong(fails, says={leaf: change}, quiet=quiet)


def hears(fails: str, leaf: str = "plan") -> Any:
    """A decorator: what the twin is told on a leaf is changed before it looks."""
    return lambda change: wrong(fails, hears={leaf: change})


def raw(fails: str) -> Any:
    return lambda change: wrong(fails, raw=change)


def drop_stage(fails: str, stage: str, *, quiet: bool = False) -> None:
    wrong(
        fails,
        says={"ack": lambda _t, body: None if body["stage"] == stage else body},
        quiet=quiet,
    )


def time_of(text: str) -> datetime:
    return datetime.fromisoformat(text)


def soon(text: str, within_s: float = 60) -> bool:
    return time_of(text) < clock.now() + timedelta(seconds=within_s)


def later(hours: float = 1) -> str:
    return clock.rfc3339(clock.now() + timedelta(hours=hours))


def items_of(body: Body) -> list[str]:
    return [item["item"].removeprefix("conform-") for item in body["items"]]


def header(seal: str) -> Body:
    try:
        text = seal.partition("..")[0]
        told: Body = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except ValueError:
        return {}
    return told


def own_header(seal: str) -> bool:
    """Whether the header names our key, whatever the signature is worth."""
    return bool(header(seal).get("jwk", {}).get("x") == jws.b64(jws.public_of(KEY)))
