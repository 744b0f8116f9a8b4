"""What the contract says happens on a real broker: lines that come and go, names taken, proofs."""

import io
import json
import select
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from PIL import Image

from channels.panels import jws, topics
from channels.panels.twin import Twin
from channels.panels.twin.link import Link
from channels.panels.twin.seal import b64, public_of
from hub import clock
from tests.channels.panels.conftest import Runs, a_twin, now_cut, put, say, shows
from tests.channels.panels.test_panel_inbox import BOX, picture
from tests.channels.panels.test_panel_week import a_body, item
from tests.fakes.brokers import Broker, until

PREFIX = "tambour/1/villard-bonnot/mairie"
LONG = 60.0


class Ear:
    """Everything said under the prefix of the panel, as it came."""

    def __init__(self, port: int) -> None:
        self.heard: list[mqtt.MQTTMessage] = []
        self.client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_connect = lambda c, *_: c.subscribe(f"{PREFIX}/#", 1)
        self.client.on_message = lambda _c, _d, message: self.heard.append(message)
        self.client.reconnect_delay_set(0.1, 0.5)
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()

    def of(self, leaf: str, **body: Any) -> list[dict[str, Any]]:
        found = [m for m in list(self.heard) if m.topic == f"{PREFIX}/{leaf}" and m.payload]
        bodies = [json.loads(m.payload) for m in found]
        return [b for b in bodies if all(b.get(k) == v for k, v in body.items())]

    def wait(self, leaf: str, **body: Any) -> dict[str, Any]:
        until(lambda: self.of(leaf, **body), LONG, f"{leaf} {body}")
        return self.of(leaf, **body)[-1]

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


@pytest.fixture
def listen(broker: Broker) -> Iterator[Callable[[], Ear]]:
    ears: list[Ear] = []

    def one() -> Ear:
        ears.append(Ear(broker.port))
        return ears[-1]

    yield one
    for ear in ears:
        ear.end()


@pytest.fixture
def ear(listen: Callable[[], Ear]) -> Ear:
    return listen()


