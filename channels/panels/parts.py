"""What a notice says, as the parts a panel shows: what, where, when, what to do, who says."""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, TypeAlias

from channels.panels.letters import GLUE, fold, plain, right_to_left
from channels.panels.lexicon import Level, shorten
from channels.panels.model import Model, font_letters
from channels.panels.says import say
from channels.panels.when import when
from hub.contracts import Notice, Refusal

Kind: TypeAlias = Literal["what", "where", "when", "do", "who"]
_WORD: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Part:
    """An answer to one question. `field` is the input it comes from. `words` are plain but whole;
    for `when`, one for each level."""

    kind: Kind
    field: str
    words: tuple[str, ...]
    language: str

    def at(self, level: Level, model: Model) -> str:
        """The words in the letters of a face, shortened up to `level`."""
        words = self.words[level] if len(self.words) > 1 else self.words[0]
        return _ready(words, self.language, level, *_letters(model))


def parts_of(notice: Notice, language: str, model: Model, locale: str) -> list[Part] | Refusal:
    """The parts in the order they are shown, `who` last; a Refusal where there is nothing to say,
    or a sign the face cannot draw: it is named, never dropped."""
    text = notice.text_in(language)
    what = _capital(plain(text.short or text.headline))
    where, do = _capital(plain(notice.area_desc)), _capital(plain(text.instruction))
    said = _words(what)
    if _within(where, said):
        where = ""
    if _within(do, said):
        do = ""
    shown: list[tuple[Kind, str, tuple[str, ...]]] = [
        ("what", "short" if text.short else "headline", (what,)),
        ("where", "area_desc", (where,)),
        ("when", "expires", tuple(plain(when(notice, language, level)) for level in Level)),
        ("do", "instruction", (do,)),
        ("who", "station", (plain(notice.station_name or notice.authority_name),)),
    ]
    if not what:
        return Refusal("headline", say("empty", locale), say("empty_fix", locale))
    parts = [Part(kind, field, words, language) for kind, field, words in shown if words[0]]
    for part in parts:
        trouble = _unwritable(part, model, locale)
        if trouble is not None and part.kind == "who":
            return [other for other in parts if other.kind != "who"]
        if trouble is not None:
            return trouble
    return parts


def _unwritable(part: Part, model: Model, locale: str) -> Refusal | None:
    for words in dict.fromkeys(part.words):
        if right_to_left(words):
            return Refusal(part.field, say("rtl", locale), say("rtl_fix", locale))
        missing = fold(words, model.alphabet)[1]
        if missing:
            named = ", ".join(f"« {letter} »" for letter in missing)
            return Refusal(
                part.field, say("glyph", locale, letters=named), say("glyph_fix", locale)
            )
    return None


def _words(text: str) -> str:
    """Only its words, to compare."""
    return f" {' '.join(_WORD.findall(text.casefold()))} "


def _capital(text: str) -> str:
    first = text[:1].upper()
    return first + text[1:] if first.lower() == text[:1] else text


def _within(text: str, said: str) -> bool:
    return bool(text) and _words(text) in said


def _letters(model: Model) -> tuple[str, bool]:
    font = "" if model.glyphs == "ascii" else ",".join(model.fonts or (model.font,))
    return font, model.case == "upper"


@lru_cache(maxsize=16384)
def _ready(words: str, language: str, level: Level, fonts: str, upper: bool) -> str:
    alphabet = _alphabet(fonts)
    text = fold(shorten(words, language, level), alphabet)[0]
    return text.upper() if upper else text


@lru_cache(maxsize=8)
def _alphabet(fonts: str) -> frozenset[str]:
    if not fonts:
        return frozenset(map(chr, range(32, 127))) | {GLUE}
    return frozenset.intersection(*map(font_letters, fonts.split(","))) | {GLUE}
