"""The categories of config/categories.yaml: key, CAP code, names, default duration."""

from collections.abc import Mapping
from datetime import timedelta
from functools import lru_cache
from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict

from hub import settings


class UnknownCategory(ValueError):
    """The text names the categories there are."""


class Category(BaseModel):
    """`labels` maps a language to the name; `lasts` bounds a notice that states no end."""

    model_config = ConfigDict(frozen=True)

    key: str
    cap: str
    labels: Mapping[str, str]
    lasts: timedelta
    icon: str

    def label(self, language: str) -> str:
        return self.labels.get(language) or self.labels["fr"]


@lru_cache(maxsize=4)
def _read(path: Path) -> dict[str, Category]:
    rows = yaml.safe_load(path.read_text(encoding="utf-8"))
    return {
        key: Category(
            key=key,
            cap=row["cap"],
            labels={language: row[language] for language in ("fr", "en", "es")},
            lasts=timedelta(hours=row["hours"]),
            icon=row["icon"],
        )
        for key, row in rows.items()
    }


def everything() -> dict[str, Category]:
    """key → category, in the order of the file."""
    return _read(settings.get().config / "categories.yaml")


def get(key: str) -> Category:
    """A category by its key, or by a CAP code in any case. Raises UnknownCategory."""
    found = everything().get(key.strip().lower())
    if found is None:
        raise UnknownCategory(f"{key!r} is not a category; there are: {', '.join(everything())}")
    return found
