"""Panel models: what a face can carry, read from config/panels/*.yaml. Data, not code."""

import re
from functools import lru_cache
from pathlib import Path
from typing import Final, Literal

import yaml
from pydantic import Field, model_validator

from hub.contracts import StrictOptions

PANELS: Final = Path(__file__).resolve().parents[2] / "config" / "panels"
_GLYPH = re.compile(r"^U\+([0-9A-F]{4,6}) ", re.MULTILINE)
_ASCII: Final = frozenset(chr(code) for code in range(32, 127))


class Box(StrictOptions):
    """Dots."""

    width: int = Field(ge=5)
    height: int = Field(ge=8)


class Gap(StrictOptions):
    """Dots that are not there, between characters."""

    x: int = Field(ge=0)
    y: int = Field(ge=0)


class Model(StrictOptions):
    """A panel model. `columns` and `lines` count characters, `max_bytes` a whole plan, `hold_ms`
    is how long a page stays at least, `max_hold_ms` at most. `glyphs`: "ascii", or "latin" for all
    that the font draws. `font` is what the panel itself draws text with; a matrix with `fonts` (the
    largest first) is sent pictures instead. `pitch_mm` lies from dot to dot, `viewing_m` between
    the face and who reads it."""

    name: str
    title: str
    colour: Literal["amber", "red", "white", "rgb"] = "amber"
    columns: int = Field(ge=8, le=80)
    lines: int = Field(ge=2, le=40)
    case: Literal["upper", "as-is"] = "as-is"
    glyphs: Literal["ascii", "latin"] = "latin"
    max_pages: int = Field(3, ge=1, le=9)
    max_items: int = Field(32, ge=1, le=200)
    max_bytes: int = Field(4096, ge=1024, le=65536)
    hold_ms: int = Field(6000, ge=1000, le=60000)
    max_hold_ms: int = Field(20000, ge=1000, le=60000)
    pitch_mm: float = Field(10, gt=0, le=100)
    viewing_m: float = Field(15, gt=0, le=500)
    fonts: tuple[str, ...] = ()
    font: str = "5x7"
    gap: Gap | None = None
    width: int | None = None
    height: int | None = None
    cell: Box | None = None

    @model_validator(mode="after")
    def _room(self) -> "Model":
        if self.cell and self.width and self.height:
            if self.columns * self.cell.width > self.width:
                raise ValueError("the columns are wider than the matrix")
            if self.lines * self.cell.height > self.height:
                raise ValueError("the lines are higher than the matrix")
        if self.fonts and not (self.width and self.height):
            raise ValueError("fonts need the width and height of a matrix")
        return self

    @property
    def graphic(self) -> bool:
        """Whether its pages are pictures."""
        return bool(self.fonts)

    @property
    def alphabet(self) -> frozenset[str]:
        """The characters this face has a glyph for."""
        if self.glyphs == "ascii":
            return _ASCII
        return frozenset.intersection(*map(font_letters, self.fonts or (self.font,)))


class UnknownModel(ValueError):
    """No such model; the text names those there are."""


def names() -> list[str]:
    """The models there are."""
    return sorted(
        path.stem for path in PANELS.glob("*.yaml") if not path.stem.startswith("abbreviations.")
    )


@lru_cache(maxsize=64)
def load(name: str) -> Model:
    """Raises UnknownModel, and pydantic's ValidationError for a file that is not a model."""
    if name not in names():
        raise UnknownModel(f"{name!r} is not a panel model; there are: {', '.join(names())}")
    return Model(name=name, **yaml.safe_load((PANELS / f"{name}.yaml").read_text("utf-8")))


@lru_cache(maxsize=8)
def font_letters(font: str) -> frozenset[str]:
    """The characters a bitmap font of config/panels/fonts draws."""
    text = (PANELS / "fonts" / f"{font}.txt").read_text("utf-8")
    return frozenset(chr(int(code, 16)) for code in _GLYPH.findall(text))
