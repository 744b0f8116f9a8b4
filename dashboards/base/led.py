"""An LED face as SVG: one dot one pixel, no anti-aliasing, readable without a script.

Lit dots are one path of zero-length strokes with round ends: 500 dots weigh 4 KB.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from PIL import Image

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


def face_of_page(page: Mapping[str, Any], columns: int, rows: int) -> Face | str:
    """A page as the plan carries it: dots, or the `src` of a picture where it has colours."""
    if not page.get("png"):
        lines = [str(line) for line in page.get("lines", ())]
        top = max(rows - len(lines), 0) // 2
        middle = [line.center(columns).rstrip() for line in lines]
        wide = columns or max(map(len, lines), default=1)
        return face_of_lines([""] * top + middle, wide, rows or len(lines))
    raw = base64.b64decode(page["png"])
    with Image.open(io.BytesIO(raw)) as image:
        if image.mode not in ("1", "L"):
            return f"data:image/png;base64,{page['png']}"
        plain = image.convert("1")
        width, height = plain.size
        lit = plain.tobytes()
        step = (width + 7) // 8
        return face_of_rows(
            [
                "".join(
                    "#" if lit[y * step + x // 8] >> (7 - x % 8) & 1 else "." for x in range(width)
                )
                for y in range(height)
            ]
        )


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
