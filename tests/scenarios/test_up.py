"""`tambour up --demo` as a person starts it, ends it, kills it and starts it again."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import pytest

from hub import settings
from hub.embedded import ports, warden

LIMIT_S = 90


def eventually(what: Callable[[], object]) -> None:
    end = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.1)


class Instance:
    """A folder, a port, and the process that runs them now."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.port = folder, ports.free()
        self.process: subprocess.Popen[str] | None = None
        self.groups: set[int] = set()

    def environment(self) -> dict[str, str]:
        own = {k: v for k, v in os.environ.items() if not k.startswith("TAMBOUR_")}
        return own | {
            "PORT": str(self.port),
            "TAMBOUR_DATA": str(self.folder),
            "PYTHONPATH": str(settings.PROJECT),
        }

    def start(self) -> str:
        """What it printed until it was ready, or until it ended."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.main", "up", "--demo"],
            env=self.environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert self.process.stdout is not None
        said = ""
        for line in self.process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        self.groups = children_of(self.process.pid)
        return said

    def end(self, number: int) -> str:
        """Send the signal; what it printed from there on."""
        assert self.process is not None
        self.process.send_signal(number)
        said, _ = self.process.communicate(timeout=LIMIT_S)
        return said

    def run(self, *words: str) -> str:
        return subprocess.check_output(
            [sys.executable, "-m", "hub.main", *words], env=self.environment(), text=True
        )


def children_of(pid: int) -> set[int]:
    """The process groups led by the children of `pid`."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _state, parent, group = stat.read_text().rpartition(")")[2].split()[:3]
        except OSError:
            continue
        if int(parent) == pid:
            found.add(int(group))
    return found


def name_of(pid: int) -> str:
    """As `ps` shows it."""
    return Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").replace(b"\0", b" ").decode()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[Instance]:
    made = Instance(tmp_path / "var")
    yield made
    if made.process is not None and made.process.poll() is None:
        made.end(signal.SIGTERM)


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_it_is_killed_starts_again_in_its_place_and_ends_whole(instance: Instance) -> None:
    said = instance.start()
    assert "Ready." in said, said
    assert "The first sign-in, shown this once" in said
    assert re.search(r"password  ([0-9a-f]{4}-){3}[0-9a-f]{4}", said)
    assert len(instance.groups) >= 10
    names = {name_of(group) for group in instance.groups}
    assert {"tambour beat", "tambour panels"} <= names
    first = json.loads((instance.folder / "run.json").read_text())

    assert instance.process is not None
    instance.process.kill()
    instance.process.wait()
    said = instance.start()
    assert "Ready." in said, said
    assert "sign-in" not in said  # somebody saw it
    again = json.loads((instance.folder / "run.json").read_text())
    assert again["passwords"] == first["passwords"]

    token = json.loads(
        instance.run(
            "token", "create", "--authority", "villard-bonnot", "--role", "admin", "--json"
        )
    )["token"]
    hub = httpx2.Client(
        base_url=f"http://127.0.0.1:{instance.port}",
        headers={"Authorization": f"Bearer {token}"},
        timeout=30,
    )
    allowed = hub.get("/health").json()["allow_private"]
    assert len(allowed) == 2
    assert all(pair.startswith("127.0.0.1:") for pair in allowed)
    made = hub.post(
        "/api/v1/publications",
        json={
            "state": "live",
            "category": "roadworks",
            "severity": "Moderate",
            "urgency": "Immediate",
            "texts": {"fr": {"headline": "Rue des Écoles fermée"}},
        },
    )
    assert made.status_code == 201, made.text
    board = f"/api/v1/publications/{made.json()['id']}/board"

    def both_panels_show_it() -> bool:
        rows = [r for r in hub.get(board).json()["rows"] if r["kind"] == "panel"]
        return [r["shown_revision"] for r in rows] == [1, 1]

    eventually(both_panels_show_it)

    second = Instance(instance.folder)  # the same folder, another port
    assert f"already runs in {instance.folder}" in second.start()

    assert "Everything has ended." in instance.end(signal.SIGHUP)
    assert not warden.living(instance.groups)
    assert not ports.answers("127.0.0.1", instance.port)
