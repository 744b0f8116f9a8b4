"""From a kind's name to its class: the rows of channels.KINDS and connectors.KINDS, then the entry
points `tambour.channels` and `tambour.connectors` of other packages. Loaded by name, on first use:
there is no arrow from hub to them.
"""

from functools import lru_cache
from importlib import import_module
from importlib.metadata import entry_points
from typing import Any


class UnknownKind(LookupError):
    """No such kind; the text names those there are."""


@lru_cache(maxsize=2)
def kinds(folder: str) -> dict[str, str]:
    """kind → "module:Class" for "channels" or "connectors"; the project's own rows win."""
    rows = {point.name: point.value for point in entry_points(group=f"tambour.{folder}")}
    own: dict[str, str] = import_module(folder).KINDS
    return rows | own


@lru_cache(maxsize=64)
def load(folder: str, kind: str) -> Any:
    """The class of a kind. Raises UnknownKind."""
    try:
        module, _, name = kinds(folder)[kind].partition(":")
    except KeyError:
        known = ", ".join(sorted(kinds(folder)))
        raise UnknownKind(f"{kind!r} is not a kind of {folder}; there are: {known}") from None
    return getattr(import_module(module), name)


def channel(kind: str) -> Any:
    return load("channels", kind)


def connector(kind: str) -> Any:
    return load("connectors", kind)


def is_display(kind: str) -> bool:
    """A display holds a state (`show`); a messenger speaks once (`send`)."""
    return hasattr(channel(kind), "show")


@lru_cache(maxsize=64)
def in_sets(kind: str) -> bool:
    """Whether displays of the kind are told many at a time (contracts.InSets)."""
    return hasattr(channel(kind), "show_many")
