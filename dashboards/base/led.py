"""An LED face as SVG: one dot one pixel, no anti-aliasing, readable without a script.

Lit dots are one path of zero-length strokes with round ends: 500 dots weigh 4 KB.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from hub import settings


@dataclass(frozen=True, slots=True)
class Face:
    """`width` and `height` in dots; `dots` is the `d` of an SVG path in the same units."""

    width: int
    height: int
    dots: str


def face_of_lines(lines: Sequence[str], columns: int, rows: int) -> Face:
    """A character panel: `rows` lines of `columns` cells of 5x7 dots and the gap beside them."""
    font = _font(settings.get().config / "panels" / "fonts" / "5x7.txt")
    lit: list[str] = []
    for row, line in enumerate(lines[:rows]):
        for column, letter in enumerate(line[:columns]):
            cell = font.get(letter) or font.get(letter.upper()) or font.get("?") or ()
            for y, dots in enumerate(cell):
                for x, dot in enumerate(dots):
                    if dot == "#":
                        lit.append(f"M{column * 6 + x + 1}.5 {row * 9 + y + 1}.5h0")
    return Face(columns * 6 + 1, rows * 9 + 1, "".join(lit))


def face_of_rows(bitmap: Sequence[str]) -> Face:
    """A graphic panel: rows of dots, "#" is lit."""
    lit = [
        f"M{x}.5 {y}.5h0" for y, row in enumerate(bitmap) for x, dot in enumerate(row) if dot == "#"
    ]
    return Face(max(map(len, bitmap), default=0), len(bitmap), "".join(lit))


@lru_cache(maxsize=2)
def _font(path: Path) -> Mapping[str, tuple[str, ...]]:
    """letter → rows of dots, of a file of blocks that start with "U+XXXX"."""
    glyphs: dict[str, tuple[str, ...]] = {}
    if not path.exists():
        return glyphs
    for block in path.read_text(encoding="utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if not line.startswith("# ")]
        if lines and lines[0].startswith("U+"):
            glyphs[chr(int(lines[0][2:6], 16))] = tuple(lines[1:])
    return glyphs
