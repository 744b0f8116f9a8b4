"""What the panel says: birth, presence, acknowledgements, what is shown, heartbeats, proofs, faults
and frames, each numbered, each kept until the broker has it where the contract wants that."""

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from channels.panels.twin import checks, schedule, seal
from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.display import ZONE, Display, Look
from channels.panels.twin.health import Faults, Health
from channels.panels.twin.link import NO_SUBSCRIBER, Link, dump
from channels.panels.twin.store import Kept
from hub import clock

SHOWN_EVERY_S: Final = 10.0
# The retained plan follows the subscription at once; waited for, so that a birth names the plan
# that is in force and not the one before it.
PLAN_FIRST_S: Final = 0.3
WILL_SEQ: Final = 2**31 - 1
KEPT_ACKS: Final = 200
PROOFS_AT_ONCE: Final = 5
# Nobody hears our proofs: another try each minute.
UNHEARD_S: Final = 60.0
SHORTEST_BATCH_S: Final = 1.0
ACKS_AT_ONCE: Final = 8  # with the rest under the 20 in flight that every broker takes
FIRMWARE: Final = "tambour-twin 2"


@dataclass(slots=True)
class _Ack:
    body: dict[str, Any]
    mid: int = 0


class Mouth:
    """Everything goes through `speak`, called as often as one likes while the link is up."""

    def __init__(
        self,
        link: Link,
        display: Display,
        panel_clock: PanelClock,
        faults: Faults,
        health: Health,
        *,
        serial: str,
        heartbeat_s: int,
        device_key: bytes,
        session: int,
    ) -> None:
        self._link, self._display, self._clock = link, display, panel_clock
        self._faults, self._health = faults, health
        self._serial, self._heartbeat_s = serial, heartbeat_s
        self._device_key = device_key
        self._device_kid = f"{serial}-1"
        self.session, self._seq = session, 0
        self.born = False
        self.plan_came = False  # on this connection
        self._up_at = 0.0
        self._began = panel_clock.monotonic()
        self._acks: deque[_Ack] = deque(maxlen=KEPT_ACKS)
        self._last_shown: tuple[Any, ...] | None = None
        self._shown_at = self._beat_at = -1e9
        self._shown_waits = False
        self._presence = ""
        self._sent: dict[int, int] = {}  # mid: number of a batch
        self._unheard_until = 0.0
        self._bytes = 0

    @property
    def acks(self) -> list[dict[str, Any]]:
        """Acknowledgements the broker has not taken yet."""
        return [ack.body for ack in self._acks]

    @property
    def wait_s(self) -> float:
        """Seconds until `speak` has something to say, if nothing happens."""
        at = self._clock.monotonic()
        if not self.born:
            return max(0.0, self._up_at - at)
        waits = [self._beat_at + self._heartbeat_s - at]
        if self._shown_waits:
            waits.append(self._shown_at + SHOWN_EVERY_S - at)
        return max(0.0, min(waits))

    def begin(self, session: int) -> None:
        """A new connection is about to be opened."""
        self.session, self._seq, self.born = session, 0, False
        self.plan_came = False

    def connected(self) -> None:
        """The broker took our subscription; it may have forgotten all we said."""
        self._up_at = self._clock.monotonic() + PLAN_FIRST_S
        self.born = False
        self.say_all_again()

    def say_all_again(self) -> None:
        self._last_shown, self._presence = None, ""
        for ack in self._acks:
            ack.mid = 0
        self._sent.clear()
        self._unheard_until = 0.0
        self._faults.say_all_again()

    def head(self, seq: int) -> dict[str, Any]:
        return {
            "v": 1,
            "ts": clock.rfc3339(self._clock.now()),
            "session": self.session,
            "seq": seq,
        }

    def acknowledge(self, ref: int | None, stage: str, **more: Any) -> None:
        self._acks.append(_Ack({"ref": ref, "stage": stage, **more}))

    def speak(self, look: Look, rev: int, kept: Kept) -> None:
        """Say all that there is to say."""
        at = self._clock.monotonic()
        if not self.born:
            if at < self._up_at and not self.plan_came:
                return
            self._be_born(rev, kept)
        state = "alert" if self._faults.alarming else "ready"
        if state != self._presence:
            self._presence = state
            self._up("presence", {"state": state}, retain=True)
        self._send_acks()
        self._say_shown(look, rev, at)
        self._faults.send(self._fault)
        self._faults.confirmed(self._link.confirmed)
        if at - self._beat_at >= self._heartbeat_s:
            self._beat_at = at
            self._beat(look, rev, at)
        self._send_proofs(at)

    def goodbye(self, until: datetime | None = None) -> int:
        """A will is for accidents: who leaves says so, or until when it sleeps. The message's id;
        0 where nobody knows of us."""
        if not self.born:
            return 0
        body: dict[str, Any] = {"state": "disconnected"}
        if until is not None:
            body = {"state": "sleeping", "until": clock.rfc3339(until)}
        self.born = False
        return self._up("presence", body, retain=True)

    def frame(self, look: Look, ref: str, reason: str) -> None:
        """A PNG of the face, one pixel a dot."""
        shown = self._display.readback(look)
        self._seq += 1
        user = {
            "ts": clock.rfc3339(self._clock.now()),
            "hash": shown.hash,
            "ref": ref,
            "reason": reason,
            "session": str(self.session),
            "seq": str(self._seq),
        }
        if look.slot is not None:
            user["page_hash"] = look.slot.page.hash
        self._link.publish(
            "frame", shown.png(), qos=1, retain=False, user=user, content_type="image/png"
        )

    def _be_born(self, rev: int, kept: Kept) -> None:
        self.born = True
        this = self._display.face
        modes = list(this.modes)
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
            "formats": ["text", "png"] if modes else ["text"],
            "modes": modes,
            "fonts": [{"id": this.font_name, "h": 7, "glyphs": len(this.letters)}],
            "max_pages": this.max_pages,
            "max_items": this.max_items,
            "max_bytes": this.max_bytes,
            "max_images": this.max_images,
            "max_image_bytes": this.max_image_bytes,
            "commands": list(checks.COMMANDS),
            "proof": "measured",
            "proof_batch": self._display.proofs.number,
            "device_key": {
                "kid": self._device_kid,
                "x": seal.b64(seal.public_of(self._device_key)),
            },
            "brightness": {"levels": 100, "photocell": True},
            "sensors": ["temperature", "humidity", "volts", "ambient"],
            "camera": False,
            "heartbeat_s": self._heartbeat_s,
            "clock": {"sure": self._clock.sure, "source": "ntp"},
            "key": kept.key_id,
            "keys_rev": kept.keys_rev,
            "plan_rev": rev,
        }
        self._up("birth", birth, retain=True)
        # A batch ends with the silence it was made in, so that the hub has it at once.
        proofs = self._display.proofs
        if (self._clock.now() - proofs.began).total_seconds() >= SHORTEST_BATCH_S:
            self._display.close_batch()

    def _send_acks(self) -> None:
        """Acknowledgements stay until the broker has them, over connections."""
        for ack in islice(self._acks, ACKS_AT_ONCE):
            if not ack.mid:
                ack.mid = self._up("ack", ack.body)
        while self._acks and self._acks[0].mid in self._link.confirmed:
            del self._link.confirmed[self._acks.popleft().mid]

    def _say_shown(self, look: Look, rev: int, at: float) -> None:
        items = [_names(entry) for entry in look.situation.in_force]
        readback = None if self._display.intruder is None else self._display.readback(look).hash
        key = (rev, look.source, look.dark, look.lit, readback, str(items))
        self._shown_waits = key != self._last_shown
        if not self._shown_waits:
            return
        last = self._last_shown
        # A new plan, light or no light, and another's picture cannot wait.
        urgent = last is None or (last[0], last[3], last[4]) != (key[0], key[3], key[4])
        if not urgent and at - self._shown_at < SHOWN_EVERY_S:
            return
        self._last_shown, self._shown_at, self._shown_waits = key, at, False
        slot = look.slot
        page = None
        if slot is not None:
            page = {"item": slot.item.item, "index": slot.index, "hash": slot.page.hash}
        body = {
            "plan_rev": rev,
            "source": look.source,
            "dark": look.dark,
            "face_dark": not look.lit,
            "light": self._health.light(self._local()) if look.lit else 0,
            "hash": readback or (slot.page.hash if slot is not None and look.lit else None),
            "since": clock.rfc3339(self._display.since),
            "items": items,
            "page": page,
        }
        self._up("shown", body, retain=True)

    def _beat(self, look: Look, rev: int, at: float) -> None:
        self._health.count(self._clock.now(), self._link.bytes - self._bytes)
        self._bytes = self._link.bytes
        proofs = self._display.proofs
        body = {
            "plan_rev": rev,
            "uptime_s": int(at - self._began),
            "faults": self._faults.codes,
            "face_dark": not look.lit,
            "queue": len(self._acks) + len(proofs.kept),
            "batch": proofs.number,
            **self._health.body(self._local()),
            **({"item": look.slot.item.item} if look.slot else {}),
        }
        self._up("hb", body, qos=0)

    def _send_proofs(self, at: float) -> None:
        """In their order, some at a time; each stays on disk until the broker had somebody to give
        it to."""
        proofs = self._display.proofs
        for mid in [mid for mid in self._sent if mid in self._link.confirmed]:
            reason = self._link.confirmed.pop(mid)
            number = self._sent.pop(mid)
            if reason == NO_SUBSCRIBER or reason >= 0x80:
                self._unheard_until = at + UNHEARD_S
            else:
                proofs.delivered(number)
        if at < self._unheard_until:
            return
        on_the_way = set(self._sent.values())
        for number in proofs.kept[:PROOFS_AT_ONCE]:
            if number in on_the_way:
                continue
            body = proofs.body(number)
            if body is None:
                proofs.delivered(number)  # the disk lost it: the gap says so
                continue
            self._seq += 1
            payload = dump({**body, **self.head(self._seq)})
            signed = {"jws": seal.sign(payload, self._device_key, self._device_kid)}
            mid = self._link.publish("proof", payload, qos=1, retain=False, user=signed)
            if not mid:
                return
            self._sent[mid] = number

    def _fault(self, leaf: str, body: dict[str, Any] | None) -> int:
        if body is None:
            return self._link.publish(leaf, b"", qos=1, retain=True)
        return self._up(leaf, body, retain=True)

    def _up(self, leaf: str, body: dict[str, Any], *, qos: int = 1, retain: bool = False) -> int:
        self._seq += 1
        payload = dump({**self.head(self._seq), **body})
        return self._link.publish(leaf, payload, qos=qos, retain=retain)

    def _local(self) -> datetime:
        plan = self._display.plan
        try:
            return clock.local(self._clock.now(), plan.tz if plan else ZONE)
        except (KeyError, ValueError, OSError):
            return self._clock.now()


def _names(entry: schedule.InForce) -> dict[str, Any]:
    names = {"item": entry.item.item, "pub": entry.item.pub, "rev": entry.item.rev}
    return {**names, "held": True} if entry.held else names
