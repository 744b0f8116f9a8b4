"""Letters a face has: folding what it lacks, wrapping without ever cutting a word."""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

GLUE: Final = "\u00a0"  # a blank at which a line is broken only where nothing else helps

# What people type, in the plainest form that keeps the meaning. Applied on every face.
_PLAIN: Final = str.maketrans(
    {
        "’": "'", "‘": "'", "ʼ": "'", "“": '"', "”": '"', "„": '"', "–": "-", "—": "-",
        "‑": "-", "−": "-", "…": "...", "×": "x", "•": "-", "\u202f": GLUE, "\u2009": GLUE,
        "\u00ad": "", "\u200b": "", "\u200c": "", "\u200d": "", "\ufeff": "", "\ufe0f": "",
        "\t": " ", "\r": " ", "\n": " ",
    }
)  # fmt: skip
# Used only where the face has no glyph.
_FOLDED: Final = {
    "œ": "oe", "Œ": "OE", "æ": "ae", "Æ": "AE", "«": '"', "»": '"', "€": "EUR", "°": "o",
    "º": "o", "ª": "a", "¿": "", "¡": "", "ß": "ss", "·": ".", "²": "2", "³": "3", "½": "1/2",
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
}  # fmt: skip
_DEGREES = re.compile(r"\s?°\s?C\b")
_BLANKS = re.compile(rf"[ {GLUE}]*{GLUE}[ {GLUE}]*")
_BEFORE = re.compile(r" ([:;?!»%€])")
_AFTER = re.compile(r"([«]) ")


class TooLong(ValueError):
    """A word is wider than a line."""

    def __init__(self, word: str, width: int) -> None:
        super().__init__(f"{word!r} is wider than {width}")
        self.word, self.width = word, width


def plain(text: str) -> str:
    """One line in plain typography; blanks that French keeps before ":" and the like are glued."""
    text = unicodedata.normalize("NFC", text.translate(_PLAIN))
    text = " ".join(part for part in text.split(" ") if part)
    text = _AFTER.sub(rf"\1{GLUE}", _BEFORE.sub(rf"{GLUE}\1", text))
    return _BLANKS.sub(GLUE, text).strip(f" {GLUE}")


def fold(text: str, alphabet: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """`text` in letters of `alphabet`, and what cannot be written in it at all, once each."""
    if "°" not in alphabet:
        text = _DEGREES.sub(f"{GLUE}C", text)
    out: list[str] = []
    missing: list[str] = []
    for letter in text:
        if letter in alphabet or letter == GLUE:
            out.append(letter)
            continue
        bare = _FOLDED.get(letter)
        if bare is None:
            decomposed = unicodedata.normalize("NFKD", letter)
            bare = "".join(c for c in decomposed if not unicodedata.combining(c))
        if all(c in alphabet for c in bare) and (bare or letter in _FOLDED):
            out.append(bare)
        elif letter not in missing:
            missing.append(letter)
    return "".join(out), tuple(missing)


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most `width` characters. A word is never cut: a compound wider than a line breaks
    after a hyphen, and anything else wider than a line raises TooLong."""
    lines: list[str] = []
    for word in _words(text, width):
        piece, glued = word
        joint = "" if glued else " "
        if lines and len(lines[-1]) + len(joint) + len(piece) <= width:
            lines[-1] += joint + piece
        else:
            lines.append(piece)
    return lines


def _words(text: str, width: int) -> Iterable[tuple[str, bool]]:
    """(piece, joined to the one before it without a blank)."""
    for word in text.split(" "):
        if not word:
            continue
        if len(word) <= width:
            yield word.replace(GLUE, " "), False
            continue
        for part in word.split(GLUE):
            yield from _parts(part, width)


def _parts(word: str, width: int) -> Iterable[tuple[str, bool]]:
    if len(word) <= width:
        if word:
            yield word, False
        return
    parts = re.findall(r"[^-]*-+|[^-]+", word)
    if max(len(part) for part in parts) > width:
        raise TooLong(max(parts, key=len), width)
    for index, part in enumerate(parts):
        yield part, index > 0
