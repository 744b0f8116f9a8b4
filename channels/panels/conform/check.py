"""What a check is, how it ends, and what it may use of the kit."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from channels.panels.conform.bench import Message


@dataclass(frozen=True, slots=True)
class Phrase:
    """A sentence of words.yaml with what belongs into it: the report says it in its language."""

    key: str
    values: dict[str, Any] = field(default_factory=dict)


def say(key: str, **values: Any) -> Phrase:
    return Phrase(key, values)


class Failed(Exception):
    """The panel does otherwise than the contract says."""

    def __init__(
        self, expected: Phrase, observed: Phrase, evidence: Sequence[Message] = ()
    ) -> None:
        super().__init__(f"expected {expected.key}, observed {observed.key} {observed.values}")
        self.expected, self.observed, self.evidence = expected, observed, tuple(evidence)


class NotApplicable(Exception):
    """The panel does not claim what this check tries, or the site does not allow it."""

    def __init__(self, why: Phrase) -> None:
        super().__init__(why.key)
        self.why = why


@dataclass(frozen=True, slots=True)
class Check:
    """`name` is its key in words.yaml. `section`: of docs/panel-contract.md. `must`: the panel
    does not conform without it; else it should. `slow`: left out of a quick run. `spoils`: checks
    that may fail for the same fault, without a second one."""

    name: str
    section: str
    run: Callable[[Any], Sequence[Message] | None]
    must: bool = True
    slow: bool = False
    spoils: tuple[str, ...] = ()


CHECKS: Final[list[Check]] = []


def check(
    name: str, section: str, *, must: bool = True, slow: bool = False, spoils: Sequence[str] = ()
) -> Callable[[Callable[[Any], Sequence[Message] | None]], Check]:
    """Registers a check in the order of the modules. The function returns the messages that prove
    it, or raises Failed or NotApplicable."""

    def register(run: Callable[[Any], Sequence[Message] | None]) -> Check:
        made = Check(name, section, run, must, slow, tuple(spoils))
        CHECKS.append(made)
        return made

    return register
