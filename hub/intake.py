"""From what a source says to what the authority says: drafts, publications, updates, ends.

The decisions, pure: `judge` looks at an item, at where it is and at what an earlier reading left,
`decide` asks the rules. hub.reading carries them out, hub.foresight only tells.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from hub.contracts import Item
from hub.item_content import category_of, ends, severity_of
from hub.models import Authority, Source
from hub.rules import intake as intake_rules
from hub.rules.ruleset import RuleSet
from hub.source_words import say
from hub.vocabulary import ItemState, MsgType, Status, Urgency
from hub.whereabouts import Where

OLD: Final = timedelta(days=7)
MOST_AT_FIRST: Final = 5
MOST_DRAFTS_AT_FIRST: Final = 20
OPEN: Final = frozenset({ItemState.DRAFTED, ItemState.PUBLISHED})
_SEAL: Final = "~"


def seal(version: str) -> str:
    """The version of an item that a message of this version ended or replaced: it sorts after every
    version a source can write, so that the item itself is never news again."""
    return _SEAL + version.removeprefix(_SEAL)


def too_late(item: Item, *replaced: str) -> bool:
    """Whether a later message than this update has ended or replaced what it is about, going by the
    versions of what it replaces."""
    return any(v.startswith(_SEAL) and v[1:] > item.version for v in replaced)


class Fate(StrEnum):
    """SKIP: nothing new. TAKE and UPDATE: the rules are asked. END: what it was is over. The
    rules answer IGNORE, AGENDA, DRAFT or PUBLISH."""

    SKIP = "skip"
    IGNORE = "ignore"
    AGENDA = "agenda"
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
    """What an earlier reading left of an item. `went_missing`: closed because it was absent;
    `held`: in the agenda only because it came with many others."""

    version: str
    hash: str
    state: ItemState
    went_missing: bool = False
    held: bool = False


def judge(
    item: Item,
    hash_: str,
    known: Known | None,
    now: datetime,
    language: str,
    where: Where | None = None,
) -> Verdict:
    """What to do with an item before any rule is asked."""
    if known:
        if item.version < known.version:
            return Verdict(Fate.SKIP)  # a cache gave an older state, or it is sealed
        # What was left aside is asked again: its hour may have come nearer, a rule have changed.
        again = known.state is ItemState.IGNORED or known.went_missing
        again = again or (known.state is ItemState.LISTED and not known.held)
        if hash_ == known.hash and not again:
            return Verdict(Fate.SKIP)
    if item.msg_type is MsgType.CANCEL:
        return Verdict(Fate.END, say("cancelled", language))
    over = ends(item)
    elsewhere = where is not None and where.touches is False
    if known and known.state in OPEN:
        if over and over <= now:
            return Verdict(Fate.END, say("past", language))
        if item.level == "green":
            return Verdict(Fate.END, say("back-to-green", language))
        if elsewhere:
            return Verdict(Fate.END, _away(where, language))
        return Verdict(Fate.UPDATE)
    if item.status is not Status.ACTUAL:
        return Verdict(Fate.IGNORE, say("test", language))
    if over and over <= now:
        return Verdict(Fate.IGNORE, say("past", language))
    said_at = item.onset or item.sent
    if over is None and said_at and said_at < now - OLD:
        return Verdict(Fate.IGNORE, say("old", language, days=OLD.days))
    if item.level == "green":
        return Verdict(Fate.IGNORE, say("green", language))
    if elsewhere:
        return Verdict(Fate.IGNORE, _away(where, language))
    return Verdict(Fate.TAKE)


def _away(where: Where | None, language: str) -> str:
    if where and where.away_km:
        return say("away", language, km=f"{where.away_km:.0f}" if where.away_km >= 1 else "< 1")
    return say("elsewhere", language)


def calm(ruled: list[tuple[Item, Verdict]], language: str) -> tuple[dict[str, Verdict], list[str]]:
    """What would leave all at once because the source, a rule or a setting is new, held back: what
    becomes of each of them instead, by external id, and the sentence that says so.

    More than 5 publications wait as drafts; of an agenda, more than 20 publications and drafts
    together stay in the agenda alone.
    """
    loud = [(i, r) for i, r in ruled if r.fate is Fate.PUBLISH]
    events = [i for i, r in ruled if i.kind == "event" and r.fate in (Fate.PUBLISH, Fate.DRAFT)]
    if len(events) > MOST_DRAFTS_AT_FIRST:
        why = say("all-in-agenda", language, count=len(events))
        made = {i.external_id: Verdict(Fate.AGENDA, why) for i in events}
        rest, notes = calm([(i, r) for i, r in ruled if i.kind != "event"], language)
        return made | rest, [why, *notes]
    if len(loud) <= MOST_AT_FIRST:
        return {}, []
    why = say("all-at-once", language, count=len(loud))
    return {i.external_id: replace(r, fate=Fate.DRAFT, reason=why) for i, r in loud}, [why]


def decide(
    item: Item, source: Source, authority: Authority, rules: RuleSet, now: datetime
) -> Verdict:
    """What the rules make of an item that may be taken: ignore, agenda, draft or publish."""
    made = intake_rules.decide(
        rules,
        replace(item, category=category_of(item, source), severity=severity_of(item)),
        {"kind": source.kind, "name": source.name, "category": source.category},
        authority.facts(),
        now,
        authority.timezone,
        fallback=source.intake,
        locale=authority.languages[0],
        quiet=authority.quiet_hours(),
    )
    fate = Fate(made.then)
    if fate is Fate.PUBLISH and item.urgency is Urgency.PAST:
        fate = Fate.DRAFT  # by its own words it is no longer urgent: a person decides
    return Verdict(fate, made.reason, made.rule)
