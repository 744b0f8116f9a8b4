"""A plan against 200 rules and 2,000 outlets.

Ours: `evaluate`, from facts to a plan with every reason. Limit: a bare loop over the same 200
conditions, compiled, without outlets, routes or sentences. Peer: rule-engine (PyPI), the usual
Python library for such rules, over the same 200 conditions in its own syntax, also bare.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import rule_engine

from hub.rules import loading, variables
from hub.rules.engine import evaluate
from hub.rules.language import Condition
from hub.rules.plan import Facts, OutletFacts
from hub.rules.ruleset import RuleSet
from tests.benchmarks.measure import row, take_turns

RULES, OUTLETS, REPEATS = 200, 2_000, 15
KINDS = ("panel", "panel", "panel", "website", "push", "sms", "mastodon", "social")
CATEGORIES = ("roadworks", "water", "power", "event", "council", "school", "waste", "flood")
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def condition(n: int) -> str:
    return (
        f"publication.category in ['{CATEGORIES[n % 8]}', '{CATEGORIES[n % 7]}'] && "
        f"publication.severity_rank >= {n % 3} && hour >= {n % 8}"
    )


def rules() -> RuleSet:
    lines = ["rules:"]
    for n in range(RULES):
        near = f", within_m: {500 + 40 * n}" if n % 2 else ""
        lines += [
            f"  - name: regle-{n}",
            f"    title: Règle numéro {n}",
            f"    when: {condition(n)}",
            "    send:",
            f"      - to: {{kind: {KINDS[n % 8]}, tag: [t{n % 10}, t{n % 7}]{near}}}",
        ]
    return loading.parse("\n".join(lines), "bench.yaml")


def facts() -> Facts:
    outlets = tuple(
        OutletFacts(
            id=n,
            code=f"outlet-{n}",
            name=f"Outlet {n}",
            kind=KINDS[n % 8],
            tags=frozenset({f"t{n % 10}", f"t{n % 13}"}),
            longitude=5.89 + (n % 50) * 0.002,
            latitude=45.24 + (n // 50) * 0.001,
        )
        for n in range(OUTLETS)
    )
    ring = [[5.89, 45.24], [5.9, 45.24], [5.9, 45.25], [5.89, 45.25], [5.89, 45.24]]
    return Facts(
        publication={
            "category": "roadworks",
            "severity": "Severe",
            "station": "voirie",
            "headline": "Rue coupée",
        },
        authority={"code": "villard-bonnot"},
        outlets=outlets,
        area={"type": "Polygon", "coordinates": [ring]},
        expires=NOW + timedelta(days=3),
        now=NOW,
    )


def run() -> list[dict[str, Any]]:
    asked, given = rules(), facts()
    bound = variables.bind_facts(given)
    programs = [Condition.compile(condition(n), variables.PLAN).program for n in range(RULES)]
    peers = [
        rule_engine.Rule(
            f"category in ['{CATEGORIES[n % 8]}', '{CATEGORIES[n % 7]}'] and "
            f"rank >= {n % 3} and hour >= {n % 8}"
        )
        for n in range(RULES)
    ]
    plain = {"category": "roadworks", "rank": 3, "hour": 10}
    plan = evaluate(asked, given)
    taken = take_turns(
        lambda: evaluate(asked, given),
        lambda: [rule.matches(plain) for rule in peers],
        lambda: [program.eval(bound.activation).value() for program in programs],
        rounds=REPEATS,
    )
    ours, peer, limit = (1000 * each for each in taken)
    return [
        row(
            f"plan: {RULES} rules, {OUTLETS:,} outlets",
            "ms",
            ours=ours,
            peer=peer,
            limit=limit,
            conditions=f"median of {REPEATS}; {len(plan.routes)} routes, {len(plan.left_out)} left "
            "out; peer and limit evaluate the 200 conditions only, ours the whole plan with "
            "distances and sentences",
        )
    ]


if __name__ == "__main__":
    print(json.dumps(run(), indent=2, ensure_ascii=False))
