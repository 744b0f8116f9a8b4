"""What intake and the rules would do with what was read: the dry run of a source. Writes nothing,
asks no database and no network; `hub.reading` does it for real.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from pydantic import ValidationError

from hub import clock, items, settings
from hub.contracts import Item, Parsed
from hub.intake import OPEN, Fate, Known, Verdict, calm, decide, judge, seal, too_late
from hub.item_content import content_of, ends, severity_of
from hub.models import Authority, Source
from hub.rules import loading
from hub.rules.ruleset import RuleSet
from hub.source_words import say
from hub.vocabulary import ItemState
from hub.whereabouts import Where, locate

_BECOMES: Final = {
    Fate.IGNORE: ItemState.IGNORED,
    Fate.AGENDA: ItemState.LISTED,
    Fate.DRAFT: ItemState.DRAFTED,
    Fate.PUBLISH: ItemState.PUBLISHED,
}

Told = tuple[Item, Where, Verdict]


class Foresight:
    """One source as intake would see it, reading after reading, from what it knows so far."""

    def __init__(self, source: Source, authority: Authority) -> None:
        self.source, self.authority = source, authority
        self.language = authority.languages[0][:2]
        self._rules: RuleSet = loading.for_authority(settings.get().config, authority.code)
        self._known: dict[str, Known] = {}
        self.notes: list[str] = []

    def reading(self, parsed: Parsed, now: datetime) -> list[Told]:
        """What would become of each item; remembered, so that a second reading sees the first."""
        fresh = not self._known
        before = set(self._known)
        self._seal(parsed.items)
        asked = [self._ask(item, locate(item, self.authority), now) for item in parsed.items]
        ruled = [
            (item, ruling)
            for item, _, verdict, ruling in asked
            if verdict.fate is Fate.TAKE and ruling and (fresh or item.external_id in before)
        ]
        held, self.notes = calm(ruled, self.language)
        rows: list[Told] = []
        for item, where, verdict, ruling in asked:
            told = verdict
            if verdict.fate is Fate.TAKE and ruling:
                told = held.get(item.external_id, ruling)
                if told.fate in (Fate.DRAFT, Fate.PUBLISH) and self._heirs(item):
                    told = replace(told, fate=Fate.UPDATE)
            elif verdict.fate is Fate.UPDATE and ruling:
                told = replace(verdict, reason=ruling.reason, rule=ruling.rule)
            rows.append((item, where, told))
            self._remember(item, told, item.external_id in held)
        return rows

    def _seal(self, found: Sequence[Item]) -> None:
        """What the same reading cancels or replaces is not news, whatever the order."""
        for item in found:
            for ended in item.cancels:
                if ended != item.external_id:
                    self._known[ended] = Known(seal(item.version), "", ItemState.CLOSED)
            for ended in item.supersedes:
                if ended != item.external_id and ended not in self._known:
                    self._known[ended] = Known(seal(item.version), "", ItemState.CLOSED)

    def _heirs(self, item: Item) -> bool:
        """Whether it goes on with the publication of what it replaces."""
        return any((k := self._known.get(r)) and k.state in OPEN for r in item.supersedes)

    def _ask(
        self, item: Item, where: Where, now: datetime
    ) -> tuple[Item, Where, Verdict, Verdict | None]:
        known = self._known.get(item.external_id)
        print_ = items.fingerprint(item)
        verdict = judge(item, print_, known, now, self.language, where)
        about = [k.version for r in item.supersedes if (k := self._known.get(r))]
        if verdict.fate is Fate.TAKE and too_late(item, *about):
            verdict = Verdict(Fate.IGNORE, say("ended-before-read", self.language))
        if verdict.fate not in (Fate.TAKE, Fate.UPDATE):
            return item, where, verdict, None
        ruling = decide(item, self.source, self.authority, self._rules, now)
        return item, where, verdict, ruling

    def _remember(self, item: Item, verdict: Verdict, held: bool) -> None:
        known = self._known.get(item.external_id)
        state = _BECOMES.get(verdict.fate, known.state if known else ItemState.CLOSED)
        if verdict.fate is Fate.END:
            state = ItemState.CLOSED
        elif verdict.fate is Fate.UPDATE and not known:
            state = ItemState.PUBLISHED
        version = max(item.version, known.version) if known else item.version
        self._known[item.external_id] = Known(version, items.fingerprint(item), state, held=held)
        if verdict.fate is not Fate.SKIP:
            for ended in item.supersedes:
                if ended != item.external_id:
                    self._known[ended] = Known(seal(item.version), "", ItemState.CLOSED)


def foresee(
    source: Source, authority: Authority, parsed: Parsed, now: datetime
) -> list[dict[str, Any]]:
    """What intake would do with each item of a source that was never read."""
    seen = Foresight(source, authority)
    return [short(item, verdict, seen.language) for item, _, verdict in seen.reading(parsed, now)]


def short(item: Item, verdict: Verdict, language: str) -> dict[str, Any]:
    """A row for a list: headline, times, what would become of it and why."""
    return {
        "external_id": item.external_id,
        "headline": items.headline_of(item, language),
        "starts": item.onset,
        "ends": ends(item),
        "would": verdict.fate.value,
        "reason": verdict.reason,
        "rule": verdict.rule,
    }


def full(
    item: Item, where: Where, verdict: Verdict, source: Source, authority: Authority
) -> dict[str, Any]:
    """Everything about an item, JSON-ready: docs/sources.md lists the fields."""
    body = items.to_json(item)
    content: Mapping[str, Any] | None = None
    refused = ""
    if verdict.fate in (Fate.DRAFT, Fate.PUBLISH, Fate.UPDATE):
        try:
            made = content_of(item, source, authority, where)
            content = json.loads(made.model_dump_json())
        except ValidationError as error:
            refused = items.first_error(error)
    over = ends(item)
    zone = authority.timezone
    return body | {
        "id": item.external_id,
        "hash": items.fingerprint(item),
        "starts": _moment(item.onset or item.effective),
        "ends": _moment(over),
        "starts_local": _local(item.onset or item.effective, zone, item.all_day),
        "ends_local": _local(over, zone, item.all_day),
        "weighs": severity_of(item).value,
        "where": {
            "touches": where.touches,
            "by": where.by,
            "away_km": round(where.away_km, 1) if where.away_km else None,
        },
        "would": {
            "do": verdict.fate.value,
            "reason": verdict.reason,
            "rule": verdict.rule,
            "refused": refused,
            "content": content,
        },
    }


def _moment(moment: datetime | None) -> str | None:
    return clock.rfc3339(moment) if moment else None


def _local(moment: datetime | None, zone: str, all_day: bool) -> str | None:
    if moment is None:
        return None
    here = clock.local(moment, zone)
    return here.date().isoformat() if all_day else here.isoformat(timespec="minutes")
