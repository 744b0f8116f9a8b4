"""What comes down: plans, bitmaps, keys and commands, each checked before it changes anything."""

import hashlib
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from channels.panels.twin import bitmap, checks, seal
from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.display import Display
from channels.panels.twin.health import Faults
from channels.panels.twin.link import Down
from channels.panels.twin.plans import BadTime, Plan, time_of
from channels.panels.twin.store import Store
from hub import clock

log = structlog.get_logger()

# The images of a plan and the plan itself come in no certain order.
IMAGES_WITHIN_S: Final = 10.0
DONE_FOR: Final = timedelta(minutes=5)
_IMAGE_NAME = re.compile(r"[A-Za-z0-9_-]{43}")


class Inbox:
    """Keeps what the panel is told. `acknowledge(ref, stage, **more)` says what became of it;
    `obey(id, command)` carries a command out, or raises Rejected."""

    def __init__(
        self,
        authority: str,
        panel: str,
        store: Store,
        display: Display,
        panel_clock: PanelClock,
        faults: Faults,
        *,
        key: bytes,
        acknowledge: Callable[..., None],
        obey: Callable[[str, str], None],
    ) -> None:
        self.authority, self.panel = authority, panel
        self._store, self.display, self.clock, self.faults = store, display, panel_clock, faults
        self._acknowledge, self._obey_command = acknowledge, obey
        self.kept = store.read()
        if key:
            self.kept = replace(self.kept, key=key)
        self._done: dict[str, datetime] = _remembered(store.noted("commands"))
        self._last_keys = (b"", "")
        self._waiting: tuple[bytes, str, Plan, seal.Key, float] | None = None
        self._refused: tuple[bytes, str] | None = None
        display.take(self._stored_plan())

    def hear(self, down: Down) -> None:
        """A message of the panel's own prefix; others than those of the contract are ignored."""
        leaf, _, name = down.leaf.partition("/")
        if leaf == "plan":
            self.plan(down.payload, down.jws)
        elif leaf == "cmd":
            self.command(down.payload, down.jws)
        elif leaf == "keys":
            self.keys(down.payload, down.jws)
        elif leaf == "image" and _IMAGE_NAME.fullmatch(name):
            self.image(name, down.payload)

    def new_session(self) -> int:
        """The number of the next connection. It survives a lost memory as long as the clock goes
        forward. A try that fails uses it up no more than it costs a disk."""
        return max(self.kept.session + 1, int(self.clock.now().timestamp()))

    def keep_session(self, session: int) -> None:
        """The connection stands: its number is on disk from now on."""
        self.kept = replace(self.kept, session=session)
        try:
            self._store.write(self.kept)
        except OSError:
            self.display.storage_ok = False

    def reload(self) -> None:
        """Read again what is on disk, and obey it."""
        self.kept = replace(self._store.read(), session=self.kept.session)
        self.display.take(self._stored_plan())

    def plan(self, payload: bytes, jws: str) -> None:
        if not payload or payload == self.kept.payload:
            return  # a broker that forgot, or a repetition: what is stored stays
        if self._waiting is not None and payload == self._waiting[0]:
            return
        self._take(payload, jws)

    def _take(self, payload: bytes, jws: str) -> None:
        try:
            plan, key = checks.admit(
                payload,
                jws,
                face=self.display.face,
                authority=self.authority,
                panel=self.panel,
                trusted=self.kept.trusted,
                stored_rev=max(self._rev, self._waiting[2].rev if self._waiting else 0),
                now=self._now_or_ever(),
            )
        except checks.Rejected as problem:
            if problem.reason == "signature":
                self._refused = (payload, jws)  # its key may still be announced
            self._reject(problem)
            return
        if self._waiting is not None:
            self._acknowledge(self._waiting[2].rev, "superseded")
        self._waiting = None
        self._acknowledge(plan.rev, "received")
        self._acknowledge(plan.rev, "verified")
        if self._missing(plan):
            self._waiting = (payload, jws, plan, key, self.clock.monotonic() + IMAGES_WITHIN_S)
        else:
            self._obey(payload, jws, plan, key)

    def _obey(self, payload: bytes, jws: str, plan: Plan, key: seal.Key) -> None:
        before = self._rev
        kept = replace(self.kept, payload=payload, jws=jws)
        if not kept.trusted:
            kept = replace(kept, key=key.raw)
        kept = replace(kept, key_id=key.kid)
        try:
            self._store.write(kept)
        except OSError as trouble:
            self._reject(checks.Rejected("memory", plan.rev, type(trouble).__name__))
            return
        self.kept = kept
        self.display.take(plan)
        self._acknowledge(plan.rev, "stored")
        if before:
            self._acknowledge(before, "superseded")

    def _missing(self, plan: Plan) -> list[str]:
        return sorted(name for name in plan.images if self.display.images.get(name) is None)

    def settle(self) -> None:
        """A plan whose images are not all there yet waits for ten seconds."""
        if self._waiting is None:
            return
        payload, jws, plan, key, until = self._waiting
        missing = self._missing(plan)
        if not missing:
            self._waiting = None
            self._obey(payload, jws, plan, key)
        elif self.clock.monotonic() >= until:
            self._waiting = None
            self._reject(checks.Rejected("image_missing", plan.rev, missing[0]))

    def image(self, name: str, payload: bytes) -> None:
        images = self.display.images
        named = set(self.display.plan.images if self.display.plan else ())
        if self._waiting is not None:
            named |= self._waiting[2].images
        if not payload:
            if name not in named:
                images.drop(name)
            return
        try:
            if len(payload) > self.display.face.max_image_bytes:
                raise bitmap.BadImage(f"{len(payload)} bytes")
            if images.get(name) is None:
                images.put(name, payload, named)
            self.faults.clear("image")
        except bitmap.BadImage as problem:
            log.warning("image refused", panel=self.panel, reason=str(problem))
            self.faults.raise_("image", "warning", self.clock.now(), f"{name}: {problem}")
        except OSError:
            self.display.storage_ok = False
        self.settle()

    def keys(self, payload: bytes, jws: str) -> None:
        if not payload or (payload, jws) == self._last_keys:
            return  # the retained set comes again with every connection
        self._last_keys = (payload, jws)
        kept, named = self.kept, checks.peek(payload, "keys_rev") or 0
        digest = hashlib.sha256(payload).hexdigest()
        if digest == self._store.noted("keys"):
            return
        try:
            rev, ring = checks.admit_keys(
                payload,
                jws,
                authority=self.authority,
                panel=self.panel,
                trusted=kept.trusted,
                stored_rev=kept.keys_rev,
                now=self._now_or_ever(),
            )
            kept = replace(kept, ring=ring, keys_rev=rev)
            self._store.write(kept)
            self._store.note("keys", digest)
        except checks.Rejected as problem:
            self._acknowledge(None, "rejected", reason=problem.reason, keys_rev=named)
            return
        except OSError:
            self._acknowledge(None, "rejected", reason="memory", keys_rev=named)
            return
        self.kept = kept
        # A plan under a key that is trusted no more is void, whatever it says.
        self.display.take(self._stored_plan())
        self._acknowledge(None, "done", keys_rev=rev)
        refused, self._refused = self._refused, None
        if refused is not None:
            self.plan(*refused)

    def command(self, payload: bytes, jws: str) -> None:
        now = self.clock.now()
        name = checks.peek_id(payload)
        self._done = {i: until for i, until in self._done.items() if until > now}
        try:
            name, command, deadline = checks.admit_command(
                payload,
                jws,
                authority=self.authority,
                panel=self.panel,
                trusted=self.kept.trusted,
                done=self._done,
                now=now if self.clock.sure else None,
            )
            self._done[name] = deadline + DONE_FOR
            self._store.note("commands", {i: clock.rfc3339(t) for i, t in self._done.items()})
            self._obey_command(name, command)
        except checks.Rejected as problem:
            detail = {"detail": problem.detail[:200]} if problem.detail else {}
            self._acknowledge(None, "rejected", reason=problem.reason, cmd=name, **detail)
        except OSError:
            self._acknowledge(None, "rejected", reason="memory", cmd=name)
        else:
            self._acknowledge(None, "done", cmd=name)

    @property
    def _rev(self) -> int:
        return self.display.rev

    def _now_or_ever(self) -> datetime:
        return self.clock.now() if self.clock.sure else checks.LONG_AGO

    def _stored_plan(self) -> Plan | None:
        """The plan from before, if it still carries a trusted signature."""
        if not self.kept.payload:
            return None
        try:
            checks.check_seal(
                self.kept.payload, self.kept.jws, self.kept.trusted, self._now_or_ever()
            )
            return checks.planned(checks.parse(self.kept.payload))
        except checks.Rejected as problem:
            log.warning("stored plan dropped", reason=problem.reason)
            self.kept = replace(self.kept, payload=b"", jws="")
            return None

    def _reject(self, problem: checks.Rejected) -> None:
        log.warning("plan rejected", panel=self.panel, reason=problem.reason)
        detail = {"detail": problem.detail[:200]} if problem.detail else {}
        self._acknowledge(problem.ref, "rejected", reason=problem.reason, **detail)


def _remembered(noted: Any) -> dict[str, datetime]:
    """The ids of the last commands, as `Store.noted` gives them."""
    try:
        return {str(name): time_of(until) for name, until in dict(noted or {}).items()}
    except (BadTime, TypeError, ValueError):
        return {}
