"""From what a source says to what the authority says: drafts, publications, updates, ends.

The decisions, pure: `judge` looks at an item and at what an earlier reading left, `decide` asks the
rules. hub.reading carries them out.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hub.contracts import Item
from hub.item_content import category_of, ends
from hub.models import Authority, Source
from hub.rules import intake as intake_rules
from hub.rules.ruleset import RuleSet
from hub.source_words import say
from hub.vocabulary import ItemState, MsgType, Status, Urgency

OLD: Final = timedelta(days=7)
MOST_AT_FIRST: Final = 5
OPEN: Final = frozenset({ItemState.DRAFTED, ItemState.PUBLISHED})


class Fate(StrEnum):
    """SKIP: nothing new. TAKE and UPDATE: the rules are asked. END: what it was is over. The
    rules answer IGNORE, DRAFT or PUBLISH."""

    SKIP = "skip"
    IGNORE = "ignore"
    TAKE = "take"
    UPDATE = "update"
    END = "end"
    DRAFT = "draft"
    PUBLISH = "publish"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What becomes of an item, the reason in a sentence, the rule that decided if one did."""

    fate: Fate
    reason: str = ""
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Known:
    """What an earlier reading left of an item. `went_missing`: closed because it was absent."""

    version: str
    hash: str
    state: ItemState
    went_missing: bool = False


def judge(item: Item, hash_: str, known: Known | None, now: datetime, language: str) -> Verdict:
    """What to do with an item before any rule is asked."""
    if known:
        if item.version < known.version:
            return Verdict(Fate.SKIP)  # a cache gave an older state, or it is sealed
        # What was left aside is asked again: its hour may have come nearer, a rule have changed.
        again = known.state is ItemState.IGNORED or known.went_missing
        if hash_ == known.hash and not again:
            return Verdict(Fate.SKIP)
    if item.msg_type is MsgType.CANCEL:
        return Verdict(Fate.END, say("cancelled", language))
    over = ends(item)
    if known and known.state in OPEN:
        if over and over <= now:
            return Verdict(Fate.END, say("past", language))
        return Verdict(Fate.UPDATE)
    if item.status is not Status.ACTUAL:
        return Verdict(Fate.IGNORE, say("test", language))
    if over and over <= now:
        return Verdict(Fate.IGNORE, say("past", language))
    said_at = item.onset or item.sent
    if over is None and said_at and said_at < now - OLD:
        return Verdict(Fate.IGNORE, say("old", language, days=OLD.days))
    return Verdict(Fate.TAKE)


def decide(
    item: Item, source: Source, authority: Authority, rules: RuleSet, now: datetime
) -> Verdict:
    """What the rules make of an item that may be taken: ignore, draft or publish."""
    quiet = (authority.quiet[0], authority.quiet[1]) if len(authority.quiet) == 2 else None
    made = intake_rules.decide(
        rules,
        replace(item, category=category_of(item, source)),
        {"kind": source.kind, "name": source.name, "category": source.category},
        {
            "code": authority.code,
            "name": authority.name,
            "timezone": authority.timezone,
            "languages": authority.languages,
        },
        now,
        authority.timezone,
        fallback=source.intake,
        locale=authority.languages[0],
        quiet=quiet,
    )
    fate = Fate(made.then)
    if fate is Fate.PUBLISH and item.urgency is Urgency.PAST:
        fate = Fate.DRAFT  # by its own words it is no longer urgent: a person decides
    return Verdict(fate, made.reason, made.rule)
