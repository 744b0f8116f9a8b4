"""What becomes of an item of a source: ignored, in the agenda only, a draft, or published. The
first rule that holds decides; where none does, the source's own setting. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.contracts import sources
from hub.rules import phrases, variables
from hub.rules.ruleset import RuleSet
from hub.vocabulary import Status

IGNORE, AGENDA, DRAFT, PUBLISH = "ignore", "agenda", "draft", "publish"


@dataclass(frozen=True, slots=True)
class Decision:
    """`then`: ignore, agenda, draft or publish; `rule` is empty where no rule decided."""

    then: str
    reason: str
    rule: str = ""
    notes: tuple[str, ...] = ()


def facts_of(item: sources.Item, language: str = "fr") -> dict[str, Any]:
    """An item as the conditions see it; the words in `language`, else the first it has."""
    text = item.texts.get(language) or next(iter(item.texts.values()), None)
    return {
        "external_id": item.external_id,
        "kind": item.kind,
        "level": item.level,
        "tags": list(item.tags),
        "place": item.place,
        "msg_type": item.msg_type,
        "status": item.status,
        "category": item.category,
        "event": item.event,
        "response_type": item.response_type,
        "severity": item.severity,
        "urgency": item.urgency,
        "certainty": item.certainty,
        "headline": text.headline if text else "",
        "description": text.description if text else "",
        "area_desc": item.area_desc,
        "has_area": item.area is not None,
        "languages": list(item.texts),
        "sent": item.sent,
        "effective": item.effective or item.sent,
        "onset": item.onset,
        "expires": item.expires,
        "has_expires": item.expires is not None,
        "all_day": item.all_day,
        "link": item.link,
    }


def decide(
    rules: RuleSet,
    item: sources.Item | Mapping[str, Any],
    source: Mapping[str, Any],
    authority: Mapping[str, Any],
    now: datetime,
    timezone: str,
    fallback: str = DRAFT,
    locale: str = "fr",
    quiet: tuple[str, str] | None = None,
) -> Decision:
    """The fate of an item. Whatever rules and settings say, a test is ignored and an exercise
    is never published (intake asks about neither: both are left aside before). What is no event
    has no place in the agenda: it becomes a draft instead."""
    facts = facts_of(item) if isinstance(item, sources.Item) else item
    status = facts.get("status", Status.ACTUAL)
    if status == Status.TEST:
        return Decision(IGNORE, phrases.say("intake_test", locale))
    bound = variables.bind_item(facts, source, authority, now, timezone, quiet)
    notes: list[str] = []
    made = Decision(fallback, phrases.say("intake_fallback", locale))
    for rule in rules.intake:
        answer = rule.when.ask(bound) if rule.when else None
        if answer and answer.error:
            said = phrases.say("note_error", locale, name=rule.name, error=answer.error)
            notes.append(said)
        if answer is None or answer.holds:
            made = Decision(rule.then, phrases.worded(rule.reason, locale), rule.name)
            break
    if status != Status.ACTUAL and made.then == PUBLISH:
        made = Decision(DRAFT, phrases.say("intake_exercise", locale), made.rule)
    if made.then == AGENDA and facts.get("kind", "event") != "event":
        made = Decision(DRAFT, made.reason, made.rule)
    return Decision(made.then, made.reason, made.rule, tuple(notes))
