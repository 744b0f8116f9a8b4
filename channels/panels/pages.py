"""Which part goes on which page: at most three units of information on each, evenly filled."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, TypeAlias

from channels.panels.bitmap import Bitmap
from channels.panels.parts import Kind

# French rules for variable signs allow three units of information, rarely four; a unit answers one
# question: what, where, when, what to do, who says.
MAX_UNITS: Final = 3
# A title longer than this is not said again on the pages that follow.
_HEADING_LINES: Final = 2


@dataclass(frozen=True, slots=True)
class Page:
    """`lines` as a character panel shows them, without trailing blanks (it centres them itself), or
    the words of a picture from top to bottom. `bitmap` is what a matrix shows. `hash` is that of
    the lines, or of the bitmap. `units`: which parts it says. `reading_ms`: what a reader needs,
    never more than `hold_ms`."""

    lines: tuple[str, ...]
    hold_ms: int
    hash: str
    units: tuple[Kind, ...] = ()
    bitmap: Bitmap | None = None
    reading_ms: int = 0


@dataclass(frozen=True, slots=True)
class Block:
    """A part, or a piece of one that is longer than a page, in lines."""

    kind: Kind
    lines: tuple[str, ...]


Sheet: TypeAlias = tuple[Block, ...]
Weigh: TypeAlias = Callable[[Sheet], int]


@dataclass(frozen=True, slots=True)
class Sharing:
    """Sheets, and how far they are from good: see `_faults`."""

    sheets: tuple[Sheet, ...]
    faults: int


def share_out(blocks: Sequence[Block], pages: int, room: int, weigh: Weigh) -> Sharing | None:
    """`blocks` in their order on exactly `pages` sheets, each within `room` and each block whole;
    None where they do not fit. Of all ways the one with the fewest faults is taken, of those the
    most even; the title is said again on each later sheet that has room for it."""
    best: tuple[int, int, tuple[Sheet, ...]] | None = None
    for cut in _cuts(len(blocks), pages):
        sheets = [tuple(blocks[first:last]) for first, last in cut]
        if all(weigh(sheet) <= room for sheet in sheets):
            headed = _headed(sheets, blocks[0], room, weigh)
            # In eighths: of two that look alike the one with more on its first sheet is taken.
            unevenness = 8 * sum(weigh(sheet) ** 2 for sheet in headed) // room**2
            found = (_faults(headed), unevenness, tuple(headed))
            if best is None or found[:2] < best[:2]:
                best = found
    return Sharing(best[2], best[0]) if best else None


def tear(blocks: Sequence[Block], pages: int, room: int, weigh: Weigh) -> Sharing | None:
    """`blocks` on at most `pages` sheets, line after line at the least height that still ends
    there: a part may go on on the next sheet."""
    sheets = _fill(blocks, room, weigh)
    if sheets is None or len(sheets) > pages:
        return None
    low, high = 1, room
    while low < high:
        middle = (low + high) // 2
        tried = _fill(blocks, middle, weigh)
        if tried is not None and len(tried) <= pages:
            sheets, high = tried, middle
        else:
            low = middle + 1
    return Sharing(tuple(sheets), _faults(sheets))


def _faults(sheets: Sequence[Sheet]) -> int:
    """A title alone on its sheet says too little (3); a sheet without the title is not understood
    by who comes late (1)."""
    alone = len(sheets) > 1 and len(sheets[0]) == 1
    return 3 * alone + sum(sheet[0].kind != "what" for sheet in sheets)


def with_signature(
    sheets: Sequence[Sheet], who: Block | None, room: int, weigh: Weigh
) -> Sequence[Sheet]:
    """`who` below the last sheet if it is free for it: the first part that is left out."""
    if who is None or len(sheets[-1]) >= MAX_UNITS or weigh((*sheets[-1], who)) > room:
        return sheets
    return [*sheets[:-1], (*sheets[-1], who)]


@lru_cache(maxsize=64)
def _cuts(count: int, pages: int) -> tuple[tuple[tuple[int, int], ...], ...]:
    """All ways to cut `count` things into `pages` runs of one to three."""

    def cut(first: int, left: int) -> Iterator[tuple[tuple[int, int], ...]]:
        if left == 0:
            if first == count:
                yield ()
            return
        for taken in range(MAX_UNITS, 0, -1):
            if first + taken <= count:
                for rest in cut(first + taken, left - 1):
                    yield ((first, first + taken), *rest)

    return tuple(cut(0, pages))


def _headed(sheets: list[Sheet], title: Block, room: int, weigh: Weigh) -> list[Sheet]:
    if len(title.lines) > _HEADING_LINES:
        return sheets
    done = sheets[:1]
    for sheet in sheets[1:]:
        headed = (title, *sheet)
        fits = len(headed) <= MAX_UNITS and weigh(headed) <= room
        done.append(headed if fits else sheet)
    return done


def _fill(blocks: Sequence[Block], room: int, weigh: Weigh) -> list[Sheet] | None:
    sheets: list[Sheet] = [()]
    for block in blocks:
        for line in block.lines:
            grown = _grown(sheets[-1], block.kind, line)
            if len(grown) <= MAX_UNITS and weigh(grown) <= room:
                sheets[-1] = grown
                continue
            alone = (Block(block.kind, (line,)),)
            if weigh(alone) > room:
                return None
            if sheets[-1]:
                sheets.append(alone)
            else:
                sheets[-1] = alone
    return sheets


def _grown(sheet: Sheet, kind: Kind, line: str) -> Sheet:
    if sheet and sheet[-1].kind == kind:
        return (*sheet[:-1], Block(kind, (*sheet[-1].lines, line)))
    return (*sheet, Block(kind, (line,)))
