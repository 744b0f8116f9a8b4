"""Languages and the hour as people say it."""

from datetime import UTC, datetime, timedelta

import pytest

from dashboards.base import i18n

NOON = datetime(2026, 11, 24, 11, 0, tzinfo=UTC)  # noon in Paris


@pytest.mark.parametrize(
    ("wishes", "accepts", "chosen"),
    [
        ((), "", "fr"),
        ((), "de-DE,de;q=0.9", "fr"),
        ((), "en-GB,en;q=0.9,fr;q=0.8", "en"),
        ((), "fr;q=0.5, es;q=0.9", "es"),
        ((), "es;q=0, en;q=0.1", "en"),
        ((), "en;q=oops, es", "es"),
        (("xx", "en"), "es", "en"),
        (("es",), "en", "es"),
    ],
)
def test_the_language_is_the_first_wish_we_speak(
    wishes: tuple[str, ...], accepts: str, chosen: str
) -> None:
    assert i18n.choose(*wishes, accepts=accepts) == chosen


@pytest.mark.parametrize(
    ("hours", "language", "said"),
    [
        (0, "fr", "aujourd’hui à 12:00"),
        (13, "fr", "demain à 01:00"),
        (-13, "en", "yesterday at 23:00"),
        (13, "es", "mañana a las 01:00"),
        (48, "fr", "jeudi 26 novembre à 12:00"),
        (48, "en", "Thursday 26 November at 12:00"),
        (48, "es", "jueves 26 de noviembre a las 12:00"),
        (24 * 60, "fr", "samedi 23 janvier à 12:00 (2027)"),
    ],
)
def test_a_moment_is_said_in_the_town_s_own_hour(hours: int, language: str, said: str) -> None:
    at = NOON + timedelta(hours=hours)
    assert i18n.moment(at, language, "Europe/Paris", now=NOON) == said
