"""Items as JSON, and the fingerprint of what they say."""

import hashlib
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError

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


def headline_of(item: Item, language: str) -> str:
    """The headline in `language` (two letters), else in the first language there is."""
    own = (t for name, t in item.texts.items() if name.partition("-")[0] == language)
    text = next(own, None) or next(iter(item.texts.values()), None)
    return text.headline[:200] if text else item.external_id[:200]


def first_error(error: ValidationError) -> str:
    """The first thing that is wrong, with its field."""
    first = error.errors()[0]
    return f"{'.'.join(map(str, first['loc']))}: {first['msg']}"


def fingerprint(item: Item) -> str:
    """SHA-256 (hex) of words, times and place. An exporter that stamps every entry anew at each
    download (DTSTAMP, updated) changes nothing here."""
    said = ITEM.dump_json(item, exclude=_NOT_SAID, exclude_defaults=True)
    return hashlib.sha256(said).hexdigest()
