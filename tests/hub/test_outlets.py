"""Adapters: one for each outlet in a process, built anew when its options change."""

from pathlib import Path

import pytest

from hub import outlets
from hub.contracts import NotConfigured
from hub.models import Outlet


def test_an_adapter_stays_until_its_options_change(hub_on_sqlite: Path) -> None:
    row = Outlet(id=1, authority_id=1, code="x", name="x", kind="website")
    first = outlets.adapter(row)
    assert outlets.adapter(row) is first
    row.options = {"unheard": 1}
    with pytest.raises(NotConfigured):
        outlets.adapter(row)
    row.options = {}
    assert outlets.adapter(row) is not first  # which was closed meanwhile
