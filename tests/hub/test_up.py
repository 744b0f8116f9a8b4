"""The supervisor with real processes, and the embedded queue and brokers with real clients."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
import redis

from hub import settings, up
from hub.embedded import broker, ports, valkey, warden
from hub.embedded.process import Service
from hub.embedded.supervisor import Interrupted, NotReady, Supervisor

DEADLINE_S = 30


def eventually(what: Callable[[], object], limit: float = DEADLINE_S) -> None:
    end = time.monotonic() + limit
    while not what():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.02)


def python(code: str) -> tuple[str, ...]:
    return (sys.executable, "-c", code)


SLEEPER = "import time; print('up', flush=True); time.sleep(600)"
# A leader with a child of its own, that ignores the polite signal.
FAMILY = """
import subprocess, sys, time
code = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
code += "print('born', flush=True); time.sleep(600)"
child = subprocess.Popen([sys.executable, "-c", code])
print("leads", child.pid, flush=True)
time.sleep(600)
"""


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def supervisor(tmp_path: Path, said: list[str]) -> Iterator[Supervisor]:
    with Supervisor(tmp_path, said.append) as made:
        yield made


def test_a_service_is_ready_when_its_probe_says_so(supervisor: Supervisor, said: list[str]) -> None:
    child = supervisor.start(
        Service("one", python(SLEEPER), title="first", ready=lambda log: "up" in log)
    )
    supervisor.wait_ready(DEADLINE_S)
    assert child.is_ready
    assert said[0].startswith("  one (first)")


def test_a_needed_service_that_ends_at_once_fails_the_start_with_its_log(
    supervisor: Supervisor,
) -> None:
    supervisor.start(
        Service("one", python("raise SystemExit('no such file')"), ready=lambda _log: False)
    )
    with pytest.raises(NotReady, match=r"one ended before it was ready(.|\n)*no such file"):
        supervisor.wait_ready(DEADLINE_S)


def test_a_service_that_never_gets_ready_is_named(supervisor: Supervisor) -> None:
    supervisor.start(Service("slow", python(SLEEPER), ready=lambda _log: False))
    with pytest.raises(NotReady, match="slow was not ready after 0 s"):
        supervisor.wait_ready(0.3)


def test_a_service_that_dies_is_started_again_and_said(
    supervisor: Supervisor, said: list[str]
) -> None:
    child = supervisor.start(Service("one", python(SLEEPER), ready=lambda log: "up" in log))
    supervisor.wait_ready(DEADLINE_S)
    assert child.process is not None
    first = child.process.pid
    os.kill(first, signal.SIGKILL)
    eventually(lambda: supervisor.look() or (child.process and child.process.pid != first))
    eventually(lambda: supervisor.look() or "one runs again" in said)
    assert "one ended (SIGKILL); starting it again in 1 s" in said


def test_what_keeps_dying_waits_longer_each_time(supervisor: Supervisor, said: list[str]) -> None:
    supervisor.start(Service("bad", python("raise SystemExit(3)"), needed=False))

    def ends() -> list[str]:  # a look between its start and its end finds it running
        return [line for line in said if "ended" in line]

    eventually(lambda: supervisor.look() or len(ends()) >= 2)
    assert ends()[:2] == [
        "bad ended (exit 3); starting it again in 1 s",
        "bad ended (exit 3); starting it again in 2 s",
    ]


def test_a_log_that_grew_large_is_cut_and_its_past_kept(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    talk = "for n in range(60): print('x' * 99_999, flush=True)\n"
    wait = "import time; print('end', flush=True); time.sleep(600)"
    child = supervisor.start(Service("loud", python(talk + wait)))
    eventually(lambda: "end" in child.logged())
    supervisor.look()
    assert child.log.stat().st_size == 0
    assert (tmp_path / "log" / "loud.log.1").stat().st_size == 6_000_004


def test_leaving_ends_every_child_and_its_children(tmp_path: Path, said: list[str]) -> None:
    with Supervisor(tmp_path, said.append) as supervisor:
        child = supervisor.start(Service("family", python(FAMILY), ready=lambda log: "born" in log))
        supervisor.wait_ready(DEADLINE_S)
        assert child.process is not None
        group = child.process.pid
        assert warden.living({group})
    assert not warden.living({group})


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_each_signal_that_asks_to_end_is_heard(supervisor: Supervisor, number: int) -> None:
    supervisor.start(Service("one", python(SLEEPER)))
    os.kill(os.getpid(), number)
    with pytest.raises(Interrupted):
        supervisor.pause(5)


KILLED = """
import sys
from pathlib import Path
from hub.embedded.supervisor import Service, Supervisor
with Supervisor(Path(sys.argv[1]), print) as supervisor:
    child = supervisor.start(
        Service("family", (sys.executable, "-c", sys.argv[2]), ready=lambda log: "born" in log)
    )
    supervisor.wait_ready(30)
    print("group", child.process.pid, flush=True)
    supervisor.run()
