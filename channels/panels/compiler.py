"""A notice becomes pages of a text face, or is refused with the exact reason. Pure.

What, where, until when, what to do, in this order, each beginning a line. Words are shortened and
pages added step by step (`ladder`) until it fits; a word is never cut, and what people need to act
is never left out silently: it fits, or the refusal names the field and what would fit.
"""

from dataclasses import dataclass, replace
from typing import Final

from channels.panels.letters import TooLong, fold, plain, wrap
from channels.panels.lexicon import Level, shorten
from channels.panels.model import Model
from channels.panels.says import MARKS, say, tongue
from channels.panels.when import when
from hub.contracts import Notice, Refusal
from hub.vocabulary import Lane, ResponseType

_IDLE: Final = frozenset({ResponseType.NONE, ResponseType.MONITOR, ResponseType.ASSESS})


@dataclass(frozen=True, slots=True)
class Page:
    """Lines as the panel shows them, without trailing blanks; it centres them itself."""

    lines: tuple[str, ...]
    hold_ms: int


@dataclass(frozen=True, slots=True)
class Compiled:
    """`level` is how much was shortened, `warnings` are sentences for the author."""

    pages: tuple[Page, ...]
    level: Level
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Block:
    field: str
    texts: tuple[str, str, str]  # by Level
    needed: bool = True


