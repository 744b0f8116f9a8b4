"""The listener: batches of reports, nothing that stops it, a beacon that tells on a second hub."""

import json
import socket
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from channels.panels import Panel, listener
from channels.panels.listener import Listener
from hub.contracts import Means, Report
from hub.guard import AddressPolicy
from tests.channels.panels.conftest import Heard, Runs, listening, means, say
from tests.fakes.brokers import Broker, until
from tests.fakes.notices import water_cut

HEAD = {"v": 1, "ts": "2026-03-02T08:31:00Z", "session": 3, "seq": 4}
SHOWN = {**HEAD, "plan_rev": 9, "source": "plan", "since": HEAD["ts"], "items": []}


class Mouth:
    """A panel that says anything."""

    def __init__(self, broker: Broker) -> None:
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()

    def say(self, topic: str, body: Any, *, retain: bool = False) -> None:
        payload = body if isinstance(body, bytes) else json.dumps(body).encode()
        info = self.client.publish(f"tambour/1/{topic}", payload, qos=1, retain=retain)
        info.wait_for_publish(20)

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def mouth(broker: Broker) -> Iterator[Mouth]:
    made = Mouth(broker)
    yield made
    made.close()


def other_beacon(boot: str = "boot-2", seq: int = 1) -> dict[str, Any]:
    return {"v": 1, "instance": "copy", "boot": boot, "seq": seq}


def test_the_plan_the_broker_keeps_is_reported_with_its_number(broker: Broker, runs: Runs) -> None:
    say(broker, 77, water_cut())
    hub = listening(broker, runs)
    until(lambda: hub.of("plan"))
    assert [r.say_no for r in hub.of("plan")] == [77]


