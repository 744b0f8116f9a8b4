"""Abbreviations: whole words or groups of words, by the lists in config/panels."""

import re
from collections.abc import Mapping
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final

import yaml

from channels.panels.model import PANELS

_NAME: Final = r"[A-ZÀ-Ý][a-zß-ÿœ]|\d"


class Level(IntEnum):
    """How much may be shortened."""

    FULL = 0
    COMMON = 1
    TIGHT = 2


@lru_cache(maxsize=8192)
def shorten(text: str, language: str, level: Level) -> str:
    """`text` with the abbreviations of `language` (BCP 47) up to `level`; capitals are kept. A word
    that the list replaces by nothing (veuillez) hands its capital to the next one."""
    if level is Level.FULL:
        return text
    pattern, words = _lexicon(language.partition("-")[0].lower(), level)
    if pattern is None:
        return text

    def short(match: re.Match[str]) -> str:
        found = match.group().removesuffix(".")
        said = words[" ".join(found.lower().split())]
        if not said:
            return "\x00" if found[:1].isupper() else ""
        if not said.endswith("."):
            said += match.group()[len(found) :]
        if found.isupper() and len(found) > 1:
            return said.upper()
        return said[:1].upper() + said[1:] if found[:1].isupper() else said

    done = pattern.sub(short, text)
    if "\x00" in done or len(done) < len(text):
        done = re.sub(r"\x00\s*(\w?)", lambda match: match[1].upper(), done)
        done = " ".join(part for part in done.split(" ") if part)
    return done


@lru_cache(maxsize=16)
def _lexicon(language: str, level: Level) -> tuple[re.Pattern[str] | None, Mapping[str, str]]:
    path = PANELS / f"abbreviations.{language}.yaml"
    if not re.fullmatch(r"[a-z]{2,3}", language) or not path.exists():
        return None, {}
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    words = {str(k).lower(): str(v) for k, v in data["common"].items()}
    if level is Level.TIGHT:
        words |= {str(k).lower(): str(v) for k, v in data["tight"].items()}
    streets = {str(k).lower(): str(v) for k, v in data["streets"]["words"].items()}
    choices = f"(?i:{_either(words)})|{_street(data['streets'], streets)}"
    # A hyphen belongs to the word: Saint-Martin is a name, and "Villard-Place" lies on no square.
    return re.compile(rf"(?<![\w'-])(?:{choices})(?![\w'-])\.?"), streets | words


def _street(rule: Mapping[str, Any], words: Mapping[str, str]) -> str:
    """Kinds of street beside a name only: "Station Road", "rue du Moulin", not "route barrée"."""
    if rule["side"] == "after":
        return rf"(?<=[a-z]\s)(?:{_either({word.capitalize(): '' for word in words})})"
    links = "|".join(re.escape(link) for link in rule["links"])
    named = rf"(?=\s(?:(?i:{links})(?:(?<=')|\b)|{_NAME}))"
    clear = {word: short for word, short in words.items() if word not in rule["nouns"]}
    return rf"(?i:{_either(words)}){named}|(?:{_either(_capitals(clear))})(?=\s[A-ZÀ-Ý])"


def _capitals(words: Mapping[str, str]) -> Mapping[str, str]:
    return {word.upper(): short for word, short in words.items()}


def _either(words: Mapping[str, str]) -> str:
    """Longest first, so that "salle des fêtes" wins over "salle"."""
    return "|".join(
        re.escape(word).replace(r"\ ", r"\s") for word in sorted(words, key=len, reverse=True)
    )
