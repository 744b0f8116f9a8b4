"""Settings: every problem at once, secrets from files, and a page that lists them all."""

import os
import re
from pathlib import Path

import pytest

from hub import settings

PAGE = settings.PROJECT / "docs" / "settings.md"


def variable(name: str) -> str:
    return name.upper() if name in ("host", "port") else f"TAMBOUR_{name.upper()}"


def test_the_page_lists_every_setting_and_no_other() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \|", PAGE.read_text("utf-8"), re.MULTILINE)
    assert sorted(rows) == sorted(variable(name) for name in settings.Settings.model_fields)


def test_the_page_tells_each_default() -> None:
    rows = dict(re.findall(r"^\| `([A-Z_]+)` \| ([^|]*) \|", PAGE.read_text("utf-8"), re.MULTILINE))
    for name, field in settings.Settings.model_fields.items():
        default = field.get_default()
        if isinstance(default, str | int | float) and not isinstance(default, bool) and default:
            assert f"`{default}`" in rows[variable(name)], name


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    for name in list(os.environ):
        if name.startswith("TAMBOUR_") or name in ("HOST", "PORT"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path))
    return tmp_path


def test_every_problem_is_said_at_once(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "eight")
    monkeypatch.setenv("TAMBOUR_INSTANCE", "Été")
    monkeypatch.setenv("TAMBOUR_ALLOW_PRIVATE", "127.0.0.1")
    monkeypatch.setenv("TAMBOUR_SECRET_KEY_FILE", str(bare / "none"))
    with pytest.raises(settings.SettingsError) as raised:
        settings.load()
    named = {line.partition(":")[0] for line in str(raised.value).splitlines()}
    assert named == {
        "TAMBOUR_SECRET_KEY_FILE",
        "PORT",
        "TAMBOUR_INSTANCE",
        "TAMBOUR_ALLOW_PRIVATE",
    }


def test_a_secret_may_come_from_a_file(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / "url").write_text("redis://queue:6379/0\n")
    monkeypatch.setenv("TAMBOUR_REDIS_URL_FILE", str(bare / "url"))
    assert settings.load().redis == "redis://queue:6379/0"


def test_the_test_clock_is_refused_outside_tests_and_off_the_loopback_address(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMBOUR_CLOCK_OFFSET", "3600")
    with pytest.raises(settings.SettingsError, match="TAMBOUR_CLOCK_OFFSET"):
        settings.load()
    monkeypatch.setenv("TAMBOUR_TESTING", "1")
    assert settings.load().clock_offset == 3600
    monkeypatch.setenv("HOST", "0.0.0.0")
    with pytest.raises(settings.SettingsError, match="loopback"):
        settings.load()


def test_the_secret_is_made_once_and_kept_from_others(bare: Path) -> None:
    first = settings.load().secret()
    assert settings.load().secret() == first
    assert len(first) >= 48
    assert (bare / "secret.key").stat().st_mode & 0o777 == 0o600


def test_run_json_gives_way_to_a_variable_and_to_its_file(
    bare: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (bare / "run.json").write_text('{"settings": {"redis_url": "redis://kept", "port": 8111}}')
    assert (settings.load().redis, settings.load().port) == ("redis://kept", 8111)
    (bare / "url").write_text("redis://file")
    monkeypatch.setenv("TAMBOUR_REDIS_URL_FILE", str(bare / "url"))
    monkeypatch.setenv("PORT", "8112")
    assert (settings.load().redis, settings.load().port) == ("redis://file", 8112)
