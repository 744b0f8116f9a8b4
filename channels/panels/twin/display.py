"""What is on the face at this moment, counted and logged as it changes: no network in here."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

from channels.panels.twin import schedule
from channels.panels.twin.bitmap import Bitmap, Images
from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.face import Face
from channels.panels.twin.journal import Journal
from channels.panels.twin.plans import Item, Plan
from channels.panels.twin.player import Player, Slot
from channels.panels.twin.proofs import Proofs
from hub import clock

# An item leaves this long before its end: a face is rather early than late.
LEAD: Final = timedelta(milliseconds=50)
PATTERN_S: Final = 10.0
ZONE: Final = "Europe/Paris"  # of the clock on a face that has no plan


@dataclass(frozen=True, slots=True)
class Look:
    """One moment of the face. `source`: "plan", "fallback", "cmd" for a test pattern, "local" for
    a technician. `lit`: it gives light. `words`: what it draws where it has no page."""

    situation: schedule.Situation
    slot: Slot | None
    source: str
    lit: bool
    words: tuple[str, ...]

    @property
    def dark(self) -> bool:
        """Off for the night."""
        return self.situation.dark


class Display:
    """The plan, the loop, the proofs and the journal of one face. `look` may be called at any time
    and from any thread that holds the panel's lock."""

    def __init__(
        self,
        face: Face,
        folder: Path,
        panel_clock: PanelClock,
        *,
        on_shown: Callable[[Item, Slot], None],
        on_over: Callable[[Item], None],
    ) -> None:
        self.face, self.clock = face, panel_clock
        self.images = Images(folder / "images", face.width, face.height, face.max_images)
        self.proofs = Proofs(folder / "proofs", panel_clock.now())
        self.journal = Journal(folder)
        self.broken = self.local = False  # no light whatever it draws; a technician is at it
        self.intruder: tuple[str, ...] | None = None  # what somebody else put on the face
        self.storage_ok = True
        self.since = panel_clock.now()
        self._on_shown, self._on_over = on_shown, on_over
        self._player = Player()
        self._plan: Plan | None = None
        self._displayed: set[str] = set()
        self._over: set[str] = set()
        self._pattern_until = 0.0
        self._known: tuple[tuple[object, ...], datetime, datetime, schedule.Situation] | None = None
        self._subject: tuple[object, ...] = ()
        self._loop_was: tuple[object, ...] = ()

    @property
    def plan(self) -> Plan | None:
        return self._plan

    @property
    def rev(self) -> int:
        """0 without a plan."""
        return self._plan.rev if self._plan else 0

    def take(self, plan: Plan | None) -> None:
        """Obey another plan from now on."""
        self._plan, self._known = plan, None
        self._displayed.clear()
        self._over.clear()

    def test_pattern(self) -> bool:
        """Every LED for ten seconds; False while something pressing is on the face."""
        if self.look().situation.preempted:
            return False
        self._pattern_until = self.clock.monotonic() + PATTERN_S
        return True

    def look(self, away_s: float = 0.0) -> Look:
        """`away_s`: seconds since the broker was last there."""
        now, at = self.clock.now(), self.clock.monotonic()
        situation = self._situation(now, away_s)
        pattern = at < self._pattern_until and not situation.preempted
        if pattern or self.local:
            self._player.stop()
            slot = None
        else:
            slot = self._player.turn(situation.loop, at)
        source = "local" if self.local else "cmd" if pattern else situation.source
        words = () if slot or pattern else self._words(situation, now)
        lit = not self.broken and not situation.dark and self._drawable(slot)
        look = Look(situation, slot, source, lit, words)
        self._tell(look, now, at)
        return look

    def due(self, away_s: float = 0.0) -> float:
        """Seconds until the face may change by itself."""
        at, now = self.clock.monotonic(), self.clock.now()
        waits = [self.proofs.wait_s(now), 60.0 - now.second]
        if self._player.slot is not None:
            waits.append(self._player.slot.until - at)
        if self._known is not None:
            waits.append((self._known[2] - now).total_seconds())
        if self._pattern_until > at:
            waits.append(self._pattern_until - at)
        if self._plan is not None and away_s:
            left = float(self._plan.fallback["comm_loss_min"]) * 60 - away_s
            if left > 0:
                waits.append(left)
        return max(0.0, min(waits))

    def content(self, look: Look) -> Bitmap:
        """The dots as the face has them."""
        if self.broken or look.dark:
            return self.face.blank()
        if look.source == "cmd":
            return self.face.full()
        page = look.slot.page if look.slot else None
        if page is not None and page.image is not None:
            found = self.images.get(page.image.hash)
            return self.face.place(found) if found else self.face.blank()
        return self.face.write(page.lines if page else look.words)

    def readback(self, look: Look) -> Bitmap:
        """What the LEDs really show, as the panel reads it back from its drivers."""
        if self.intruder is not None and not self.broken:
            return self.face.write(self.intruder)
        return self.content(look)

    def close_batch(self) -> None:
        """End the open batch of proof now."""
        try:
            self.proofs.close(self.clock.now(), self.clock.monotonic(), self.rev)
        except OSError:
            self.storage_ok = False

    def _situation(self, now: datetime, away_s: float) -> schedule.Situation:
        """Worked out again when time, the link or the plan may have changed it."""
        lost = self._plan is not None and away_s >= self._plan.fallback["comm_loss_min"] * 60
        key = (self._plan, lost, self.clock.sure)
        if self._known is not None:
            known, since, until, situation = self._known
            if known == key and since <= now < until:
                return situation
        situation = schedule.situation(
            self._plan, now, away_s=away_s, sure=self.clock.sure, lead=LEAD
        )
        self._known = (key, now, schedule.next_edge(self._plan, now, LEAD), situation)
        self._note_ends(now)
        return situation

    def _drawable(self, slot: Slot | None) -> bool:
        """A bitmap that the disk lost cannot be shown, and must not be proved."""
        image = slot.page.image if slot else None
        return image is None or self.images.get(image.hash) is not None

    def _note_ends(self, now: datetime) -> None:
        if not self.clock.sure:
            return
        for item in self._plan.items if self._plan else ():
            if item.end is not None and item.end <= now + LEAD and item.item not in self._over:
                self._over.add(item.item)
                self._on_over(item)

    def _words(self, situation: schedule.Situation, now: datetime) -> tuple[str, ...]:
        if self.local:
            return ("MAINTENANCE",)
        if situation.dark or situation.on_empty != "clock":
            return ()
        zone = self._plan.tz if self._plan else ZONE
        try:
            return (clock.local(now, zone).strftime("%H:%M"),)
        except (KeyError, ValueError, OSError):
            return (now.strftime("%H:%M"),)

    def _tell(self, look: Look, now: datetime, at: float) -> None:
        slot = look.slot
        subject = None
        if slot is not None:
            subject = (slot.item.item, slot.item.pub, slot.item.rev, slot.page.hash)
        loop = (self.rev, look.source, look.dark, tuple(i.item for i in look.situation.loop))
        if loop != self._loop_was:
            self._loop_was, self.since = loop, now
        try:
            self.proofs.note(
                subject,
                lit=look.lit and self.intruder is None,
                fresh=self._player.began,
                now=now,
                at=at,
                rev=self.rev,
            )
        except OSError:
            self.storage_ok = False
        self._player.began = False
        shown: dict[str, object] = {"source": look.source, "lit": look.lit, "rev": self.rev}
        if slot is not None:
            shown |= {"item": slot.item.item, "pub": slot.item.pub, "page": slot.index,
                      "hash": slot.page.hash, "lines": list(slot.page.lines)}  # fmt: skip
        elif look.words:
            shown["lines"] = list(look.words)
        if self.intruder is not None:
            shown["intruder"] = list(self.intruder)
        if not self.journal.note(now, **shown):
            self.storage_ok = False
        if slot is not None and look.lit and slot.item.item not in self._displayed:
            self._displayed.add(slot.item.item)
            self._on_shown(slot.item, slot)
