"""docs/connectors.md is true: its example, installed as a package, is a kind like any other."""

import json
import re
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from hub import items, registry, sandbox
from hub.contracts import SourceUnreadable
from hub.settings import PROJECT

PAGE = (PROJECT / "docs" / "connectors.md").read_text(encoding="utf-8")
NOW = datetime(2026, 3, 12, 9, tzinfo=UTC)
GOOD = json.loads(re.findall(r"```json\n(.*?)```", PAGE, re.DOTALL)[0])
BAD: list[Any] = [{"starts": "demain", "title": "x", "place": "y"}, 7, {"title": "x"}]


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The example as pip would install it: a module and the metadata of its entry point."""
    code = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)[0]
    point = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)[0]
    assert len(code.splitlines()) <= 40
    (tmp_path / "markets.py").write_text(code, encoding="utf-8")
    about = tmp_path / "markets-1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: markets\nVersion: 1\n")
    group = re.findall(r'entry-points\."(.*?)"', point)[0]
    name, value = re.findall(r'^(\w+) = "(.*?)"', point, re.MULTILINE)[0]
    (about / "entry_points.txt").write_text(f"[{group}]\n{name} = {value}\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))  # the sandbox's own process finds it too
    registry.kinds.cache_clear()
    registry.load.cache_clear()
    yield
    registry.kinds.cache_clear()
    registry.load.cache_clear()
    sys.modules.pop("markets", None)


def read(entries: Any) -> Any:
    raw = entries if isinstance(entries, bytes) else json.dumps(entries).encode()
    return sandbox.parse_bounded("markets", {"timezone": "Europe/Paris"}, raw, NOW)


def test_the_example_is_a_kind_and_reads_in_the_sandbox(package: None) -> None:
    assert "markets" in registry.kinds("connectors")
    parsed = read({"markets": [*BAD, *GOOD["markets"]]})
    (item,) = parsed.items
    assert (item.external_id, item.kind) == (
        "2026-03-14T08:00:00+01:00/Place de la Gare",
        "event",
    )
    assert item.onset == datetime(2026, 3, 14, 7, tzinfo=UTC)
    assert item.texts["fr"].headline == "Marché de Lancey"
    assert items.from_json(items.to_json(item)) == item
    assert [error.where for error in parsed.errors] == ["#1", "#2", "#3"]


@pytest.mark.parametrize(
    "raw", [b"", b"<html></html>", b'{"a": 1}', json.dumps(GOOD).encode()[:-5]]
)
def test_what_is_no_such_list_is_refused(package: None, raw: bytes) -> None:
    with pytest.raises(SourceUnreadable):
        read(raw)