def test_wrong_payloads_are_counted_and_stop_nothing(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    hub = Heard()
    ears = Listener(means(broker), hub, lambda: False, tuple)
    stop: list[bool] = []
    ears._stop = lambda: bool(stop)
    runs.start(lambda told: ears.run())
    until(lambda: ears.counts["connections"])
    until(lambda: ears._settled)
    mouth.say("vb/p/shown", b"{")
    mouth.say("vb/p/shown", b"x" * 70_000)
    mouth.say("vb/p/ack", {**HEAD, "ref": 9, "stage": "dreamt"})
    mouth.say("vb/hub", b"no beacon")
    mouth.say("vb/p/shown", SHOWN)
    hub.wait("shown", plan_rev=9)
    assert ears.counts["refused"] == 4
    assert ears.counts["read"] == 1
    stop.append(True)


def test_many_reports_come_in_batches(broker: Broker, hub: Heard, mouth: Mouth) -> None:
    mouth.say("vb/p/shown", SHOWN, retain=True)
    hub.wait("shown")
    infos = [
        mouth.client.publish(f"tambour/1/vb/p{n}/hb", json.dumps({**HEAD, "plan_rev": n}), qos=1)
        for n in range(1200)
    ]
    infos[-1].wait_for_publish(30)
    until(lambda: len(hub.of("heartbeat")) == 1200)
    assert max(hub.batches) <= listener.BATCH
    assert len(hub.batches) < 400


def test_reports_the_hub_could_not_store_are_offered_again(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    heard = Heard()
    failures = iter([True, True])

    def flaky(reports: Sequence[Report]) -> None:
        if next(failures, False):
            raise OSError("the database is away")
        heard(reports)

    ears = Panel.listener(means(broker))
    runs.start(lambda stop: ears.listen(flaky, stop))
    mouth.say("vb/p/shown", SHOWN, retain=True)
    heard.wait("shown", plan_rev=9)
    until(lambda: heard.of("beacon", kind="forgotten"))
    assert len(heard.of("shown")) == 1


# The beacon


def test_an_empty_broker_is_a_forgotten_one_and_gets_the_beacon(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    heard = Heard()
    ears = Panel.listener(means(broker))
    runs.start(lambda stop: ears.listen(heard, stop, lambda: ["villard-bonnot"]))
    report = heard.wait("beacon")
    assert report.authority == "villard-bonnot"
    assert report.body["kind"] == "forgotten"
    mouth.say("villard-bonnot/p/shown", SHOWN, retain=True)
    again = listening(broker, runs, boot="boot-1", instance="other-client")
    again.wait("shown")
    mouth.say("villard-bonnot/p/shown", {**SHOWN, "plan_rev": 10})
    again.wait("shown", plan_rev=10)
    # Its own boot is on the broker: nothing was forgotten, nobody else is there.
    assert again.of("beacon") == []


def test_an_earlier_boots_beacon_is_taken_over_in_silence(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    mouth.say("vb/hub", other_beacon("yesterday", 41), retain=True)
    mouth.say("vb/p/shown", SHOWN, retain=True)
    seen: list[dict[str, Any]] = []
    mouth.client.on_message = lambda c, d, m: seen.append(json.loads(m.payload))
    mouth.client.subscribe("tambour/1/vb/hub", 1)
    hub = listening(broker, runs)
    until(lambda: seen and seen[-1]["boot"] == "boot-1")
    assert seen[-1]["seq"] == 42
    hub.wait("shown")
    assert hub.of("beacon") == []


def test_a_live_second_hub_is_told_to_both(broker: Broker, runs: Runs, mouth: Mouth) -> None:
    mouth.say("vb/p/shown", SHOWN, retain=True)
    first = listening(broker, runs, boot="boot-1", instance="one")
    first.wait("beacon", kind="forgotten")
    second = listening(broker, runs, boot="boot-2", instance="two")
    assert first.wait("beacon", kind="second_hub").body["other"] == "two/boot-2"
    assert second.wait("beacon", kind="second_hub").body["other"] == "one/boot-1"


def test_a_session_that_is_taken_over_is_a_second_hub(runs: Runs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def broker(stop: Callable[[], bool]) -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(bytes.fromhex("2003000000"))  # CONNACK: success
                connection.recv(4096)
                connection.sendall(bytes.fromhex("e0028e00"))  # DISCONNECT: taken over (142)
                until(stop)

        runs.start(broker)
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        heard = Heard()
        ears = Panel.listener(Means("http://x", AddressPolicy(), broker_url=url))
        runs.start(lambda stop: ears.listen(heard, stop))
        assert heard.wait("beacon", kind="second_hub").body["other"] == "session"


def test_a_broker_that_speaks_nonsense_does_not_end_the_role(runs: Runs) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        seen: list[int] = []

        def broker(stop: Callable[[], bool]) -> None:
            for nonsense in ("20020000", "2005000002ffff", "300300ff41", "2003000000" + "30020005"):
                connection, _ = server.accept()
                with connection:
                    seen.append(len(connection.recv(4096)))
                    connection.sendall(bytes.fromhex(nonsense))
            server.accept()
            seen.append(0)

        runs.start(broker)
        url = f"mqtt://127.0.0.1:{server.getsockname()[1]}"
        ears = Panel.listener(Means("http://x", AddressPolicy(), broker_url=url))
        runs.start(lambda stop: ears.listen(Heard(), stop))
        until(lambda: len(seen) == 5, 60)
    assert all(seen[:4])  # it asked anew after each, and once more


def test_a_restored_copy_with_the_same_name_is_heard_too(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    mouth.say("vb/p/shown", SHOWN, retain=True)
    first = listening(broker, runs, boot="11111111")
    first.wait("beacon", kind="forgotten")
    second = listening(broker, runs, boot="22222222")
    assert first.wait("beacon", kind="second_hub").authority == "vb"
    second.wait("beacon", kind="second_hub")


def test_a_hub_that_hears_nobody_any_more_is_alone(
    broker: Broker, runs: Runs, mouth: Mouth, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "ALONE_S", 1.0)
    monkeypatch.setattr(listener, "PROBE_S", 0.3)
    mouth.say("vb/p/shown", SHOWN, retain=True)
    hub = listening(broker, runs)
    hub.wait("beacon", kind="forgotten")
    mouth.say("vb/hub", other_beacon(seq=9), retain=True)
    hub.wait("beacon", kind="second_hub")
    until(lambda: hub.of("beacon")[-1].body["kind"] == "alone")
    kinds = [r.body["kind"] for r in hub.of("beacon")]
    assert kinds.index("second_hub") < kinds.index("alone")


def test_a_word_spoken_while_we_were_away_is_a_second_hubs(
    broker: Broker, runs: Runs, mouth: Mouth
) -> None:
    mouth.say("vb/p/shown", SHOWN, retain=True)
    hub = listening(broker, runs)
    hub.wait("beacon", kind="forgotten")
    hub.reports.clear()
    broker.stop()
    mouth.close()
    broker.start()
    stranger = Mouth(broker)
    stranger.say("vb/hub", other_beacon(), retain=True)
    stranger.say("vb/p/shown", SHOWN, retain=True)
    assert hub.wait("beacon", kind="second_hub").body["other"] == "copy/boot-2"
    stranger.close()


def test_a_listener_ends_when_told_even_without_a_broker(broker: Broker, runs: Runs) -> None:
    broker.stop()
    heard: list[Any] = []
    end = runs.start(lambda stop: Panel.listener(means(broker)).listen(heard.append, stop))
    end()
    assert heard == []
