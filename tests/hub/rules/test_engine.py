"""From rules and facts to a plan: who, when, how urgently, and why."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from hub.rules.engine import evaluate
from hub.rules.plan import Told
from hub.vocabulary import Intent, Lane, MsgType
from tests.hub.rules.rulefacts import AREA, NOW, facts, outlet, route, rules, why_not

NIGHT = ("22:00", "07:00")
LATE = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)  # 23:30 in Villard-Bonnot
MORNING = datetime(2026, 3, 3, 6, 0, tzinfo=UTC)  # 07:00

ALL = rules("rules:\n  - {name: tous, title: Tous, send: [{to: {kind: [panel, push, sms]}}]}")


def told(number: int = 1, lane: Lane = Lane.NORMAL, revision: int = 1) -> Told:
    return Told(outlet_id=number, revision=revision, lane=lane)


# Who


def test_fields_of_to_narrow_together_and_values_of_one_field_widen() -> None:
    one = rules(
        "rules:\n  - {name: r, title: R, send: [{to: {kind: [panel, website], tag: [nord, sud]}}]}"
    )
    plan = evaluate(
        one,
        facts(
            outlet(1, tags=["nord", "centre"]),
            outlet(2, "website", tags=["sud"]),
            outlet(3, tags=["est"]),
            outlet(4, "push", tags=["nord"]),
        ),
    )
    assert [r.outlet_id for r in plan.routes] == [1, 2]


def test_a_station_may_be_named_own_or_none() -> None:
    one = rules("rules:\n  - {name: r, title: R, send: [{to: {station: [own, none, sdis]}}]}")
    stations = ["mairie", "", "ecole", "sdis"]
    plan = evaluate(one, facts(*(outlet(n, station=s) for n, s in enumerate(stations, 1))))
    assert [r.outlet_id for r in plan.routes] == [1, 2, 4]


def test_a_distance_is_told_where_it_reaches_and_where_it_does_not() -> None:
    one = rules("rules:\n  - {name: r, title: Proches, send: [{to: {within_m: 2000}}]}")
    plan = evaluate(
        one,
        facts(
            outlet(1, longitude=5.9, latitude=45.255),
            outlet(2, longitude=5.9, latitude=45.2806),
            outlet(3),
            outlet(4, longitude=5.89, latitude=45.24),
            area=AREA,
        ),
    )
    assert route(plan, 1).reasons == ("Proches (à 556\u00a0m de la zone, limite 2\u00a0km)",)
    assert why_not(plan, 2) == "Trop loin : 3,4\u00a0km > 2\u00a0km (« Proches »)."
    assert why_not(plan, 3).startswith("Sa position n'est pas connue")
    assert route(plan, 4).reasons == ("Proches (à 0\u00a0m de la zone, limite 2\u00a0km)",)


def test_a_distance_without_an_area_reaches_nobody() -> None:
    one = rules("rules:\n  - {name: r, title: Proches, send: [{to: {within_m: 2000}}]}")
    plan = evaluate(one, facts(outlet(1, longitude=5.9, latitude=45.25)))
    assert why_not(plan).startswith("L'annonce n'a pas de zone")


def test_several_rules_to_one_outlet_make_one_route() -> None:
    both = rules("""
rules:
  - name: un
    title: Un
    send: [{to: {kind: push}, at: 18:00, corrections: silent}]
    lane: bulk
  - name: deux
    title: Deux
    send:
      - {to: {kind: push}, audience: {stations: [ecole], wishes: false}, at: 12:00}
      - {to: {kind: push}, audience: {stations: [ecole]}, at: 12:00, on_uncertain: repeat}
""")
    plan = evaluate(both, facts(outlet(1, "push")))
    found = route(plan)
    assert (found.rules, found.reasons) == (("un", "deux"), ("Un", "Deux"))
    assert found.audience.stations == {"mairie", "ecole"}
    assert not found.audience.wishes
    assert found.not_before == datetime(2026, 3, 2, 11, 0, tzinfo=UTC)
    assert (found.lane, found.corrections, found.on_uncertain) == (Lane.NORMAL, "send", "repeat")


def test_one_rule_at_once_wins_over_another_at_its_hour() -> None:
    both = rules(
        "rules:\n  - {name: a, title: A, send: [{to: {kind: push}, at: 18:00}]}\n"
        "  - {name: b, title: B, send: [{to: {kind: push}}]}"
    )
    assert route(evaluate(both, facts(outlet(1, "push")))).not_before is None


# Why not


def test_an_exception_a_stop_and_no_rule_are_told_apart() -> None:
    three = rules("""
