"""The loop of section 3 of the contract: who comes next, how often, for how long."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.panels import timeline
from channels.panels.twin.plans import Item, Page
from channels.panels.twin.player import Player, shares


def item(name: str, seconds: float = 6.0, pages: int = 1, rev: int = 1, **more: Any) -> Item:
    values: dict[str, Any] = {
        "item": name, "pub": name, "rev": rev, "kind": "info", "priority": 100, "preempts": False,
        "start": None, "end": None,
        "pages": tuple(Page((f"{name}{n}{rev}",), seconds, f"{name}{n}{rev}")
                       for n in range(pages)),
    }  # fmt: skip
    return Item(**(values | more))


def plays(loop: tuple[Item, ...], seconds: float = 3600) -> list[str]:
    """The items in the order in which they came up."""
    player, now, seen = Player(), 0.0, []
    while now < seconds:
        slot = player.turn(loop, now)
        assert slot is not None
        if slot.index == 0:
            seen.append(slot.item.item)
        now = slot.until
    return seen


def test_without_wishes_each_comes_in_turn() -> None:
    loop = (item("a"), item("b", 9), item("c", 3, pages=2))
    assert plays(loop)[:7] == ["a", "b", "c", "a", "b", "c", "a"]


def test_a_wish_for_plays_is_met_and_the_rest_is_shared() -> None:
    loop = (item("often", min_plays_h=300), *(item(n) for n in "abcdefgh"))
    count = Counter(plays(loop))
    assert count["often"] >= 290  # one round is lost to the first play of each
    assert max(count[n] for n in "abcdefgh") - min(count[n] for n in "abcdefgh") <= 1


def test_a_largest_share_holds_while_others_have_something_to_show() -> None:
    loop = (item("long", 20, max_share=0.25), item("a"), item("b"))
    count = Counter(plays(loop, 7200))
    assert count["long"] * 20 / 7200 == pytest.approx(0.25, abs=0.01)
    assert set(plays((loop[0],))) == {"long"}


def test_what_is_new_comes_at_once_and_is_played_whole() -> None:
    player = Player()
    old = item("old", 30)
    first = player.turn((old,), 0.0)
    assert first
    assert first.item.item == "old"
    news, more = item("news", 5, pages=2), item("more", 5)
    loop = (old, news, more)
    shown = []
    for now in (3.0, 5.0, 8.0, 13.0, 18.0):
        slot = player.turn(loop, now)
        assert slot is not None
        shown.append((slot.item.item, slot.index))
    assert shown == [("news", 0), ("news", 0), ("news", 1), ("more", 0), ("old", 0)]


def test_a_new_revision_is_new_and_a_mere_repetition_is_not() -> None:
    player = Player()
    a, b = item("a"), item("b")
    player.turn((a, b), 0.0)
    player.turn((a, b), 6.0)
    slot = player.turn((a, b), 7.0)
    assert slot
    assert slot.item.item == "b"
    slot = player.turn((item("a"), item("b")), 8.0)
    assert slot
    assert slot.until == 12.0
    newer = item("a", rev=2)
    slot = player.turn((newer, b), 9.0)
    assert slot
    assert (slot.item.item, slot.item.rev) == ("a", 2)


def test_after_an_alert_the_others_go_on_where_they_were() -> None:
    player = Player()
    a, b, flood = item("a"), item("b"), item("flood", preempts=True)
    for now in (0.0, 6.0, 12.0):
        player.turn((a, b), now)
    slot = player.turn((flood,), 13.0)
    assert slot
    assert slot.item.item == "flood"
    slot = player.turn((a, b), 20.0)
    assert slot
    assert slot.item.item == "b"


wishes = st.lists(
    st.tuples(
        st.floats(1, 60), st.sampled_from([0, 0, 1, 12, 60, 720]),
        st.sampled_from([1.0, 1.0, 0.5, 0.1]),
    ),
    min_size=1, max_size=12,
)  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(wishes)
def test_shares_are_a_whole_and_nobody_is_left_out(found: list[tuple[float, int, float]]) -> None:
    loop = [item(f"n{n}", s, min_plays_h=p, max_share=m) for n, (s, p, m) in enumerate(found)]
    got = shares(loop)
    assert sum(got) == pytest.approx(1.0)
    assert all(part > 0 for part in got)
    if sum(i.max_share for i in loop) >= 1 and sum(
        max(i.min_plays_h * i.seconds / 3600, 0.1) for i in loop
    ) <= 1:  # fmt: skip
        assert all(part <= i.max_share + 1e-6 for part, i in zip(got, loop, strict=True))


@settings(max_examples=100, deadline=None)
@given(wishes)
def test_the_hub_foretells_the_shares_that_the_panel_gives(
    found: list[tuple[float, int, float]],
) -> None:
    loop, told = [], []
    for n, (s, p, m) in enumerate(found):
        hold = round(s * 1000)
        loop.append(item(f"n{n}", hold / 1000, min_plays_h=p, max_share=m))
        wish = {"min_plays_h": p} if p else {}
        told.append({"pages": [{"hold_ms": hold}], **wish, "max_share": m})
    assert timeline.shares(told) == pytest.approx(shares(loop), abs=1e-6)
