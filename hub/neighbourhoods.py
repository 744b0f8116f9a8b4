"""The neighbourhoods of an authority by the names people use, from which phones choose cells.

`config/neighbourhoods/<authority code>.yaml` is a list of `name` with `area` (GeoJSON) or `around`
([longitude, latitude]), and `radius_m`. Without a file there is none to choose; a grid of the
territory's cells lets a browser find those around it by itself.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import structlog
import yaml
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from hub import cells, geo, settings

log = structlog.get_logger()

_MOST_IN_GRID = 600


class Written(BaseModel):
    """One entry of the file."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=60)
    area: dict[str, Any] | None = None
    around: tuple[float, float] | None = None
    radius_m: float = Field(0, ge=0, le=20_000)

    @model_validator(mode="after")
    def _one(self) -> "Written":
        if (self.area is None) == (self.around is None):
            raise ValueError("give area, or around and radius_m")
        geo.validate(self.geometry)
        return self

    @property
    def geometry(self) -> Mapping[str, Any]:
        return self.area or {"type": "Point", "coordinates": list(self.around or ())}


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """`cells` in hexadecimal, as phones name them."""

    name: str
    cells: tuple[str, ...]


def of_authority(code: str) -> tuple[Neighbourhood, ...]:
    """Those of its file, in its order; a file that cannot be read counts as none, and is logged."""
    path = settings.get().config / "neighbourhoods" / f"{code}.yaml"
    try:
        return _read(path, path.stat().st_mtime_ns)
    except FileNotFoundError:
        return ()
    except (OSError, yaml.YAMLError, ValidationError, geo.GeoError) as error:
        log.warning("neighbourhoods cannot be read", file=path.name, error=str(error)[:300])
        return ()


@lru_cache(maxsize=64)
def _read(path: Path, _changed: int) -> tuple[Neighbourhood, ...]:
    rows = TypeAdapter(list[Written]).validate_python(yaml.safe_load(path.read_text("utf-8")))
    return tuple(
        Neighbourhood(
            row.name, tuple(cells.name(c) for c in cells.covering(row.geometry, row.radius_m))
        )
        for row in rows
    )


def grid(territory: Mapping[str, Any] | None) -> list[tuple[str, float, float]]:
    """(cell, longitude, latitude of its middle) over a territory; [] where it is unknown or so
    large that a page had better not carry it."""
    return list(_grid(json.dumps(territory, sort_keys=True))) if territory else []


@lru_cache(maxsize=64)
def _grid(territory: str) -> tuple[tuple[str, float, float], ...]:
    found = cells.covering(json.loads(territory))
    if len(found) > _MOST_IN_GRID or cells.is_coarser(found[0] if found else 0):
        return ()
    return tuple((cells.name(cell), *cells.middle(cell)) for cell in found)