rules:
  - name: nuit
    title: La nuit
    unless: publication.category == 'roadworks'
    send: [{to: {kind: sms}}]
  - name: fin
    title: Chantier
    when: publication.category == 'roadworks'
    send: [{to: {kind: panel}}]
    stop: true
  - name: apres
    title: Après
    send: [{to: {kind: push}}]
""")
    plan = evaluate(three, facts(outlet(1), outlet(2, "sms"), outlet(3, "push"), outlet(4, "x")))
    assert [r.outlet_id for r in plan.routes] == [1]
    assert why_not(plan, 2) == "Une exception de la règle « La nuit » s'applique."
    assert why_not(plan, 3).startswith("La règle « Chantier » arrête la suite")
    assert why_not(plan, 4) == "Aucune règle ne le demande pour cette annonce."
    assert [left.rule for left in plan.left_out] == ["nuit", "fin", ""]


def test_a_paused_outlet_gets_nothing_new_and_keeps_what_it_shows() -> None:
    plan = evaluate(
        ALL, facts(outlet(1, paused=True), outlet(2, paused=True), told=(told(2, revision=3),))
    )
    assert plan.routes == ()
    assert why_not(plan, 1) == "En pause."
    assert why_not(plan, 2) == "En pause : garde la révision 3 jusqu'à la reprise."


def test_a_test_reaches_only_outlets_with_the_tag_test() -> None:
    plan = evaluate(ALL, facts(outlet(1), outlet(2, tags=["test"]), status="test"))
    assert [r.outlet_id for r in plan.routes] == [2]
    assert why_not(plan, 1).startswith("Essai")


def test_an_exercise_passes_and_every_route_says_so() -> None:
    plan = evaluate(ALL, facts(outlet(1), status="exercise"))
    assert "EXERCICE" in route(plan).reasons[-1]
    assert "EXERCICE" in plan.notes[0]


# Lanes and holds


def test_a_rule_lowers_its_own_routes_and_one_without_send_lowers_all() -> None:
    own = rules(
        "rules:\n  - {name: a, title: A, send: [{to: {kind: push}}], lane: bulk}\n"
        "  - {name: b, title: B, send: [{to: {kind: panel}}]}"
    )
    plan = evaluate(own, facts(outlet(1, "push"), outlet(2), lane=Lane.URGENT))
    assert [r.lane for r in plan.routes] == [Lane.BULK, Lane.URGENT]
    assert plan.lane == Lane.URGENT
    whole = rules(
        "rules:\n  - {name: a, title: A, lane: normal}\n"
        "  - {name: b, title: B, send: [{to: {kind: panel}}]}"
    )
    assert evaluate(whole, facts(outlet(1), lane=Lane.URGENT)).lane == Lane.NORMAL


def test_a_rule_that_would_raise_the_lane_is_ignored_with_a_note() -> None:
    one = rules("rules:\n  - {name: a, title: A, send: [{to: {kind: panel}}], lane: normal}")
    plan = evaluate(one, facts(outlet(1), lane=Lane.BULK))
    assert route(plan).lane == Lane.BULK
    assert "« a » demandait une voie plus rapide" in plan.notes[0]


def test_a_hold_waits_and_routes_are_planned_all_the_same() -> None:
    one = rules("""
rules:
  - {name: garde, title: Garde, when: publication.grave, hold: {fr: À relire, en: To be read}}
  - {name: tous, title: Tous, send: [{to: {kind: panel}}]}
""")
    plan = evaluate(one, facts(outlet(1), severity="Severe"), locale="en")
    assert [(h.rule, h.reason) for h in plan.holds] == [("garde", "To be read")]
    assert len(plan.routes) == 1
    assert evaluate(one, facts(outlet(1))).holds == ()


def test_a_condition_that_fails_is_not_true_and_is_noted() -> None:
    one = rules("""
