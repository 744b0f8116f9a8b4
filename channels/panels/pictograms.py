"""Pictograms and colours of matrices, read from config/panels/pictograms."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import yaml

from channels.panels.model import PANELS

HERE: Final = PANELS / "pictograms"


class BadPictogram(ValueError):
    """A drawing that is not a square of # and ."""


@dataclass(frozen=True, slots=True)
class Pictogram:
    """`rows`: one integer a row from the top, the most significant bit is the leftmost dot."""

    size: int
    rows: tuple[int, ...]

    def shape(self, stride: int) -> int:
        """All rows in one integer, `stride` bits apart."""
        shape = 0
        for row in self.rows:
            shape = (shape << stride) | row
        return shape


def load(name: str) -> Pictogram:
    """Raises KeyError."""
    return everything()[name]


@lru_cache(maxsize=1)
def everything() -> Mapping[str, Pictogram]:
    """All drawings of pictograms.txt by name."""
    found = {}
    for block in (HERE / "pictograms.txt").read_text("utf-8").split("\n\n"):
        name, *rows = block.strip("\n").split("\n")
        if not rows or name.startswith("#"):
            continue
        if {len(row) for row in rows} != {len(rows)} or set("".join(rows)) - {"#", "."}:
            raise BadPictogram(f"{name} is not a square of # and .")
        bits = (int(row.replace("#", "1").replace(".", "0"), 2) for row in rows)
        found[name] = Pictogram(len(rows), tuple(bits))
    return found


@lru_cache(maxsize=1)
def dress() -> Mapping[str, Any]:
    """dress.yaml: which pictogram and which colours for which notice."""
    data: dict[str, Any] = yaml.safe_load((HERE / "dress.yaml").read_text("utf-8"))
    return data
