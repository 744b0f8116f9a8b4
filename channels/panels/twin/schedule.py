"""What a panel does at a moment with the plan it has: pure functions of plan and clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from channels.panels.twin.plans import MINUTE, Item, Plan, zone

# With nothing ahead, the plan is looked at again after this.
IDLE: Final = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class InForce:
    """An item between its start and its end. `held`: not in the loop; behind a preempting item,
    outside its windows, or dark at night."""

    item: Item
    held: bool


@dataclass(frozen=True, slots=True)
class Situation:
    """`source` is "plan", or "fallback" where no plan may be obeyed. `dark`: the face is off for
    the night. `on_empty` is what the face shows without anything in the loop."""

    source: str
    in_force: tuple[InForce, ...]
    dark: bool
    on_empty: str

    @property
    def loop(self) -> tuple[Item, ...]:
        """The items on the face in turn, the most pressing first."""
        return tuple(entry.item for entry in self.in_force if not entry.held)

    @property
    def preempted(self) -> bool:
        """Whether something that preempts is on the face."""
        return any(entry.item.preempts for entry in self.in_force if not entry.held)


def situation(
    plan: Plan | None,
    now: datetime,
    *,
    away_s: float = 0.0,
    sure: bool = True,
    lead: timedelta = timedelta(),
) -> Situation:
    """`away_s`: seconds since the broker was last there. `sure`: the clock can be trusted. `lead`:
    how long before its end an item already leaves, for a face that needs time to change."""
    if plan is None:
        return Situation("fallback", (), False, "clock" if sure else "blank")
    on_empty = str(plan.fallback["on_empty"])
    if not sure:
        undated = [i for i in plan.items if i.start is None and i.end is None and not i.windows]
        return Situation("fallback", _queue(undated, None, None), False, "blank")
    if plan.not_after <= now + lead:
        return Situation("fallback", (), False, on_empty)
    items = [i for i in plan.items if _is_on(i, now, lead)]
    source = "plan"
    if away_s >= plan.fallback["comm_loss_min"] * 60:
        source = "fallback"
        # An undated notice nobody can take back any more must not stay for ever.
        items = [i for i in items if i.end is not None]
        if plan.fallback["on_comm_loss"] == "blank":
            items, on_empty = [], "blank"
    local = now.astimezone(zone(plan.tz)) if plan.by_hour else None
    excepted = _night(plan, local) if local else None
    queue = _queue(items, excepted, local)
    dark = excepted is not None and all(entry.held for entry in queue)
    return Situation(source, queue, dark, on_empty)


def next_edge(plan: Plan | None, now: datetime, lead: timedelta = timedelta()) -> datetime:
    """The next moment at which time alone may change the situation. With hours of the day in the
    plan that is at most the next full minute."""
    edges = [now + IDLE]
    if plan is not None:
        ends = [i.end - lead for i in plan.items if i.end is not None]
        starts = [i.start for i in plan.items if i.start is not None]
        edges += [at for at in (*starts, *ends, plan.not_after - lead) if at > now]
        if plan.by_hour:
            edges.append(now.replace(second=0, microsecond=0) + MINUTE)
    return min(edges)


def _is_on(item: Item, now: datetime, lead: timedelta) -> bool:
    return (item.start is None or item.start <= now) and (item.end is None or now + lead < item.end)


def _queue(
    items: Sequence[Item], dark: frozenset[str] | None, local: datetime | None
) -> tuple[InForce, ...]:
    """By priority, then as the plan has them. Outside its windows an item waits; at night all but
    the kinds in `dark` do; while something preempts, only what preempts is in the loop."""
    ordered = sorted(items, key=lambda i: -i.priority)
    awake = [
        i
        for i in ordered
        if (dark is None or i.kind in dark)
        and (not i.windows or local is None or any(w.holds(local) for w in i.windows))
    ]
    loop = [i for i in awake if i.preempts] or awake
    return tuple(InForce(i, i not in loop) for i in ordered)


def _night(plan: Plan, local: datetime) -> frozenset[str] | None:
    """The kinds that are still shown in this hour's darkness; None by day."""
    hour = local.strftime("%H:%M")
    for window in plan.night:
        off, on = window["off"], window["on"]
        inside = off <= hour < on if off <= on else hour >= off or hour < on
        if inside:
            return frozenset(window["except"])
    return None
