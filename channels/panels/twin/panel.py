"""The twin of a panel: stores the signed plan, obeys it on its own clock, says what it shows."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import structlog

from channels.panels.twin import checks, face, schedule
from channels.panels.twin.link import Link
from channels.panels.twin.store import Kept, Store
from hub import clock

log = structlog.get_logger()

SHOWN_EVERY_S: Final = 10.0
HEARTBEAT_S: Final = 60.0
# The retained plan follows the subscription at once; waited for, so that a birth names the plan
# that is in force and not the one before it.
PLAN_FIRST_S: Final = 0.3
STEP_S: Final = 0.1
WILL_SEQ: Final = 2**31 - 1
KEPT_ACKS: Final = 200
FIRMWARE: Final = "tambour-twin 1"


class PanelClock:
    """The panel's own clock: the machine's, `offset_s` seconds off. `sure`: it can be trusted."""

    def __init__(self, offset_s: float = 0.0, *, sure: bool = True) -> None:
        self.offset_s, self.sure = offset_s, sure

    def now(self) -> datetime:
        return clock.now() - clock.offset() + timedelta(seconds=self.offset_s)


@dataclass(slots=True)
class _Ack:
    body: dict[str, Any]
    mid: int = 0


class Twin:
    """One panel. `state` and `png` may be asked from any thread; all else happens in `run`."""

    def __init__(
        self,
        broker_url: str,
        authority: str,
        panel: str,
        model: str,
        store_dir: Path,
        *,
        key: bytes = b"",
        panel_clock: PanelClock | None = None,
        at_once: bool = False,
        serial: str = "",
    ) -> None:
        self.authority, self.panel = authority, panel
        self.face = face.load(model)
        self.clock = panel_clock or PanelClock()
        self._serial = serial or f"twin-{panel}"
        self._store = Store(store_dir)
        self._kept = self._store.read()
        if key:
            self._kept = replace(self._kept, key=key)
        self._lock = threading.RLock()
        self._plan = self._stored_plan()
        self._loop: tuple[Any, ...] = ()
        self._loop_since = clock.monotonic()
        self._since = self.clock.now()
        self._last_shown: tuple[Any, ...] | None = None
        self._shown_at = self._beat_at = 0.0
        self._displayed: set[tuple[int, str]] = set()
        self._over: set[tuple[int, str]] = set()
        self._acks: deque[_Ack] = deque(maxlen=KEPT_ACKS)
        self._seq = 0
        self._born = False
        self._up_at = 0.0
        self._began = clock.monotonic()
        self._link = Link(
            broker_url,
            f"tambour/1/{authority}/{panel}",
            f"panel-{authority}-{panel}",
            at_once=at_once,
            on_up=self._on_up,
            on_plan=self._on_plan,
            will=self._new_session,
        )

    def run(self, stop: Callable[[], bool]) -> None:
        """Blocks until `stop()`."""
        while not stop():
            self._link.step(STEP_S)
            with self._lock:
                self._work()
        with self._lock:
            if self._born:
                self._up("presence", {"state": "disconnected"}, retain=True)
        self._link.close()

    # What a face page asks

    def state(self) -> dict[str, Any]:
        """What is on the face at this moment, JSON-ready; `dots` as `face.dots` gives them."""
        with self._lock:
            now = self.clock.now()
            situation, slot = self._look(now)
            lines = self._lines(situation, slot, now)
            page = None
            if slot is not None:
                page = {
                    "item": slot.item.item,
                    "index": slot.index,
                    "of": len(slot.item.pages),
                    "hash": slot.page.hash,
                }
            return {
                "authority": self.authority,
                "panel": self.panel,
                "model": self.face.model,
                "title": self.face.title,
                "colour": self.face.colour,
                "width": self.face.width,
                "height": self.face.height,
                "plan_rev": self._rev,
                "source": situation.source,
                "dark": situation.dark,
                "online": self._link.up,
                "key": self._kept.key_id,
                "now": clock.rfc3339(now),
                "since": clock.rfc3339(self._since),
                "items": [
                    {
                        **_names(entry),
                        "kind": entry.item.kind,
                        "priority": entry.item.priority,
                        "end": clock.rfc3339(entry.item.end) if entry.item.end else None,
                        "pages": [list(p.lines) for p in entry.item.pages],
                    }
                    for entry in situation.in_force
                ],
                "page": page,
                "lines": list(lines),
                "dots": face.dots(self.face, lines),
            }

    def png(self, scale: int = 8) -> bytes:
        """The face as a picture."""
        with self._lock:
            now = self.clock.now()
            situation, slot = self._look(now)
            lines = self._lines(situation, slot, now)
        return face.picture(self.face, face.dots(self.face, lines), scale)

    # The plan

    @property
    def _rev(self) -> int:
        return self._plan.rev if self._plan else 0

    def _stored_plan(self) -> checks.Plan | None:
        """The plan from before the power cut, if it still carries its signature."""
        if not self._kept.payload:
            return None
        try:
            checks.check_seal(self._kept.payload, self._kept.jws, self._kept.key)
            return checks.plan_of(checks.parse(self._kept.payload))
        except checks.Rejected as problem:
            log.warning("stored plan dropped", reason=problem.reason)
            self._kept = replace(self._kept, payload=b"", jws="")
            return None

    def _on_plan(self, payload: bytes, jws: str) -> None:
        with self._lock:
            if not payload or payload == self._kept.payload:
                return  # a broker that forgot, or a repetition: what is stored stays
            self._take(payload, jws)

    def _take(self, payload: bytes, jws: str) -> None:
        before = self._rev
        try:
            plan, key, key_id = checks.admit(
                payload,
                jws,
                face=self.face,
                authority=self.authority,
                panel=self.panel,
                pinned=self._kept.key,
                stored_rev=before,
                now=self.clock.now() if self.clock.sure else datetime.min.replace(tzinfo=UTC),
            )
        except checks.Rejected as problem:
            log.warning("plan rejected", panel=self.panel, reason=problem.reason)
            detail = {"detail": problem.detail[:200]} if problem.detail else {}
            self._ack(problem.ref, "rejected", reason=problem.reason, **detail)
            return
        self._ack(plan.rev, "received")
        self._ack(plan.rev, "verified")
        kept = Kept(payload, jws, key, key_id, self._kept.session)
        try:
            self._store.write(kept)
        except OSError as trouble:
            self._ack(plan.rev, "rejected", reason="memory", detail=type(trouble).__name__)
            return
        self._kept, self._plan = kept, plan
        self._displayed = {d for d in self._displayed if d[0] == plan.rev}
        self._over.clear()
        self._ack(plan.rev, "stored")
        if before:
            self._ack(before, "superseded")

    # The face

    def _look(self, now: datetime) -> tuple[schedule.Situation, schedule.Slot | None]:
        situation = schedule.situation(
            self._plan, now, away_s=self._link.away_s, sure=self.clock.sure
        )
        loop = tuple(
            (item.item, item.rev, item.pages[index].hash) for item, index in situation.loop
        )
        if loop != self._loop:
            self._loop, self._loop_since, self._since = loop, clock.monotonic(), now
        slot = schedule.slot(situation.loop, clock.monotonic() - self._loop_since)
        return situation, slot

    def _lines(
        self, situation: schedule.Situation, slot: schedule.Slot | None, now: datetime
    ) -> tuple[str, ...]:
        if situation.dark:
            return ()
        if slot is not None:
            return slot.page.lines
        if situation.on_empty == "clock":
            zone = self._plan.tz if self._plan else "Europe/Paris"
            return (clock.local(now, zone).strftime("%H:%M"),)
        return ()

    def _work(self) -> None:
        """One look at the face, and what the hub must hear of it."""
        now = self.clock.now()
        situation, slot = self._look(now)
        self._note_ends(now)
        if slot is not None and (self._rev, slot.item.item) not in self._displayed:
            self._displayed.add((self._rev, slot.item.item))
            item = slot.item
            self._ack(
                self._rev, "displayed", item=item.item, pub=item.pub, rev=item.rev,
                hash=slot.page.hash,
            )  # fmt: skip
        if not self._link.up:
            self._born = False
            return
        if not self._born:
            if clock.monotonic() < self._up_at and not self._acks:
                return
            self._be_born()
        self._send_acks()
        self._say_shown(situation, slot)
        if clock.monotonic() - self._beat_at >= HEARTBEAT_S:
            self._beat_at = clock.monotonic()
            item_now = {"item": slot.item.item} if slot else {}
            uptime = int(clock.monotonic() - self._began)
            body = {"plan_rev": self._rev, "uptime_s": uptime, "faults": [], **item_now}
            self._up("hb", body, qos=0)

    def _note_ends(self, now: datetime) -> None:
        for item in self._plan.items if self._plan else ():
            if (
                item.end is not None
                and item.end <= now
                and (self._rev, item.item) not in self._over
            ):
                self._over.add((self._rev, item.item))
                self._ack(self._rev, "expired", item=item.item, pub=item.pub, rev=item.rev)

    def _say_shown(self, situation: schedule.Situation, slot: schedule.Slot | None) -> None:
        items = [_names(entry) for entry in situation.in_force]
        key = (self._rev, situation.source, situation.dark, str(items))
        if key == self._last_shown:
            return
        urgent = self._last_shown is None or self._last_shown[0] != self._rev
        if not urgent and clock.monotonic() - self._shown_at < SHOWN_EVERY_S:
            return
        self._last_shown, self._shown_at = key, clock.monotonic()
        page = None
        if slot is not None:
            page = {"item": slot.item.item, "index": slot.index, "hash": slot.page.hash}
        body = {
            "plan_rev": self._rev,
            "source": situation.source,
            "dark": situation.dark,
            "since": clock.rfc3339(self._since),
            "items": items,
            "page": page,
        }
        self._up("shown", body, retain=True)

    # What goes up

    def _new_session(self) -> dict[str, Any]:
        """The last will of a new connection. The session number survives a lost memory as long as
        the clock goes forward."""
        with self._lock:
            session = max(self._kept.session + 1, int(self.clock.now().timestamp()))
            self._kept = replace(self._kept, session=session)
            self._store.write(self._kept)
            self._seq, self._born = 0, False
            return {**self._head(WILL_SEQ), "state": "lost"}

    def _on_up(self) -> None:
        self._up_at = clock.monotonic() + PLAN_FIRST_S
        self._last_shown = None
        for ack in self._acks:
            ack.mid = 0

    def _be_born(self) -> None:
        self._born = True
        this = self.face
        birth = {
            "contract": 1,
            "model": this.model,
            "serial": self._serial,
            "fw": FIRMWARE,
            "columns": this.columns,
            "lines": this.lines,
            "w_px": this.width,
            "h_px": this.height,
            "colour": this.colour,
            "glyphs": this.glyphs,
            "formats": ["text"],
            "max_pages": this.max_pages,
            "max_items": this.max_items,
            "max_bytes": this.max_bytes,
            "proof": "measured",
            "clock": {"sure": self.clock.sure},
            "key": self._kept.key_id,
            "plan_rev": self._rev,
        }
        self._up("birth", birth, retain=True)
        self._up("presence", {"state": "ready"}, retain=True)

    def _ack(self, ref: int | None, stage: str, **more: Any) -> None:
        self._acks.append(_Ack({"ref": ref, "stage": stage, **more}))

    def _send_acks(self) -> None:
        """Acknowledgements stay until the broker has them, over connections."""
        for ack in self._acks:
            if not ack.mid:
                ack.mid = self._up("ack", ack.body)
        while self._acks and self._acks[0].mid in self._link.confirmed:
            self._link.confirmed.discard(self._acks.popleft().mid)

    def _up(self, leaf: str, body: dict[str, Any], *, qos: int = 1, retain: bool = False) -> int:
        self._seq += 1
        return self._link.publish(leaf, {**self._head(self._seq), **body}, qos=qos, retain=retain)

    def _head(self, seq: int) -> dict[str, Any]:
        return {
            "v": 1,
            "ts": clock.rfc3339(self.clock.now()),
            "session": self._kept.session,
            "seq": seq,
        }


def _names(entry: schedule.InForce) -> dict[str, Any]:
    names = {"item": entry.item.item, "pub": entry.item.pub, "rev": entry.item.rev}
    return {**names, "held": True} if entry.held else names
