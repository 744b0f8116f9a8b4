"""The loop: which item comes next, and which of its pages is on the face.

docs/panel-contract.md section 7 in code. Each item has a share of the time; its period, the time
of one play divided by its share, is how long after the begin of a play the next one is due. The
item due first comes next; at the same moment the more pressing one, which is the order of the loop.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.panels.twin.plans import Item, Page

_ROUNDS: Final = 50  # of raising and capping shares; it settles in a few
_HOUR_S: Final = 3600.0
_REMEMBERED: Final = 1000  # items that were on the face some time


@dataclass(frozen=True, slots=True)
class Slot:
    """The page on the face: `until` is when it has been there for its time, on the clock of
    `Player.turn`."""

    item: Item
    index: int
    until: float

    @property
    def page(self) -> Page:
        return self.item.pages[self.index]


def shares(loop: Sequence[Item]) -> list[float]:
    """The part of the time that each item gets; the sum is 1.

    Without wishes one play each in turn. `max_share` lowers and `min_plays_h` raises; the rest is
    shared by the others as before. Wishes that cannot all be met are cut in proportion.
    """
    total = sum(item.seconds for item in loop)
    natural = [item.seconds / total for item in loop]
    high = [item.max_share for item in loop]
    wish = [item.min_plays_h * item.seconds / _HOUR_S for item in loop]
    # Nobody's wish drives another off the face: a tenth of its turn is left to each.
    low = [min(max(w, n / 10), h) for w, n, h in zip(wish, natural, high, strict=True)]
    fixed: dict[int, float] = {}
    for _ in range(_ROUNDS):
        rest = 1.0 - sum(fixed.values())
        free = [i for i in range(len(loop)) if i not in fixed]
        weight = sum(natural[i] for i in free)
        if rest <= 0 or not free:
            break
        given = {i: rest * natural[i] / weight for i in free}
        over = {i: high[i] for i in free if given[i] > high[i]}
        under = {i: low[i] for i in free if given[i] < low[i]}
        if not over and not under:
            fixed |= given
            break
        # The side that is further out is settled first, or the other would be settled wrongly.
        spare = sum(given[i] - high[i] for i in over)
        short = sum(low[i] - given[i] for i in under)
        fixed |= over if spare >= short else under
    got = [fixed.get(i, low[i]) for i in range(len(loop))]
    whole = sum(got)
    return [part / whole for part in got]


class Player:
    """Driven by `turn` with a clock that only goes forward, in seconds."""

    def __init__(self) -> None:
        self._slot: Slot | None = None
        self._loop: tuple[Item, ...] = ()
        self._periods: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._seen: set[tuple[str, int]] = set()
        self._first = False  # what is on the face is there for the first time
        self.began = False  # the last `turn` put a page on the face, maybe the same again

    @property
    def slot(self) -> Slot | None:
        return self._slot

    def turn(self, loop: tuple[Item, ...], now: float) -> Slot | None:
        """The page on the face at `now`; None for an empty loop."""
        self.began = False
        if loop != self._loop:
            self._change(loop)
        slot = self._slot
        if not loop:
            self._slot = None
        elif slot is None or not self._stays(slot, now):
            self._advance(slot, now)
        return self._slot

    def stop(self) -> None:
        """Something else is on the face; the loop goes on with its next item afterwards."""
        self._slot = None

    def _fresh(self) -> Item | None:
        return next((i for i in self._loop if (i.item, i.rev) not in self._seen), None)

    def _stays(self, slot: Slot, now: float) -> bool:
        """What was never seen does not wait for the end of what was; two of them take turns."""
        return now < slot.until and (self._first or self._fresh() is None)

    def _advance(self, slot: Slot | None, now: float) -> None:
        fresh = self._fresh()
        more = slot is not None and slot.index + 1 < len(slot.item.pages)
        if slot is not None and more and (self._first or fresh is None):
            self._show(slot.item, slot.index + 1, now)
            return
        item = fresh or min(self._loop, key=lambda i: self._due.get(i.item, 0.0))
        self._first = fresh is not None
        self._seen.add((item.item, item.rev))
        # Counted from when it was due, so that a play that came late does not push the next one,
        # but by one period at most: nothing is caught up in a burst.
        period = self._periods[item.item]
        self._due[item.item] = max(self._due.get(item.item, now), now - period) + period
        self._show(item, 0, now)

    def _change(self, loop: tuple[Item, ...]) -> None:
        """An item that is still there goes on; changed pages begin anew. What was never seen waits
        for a first play only where both came together."""
        before = {(item.item, item.rev) for item in self._loop}
        came = {(item.item, item.rev) for item in loop} - before - self._seen
        self._first = self._first and not came
        self._loop = loop
        if loop:
            parts = zip(loop, shares(loop), strict=True)
            self._periods = {item.item: item.seconds / share for item, share in parts}
        if len(self._seen) > _REMEMBERED:
            self._seen &= {(item.item, item.rev) for item in loop}
            self._due = {i.item: self._due[i.item] for i in loop if i.item in self._due}
        slot = self._slot
        if slot is None:
            return
        same = next((i for i in loop if i.item == slot.item.item), None)
        if same is not None and same.pages == slot.item.pages:
            self._slot = Slot(same, slot.index, slot.until)
            self._seen.add((same.item, same.rev))
            return
        self._slot = None
        if same is not None:
            self._seen.discard((same.item, same.rev))

    def _show(self, item: Item, index: int, now: float) -> None:
        self.began = True
        self._slot = Slot(item, index, now + item.pages[index].hold_s)
