"""The smallest channel kind: a messenger that takes everything and says it to nobody.

It is the example to start from, the outlet of the hub's own synthetic publication, and a place to
try rules without telling anybody anything.
"""

from collections.abc import Sequence
from typing import ClassVar

from hub.contracts import (
    Capabilities,
    Health,
    Means,
    Message,
    Notice,
    Outcome,
    Rendering,
    StrictOptions,
    Target,
    Verdict,
)
from hub.vocabulary import Intent


class Null:
    kind: ClassVar[str] = "null"
    title: ClassVar[str] = "Nulle part (essai)"
    Options: ClassVar[type[StrictOptions]] = StrictOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        intents=frozenset(Intent), idempotent=True, addresses="outlet", max_batch=1000
    )

    def __init__(self, options: StrictOptions, means: Means) -> None:
        pass

    @staticmethod
    def preview(notices: Sequence[Notice], options: StrictOptions, locale: str) -> Rendering:
        return Rendering("\n".join(notice.text_in(locale).headline for notice in notices))

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        body = "\n".join(notice.text_in(locale).headline for notice in notices)
        return Message(body, intent, key=f"{notices[0].identifier}:{intent}")

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        return [Outcome(Verdict.ACCEPTED, ref=target.key) for target in targets]

    def check(self) -> Health:
        return Health(True, "Rien à joindre.")

    def close(self) -> None:
        pass
