"""Asking the rules: which apply to a publication, which wait for an approver, where it stops."""

from dataclasses import dataclass, field

from hub.rules import phrases
from hub.rules.language import Answer, Bound, Condition
from hub.rules.plan import Hold
from hub.rules.ruleset import Rule, RuleSet
from hub.vocabulary import LANE_ORDER, Lane


@dataclass(slots=True)
class Asked:
    """What the conditions answered. `applied`: rules in force, in order; `excused`: rules whose
    `unless` held; `stopper`: the rule that ended the asking, `unasked` those after it. `cap`: the
    highest lane left after rules that lower the whole."""

    applied: list[Rule] = field(default_factory=list)
    excused: list[Rule] = field(default_factory=list)
    unasked: list[Rule] = field(default_factory=list)
    stopper: Rule | None = None
    holds: list[Hold] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    cap: Lane = Lane.URGENT


def ask(rules: RuleSet, bound: Bound, lane: Lane, locale: str) -> Asked:
    """Ask every rule, each distinct condition once."""
    asked = Asked(cap=lane)
    answers: dict[str, Answer] = {}

    def answer(condition: Condition) -> Answer:
        if condition.text not in answers:
            answers[condition.text] = condition.ask(bound)
        return answers[condition.text]

    for position, rule in enumerate(rules.rules):
        when = answer(rule.when) if rule.when else Answer(True)
        unless = answer(rule.unless) if rule.unless and when.holds else Answer(False)
        if error := when.error or unless.error:
            asked.notes.append(phrases.say("note_error", locale, name=rule.name, error=error))
        if when.error and rule.hold:
            # A safeguard that cannot be computed must not fail open.
            asked.holds.append(Hold(rule=rule.name, reason=phrases.say("hold_error", locale)))
        if not when.holds:
            continue
        if unless.holds:
            asked.excused.append(rule)
            continue
        asked.applied.append(rule)
        if rule.hold:
            asked.holds.append(Hold(rule=rule.name, reason=phrases.worded(rule.hold, locale)))
        if rule.lane and LANE_ORDER[rule.lane] < LANE_ORDER[lane]:
            asked.notes.append(phrases.say("note_lane", locale, name=rule.name))
        elif rule.lane and not rule.send:
            asked.cap = lower(asked.cap, rule.lane)
        if rule.stop:
            asked.stopper, asked.unasked = rule, list(rules.rules[position + 1 :])
            break
    return asked


def lower(one: Lane, other: Lane) -> Lane:
    """The less pressing of two lanes."""
    return max(one, other, key=LANE_ORDER.__getitem__)
