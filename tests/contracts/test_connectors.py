"""What every connector kind must do, held against a whole file and one with a bad entry each."""

import json
import random
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from google.transit.gtfs_realtime_pb2 import FeedMessage
from lxml import etree
from pydantic import ValidationError

from hub import items, registry
from hub.contracts import Fetched, NotModified, Parsed, SourceUnreadable, StrictOptions

NOW = datetime(2026, 3, 12, 12, tzinfo=UTC)
FILES = Path(__file__).parent.parent / "connectors" / "fixtures"
# kind → (a whole file of at least three entries, a file where some of the entries are bad)
GIVEN = {
    "ical": ("three_events.ics", "broken_entries.ics"),
    "caldav": ("three_events.xml", "broken_resource.xml"),
    "rss": ("three_items.xml", "one_bad_entry.xml"),
    "cap": ("three_alerts.atom", "one_bad_entry.atom"),
    "vigilance": ("carte.json", "broken_entries.json"),
    "vigicrues": ("troncons.geojson", "broken_entries.geojson"),
    "wzdx": ("zones.geojson", "broken_entries.geojson"),
    "cifs": ("incidents.xml", "broken_entries.xml"),
    "gtfs_rt": ("alerts.pb", "broken_entries.pb"),
    "openagenda": ("events.json", "broken_entries.json"),
    "datex": ("situations_v2.xml", "broken_entries.xml"),
}
ENTRIES = {"item", "entry", "situation", "situationRecord", "incident", "response"}
ODD: tuple[Any, ...] = (
    None, True, 0, -1, 1e18, 10**30, float("nan"), "", "x", "\ud800", "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59-23:59", [], {}, [None], {"a": 1}, [[[]]], {"fr": None},
)  # fmt: skip
KINDS = sorted(registry.kinds("connectors"))


def made(kind: str) -> Any:
    loaded = registry.connector(kind)
    return loaded(loaded.Options())


def raw_of(kind: str, which: int = 0) -> bytes:
    return (FILES / kind / GIVEN[kind][which]).read_bytes()


def said(parsed: Parsed) -> list[tuple[str, str, str]]:
    return sorted((i.external_id, i.version, items.fingerprint(i)) for i in parsed.items)


def reshaped(raw: bytes) -> dict[str, bytes]:
    """The same content with its entries the other way round, indented anew, encoded otherwise."""
    if raw.startswith(b"{"):
        document = json.loads(raw)
        return {
            "keys": json.dumps(document, sort_keys=True).encode(),
            "indented": json.dumps(document, indent=5, ensure_ascii=False).encode(),
            "utf-16": json.dumps(document, ensure_ascii=False).encode("utf-16"),
        }
    if raw.startswith(b"BEGIN:"):
        head, *events, last = re.split(rb"(?=BEGIN:VEVENT|END:VCALENDAR)", raw)
        return {"reversed": b"".join([head, *reversed(events), last])}
    if not raw.lstrip().startswith(b"<"):
        message = FeedMessage.FromString(raw)
        entities = list(message.entity)[::-1]
        del message.entity[:]
        message.entity.extend(entities)
        return {"reversed": message.SerializeToString()}
    root = etree.fromstring(raw)
    for parent in root.iter():
        entries = [c for c in parent if etree.QName(c).localname in ENTRIES]
        places = [parent.index(c) for c in entries]
        for entry in entries:
            parent.remove(entry)
        for at, entry in zip(places, reversed(entries), strict=True):
            parent.insert(at, entry)
    turned = etree.tostring(root)
    etree.indent(root, "      ")
    return {"reversed": turned, "indented": etree.tostring(root, encoding="utf-16")}


