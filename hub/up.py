"""`tambour up`: everything on one machine, under one supervisor.

Queue and broker are started only where no address was given for them, so the same command serves a
machine that has its own PostgreSQL or mosquitto. What the children were given is kept in run.json,
readable by this user only: a command typed in another terminal joins the running instance.
"""

import fcntl
import json
import os
import secrets
import shutil
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

import typer

from hub import alive, settings
from hub.embedded import broker, ports, valkey
from hub.embedded.process import Service, private_file
from hub.embedded.supervisor import Interrupted, NotReady, Supervisor

# A push is told by one process a core; a larger machine is better served by the grown form.
_MOST_PROCESSES = 8
READY_S = 60.0  # a cold disk and two cores; a start that was installed before takes 5 to 9 s


class AlreadyRunning(Exception):
    """Another `tambour up` holds this folder; the text says which."""


class Unusable(Exception):
    """The start cannot work; the text says why and what to do."""


@dataclass
class RunFile:
    """run.json: ports and passwords, kept from start to start, and the settings in force."""

    path: Path
    kept: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> "RunFile":
        path = folder / "run.json"
        try:
            kept = json.loads(path.read_text())
        except (OSError, ValueError):  # none yet, or cut short: nothing in it cannot be made again
            kept = {}
        return cls(path, kept if isinstance(kept, dict) else {})

    def port(self, name: str) -> int:
        """The port of the start before if it is still free, else a free one."""
        chosen: dict[str, int] = self.kept.setdefault("ports", {})
        port = ports.free(wish=chosen.get(name, 0))
        while port in (p for n, p in chosen.items() if n != name):
            port = ports.free()
        chosen[name] = port
        return port

    def password(self, name: str) -> str:
        found: dict[str, str] = self.kept.setdefault("passwords", {})
        return found.setdefault(name, secrets.token_hex(16))

    def write(self, **more: Any) -> None:
        self.kept |= more
        private_file(self.path, json.dumps(self.kept, indent=1))


# Imported once, before the roles are forked; celery and granian import these late by themselves.
PRELOADED = (
    "hub.cli",
    "hub.web",
    "hub.worker",
    "hub.sweep",
    "hub.receipts",
    "hub.intake",
    "celery.apps.worker",
    "celery.concurrency.prefork",
    "celery.worker.worker",
    "kombu.transport.redis",
    "granian.server",
    "channels.website",
    "channels.panels",
    "channels.push",
    "channels.sms",
    "channels.mastodon",
)


def of_ours(name: str, *words: str, **more: Any) -> Service:
    """A role of ours: `tambour WORDS` in a fork."""

    def call() -> None:
        from hub.cli import app

        app(args=list(words), prog_name="tambour", standalone_mode=False)

    return Service(name, ("tambour", *words), call=call, **more)


def up(demo: bool = False) -> int:
    """Start everything, keep it running until a signal, end everything. The exit code."""
    try:
        given = settings.load(join=False)
    except settings.SettingsError as error:
        _say(f"The settings do not hold:\n{error}")
        return 2
    data = given.data.resolve()
    data.mkdir(parents=True, exist_ok=True)
    try:
        with _Lock(data, given.url), Supervisor(data, _say) as supervisor:
            _start(supervisor, given, data, demo)
            supervisor.run()
            _say("\nEnding. (Ctrl-C once more hurries.)")
    except (AlreadyRunning, Unusable, NotReady) as error:
        _say(f"\n{error}")
        return 1
    except Interrupted:
        _say("\nEnded before everything had started.")
        return 130
    _say("Everything has ended.")
    return 0


