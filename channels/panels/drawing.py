"""A page of a matrix as dots: big integers, one bit a dot, coloured row by row at the end."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final, TypeAlias

from channels.panels import fonts, pictograms
from channels.panels.bitmap import Bitmap
from channels.panels.parts import Kind

Colour: TypeAlias = tuple[int, int, int]

BLACK: Final[Colour] = (0, 0, 0)
PAD: Final = 2
MOST_GAP: Final = 7
ICON_GAP: Final = 4


@dataclass(frozen=True, slots=True)
class Look:
    """How a notice is dressed. `band`: the title stands in a lit band, else over a rule. In colour
    `ground` and `ink` are those of the band, `parts` of what lies below, `mark` (ground, ink) that
    of the strip which marks an exercise; in one colour they do not count."""

    icon: str
    band: bool
    rgb: bool
    ground: Colour = BLACK
    ink: Colour = (255, 255, 255)
    parts: tuple[tuple[Kind, Colour], ...] = ()
    mark: tuple[Colour, Colour] = (BLACK, (255, 255, 255))


@dataclass(frozen=True, slots=True)
class Writing:
    """Lines in a font."""

    kind: Kind
    lines: tuple[str, ...]
    font: fonts.Font

    @property
    def height(self) -> int:
        return height_of(self.lines, self.font)


class _Canvas:
    """`bits`: the whole face as one integer, the top left dot is the most significant bit."""

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.stride = -(-width // 8) * 8
        self.bits = 0

    def stamp(self, shape: int, x: int, y: int, width: int, height: int) -> None:
        """Light `shape`, whose rows are `stride` apart, its top left corner at x, y. What hangs
        over the foot must be dark."""
        shift = (self.height - y - height) * self.stride + self.stride - x - width
        self.bits |= shape << shift if shift >= 0 else shape >> -shift

    def flip(self, y: int, height: int) -> None:
        """Turn rows inside out."""
        row = ((1 << self.width) - 1) << (self.stride - self.width)
        rows = row * (((1 << (height * self.stride)) - 1) // ((1 << self.stride) - 1))
        self.bits ^= rows << ((self.height - y - height) * self.stride)


def draw(
    writings: Sequence[Writing],
    width: int,
    height: int,
    look: Look,
    icon: str,
    mark: str,
    small: fonts.Font,
) -> Bitmap:
    """A page. `icon` stands beside the title; `mark` is a strip on top of all."""
    canvas = _Canvas(width, height)
    paint: list[tuple[int, Colour, Colour]] = []  # (first row, ink, ground)
    top = 0
    if mark:
        top = small.body + 2 * PAD
        _line(canvas, mark, small, PAD)
        if not look.rgb:
            canvas.flip(0, top - 1)
        paint.append((0, look.mark[1], look.mark[0]))
        paint.append((top - 1, BLACK, BLACK))
    body, foot = list(writings), height
    if body and body[0].kind == "what":
        top = _title(canvas, body.pop(0), look, icon, top, paint)
    colours = dict(look.parts)
    tail: list[tuple[int, Colour, Colour]] = []
    if body and body[-1].kind == "who":
        who = body.pop()
        foot -= who.height + 1
        _text(canvas, who, foot)
        tail.append((foot, colours.get("who", look.ink), BLACK))
    spare = foot - top - sum(writing.height for writing in body)
    least = min(gap_of(body[-1].font), spare // max(1, len(body) - 1)) if body else 0
    gap = max(least, min(spare // (len(body) + 1), MOST_GAP))
    y = top + max(0, (spare - gap * (len(body) - 1)) // 2) if body else top
    for writing in body:
        paint.append((y - gap // 2, colours.get(writing.kind, look.ink), BLACK))
        _text(canvas, writing, y)
        y += writing.height + gap
    return _bitmap(canvas, look, paint + tail)


def gap_of(font: fonts.Font) -> int:
    """Dots between two parts at least: more than between two lines of one."""
    return font.body // 3 + 2


@lru_cache(maxsize=8192)
def height_of(lines: tuple[str, ...], font: fonts.Font) -> int:
    """Dots from the highest to the lowest lit row of a block of lines."""
    if not lines:
        return 0
    above, below = font.reach(lines[0])[0], font.reach(lines[-1])[1]
    return above + (len(lines) - 1) * _pitch(lines, font) + font.body + below


@lru_cache(maxsize=8192)
def _pitch(lines: tuple[str, ...], font: fonts.Font) -> int:
    """One for the whole block, so that no tail touches an accent."""
    reaches = [font.reach(line) for line in lines]
    lead = font.body // 3
    for upper, lower in pairwise(reaches):
        lead = max(lead, upper[1] + lower[0] + 1)
    return font.body + lead


def _title(
    canvas: _Canvas,
    title: Writing,
    look: Look,
    icon: str,
    top: int,
    paint: list[tuple[int, Colour, Colour]],
) -> int:
    """Draw the band; the row below it."""
    picture = pictograms.load(icon) if icon else None
    side = picture.size + ICON_GAP if picture else 0
    tall = max(title.height, picture.size if picture else 0)
    widest = max(title.font.advance(line) - title.font.gap for line in title.lines)
    left = max(0, (canvas.width - side - widest) // 2)
    if picture:
        middle = top + PAD + (tall - picture.size) // 2
        shape = picture.shape(canvas.stride)
        canvas.stamp(shape, left, middle, picture.size, picture.size)
    y = top + PAD + (tall - title.height) // 2
    _text(canvas, title, y, left + side, widest)
    below = top + tall + 2 * PAD
    if look.rgb:
        paint.append((top, look.ink, look.ground))
        paint.append((below, BLACK, BLACK))
    elif look.band:
        canvas.flip(top, below - top)
    else:
        canvas.stamp((1 << canvas.width) - 1, 0, below - 1, canvas.width, 1)
    return below


def _text(canvas: _Canvas, writing: Writing, y: int, x: int = 0, width: int | None = None) -> None:
    """Lines one below the other from row `y`, each in the middle of `width` from column `x`."""
    font = writing.font
    base = y + font.reach(writing.lines[0])[0] - font.top
    pitch = _pitch(writing.lines, font)
    for index, line in enumerate(writing.lines):
        _line(canvas, line, font, base + index * pitch + font.top, x, width)


def _line(
    canvas: _Canvas, text: str, font: fonts.Font, y: int, x: int = 0, width: int | None = None
) -> None:
    """`y` is the row of the top of a capital."""
    wide, shape = _shape(text, font.name, canvas.stride)
    room = canvas.width if width is None else width
    canvas.stamp(shape, x + (room - wide) // 2, y - font.top, wide, font.height)


@lru_cache(maxsize=4096)
def _shape(text: str, name: str, stride: int) -> tuple[int, int]:
    """(width, a line of text with its rows `stride` apart)."""
    font = fonts.load(name)
    rows = [0] * font.height
    wide = -font.gap
    for letter in text:
        glyph = font.glyphs[letter]
        step = glyph.width + font.gap
        wide += step
        rows = [(row << step) | bits for row, bits in zip(rows, glyph.rows, strict=True)]
    shape = 0
    for row in rows:
        shape = (shape << stride) | row
    return wide, shape


def _bitmap(canvas: _Canvas, look: Look, paint: list[tuple[int, Colour, Colour]]) -> Bitmap:
    raw = canvas.bits.to_bytes(canvas.height * canvas.stride // 8, "big")
    if not look.rgb:
        return Bitmap("1", canvas.width, canvas.height, raw)
    step, dots = canvas.stride // 8, canvas.width * 3
    ends = [first for first, _, _ in paint[1:]] + [canvas.height]
    blank = bytes(step)
    rows = [bytes(dots)] * (paint[0][0] if paint else canvas.height)
    for (first, ink, ground), end in zip(paint, ends, strict=True):
        table, empty = _table(ink, ground), bytes(ground) * canvas.width
        for y in range(first, end):
            row = raw[y * step : y * step + step]
            if row == blank:
                rows.append(empty)
            else:
                rows.append(b"".join([table[byte] for byte in row])[:dots])
    return Bitmap("rgb", canvas.width, canvas.height, b"".join(rows))


@lru_cache(maxsize=64)
def _table(ink: Colour, ground: Colour) -> tuple[bytes, ...]:
    """Eight dots in colour for each byte."""
    return tuple(
        b"".join(bytes(ink if byte >> bit & 1 else ground) for bit in range(7, -1, -1))
        for byte in range(256)
    )
