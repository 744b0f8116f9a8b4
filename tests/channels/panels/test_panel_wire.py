"""Publishing: one connection a process, a batch in one flight, every trouble named."""

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from channels.panels import Panel, PanelOptions, Saying, wire
from hub import clock
from hub.contracts import (
    AdapterFailure,
    Means,
    NotConfigured,
    PermanentFailure,
    Said,
    TemporaryFailure,
)
from hub.guard import AddressPolicy
from tests.channels.panels.conftest import Runs, listening, means, say, view
from tests.fakes.brokers import Broker, free_port, until
from tests.fakes.notices import SENT, water_cut


def retained(broker: Broker, topic: str) -> dict[str, tuple[bytes, list[tuple[str, str]]]]:
    """What the broker keeps under a topic filter: payload and user properties."""
    found: dict[str, tuple[bytes, list[tuple[str, str]]]] = {}
    done = threading.Event()
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)

    def on_message(_c: object, _d: object, message: mqtt.MQTTMessage) -> None:
        if message.topic == "end":
            done.set()
        elif message.retain:
            user = getattr(message.properties, "UserProperty", [])
            found[message.topic] = (bytes(message.payload), user)

    client.on_message = on_message
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe([(topic, 1), ("end", 1)])
    until(client.is_connected)
    threading.Event().wait(0.3)
    client.publish("end", b"", qos=1)
    assert done.wait(20)
    client.disconnect()
    client.loop_stop()
    return found


def sayings(broker: Broker, count: int, say_no: int = 1) -> list[Saying]:
    panel = Panel(PanelOptions(), means(broker))
    return [Saying(panel, view(say_no, f"p{n}"), [water_cut()], SENT) for n in range(count)]


def test_a_plan_is_retained_with_its_seal(broker: Broker) -> None:
    said = say(broker, 5, water_cut(expires=clock.now()))
    assert isinstance(said, Said)
    kept = retained(broker, "tambour/1/#")
    (payload, user) = kept["tambour/1/villard-bonnot/mairie/plan"]
    assert b'"plan_rev":5' in payload
    assert [name for name, _ in user] == ["jws"]


def test_many_panels_are_told_in_one_flight(broker: Broker, runs: Runs) -> None:
    say(broker, 1, water_cut(), code="first")
    hub = listening(broker, runs)
    until(lambda: hub.of("plan"))
    answers = Panel.show_many(sayings(broker, 600, say_no=2))
    assert all(isinstance(answer, Said) for answer in answers)
    assert len(answers) == 600
    until(lambda: len(hub.of("plan", plan_rev=2)) == 600)
    assert len({report.outlet for report in hub.of("plan", plan_rev=2)}) == 600


def test_one_panel_that_cannot_be_named_does_not_stop_the_others(broker: Broker) -> None:
    batch = sayings(broker, 3)
    batch[1] = Saying(batch[1].adapter, view(1, "a/b"), [water_cut()], SENT)
    first, second, third = Panel.show_many(batch)
    assert isinstance(first, Said)
    assert isinstance(second, PermanentFailure)
    assert isinstance(third, Said)


def test_an_authority_without_a_key_is_not_configured(broker: Broker) -> None:
    panel = Panel(PanelOptions(), means(broker))
    with pytest.raises(NotConfigured):
        panel.show(view(1, key=b""), [], (), SENT)


def test_a_notice_that_does_not_fit_is_refused_beside_what_is_said(broker: Broker) -> None:
    wide = water_cut(publication="01JWIDE", area_desc="x" * 30)
    said = Panel(PanelOptions(), means(broker)).show(view(1), [wide, water_cut()], (), SENT)
    assert said.refused["01JWIDE"].field == "area_desc"
    assert said.evidence["items"] == 1


def test_the_connection_is_used_again_and_renewed_when_the_broker_was_away(broker: Broker) -> None:
    say(broker, 1, water_cut())
    (first,) = wire._publishers.values()
    client = first._client
    say(broker, 2, water_cut())
    assert first._client is client
    broker.restart()
    say(broker, 3, water_cut())
    assert first._client is not client
    assert b'"plan_rev":3' in retained(broker, "#")["tambour/1/villard-bonnot/mairie/plan"][0]


