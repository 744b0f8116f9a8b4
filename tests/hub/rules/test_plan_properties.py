"""What holds for every plan, whatever the rules and the outlets."""

from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from hub.rules import variables
from hub.rules.engine import evaluate
from hub.rules.language import Condition
from hub.rules.plan import Audience, Facts, OutletFacts, Told
from hub.rules.ruleset import NONE, OWN, Rule, RuleSet, Send, To
from hub.rules.times import hour_of
from hub.vocabulary import LANE_ORDER, Intent, Lane, MsgType
from tests.hub.rules.rulefacts import AREA, NOW, facts

TAGS, KINDS, STATIONS = ("a", "b", "test"), ("panel", "push", "sms"), ("mairie", "ecole")


def some(words: tuple[str, ...]) -> st.SearchStrategy[frozenset[str]]:
    return st.frozensets(st.sampled_from(words), max_size=2)


conditions = st.sampled_from(
    ["true", "false", "publication.grave", "publication.revision == 1", "1 / 0 == 1"]
).map(lambda text: Condition.compile(text, variables.PLAN))
sends = st.builds(
    Send,
    to=st.builds(
        To,
        kinds=some(KINDS),
        tags=some(TAGS),
        stations=some((*STATIONS, OWN, NONE)),
        within_m=st.sampled_from([None, None, 500.0, 3000.0]),
    ),
    stations=some((*STATIONS, OWN)),
    everyone=st.booleans(),
    wishes=st.booleans(),
    at=st.sampled_from([None, None, hour_of("06:30"), hour_of("18:00")]),
    corrections=st.sampled_from(["send", "silent", "urgent"]),
    on_uncertain=st.sampled_from(["hold", "repeat"]),
)
rule_sets = st.lists(
    st.builds(
        dict,
        when=st.none() | conditions,
        unless=st.none() | conditions,
        send=st.lists(sends, max_size=3).map(tuple),
        hold=st.none() | st.just({"fr": "À relire"}),
        stop=st.sampled_from([False, False, True]),
        lane=st.sampled_from([None, Lane.NORMAL, Lane.BULK]),
    ),
    max_size=6,
).map(
    lambda rows: RuleSet(
        "essai",
        tuple(Rule(name=f"r{n}", title={"fr": f"Règle {n}"}, **row) for n, row in enumerate(rows)),
    )
)


@st.composite
def given_facts(draw: Any) -> Facts:
    outlets = tuple(
        OutletFacts(
            id=number,
            code=f"o{number}",
            name=f"O {number}",
            kind=draw(st.sampled_from(KINDS)),
            tags=draw(some(TAGS)),
            station=draw(st.sampled_from(["", *STATIONS])),
            longitude=draw(st.none() | st.floats(5.8, 6.0)),
            latitude=draw(st.none() | st.floats(45.2, 45.3)),
            paused=draw(st.booleans()),
        )
        for number in range(1, draw(st.integers(1, 8)) + 1)
    )
    told = tuple(
        Told(
            outlet_id=draw(st.integers(1, 9)),
            revision=draw(st.integers(1, 3)),
            lane=draw(st.sampled_from(list(Lane))),
        )
        for _ in range(draw(st.integers(0, 4)))
    )
    return facts(
        *outlets,
        told=told,
        area=draw(st.sampled_from([None, AREA])),
        msg_type=draw(st.sampled_from(list(MsgType))),
        lane=draw(st.sampled_from(list(Lane))),
        severity=draw(st.sampled_from(["Severe", "Minor"])),
        status=draw(st.sampled_from(["actual", "exercise", "test"])),
        revision=draw(st.integers(1, 2)),
        quiet=draw(st.sampled_from([None, ("09:30", "12:00"), ("22:00", "07:00")])),
        expires=NOW + timedelta(hours=draw(st.sampled_from([1, 6, 48]))),
    )


@settings(deadline=None)
@given(rule_sets, given_facts())
def test_every_outlet_is_exactly_once_in_routes_or_left_out(rules: RuleSet, given: Facts) -> None:
    plan = evaluate(rules, given)
    listed = [r.outlet_id for r in plan.routes] + [left.outlet_id for left in plan.left_out]
    assert sorted(listed) == [outlet.id for outlet in given.outlets]
    assert [r.outlet_id for r in plan.routes] == sorted(r.outlet_id for r in plan.routes)


