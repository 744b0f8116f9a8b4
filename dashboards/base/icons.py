"""The mark as PNG, drawn when the program starts: home screens and notifications want bitmaps.

The same geometry as base/static/mark.svg, in a box of 64 units.
"""

import io
import math
from functools import cache

from PIL import Image, ImageDraw

INK, PAPER, RED, BRASS = "#14213d", "#faf7f0", "#b3202a", "#c98a00"
_FINE = 4  # drawn larger and reduced: Pillow's lines have no smooth edges


def app_icon(size: int, *, maskable: bool = False) -> bytes:
    """The mark on paper. Maskable: inside the circle of 80 % that no shape cuts (W3C manifest)."""
    image = Image.new("RGB", (size * _FINE, size * _FINE), PAPER)
    share = 0.56 if maskable else 0.8
    _draw(ImageDraw.Draw(image), size * _FINE, share, (RED, PAPER, INK, BRASS))
    return _png(image, size)


def badge(size: int) -> bytes:
    """White on nothing, for Android's status bar, which keeps only the shape."""
    image = Image.new("RGBA", (size * _FINE, size * _FINE), (0, 0, 0, 0))
    pen = ImageDraw.Draw(image)
    _draw(pen, size * _FINE, 0.94, ("#ffffff", (0, 0, 0, 0), "#ffffff", "#ffffff"))
    return _png(image, size)


@cache
def all_icons() -> dict[str, bytes]:
    """name → bytes, as the citizen's manifest and the service worker name them."""
    return {
        "citizen/icon-192.png": app_icon(192),
        "citizen/icon-512.png": app_icon(512),
        "citizen/icon-maskable-512.png": app_icon(512, maskable=True),
        "citizen/apple-touch-icon.png": app_icon(180),
        "citizen/badge-96.png": badge(96),
    }


def _draw(pen: ImageDraw.ImageDraw, size: int, share: float, colours: tuple[object, ...]) -> None:
    red, head, stick, sound = colours
    unit = size * share / 64
    edge = size * (1 - share) / 2

    def at(x: float, y: float) -> tuple[float, float]:
        return edge + x * unit, edge + y * unit

    def disc(x: float, y: float, radius: float, fill: object) -> None:
        left, top = at(x - radius, y - radius)
        right, bottom = at(x + radius, y + radius)
        pen.ellipse((left, top, right, bottom), fill=fill)

    def line(ends: tuple[float, float, float, float], width: float, fill: object) -> None:
        x0, y0, x1, y1 = ends
        pen.line([at(x0, y0), at(x1, y1)], fill=fill, width=round(width * unit))
        for x, y in ((x0, y0), (x1, y1)):
            disc(x, y, width / 2, fill)

    disc(24, 40, 22.5, red)
    disc(24, 40, 15, head)
    for ends in ((5.0, 58.0, 21.0, 41.0), (43.0, 58.0, 27.0, 41.0)):
        line(ends, 8.5, head)
        line(ends, 4.5, stick)
    for radius, first, last in ((28.5, -66, -24), (35.5, -64, -26), (42.5, -62, -28)):
        for degree in range(first * 2, last * 2 + 1):
            turn = math.radians(degree / 2)
            disc(24 + radius * math.cos(turn), 40 + radius * math.sin(turn), 2, sound)


def _png(image: Image.Image, size: int) -> bytes:
    out = io.BytesIO()
    image.resize((size, size), Image.Resampling.LANCZOS).save(out, "PNG", optimize=True)
    return out.getvalue()
