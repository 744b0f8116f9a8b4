"""Why a notice does not fit a face, and what would: found by trying, not by estimate."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from channels.panels.letters import GLUE
from channels.panels.lexicon import Level
from channels.panels.model import Model
from channels.panels.parts import Part
from channels.panels.says import field_name, say
from channels.panels.wrapping import TooLong
from hub.contracts import Refusal


def refusal(
    parts: Sequence[Part],
    model: Model,
    max_pages: int,
    locale: str,
    needs: Callable[[Part, Level], int],
    fits: Callable[[Sequence[Part]], bool],
) -> Refusal:
    """The refusal of `parts`: a word too wide for a line, else the part that takes most room, with
    the number of characters at which it would fit beside the others."""
    lines: dict[str, int] = {}
    for part in parts:
        try:
            lines[part.kind] = needs(part, Level.TIGHT)
        except TooLong as error:
            reason = say(
                "word_dots" if model.graphic else "word", locale, word=error.word,
                n=len(error.word), field=field_name(part.field, locale), width=model.columns,
                dots=model.width,
            )  # fmt: skip
            return Refusal(part.field, reason, say("word_fix", locale))
    longest = sorted(parts, key=lambda part: (part.kind == "when", -lines[part.kind]))
    for part in longest:
        if part.kind == "when":
            continue
        room = _longest_that_fits(part, parts, fits)
        if room:
            whole = part.words[0]
            values = {
                "field": field_name(part.field, locale), "n": len(whole), "room": room,
                "pages": max_pages, "title": model.title,
            }  # fmt: skip
            return Refusal(
                part.field, say("long", locale, **values), say("long_fix", locale, **values)
            )
    field = longest[0].field
    reason = say(
        "much", locale, field=field_name(field, locale), pages=max_pages, title=model.title
    )
    return Refusal(field, reason, say("much_fix", locale))


def _longest_that_fits(
    part: Part, parts: Sequence[Part], fits: Callable[[Sequence[Part]], bool]
) -> int:
    """Characters of the longest beginning of `part` that fits beside the others; 0: none does."""
    words = part.words[0].replace(GLUE, " ").split(" ")

    def tried(count: int) -> bool:
        cut = replace(part, words=(" ".join(words[:count]),))
        return fits([cut if other is part else other for other in parts])

    low, high = 0, len(words) - 1
    while low < high:
        middle = (low + high + 1) // 2
        if tried(middle):
            low = middle
        else:
            high = middle - 1
    return len(" ".join(words[:low]))
