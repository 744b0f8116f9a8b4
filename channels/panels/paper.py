"""Pages to print: a template and its words, files beside the module that fills them in."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

LOCALES: Final = ("fr", "en", "es")


def tongue(locale: str, other: str = "fr") -> str:
    """`locale` if a page speaks it, else `other`."""
    return locale if locale in LOCALES else other


def region(said: str) -> str:
    """The locale of a page's days and hours: English ones are those of Europe."""
    return "en_GB" if said == "en" else said


@lru_cache(maxsize=4)
def words(path: Path) -> dict[str, Any]:
    """A YAML file, read once."""
    data: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    return data


@lru_cache(maxsize=4)
def template(path: Path) -> Any:
    """A Jinja template that escapes, and raises where a word is missing."""
    jinja = Environment(
        loader=FileSystemLoader(path.parent),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template(path.name)
