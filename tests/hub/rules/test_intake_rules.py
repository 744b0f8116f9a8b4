"""What becomes of an item: the first rule, else the source's setting, and never a drill."""

from datetime import timedelta
from typing import Any

import pytest

from hub.contracts.content import Text
from hub.contracts.sources import Item
from hub.rules.intake import Decision, decide
from hub.vocabulary import MsgType, Severity, Status
from tests.hub.rules.rulefacts import NOW, rules

RULES = rules("""
intake:
  - {name: casse, when: 1 / item.severity_rank == 9, then: ignore, reason: Cassé}
  - {name: grave, when: item.grave, then: draft, reason: {fr: Grave, en: Grave matter}}
  - name: agenda
    when: source.kind == 'ical' && item.headline.contains('marché') && hour == 10
    then: publish
    reason: Agenda de confiance
""")


def item(**more: Any) -> Item:
    given: dict[str, Any] = {
        "external_id": "1",
        "version": "1",
        "msg_type": MsgType.ALERT,
        "status": Status.ACTUAL,
        "texts": {"fr": Text("Le marché de printemps")},
        "severity": Severity.MINOR,
    }
    return Item(**(given | more))


def fate(one: Item, kind: str = "ical", **more: Any) -> Decision:
    source = {"kind": kind, "name": "Agenda", "category": "event"}
    return decide(RULES, one, source, {"code": "villard-bonnot"}, NOW, "Europe/Paris", **more)


def test_the_first_rule_that_holds_decides() -> None:
    assert fate(item()) == Decision("publish", "Agenda de confiance", "agenda")
    assert fate(item(severity=Severity.SEVERE)) == Decision("draft", "Grave", "grave")
    assert fate(item(severity=Severity.SEVERE), locale="en").reason == "Grave matter"


@pytest.mark.parametrize("fallback", ["ignore", "draft", "publish"])
def test_without_a_rule_the_sources_own_setting_decides(fallback: str) -> None:
    made = fate(item(), kind="rss", fallback=fallback)
    assert (made.then, made.rule) == (fallback, "")


def test_a_condition_that_fails_is_noted_and_passed_over() -> None:
    made = fate(item(severity=Severity.UNKNOWN))
    assert made.rule == "agenda"
    assert "« casse »" in made.notes[0]


@pytest.mark.parametrize("fallback", ["draft", "publish"])
@pytest.mark.parametrize("kind", ["ical", "rss"])
def test_a_test_is_ignored_and_an_exercise_is_a_draft_at_most(kind: str, fallback: str) -> None:
    assert fate(item(status=Status.TEST), kind, fallback=fallback).then == "ignore"
    assert fate(item(status=Status.EXERCISE), kind, fallback=fallback).then == "draft"


def test_an_exercise_that_rules_ignore_stays_ignored() -> None:
    assert fate(item(status=Status.EXERCISE), "rss", fallback="ignore").then == "ignore"


def test_times_that_a_source_leaves_out_can_be_asked_for() -> None:
    times = rules("""
intake:
  - {name: sans-fin, when: "!item.has_expires && !item.has_onset", then: draft, reason: Sans fin}
  - {name: passe, when: item.expires < now, then: ignore, reason: Passé}
""")
    around: Any = ({}, {}, NOW, "Europe/Paris", "publish")
    assert decide(times, item(), *around).rule == "sans-fin"
    assert decide(times, item(expires=NOW - timedelta(1)), *around).rule == "passe"
    assert decide(times, item(expires=NOW + timedelta(1)), *around).then == "publish"
