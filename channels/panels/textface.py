"""Pages of a character face: lines of whole words, parts apart where there is a line to spare."""

import hashlib
from collections.abc import Sequence

from channels.panels.jws import b64
from channels.panels.letters import fold
from channels.panels.lexicon import Level
from channels.panels.model import Model
from channels.panels.pages import Block, Page, Sheet, share_out, tear, with_signature
from channels.panels.parts import Part
from channels.panels.reading import reading_ms
from channels.panels.wrapping import TooLong, wrap


class TextFace:
    """A try at one notice on one character model. `mark` (EXERCICE) heads every page."""

    def __init__(self, parts: Sequence[Part], model: Model, mark: str, hold_ms: int) -> None:
        self.parts, self.model, self.hold_ms = parts, model, hold_ms
        self.mark = tuple(wrap(fold(mark, model.alphabet)[0], model.columns)) if mark else ()
        self.room = model.lines - len(self.mark)
        self._wrapped: dict[Level, list[Block] | None] = {}

    def pages(self, count: int, level: Level, torn: bool = False) -> list[Page] | None:
        """Exactly `count` pages at `level`; None where it does not fit. `torn`: a part may go on on
        the next page."""
        blocks = self._blocks(level)
        if blocks is None:
            return None
        said = [block for block in blocks if block.kind != "who"]
        shared = (tear if torn else share_out)(said, count, self.room, _lines)
        if shared is None:
            return None
        who = blocks[-1] if blocks[-1].kind == "who" else None
        return [self._page(s) for s in with_signature(shared.sheets, who, self.room, _lines)]

    def needs(self, part: Part, level: Level) -> int:
        """Lines that `part` takes. Raises TooLong."""
        return len(wrap(part.at(level, self.model), self.model.columns))

    def _blocks(self, level: Level) -> list[Block] | None:
        if level not in self._wrapped:
            self._wrapped[level] = self._wrap(level)
        return self._wrapped[level]

    def _wrap(self, level: Level) -> list[Block] | None:
        blocks = []
        for part in self.parts:
            try:
                lines = wrap(part.at(level, self.model), self.model.columns)
            except TooLong:
                if part.kind == "who":
                    continue
                return None
            blocks.append(Block(part.kind, tuple(lines)))
        return blocks

    def _page(self, sheet: Sheet) -> Page:
        lines = self.mark + spaced(sheet, self.room)
        words = sum(len(line.split()) for line in lines)
        reading = reading_ms(words, len(sheet), self.model)
        return Page(
            lines,
            max(self.hold_ms, reading),
            lines_hash(lines),
            tuple(block.kind for block in sheet),
            reading_ms=reading,
        )


def spaced(sheet: Sheet, room: int) -> tuple[str, ...]:
    """The lines of a sheet with a blank one between parts, or below the title only, or none; who
    says it always stands apart, or it would read as the end of the instruction."""
    free = room - _lines(sheet)
    signed = sheet[-1].kind == "who" and len(sheet) > 1
    joints = len(sheet) - 1 - signed
    lines: list[str] = []
    for index, block in enumerate(sheet):
        apart = free >= joints or (index == 1 and free > 0)
        if index and (block.kind == "who" or apart):
            lines.append("")
        lines += block.lines
    return tuple(lines)


def lines_hash(lines: Sequence[str]) -> str:
    """Canonical lines: UTF-8, joined by a line feed, none at the end; SHA-256, base64url."""
    return b64(hashlib.sha256("\n".join(lines).encode()).digest())


def _lines(sheet: Sheet) -> int:
    apart = 1 if len(sheet) > 1 and sheet[-1].kind == "who" else 0
    return sum(len(block.lines) for block in sheet) + apart