@pytest.mark.parametrize("kind", KINDS)
class TestEveryKind:
    def test_it_says_what_it_is(self, kind: str) -> None:
        loaded = registry.connector(kind)
        assert loaded.kind == kind
        assert loaded.title
        assert 60 <= loaded.default_interval_s <= 86_400
        assert issubclass(loaded.Options, StrictOptions)
        assert loaded.Options.model_json_schema()["properties"]

    def test_it_refuses_an_option_it_does_not_know(self, kind: str) -> None:
        with pytest.raises(ValidationError):
            registry.connector(kind).Options(surprise=1)
        with pytest.raises(ValidationError):
            registry.connector(kind).Options(timezone="Mars/Olympus")

    def test_it_fetches_its_address_with_its_cursor(self, kind: str) -> None:
        loaded = registry.connector(kind)
        asked: list[Any] = []

        def fetch(url: str, cursor: Any, **_how: Any) -> Fetched | NotModified:
            asked.append((url, cursor))
            return NotModified(cursor)

        connector = loaded(loaded.Options(url="https://villard-bonnot.example/x"))
        connector.fetch({"etag": "1"}, fetch)
        assert asked == [("https://villard-bonnot.example/x", {"etag": "1"})]

    def test_the_same_bytes_give_the_same_items(self, kind: str) -> None:
        first, again = (made(kind).parse(raw_of(kind), NOW) for _ in range(2))
        assert len(first.items) >= 3
        assert first == again
        later = made(kind).parse(raw_of(kind), NOW + timedelta(hours=1))
        assert [(i.external_id, i.version, items.fingerprint(i)) for i in first.items] == [
            (i.external_id, i.version, items.fingerprint(i)) for i in later.items
        ]

    def test_the_same_in_another_order_or_indentation_says_the_same(self, kind: str) -> None:
        first = made(kind).parse(raw_of(kind), NOW)
        for name, raw in reshaped(raw_of(kind)).items():
            again = made(kind).parse(raw, NOW)
            assert said(again) == said(first), name

    def test_items_are_whole(self, kind: str) -> None:
        parsed: Parsed = made(kind).parse(raw_of(kind), NOW)
        assert len({i.external_id for i in parsed.items}) == len(parsed.items)
        for item in parsed.items:
            assert item.external_id
            assert item.texts
            assert all(t.headline and "\n" not in t.headline for t in item.texts.values())
            moments = (item.sent, item.effective, item.onset, item.expires)
            assert all(m is None or m.utcoffset() == timedelta() for m in moments)
            assert items.from_json(items.to_json(item)) == item

    def test_a_bad_entry_is_named_and_does_not_spoil_its_neighbours(self, kind: str) -> None:
        parsed = made(kind).parse(raw_of(kind, 1), NOW)
        assert len(parsed.items) >= 2
        assert parsed.errors
        assert all(e.where and e.reason for e in parsed.errors)

    def test_what_is_not_its_kind_is_refused_never_empty(self, kind: str) -> None:
        noise = random.Random(7).randbytes(5000)
        for raw in (
            b"x",
            b"\0" * 1000,
            noise,
            b"<!DOCTYPE html><html><body>Connexion</body></html>",
            b'{"error": "not found"}',
            b"<?xml version='1.0'?><other/>",
            "Bonjour, le service est fermé.".encode(),
        ):
            with pytest.raises(SourceUnreadable) as caught:
                made(kind).parse(raw, NOW)
            assert caught.value.reason

    def test_a_file_that_is_cut_off_is_never_taken_for_a_whole_one(self, kind: str) -> None:
        raw = raw_of(kind).rstrip()
        whole = made(kind).parse(raw, NOW)
        for cut in range(10, len(raw) - 8, max(1, len(raw) // 60)):
            try:
                parsed = made(kind).parse(raw[:cut], NOW)
            except SourceUnreadable:
                continue
            assert parsed.errors, f"cut at {cut}"
            assert len(parsed.items) <= len(whole.items)

    def test_a_changed_byte_never_breaks_it(self, kind: str) -> None:
        raw, dice = raw_of(kind), random.Random(38547)
        for _ in range(150):
            spoilt = bytearray(raw)
            for _ in range(dice.randint(1, 4)):
                spoilt[dice.randrange(len(spoilt))] = dice.randrange(256)
            try:
                parsed = made(kind).parse(bytes(spoilt), NOW)
            except SourceUnreadable:
                continue
            assert isinstance(parsed, Parsed)


def is_json(kind: str) -> bool:
    return raw_of(kind).startswith(b"{")


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The way to every value inside a document."""
    rows = value.items() if isinstance(value, dict) else enumerate(value) if here or value else ()
    for key, inner in rows:
        yield (*here, key)
        if isinstance(inner, dict | list):
            yield from places(inner, (*here, key))


@pytest.mark.parametrize("kind", [k for k in KINDS if is_json(k)])
def test_a_value_of_another_type_never_breaks_it(kind: str) -> None:
    document, dice = json.loads(raw_of(kind)), random.Random(38547)
    ways = list(places(document))
    for _ in range(200):
        spoilt = json.loads(raw_of(kind))
        *way, last = dice.choice(ways)
        inner = spoilt
        for key in way:
            inner = inner[key]
        inner[last] = dice.choice(ODD)
        try:
            parsed = made(kind).parse(json.dumps(spoilt).encode(), NOW)
        except SourceUnreadable:
            continue
        assert items.PARSED.dump_json(parsed)
