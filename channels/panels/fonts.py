"""Bitmap fonts with metrics: glyphs of their own width, as integers ready to be drawn.

A font is a text file of config/panels/fonts that a person can read and mend: see bold-10.txt.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from channels.panels.letters import GLUE
from channels.panels.model import PANELS

_METRICS: Final = re.compile(r"^metrics: top (\d+), body (\d+), below (\d+), gap (\d+)$", re.M)


class BadFont(ValueError):
    """A font file that cannot be drawn with; the text says where."""


@dataclass(frozen=True, slots=True)
class Glyph:
    """`rows`: one integer a row from the top, the most significant bit is the leftmost dot; `above`
    and `below`: rows lit over a capital's height and under the foot."""

    width: int
    rows: tuple[int, ...]
    above: int
    below: int


@dataclass(frozen=True, slots=True, eq=False)
class Font:
    """Metrics in dots: `top` rows for the accents of capitals, `body` the height of a capital,
    `below` rows for tails, `gap` columns between letters. There is no kerning."""

    name: str
    top: int
    body: int
    below: int
    gap: int
    glyphs: Mapping[str, Glyph]

    @property
    def height(self) -> int:
        """Rows of a glyph."""
        return self.top + self.body + self.below

    def advance(self, text: str) -> int:
        """Columns that `text` takes with the gap behind each letter; KeyError for one it lacks."""
        glyphs, gap = self.glyphs, self.gap
        return sum(glyphs[letter].width + gap for letter in text)

    def reach(self, text: str) -> tuple[int, int]:
        """Rows that `text` lights above its capitals and below its foot."""
        above = below = 0
        for letter in set(text):
            glyph = self.glyphs[letter]
            above, below = max(above, glyph.above), max(below, glyph.below)
        return above, below


@lru_cache(maxsize=16)
def load(name: str) -> Font:
    """A font of config/panels/fonts that has metrics. Raises BadFont, OSError."""
    text = (PANELS / "fonts" / f"{name}.txt").read_text("utf-8")
    found = _METRICS.search(text)
    if found is None:
        raise BadFont(f"{name}: no line of metrics")
    top, body, below, gap = (int(number) for number in found.groups())
    glyphs: dict[str, Glyph] = {}
    for block in text.split("\n\n"):
        head, *rows = block.strip("\n").split("\n")
        if head.startswith("U+"):
            glyphs[chr(int(head[2:].split()[0], 16))] = _glyph(name, head, rows, top, body, below)
    glyphs[GLUE] = glyphs[" "]
    return Font(name, top, body, below, gap, glyphs)


def _glyph(name: str, head: str, rows: list[str], top: int, body: int, below: int) -> Glyph:
    height = top + body + below
    widths = {len(row) for row in rows}
    if len(rows) != height or len(widths) != 1 or set("".join(rows)) - {"#", "."}:
        raise BadFont(f"{name}: {head} is not {height} rows of equal width in # and .")
    bits = tuple(int(row.replace("#", "1").replace(".", "0"), 2) for row in rows)
    above = top - next((y for y in range(top) if bits[y]), top)
    under = max((y - top - body + 1 for y in range(top + body, height) if bits[y]), default=0)
    return Glyph(widths.pop(), bits, above, under)
