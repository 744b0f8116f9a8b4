"""Letters: plain typography, what belongs together, folding what a face lacks."""

import re
import unicodedata
from functools import lru_cache
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
    "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "µ": "u", "→": "->", "←": "<-",
}  # fmt: skip
_DEGREES = re.compile(r"\s?°\s?C\b")
_BLANKS = re.compile(rf"[ {GLUE}]*{GLUE}[ {GLUE}]*")
_BEFORE = re.compile(r" ([:;?!»%€])")
_AFTER = re.compile(r"([«]) ")
_HOURS = re.compile(
    rf"(?<![\w:])([01]?\d|2[0-4])[ {GLUE}]?[hH](?:eures?)?"
    rf"(?:[ {GLUE}]?([0-5]\d))?(?![\w])"
)
_SPAN = re.compile(r"(\d(?:h|h?\d\d)?) (à|a|to|-) (?=\d{1,2}(?:h|:))")
_MONTHS: Final = (
    "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre|"
    "january|february|march|april|may|june|july|august|september|october|november|december|"
    "enero|febrero|marzo|abril|mayo|junio|julio|agosto|septiembre|octubre|noviembre|diciembre"
)
# What is read in one go stays on one line: 12 mars, n° 4, 30 km/h, M. Dupont, 10 000.
_TOGETHER = re.compile(
    rf"(?<=\d)(?:er)? (?:de )?(?=(?:{_MONTHS})\b)|(?<=\d) (?=(?:km|m|t|mm|cm|kg|ans)\b)"
    r"|(?<=\bn[°º]) (?=\d)|(?<=\bM\.) (?=\w)|(?<=\d) (?=\d{3}\b)",
    re.IGNORECASE,
)
_TELEPHONE = re.compile(r"\b0\d(?: \d\d){4}\b|\b\d{3}(?: \d{2,3}){2,3}\b")
_PRICE = re.compile(rf"(?<=\d)[ {GLUE}]?€")
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN"})


@lru_cache(maxsize=4096)
def plain(text: str) -> str:
    """One line in plain typography: hours as 9h30, and glued what is read in one go (12 mars, a
    telephone number, the blank that French keeps before ":")."""
    text = unicodedata.normalize("NFC", text.translate(_PLAIN))
    text = " ".join(part for part in text.split(" ") if part)
    if any(letter.isdigit() for letter in text):
        text = _HOURS.sub(lambda hour: f"{hour[1]}h{hour[2] or ''}", text)
        text = _TELEPHONE.sub(_glued, text)
        text = _TOGETHER.sub(_glued, text)
        text = _SPAN.sub(rf"\1{GLUE}\2{GLUE}", text)
    text = _AFTER.sub(rf"\1{GLUE}", _BEFORE.sub(rf"{GLUE}\1", text))
    return _BLANKS.sub(GLUE, text).strip(f" {GLUE}")


def _glued(found: re.Match[str]) -> str:
    return found[0].replace(" ", GLUE)


def right_to_left(text: str) -> bool:
    """Whether any of it is written from right to left (Unicode UAX 9)."""
    if text.isascii():
        return False
    return any(unicodedata.bidirectional(letter) in _RIGHT_TO_LEFT for letter in text)


def fold(text: str, alphabet: frozenset[str]) -> tuple[str, tuple[str, ...]]:
    """`text` in letters of `alphabet`, and what cannot be written in it at all, once each."""
    if "°" not in alphabet:
        text = _DEGREES.sub(f"{GLUE}C", text)
    if "€" not in alphabet:
        text = _PRICE.sub(f"{GLUE}EUR", text)
    if alphabet.issuperset(text):
        return text, ()
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