def test_a_panel_that_reconnects_a_hundred_times_keeps_its_plan_and_every_batch(
    broker: Broker, ear: Ear, runs: Runs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.fsync", lambda _number: None)
    twin = a_twin(broker, tmp_path / "twin")
    say(broker, 10, now_cut())

    def drive(until_: Callable[[], bool]) -> None:
        end = time.monotonic() + LONG
        while not until_():
            assert time.monotonic() < end, twin.link.connections
            twin.work()
            socket = twin.link.socket
            if socket is not None and select.select([socket], [], [], 0.01)[0]:
                twin.link.ready(readable=True)

    for number in range(100):
        # Nine of ten lines are cut as soon as they stand, before anything is said on them.
        drive(lambda soon=number % 10: twin.link.up and (twin.mouth.born or bool(soon)))
        twin.link.drop()
        twin.work()
        twin.link.rest(0.0)
    drive(lambda: twin.link.up and twin.mouth.born)
    runs.start(twin.run)
    ear.wait("shown", session=twin.mouth.session)
    sessions = [b["session"] for b in ear.of("birth")]
    assert sessions == sorted(sessions)
    assert len(set(sessions)) >= 10
    assert twin.link.connections == 101
    assert shows(twin, "COUPURE")
    # Said once, though perhaps heard again: an acknowledgement waits for the broker's own.
    assert {(a["stage"], a["ref"]) for a in ear.of("ack")} == {
        (stage, 10) for stage in ("received", "verified", "stored", "displayed")
    }
    until(lambda: not twin.display.proofs.kept, LONG, "all proofs to be taken")
    batches = sorted({b["batch"] for b in ear.of("proof")})
    assert batches == list(range(1, len(batches) + 1))
    assert len(batches) <= 101


def test_two_panels_with_one_name_take_turns_slowly_and_say_so(
    mosquitto: Broker, runs: Runs, tmp_path: Path
) -> None:
    ear = Ear(mosquitto.port)
    say(mosquitto, 10, now_cut())
    twins = [a_twin(mosquitto, tmp_path / name) for name in ("one", "two")]
    for twin in twins:
        runs.start(twin.run)
    fault = ear.wait("fault/link")
    assert "name" in fault["detail"]
    until(lambda: len({b["session"] for b in ear.of("birth")}) >= 3, LONG, "both to be heard")
    assert all(shows(twin, "COUPURE") for twin in twins)
    ear.end()


def test_a_line_that_is_cut_again_and_again_is_tried_less_and_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Two panels of one name, on a broker that does not say why it ended a connection."""
    now = 1000.0
    monkeypatch.setattr("hub.clock.monotonic", lambda: now)
    monkeypatch.setattr("random.uniform", lambda _low, high: high)
    link = Link("mqtt://127.0.0.1:9", "p", "n", at_once=False, on_up=lambda: None,
                on_down=lambda _d: None, will=dict)  # fmt: skip

    def lived(seconds: float, reason: int = 128) -> float:
        nonlocal now
        link._opened, link._subscribed, link._reason = now, True, reason
        now += seconds
        link._closed()
        return link._next_try - now

    assert [lived(2) for _ in range(6)] == [30, 60, 120, 240, 300, 300]
    assert link.contested == 2
    assert lived(60) == 30
    assert lived(60, reason=142) == 120
    assert link.taken_over == 1


def test_a_broker_that_forgot_pictures_and_plan_changes_nothing_on_the_face(
    broker: Broker, runs: Runs, tmp_path: Path
) -> None:
    twin = a_twin(broker, tmp_path / "twin", model="matrix-96x64")
    runs.start(twin.run)
    _picture(broker, BOX.png())
    body = a_body(1, item("box", picture()), not_after="2099-01-01T00:00:00Z")
    _plan(broker, body)
    until(lambda: shows_box(twin), LONG, "the picture on the face")
    connections = twin.link.connections
    broker.restart()
    until(lambda: twin.link.connections > connections and twin.link.up, LONG, "the line")
    assert shows_box(twin)
    again = item("box", picture(), rev=2)
    _plan(broker, a_body(2, again, not_after="2099-01-01T00:00:00Z"))
    until(lambda: twin.state()["plan_rev"] == 2, LONG, "a plan without its picture said again")
    assert shows_box(twin)


def test_proofs_wait_for_somebody_who_listens(
    mosquitto: Broker, runs: Runs, tmp_path: Path
) -> None:
    """Reason 16 of a PUBACK (MQTT 5 section 3.4.2.1): nobody got it."""
    twin = a_twin(mosquitto, tmp_path / "twin")
    runs.start(twin.run)
    say(mosquitto, 10, now_cut())
    until(lambda: shows(twin, "COUPURE"), LONG)
    for _ in range(3):
        time.sleep(0.01)
        twin.display.close_batch()
    until(lambda: twin.mouth._unheard_until > 0, LONG, "the broker to say that nobody listens")
    assert len(twin.display.proofs.kept) >= 3
    ear = Ear(mosquitto.port)
    until(lambda: ear.of("birth"), LONG, "the ear to hear")
    twin.link.drop()
    until(lambda: not twin.display.proofs.kept, LONG, "the proofs to be taken")
    numbers = [b["batch"] for b in ear.of("proof")]
    assert sorted(set(numbers)) == list(range(1, max(numbers) + 1))
    signed = next(m for m in ear.heard if m.topic.endswith("/proof"))
    seal = dict(signed.properties.UserProperty)["jws"]
    key = ear.of("birth")[-1]["device_key"]["x"]
    jws.verify(bytes(signed.payload), seal, jws.unb64(key))
    assert key == b64(public_of((tmp_path / "twin" / "device.key").read_bytes()))
    ear.end()


def test_a_frame_is_the_face_dot_by_dot(broker: Broker, ear: Ear, twin: Twin) -> None:
    say(broker, 10, now_cut())
    until(lambda: shows(twin, "COUPURE") and twin.link.up, LONG)
    twin.display.intruder = ("PIRATE",)
    until(lambda: any(m.topic == f"{PREFIX}/frame" for m in ear.heard), LONG, "a frame")
    frame = next(m for m in ear.heard if m.topic == f"{PREFIX}/frame")
    said = dict(frame.properties.UserProperty)
    state = twin.state()
    assert (said["reason"], said["ref"], said["hash"]) == ("mismatch", "10", state["hash"])
    assert said["page_hash"] == state["page"]["hash"]
    shot = Image.open(io.BytesIO(frame.payload))
    dots = [[shot.getpixel((x, y)) != 0 for x in range(shot.width)] for y in range(shot.height)]
    assert dots == [[sign == "#" for sign in row] for row in state["dots"]]
    assert frame.properties.ContentType == "image/png"
    until(lambda: [s for s in ear.of("shown") if s["hash"] == state["hash"]], LONG, "its hash")


def test_who_sleeps_says_until_when_and_comes_back(broker: Broker, ear: Ear, twin: Twin) -> None:
    say(broker, 10, now_cut(minutes=600))
    until(lambda: shows(twin, "COUPURE") and twin.link.up and twin.mouth.born, LONG)
    # Until the word is heard, however slow the machine: then time passes at once.
    twin.sleep(twin.clock.now() + timedelta(hours=5))
    asleep = ear.wait("presence", state="sleeping")
    assert asleep["until"].endswith("Z")
    assert shows(twin, "COUPURE")
    session = twin.mouth.session
    assert not twin.link.up
    twin.clock.offset_s += 5 * 3600
    until(lambda: [p for p in ear.of("presence", state="ready") if p["session"] > session], LONG)
    assert not ear.of("presence", state="lost")


def test_a_heartbeat_says_how_the_panel_is(broker: Broker, ear: Ear, twin: Twin) -> None:
    beat = ear.wait("hb")
    assert {"temp_c", "brightness", "rssi", "data_month_kb", "queue", "batch"} <= set(beat)
    twin.faults.raise_("door", "warning", clock.now(), "open")
    assert ear.wait("fault/door")["detail"] == "open"
    twin.faults.clear("door")
    topic = f"{PREFIX}/fault/door"
    until(lambda: [m for m in ear.heard if m.topic == topic and not m.payload], LONG)


def shows_box(twin: Twin) -> bool:
    return sum(row.count("#") for row in twin.state()["dots"]) == 44


def _picture(broker: Broker, png: bytes) -> None:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    topic = topics.topic("villard-bonnot", "mairie", "image", BOX.hash)
    client.publish(topic, png, qos=1, retain=True).wait_for_publish(LONG)
    client.disconnect()
    client.loop_stop()


def _plan(broker: Broker, body: dict[str, Any]) -> None:
    payload = json.dumps(body, ensure_ascii=False).encode()
    put(broker, payload, jws.sign(payload, bytes(range(32)), "vb-1"))
