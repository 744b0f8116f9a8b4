"""Who is seen when, and how often; the twin, which shares no code with it, is the measure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.panels import Panel, PanelOptions, loop, model, timeline
from channels.panels import plan as hub_plans
from channels.panels.twin import plans, player, schedule
from hub.contracts import Notice, OutletView, Rendering
from hub.vocabulary import Severity
from tests.fakes.notices import water_cut

# A Monday, 8 in the morning in Paris.
NOW = datetime(2026, 3, 2, 7, tzinfo=UTC)
DAY = timedelta(days=1)


def item(name: str, seconds: int = 6, **more: Any) -> dict[str, Any]:
    page = {"lines": ["A"], "hold_ms": seconds * 1000, "hash": "x" * 43}
    return {
        "item": name, "pub": f"pub-{name}", "rev": 1, "kind": "info", "priority": 40,
        "activation": "queue", "pages": [page], **more,
    }  # fmt: skip


def plan(*items: dict[str, Any], night: tuple[dict[str, Any], ...] = ()) -> dict[str, Any]:
    return {
        "v": 1, "id": "p-1", "ts": "2026-03-02T07:00:00Z", "authority": "a", "panel": "p",
        "plan_rev": 1, "not_after": "2026-04-02T07:00:00Z", "tz": "Europe/Paris",
        "items": list(items), "night": list(night),
        "fallback": {"comm_loss_min": 360, "on_comm_loss": "dated_items", "on_empty": "clock",
                     "on_power_recovery": "resume_if_clock_ok"},
    }  # fmt: skip


def at(hours: float) -> str:
    return (NOW + timedelta(hours=hours)).strftime("%Y-%m-%dT%H:%M:%SZ")


def line(plan: dict[str, Any], hours: float = 24) -> timeline.Timeline:
    return timeline.timeline(plan, NOW, NOW + timedelta(hours=hours))


def played(plan: dict[str, Any], hours: float) -> dict[str, int]:
    """Plays on the twin, minute after minute of its own clock."""
    body, loop_player, plays = plans.plan_of(plan), player.Player(), {}
    clock, end = 0.0, hours * 3600
    while clock < end:
        now = NOW + timedelta(seconds=clock)
        slot = loop_player.turn(schedule.situation(body, now).loop, clock)
        if slot is not None and loop_player.began and slot.index == 0:
            plays[slot.item.item] = plays.get(slot.item.item, 0) + 1
        edge = (schedule.next_edge(body, now) - NOW).total_seconds()
        clock = min(edge, slot.until) if slot else edge
    return plays


def test_without_wishes_each_has_one_play_in_turn() -> None:
    (stretch,) = line(plan(item("a"), item("b", 12), item("c"))).stretches
    assert [round(turn.every_s) for turn in stretch.turns] == [24, 24, 24]
    assert [turn.plays_h for turn in stretch.turns] == pytest.approx([150, 150, 150])


def test_a_play_is_counted_from_its_start_until_its_end() -> None:
    (seen,) = line(plan(item("a", start=at(2), end=at(5)))).items
    assert (seen.first, seen.last) == (NOW + timedelta(hours=2), NOW + timedelta(hours=5))
    assert (seen.plays, seen.seconds) == (1800.0, 3 * 3600)


def test_what_preempts_holds_the_others_until_it_ends() -> None:
    alert = item("alert", activation="preempt", priority=220, start=at(1), end=at(3))
    done = line(plan(item("a"), alert), hours=6)
    assert [[turn.item for turn in s.turns] for s in done.stretches] == [["a"], ["alert"], ["a"]]
    assert done.stretches[1].held == (("a", "preempted"),)
    assert next(seen for seen in done.items if seen.item == "a").longest_wait_s == 2 * 3600


def test_a_window_past_midnight_belongs_to_the_day_it_begins_on() -> None:
    late = item("a", windows=[{"days": "1", "from": "22:00", "to": "02:00"}])
    done = line(plan(late), hours=72)
    shown = [stretch for stretch in done.stretches if stretch.turns]
    assert [(s.begin, s.end) for s in shown] == [
        (NOW + timedelta(hours=14), NOW + timedelta(hours=18))
    ]


def test_at_night_only_the_excepted_kinds_are_seen() -> None:
    night = ({"off": "23:00", "on": "06:00", "except": ["alert"]},)
    done = line(plan(item("a"), item("b", kind="alert"), night=night))
    dark = next(stretch for stretch in done.stretches if ("a", "night") in stretch.held)
    assert [turn.item for turn in dark.turns] == ["b"]
    assert not dark.dark
    assert any(s.dark for s in line(plan(item("a"), night=night)).stretches)


def test_nothing_is_seen_of_a_plan_that_is_void() -> None:
    void = plan(item("a")) | {"not_after": at(2)}
    assert line(void).items[0].last == NOW + timedelta(hours=2)


@pytest.mark.parametrize(
    ("night", "dark"), [("2026-03-29", 3), ("2026-10-25", 5), ("2026-05-29", 4)]
)
def test_a_night_in_which_the_clocks_change_is_as_long_as_it_is(night: str, dark: int) -> None:
    noon = datetime.fromisoformat(f"{night}T12:00:00Z")
    hours = ({"off": "00:00", "on": "04:00", "except": []},)
    year = plan(item("a"), night=hours) | {"not_after": "2027-01-01T00:00:00Z"}
    (seen,) = timeline.timeline(year, noon - DAY, noon).items
    assert seen.seconds == (24 - dark) * 3600


def test_a_window_at_an_hour_that_does_not_exist_begins_with_the_next_one() -> None:
    window = item("a", windows=[{"days": "7", "from": "02:30", "to": "05:00"}])
    year = plan(window) | {"not_after": "2027-01-01T00:00:00Z"}
    begin = datetime(2026, 3, 28, 12, tzinfo=UTC)
    (seen,) = timeline.timeline(year, begin, begin + DAY).items
    assert seen.first == datetime(2026, 3, 29, 1, tzinfo=UTC)


def test_plays_asked_for_are_given_and_shares_are_kept() -> None:
    body = plan(item("a", 10, min_plays_h=120), *(item(f"b{n}", 10) for n in range(8)))
    (stretch,) = line(body).stretches
    assert stretch.turns[0].plays_h == pytest.approx(120)
    body = plan(item("a", 60, max_share=0.25), item("b", 6), item("c", 6))
    (stretch,) = line(body).stretches
    assert [turn.share for turn in stretch.turns] == pytest.approx([0.25, 0.375, 0.375])


def test_a_share_that_is_capped_is_not_kept_free_when_nobody_else_is_there() -> None:
    (stretch,) = line(plan(item("a", max_share=0.2))).stretches
    assert stretch.turns[0].share == 1


WISHES = st.fixed_dictionaries(
    {"seconds": st.integers(2, 40)},
    optional={
        "min_plays_h": st.integers(1, 60),
        "max_share": st.floats(0.05, 1),
        "priority": st.integers(10, 200),
    },
)


@given(st.lists(WISHES, min_size=1, max_size=12))
@settings(max_examples=150, deadline=None)
def test_the_shares_are_those_of_the_twin(wishes: list[dict[str, Any]]) -> None:
    body = plan(*(item(str(n), **wish) for n, wish in enumerate(wishes)))
    loop_of = schedule.situation(plans.plan_of(body), NOW).loop
    theirs = dict(zip((i.item for i in loop_of), player.shares(loop_of), strict=True))
    (stretch,) = line(body, hours=1).stretches
    ours = {turn.item: turn.share for turn in stretch.turns}
    assert sum(ours.values()) == pytest.approx(1)
    asked = sum(w.get("min_plays_h", 0) * w["seconds"] / 3600 for w in wishes)
    if asked <= 0.8 and sum(w.get("max_share", 1) for w in wishes) >= 1:
        assert ours == pytest.approx(theirs, abs=1e-6)


HOURS = st.integers(0, 30)


@given(
    st.lists(
        st.tuples(
            HOURS, st.integers(1, 20), st.booleans(), st.sampled_from(["info", "alert"]),
            st.sampled_from([None, ("08:00", "12:00"), ("20:00", "02:00")]),
        ),
        min_size=1, max_size=6,
    ),
    st.booleans(),
    st.integers(0, 47 * 60),
)  # fmt: skip
@settings(max_examples=150, deadline=None)
def test_who_is_in_the_loop_is_what_the_twin_shows(
    rows: list[tuple[int, int, bool, str, tuple[str, str] | None]], dark: bool, minute: int
) -> None:
    items = []
    for n, (first, length, preempts, kind, hours) in enumerate(rows):
        more: dict[str, Any] = {"start": at(first), "end": at(first + length), "kind": kind}
        more["activation"] = "preempt" if preempts else "queue"
        if hours:
            more["windows"] = [{"days": "12345", "from": hours[0], "to": hours[1]}]
        items.append(item(str(n), priority=40 + n, **more))
    night = ({"off": "01:00", "on": "05:00", "except": ["alert"]},) if dark else ()
    body = plan(*items, night=night)
    moment = NOW + timedelta(minutes=minute)
    stretch = next(s for s in line(body, 48).stretches if s.begin <= moment < s.end)
    theirs = schedule.situation(plans.plan_of(body), moment)
    assert [turn.item for turn in stretch.turns] == [i.item for i in theirs.loop]
    assert {name for name, _ in stretch.held} == {e.item.item for e in theirs.in_force if e.held}
    assert stretch.dark == theirs.dark


def test_the_twin_plays_what_the_timeline_says() -> None:
    body = plan(
        item("closure", 12, min_plays_h=60, priority=120),
        item("fair", 9, max_share=0.2, windows=[{"days": "1", "from": "09:00", "to": "11:00"}]),
        *(item(f"info{n}", 6 + n) for n in range(5)),
        item("alert", 6, activation="preempt", priority=210, start=at(3), end=at(3.5)),
    )
    plays = played(body, 6)
    for seen in line(body, 6).items:
        assert plays[seen.item] == pytest.approx(seen.plays, abs=3), seen


# What the hub asks of the loop


def test_an_event_is_shown_from_ten_days_before_it_on() -> None:
    fair = water_cut(category="event", onset=NOW + 30 * DAY, expires=NOW + 31 * DAY)
    assert loop.begins(fair, "event") == NOW + 20 * DAY
    assert loop.begins(fair, "event", days_before=3) == NOW + 27 * DAY
    assert loop.begins(fair, "closure") == fair.effective
    near = water_cut(category="event", onset=NOW + 2 * DAY, expires=NOW + 3 * DAY)
    assert loop.begins(near, "event") == near.effective


def test_stations_take_turns_within_a_band() -> None:
    given_ = [("hall", 40), ("hall", 40), ("hall", 40), ("school", 40), ("hall", 120)]
    done = loop.in_turn(given_, lambda pair: pair[1], lambda pair: pair[0])
    assert [name for name, _ in done] == ["hall", "hall", "school", "hall", "hall"]
    assert done[0][1] == 120


def test_who_says_ten_things_does_not_drown_who_says_one() -> None:
    items = [item(f"hall{n}") for n in range(9)] + [item("school")]
    caps = loop.fair(items, ["hall"] * 9 + ["school"])
    for one, cap in zip(items, caps, strict=True):
        one |= {"max_share": cap} if cap else {}
    got = timeline.shares(items)
    assert sum(got[:9]) == pytest.approx(0.75, abs=0.01)
    assert got[9] == pytest.approx(0.25, abs=0.01)


def test_alerts_and_closures_are_never_held_back_for_fairness() -> None:
    items = [item(f"a{n}", kind="closure") for n in range(9)] + [item("b")]
    assert loop.fair(items, ["hall"] * 9 + ["school"]) == [None] * 10


def test_every_kind_of_item_has_its_wishes() -> None:
    assert set(loop.shares().kinds) == {"alert", "closure", "reminder", "info", "event"}
    assert loop.wishes("alert") == {"min_plays_h": 60}
    assert loop.wishes("event") == {"max_share": 0.5}
    assert loop.wishes("info") == {}


def hub_plan(*notices: Notice, **more: Any) -> dict[str, Any]:
    view = OutletView(
        id=1, code="mairie", name="Mairie", authority="villard-bonnot", authority_name="",
        timezone="Europe/Paris", languages=("fr",), say_no=7,
    )  # fmt: skip
    made = hub_plans.make(view, notices, model.load("text-8x16"), NOW, **more)
    body: dict[str, Any] = json.loads(made.payload)
    return body


def event(publication: str, station: str) -> Notice:
    return water_cut(
        publication=publication, station=station, category="event", cap_category="Other",
        severity=Severity.MINOR, onset=NOW + 30 * DAY, expires=NOW + 31 * DAY,
    )  # fmt: skip


def test_a_plan_of_the_hub_keeps_stations_even_and_events_for_their_days() -> None:
    notices = [event(f"hall{n}", "mairie") for n in range(5)] + [event("school", "ecole")]
    items = hub_plan(*notices)["items"]
    assert [item["pub"] for item in items][:3] == ["hall0", "school", "hall1"]
    assert all(item["start"] == "2026-03-22T07:00:00Z" for item in items)
    caps = {item["pub"]: item["max_share"] for item in items}
    assert caps["school"] == 0.5
    assert sum(cap for pub, cap in caps.items() if pub != "school") == pytest.approx(0.69, abs=0.01)


def test_a_panel_has_hours_and_days_of_its_own() -> None:
    options = PanelOptions(event_days=2, windows=("12345 07:00-22:00",))
    closure = water_cut(
        publication="road", category="closure", cap_category="Transport",
        severity=Severity.MINOR, onset=NOW + DAY, expires=NOW + 2 * DAY,
    )  # fmt: skip
    items = hub_plan(event("fair", "ecole"), closure, placing=options.placing)["items"]
    of = {item["pub"]: item for item in items}
    assert of["fair"]["start"] == "2026-03-30T07:00:00Z"
    assert of["fair"]["windows"] == [{"days": "12345", "from": "07:00", "to": "22:00"}]
    assert "windows" not in of["road"]
    with pytest.raises(ValueError, match="pattern"):
        PanelOptions(windows=("weekdays",))


def test_a_preview_says_from_when_on_it_is_seen_and_how_long_a_play_takes() -> None:
    done = Panel.preview([event("fair", "ecole")], PanelOptions(), "fr")
    assert isinstance(done, Rendering)
    (seen,) = done.facts["seen"]
    assert (seen["from"], seen["until"]) == ("2026-03-22T07:00:00Z", "2026-04-02T07:00:00Z")
    assert seen["seconds"] == sum(page["hold_ms"] for page in done.facts["pages"]) / 1000
    assert seen["max_share"] == 0.5