rules:
  - {name: a, title: A, when: 1 / publication.revision == 1, send: [{to: {kind: panel}}]}
  - {name: b, title: B, unless: 1 / publication.revision == 1, send: [{to: {kind: push}}]}
  - {name: c, title: C, when: 1 / publication.revision == 1, hold: À relire}
""")
    plan = evaluate(one, facts(outlet(1), outlet(2, "push"), revision=0))
    assert [r.outlet_id for r in plan.routes] == [2]
    assert len(plan.notes) == 3
    assert "« a » n'a pas pu être évaluée (divide by zero)" in plan.notes[0]
    assert [h.rule for h in plan.holds] == ["c"]  # a safeguard does not fail open


def test_a_broken_newer_file_is_noted_on_the_plan() -> None:
    plan = evaluate(replace(ALL, problems=("x.yaml:3:1: no",)), facts(outlet(1)))
    assert plan.notes[0].endswith("x.yaml:3:1: no")


# Corrections


@pytest.mark.parametrize(
    ("asked", "lane", "expected"),
    [
        ("send", Lane.NORMAL, "send"),
        ("silent", Lane.URGENT, "silent"),
        ("urgent", Lane.URGENT, "send"),
        ("urgent", Lane.NORMAL, "silent"),
    ],
)
def test_corrections_follow_the_rule_and_the_lane(asked: str, lane: Lane, expected: str) -> None:
    one = rules(
        f"rules:\n  - {{name: a, title: A, send: [{{to: {{kind: sms}}, corrections: {asked}}}]}}"
    )
    assert route(evaluate(one, facts(outlet(1, "sms"), lane=lane))).corrections == expected


# Quiet hours


def quiet(*outlets: object, **more: object):  # type: ignore[no-untyped-def]
    more = {"now": LATE, "quiet": NIGHT, "expires": LATE + timedelta(days=1)} | more
    return facts(*outlets, **more)  # type: ignore[arg-type]


def test_quiet_hours_hold_phones_back_until_morning_and_panels_never() -> None:
    plan = evaluate(ALL, quiet(outlet(1, "push"), outlet(2)))
    assert route(plan, 1).not_before == MORNING
    assert route(plan, 1).reasons[-1] == "Heures calmes : pas avant 7\u00a0h\u00a000."
    assert route(plan, 2).not_before is None


def test_urgent_ignores_quiet_hours() -> None:
    plan = evaluate(ALL, quiet(outlet(1, "push"), lane=Lane.URGENT))
    assert route(plan).not_before is None


def test_kinds_held_by_quiet_hours_are_data() -> None:
    plan = evaluate(ALL, quiet(outlet(1, "panel")), quiet_kinds=frozenset({"panel"}))
    assert route(plan).not_before == MORNING


def test_a_notice_over_before_morning_is_suppressed_with_its_reason() -> None:
    plan = evaluate(ALL, quiet(outlet(1, "push"), expires=MORNING))
    assert route(plan).suppressed.startswith("Les heures calmes finissent à 7\u00a0h\u00a000")
    kept = evaluate(ALL, quiet(outlet(1, "push"), expires=MORNING + timedelta(seconds=1)))
    assert route(kept).suppressed == ""


def test_an_hour_that_falls_in_the_quiet_window_moves_to_its_end() -> None:
    one = rules("rules:\n  - {name: a, title: A, send: [{to: {kind: push}, at: 23:45}]}")
    assert route(evaluate(one, quiet(outlet(1, "push")))).not_before == MORNING


def test_an_hour_past_the_end_is_suppressed() -> None:
    one = rules("rules:\n  - {name: a, title: A, send: [{to: {kind: panel}, at: 18:00}]}")
    plan = evaluate(one, facts(outlet(1), expires=NOW + timedelta(hours=2)))
    assert route(plan).suppressed.startswith("L'envoi prévu à 18")


def test_quiet_hours_nobody_can_read_are_noted_and_do_not_apply() -> None:
    plan = evaluate(ALL, quiet(outlet(1, "push"), quiet=("22h", "7h")))
    assert route(plan).not_before is None
    assert "« 22h – 7h »" in plan.notes[0]


# What earlier revisions left behind


def test_told_and_wanted_is_updated_told_only_is_withdrawn_wanted_only_is_published() -> None:
    panels = rules("rules:\n  - {name: p, title: Panneaux, send: [{to: {kind: panel}}]}")
    plan = evaluate(
        panels,
        facts(
            outlet(1),
            outlet(2),
            outlet(3, "sms"),
            outlet(4, "sms"),
            msg_type=MsgType.UPDATE,
            told=(told(1), told(3, Lane.URGENT, revision=2), told(3, Lane.BULK, revision=1)),
        ),
    )
    assert [(r.outlet_id, r.intent) for r in plan.routes] == [
        (1, Intent.UPDATE),
        (2, Intent.PUBLISH),
        (3, Intent.WITHDRAW),
    ]
    assert route(plan, 3).lane == Lane.URGENT
    assert route(plan, 3).reasons == (
        "La révision 2 a été diffusée ici, la nouvelle n'y va plus : elle en est retirée.",
        "Aucune règle ne le demande pour cette annonce.",
    )
    assert [left.outlet_id for left in plan.left_out] == [4]


def test_an_update_of_what_is_shown_does_not_wait_for_the_rules_hour() -> None:
    one = rules("rules:\n  - {name: a, title: A, send: [{to: {kind: panel}, at: 18:00}]}")
    plan = evaluate(one, facts(outlet(1), outlet(2), told=(told(1),)))
    assert route(plan, 1).not_before is None
    assert route(plan, 2).not_before is not None


def test_an_outlet_that_no_longer_exists_is_noted() -> None:
    plan = evaluate(ALL, facts(outlet(1), told=(told(99, revision=4),)))
    assert "révision 4" in plan.notes[0]


def cancel(*outlets: object, **more: object):  # type: ignore[no-untyped-def]
    return facts(*outlets, msg_type=MsgType.CANCEL, **more)  # type: ignore[arg-type]


def test_a_cancel_reaches_all_told_in_no_lower_lane_and_nobody_else() -> None:
    stopping = rules("rules:\n  - {name: non, title: Non, hold: Attendre, stop: true, lane: bulk}")
    plan = evaluate(
        stopping,
        cancel(
            outlet(1, "sms"),
            outlet(2),
            outlet(3, "push", paused=True),
            outlet(4),
            lane=Lane.NORMAL,
            told=(told(1, Lane.URGENT), told(2, Lane.BULK), told(3)),
        ),
    )
    assert [(r.outlet_id, r.intent, r.lane) for r in plan.routes] == [
        (1, Intent.WITHDRAW, Lane.URGENT),
        (2, Intent.WITHDRAW, Lane.NORMAL),
        (3, Intent.WITHDRAW, Lane.NORMAL),
    ]
    assert all(r.corrections == "send" for r in plan.routes)
    assert plan.lane == Lane.URGENT
    assert plan.holds == ()
    assert why_not(plan, 4).startswith("Annulation : rien n'a été diffusé ici")


def test_a_cancel_waits_for_morning_unless_that_is_too_late() -> None:
    waits = evaluate(
        ALL,
        cancel(
            outlet(1, "push"),
            now=LATE,
            quiet=NIGHT,
            expires=MORNING + timedelta(hours=3),
            told=(told(1),),
        ),
    )
    assert route(waits).not_before == MORNING
    leaves = evaluate(
        ALL,
        cancel(outlet(1, "push"), now=LATE, quiet=NIGHT, expires=MORNING, told=(told(1),)),
    )
    assert (route(leaves).not_before, route(leaves).suppressed) == (None, "")


def test_a_cancel_of_a_test_reaches_who_was_told_whatever_the_tags() -> None:
    plan = evaluate(ALL, cancel(outlet(1), status="test", told=(told(1),)))
    assert route(plan).intent == Intent.WITHDRAW


@pytest.mark.parametrize("locale", ["fr", "en", "es", "de"])
def test_reasons_come_in_the_language_asked_for_and_else_in_french(locale: str) -> None:
    plan = evaluate(ALL, facts(outlet(1, "x")), locale=locale)
    expected = {
        "en": "No rule asks for it for this notice.",
        "es": "Ninguna regla lo pide para este anuncio.",
    }
    french = "Aucune règle ne le demande pour cette annonce."
    assert why_not(plan) == expected.get(locale, french)


def test_a_plan_without_outlets_or_rules_is_empty() -> None:
    assert evaluate(rules("rules: []"), facts()).routes == ()
    assert evaluate(ALL, facts()).left_out == ()
