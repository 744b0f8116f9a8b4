"""When is it seen, and how often: what a plan comes to on the face, computed. Pure.

It follows docs/panel-contract.md: who is in force, who is held back, and what part of the time each
one of the loop gets. Nothing is simulated but the first turn, so a month costs no more than its
edges.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from channels.panels.loop import seconds

_HOUR_S: Final = 3600.0
_STEPS: Final = 60  # of halving: the multiplier is exact to the last digit of a float
# Nobody's wish drives another off the face: a tenth of its turn is left to each.
_KEPT: Final = 0.1


@dataclass(frozen=True, slots=True)
class Turn:
    """An item in the loop: `share` of the time, `plays_h` an hour, one begins every `every_s`."""

    item: str
    share: float
    plays_h: float
    every_s: float


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` until just before `end` nothing changes. `held`: (item, why it waits), why is
    "preempted", "window" or "night". `dark`: the face is off."""

    begin: datetime
    end: datetime
    turns: tuple[Turn, ...]
    held: tuple[tuple[str, str], ...]
    dark: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What an item comes to: when it is first and last in the loop, plays and seconds in all; while
    it is in the loop a play begins every `every_s`; `longest_wait_s`: without it in between."""

    item: str
    pub: str
    first: datetime | None
    last: datetime | None
    plays: float
    seconds: float
    every_s: float
    longest_wait_s: float


@dataclass(frozen=True, slots=True)
class Timeline:
    """The answer for one panel between `begin` and `end`."""

    begin: datetime
    end: datetime
    stretches: tuple[Stretch, ...]
    items: tuple[Seen, ...]


def timeline(plan: Mapping[str, Any], begin: datetime, end: datetime) -> Timeline:
    """What the panel shows of `plan` (a dict of the form of schemas/plan.json) between two moments,
    its link and its clock being well."""
    moments = sorted({begin, end, *(m for m in _edges(plan, begin, end) if begin < m < end)})
    stretches = _joined([_stretch(plan, first, last) for first, last in pairwise(moments)])
    seen = tuple(_seen(item, stretches) for item in plan["items"])
    return Timeline(begin, end, tuple(stretches), seen)


def shares(loop: Sequence[Mapping[str, Any]]) -> list[float]:
    """The part of the time that each item gets; the sum is 1.

    Without wishes one play each in turn. `max_share` lowers and `min_plays_h` raises; the others
    keep their proportions. Wishes that cannot all be met are cut in proportion.
    """
    whole = sum(map(seconds, loop))
    natural = [seconds(item) / whole for item in loop]
    high = [float(item.get("max_share", 1.0)) for item in loop]
    low = [
        min(max(item.get("min_plays_h", 0) * seconds(item) / _HOUR_S, _KEPT * share), most)
        for item, share, most in zip(loop, natural, high, strict=True)
    ]
    if sum(low) >= 1 or sum(high) <= 1:
        part = low if sum(low) >= 1 else high
        return [each / sum(part) for each in part]
    under, over = 0.0, max(most / share for most, share in zip(high, natural, strict=True))
    got = natural
    for _ in range(_STEPS):
        factor = (under + over) / 2
        got = [
            min(max(factor * share, least), most)
            for share, least, most in zip(natural, low, high, strict=True)
        ]
        under, over = (factor, over) if sum(got) < 1 else (under, factor)
    return [each / sum(got) for each in got]


def _stretch(plan: Mapping[str, Any], begin: datetime, end: datetime) -> Stretch:
    local = begin.astimezone(ZoneInfo(plan["tz"]))
    excepted = _night(plan, local)
    held: list[tuple[str, str]] = []
    awake = []
    live = [] if begin >= _time(plan["not_after"]) else [
        item for item in plan["items"]
        if ("start" not in item or _time(item["start"]) <= begin)
        and ("end" not in item or begin < _time(item["end"]))
    ]  # fmt: skip
    for item in sorted(live, key=lambda item: -int(item["priority"])):
        if excepted is not None and item["kind"] not in excepted:
            held.append((item["item"], "night"))
        elif item.get("windows") and not any(_holds(w, local) for w in item["windows"]):
            held.append((item["item"], "window"))
        else:
            awake.append(item)
    loop = [item for item in awake if item["activation"] == "preempt"] or awake
    held += [(item["item"], "preempted") for item in awake if item not in loop]
    turns = [
        Turn(item["item"], share, share * _HOUR_S / seconds(item), seconds(item) / share)
        for item, share in zip(loop, shares(loop), strict=True)
    ] if loop else []  # fmt: skip
    return Stretch(begin, end, tuple(turns), tuple(held), excepted is not None and not loop)


def _joined(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Neighbours in which nothing differs become one."""
    done: list[Stretch] = []
    for stretch in stretches:
        last = done[-1] if done else None
        if last and (last.turns, last.held, last.dark) == (
            stretch.turns, stretch.held, stretch.dark,
        ):  # fmt: skip
            done[-1] = Stretch(last.begin, stretch.end, last.turns, last.held, last.dark)
        else:
            done.append(stretch)
    return done


