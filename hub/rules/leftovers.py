"""Why an outlet gets nothing: the one sentence that helps most."""

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from hub.rules import phrases
from hub.rules.asking import Asked
from hub.rules.plan import Told
from hub.rules.ruleset import Rule, Send
from hub.rules.selection import Outlets

Why = tuple[str, str]
"""The sentence, and the name of the rule it speaks of."""


def explain_absences(
    columns: Sequence[int],
    asked: Asked,
    outlets: Outlets,
    told: Mapping[int, Told],
    testing: bool,
    locale: str,
) -> list[Why]:
    """A reason for each of `columns` (places in `outlets.all`), in their order.

    A pause or a test explains it all; else the nearest miss: a rule that applies but reaches less
    far, a rule's exception, a rule that ended the asking.
    """
    rows = np.asarray(columns, dtype=np.intp)
    far = _nearest_miss(rows, asked.applied, outlets)
    excused = _first_meant(rows, asked.excused, outlets)
    unasked = _first_meant(rows, asked.unasked, outlets)
    nothing = (phrases.say("no_rule", locale), "")
    reasons: list[Why] = []
    for place, column in enumerate(columns):
        outlet = outlets.all[column]
        if outlet.paused:
            earlier = told.get(outlet.id)
            key = "paused_keeps" if earlier else "paused"
            revision = earlier.revision if earlier else 0
            reasons.append((phrases.say(key, locale, revision=revision), ""))
        elif testing and "test" not in outlet.tags:
            reasons.append((phrases.say("test", locale), ""))
        elif miss := far.get(place):
            reasons.append(_too_far(miss, float(outlets.distances[column]), outlets, locale))
        elif rule := excused.get(place):
            title = phrases.worded(rule.title, locale)
            reasons.append((phrases.say("unless", locale, title=title), rule.name))
        elif place in unasked and asked.stopper:
            title = phrases.worded(asked.stopper.title, locale)
            reasons.append((phrases.say("stopped", locale, title=title), asked.stopper.name))
        else:
            reasons.append(nothing)
    return reasons


def _nearest_miss(
    rows: npt.NDArray[np.intp], applied: Sequence[Rule], outlets: Outlets
) -> dict[int, tuple[Rule, Send]]:
    """By place in `rows`: the line with the widest reach that names the outlet. All these lines
    missed it, or it would not be absent (a pause or a test is explained before)."""
    found: dict[int, tuple[Rule, Send]] = {}
    for rule in applied:
        for send in rule.send:
            reach = send.to.within_m
            if reach is None:
                continue
            for place in np.flatnonzero(outlets.meant(send.to)[rows]).tolist():
                known = found.get(place)
                if known is None or reach > (known[1].to.within_m or 0):
                    found[place] = (rule, send)
    return found


def _first_meant(
    rows: npt.NDArray[np.intp], rules: Sequence[Rule], outlets: Outlets
) -> dict[int, Rule]:
    """By place in `rows`: the first of `rules` that would have reached the outlet."""
    found: dict[int, Rule] = {}
    open_rows = np.ones(len(rows), dtype=np.bool_)
    for rule in rules:
        for send in rule.send:
            hit = outlets.reached(send.to)[rows] & open_rows
            open_rows &= ~hit
            for place in np.flatnonzero(hit).tolist():
                found[place] = rule
    return found


def _too_far(miss: tuple[Rule, Send], metres: float, outlets: Outlets, locale: str) -> Why:
    rule, send = miss
    values = {
        "title": phrases.worded(rule.title, locale),
        "limit": phrases.distance(send.to.within_m or 0, locale),
    }
    if outlets.area is None:
        return phrases.say("no_area", locale, **values), rule.name
    if np.isnan(metres):
        return phrases.say("no_place", locale, **values), rule.name
    away = phrases.distance(metres, locale)
    return phrases.say("too_far", locale, distance=away, **values), rule.name
