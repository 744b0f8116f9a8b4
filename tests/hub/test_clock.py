"""Local hours and days, to the ends of the calendar."""

from datetime import UTC, date, datetime, timedelta

import pytest

from hub import clock

PARIS = "Europe/Paris"


def test_a_day_begins_at_the_midnight_of_its_zone() -> None:
    assert clock.midnight(date(2026, 3, 29), PARIS) == datetime(2026, 3, 28, 23, tzinfo=UTC)
    assert clock.midnight(date(2026, 3, 30), PARIS) == datetime(2026, 3, 29, 22, tzinfo=UTC)


@pytest.mark.parametrize("zone", [PARIS, "America/New_York", "Pacific/Auckland"])
@pytest.mark.parametrize("day", [date.min, date.max])
def test_the_ends_of_the_calendar_are_read_everywhere(day: date, zone: str) -> None:
    begins = clock.midnight(day, zone)
    assert abs(begins.date() - day) <= timedelta(days=1)
    assert abs(clock.local(begins, zone).date() - day) <= timedelta(days=1)
    last = datetime.max.replace(tzinfo=UTC)
    assert clock.local(last, zone).date() >= date(9999, 12, 31)
