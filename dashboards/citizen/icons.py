"""The app's icons, drawn from the mark's geometry: `python -m dashboards.citizen.icons`.

Phones want PNG. A maskable icon keeps its drawing inside the middle 80 % (Web Application Manifest,
section on icon masks); a badge is a white shape on nothing: Android takes its outline only.
"""

import itertools
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

FOLDER: Final = Path(__file__).resolve().parent / "static"
# name, size in pixels, part of the side the mark takes, ground
ICONS: Final = (
    ("icon-180.png", 180, 0.74, "#faf7f0"),
    ("icon-192.png", 192, 1.0, None),
    ("icon-512.png", 512, 0.8, "#faf7f0"),
    ("maskable-192.png", 192, 0.6, "#faf7f0"),
    ("maskable-512.png", 512, 0.6, "#faf7f0"),
)
BADGE: Final = ("badge-96.png", 96)
# base/static/mark.svg, in its 64 units: two sticks, three arcs around the drum's middle (24, 40).
_STICKS: Final = (((5, 58), (21, 41)), ((43, 58), (27, 41)))
_ARCS: Final = (28.5, 35.5, 42.5)
_ANGLES: Final = ((-65.9, -24.1), (-63.9, -26.1), (-61.9, -28.1))
_FINE: Final = 8  # drawn larger, then reduced: Pillow's own edges are hard
Point = Sequence[float]


class _Pen:
    """Draws in units of the mark on a picture `size` wide; `part` of the side is the mark's."""

    def __init__(self, size: int, part: float, ground: str | None) -> None:
        self.picture = Image.new("RGBA", (size * _FINE, size * _FINE), ground or (0, 0, 0, 0))
        self.scale = size * _FINE * part / 64
        self.corner = size * _FINE * (1 - part) / 2
        self.draw = ImageDraw.Draw(self.picture)

    def dot(self, x: float, y: float, radius: float, colour: str | tuple[int, ...]) -> None:
        x, y, r = self.corner + x * self.scale, self.corner + y * self.scale, radius * self.scale
        self.draw.ellipse((x - r, y - r, x + r, y + r), fill=colour)

    def line(self, points: Sequence[Point], width: float, colour: str | tuple[int, ...]) -> None:
        """With round ends and joints."""
        for (x1, y1), (x2, y2) in itertools.pairwise(points):
            steps = max(2, int(math.hypot(x2 - x1, y2 - y1) * self.scale / 3))
            for n in range(steps + 1):
                at = n / steps
                self.dot(x1 + (x2 - x1) * at, y1 + (y2 - y1) * at, width / 2, colour)

    def done(self, size: int) -> Image.Image:
        return self.picture.resize((size, size), Image.Resampling.LANCZOS)


def _arc(radius: float, start: float, end: float) -> list[Point]:
    turn = [math.radians(start + (end - start) * n / 40) for n in range(41)]
    return [(24 + radius * math.cos(a), 40 + radius * math.sin(a)) for a in turn]


def icon(size: int, part: float, ground: str | None) -> Image.Image:
    pen = _Pen(size, part, ground)
    pen.dot(24, 40, 22.5, "#b3202a")
    pen.dot(24, 40, 15, "#faf7f0")
    for width, colour in ((8.5, "#faf7f0"), (4.5, "#14213d")):
        for stick in _STICKS:
            pen.line(stick, width, colour)
    for radius, (start, end) in zip(_ARCS, _ANGLES, strict=True):
        pen.line(_arc(radius, start, end), 4, "#c98a00")
    return pen.done(size)


def badge(size: int) -> Image.Image:
    """The mark as one white shape: ring, sticks, arcs."""
    white, nothing = (255, 255, 255, 255), (255, 255, 255, 0)
    pen = _Pen(size, 0.94, None)
    pen.dot(24, 40, 22.5, white)
    pen.dot(24, 40, 15, nothing)
    for width, colour in ((8.5, nothing), (4.5, white)):
        for stick in _STICKS:
            pen.line(stick, width, colour)
    for radius, (start, end) in zip(_ARCS, _ANGLES, strict=True):
        pen.line(_arc(radius, start, end), 4, white)
    return pen.done(size)


def main() -> None:
    for name, size, part, ground in ICONS:
        drawn = icon(size, part, ground)
        few = drawn.convert("RGB").quantize(64) if ground else _fewer(drawn)
        few.save(FOLDER / name, optimize=True)
    name, size = BADGE
    _fewer(badge(size)).save(FOLDER / name, optimize=True)


def _fewer(drawn: Image.Image) -> Image.Image:
    return drawn.quantize(64, method=Image.Quantize.FASTOCTREE)


if __name__ == "__main__":
    main()
