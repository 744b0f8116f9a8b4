"""Whether two entries of two agendas are the same event. Pure.

The same start, a place that does not contradict, a title that says the same: two concerts in one
hall at one hour stay two.
"""

import re
import unicodedata
from typing import Final

_LETTERS: Final = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss", "’": "'", "ø": "o", "ł": "l"})


def fold(text: str) -> str:
    """Small letters without accents, words apart by one space: « L’Été » → "l ete"."""
    plain = unicodedata.normalize("NFKD", text.lower().translate(_LETTERS))
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    return " ".join(re.findall(r"[^\W_]+", plain))


def same_title(one: str, other: str) -> bool:
    """Whether two titles name the same: equal but for blanks and plurals, or one within the other.
    Numbers must agree (« Atelier 1 » is not « Atelier 2 »), and a letter amiss is no likeness
    (« Exposition Monet », « Exposition Manet »): two entries are better than a lost one."""
    first, second = _singular(one), _singular(other)
    if not first or not second:
        return False
    if "".join(first) == "".join(second):
        return True
    numbers = [{word for word in words if word.isdigit()} for words in (first, second)]
    if numbers[0] and numbers[1] and numbers[0] != numbers[1]:
        return False
    few, many = sorted((set(first), set(second)), key=len)
    return len([word for word in few if len(word) > 3]) >= 2 and few <= many


def _singular(text: str) -> list[str]:
    return [
        word[:-1] if len(word) > 3 and word[-1] in "sx" else word for word in fold(text).split()
    ]


def same_place(one: str, other: str) -> bool:
    """Whether two places may be one: unknown, equal, or one within the words of the other."""
    first, second = set(fold(one).split()), set(fold(other).split())
    return first <= second or second <= first
