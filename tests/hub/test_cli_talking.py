"""`tambour publish`: a file as the API takes it, typed on the machine."""

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from hub import clock
from hub.cli import app, talking
from tests.factories import outlet, town

ADDED = talking.publish  # importing it adds the commands
NOTICE = {"category": "roadworks", "headline": "Rue des Brûlis fermée"}


@pytest.fixture
def folder(hub_on_sqlite: Path, tmp_path: Path) -> Path:
    outlet(town(), "null")
    return tmp_path


def publish(folder: Path, *words: str, **more: Any) -> tuple[int, dict[str, Any]]:
    file = folder / "publication.json"
    file.write_text(json.dumps(NOTICE | more))
    done = CliRunner().invoke(app, ["publish", str(file), *words, "--json"])
    return done.exit_code, json.loads(done.stdout)


def test_a_file_without_a_state_is_said_now(folder: Path) -> None:
    code, told = publish(folder)
    assert (code, told["state"], told["revision"]) == (0, "live", 1)


@pytest.mark.parametrize(
    ("words", "more", "stands"),
    [
        (("--draft",), {"state": "live"}, "writing"),
        ((), {"state": "draft"}, "writing"),
        ((), {"state": "submitted"}, "submitted"),
    ],
)
def test_what_the_file_does_not_want_said_is_not_said(
    folder: Path, words: tuple[str, ...], more: dict[str, Any], stands: str
) -> None:
    code, told = publish(folder, *words, **more)
    assert (code, told["state"], told["draft_state"]) == (0, "new", stands)


def test_what_is_scheduled_waits_for_its_hour(folder: Path) -> None:
    later = clock.rfc3339(clock.now() + timedelta(hours=2))
    code, told = publish(folder, state="scheduled", publish_at=later)
    assert (code, told["state"], told["draft_state"]) == (0, "new", "scheduled")
    assert told["publish_at"] == later
    code, told = publish(folder, state="scheduled")
    assert (code, told["errors"][0]["field"]) == (1, "publish_at")


def test_an_error_may_hold_brackets(folder: Path) -> None:
    done = CliRunner().invoke(app, ["board", "[/x]", "--json"])
    assert done.exit_code == 1
    assert "There is no publication [/x]." in done.stderr
