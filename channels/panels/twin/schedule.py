"""What a panel does at a moment with the plan it has: pure functions of plan and clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from channels.panels.twin.checks import Item, Page, Plan

# An empty face looks once a second whether something begins.
_IDLE: Final = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class InForce:
    """An item whose time it is. `held`: not in the loop, behind a preempting item or at night."""

    item: Item
    held: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """`source` is "plan", or "fallback" where no plan may be obeyed. `dark`: the face is off.
    `loop` are the pages in turn; `on_empty` is what the face shows without any."""

    source: str
    in_force: tuple[InForce, ...]
    dark: bool
    on_empty: str

    @property
    def loop(self) -> tuple[tuple[Item, int], ...]:
        return tuple(
            (entry.item, index)
            for entry in self.in_force
            if not entry.held
            for index in range(len(entry.item.pages))
        )


@dataclass(frozen=True, slots=True)
class Slot:
    """The page on the face and how long it still stays, in seconds."""

    item: Item
    index: int
    left_s: float

    @property
    def page(self) -> Page:
        return self.item.pages[self.index]


def situation(
    plan: Plan | None, now: datetime, *, away_s: float = 0.0, sure: bool = True
) -> Situation:
    """`away_s`: seconds since the broker was last there. `sure`: the clock can be trusted."""
    if plan is None:
        return Situation("fallback", (), False, "clock")
    on_empty = str(plan.fallback["on_empty"])
    if not sure:
        undated = [i for i in plan.items if i.start is None and i.end is None]
        return Situation("fallback", _queue(undated, dark=None), False, "blank")
    if plan.not_after <= now:
        return Situation("fallback", (), False, on_empty)
    items = [i for i in plan.items if _is_on(i, now)]
    source = "plan"
    if away_s >= plan.fallback["comm_loss_min"] * 60:
        source = "fallback"
        # An undated notice nobody can take back any more must not stay for ever.
        items = [i for i in items if i.end is not None]
        if plan.fallback["on_comm_loss"] == "blank":
            items, on_empty = [], "blank"
    excepted = _night(plan, now)
    queue = _queue(items, excepted)
    dark = excepted is not None and all(entry.held for entry in queue)
    return Situation(source, queue, dark, on_empty)


def slot(loop: Sequence[tuple[Item, int]], elapsed_s: float) -> Slot | None:
    """The page of a loop that began `elapsed_s` ago; None for an empty loop."""
    if not loop:
        return None
    rest = elapsed_s % sum(item.pages[index].hold_s for item, index in loop)
    for item, index in loop:
        hold = item.pages[index].hold_s
        if rest < hold:
            return Slot(item, index, hold - rest)
        rest -= hold
    item, index = loop[0]  # a rounding of the last moment
    return Slot(item, index, item.pages[index].hold_s)


def next_edge(plan: Plan | None, now: datetime) -> datetime:
    """When time alone may change the situation, at the latest in a second."""
    edges = [now + _IDLE]
    if plan is not None:
        edges += [t for i in plan.items for t in (i.start, i.end) if t is not None and t > now]
        edges.append(max(plan.not_after, now))
    return min(edges)


def _is_on(item: Item, now: datetime) -> bool:
    return (item.start is None or item.start <= now) and (item.end is None or now < item.end)


def _queue(items: Sequence[Item], dark: frozenset[str] | None) -> tuple[InForce, ...]:
    """By priority. While something preempts, only what preempts is in the loop; at night only the
    kinds in `dark`."""
    ordered = sorted(items, key=lambda i: (-i.priority, i.item))
    awake = [i for i in ordered if dark is None or i.kind in dark]
    loop = [i for i in awake if i.preempts] or awake
    return tuple(InForce(i, i not in loop) for i in ordered)


def _night(plan: Plan, now: datetime) -> frozenset[str] | None:
    """The kinds that are still shown in this hour's darkness; None by day."""
    try:
        hour = now.astimezone(ZoneInfo(plan.tz)).strftime("%H:%M")
    except (ZoneInfoNotFoundError, ValueError):
        return None
    for window in plan.night:
        off, on = window["off"], window["on"]
        inside = off <= hour < on if off <= on else hour >= off or hour < on
        if inside:
            return frozenset(window["except"])
    return None
