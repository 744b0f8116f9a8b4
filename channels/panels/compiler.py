"""A notice becomes pages of a face, or is refused with the exact reason. Pure and deterministic.

What, where, when, what to do: each whole, in this order, at most three on a page. `LADDER` states
what is tried: fewer pages first, whole words before abbreviations; who says it and the title again
on later pages only where there is room. The place, the time and the instruction are never left out
and a word is never cut: it fits, or the refusal names the field, by how much, and what would fit.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from channels.panels.lexicon import Level
from channels.panels.matrix import MatrixFace, look_of
from channels.panels.model import Model
from channels.panels.pages import MAX_UNITS, Page
from channels.panels.parts import Part, parts_of
from channels.panels.refusing import refusal
from channels.panels.says import MARKS, say, tongue
from channels.panels.textface import TextFace
from hub.contracts import Notice, Refusal

__all__ = ["Compiled", "Page", "compile_notice", "ladder"]


@dataclass(frozen=True, slots=True)
class Compiled:
    """`level` is how much was shortened, `warnings` are sentences for the author, `left_out` the
    optional parts there was no room for."""

    pages: tuple[Page, ...]
    level: Level
    warnings: tuple[str, ...] = ()
    left_out: tuple[str, ...] = ()


class Face(Protocol):
    """A try at one notice on one model."""

    def pages(self, count: int, level: Level, torn: bool = False) -> list[Page] | None: ...

    def needs(self, part: Part, level: Level) -> int: ...


def compile_notice(
    notice: Notice, model: Model, languages: tuple[str, ...], hold_ms: int, locale: str
) -> Compiled | Refusal:
    """Pages for `notice` in `languages` (the first must fit, the others where there is room).

    `hold_ms` is how long a page stays at least; it stays longer where reading takes longer.
    `locale` is the language of the refusal or the warnings.
    """
    wanted = _spoken(notice, languages)
    share = max(1, model.max_pages // len(wanted))
    done = _compile_one(notice, model, share, wanted[0], hold_ms, locale)
    if isinstance(done, Refusal) and share < model.max_pages:
        done = _compile_one(notice, model, model.max_pages, wanted[0], hold_ms, locale)
    if isinstance(done, Refusal):
        return done
    for language in wanted[1:]:
        room = model.max_pages - len(done.pages)
        more = _compile_one(notice, model, room, language, hold_ms, locale)
        if isinstance(more, Refusal):
            lost = say("no_language", locale, language=language)
            done = replace(done, warnings=(*done.warnings, lost))
        else:
            warnings = tuple(dict.fromkeys((*done.warnings, *more.warnings)))
            left_out = tuple(dict.fromkeys((*done.left_out, *more.left_out)))
            level = max(done.level, more.level)
            done = Compiled(done.pages + more.pages, level, warnings, left_out)
    return done


def ladder(parts: int, max_pages: int) -> Iterator[tuple[int, Level, bool]]:
    """What is tried, in order: (pages, level, whether a part may go on on the next page).

    Fewer pages first, since a passer-by reads one or two; then a part longer than a page; the hard
    shortenings last: three pages of whole words are better read than two of riddles."""
    counts = range(-(-parts // MAX_UNITS), max_pages + 1)
    gentle = (Level.FULL, Level.COMMON)
    yield from ((count, level, False) for count in counts for level in gentle)
    yield from ((max_pages, level, True) for level in gentle)
    yield from ((count, Level.TIGHT, False) for count in counts)
    yield max_pages, Level.TIGHT, True


def _spoken(notice: Notice, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The wished languages that the notice has words in; else its own first one."""
    bases = {given.partition("-")[0]: given for given in reversed(list(notice.texts))}
    wished = (language.partition("-")[0] for language in languages)
    had = tuple(dict.fromkeys(bases[base] for base in wished if base in bases))
    return had or (next(iter(notice.texts)),)


def _compile_one(
    notice: Notice, model: Model, max_pages: int, language: str, hold_ms: int, locale: str
) -> Compiled | Refusal:
    if max_pages < 1:
        return Refusal("languages", say("no_language", locale, language=language))
    parts = parts_of(notice, language, model, locale)
    if isinstance(parts, Refusal):
        return parts
    mark = MARKS[tongue(language)].get(notice.status, "")

    def attempt(parts: Sequence[Part]) -> tuple[list[Page], Level] | None:
        face = _face(notice, parts, model, mark, hold_ms)
        needed = sum(part.kind != "who" for part in parts)
        for count, level, torn in ladder(needed, max_pages):
            pages = face.pages(count, level, torn)
            if pages is not None and all(page.reading_ms <= model.max_hold_ms for page in pages):
                return pages, level
        return None

    found = attempt(parts)
    if found is None:
        needed = [part for part in parts if part.kind != "who"]
        face = _face(notice, needed, model, mark, hold_ms)
        return refusal(
            needed, model, max_pages, locale, face.needs, lambda tried: attempt(tried) is not None
        )
    pages, level = found
    shown = {unit for page in pages for unit in page.units}
    left_out = tuple(part.kind for part in parts if part.kind not in shown)
    warnings = (say("abbreviated", locale),) if level is Level.TIGHT else ()
    return Compiled(tuple(pages), level, warnings, left_out)


def _face(notice: Notice, parts: Sequence[Part], model: Model, mark: str, hold_ms: int) -> Face:
    if model.graphic:
        return MatrixFace(parts, model, mark, hold_ms, look_of(notice, model))
    return TextFace(parts, model, mark, hold_ms)
