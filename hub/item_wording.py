"""The words of a notice that comes from a source, where the source gives none: templates by level,
category, kind and language, from config/templates/items.yaml. The source's own words come first.
"""

import re
from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from babel.dates import format_datetime
from pydantic import BaseModel, ConfigDict, field_validator

from hub import categories, clock, settings
from hub.contracts import Item, Text
from hub.models import Authority

FIELDS: Final = ("headline", "description", "instruction", "short")
PLACES: Final = frozenset(
    {"headline", "description", "event", "category", "level", "place", "source", "starts", "ends"}
)
_PART: Final = re.compile(r"\[([^\[\]]*)\]")
_NAME: Final = re.compile(r"\{(\w+)\}")


class Template(BaseModel):
    """`when` holds allowed values of level, category and kind; the languages hold words."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str
    when: dict[str, str | list[str]]
    fr: dict[str, str] = {}
    en: dict[str, str] = {}
    es: dict[str, str] = {}

    @field_validator("when")
    @classmethod
    def _asked(cls, value: dict[str, Any]) -> dict[str, Any]:
        if unknown := set(value) - {"level", "category", "kind"}:
            raise ValueError(f"there is no {sorted(unknown)[0]!r}; level, category or kind")
        return value

    @field_validator("fr", "en", "es")
    @classmethod
    def _filled(cls, value: dict[str, str]) -> dict[str, str]:
        if unknown := set(value) - set(FIELDS):
            raise ValueError(f"there is no field {sorted(unknown)[0]!r}; {', '.join(FIELDS)}")
        used = {name for text in value.values() for name in _NAME.findall(text)}
        if unknown := used - PLACES:
            raise ValueError(f"there is no {{{sorted(unknown)[0]}}}")
        return value

    def suits(self, facts: Mapping[str, str]) -> bool:
        return all(facts[k] in ([v] if isinstance(v, str) else v) for k, v in self.when.items())

    def words(self, language: str) -> dict[str, str]:
        found: dict[str, str] = getattr(self, language, {})
        return found


class Wordings(BaseModel):
    """The file as a whole."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    levels: dict[str, dict[str, str]]
    templates: list[Template]


def worded(item: Item, category: str, source: str, authority: Authority) -> dict[str, Text]:
    """The texts of an item, empty fields filled by the templates that suit it. Where it speaks none
    of the authority's languages, a text in the first of them comes first."""
    wordings = _read(settings.get().config / "templates" / "items.yaml")
    facts = {"level": item.level, "category": category, "kind": item.kind}
    suiting = [t for t in wordings.templates if t.suits(facts)]
    given = dict(item.texts)
    spoken = {name.partition("-")[0].lower() for name in given}
    first = authority.languages[0][:2]
    if not spoken & {name[:2] for name in authority.languages} and first in ("fr", "en", "es"):
        given = {first: Text("")} | given
    made = {}
    for name, text in given.items():
        language = name.partition("-")[0].lower()
        values = _values(item, category, source, authority, language, wordings, text)
        words = {field: getattr(text, field) for field in FIELDS}
        for template in suiting:
            for field, pattern in template.words(language).items():
                # Without a title of its own the text is ours from the first word to the last.
                ours = not text.headline or field not in ("headline", "description")
                if ours and not words[field]:
                    words[field] = fill(pattern, values)
        if words["headline"]:
            made[name] = Text(**words)
    return made


def fill(pattern: str, values: Mapping[str, str]) -> str:
    """The pattern with its places filled; a part in brackets goes where a place in it is empty."""

    def part(found: re.Match[str]) -> str:
        inner = found[1]
        return inner if all(values.get(name) for name in _NAME.findall(inner)) else ""

    text = _NAME.sub(lambda m: values.get(m[1], ""), _PART.sub(part, pattern))
    return re.sub(r"[ \t]{2,}", " ", text).strip()


def _values(
    item: Item,
    category: str,
    source: str,
    authority: Authority,
    language: str,
    wordings: Wordings,
    text: Text,
) -> dict[str, str]:
    original = text if text.headline else next(iter(item.texts.values()), text)
    known = categories.everything().get(category)
    begins = item.onset or item.effective or item.sent
    return {
        "headline": original.headline.rstrip(" ."),
        "description": original.description,
        "event": item.event,
        "category": known.label(language) if known else category,
        "level": wordings.levels.get(item.level, {}).get(language, ""),
        "place": item.place or item.area_desc,
        "source": source,
        "starts": _moment(begins, authority.timezone, language, item.all_day),
        "ends": _moment(item.expires, authority.timezone, language, item.all_day),
    }


def _moment(moment: datetime | None, zone: str, language: str, all_day: bool) -> str:
    if moment is None:
        return ""
    locale = language if language in ("fr", "en", "es") else "fr"
    pattern = "d MMMM" if all_day else ("d MMMM, H'h'mm" if locale == "fr" else "d MMMM, HH:mm")
    return str(format_datetime(clock.local(moment, zone), pattern, locale=locale))


@lru_cache(maxsize=2)
def _read(path: Path) -> Wordings:
    """Raises pydantic.ValidationError that names the template and the field."""
    return Wordings.model_validate(yaml.safe_load(path.read_text("utf-8")))