def _start(supervisor: Supervisor, given: settings.Settings, data: Path, demo: bool) -> None:
    busy = ports.taken(given.host, given.port)
    if busy:
        raise Unusable(
            f"Port {given.port} on {given.host} cannot be used: {busy}.\n"
            f"Choose another: PORT={given.port + 1} (and, for a second instance, its own "
            f"TAMBOUR_DATA)."
        )
    run = RunFile.read(data)
    _say(f"Starting in {data}")
    redis_url, mqtt_url = given.redis, given.mqtt
    if not redis_url:
        port, password = run.port("queue"), run.password("queue")
        redis_url = valkey.url(port, password)
        supervisor.start(valkey.service(data / "valkey", port, password))
    if not mqtt_url:
        port, password = run.port("broker"), run.password("broker")
        mqtt_url = broker.url(port, password)
        supervisor.start(broker.service(data / "broker", port, password))
    allowed = [pair for pair in given.allow_private.split(",") if pair.strip()]
    demo_ports = {n: run.port(n) for n in ("feeds", "street", "face1", "face2")} if demo else {}
    allowed += [f"127.0.0.1:{demo_ports[name]}" for name in ("feeds", "street") if demo]
    joined: dict[str, Any] = {
        "host": given.host,
        "port": given.port,
        "redis_url": redis_url,
        "mqtt_url": mqtt_url,
        "allow_private": ",".join(dict.fromkeys(allowed)),
    }
    run.write(settings=joined)
    os.environ.update(
        {
            "HOST": given.host,
            "PORT": str(given.port),
            "TAMBOUR_DATA": str(data),
            "TAMBOUR_REDIS_URL": redis_url,
            "TAMBOUR_MQTT_URL": mqtt_url,
            "TAMBOUR_ALLOW_PRIVATE": str(joined["allow_private"]),
            "PYTHONPATH": os.pathsep.join(
                p for p in (str(settings.PROJECT), os.environ.get("PYTHONPATH", "")) if p
            ),
            "PYTHONUNBUFFERED": "1",
        }
    )
    settings.get.cache_clear()

    for module in PRELOADED:
        import_module(module)
    from hub import cli, db, migrate

    cli.prepare()
    migrate.upgrade()
    sign_in = None
    if demo:
        from hub import demo as town

        sign_in = town.seed(demo_ports, told=bool(run.kept.get("sign_in_told")))
    db.dispose()  # a connection must not be shared with a fork
    supervisor.wait_ready(READY_S)
    for service in roles(given):
        supervisor.start(service)
    if demo:
        for service in town.services(demo_ports):
            supervisor.start(service)
    supervisor.wait_ready(READY_S)
    if sign_in:
        _box("The first sign-in, shown this once", sign_in)
        run.write(sign_in_told=True)
    _where_to_look(given, demo_ports)


def roles(given: settings.Settings) -> list[Service]:
    """Our own processes, the web role first since it takes longest to be ready."""
    shutil.rmtree(settings.get().data / "alive", ignore_errors=True)  # signs of an earlier run

    cores = len(os.sched_getaffinity(0))
    each = min(max(cores, 2), _MOST_PROCESSES)

    def worker(name: str, queues: str, count: int = 2, nice: int = 0) -> Service:
        return of_ours(
            f"worker-{name}",
            *("worker", "--queues", queues, "--name", name, "--concurrency", str(count)),
            ready=lambda _log: alive.age(name) is not None,
            title=queues,
            grace=10,
            nice=nice,
        )

    return [
        of_ours("web", "web", ready=lambda _log: _healthy(given.host, given.port)),
        worker("urgent", "urgent", each),
        worker("rest", "normal,ingest"),
        worker("bulk", "bulk", each, nice=10),
        of_ours("beat", "beat", ready=lambda _log: alive.age("beat") is not None),
        of_ours("panels", "panels", ready=lambda _log: alive.age("panels") is not None),
    ]


def _healthy(host: str, port: int) -> bool:
    """Whether the web role answers at all; what it thinks of the rest is on the page."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    shown = f"[{host}]" if ":" in host else host
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(f"http://{shown}:{port}/health", timeout=1):
            return True
    except urllib.error.HTTPError:
        return True  # 503: it answers, and is red until the first sweep
    except OSError:
        return False


def _where_to_look(given: settings.Settings, demo_ports: dict[str, int]) -> None:
    lines = [
        ("Office", f"{given.url}/office/"),
        ("Citizens", f"{given.url}/"),
        ("API", f"{given.url}/api/openapi.json"),
        ("Health", f"{given.url}/health"),
    ]
    if demo_ports:
        lines += [
            ("Panel, town hall square", f"http://127.0.0.1:{demo_ports['face1']}/"),
            ("Panel, Lancey station", f"http://127.0.0.1:{demo_ports['face2']}/"),
            ("The street", f"http://127.0.0.1:{demo_ports['street']}/"),
        ]
    _say("\nReady.")
    for name, url in lines:
        _say(f"  {name:<24} {url}")
    _say("Ctrl-C ends everything.")


def _box(title: str, lines: list[str]) -> None:
    width = max(map(len, (title, *lines)))
    _say("\n┌─" + "─" * width + "─┐")
    for line in (title, *lines):
        _say(f"│ {line:<{width}} │")
    _say("└─" + "─" * width + "─┘")


def _say(line: str) -> None:
    try:
        typer.echo(line)
        sys.stdout.flush()
    except (OSError, ValueError):
        pass  # the terminal is gone; ending in order matters more


class _Lock:
    """One `up` a folder. The kernel lets go of it with the process, however that ends."""

    def __init__(self, data: Path, url: str) -> None:
        self.path, self.url = data / "run.lock", url

    def __enter__(self) -> None:
        self.file = open(self.path, "a+")
        try:
            fcntl.flock(self.file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.file.seek(0)
            holder = self.file.read().strip() or "another process"
            self.file.close()
            raise AlreadyRunning(
                f"Tambour already runs in {self.path.parent} ({holder}).\n"
                "End that one first, or start a second instance with its own TAMBOUR_DATA and PORT."
            ) from None
        self.file.truncate(0)
        self.file.write(f"process {os.getpid()}, {self.url}\n")
        self.file.flush()

    def __exit__(self, *_exc: object) -> None:
        self.file.close()
