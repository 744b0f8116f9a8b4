"""Signs of life, as health checks read them."""

import socket
from pathlib import Path

import pytest

from hub import alive, clock


def test_a_role_that_signed_lately_is_alive(hub_on_sqlite: Path) -> None:
    alive.sign(f"urgent-{socket.gethostname()}")
    assert alive.main("urgent-%h") == 0
    assert alive.main("beat") == 1


def test_a_sign_grows_old(hub_on_sqlite: Path) -> None:
    alive.sign("beat")
    clock.set_offset(alive.STALE_S + 1)
    assert alive.main("beat") == 1
    alive.sign("beat")
    assert alive.main("beat") == 0


def test_a_sign_that_cannot_be_read_counts_as_none(hub_on_sqlite: Path) -> None:
    alive.sign("beat")
    alive.path("beat").write_text("")
    assert alive.age("beat") is None


def test_a_loop_signs_while_it_is_asked_and_hears_the_end(
    hub_on_sqlite: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = [False, False, True]
    stop = alive.signing("panels", lambda: told.pop(0))
    assert not alive.path("panels").exists()
    assert not stop()
    first = alive.path("panels").read_text()
    assert not stop()  # at once again: no second writing
    assert alive.path("panels").read_text() == first
    assert stop()
