"""How notices share a panel: their order, what each wishes of the loop, fairness of stations. Pure.

The panel itself plays the loop (docs/panel-contract.md); the hub says in the plan what it shall
weigh. config/panels/loop/shares.yaml holds the numbers, `timeline` says what comes of them.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, TypeVar

import yaml
from pydantic import Field

from channels.panels.model import PANELS
from hub import clock
from hub.contracts import Notice, StrictOptions

T = TypeVar("T")
# A share is never capped below this: what is carried is also seen.
_LEAST: Final = 0.01


@dataclass(frozen=True, slots=True)
class Placing:
    """What an outlet asks of its own panel. `event_days`: instead of `days_before`. `windows`: days
    and local hours ("12345 07:00-22:00", ISO weekdays) at which infos, events and reminders are
    shown; empty: always."""

    event_days: int | None = None
    windows: tuple[str, ...] = ()


class Wish(StrictOptions):
    """What a kind of notice asks of the loop; see shares.yaml."""

    min_plays_h: int | None = Field(None, ge=1, le=720)
    max_share: float | None = Field(None, gt=0, le=1)
    days_before: int | None = Field(None, ge=0, le=366)


class Shares(StrictOptions):
    """shares.yaml: the wishes of each kind, and the kinds among which stations are kept even."""

    kinds: Mapping[str, Wish]
    fair: tuple[str, ...]


@lru_cache(maxsize=1)
def shares() -> Shares:
    """The file, read once. Raises pydantic's ValidationError."""
    text = (PANELS / "loop" / "shares.yaml").read_text("utf-8")
    return Shares.model_validate(yaml.safe_load(text))


def begins(notice: Notice, kind: str, days_before: int | None = None) -> datetime:
    """When a panel begins to show it: when it takes effect, but an event only `days_before` its
    onset (the panel's own number, else that of its kind)."""
    wish = shares().kinds.get(kind, Wish())
    days = wish.days_before if days_before is None else days_before
    if wish.days_before is None or days is None or notice.onset is None:
        return notice.effective
    return max(notice.effective, notice.onset - timedelta(days=days))


def wishes(kind: str) -> dict[str, Any]:
    """The fields `min_plays_h` and `max_share` of an item of this kind, as far as it has them."""
    wish = shares().kinds.get(kind, Wish())
    fields = {"min_plays_h": wish.min_plays_h, "max_share": wish.max_share}
    return {name: value for name, value in fields.items() if value is not None}


def in_turn(
    things: Iterable[T], band: Callable[[T], int], station: Callable[[T], Hashable]
) -> list[T]:
    """Falling `band`; within one band the stations take turns, each in the order it gave."""
    bands: dict[int, dict[Hashable, list[T]]] = defaultdict(lambda: defaultdict(list))
    for thing in things:
        bands[band(thing)][station(thing)].append(thing)
    done: list[T] = []
    for number in sorted(bands, reverse=True):
        queues = list(bands[number].values())
        for turn in range(max(map(len, queues))):
            done += [queue[turn] for queue in queues if turn < len(queue)]
    return done


def fair(items: Sequence[Mapping[str, Any]], stations: Sequence[Hashable]) -> list[float | None]:
    """For each item of a plan the `max_share` that keeps its station (of `stations`, same order)
    within its part, or None where nothing is to be held back."""
    counted = [
        (index, station, seconds(item))
        for index, (item, station) in enumerate(zip(items, stations, strict=True))
        if item["kind"] in shares().fair and item["activation"] != "preempt"
    ]
    caps: list[float | None] = [item.get("max_share") for item in items]
    took: dict[Hashable, float] = defaultdict(float)
    for _, station, length in counted:
        took[station] += length
    if len(took) < 2:
        return caps
    whole, roots = sum(took.values()), sum(map(math.sqrt, took.values()))
    for index, station, length in counted:
        part = math.sqrt(took[station]) / roots
        if took[station] / whole > part:
            cap = max(_LEAST, round(part * length / took[station], 3))
            caps[index] = min(cap, caps[index] or 1.0)
    return caps


def placed(
    items: Sequence[Mapping[str, Any]], notices: Sequence[Notice], placing: Placing
) -> list[Mapping[str, Any]]:
    """`items` of one plan as this panel shall play them beside each other; `notices` in the same
    order. An item that nothing changes is the same object."""
    caps = fair(items, [notice.station for notice in notices])
    done = []
    for item, notice, cap in zip(items, notices, caps, strict=True):
        new: dict[str, Any] = {} if cap is None else {"max_share": cap}
        if item["kind"] in shares().fair:
            begin = begins(notice, item["kind"], placing.event_days)
            new["start"] = clock.rfc3339(begin)
            if placing.windows:
                new["windows"] = [_window(text) for text in placing.windows]
        done.append(item if new.items() <= item.items() else {**item, **new})
    return done


def facts(notice: Notice, kind: str, hold_ms: int, placing: Placing) -> dict[str, Any]:
    """For a preview: from when until when it is seen, how long one play takes, what it may ask."""
    windows = list(placing.windows) if kind in shares().fair else []
    return {
        "from": clock.rfc3339(begins(notice, kind, placing.event_days)),
        "until": clock.rfc3339(notice.expires),
        "seconds": hold_ms / 1000,
        **wishes(kind),
        **({"windows": windows} if windows else {}),
    }


def _window(text: str) -> dict[str, str]:
    days, _, hours = text.partition(" ")
    first, _, last = hours.partition("-")
    return {"days": days, "from": first, "to": last}


def seconds(item: Mapping[str, Any]) -> float:
    """How long one play of an item of a plan takes."""
    return float(sum(page["hold_ms"] for page in item["pages"])) / 1000
