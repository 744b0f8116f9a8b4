"""SMS text: the GSM 7-bit alphabet, the folding of what it lacks, and the count of segments.

Alphabet and extension table: 3GPP TS 23.038 section 6.2.1 (the former GSM 03.38); segments of a
concatenated message: 3GPP TS 23.040 section 9.2.3.24.1 (a header of 6 octets leaves 153 septets or
67 UTF-16 units). National shift tables are not used: few operators pass them on.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

# Position in the string = code of the character; code 27 is the escape to the extension table.
BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ"
    " !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
EXTENSION: Final = {
    "\f": 0x0A, "^": 0x14, "{": 0x28, "}": 0x29, "\\": 0x2F,
    "[": 0x3C, "~": 0x3D, "]": 0x3E, "|": 0x40, "€": 0x65,
}  # fmt: skip

SINGLE: Final = {"gsm7": 160, "ucs2": 70}
JOINED: Final = {"gsm7": 153, "ucs2": 67}

_ESCAPE: Final = "\x1b"
_COST: Final = {c: 1 for c in BASIC if c != _ESCAPE} | dict.fromkeys(EXTENSION, 2)

# Letters and signs without a decomposition that reads the same.
_SIGNS: Final = {
    "œ": "oe", "Œ": "OE", "ĳ": "ij", "Ĳ": "IJ", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH",
    "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ı": "i", "ẞ": "SS",
    "«": '"', "»": '"', "“": '"', "”": '"', "„": '"', "‟": '"', "‹": "'", "›": "'",
    "’": "'", "‘": "'", "‚": "'", "‛": "'", "′": "'", "″": '"', "`": "'", "´": "'",
    "–": "-", "—": "-", "‐": "-", "‑": "-", "‒": "-", "―": "-", "−": "-", "•": "-", "·": "-",
    "…": "...", "×": "x", "÷": "/", "⁄": "/", "→": "->", "←": "<-", "⇒": "=>",
    "≤": "<=", "≥": ">=", "≈": "~", "±": "+/-", "µ": "u", "°": "deg", "©": "(c)", "®": "(R)",
    "ª": "a", "º": "o", "¢": "c", "‰": " pour mille", "†": "+",
}  # fmt: skip
_NUMERO: Final = re.compile(r"(?<=[nN])[°º]\s?")
_GUILLEMETS: Final = re.compile(r"(?<=«)\s|\s(?=»)")
# What has no width and no meaning once alone: soft hyphen, joiners, variation selectors, tags, BOM.
_SILENT: Final = re.compile(
    "[\u00ad\u200b-\u200f\u2060-\u2064\ufe00-\ufe0f\ufeff\U000e0000-\U000e007f]"
)
_SKIN: Final = range(0x1F3FB, 0x1F400)


@dataclass(frozen=True, slots=True)
class SmsText:
    """A text as a telephone will receive it.

    `folded` lists what was replaced, each pair once, in order of appearance; a character that was
    dropped is paired with "". Folded spaces are not listed. `septets` counts code units of the
    encoding (7-bit septets, or UTF-16 units for ucs2); `used` adds the units left empty at the end
    of a segment where a pair would not fit. `segments` is what the operator bills.
    """

    text: str
    encoding: Literal["gsm7", "ucs2"]
    folded: tuple[tuple[str, str], ...]
    septets: int
    used: int
    segments: int

    def over(self, max_segments: int) -> int:
        """How many units too many for `max_segments`; zero or less when it fits."""
        if max_segments == 1:
            return self.used - SINGLE[self.encoding]
        return self.used - JOINED[self.encoding] * max_segments


def encode_plan(text: str) -> SmsText:
    """How `text` goes out: folded into GSM-7 where every letter has a fold, else untouched as
    UCS-2 (Cyrillic, Arabic, Chinese ... have none)."""
    folded = fold(text)
    if folded is not None:
        plain, pairs = folded
        costs = [_COST[c] for c in plain]
        return _plan(plain, "gsm7", pairs, costs)
    return _plan(text, "ucs2", (), [2 if ord(c) > 0xFFFF else 1 for c in text])


def _plan(
    text: str,
    encoding: Literal["gsm7", "ucs2"],
    folded: tuple[tuple[str, str], ...],
    costs: list[int],
) -> SmsText:
    total = sum(costs)
    if total <= SINGLE[encoding]:
        return SmsText(text, encoding, folded, total, total, 1)
    size, segments, filled = JOINED[encoding], 1, 0
    for cost in costs:
        if filled + cost > size:  # an escape pair or a surrogate pair is never cut in two
            segments, filled = segments + 1, 0
        filled += cost
    return SmsText(text, encoding, folded, total, (segments - 1) * size + filled, segments)


def fold(text: str) -> tuple[str, tuple[tuple[str, str], ...]] | None:
    """`text` in the GSM alphabet with what was replaced, or None when a letter has no fold.

    ê becomes e, ç becomes c (only the capital Ç is in the alphabet), œ oe, « » a straight quote;
    an emoji is dropped: one of them would cut a segment from 160 characters to 70.
    """
    text = text.replace("\r\n", "\n")
    text = _GUILLEMETS.sub("", unicodedata.normalize("NFC", text))
    out: list[str] = []
    pairs: dict[tuple[str, str], None] = {}
    gap = False  # something was dropped since the last letter: one space there is enough
    position = 0
    while position < len(text):
        numero = _NUMERO.match(text, position)
        if numero:
            pairs[(text[position], "o ")] = None
            out.append("o ")
            position = numero.end()
            continue
        char = text[position]
        position += 1
        plain = char if char in _COST else _fold_one(char)
        if plain is None:
            return None
        if plain != char and not char.isspace() and not _SILENT.match(char):
            pairs[(char, plain)] = None
        if not plain:
            gap = True
        elif not (gap and plain == " " and out and out[-1] == " "):
            out.append(plain)
            gap = gap and plain == " "
    return "".join(out).strip(" "), tuple(pairs)


def _fold_one(char: str) -> str | None:
    if char in _SIGNS:
        return _SIGNS[char]
    if char.isspace():
        return " "
    if _SILENT.match(char) or ord(char) in _SKIN or unicodedata.category(char) in ("Cc", "Cf"):
        return ""
    plain = "".join(_decomposed(char))
    if plain and all(c in _COST for c in plain):
        return plain
    # Symbols (So: emoji, dingbats), modifiers (Sk) and lone marks carry no letter of their own.
    if unicodedata.category(char) in ("So", "Sk", "Mn", "Me", "Co", "Cn"):
        return ""
    return None


def _decomposed(char: str) -> Iterator[str]:
    for part in unicodedata.normalize("NFKD", char):
        if not unicodedata.combining(part):
            yield _SIGNS.get(part, part)