@settings(deadline=None)
@given(rule_sets, given_facts())
def test_every_route_and_every_absence_has_its_reason(rules: RuleSet, given: Facts) -> None:
    plan = evaluate(rules, given)
    assert all(r.reasons and all(r.reasons) for r in plan.routes)
    assert all(left.reason for left in plan.left_out)
    assert all(r.rules for r in plan.routes if r.intent is not Intent.WITHDRAW)


@settings(deadline=None)
@given(rule_sets, given_facts())
def test_no_rule_raises_a_lane_and_no_withdrawal_is_slower_than_its_telling(
    rules: RuleSet, given: Facts
) -> None:
    pressing = {told.outlet_id: 9 for told in given.told}
    for told in given.told:
        pressing[told.outlet_id] = min(pressing[told.outlet_id], LANE_ORDER[told.lane])
    for route in evaluate(rules, given).routes:
        if route.intent is Intent.WITHDRAW:
            assert LANE_ORDER[route.lane] <= pressing[route.outlet_id]
        else:
            assert LANE_ORDER[route.lane] >= LANE_ORDER[given.lane]


@settings(deadline=None)
@given(rule_sets, given_facts(), st.randoms(use_true_random=False))
def test_the_plan_does_not_depend_on_the_order_of_outlets(
    rules: RuleSet, given: Facts, random: Any
) -> None:
    shuffled = list(given.outlets)
    random.shuffle(shuffled)
    plan = evaluate(rules, given)
    other = evaluate(rules, given.model_copy(update={"outlets": tuple(shuffled)}))
    assert {r.outlet_id: r for r in plan.routes} == {r.outlet_id: r for r in other.routes}
    assert {x.outlet_id: x for x in plan.left_out} == {x.outlet_id: x for x in other.left_out}
    assert (plan.lane, plan.holds, plan.notes) == (other.lane, other.holds, other.notes)


def widest(one: Audience, other: Audience) -> Audience:
    return Audience(
        stations=one.stations | other.stations,
        everyone=one.everyone or other.everyone,
        wishes=one.wishes and other.wishes,
    )


@settings(deadline=None)
@given(rule_sets, given_facts())
def test_the_audience_of_a_route_is_the_union_over_its_rules(rules: RuleSet, given: Facts) -> None:
    """Each line of `send` alone, one rule set a line, against all of them together."""
    plan = evaluate(rules, given)
    lines = [(rule, send) for rule in rules.rules for send in rule.send]
    alone = [
        evaluate(RuleSet("un", (Rule(name=rule.name, title=rule.title, send=(send,)),)), given)
        for rule, send in lines
    ]
    for route in plan.routes:
        if route.intent is Intent.WITHDRAW:
            continue
        reaching = [
            found.audience
            for (rule, _), one in zip(lines, alone, strict=True)
            if rule.name in route.rules
            and (found := one.route_to(route.outlet_id))
            and found.intent is not Intent.WITHDRAW
        ]
        union = reaching[0]
        for audience in reaching[1:]:
            union = widest(union, audience)
        assert route.audience == union


@settings(deadline=None)
@given(rule_sets, given_facts())
def test_a_cancel_withdraws_from_all_told_and_publishes_nothing(
    rules: RuleSet, given: Facts
) -> None:
    plan = evaluate(rules, given.model_copy(update={"msg_type": MsgType.CANCEL}))
    here = {outlet.id for outlet in given.outlets}
    assert {r.outlet_id for r in plan.routes} == {t.outlet_id for t in given.told} & here
    assert all(r.intent is Intent.WITHDRAW and not r.suppressed for r in plan.routes)
    assert plan.holds == ()


@settings(max_examples=40, deadline=None)
@given(rule_sets, given_facts())
def test_the_same_facts_give_the_same_plan(rules: RuleSet, given: Facts) -> None:
    assert evaluate(rules, given) == evaluate(rules, given)
