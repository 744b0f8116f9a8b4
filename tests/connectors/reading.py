"""What the tests of the kinds share: a fixture read by its kind."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hub import registry
from hub.contracts import Item, Parsed

NOW: Final = datetime(2026, 3, 12, 15, tzinfo=UTC)
FILES: Final = Path(__file__).parent / "fixtures"


def raw_of(kind: str, name: str) -> bytes:
    return (FILES / kind / name).read_bytes()


def read(kind: str, raw: str | bytes, **options: Any) -> Parsed:
    """`raw`: the name of a fixture of the kind, or bytes."""
    loaded = registry.connector(kind)
    data = raw_of(kind, raw) if isinstance(raw, str) else raw
    parsed: Parsed = loaded(loaded.Options(**options)).parse(data, NOW)
    return parsed


def only(parsed: Parsed) -> Item:
    assert (len(parsed.items), parsed.errors) == (1, ())
    return parsed.items[0]


def by_id(parsed: Parsed) -> dict[str, Item]:
    return {item.external_id: item for item in parsed.items}


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)
