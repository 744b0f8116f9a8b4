"""Items as JSON, and the fingerprint of what they say."""

import hashlib
from typing import Any, Final

from pydantic import TypeAdapter

from hub.contracts import Item, Parsed

ITEM: Final[TypeAdapter[Item]] = TypeAdapter(Item)
PARSED: Final[TypeAdapter[Parsed]] = TypeAdapter(Parsed)

# What may change between two readings without anything new being said.
_NOT_SAID: Final = {"version", "sent", "effective", "link", "cancels", "supersedes"}


def to_json(item: Item) -> dict[str, Any]:
    made: dict[str, Any] = ITEM.dump_python(item, mode="json")
    return made


def from_json(body: dict[str, Any]) -> Item:
    return ITEM.validate_python(body)


def fingerprint(item: Item) -> str:
    """SHA-256 (hex) of words, times and place. An exporter that stamps every entry anew at each
    download (DTSTAMP, updated) changes nothing here."""
    said = ITEM.dump_json(item, exclude=_NOT_SAID, exclude_defaults=True)
    return hashlib.sha256(said).hexdigest()
