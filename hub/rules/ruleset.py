"""Rules as the engine reads them: compiled, checked, immutable."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time

from hub.rules.language import Condition
from hub.vocabulary import Lane

Sentence = Mapping[str, str]
"""A sentence per language ("fr", "en", "es"); at least one."""

OWN, NONE = "own", "none"
"""Words that stand for a station: the publication's own; no station at all."""


@dataclass(frozen=True, slots=True)
class To:
    """Which outlets. A field left empty does not narrow; the fields narrow together (and), the
    values of one field widen (or). `station` may hold OWN and NONE. `within_m`: metres from the
    outlet to the publication's area."""

    kinds: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    stations: frozenset[str] = frozenset()
    outlets: frozenset[str] = frozenset()
    within_m: float | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """One line of `send`. `at`: a local hour, None at once. `corrections`: send, silent or urgent
    (sent in the urgent lane only). `near_m`: metres from the publication's area to the cells that
    phones chose, None: wherever they are."""

    to: To
    stations: frozenset[str] = frozenset({OWN})
    everyone: bool = False
    wishes: bool = True
    near_m: float | None = None
    at: time | None = None
    corrections: str = "send"
    on_uncertain: str = "hold"


@dataclass(frozen=True, slots=True)
class Rule:
    name: str
    title: Sentence
    when: Condition | None = None
    unless: Condition | None = None
    send: tuple[Send, ...] = ()
    hold: Sentence | None = None
    stop: bool = False
    lane: Lane | None = None
    line: int = 0


@dataclass(frozen=True, slots=True)
class IntakeRule:
    """`then`: ignore, agenda, draft or publish."""

    name: str
    when: Condition | None
    then: str
    reason: Sentence
    line: int = 0


@dataclass(frozen=True, slots=True)
class ReminderRule:
    """Events told before they begin, on the days `on` (1 Monday to 7 Sunday) at the local hour
    `at`: those of the `days` days that follow, from midnight on."""

    name: str
    title: Sentence
    when: Condition | None = None
    on: frozenset[int] = frozenset(range(1, 8))
    at: time = time(18)
    days: int = 1
    line: int = 0


@dataclass(frozen=True, slots=True)
class RuleSet:
    """All rules of an authority, in the order of the file. `problems`: why a newer text of the
    file is not in force (see loading.for_authority); each becomes a note of every plan."""

    name: str
    rules: tuple[Rule, ...] = ()
    intake: tuple[IntakeRule, ...] = ()
    reminders: tuple[ReminderRule, ...] = ()
    problems: tuple[str, ...] = field(default=())

    def rule(self, name: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.name == name), None)