def compile_notice(
    notice: Notice, model: Model, languages: tuple[str, ...], hold_ms: int, locale: str
) -> Compiled | Refusal:
    """Pages for `notice` in `languages` (the first must fit, the others where there is room).

    `locale` is the language of the refusal or the warnings.
    """
    wanted = _spoken(notice, languages)
    share = max(1, model.max_pages // len(wanted))
    first = _compile_one(notice, replace_pages(model, share), wanted[0], hold_ms, locale)
    if isinstance(first, Refusal) and share < model.max_pages:
        first = _compile_one(notice, model, wanted[0], hold_ms, locale)
    if isinstance(first, Refusal):
        return first
    done = first
    for language in wanted[1:]:
        room = model.max_pages - len(done.pages)
        more = _compile_one(notice, replace_pages(model, room), language, hold_ms, locale)
        if isinstance(more, Refusal):
            lost = say("no_language", locale, language=language)
            done = replace(done, warnings=(*done.warnings, lost))
        else:
            warnings = tuple(dict.fromkeys((*done.warnings, *more.warnings)))
            done = Compiled(done.pages + more.pages, max(done.level, more.level), warnings)
    return done


def ladder(max_pages: int) -> list[tuple[int, Level]]:
    """What is tried, in order. Fewer pages first, since a passer-by reads one or two; the hard
    shortenings last: three pages of whole words are better read than two of riddles."""
    pages = range(1, max_pages + 1)
    return [(n, level) for n in pages for level in (Level.FULL, Level.COMMON)] + [
        (max_pages, Level.TIGHT)
    ]


def replace_pages(model: Model, pages: int) -> Model:
    """The same face with room for `pages` pages of one notice."""
    return model.model_copy(update={"max_pages": pages})


def _spoken(notice: Notice, languages: tuple[str, ...]) -> tuple[str, ...]:
    """The wished languages that the notice has words in; else its own first one."""
    bases = {given.partition("-")[0]: given for given in reversed(list(notice.texts))}
    wished = (language.partition("-")[0] for language in languages)
    had = tuple(dict.fromkeys(bases[base] for base in wished if base in bases))
    return had or (next(iter(notice.texts)),)


def _compile_one(
    notice: Notice, model: Model, language: str, hold_ms: int, locale: str
) -> Compiled | Refusal:
    if model.max_pages < 1:
        return Refusal("languages", say("no_language", locale, language=language))
    blocks = _blocks(notice, language)
    if not blocks[0].texts[0]:
        return Refusal("headline", say("empty", locale), say("empty_fix", locale))
    mark = MARKS[tongue(language)].get(notice.status, "")
    prepared = _lettered(blocks, model, locale)
    if isinstance(prepared, Refusal):
        return prepared
    optional = [block for block in prepared if not block.needed]
    choices = [(prepared, False)]
    if optional:
        choices.append(([block for block in prepared if block.needed], True))
    for chosen, lost in choices:
        for pages, level in ladder(model.max_pages):
            try:
                laid = _lay(chosen, level, model, pages, mark)
            except TooLong:
                continue
            if laid is not None:
                return _compiled(laid, level, hold_ms, lost, locale)
    return _refusal([block for block in prepared if block.needed], model, mark, locale)


def _blocks(notice: Notice, language: str) -> list[_Block]:
    text = notice.text_in(language)
    what = plain(text.short or text.headline)
    where = plain(notice.area_desc)
    if where and where.casefold() in what.casefold():
        where = ""
    field = "short" if text.short else "headline"
    instruction = plain(text.instruction)
    acts = notice.lane is Lane.URGENT or notice.response_type not in _IDLE
    blocks = [
        _Block(field, _by_level(what, language)),
        _Block("area_desc", _by_level(where, language)),
        _Block(
            "expires",
            tuple(  # type: ignore[arg-type]
                shorten(plain(when(notice, language, level)), language, level) for level in Level
            ),
        ),
        _Block("instruction", _by_level(instruction, language), needed=acts),
    ]
    return [block for block in blocks if block.texts[0] or block is blocks[0]]


def _by_level(text: str, language: str) -> tuple[str, str, str]:
    full, common, tight = (shorten(text, language, level) for level in Level)
    return full, common, tight


def _lettered(blocks: list[_Block], model: Model, locale: str) -> list[_Block] | Refusal:
    """The blocks in the letters of the face. Signs it lacks are refused, never dropped."""
    done = []
    for block in blocks:
        texts = []
        for text in block.texts:
            folded, missing = fold(text, model.alphabet)
            if missing:
                named = ", ".join(f"« {letter} »" for letter in missing)
                reason = say("glyph", locale, letters=named)
                return Refusal(block.field, reason, say("glyph_fix", locale))
            texts.append(folded.upper() if model.case == "upper" else folded)
        done.append(replace(block, texts=(texts[0], texts[1], texts[2])))
    return done


def _lay(
    blocks: list[_Block], level: Level, model: Model, pages: int, mark: str
) -> list[tuple[str, ...]] | None:
    """Pages of lines, a block kept on one page where possible; None where they do not fit."""
    wrapped = [wrap(block.texts[level], model.columns) for block in blocks]
    rows = model.lines - len(_marked(mark, model))
    for keep in (True, False):
        laid: list[list[str]] = [[]]
        for lines in wrapped:
            if keep and len(lines) > rows - len(laid[-1]) and len(lines) <= rows and laid[-1]:
                laid.append([])
            for line in lines:
                if len(laid[-1]) == rows:
                    laid.append([])
                laid[-1].append(line)
        if len(laid) <= pages:
            return [(*_marked(mark, model), *page) for page in laid]
    return None


def _marked(mark: str, model: Model) -> tuple[str, ...]:
    return tuple(wrap(fold(mark, model.alphabet)[0], model.columns)) if mark else ()


def _compiled(
    laid: list[tuple[str, ...]], level: Level, hold_ms: int, lost: bool, locale: str
) -> Compiled:
    warnings = []
    if level is Level.TIGHT:
        warnings.append(say("abbreviated", locale))
    if lost:
        warnings.append(say("no_instruction", locale))
    return Compiled(tuple(Page(page, hold_ms) for page in laid), level, tuple(warnings))


def _refusal(blocks: list[_Block], model: Model, mark: str, locale: str) -> Refusal:
    """Why it cannot be shown: a word too wide, else the field that takes most lines."""
    tight = Level.TIGHT
    wrapped: list[tuple[_Block, list[str]]] = []
    for block in blocks:
        try:
            wrapped.append((block, wrap(block.texts[tight], model.columns)))
        except TooLong as error:
            values = {"word": error.word, "n": len(error.word), "width": model.columns}
            reason = say("word", locale, **values)
            return Refusal(block.field, reason, say("word_fix", locale))
    rows = model.lines - len(_marked(mark, model))
    room = rows * model.max_pages
    needed = sum(len(lines) for _, lines in wrapped)
    # A block that starts a page may waste lines, so that "needed" can lie within the room.
    over = max(1, needed - room) * model.columns
    reason = say(
        "pages", locale, n=max(needed, room + 1), room=room, pages=model.max_pages, lines=rows,
        width=model.columns,
    )  # fmt: skip
    field = max(wrapped, key=lambda pair: len(pair[1]))[0].field
    return Refusal(field, reason, say("pages_fix", locale, over=over))
