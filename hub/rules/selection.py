"""Which outlets a rule means: masks over all outlets, so that 200 rules against 2,000 outlets are
a few hundred array operations and one computation of distances."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from hub import geo
from hub.rules.plan import OutletFacts
from hub.rules.ruleset import NONE, OWN, To

Mask = npt.NDArray[np.bool_]


class Outlets:
    """The outlets of one evaluation, found by kind, tag, station, code and distance."""

    def __init__(
        self, outlets: Sequence[OutletFacts], station: str, area: Mapping[str, Any] | None
    ) -> None:
        self.all, self.station, self.area = outlets, station, area
        self._masks: dict[tuple[str, frozenset[str]], Mask] = {}
        self._meant: dict[To, Mask] = {}
        self._rows: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
        for row, outlet in enumerate(outlets):
            self._rows["kind", outlet.kind].append(row)
            self._rows["station", outlet.station].append(row)
            self._rows["code", outlet.code].append(row)
            for tag in outlet.tags:
                self._rows["tag", tag].append(row)

    @cached_property
    def distances(self) -> npt.NDArray[np.float64]:
        """Metres to the area; nan where the outlet has no position or there is no area."""
        unknown = float("nan")
        places = [
            (unknown, unknown)
            if outlet.longitude is None or outlet.latitude is None
            else (outlet.longitude, outlet.latitude)
            for outlet in self.all
        ]
        if self.area is None:
            return np.full(len(places), unknown)
        return geo.distances_m(self.area, places)

    def meant(self, to: To) -> Mask:
        """Outlets that `to` names, whatever their distance."""
        found = self._meant.get(to)
        if found is None:
            found = np.ones(len(self.all), dtype=np.bool_)
            for field, words in (
                ("kind", to.kinds),
                ("tag", to.tags),
                ("station", to.stations),
                ("code", to.outlets),
            ):
                if words:
                    found = found & self._any(field, words)
            self._meant[to] = found
        return found

    def reached(self, to: To) -> Mask:
        """Outlets that `to` names and that are near enough."""
        if to.within_m is None:
            return self.meant(to)
        # An unknown distance compares as False: never near enough.
        near: Mask = self.meant(to) & (self.distances <= to.within_m)
        return near

    def _any(self, field: str, words: frozenset[str]) -> Mask:
        mask = self._masks.get((field, words))
        if mask is None:
            mask = np.zeros(len(self.all), dtype=np.bool_)
            for word in self._spoken(field, words):
                mask[self._rows.get((field, word), [])] = True
            self._masks[field, words] = mask
        return mask

    def _spoken(self, field: str, words: Iterable[str]) -> Iterable[str]:
        if field != "station":
            return words
        return ({OWN: self.station, NONE: ""}.get(word, word) for word in words)