def _seen(item: Mapping[str, Any], stretches: Sequence[Stretch]) -> Seen:
    first = last = None
    plays = shown = wait = there = 0.0
    for stretch in stretches:
        turn = next((turn for turn in stretch.turns if turn.item == item["item"]), None)
        if turn is None:
            continue
        length = (stretch.end - stretch.begin).total_seconds()
        if last is not None:
            wait = max(wait, (stretch.begin - last).total_seconds())
        wait = max(wait, min(turn.every_s - seconds(item), length))
        first, last = first or stretch.begin, stretch.end
        plays += turn.plays_h * length / _HOUR_S
        shown += turn.share * length
        there += length
    every = round(there / plays, 1) if plays else 0.0
    return Seen(
        item["item"], item["pub"], first, last, round(plays, 1), round(shown), every, round(wait)
    )


def _edges(plan: Mapping[str, Any], begin: datetime, end: datetime) -> Iterator[datetime]:
    yield _time(plan["not_after"])
    zone = ZoneInfo(plan["tz"])
    hours = {hour for night in plan["night"] for hour in (night["off"], night["on"])}
    for item in plan["items"]:
        yield from (_time(item[name]) for name in ("start", "end") if name in item)
        windows = item.get("windows", ())
        hours |= {hour for window in windows for hour in (window["from"], window["to"])}
        hours |= {"00:00"} if windows else set()
    day, last = begin.astimezone(zone).date(), end.astimezone(zone).date()
    while hours and day <= last:
        yield from (_at(day, hour, zone, fold) for hour in hours for fold in (0, 1))
        begun, day = _at(day, "00:00", zone), day + timedelta(days=1)
        if _at(day, "00:00", zone) - begun != timedelta(days=1):
            # The clocks change on a full hour of this day: an hour comes twice or not at all.
            yield from (begun + timedelta(hours=hour) for hour in range(1, 25))


def _at(day: date, hour: str, zone: ZoneInfo, fold: int = 0) -> datetime:
    clock = datetime(
        day.year, day.month, day.day, int(hour[:2]), int(hour[3:]), tzinfo=zone, fold=fold
    )
    return clock.astimezone(UTC)


def _holds(window: Mapping[str, Any], local: datetime) -> bool:
    """A window begins on its days and runs past midnight where it ends no later than it begins."""
    hour = local.strftime("%H:%M")
    today, yesterday = str(local.isoweekday()), str((local.isoweekday() + 5) % 7 + 1)
    if window["from"] < window["to"]:
        return today in window["days"] and window["from"] <= hour < window["to"]
    late = today in window["days"] and hour >= window["from"]
    return late or (yesterday in window["days"] and hour < window["to"])


def _night(plan: Mapping[str, Any], local: datetime) -> frozenset[str] | None:
    """The kinds still shown in this hour's darkness; None by day."""
    hour = local.strftime("%H:%M")
    for night in plan["night"]:
        off, on = night["off"], night["on"]
        if off <= hour < on if off <= on else hour >= off or hour < on:
            return frozenset(night["except"])
    return None


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)
