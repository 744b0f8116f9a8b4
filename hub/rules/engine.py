"""From rules and facts to a plan. Pure and deterministic: no clock, no database, no network.

The steps: each condition is asked once; each line of `send` becomes a mask over the outlets;
outlets reached by the same lines share one merged result; what earlier revisions left behind turns
routes into updates and adds withdrawals; quiet hours move or suppress. Every outlet ends up in
exactly one of `routes` and `left_out`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from hub.rules import phrases, variables
from hub.rules.asking import Asked, ask, lower
from hub.rules.leftovers import explain_absences
from hub.rules.plan import Audience, Facts, LeftOut, OutletFacts, Plan, Route, Told
from hub.rules.ruleset import OWN, Rule, RuleSet, Send
from hub.rules.selection import Outlets
from hub.rules.times import end_of_window, hour_of, next_at
from hub.vocabulary import LANE_ORDER, Intent, Lane, MsgType, Status

QUIET_KINDS = frozenset({"push", "sms", "mastodon", "social"})
"""Kinds that ring in a pocket: the ones that quiet hours hold back."""

TEST_TAG = "test"

Line = tuple[Rule, Send]


def evaluate(
    rules: RuleSet,
    facts: Facts,
    locale: str = "fr",
    quiet_kinds: frozenset[str] = QUIET_KINDS,
) -> Plan:
    """The plan of one revision; its sentences are in `locale` (fr, en, es)."""
    notes: list[str] = []
    facts = _readable(facts, locale, notes)
    notes += [phrases.say("note_rules", locale, problem=problem) for problem in rules.problems]
    told = _told(facts, locale, notes)
    if facts.publication.get("status") == Status.EXERCISE:
        notes.append(phrases.say("note_exercise", locale))
    timing = _Timing(facts, locale, quiet_kinds)
    if facts.msg_type == MsgType.CANCEL:
        return _cancel(facts, told, timing, notes)
    asked = ask(rules, variables.bind_facts(facts), facts.lane, locale)
    return _plan(facts, asked, told, timing, notes + asked.notes)


@dataclass(frozen=True, slots=True)
class _Merged:
    """What all lines that reach an outlet ask for together."""

    lane: Lane
    audience: Audience
    corrections: str
    on_uncertain: str
    rules: tuple[str, ...]
    reasons: tuple[str, ...]
    at: datetime | None
    limits: tuple[tuple[str, str], ...] | None
    """Title and limit of each line, where some line has one: then each outlet's reasons tell its
    own distance. None where all outlets share `reasons`."""


def _plan(
    facts: Facts,
    asked: Asked,
    told: Mapping[int, Told],
    timing: "_Timing",
    notes: list[str],
) -> Plan:
    outlets = Outlets(facts.outlets, str(facts.publication.get("station") or ""), facts.area)
    testing = facts.publication.get("status") == Status.TEST
    lines: list[Line] = [(rule, send) for rule in asked.applied for send in rule.send]
    hits = np.zeros((len(lines), len(facts.outlets)), dtype=np.bool_)
    for row, (_, send) in enumerate(lines):
        hits[row] = outlets.reached(send.to)
    packed = np.packbits(hits, axis=0).T
    merged: dict[bytes, _Merged] = {}
    routes: list[Route] = []
    absent: list[int] = []
    for column, outlet in enumerate(facts.outlets):
        key = packed[column].tobytes()
        if outlet.paused or not any(key) or (testing and TEST_TAG not in outlet.tags):
            absent.append(column)
            continue
        if key not in merged:
            reaching = [lines[row] for row in np.flatnonzero(hits[:, column])]
            merged[key] = _merge(reaching, facts, asked.cap, timing.locale)
        routes.append(_route(outlet, merged[key], column, outlets, told, timing))
    reasons = explain_absences(absent, asked, outlets, told, testing, timing.locale)
    left_out: list[LeftOut] = []
    for column, (reason, rule) in zip(absent, reasons, strict=True):
        outlet = facts.outlets[column]
        if outlet.id in told and not outlet.paused:
            earlier = told[outlet.id]
            why = (phrases.say("unwanted", timing.locale, revision=earlier.revision), reason)
            routes.append(timing.withdraw(outlet, earlier.lane, why))
        else:
            left_out.append(
                LeftOut(
                    outlet_id=outlet.id,
                    outlet=outlet.code,
                    kind=outlet.kind,
                    reason=reason,
                    rule=rule,
                )
            )
    return Plan(
        lane=_most_pressing(routes, asked.cap),
        routes=_in_order(routes, facts),
        left_out=tuple(left_out),
        holds=tuple(asked.holds),
        notes=tuple(notes),
    )


def _cancel(facts: Facts, told: Mapping[int, Told], timing: "_Timing", notes: list[str]) -> Plan:
    """Everybody told, in no lower lane than they were told, and nobody else; no rule is asked, so
    that none can stop it. A paused outlet gets its withdrawal too."""
    routes: list[Route] = []
    left_out: list[LeftOut] = []
    for outlet in facts.outlets:
        earlier = told.get(outlet.id)
        if earlier is None:
            reason = phrases.say("not_told", timing.locale)
            left_out.append(
                LeftOut(outlet_id=outlet.id, outlet=outlet.code, kind=outlet.kind, reason=reason)
            )
            continue
        why = (phrases.say("cancelled", timing.locale, revision=earlier.revision),)
        routes.append(timing.withdraw(outlet, _faster(earlier.lane, facts.lane), why))
    return Plan(
        lane=_most_pressing(routes, facts.lane),
        routes=tuple(routes),
        left_out=tuple(left_out),
        notes=tuple(notes),
    )


def _merge(lines: list[Line], facts: Facts, cap: Lane, locale: str) -> _Merged:
    """The union: widest audience, most pressing lane, earliest hour, every rule and reason. A line
    that asks for a correction or a repetition wins over one that does not."""
    lane = Lane.BULK
    for rule, _ in lines:
        lane = _faster(lane, lower(cap, rule.lane or cap))
    hours = [send.at for _, send in lines]
    soonest = min((next_at(at, facts.now, facts.timezone) for at in hours if at), default=None)
    corrections = {send.corrections for _, send in lines}
    limits = tuple(
        (
            phrases.worded(rule.title, locale),
            phrases.distance(send.to.within_m, locale) if send.to.within_m else "",
        )
        for rule, send in lines
    )
    return _Merged(
        lane=lane,
        audience=_joined([send for _, send in lines], facts),
        corrections="send"
        if "send" in corrections or ("urgent" in corrections and lane == Lane.URGENT)
        else "silent",
        on_uncertain="repeat" if any(s.on_uncertain == "repeat" for _, s in lines) else "hold",
        rules=tuple(dict.fromkeys(rule.name for rule, _ in lines)),
        reasons=tuple(dict.fromkeys(phrases.worded(rule.title, locale) for rule, _ in lines)),
        at=None if None in hours else soonest,
        limits=limits if any(limit for _, limit in limits) else None,
    )


def _joined(sends: list[Send], facts: Facts) -> Audience:
    """The union of audiences: one for each distance, since who is near of these stations and who
    follows those wherever he is cannot be said in one."""
    own = str(facts.publication.get("station") or "")
    by_distance: dict[float | None, list[Send]] = {}
    for send in sends:
        near = None if facts.area is None else send.near_m
        by_distance.setdefault(near, []).append(send)
    parts = [
        Audience(
            stations=frozenset(own if s == OWN else s for x in same for s in x.stations) - {""},
            everyone=any(x.everyone for x in same),
            wishes=all(x.wishes for x in same),
            within_m=near,
        )
        for near, same in by_distance.items()
    ]
    return parts[0].model_copy(update={"also": tuple(parts[1:])})


def _route(
    outlet: OutletFacts,
    merged: _Merged,
    column: int,
    outlets: Outlets,
    told: Mapping[int, Told],
    timing: "_Timing",
) -> Route:
    intent = Intent.UPDATE if outlet.id in told else Intent.PUBLISH
    reasons = merged.reasons
    if merged.limits:
        away = phrases.distance(float(outlets.distances[column]), timing.locale)
        near = [_near(title, away, limit, timing.locale) for title, limit in merged.limits]
        reasons = tuple(dict.fromkeys(near))
    # An hour is for the first telling; a correction of what is shown already does not wait for it.
    at = merged.at if intent is Intent.PUBLISH else None
    not_before, said, suppressed = timing.of(outlet.kind, merged.lane, at)
    return Route(
        outlet_id=outlet.id,
        outlet=outlet.code,
        kind=outlet.kind,
        intent=intent,
        lane=merged.lane,
        audience=merged.audience,
        not_before=not_before,
        corrections=merged.corrections,
        on_uncertain=merged.on_uncertain,
        rules=merged.rules,
        reasons=reasons + said + timing.marks,
        suppressed=suppressed,
    )


def _near(title: str, away: str, limit: str, locale: str) -> str:
    if not limit:
        return title
    return phrases.say("near", locale, title=title, distance=away, limit=limit)


class _Timing:
    """When a route may leave: quiet hours, the hour a rule asks for, the expiry. `marks`: reasons
    that every route of this publication carries."""

    def __init__(self, facts: Facts, locale: str, quiet_kinds: frozenset[str]) -> None:
        self.facts, self.locale, self.quiet_kinds = facts, locale, quiet_kinds
        exercise = facts.publication.get("status") == Status.EXERCISE
        self.marks = (phrases.say("exercise", locale),) if exercise else ()
        self._known: dict[
            tuple[bool, datetime | None], tuple[datetime | None, tuple[str, ...], str]
        ] = {}

    def of(
        self, kind: str, lane: Lane, at: datetime | None
    ) -> tuple[datetime | None, tuple[str, ...], str]:
        """not_before, what to add to the reasons, and why it is suppressed, if it is."""
        held = lane != Lane.URGENT and kind in self.quiet_kinds
        if (held, at) not in self._known:
            self._known[held, at] = self._compute(held, at)
        return self._known[held, at]

    def _compute(
        self, held: bool, at: datetime | None
    ) -> tuple[datetime | None, tuple[str, ...], str]:
        facts = self.facts
        end = end_of_window(at or facts.now, facts.quiet, facts.timezone) if held else None
        start = end or at
        if start is None:
            return None, (), ""
        hour = phrases.hour(start, facts.timezone, self.locale)
        if start >= facts.expires:
            key = "quiet_past_expiry" if end else "at_past_expiry"
            return start, (), phrases.say(key, self.locale, hour=hour)
        return start, (phrases.say("quiet_until", self.locale, hour=hour),) if end else (), ""

    def withdraw(self, outlet: OutletFacts, lane: Lane, reasons: tuple[str, ...]) -> Route:
        """A withdrawal waits for the end of quiet hours unless that is too late: an evening
        message that tomorrow's market at six is off must not be kept for seven."""
        not_before, said, suppressed = self.of(outlet.kind, lane, None)
        if suppressed:
            not_before, said = None, ()
        return Route(
            outlet_id=outlet.id,
            outlet=outlet.code,
            kind=outlet.kind,
            intent=Intent.WITHDRAW,
            lane=lane,
            not_before=not_before,
            reasons=reasons + said + self.marks,
        )


