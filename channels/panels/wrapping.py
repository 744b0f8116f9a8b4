"""Lines of whole words: as few as there can be, even, broken where a reader would pause."""

import re
from collections.abc import Callable, Iterator
from functools import lru_cache
from typing import Final, TypeAlias

import yaml

from channels.panels.letters import GLUE
from channels.panels.model import PANELS

Measure: TypeAlias = Callable[[str], int]

# Costs of a break, against the square of the columns left free: a line that ends in "de la" reads
# badly, a name broken after its hyphen worse.
_WEAK_PART: Final = 2
_LINE: Final = 1 << 40
_MARKS: Final = frozenset({":", ";", "!", "?", "»"})
_HYPHEN: Final = re.compile(r"[^-]*-+|[^-]+")


class TooLong(ValueError):
    """A word is wider than a line."""

    def __init__(self, word: str, width: int) -> None:
        super().__init__(f"{word!r} is wider than {width}")
        self.word, self.width = word, width


def wrap(text: str, width: int, measure: Measure = len, space: int = 1) -> list[str]:
    """Lines of at most `width`. A word is never cut: a compound wider than a line breaks after a
    hyphen, and anything else wider than a line raises TooLong.

    `measure` is the width of a word, `space` that of a blank between two. Of all ways with the
    fewest lines the most even one is taken (the sum of the squares of what stays free), which
    avoids lines that end in an article or a preposition (`weak` in the lists of config/panels).
    """
    if text and measure(text) <= width:
        return [text.replace(GLUE, " ")]
    words = list(_words(text, width, measure))
    if not words:
        return []
    sizes = [measure(word) for word, _ in words]
    weak, weight = _weak(), (width // _WEAK_PART) ** 2
    best = [0] + [_LINE * _LINE] * len(words)
    begins = [0] * (len(words) + 1)
    for first in range(len(words)):
        used, here = -space, best[first] + _LINE
        for last in range(first, len(words)):
            word, glued = words[last]
            used += sizes[last] + (0 if glued and last > first else space)
            if used > width:
                break
            cost = here + (width - used) ** 2
            if last + 1 < len(words):
                if words[last + 1][1]:
                    cost += weight
                if word.lower() in weak:
                    cost += weight
            if cost < best[last + 1]:
                best[last + 1], begins[last + 1] = cost, first
    lines: list[str] = []
    end = len(words)
    while end:
        begin = begins[end]
        lines.append("".join(("" if glued else " ") + word for word, glued in words[begin:end]))
        end = begin
    return [line.removeprefix(" ") for line in reversed(lines)]


def _words(text: str, width: int, measure: Measure) -> Iterator[tuple[str, bool]]:
    """(piece, joined to the one before it without a blank)."""
    for word in text.split(" "):
        if not word:
            continue
        whole = word.replace(GLUE, " ")
        if measure(whole) <= width:
            yield whole, False
            continue
        parts = word.split(GLUE)
        for index, part in enumerate(parts):
            # A colon never begins a line: without its blank, or not at all.
            if part in _MARKS:
                continue
            after = parts[index + 1] if index + 1 < len(parts) else ""
            fits = after in _MARKS and measure(part + after) <= width
            yield from _parts(part + after if fits else part, width, measure)


def _parts(word: str, width: int, measure: Measure) -> Iterator[tuple[str, bool]]:
    if measure(word) <= width:
        if word:
            yield word, False
        return
    parts = _HYPHEN.findall(word)
    if max(measure(part) for part in parts) > width:
        raise TooLong(max(parts, key=measure), width)
    for index, part in enumerate(parts):
        yield part, index > 0


@lru_cache(maxsize=1)
def _weak() -> frozenset[str]:
    """Words that want the next one beside them, of all languages we have."""
    words: set[str] = set()
    for path in sorted(PANELS.glob("abbreviations.*.yaml")):
        words.update(yaml.safe_load(path.read_text("utf-8"))["weak"])
    return frozenset(words)
