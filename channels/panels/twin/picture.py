"""Dots as a photograph of LEDs: what the page shows and a person can look at."""

import io
from functools import lru_cache
from typing import Final

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from channels.panels.twin.bitmap import Bitmap
from channels.panels.twin.face import Face

# Amber LEDs (about 592 nm) on a near-black board.
COLOURS: Final = {
    "amber": (255, 176, 0),
    "red": (255, 59, 48),
    "white": (250, 250, 245),
    "rgb": (255, 255, 255),
}
BOARD: Final = (10, 9, 8)
EDGE: Final = 2  # dots of board around the dots


@lru_cache(maxsize=64)
def draw(face: Face, bitmap: Bitmap, scale: int = 8) -> bytes:
    """A PNG in which each LED is `scale` pixels wide: a round lens with a bright core and a faint
    halo when lit, a dull lens when not. One dot stays one dot: nothing of the text is smoothed."""
    size = ((face.width + 2 * EDGE) * scale, (face.height + 2 * EDGE) * scale)
    lens, core = _tiled(scale, face.width + 2 * EDGE, face.height + 2 * EDGE)
    there = _large(_framed(face.leds().convert("L"), face), size)
    colour = COLOURS[face.colour]
    lit = bitmap.picture()
    if bitmap.mode == "1":
        mask = _framed(lit.convert("L"), face)
        light = Image.merge("RGB", [mask.point([v * part // 255 for v in range(256)])
                                    for part in colour])  # fmt: skip
    else:
        light = _framed(lit, face)
        bands = light.split()
        mask = ImageChops.lighter(ImageChops.lighter(bands[0], bands[1]), bands[2])
    image = Image.new("RGB", size, BOARD)
    dull = tuple(14 + part // 12 for part in colour)
    image.paste(dull, (0, 0), ImageChops.multiply(there, lens))
    beams = _large(light, size)
    shaped = ImageChops.multiply(beams, Image.merge("RGB", [lens] * 3))
    for radius, strength in ((0.6, 30), (2.4, 13)):
        halo = shaped.filter(ImageFilter.GaussianBlur(scale * radius))
        image = ImageChops.add(
            image, halo.point([min(255, v * strength // 60) for v in range(256)] * 3)
        )
    on = ImageChops.multiply(_large(mask.point([0] + [255] * 255), size), lens)
    image.paste(beams, (0, 0), on)
    # The middle of a lens is overexposed to the eye.
    hot = ImageChops.multiply(_large(mask, size), core).point([v * 64 // 255 for v in range(256)])
    image = ImageChops.add(image, Image.merge("RGB", [hot] * 3))
    out = io.BytesIO()
    image.save(out, "PNG", compress_level=6)
    return out.getvalue()


def _framed(picture: Image.Image, face: Face) -> Image.Image:
    whole = Image.new(picture.mode, (face.width + 2 * EDGE, face.height + 2 * EDGE))
    whole.paste(picture, (EDGE, EDGE))
    return whole


def _large(picture: Image.Image, size: tuple[int, int]) -> Image.Image:
    return picture.resize(size, Image.Resampling.NEAREST)


@lru_cache(maxsize=8)
def _tiled(scale: int, columns: int, rows: int) -> tuple[Image.Image, Image.Image]:
    """(lens, core) over the whole picture."""
    return (
        _tile(_disc(scale, 0.84), columns, rows),
        _tile(_disc(scale, 0.42), columns, rows),
    )


def _disc(scale: int, part: float) -> Image.Image:
    """A round dot with a soft rim; drawn large and reduced, so that small ones are round too."""
    fine = 8
    side = scale * fine
    inset = side * (1 - part) / 2
    disc = Image.new("L", (side, side))
    ImageDraw.Draw(disc).ellipse((inset, inset, side - 1 - inset, side - 1 - inset), fill=255)
    return disc.resize((scale, scale), Image.Resampling.BOX)


def _tile(tile: Image.Image, columns: int, rows: int) -> Image.Image:
    scale = tile.width
    strip = Image.new("L", (columns * scale, scale))
    for x in range(columns):
        strip.paste(tile, (x * scale, 0))
    whole = Image.new("L", (columns * scale, rows * scale))
    for y in range(rows):
        whole.paste(strip, (0, y * scale))
    return whole
