"""A plan as the panel keeps it in mind: the JSON of schemas/plan.json with its times read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

MINUTE: Final = timedelta(minutes=1)


class BadTime(ValueError):
    """A time or a zone that does not exist."""


@dataclass(frozen=True, slots=True)
class ImageRef:
    """A bitmap that a page names. `mode`: "1" or "rgb"."""

    hash: str
    width: int
    height: int
    mode: str


@dataclass(frozen=True, slots=True)
class Page:
    """`image` is drawn where there is one, else `lines`."""

    lines: tuple[str, ...]
    hold_s: float
    hash: str
    image: ImageRef | None = None


@dataclass(frozen=True, slots=True)
class Window:
    """Local hours on ISO weekdays (1 Monday); `end` not after `begin` runs past midnight."""

    days: frozenset[int]
    begin: str
    end: str

    def holds(self, local: datetime) -> bool:
        hour, today = local.strftime("%H:%M"), local.isoweekday()
        if self.begin < self.end:
            return today in self.days and self.begin <= hour < self.end
        yesterday = today - 1 or 7
        return (today in self.days and hour >= self.begin) or (
            yesterday in self.days and hour < self.end
        )


@dataclass(frozen=True, slots=True)
class Item:
    """`min_plays_h` and `max_share` are 0 and 1.0 where the plan asks for nothing."""

    item: str
    pub: str
    rev: int
    kind: str
    priority: int
    preempts: bool
    start: datetime | None
    end: datetime | None
    pages: tuple[Page, ...]
    windows: tuple[Window, ...] = ()
    min_plays_h: int = 0
    max_share: float = 1.0

    @property
    def seconds(self) -> float:
        """What one play takes."""
        return sum(page.hold_s for page in self.pages)


@dataclass(frozen=True, slots=True)
class Plan:
    rev: int
    not_after: datetime
    tz: str
    items: tuple[Item, ...]
    fallback: Mapping[str, Any]
    night: tuple[Mapping[str, Any], ...]
    images: frozenset[str] = field(default=frozenset())

    @property
    def by_hour(self) -> bool:
        """Whether local hours decide anything in it."""
        return bool(self.night) or any(item.windows for item in self.items)


def plan_of(body: Mapping[str, Any]) -> Plan:
    """A body that passed the schema. Raises BadTime."""
    items = tuple(_item(item) for item in body["items"])
    plan = Plan(
        rev=body["plan_rev"],
        not_after=time_of(body["not_after"]),
        tz=body["tz"],
        items=items,
        fallback=body["fallback"],
        night=tuple(body["night"]),
        images=frozenset(page.image.hash for i in items for page in i.pages if page.image),
    )
    if plan.by_hour and zone(plan.tz) is None:
        raise BadTime("a time zone that does not exist")
    return plan


def time_of(text: str) -> datetime:
    """RFC 3339 of the contract as an aware datetime. Raises BadTime."""
    try:
        return datetime.fromisoformat(text).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise BadTime("a time that does not exist") from error


@lru_cache(maxsize=64)
def zone(name: str) -> ZoneInfo | None:
    """None where there is no such zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _item(body: Mapping[str, Any]) -> Item:
    return Item(
        item=body["item"],
        pub=body["pub"],
        rev=body["rev"],
        kind=body["kind"],
        priority=body["priority"],
        preempts=body["activation"] == "preempt",
        start=time_of(body["start"]) if "start" in body else None,
        end=time_of(body["end"]) if "end" in body else None,
        pages=tuple(_page(page) for page in body["pages"]),
        windows=tuple(
            Window(frozenset(map(int, w["days"])), w["from"], w["to"])
            for w in body.get("windows", ())
        ),
        min_plays_h=body.get("min_plays_h", 0),
        max_share=body.get("max_share", 1.0),
    )


def _page(body: Mapping[str, Any]) -> Page:
    image = None
    if "image" in body:
        image = ImageRef(body["image"], body["width"], body["height"], body["mode"])
    return Page(tuple(body.get("lines", ())), body["hold_ms"] / 1000, body["hash"], image)
