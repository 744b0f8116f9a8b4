"""Pages of a matrix: the title in a band, the parts below it in the largest letters that fit."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from channels.panels import drawing, fonts, pictograms
from channels.panels.drawing import Look, Writing
from channels.panels.letters import fold
from channels.panels.lexicon import Level
from channels.panels.model import Model
from channels.panels.pages import (
    Block,
    Page,
    Sharing,
    Sheet,
    Weigh,
    share_out,
    tear,
    with_signature,
)
from channels.panels.parts import Part
from channels.panels.reading import reading_ms
from channels.panels.wrapping import TooLong, wrap
from hub.contracts import Notice
from hub.vocabulary import GRAVE, Severity

# In dots: within a band above and below its letters, at the sides, at the head and the foot.
PAD: Final = 2
SIDE: Final = 1
MARGIN: Final = 1
ICON: Final = 16


@dataclass(frozen=True, slots=True)
class _Style:
    """One way to try: letters of the title and of the rest, with a pictogram or without."""

    title: fonts.Font
    rest: fonts.Font
    icon: bool
    faults: int


class MatrixFace:
    """A try at one notice on one matrix. `mark` (EXERCICE) heads every page."""

    def __init__(
        self, parts: Sequence[Part], model: Model, mark: str, hold_ms: int, look: Look
    ) -> None:
        self.parts, self.model, self.hold_ms, self.look = parts, model, hold_ms, look
        assert model.width is not None
        assert model.height is not None
        self.width, self.height = model.width, model.height
        letters = [fonts.load(name) for name in model.fonts]
        self.small = letters[-1]
        self.mark = fold(mark, model.alphabet)[0]
        self.room = self.height - (self.small.body + 2 * PAD if mark else 0)
        sizes = range(len(letters))
        self._styles = [
            _Style(letters[title], letters[rest], icon, 2 * title + 2 * rest + (not icon))
            for title in sizes
            for rest in sizes[title:]
            for icon in (True, False)
        ]
        self._wrapped: dict[tuple[Level, str, str, int], Block | None] = {}

    def pages(self, count: int, level: Level, torn: bool = False) -> list[Page] | None:
        """Exactly `count` pages at `level` in the style with the fewest faults, the largest letters
        first; None where none fits. `torn`: a part may go on on the next page."""
        best: tuple[int, Sharing, list[Block], _Style] | None = None
        for style in self._styles:
            if best is not None and best[0] <= style.faults:
                continue
            blocks = self._blocks(level, style)
            if blocks is None:
                continue
            said = [block for block in blocks if block.kind != "who"]
            shared = (tear if torn else share_out)(said, count, self.room, self._weigh(style))
            if shared is not None and (best is None or shared.faults + style.faults < best[0]):
                best = shared.faults + style.faults, shared, blocks, style
        if best is None:
            return None
        _, shared, blocks, style = best
        who = blocks[-1] if blocks[-1].kind == "who" else None
        # A signature that fills the page to its edge would take the air from what matters.
        signed = with_signature(shared.sheets, who, self.room * 9 // 10, self._weigh(style))
        return [self._page(sheet, style) for sheet in signed]

    def _weigh(self, style: _Style) -> Weigh:
        return lambda sheet: self._height(sheet, style)

    def needs(self, part: Part, level: Level) -> int:
        """Lines that `part` takes in the smallest letters. Raises TooLong."""
        return len(self._lines(part, level, self.small, 0))

    def _lines(self, part: Part, level: Level, font: fonts.Font, beside: int) -> list[str]:
        width = self.width - 2 * SIDE - beside + font.gap
        return wrap(part.at(level, self.model), width, font.advance, font.advance(" "))

    def _blocks(self, level: Level, style: _Style) -> list[Block] | None:
        blocks = []
        for part in self.parts:
            font = style.title if part.kind == "what" else style.rest
            if part.kind == "who":
                font = self.small
            beside = ICON + 2 * PAD if style.icon and part.kind == "what" else 0
            key = (level, part.kind, font.name, beside)
            if key not in self._wrapped:
                try:
                    lines = self._lines(part, level, font, beside)
                    self._wrapped[key] = Block(part.kind, tuple(lines))
                except TooLong:
                    self._wrapped[key] = None
            block = self._wrapped[key]
            if block is not None:
                blocks.append(block)
            elif part.kind != "who":
                return None
        return blocks

    def _font(self, block: Block, style: _Style) -> fonts.Font:
        if block.kind == "who":
            return self.small
        return style.title if block.kind == "what" else style.rest

    def _height(self, sheet: Sheet, style: _Style) -> int:
        """Dots from the top of the band to the foot of the last line, with the least gaps."""
        height = MARGIN if sheet[0].kind == "what" else 2 * MARGIN
        for index, block in enumerate(sheet):
            tall = drawing.height_of(block.lines, self._font(block, style))
            if block.kind == "what":
                height += max(tall, ICON if style.icon else 0) + 2 * PAD
            else:
                height += tall + (drawing.gap_of(style.rest) if index else 0)
        return height

    def _page(self, sheet: Sheet, style: _Style) -> Page:
        writings = tuple(
            Writing(block.kind, block.lines, self._font(block, style)) for block in sheet
        )
        icon = self.look.icon if style.icon else ""
        bitmap = drawing.draw(
            writings, self.width, self.height, self.look, icon, self.mark, self.small
        )
        marked = (self.mark,) if self.mark else ()
        lines = marked + tuple(line for block in sheet for line in block.lines)
        words = sum(len(line.split()) for line in lines)
        dots = min(writing.font.body for writing in writings)
        reading = reading_ms(words, len(sheet), self.model, dots)
        return Page(
            lines,
            max(self.hold_ms, reading),
            bitmap.hash,
            tuple(block.kind for block in sheet),
            bitmap,
            reading,
        )


def look_of(notice: Notice, model: Model) -> Look:
    """How `notice` is dressed on `model`: dress.yaml decides."""
    return _look(notice.category, notice.cap_category, notice.severity, model.colour == "rgb")


@lru_cache(maxsize=512)
def _look(category: str, cap: str, severity: Severity, rgb: bool) -> Look:
    dress = pictograms.dress()
    colours = {name: (r, g, b) for name, (r, g, b) in dress["colours"].items()}
    if severity in GRAVE:
        kind = "danger"
    elif severity is Severity.MODERATE:
        kind = "warning"
    elif cap in dress["works"]:
        kind = "works"
    else:
        kind = "event" if category in dress["events"] else "info"
    chosen = dress["looks"][kind]
    icon = dress["pictograms"].get(category) or dress["cap"].get(cap, "drum")
    mark = dress["mark"]
    return Look(
        icon=dress["danger"] if severity is Severity.EXTREME else icon,
        band=chosen["band"],
        rgb=rgb,
        ground=colours[chosen["ground"]],
        ink=colours[chosen["ink"]],
        parts=tuple((part, colours[colour]) for part, colour in dress["parts"].items()),
        mark=(colours[mark["ground"]], colours[mark["ink"]]),
    )
