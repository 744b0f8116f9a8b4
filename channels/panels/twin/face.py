"""The face of the twin: a model, a bitmap font, lines of text as dots."""

from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from PIL import Image

from channels.panels.twin.bitmap import Bitmap, of_picture

PANELS: Final = Path(__file__).resolve().parents[3] / "config" / "panels"
GLYPH_W: Final = 5
GLYPH_H: Final = 8
# The twin's own memory where the model's file does not say.
MAX_IMAGES: Final = 64
MAX_IMAGE_BYTES: Final = 262_144

Font = dict[str, tuple[str, ...]]


class UnknownFace(ValueError):
    """No such model."""


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
    font: Font = field(repr=False, compare=False)
    font_name: str = ""
    max_images: int = MAX_IMAGES
    max_image_bytes: int = MAX_IMAGE_BYTES

    @property
    def letters(self) -> frozenset[str]:
        """The characters it can draw."""
        if self.glyphs == "ascii":
            return frozenset(letter for letter in self.font if letter < "\x7f")
        return frozenset(self.font)

    @property
    def modes(self) -> tuple[str, ...]:
        """The modes of bitmap it draws: none where it only has blocks of characters."""
        if not self.solid:
            return ()
        return ("1", "rgb") if self.colour == "rgb" else ("1",)

    def write(self, lines: tuple[str, ...]) -> Bitmap:
        """Text as dots. The block of lines stands in the middle, each line centred; an odd rest
        goes right and below."""
        picture = Image.new("1", (self.width, self.height))
        top = max(0, (self.lines - len(lines)) // 2)
        for row, text in enumerate(lines[: self.lines], top):
            left = max(0, (self.columns - len(text)) // 2)
            for column, letter in enumerate(text[: self.columns - left], left):
                glyph = self.font.get(letter) or self.font["?"]
                picture.paste(_glyph(glyph), (column * self.step_x, row * self.step_y))
        return of_picture(picture)

    def place(self, bitmap: Bitmap) -> Bitmap:
        """A bitmap in the middle of the face; an odd rest goes right and below."""
        if (bitmap.width, bitmap.height) == (self.width, self.height):
            return bitmap
        picture = bitmap.picture()
        whole = Image.new(picture.mode, (self.width, self.height))
        whole.paste(picture, ((self.width - picture.width) // 2,
                              (self.height - picture.height) // 2))  # fmt: skip
        return of_picture(whole)

    def blank(self) -> Bitmap:
        return of_picture(Image.new("1", (self.width, self.height)))

    def full(self) -> Bitmap:
        """Every LED there is, lit."""
        return of_picture(self.leds())

    def leds(self) -> Image.Image:
        """Where the hardware has a dot."""
        picture = Image.new("1", (self.width, self.height), 1 if self.solid else 0)
        if not self.solid:
            block = Image.new("1", (GLYPH_W, GLYPH_H), 1)
            for row in range(self.lines):
                for column in range(self.columns):
                    picture.paste(block, (column * self.step_x, row * self.step_y))
        return picture


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
        font_name=data["font"],
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


def dots(face: Face, bitmap: Bitmap) -> list[str]:
    """Rows of signs: "#" lit, "." dark, " " where the hardware has no dot."""
    lit = bitmap.picture().convert("L").point([0] + [255] * 255).tobytes()
    there = face.leds().convert("L").tobytes()
    signs = "".join("#" if on else "." if led else " " for on, led in zip(lit, there, strict=True))
    return [signs[at : at + face.width] for at in range(0, len(signs), face.width)]


@lru_cache(maxsize=512)
def _glyph(rows: tuple[str, ...]) -> Image.Image:
    flat = bytes(255 if sign == "#" else 0 for row in rows for sign in row)
    return Image.frombytes("L", (len(rows[0]), len(rows)), flat).convert(
        "1", dither=Image.Dither.NONE
    )