def _readable(facts: Facts, locale: str, notes: list[str]) -> Facts:
    """The facts without quiet hours that nobody could compute with."""
    try:
        for text in facts.quiet or ():
            hour_of(text)
    except ValueError:
        notes.append(phrases.say("note_quiet", locale, quiet=" – ".join(facts.quiet or ())))
        return facts.model_copy(update={"quiet": None})
    return facts


def _told(facts: Facts, locale: str, notes: list[str]) -> dict[int, Told]:
    """By outlet: the most pressing lane and the latest revision told."""
    told: dict[int, Told] = {}
    for one in facts.told:
        known = told.get(one.outlet_id, one)
        told[one.outlet_id] = Told(
            outlet_id=one.outlet_id,
            revision=max(known.revision, one.revision),
            lane=_faster(known.lane, one.lane),
        )
    here = {outlet.id for outlet in facts.outlets}
    for gone in sorted(told.keys() - here):
        revision = told[gone].revision
        notes.append(phrases.say("note_outlet_gone", locale, outlet=gone, revision=revision))
    return told


def _in_order(routes: list[Route], facts: Facts) -> tuple[Route, ...]:
    place = {outlet.id: row for row, outlet in enumerate(facts.outlets)}
    return tuple(sorted(routes, key=lambda route: place[route.outlet_id]))


def _most_pressing(routes: list[Route], otherwise: Lane) -> Lane:
    return min((r.lane for r in routes), key=LANE_ORDER.__getitem__, default=otherwise)


def _faster(one: Lane, other: Lane) -> Lane:
    return min(one, other, key=LANE_ORDER.__getitem__)
