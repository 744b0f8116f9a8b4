"""Pages as a person sees them: every dot an LED, lit or dull, side by side in one PNG."""

import io
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from channels.panels.bitmap import Bitmap
from channels.panels.model import PANELS, Model
from channels.panels.pages import Page

_CELL: Final = (5, 8)  # dots of a character of a text font
_EDGE: Final = 2
_BOARD: Final = (12, 11, 10)
_FRAME: Final = (38, 38, 40)
_COLOURS: Final = {"amber": (255, 176, 0), "red": (255, 60, 40), "white": (250, 250, 245)}


def dots(page: Page, model: Model) -> Bitmap:
    """What the face shows of a page: its bitmap, or its lines in the panel's own letters, the block
    in the middle, each line centred, an odd rest to the right and below."""
    if page.bitmap is not None:
        return page.bitmap
    step_x, step_y = _steps(model)
    width = model.columns * step_x - (step_x - _CELL[0])
    height = model.lines * step_y - (step_y - _CELL[1])
    face = Image.new("1", (width, height))
    top = (model.lines - len(page.lines)) // 2
    for row, line in enumerate(page.lines, top):
        left = (model.columns - len(line)) // 2
        for column, letter in enumerate(line, left):
            face.paste(_letter(model.font, letter), (column * step_x, row * step_y))
    return Bitmap("1", width, height, face.tobytes())


def picture(pages: Sequence[Page], model: Model, scale: int = 5) -> bytes:
    """A PNG of `pages` from left to right, `scale` pixels a dot. With `scale` 1 nothing is
    decorated: one page is then its dots exactly."""
    bitmaps = [dots(page, model) for page in pages]
    if scale == 1:
        faces = [_plain(bitmap) for bitmap in bitmaps]
    else:
        faces = [_leds(bitmap, model, scale) for bitmap in bitmaps]
    between = 2 * scale
    width = sum(face.width + between for face in faces) - between
    whole = Image.new("RGB", (width, max(face.height for face in faces)), _FRAME)
    x = 0
    for face in faces:
        whole.paste(face, (x, 0))
        x += face.width + between
    out = io.BytesIO()
    whole.quantize(64, method=Image.Quantize.FASTOCTREE).save(out, "PNG", optimize=True)
    return out.getvalue()


def _plain(bitmap: Bitmap) -> Image.Image:
    mode = "1" if bitmap.mode == "1" else "RGB"
    return Image.frombytes(mode, (bitmap.width, bitmap.height), bitmap.rows).convert("RGB")


def _leds(bitmap: Bitmap, model: Model, scale: int) -> Image.Image:
    light = _plain(bitmap)
    if bitmap.mode == "1":
        colour = _COLOURS.get(model.colour, _COLOURS["white"])
        light = ImageChops.multiply(light, Image.new("RGB", light.size, colour))
    there = Image.new("L", light.size, 255) if model.graphic else _lamps(model, light.size)
    size = ((light.width + 2 * _EDGE) * scale, (light.height + 2 * _EDGE) * scale)
    lens = _lenses(size, scale)
    board = Image.new("RGB", size, _BOARD)
    dull = Image.new("RGB", size, (30, 28, 26))
    board.paste(dull, (0, 0), ImageChops.multiply(_enlarged(there, scale), lens))
    beams = ImageChops.multiply(_enlarged(light, scale), Image.merge("RGB", [lens] * 3))
    halo = beams.filter(ImageFilter.GaussianBlur(scale * 0.6))
    board = ImageChops.add(board, halo.point([v * 2 // 5 for v in range(256)] * 3))
    return ImageChops.lighter(board, beams)


def _enlarged(image: Image.Image, scale: int) -> Image.Image:
    framed = Image.new(image.mode, (image.width + 2 * _EDGE, image.height + 2 * _EDGE))
    framed.paste(image, (_EDGE, _EDGE))
    return framed.resize((framed.width * scale, framed.height * scale), Image.Resampling.NEAREST)


def _lenses(size: tuple[int, int], scale: int) -> Image.Image:
    lens = Image.new("L", (scale, scale))
    ImageDraw.Draw(lens).rounded_rectangle((0, 0, scale - 2, scale - 2), scale // 3, fill=255)
    strip = Image.new("L", (size[0], scale))
    for x in range(0, size[0], scale):
        strip.paste(lens, (x, 0))
    whole = Image.new("L", size)
    for y in range(0, size[1], scale):
        whole.paste(strip, (0, y))
    return whole


def _lamps(model: Model, size: tuple[int, int]) -> Image.Image:
    """Where a character panel has dots at all."""
    lamps = Image.new("L", size)
    step_x, step_y = _steps(model)
    block = Image.new("L", _CELL, 255)
    for x in range(0, size[0], step_x):
        for y in range(0, size[1], step_y):
            lamps.paste(block, (x, y))
    return lamps


def _steps(model: Model) -> tuple[int, int]:
    gap = model.gap
    return (_CELL[0] + gap.x, _CELL[1] + gap.y) if gap else (_CELL[0] + 1, _CELL[1])


@lru_cache(maxsize=512)
def _letter(font: str, letter: str) -> Image.Image:
    rows = _rows(font)[letter]
    return Image.frombytes("L", _CELL, bytes(255 * (c == "#") for row in rows for c in row))


@lru_cache(maxsize=4)
def _rows(font: str) -> dict[str, list[str]]:
    text = (PANELS / "fonts" / f"{font}.txt").read_text("utf-8")
    blocks = (block.strip("\n").split("\n") for block in text.split("\n\n"))
    return {
        chr(int(head[2:].split()[0], 16)): rows for head, *rows in blocks if head.startswith("U+")
    }
