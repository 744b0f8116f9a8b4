"""The rules that a French commune starts with."""

from datetime import timedelta
from typing import Any

import pytest

from hub import registry
from hub.rules import loading
from hub.rules.engine import evaluate
from hub.rules.intake import decide
from hub.rules.plan import Plan
from hub.settings import PROJECT
from hub.vocabulary import Lane
from tests.hub.rules.rulefacts import AREA, NOW, facts, outlet

CONFIG = PROJECT / "config"
CATEGORIES = sorted(loading.categories_of(CONFIG) or ())
RULES = loading.load(CONFIG / "rules" / "commune.yaml", registry.kinds("channels"), CATEGORIES)

OUTLETS = (
    outlet(1, longitude=5.89, latitude=45.24),  # in the area
    outlet(2, longitude=5.95, latitude=45.28),  # 5 km away
    outlet(3, "website"),
    outlet(4, "push"),
    outlet(5, "sms"),
    outlet(6, "mastodon"),
    outlet(7, "null"),
    outlet(8, "sms", tags=["coupures"]),
)
NEAR, FAR, SITE, PUSH, SMS, SOCIAL, NULL, CUTS = range(1, 9)


def plan(category: str, severity: str = "Minor", **more: Any) -> Plan:
    given: dict[str, Any] = {"created_by": "office", "area": AREA} | more
    return evaluate(RULES, facts(*OUTLETS, category=category, severity=severity, **given))


def reached(category: str, severity: str = "Minor", **more: Any) -> set[int]:
    return {route.outlet_id for route in plan(category, severity, **more).routes}


def test_every_sentence_is_there_in_the_three_languages() -> None:
    for rule in RULES.rules:
        assert set(rule.title) == {"fr", "en", "es"}, rule.name
        assert rule.hold is None or set(rule.hold) == {"fr", "en", "es"}, rule.name
    for intake in RULES.intake:
        assert set(intake.reason) == {"fr", "en", "es"}, intake.name


@pytest.mark.parametrize("severity", ["Unknown", "Minor", "Moderate", "Severe", "Extreme"])
@pytest.mark.parametrize("category", CATEGORIES)
def test_every_notice_is_on_the_website_and_reaches_followers(category: str, severity: str) -> None:
    assert {SITE, PUSH, NULL} <= reached(category, severity)
    assert plan(category, severity).notes == ()


@pytest.mark.parametrize("category", CATEGORIES)
def test_a_grave_alert_goes_everywhere_at_once_and_to_everybody(category: str) -> None:
    found = plan(category, "Severe", lane=Lane.URGENT, quiet=("00:00", "23:59"))
    assert found.left_out == ()
    assert all(route.not_before is None for route in found.routes)
    assert all(route.lane == Lane.URGENT for route in found.routes if route.kind == "sms")
    push = found.route_to(PUSH)
    assert push is not None
    assert push.audience.everyone
    assert not push.audience.wishes


def test_works_are_on_the_panels_nearby_and_on_all_without_an_area() -> None:
    assert reached("roadworks") == {NEAR, SITE, PUSH, SOCIAL, NULL}
    assert {NEAR, FAR} <= reached("roadworks", area=None)
    assert {NEAR, FAR} <= reached("roadworks", "Severe")


def test_a_water_cut_reaches_the_sms_list_for_cuts_and_no_other() -> None:
    assert reached("water") == {NEAR, SITE, PUSH, SOCIAL, NULL, CUTS}


def test_only_grave_alerts_use_the_general_sms_list() -> None:
    for category in CATEGORIES:
        assert SMS not in reached(category, "Moderate")


def test_an_orange_watch_is_on_all_panels_and_a_yellow_one_for_followers_only() -> None:
    assert {NEAR, FAR, PUSH} <= reached("weather", "Moderate")
    assert reached("weather", "Minor") == {SITE, PUSH, SOCIAL, NULL}


def test_an_event_far_ahead_is_announced_at_six_and_one_today_at_once() -> None:
    ahead = plan("event", onset=NOW + timedelta(days=5)).route_to(PUSH)
    today = plan("event", onset=NOW + timedelta(hours=5)).route_to(PUSH)
    assert ahead is not None
    assert today is not None
    assert (ahead.not_before, ahead.lane) == (NOW.replace(hour=17), Lane.BULK)
    assert (today.not_before, today.lane) == (None, Lane.NORMAL)


def test_waste_reminders_leave_at_six_and_a_missed_round_at_once() -> None:
    reminder, missed = plan("waste").route_to(PUSH), plan("waste", "Moderate").route_to(PUSH)
    assert reminder is not None
    assert missed is not None
    assert reminder.not_before == NOW.replace(hour=17)
    assert missed.not_before is None


def test_an_exercise_stays_on_the_towns_own_channels() -> None:
    found = plan("flood", "Extreme", status="exercise", lane=Lane.URGENT)
    assert {route.outlet_id for route in found.routes} == {NEAR, FAR, SITE, PUSH, NULL}
    assert found.holds == ()


def test_an_internal_notice_reaches_only_outlets_tagged_for_it() -> None:
    assert reached("other", "Severe", scope="restricted") == set()
    inside = facts(*OUTLETS, outlet(9, tags=["interne"]), category="other", scope="private")
    assert [route.outlet_id for route in evaluate(RULES, inside).routes] == [9]


def test_a_grave_alert_of_a_source_waits_for_somebody_and_stays_off_social_networks_else() -> None:
    assert [hold.rule for hold in plan("flood", "Severe", created_by="source").holds] == [
        "source-grave"
    ]
    assert plan("flood", "Severe").holds == ()
    assert SOCIAL not in reached("event", created_by="source")


@pytest.mark.parametrize(
    ("fields", "then", "rule"),
    [
        ({"has_expires": True, "expires": NOW - timedelta(1)}, "ignore", "perime"),
        ({"category": "event", "onset": NOW + timedelta(days=61)}, "ignore", "trop-tot"),
        ({"category": "event", "onset": NOW + timedelta(days=59)}, "publish", ""),
        ({"severity": "Extreme"}, "draft", "alerte-grave"),
        ({"certainty": "Unlikely"}, "ignore", "incertain"),
        ({"severity": "Minor"}, "publish", ""),
    ],
)
def test_items_of_sources_are_sorted(fields: dict[str, Any], then: str, rule: str) -> None:
    made = decide(RULES, fields, {"kind": "ical"}, {}, NOW, "Europe/Paris", fallback="publish")
    assert (made.then, made.rule) == (then, rule)