def test_a_broker_that_is_away_is_a_temporary_failure(tmp_path: Path) -> None:
    url = f"mqtt://127.0.0.1:{free_port()}"
    away = Means("http://x", AddressPolicy(), broker_url=url, timeout=2)
    panel = Panel(PanelOptions(), away)
    with pytest.raises(TemporaryFailure):
        panel.show(view(1), [], (), SENT)
    assert not panel.check().ok
    answers = Panel.show_many([Saying(panel, view(1), [], SENT)] * 2)
    assert all(isinstance(answer, TemporaryFailure) for answer in answers)


def test_a_broker_that_is_silent_is_a_temporary_failure_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        url = f"mqtt://127.0.0.1:{mute.getsockname()[1]}"
        publisher = wire.Publisher(url, "test", 0.5)
        with pytest.raises(TemporaryFailure):
            publisher.publish([wire.Outgoing("a", b"b")])


@pytest.mark.parametrize("url", ["", "http://127.0.0.1", "mqtt://", "mqtt://h:port", "amqp://h"])
def test_an_address_that_is_no_broker_is_not_configured(url: str) -> None:
    with pytest.raises(NotConfigured):
        wire.Broker.at(url)


def test_the_address_carries_user_password_and_port() -> None:
    at = wire.Broker.at("mqtts://pan%40el:s%3Ae@broker.example")
    assert (at.host, at.port, at.tls) == ("broker.example", 8883, True)
    assert (at.user, at.password) == ("pan@el", "s:e")


def test_a_wrong_password_is_for_a_person_and_a_right_one_works(tmp_path: Path) -> None:
    import subprocess

    from tests.fakes.brokers import Mosquitto

    passwords = tmp_path / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", str(passwords), "hub", "right"], check=True)
    acl = tmp_path / "acl"
    acl.write_text("user hub\ntopic write tambour/1/villard-bonnot/p0/plan\n")
    acl.chmod(0o700)

    class Guarded(Mosquitto):
        def command(self) -> list[str]:
            command = super().command()
            conf = Path(command[-1])
            text = conf.read_text().replace("allow_anonymous true", "allow_anonymous false")
            conf.write_text(f"{text}\npassword_file {passwords}\nacl_file {acl}\n")
            return command

    broker = Guarded(tmp_path)
    broker.start()
    try:
        for login in ("hub:wrong@", ""):
            url = broker.url.replace("mqtt://", f"mqtt://{login}")
            with pytest.raises(NotConfigured):
                wire.Publisher(url, "test", 5).publish([wire.Outgoing("a", b"b")])
        url = broker.url.replace("mqtt://", "mqtt://hub:right@")
        publisher = wire.Publisher(url, "test", 5)
        allowed, forbidden = publisher.publish(
            [
                wire.Outgoing("tambour/1/villard-bonnot/p0/plan", b"x"),
                wire.Outgoing("tambour/1/villard-bonnot/p1/plan", b"x"),
            ]
        )
        assert allowed is None
        assert isinstance(forbidden, NotConfigured)
        publisher.close()
    finally:
        broker.stop()


def test_a_child_process_opens_a_connection_of_its_own(broker: Broker) -> None:
    say(broker, 1, water_cut())
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            empty = not wire._publishers
            say(broker, 2, water_cut())
            os.write(writing, b"own" if empty else b"parent's")
        except AdapterFailure as failure:
            os.write(writing, failure.reason.encode())
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reading, 100) == b"own"
    say(broker, 3, water_cut())
    assert b'"plan_rev":3' in retained(broker, "#")["tambour/1/villard-bonnot/mairie/plan"][0]
    os.close(reading)
    os.close(writing)


def test_a_batch_that_fails_half_way_leaves_no_connection_in_doubt(broker: Broker) -> None:
    publisher = wire.Publisher(broker.url, "test", 5)

    def broken() -> Iterator[wire.Outgoing]:
        yield wire.Outgoing("a", b"1")
        raise RuntimeError("a bug")

    with pytest.raises(RuntimeError):
        publisher.publish(broken())
    assert publisher._client is None
    assert publisher.publish([wire.Outgoing("a", b"2")]) == [None]
    publisher.close()
    assert retained(broker, "a")["a"][0] == b"2"
