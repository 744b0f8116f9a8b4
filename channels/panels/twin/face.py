"""The face of the twin: a model, a bitmap font, lines of text as dots, dots as a picture."""

import io
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from PIL import Image, ImageChops, ImageDraw, ImageFilter

PANELS: Final = Path(__file__).resolve().parents[3] / "config" / "panels"
GLYPH_W: Final = 5
GLYPH_H: Final = 8
# Amber LEDs (about 592 nm) on a near-black board.
COLOURS: Final = {
    "amber": (255, 176, 0),
    "red": (255, 59, 48),
    "white": (250, 250, 245),
    "rgb": (255, 255, 255),
}
BOARD: Final = (10, 9, 8)
UNLIT: Final = 0.11  # what an LED that is off reflects, as a part of its colour

Font = dict[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class Face:
    """What the twin's hardware is: characters, dots, and how much it can store."""

    model: str
    title: str
    columns: int
    lines: int
    colour: str
    case: str
    glyphs: str
    max_pages: int
    max_items: int
    max_bytes: int
    width: int
    height: int
    step_x: int
    step_y: int
    solid: bool  # one grid of dots; else a block of dots for each character
    font: Font

    @property
    def letters(self) -> frozenset[str]:
        """The characters it can draw."""
        if self.glyphs == "ascii":
            return frozenset(letter for letter in self.font if letter < "\x7f")
        return frozenset(self.font)


class UnknownFace(ValueError):
    """No such model."""


@lru_cache(maxsize=16)
def load(model: str) -> Face:
    """A face by the name of its model. Raises UnknownFace."""
    path = PANELS / f"{model}.yaml"
    if "/" in model or model.startswith((".", "abbreviations.")) or not path.is_file():
        raise UnknownFace(f"{model!r} is not a panel model")
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    columns, lines = data["columns"], data["lines"]
    cell, gap = data.get("cell"), data.get("gap") or {"x": 1, "y": 0}
    step_x = cell["width"] if cell else GLYPH_W + gap["x"]
    step_y = cell["height"] if cell else GLYPH_H + gap["y"]
    return Face(
        model=model,
        title=data["title"],
        columns=columns,
        lines=lines,
        colour=data["colour"],
        case=data["case"],
        glyphs=data["glyphs"],
        max_pages=data["max_pages"],
        max_items=data["max_items"],
        max_bytes=data["max_bytes"],
        width=data.get("width") or columns * step_x - (step_x - GLYPH_W),
        height=data.get("height") or lines * step_y - (step_y - GLYPH_H),
        step_x=step_x,
        step_y=step_y,
        solid=cell is not None,
        font=load_font(data["font"]),
    )


@lru_cache(maxsize=4)
def load_font(name: str) -> Font:
    """Letters to eight rows of five dots each, "#" lit."""
    font: Font = {}
    blocks = (PANELS / "fonts" / f"{name}.txt").read_text("utf-8").split("\n\n")
    for block in blocks:
        rows = block.strip("\n").split("\n")
        if rows[0].startswith("U+"):
            font[chr(int(rows[0][2:].split()[0], 16))] = tuple(rows[1:])
    return font


def dots(face: Face, lines: tuple[str, ...]) -> list[str]:
    """The face as rows of dots: "#" lit, "." dark, " " where the hardware has no dot.

    The block of lines stands in the middle, each line centred; an odd rest goes right and below.
    """
    empty = "." if face.solid else " "
    grid = [[empty] * face.width for _ in range(face.height)]
    top = max(0, (face.lines - len(lines)) // 2)
    rows = [""] * top + list(lines[: face.lines])
    for row in range(face.lines):
        text = rows[row] if row < len(rows) else ""
        left = max(0, (face.columns - len(text)) // 2)
        padded = " " * left + text
        for column in range(face.columns):
            letter = padded[column] if column < len(padded) else " "
            _stamp(grid, face, letter, column, row)
    return ["".join(line) for line in grid]


def _stamp(grid: list[list[str]], face: Face, letter: str, column: int, row: int) -> None:
    glyph = face.font.get(letter) or face.font["?"]
    x0, y0 = column * face.step_x, row * face.step_y
    for y, line in enumerate(glyph):
        grid[y0 + y][x0 : x0 + GLYPH_W] = line


def picture(face: Face, rows: list[str], scale: int = 8) -> bytes:
    """A PNG in which each LED is `scale` pixels wide: round, with a faint glow when lit.

    One dot stays one dot: nothing of the text is smoothed, the glow lies around whole LEDs.
    """
    edge = [" " * (face.width + 4)] * 2
    rows = [*edge, *(f"  {row}  " for row in rows), *edge]
    size = (len(rows[0]) * scale, len(rows) * scale)
    lit = _mask(rows, "#")
    there = ImageChops.lighter(lit, _mask(rows, "."))
    led = _tile(scale)
    pattern = Image.new("L", size)
    for x in range(0, size[0], scale):
        pattern.paste(led, (x, 0))
    strip = pattern.crop((0, 0, size[0], scale))
    for y in range(scale, size[1], scale):
        pattern.paste(strip, (0, y))
    nearest = Image.Resampling.NEAREST
    on = ImageChops.multiply(lit.resize(size, nearest), pattern)
    off = ImageChops.multiply(there.resize(size, nearest), pattern)
    glow = on.filter(ImageFilter.GaussianBlur(scale * 0.55)).point(
        [v * 45 // 100 for v in range(256)]
    )
    colour = COLOURS[face.colour]
    image = Image.new("RGB", size, BOARD)
    faint = tuple(int(part * UNLIT) + 8 for part in colour)
    image.paste(faint, (0, 0), off)
    image = ImageChops.add(image, _tinted(glow, colour))
    image.paste(colour, (0, 0), on)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return out.getvalue()


def _mask(rows: list[str], sign: str) -> Image.Image:
    flat = bytes(255 if letter == sign else 0 for row in rows for letter in row)
    return Image.frombytes("L", (len(rows[0]), len(rows)), flat)


@lru_cache(maxsize=8)
def _tile(scale: int) -> Image.Image:
    tile = Image.new("L", (scale, scale))
    inset = max(1, scale // 10)
    box = (inset, inset, scale - 1 - inset, scale - 1 - inset)
    ImageDraw.Draw(tile).rounded_rectangle(box, radius=scale // 5, fill=255)
    return tile


def _tinted(mask: Image.Image, colour: tuple[int, int, int]) -> Image.Image:
    bands = [mask.point([v * part // 255 for v in range(256)]) for part in colour]
    return Image.merge("RGB", bands)
