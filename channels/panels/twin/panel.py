"""The twin of a panel: stores the signed plan, obeys it on its own clock, says what it shows."""

import threading
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import structlog

from channels.panels.twin import checks, picture
from channels.panels.twin import face as faces
from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.display import Display
from channels.panels.twin.fleet import Fleet
from channels.panels.twin.health import Faults, Health
from channels.panels.twin.inbox import Inbox
from channels.panels.twin.link import Down, Identity, Link
from channels.panels.twin.mouth import WILL_SEQ, Mouth
from channels.panels.twin.plans import Item
from channels.panels.twin.player import Slot
from channels.panels.twin.store import Store
from hub import clock

log = structlog.get_logger()

FRAME_EVERY_S: Final = 60.0
# After this long without another client on our name, it was a passing trouble.
ALONE_AGAIN_S: Final = 600.0


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
        identity: Identity | None = None,
        client_id: str = "",
        heartbeat_s: int = 60,
    ) -> None:
        self.authority, self.panel = authority, panel
        self.clock = panel_clock or PanelClock()
        self.health = Health()
        self._lock = threading.RLock()
        self._store = Store(store_dir)
        self.faults = Faults(self._store)
        self.display = Display(
            faces.load(model),
            store_dir,
            self.clock,
            on_shown=self._on_shown,
            on_over=self._on_over,
        )
        self.inbox = Inbox(
            authority, panel, self._store, self.display, self.clock, self.faults,
            key=key, acknowledge=self._acknowledge, obey=self._obey_command,
        )  # fmt: skip
        self._frame_at = -FRAME_EVERY_S
        self._taken_at = -ALONE_AGAIN_S
        self._taken = self._contested = 0
        self._asleep_until: datetime | None = None
        self.link = Link(
            broker_url,
            f"tambour/1/{authority}/{panel}",
            client_id or f"panel-{authority}-{panel}",
            at_once=at_once,
            on_up=self._on_up,
            on_down=self._on_down,
            will=self._new_session,
            identity=identity,
        )
        self.mouth = Mouth(
            self.link, self.display, self.clock, self.faults, self.health,
            serial=serial or f"twin-{panel}", heartbeat_s=heartbeat_s,
            device_key=self._store.device_key(), session=self.inbox.kept.session,
        )  # fmt: skip

    @property
    def face(self) -> faces.Face:
        """The hardware; to be replaced by who plays with its limits."""
        return self.display.face

    @face.setter
    def face(self, other: faces.Face) -> None:
        self.display.face = other

    def run(self, stop: Callable[[], bool]) -> None:
        """Blocks until `stop()`."""
        Fleet([self]).run(stop)

    def work(self) -> float:
        """One look at the face, and what the hub must hear of it. Seconds until the next one is
        wanted; sooner when the link's socket is ready."""
        self.link.tick()
        with self._lock:
            self._sleep_or_wake()
            look = self.display.look(self.link.away_s)
            self._watch()
            self.inbox.settle()
            if self.link.up:
                self.mouth.speak(look, self._rev, self.inbox.kept)
            waits = [self.display.due(self.link.away_s), self.link.wait_s]
            if self.link.up:
                waits.append(self.mouth.wait_s)
            return min(waits)

    def leave(self) -> None:
        """Say goodbye to the broker."""
        with self._lock:
            self.link.close(self.mouth.goodbye())
            self.display.journal.close()
            self.display.proofs.stop()

    def sleep(self, until: datetime) -> None:
        """Announce a silence that is no alarm, and keep it: the face goes on by itself. From any
        thread."""
        with self._lock:
            self._asleep_until = until

    # What a face page asks

    def state(self) -> dict[str, Any]:
        """What is on the face at this moment, JSON-ready; `dots` as `faces.dots` gives them."""
        with self._lock:
            now = self.clock.now()
            look = self.display.look(self.link.away_s)
            slot = look.slot
            shown = self.display.readback(look)
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
                "source": look.source,
                "dark": look.dark,
                "face_dark": not look.lit,
                "online": self.link.up,
                "asleep_until": _said(self._asleep_until),
                "clock_sure": self.clock.sure,
                "key": self.inbox.kept.key_id,
                "now": clock.rfc3339(now),
                "since": clock.rfc3339(self.display.since),
                "faults": list(self.faults),
                "items": [
                    {
                        "item": entry.item.item,
                        "pub": entry.item.pub,
                        "rev": entry.item.rev,
                        **({"held": True} if entry.held else {}),
                        "kind": entry.item.kind,
                        "priority": entry.item.priority,
                        "end": _said(entry.item.end),
                        "pages": [list(p.lines) for p in entry.item.pages],
                    }
                    for entry in look.situation.in_force
                ],
                "page": page,
                "lines": list(slot.page.lines if slot else look.words),
                "hash": shown.hash,
                "dots": faces.dots(self.face, shown),
            }

    def png(self, scale: int = 8) -> bytes:
        """The face as a picture, each LED `scale` pixels wide."""
        with self._lock:
            shown = self.display.readback(self.display.look(self.link.away_s))
        return picture.draw(self.face, shown, scale)

    # What comes down

    def _on_down(self, down: Down) -> None:
        with self._lock:
            self.mouth.plan_came |= down.leaf == "plan"
            self.inbox.hear(down)

    def _obey_command(self, name: str, command: str) -> None:
        if self.display.local:
            raise checks.Rejected("local_mode")
        if command == "resend_birth":
            self.mouth.born = False
        elif command == "reload":
            self.inbox.reload()
        elif command == "test_pattern":
            if not self.display.test_pattern():
                raise checks.Rejected("busy", None, "an alert is shown")
        elif not self._frame(name, "screenshot"):
            raise checks.Rejected("busy", None, "one frame a minute")

    def _frame(self, ref: str, reason: str) -> bool:
        """Send a picture of the face; False less than a minute after the last one."""
        at = self.clock.monotonic()
        if at - self._frame_at < FRAME_EVERY_S:
            return False
        self._frame_at = at
        self.mouth.frame(self.display.look(self.link.away_s), ref, reason)
        return True

    # What the panel notices by itself

    def _watch(self) -> None:
        now, at = self.clock.now(), self.clock.monotonic()
        display = self.display
        if not display.storage_ok:
            self.faults.raise_("storage", "error", now, "the memory takes nothing more")
        if self.clock.sure:
            self.faults.clear("clock")
        else:
            self.faults.raise_("clock", "warning", now, "the time is not sure")
        if self.link.taken_over > self._taken:
            self._taken, self._taken_at = self.link.taken_over, at
            self.faults.raise_("link", "error", now, "another client uses this panel's name")
        elif self.link.contested > self._contested:
            self._contested, self._taken_at = self.link.contested, at
            self.faults.raise_("link", "warning", now, "cut again and again; is our name taken?")
        elif at - self._taken_at > ALONE_AGAIN_S:
            self.faults.clear("link")
        if display.intruder is not None and self.link.up:
            self._frame(str(self._rev), "mismatch")

    def _sleep_or_wake(self) -> None:
        until = self._asleep_until
        if until is None:
            return
        if self.clock.now() >= until:
            self._asleep_until = None
            self.link.rest(0.0)
        elif self.mouth.born:
            self.link.close(self.mouth.goodbye(until))
            self.link.rest((until - self.clock.now()).total_seconds())

    def _on_shown(self, item: Item, slot: Slot) -> None:
        self._acknowledge(
            self._rev, "displayed", item=item.item, pub=item.pub, rev=item.rev, hash=slot.page.hash
        )

    def _on_over(self, item: Item) -> None:
        self._acknowledge(self._rev, "expired", item=item.item, pub=item.pub, rev=item.rev)

    def _on_up(self) -> None:
        with self._lock:
            self.inbox.keep_session(self.mouth.session)
            self.mouth.connected()

    def _new_session(self) -> dict[str, Any]:
        """The last will of a new connection."""
        with self._lock:
            session = self.inbox.new_session()
            self.mouth.begin(session)
            return {**self.mouth.head(WILL_SEQ), "state": "lost"}

    @property
    def _rev(self) -> int:
        return self.display.rev

    def _acknowledge(self, ref: int | None, stage: str, **more: Any) -> None:
        self.mouth.acknowledge(ref, stage, **more)


def _said(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment is not None else None