"""


def test_kill_minus_9_of_the_supervisor_ends_every_child_and_the_next_start_waits_for_it(
    tmp_path: Path, said: list[str]
) -> None:
    process = subprocess.Popen(
        [*python(KILLED), str(tmp_path), FAMILY], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    group = int(next(line for line in process.stdout if line.startswith("group")).split()[1])
    process.kill()
    process.wait()
    with Supervisor(tmp_path, said.append):  # its warden waits for the old one's lock
        assert not warden.living({group})


def test_run_json_keeps_ports_and_passwords_unless_a_port_is_taken(tmp_path: Path) -> None:
    first = up.RunFile.read(tmp_path)
    port, password = first.port("queue"), first.password("queue")
    other = first.port("broker")
    first.write()
    assert (tmp_path / "run.json").stat().st_mode & 0o777 == 0o600
    again = up.RunFile.read(tmp_path)
    assert (again.port("queue"), again.password("queue")) == (port, password)
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", other))
        assert up.RunFile.read(tmp_path).port("broker") not in (other, port)


def test_a_run_json_cut_short_does_not_hinder_a_start(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"ports": {"qu')
    assert up.RunFile.read(tmp_path).port("queue") > 0


def test_a_command_in_another_terminal_joins_the_running_instance(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path))
    for name in ("TAMBOUR_REDIS_URL", "TAMBOUR_MQTT_URL", "PORT"):
        monkeypatch.delenv(name, raising=False)
    kept = {"redis_url": "redis://:a@127.0.0.1:1/0", "mqtt_url": "mqtt://h:1", "port": 8123}
    (tmp_path / "run.json").write_text(json.dumps({"settings": kept}))
    monkeypatch.setenv("TAMBOUR_MQTT_URL", "mqtt://given:2")
    loaded = settings.load()
    assert (loaded.redis, loaded.mqtt, loaded.port) == (kept["redis_url"], "mqtt://given:2", 8123)
    assert settings.load(join=False).redis == ""


def test_a_second_up_in_the_same_folder_says_who_holds_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path))
    with up._Lock(tmp_path, "http://127.0.0.1:8000"):
        assert up.up() == 1
    said = capsys.readouterr().out
    assert f"already runs in {tmp_path} (process {os.getpid()}, http://127.0.0.1:8000)" in said


def test_a_taken_port_is_named_with_the_variable_that_moves_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with socket.socket() as squatter:
        squatter.bind(("127.0.0.1", 0))
        squatter.listen()
        port = squatter.getsockname()[1]
        monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path))
        monkeypatch.setenv("PORT", str(port))
        assert up.up() == 1
    said = capsys.readouterr().out
    assert f"Port {port} on 127.0.0.1 cannot be used" in said
    assert "PORT=" in said


def test_wrong_settings_are_all_said_and_nothing_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TAMBOUR_DATA", str(tmp_path / "none"))
    monkeypatch.setenv("PORT", "70000")
    monkeypatch.setenv("TAMBOUR_BASE_URL", "ftp://x")
    assert up.up() == 2
    said = capsys.readouterr().out
    assert "PORT:" in said
    assert "TAMBOUR_BASE_URL:" in said
    assert not (tmp_path / "none").exists()


def test_the_embedded_queue_takes_its_password_and_no_other(
    supervisor: Supervisor, tmp_path: Path
) -> None:
    port = ports.free()
    supervisor.start(valkey.service(tmp_path / "valkey", port, "secret"))
    supervisor.wait_ready(DEADLINE_S)
    assert redis.from_url(valkey.url(port, "secret")).ping()
    with pytest.raises(redis.exceptions.AuthenticationError):
        redis.from_url(valkey.url(port, "wrong")).ping()
    assert not valkey.answers(port, "wrong")


@pytest.mark.parametrize("wheel", [False, True], ids=["mosquitto", "iotcore"])
def test_an_embedded_broker_keeps_a_retained_message_with_its_properties(
    supervisor: Supervisor, tmp_path: Path, wheel: bool
) -> None:
    port = ports.free()
    service = broker.service(tmp_path / "broker", port, "secret", wheel=wheel)
    assert service.title == ("iotcore" if wheel else "mosquitto")
    supervisor.start(service)
    supervisor.wait_ready(DEADLINE_S)
    heard: list[mqtt.MQTTMessage] = []
    speaker, listener = _client(port, "secret"), _client(port, "secret")
    properties = mqtt.Properties(mqtt.PacketTypes.PUBLISH)
    properties.UserProperty = ("jws", "a..b")
    listener.on_message = lambda _client, _data, message: heard.append(message)
    try:
        speaker.publish("tambour/1/a/b/plan", b"x" * 40_000, 1, True, properties).wait_for_publish(
            DEADLINE_S
        )
        listener.subscribe("tambour/1/+/+/plan", 1)
        eventually(lambda: heard)
    finally:
        for client in (speaker, listener):
            client.disconnect()
            client.loop_stop()
    assert heard[0].retain
    assert len(heard[0].payload) == 40_000
    assert heard[0].properties.UserProperty == [("jws", "a..b")]


def _client(port: int, password: str) -> mqtt.Client:
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.username_pw_set(broker.USER, password)
    joined: list[bool] = []
    client.on_connect = lambda _c, _d, _flags, reason, _p: joined.append(not reason.is_failure)
    client.connect("127.0.0.1", port)
    client.loop_start()
    eventually(lambda: joined)
    assert joined[0]
    return client
