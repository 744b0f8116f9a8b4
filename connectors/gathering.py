"""The entries of a reading, one after the other: bounded, a bad one named, doubles settled."""

from collections.abc import Callable

from connectors.common import MOST, HttpSource, Wrong
from hub.contracts import EntryError, Item, Parsed


class Gathering:
    """`complete` becomes False when something was left out that nobody can name."""

    def __init__(self, source: HttpSource, *, complete: bool = True) -> None:
        self._source, self.complete = source, complete
        self._items: dict[str, Item] = {}
        self._errors: list[EntryError] = []
        self._number = 0

    def take(self, name: str, make: Callable[[list[Wrong]], Item], number: int = 0) -> None:
        """The item that `make` returns; it may add to the remarks it is given, and raise Wrong."""
        self._number = number or self._number + 1
        if self.full:
            self.complete = False
            return
        remarks: list[Wrong] = []
        try:
            item = make(remarks)
        except Wrong as wrong:
            self.refuse(name, wrong)
            return
        for remark in remarks:
            self._say(name, remark)
        known = self._items.get(item.external_id)
        if known is not None and known != item:
            self._say(name, Wrong("twice"))
        # The later one; of two of the same age the same one at each reading, in any order.
        if known is None or (item.version, repr(item)) > (known.version, repr(known)):
            self._items[item.external_id] = item

    @property
    def full(self) -> bool:
        return len(self._items) >= MOST

    def stop(self, count: int) -> None:
        """The rest of `count` entries is left out."""
        self._number, self.complete = max(count, MOST + 1), False

    def refuse(self, name: str, wrong: Wrong, number: int = 0) -> None:
        """An entry is left out; `number` is its position, where it has no name."""
        self._number = number or self._number
        self.complete = self.complete and bool(name)
        self._say(name, wrong)

    def parsed(self, title: str = "") -> Parsed:
        if self._number > MOST and self.full:
            self._say(title, Wrong("long-feed", count=self._number, kept=MOST))
        return Parsed(tuple(self._items.values()), tuple(self._errors), self.complete, title)

    def _say(self, name: str, wrong: Wrong) -> None:
        where = name or f"entrée {self._number}"
        self._errors.append(EntryError(where, self._source.say(wrong.code, **wrong.values)))
