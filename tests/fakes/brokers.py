"""Real MQTT 5 brokers on loopback: mosquitto from the distribution, iotcore from its wheel.

    @pytest.fixture(params=KINDS)
    def broker(request, tmp_path): yield from running(request.param, tmp_path)

`Broker.restart()` comes back on the same port having forgotten everything, retained messages too.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Protocol

KINDS: Final = ("mosquitto", "iotcore")
CONFIG: Final = Path(__file__).resolve().parents[2] / "config" / "mosquitto"

_MOSQUITTO = """
listener {port} 127.0.0.1
allow_anonymous true
persistence false
# With the defaults a slow subscriber got 1,665 of 5,000 acknowledged messages.
max_queued_messages 0
max_inflight_messages 0
{user}
"""

_IOTCORE = """
id = 0
[router]
id = 0
max_connections = 2000
max_outgoing_packet_count = 200
max_segment_size = 104857600
max_segment_count = 10
[v5.1]
name = "v5-1"
listen = "127.0.0.1:{port}"
next_connection_delay_ms = 1
[v5.1.connections]
connection_timeout_ms = 60000
max_payload_size = 262144
max_inflight_count = 500
dynamic_filters = true
"""


class Broker(Protocol):
    """A broker process."""

    kind: str
    url: str
    port: int

    def start(self) -> None: ...

    def stop(self) -> None: ...

    def restart(self) -> None: ...


class _Process:
    kind = ""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[bytes] | None = None

    def command(self) -> list[str]:
        raise NotImplementedError

    def start(self) -> None:
        self._process = subprocess.Popen(
            self.command(),
            stdin=subprocess.PIPE,  # iotcore's child ends with this pipe
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(lambda: is_listening(self.port), what=f"{self.kind} to listen")

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.kill()
        self._process.wait(10)
        if self._process.stdin:
            self._process.stdin.close()
        self._process = None

    def restart(self) -> None:
        self.stop()
        self.start()


class Mosquitto(_Process):
    kind = "mosquitto"

    def command(self) -> list[str]:
        binary = shutil.which("mosquitto", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
        if binary is None:
            raise RuntimeError("mosquitto is not installed: apt-get install mosquitto")
        conf = self.folder / f"mosquitto-{self.port}.conf"
        user = "user root" if os.geteuid() == 0 else ""
        conf.write_text(_MOSQUITTO.format(port=self.port, user=user))
        return [binary, "-c", str(conf)]


class Guarded(Mosquitto):
    """mosquitto with the project's own rights and TLS, `config/mosquitto` as it is delivered: the
    listener of panels uncommented, folders and ports moved. The hub speaks without TLS on `port`
    under `hub_url`; panels on `tls_port`, or with a password on `password_port`. `tls` is the
    folder of the broker's certificates."""

    def __init__(self, folder: Path, tls: Path, passwords: str) -> None:
        super().__init__(folder)
        self.tls = tls
        self.tls_port, self.password_port = free_port(), free_port()
        self.hub_url = f"mqtt://hub:hub@127.0.0.1:{self.port}"
        (folder / "passwords").write_text(passwords)
        (folder / "passwords").chmod(0o600)

    def command(self) -> list[str]:
        binary = super().command()[0]
        text = (CONFIG / "mosquitto.conf").read_text("utf-8")
        text = re.sub(r"^#(?=\w+ )", "", text, flags=re.M)
        for port, ours in ((1883, self.port), (8883, self.tls_port), (8884, self.password_port)):
            text, count = re.subn(
                rf"^listener {port}$", f"listener {ours} 127.0.0.1", text, flags=re.M
            )
            assert count == 1, port
        text = text.replace("/mosquitto/config/tls", str(self.tls))
        text = text.replace("/mosquitto/config", str(CONFIG))
        text = text.replace("/run/secrets/mqtt_passwords", str(self.folder / "passwords"))
        text = text.replace("persistence true", "persistence false")
        text = text.replace("persistence_location /mosquitto/data/", "")
        if os.geteuid() == 0:
            text += "\nuser root\n"
        conf = self.folder / "guarded.conf"
        conf.write_text(text)
        return [binary, "-c", str(conf)]

    def reload(self) -> None:
        """Have it read its rights, passwords and void certificates again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)


class Iotcore(_Process):
    kind = "iotcore"

    def command(self) -> list[str]:
        conf = self.folder / f"iotcore-{self.port}.toml"
        conf.write_text(_IOTCORE.format(port=self.port))
        child = "from iotcore._serve import main; main()"  # what iotcore.Broker starts
        options = f'{{"config_path": "{conf}"}}'
        return [sys.executable, "-c", child, options]


def running(kind: str, folder: Path) -> Iterator[Broker]:
    """A started broker of a kind, ended with the test."""
    broker = Mosquitto(folder) if kind == "mosquitto" else Iotcore(folder)
    broker.start()
    yield broker
    broker.stop()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_listening(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.5)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def until(true: Callable[[], object], seconds: float = 30.0, what: str = "it") -> None:
    """Wait until `true()`; fails with words after `seconds`."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds:.0f} s for {what}")
        time.sleep(0.02)
