"""Abbreviations: whole words or groups of words, by the lists in config/panels."""

import re
from enum import IntEnum
from functools import lru_cache

import yaml

from channels.panels.model import PANELS


class Level(IntEnum):
    """How much may be shortened."""

    FULL = 0
    COMMON = 1
    TIGHT = 2


def shorten(text: str, language: str, level: Level) -> str:
    """`text` with the abbreviations of `language` (BCP 47) up to `level`; capitals are kept."""
    pattern, words = _lexicon(language.partition("-")[0].lower(), level)
    if pattern is None:
        return text

    def short(match: re.Match[str]) -> str:
        found = match.group().removesuffix(".")
        said = words[" ".join(found.lower().split())]
        if not said.endswith("."):
            said += match.group()[len(found) :]
        if found.isupper() and len(found) > 1:
            return said.upper()
        return said[:1].upper() + said[1:] if found[:1].isupper() else said

    return pattern.sub(short, text)


@lru_cache(maxsize=16)
def _lexicon(language: str, level: Level) -> tuple[re.Pattern[str] | None, dict[str, str]]:
    path = PANELS / f"abbreviations.{language}.yaml"
    if level is Level.FULL or not re.fullmatch(r"[a-z]{2,3}", language) or not path.exists():
        return None, {}
    data = yaml.safe_load(path.read_text("utf-8"))
    words = {str(k).lower(): str(v) for k, v in data["common"].items()}
    if level is Level.TIGHT:
        words |= {str(k).lower(): str(v) for k, v in data["tight"].items()}
    # Longest first, so that "salle des fêtes" wins over "salle"; a hyphen belongs to the word:
    # Saint-Martin is a name, and "Villard-Place" does not lie on a square.
    choices = "|".join(re.escape(w) for w in sorted(words, key=len, reverse=True))
    return re.compile(rf"(?<![\w'-])(?:{choices})(?![\w'-])\.?", re.IGNORECASE), words
