"""Quiet windows and local hours, also on the days when clocks change in France (29 March and
25 October 2026)."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.rules.times import end_of_window, hour_of, in_window, next_at

PARIS = "Europe/Paris"
NIGHT = ("22:00", "07:00")


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize("text", ["7:00", "24:00", "18:60", "18h00", "", "18:00:00", "１８:00"])
def test_an_hour_is_four_digits_and_a_colon(text: str) -> None:
    with pytest.raises(ValueError, match="not an hour"):
        hour_of(text)


@pytest.mark.parametrize(
    ("now", "end"),
    [
        ("2026-03-02T20:59", None),  # 21:59
        ("2026-03-02T21:00", "2026-03-03T06:00"),
        ("2026-03-02T23:30", "2026-03-03T06:00"),  # past midnight there
        ("2026-03-03T05:59", "2026-03-03T06:00"),
        ("2026-03-03T06:00", None),
        ("2026-03-28T22:00", "2026-03-29T05:00"),  # a night of eight hours
        ("2026-10-24T21:00", "2026-10-25T06:00"),  # a night of ten
    ],
)
def test_a_window_over_midnight_ends_at_its_local_hour(now: str, end: str | None) -> None:
    assert end_of_window(utc(now), NIGHT, PARIS) == (utc(end) if end else None)


def test_a_window_of_the_day_ends_the_same_day() -> None:
    assert end_of_window(utc("2026-03-02T12:00"), ("12:30", "14:00"), PARIS) == utc(
        "2026-03-02T13:00"
    )


def test_a_window_whose_end_the_clocks_skip_ends_at_the_change() -> None:
    end = end_of_window(utc("2026-03-29T00:10"), ("22:00", "02:30"), PARIS)
    assert end == utc("2026-03-29T01:00")


def test_no_window_and_an_empty_one_hold_nothing_back() -> None:
    assert not in_window(utc("2026-03-02T23:00"), None, PARIS)
    assert not in_window(utc("2026-03-02T23:00"), ("22:00", "22:00"), PARIS)


def test_the_next_hour_is_today_or_tomorrow() -> None:
    assert next_at(time(18), utc("2026-03-02T16:59"), PARIS) == utc("2026-03-02T17:00")
    assert next_at(time(18), utc("2026-03-02T17:00"), PARIS) == utc("2026-03-02T17:00")
    assert next_at(time(18), utc("2026-03-02T17:01"), PARIS) == utc("2026-03-03T17:00")


def test_an_hour_that_clocks_skip_comes_one_hour_later() -> None:
    assert next_at(time(2, 30), utc("2026-03-29T00:00"), PARIS) == utc("2026-03-29T01:30")


def test_an_hour_that_comes_twice_is_taken_at_its_next_coming() -> None:
    assert next_at(time(2, 30), utc("2026-10-25T00:00"), PARIS) == utc("2026-10-25T00:30")
    assert next_at(time(2, 30), utc("2026-10-25T00:45"), PARIS) == utc("2026-10-25T01:30")


hours = st.builds("{:02d}:{:02d}".format, st.integers(0, 23), st.integers(0, 59))
moments = st.datetimes(datetime(2026, 1, 1), datetime(2027, 1, 1)).map(
    lambda moment: moment.replace(tzinfo=UTC)
)
zones = st.sampled_from([PARIS, "Indian/Reunion", "Pacific/Noumea", "America/Cayenne"])


@settings(deadline=None)
@given(moments, st.tuples(hours, hours), zones)
def test_a_window_ends_outside_of_itself_and_not_before(
    now: datetime, window: tuple[str, str], zone: str
) -> None:
    end = end_of_window(now, window, zone)
    if not in_window(now, window, zone):
        assert end is None
        return
    assert end is not None
    assert now < end <= now + timedelta(hours=25)
    assert not in_window(end, window, zone)
    assert in_window(max(now, end - timedelta(minutes=1)), window, zone)


@settings(deadline=None)
@given(moments, hours, zones)
def test_the_next_hour_is_read_on_local_clocks_within_a_day(
    now: datetime, hour: str, zone: str
) -> None:
    found = next_at(hour_of(hour), now, zone)
    assert now <= found <= now + timedelta(hours=25)
    read = found.astimezone(ZoneInfo(zone)).strftime("%H:%M")
    skipped = found.astimezone(ZoneInfo(zone)).date() == datetime(2026, 3, 29).date()
    assert read == hour or skipped
