"""The shape of the house, held by tests: arrows, sizes, a paragraph and a test for every kind."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from hub import registry, up, worker

PROJECT = Path(__file__).resolve().parent.parent
OURS = ("hub", "channels", "connectors", "dashboards", "config", "tests", "docs", "scripts", ".ci")
LEFT_OUT = {"__pycache__", "node_modules", "secrets"}
MOST_LINES = 400


def files(*endings: str) -> Iterator[Path]:
    """Every file of ours with one of these endings (all files, when none is given)."""
    for path in sorted(PROJECT.iterdir()):
        if path.is_file() and path.name != ".git" and (not endings or path.suffix in endings):
            yield path
    for folder in OURS:
        for path in sorted((PROJECT / folder).rglob("*")):
            left_out = LEFT_OUT & set(path.relative_to(PROJECT).parts)
            if path.is_file() and not left_out and (not endings or path.suffix in endings):
                yield path


def test_no_module_is_longer_than_a_person_reads_at_once() -> None:
    lengths = {
        str(path.relative_to(PROJECT)): len(path.read_text("utf-8").splitlines())
        for path in files(".py")
    }
    assert len(lengths) > 50
    assert {name: n for name, n in lengths.items() if n > MOST_LINES} == {}


def test_the_hub_package_imports_nothing_at_its_door() -> None:
    tree = ast.parse((PROJECT / "hub" / "__init__.py").read_text("utf-8"))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.Import | ast.ImportFrom)]


def test_the_arrows_between_folders_point_the_right_way() -> None:
    done = subprocess.run(
        [sys.executable, "-c", "from importlinter.cli import lint_imports_command as run; run()"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 broken" in done.stdout


def test_time_is_asked_for_in_one_place() -> None:
    asks = re.compile(r"datetime\.(now|utcnow|today)\(|\btime\.(time|monotonic)\(|date\.today\(")
    found = [
        f"{path.relative_to(PROJECT)}: {line.strip()}"
        for path in files(".py")
        if path.parts[len(PROJECT.parts)] in ("hub", "channels", "connectors", "dashboards")
        and path.name not in ("clock.py", "warden.py")  # the warden lives on the standard library
        for line in path.read_text("utf-8").splitlines()
        if asks.search(line)
    ]
    assert found == []


KINDS = [
    (folder, kind, where)
    for folder in ("channels", "connectors")
    for kind, where in sorted(registry.kinds(folder).items())
]


@pytest.mark.parametrize(("folder", "kind", "where"), KINDS, ids=[f"{f}-{k}" for f, k, _ in KINDS])
def test_every_kind_has_its_module_its_paragraph_and_its_tests(
    folder: str, kind: str, where: str
) -> None:
    loaded = registry.load(folder, kind)
    assert loaded.kind == kind
    assert loaded.title
    told = [
        line
        for path in (PROJECT / "docs").rglob("*.md")
        for line in path.read_text("utf-8").splitlines()
        if (line.startswith("#") and f"`{kind}`" in line) or line.startswith(f"| `{kind}` |")
    ]
    assert told, f"docs/ says nothing of `{kind}`: neither a heading nor a row of docs/channels.md"
    module = where.partition(":")[0].split(".")[1]
    tests = PROJECT / "tests" / folder
    found = [*tests.glob(f"test_{module}*.py"), *(tests / module).glob("test_*.py")]
    assert found, f"no tests/{folder}/test_{module}.py and no tests/{folder}/{module}/"


def test_no_file_names_a_machine_or_a_registry() -> None:
    # Written apart, so that this file does not find itself.
    registries = [
        "files.python" + "hosted",
        "registry.npm" + "js",
        "pypi" + ".org",
        "mirror" + "/pypi",
    ]
    machine = re.compile(r"""(?<![\w.$}~/-])/(work|root|opt|home/[a-z]+)/""")
    found = []
    for path in files():
        try:
            text = path.read_text("utf-8")
        except UnicodeDecodeError:
            continue
        if path == Path(__file__):
            continue
        hits = [name for name in registries if name in text]
        hits += [match[0] for match in machine.finditer(text)]
        found += [f"{path.relative_to(PROJECT)}: {hit}" for hit in hits]
    assert found == []


def test_the_lock_pins_every_package_by_hash_and_names_no_address() -> None:
    text = (PROJECT / "requirements.txt").read_text("utf-8")
    entries = re.findall(
        r"^([a-z0-9][^\s=]*)==(\S+)(?: ;[^\\]*)? \\\n    --hash=sha256:", text, re.M
    )
    names = {name for name, _version in entries}
    assert len(entries) == len(re.findall(r"^[a-z0-9]", text, re.M)) > 90
    assert "://" not in text
    wanted = (PROJECT / "pyproject.toml").read_text("utf-8")
    listed = re.findall(r'^    "([A-Za-z0-9-]+)', wanted.split("[tool.ruff]")[0], re.M)
    missing = {name.lower() for name in listed} - {re.sub(r"\[.*", "", name) for name in names}
    assert missing == set(), "run `make lock`"


def test_every_queue_has_a_worker_on_one_machine_and_in_the_compose_file(
    hub_on_sqlite: Path,
) -> None:
    from hub import settings

    small = [list(s.argv) for s in up.roles(settings.get()) if "worker" in s.argv]
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
    grown = [s["command"] for s in compose["services"].values() if "worker" in s.get("command", [])]
    for commands in (small, grown):
        served = [q for c in commands for q in c[c.index("--queues") + 1].split(",")]
        assert sorted(served) == sorted(worker.QUEUES)
