"""What a panel does with its plan as time goes by: pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from channels.panels.twin.plans import Item, Page, Plan
from channels.panels.twin.player import Player
from channels.panels.twin.schedule import next_edge, situation

NOON = datetime(2026, 3, 3, 11, tzinfo=UTC)  # 12:00 in Paris


def item(name: str, priority: int = 100, **more: Any) -> Item:
    values: dict[str, Any] = {
        "item": name, "pub": name.upper(), "rev": 1, "kind": "info", "priority": priority,
        "preempts": False, "start": NOON - timedelta(hours=1), "end": NOON + timedelta(hours=1),
        "pages": (Page((name,), 6.0, "h"),),
    }  # fmt: skip
    return Item(**(values | more))


def plan(*items: Item, **more: Any) -> Plan:
    values: dict[str, Any] = {
        "rev": 1, "not_after": NOON + timedelta(days=1), "tz": "Europe/Paris", "items": items,
        "fallback": {"comm_loss_min": 360, "on_comm_loss": "dated_items", "on_empty": "clock"},
        "night": (),
    }  # fmt: skip
    return Plan(**(values | more))


def looped(what: Plan, now: datetime = NOON, **how: Any) -> list[str]:
    return [i.item for i in situation(what, now, **how).loop]


def test_the_most_pressing_comes_first() -> None:
    assert looped(plan(item("low", 30), item("high", 140))) == ["high", "low"]


def test_an_item_begins_and_ends_to_the_second() -> None:
    only = plan(item("a", start=NOON, end=NOON + timedelta(seconds=10)))
    assert looped(only, NOON - timedelta(seconds=1)) == []
    assert looped(only, NOON) == ["a"]
    assert looped(only, NOON + timedelta(seconds=9)) == ["a"]
    assert looped(only, NOON + timedelta(seconds=10)) == []
    assert next_edge(only, NOON + timedelta(seconds=9, milliseconds=500)) == NOON + timedelta(
        seconds=10
    )


def test_a_preempting_item_holds_the_others_until_its_end() -> None:
    both = plan(
        item("market", 40),
        item("flood", 230, preempts=True, kind="alert", end=NOON + timedelta(minutes=5)),
    )
    now = situation(both, NOON)
    assert [(e.item.item, e.held) for e in now.in_force] == [("flood", False), ("market", True)]
    assert looped(both, NOON + timedelta(minutes=5)) == ["market"]


def test_two_alerts_take_turns() -> None:
    both = plan(item("fire", 230, preempts=True), item("flood", 200, preempts=True))
    assert looped(both) == ["fire", "flood"]


def test_a_void_plan_falls_back_to_the_clock() -> None:
    now = situation(plan(item("a"), not_after=NOON), NOON)
    assert (now.source, now.loop, now.on_empty) == ("fallback", (), "clock")
    assert situation(None, NOON).source == "fallback"


def test_an_unsure_clock_shows_undated_pages_only() -> None:
    both = plan(item("dated"), item("always", start=None, end=None))
    now = situation(both, NOON, sure=False)
    assert (now.source, [i.item for i in now.loop]) == ("fallback", ["always"])
    assert now.on_empty == "blank"


def test_dated_items_outlive_the_link_and_undated_ones_do_not() -> None:
    both = plan(item("dated"), item("always", start=None, end=None))
    assert looped(both, away_s=359 * 60) == ["dated", "always"]
    assert looped(both, away_s=360 * 60) == ["dated"]
    blank = plan(item("dated"), fallback={**plan().fallback, "on_comm_loss": "blank"})
    assert looped(blank, away_s=360 * 60) == []


@pytest.mark.parametrize(
    ("hour", "dark"), [(0, False), (1, True), (5, True), (6, False), (12, False)]
)
def test_the_night_is_dark_but_for_alerts(hour: int, dark: bool) -> None:
    at = datetime(2026, 3, 3, 0, 30, tzinfo=UTC) + timedelta(hours=hour - 1)
    always = {"start": None, "end": None}
    night = ({"off": "01:00", "on": "06:00", "except": ["alert"]},)
    quiet = plan(item("market", **always), night=night)
    assert situation(quiet, at).dark is dark
    loud = plan(item("market", **always), item("flood", kind="alert", **always), night=night)
    assert situation(loud, at).dark is False
    assert looped(loud, at) == (["flood"] if dark else ["market", "flood"])


def test_a_night_over_midnight_wraps() -> None:
    night = ({"off": "23:00", "on": "05:00", "except": []},)
    always = plan(item("a", start=None, end=None), night=night)
    assert situation(always, datetime(2026, 3, 3, 23, tzinfo=UTC)).dark
    assert not situation(always, NOON).dark


def test_pages_turn_by_their_own_time_and_come_round() -> None:
    pages = (Page(("1",), 4.0, "h1"), Page(("2",), 6.0, "h2"))
    loop = situation(plan(item("a", pages=pages)), NOON).loop
    player = Player()
    seen = [(s.index, s.until) for t in (0.0, 3.5, 4.0, 9.0, 10.0) if (s := player.turn(loop, t))]
    assert seen == [(0, 4.0), (0, 4.0), (1, 10.0), (1, 10.0), (0, 14.0)]
    assert player.turn((), 11.0) is None
