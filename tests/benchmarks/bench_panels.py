"""1,000 panels told what to show: composed, signed, published, each acknowledged by the broker.

Ours: `Panel.show_many` in sets of 500, three notices a panel, every plan different in number and
address. Peer: a bare paho QoS 1 loop that publishes 1,000 ready payloads of the same size and waits
for all. Limit: the broker itself, 1,000 ready packets written on a socket and their PUBACKs read.
"""

import json
import platform
import socket
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from channels.panels import Panel, PanelOptions, Saying, wire
from hub.contracts import Means, OutletView, Said
from hub.guard import AddressPolicy
from tests.fakes import brokers
from tests.fakes.notices import water_cut

PANELS, SET, REPEATS = 1_000, 500, 7
NOW = datetime(2026, 3, 2, 8, 31, tzinfo=UTC)
NOTICES = [
    water_cut(publication=f"01JBENCH{n}", expires=NOW + timedelta(hours=5 + n)) for n in range(3)
]


def seconds(work: Callable[[], object]) -> float:
    """The median of REPEATS, after one to warm up."""
    work()
    taken = []
    for _ in range(REPEATS):
        began = time.perf_counter()
        work()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def ours(broker: brokers.Broker) -> Callable[[], None]:
    panel = Panel(PanelOptions(), Means("http://x", AddressPolicy(), broker_url=broker.url))
    numbers = iter(range(1, 10**9))

    def tell() -> None:
        for first in range(0, PANELS, SET):
            batch = [
                Saying(panel, view(n, next(numbers)), NOTICES, NOW)
                for n in range(first, first + SET)
            ]
            assert all(isinstance(answer, Said) for answer in Panel.show_many(batch))

    return tell


def view(n: int, say_no: int) -> OutletView:
    return OutletView(
        id=n, code=f"panel-{n}", name="Panneau", authority="villard-bonnot", authority_name="",
        timezone="Europe/Paris", languages=("fr",), say_no=say_no, signing_key=bytes(32),
        key_id="vb-1",
    )  # fmt: skip


def ready(size: int) -> list[tuple[str, bytes]]:
    """Topics and payloads of the size of our plans."""
    return [(f"tambour/1/villard-bonnot/panel-{n}/plan", b"x" * size) for n in range(PANELS)]


def peer(broker: brokers.Broker, size: int) -> tuple[Callable[[], None], Callable[[], None]]:
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    messages = ready(size)

    def tell() -> None:
        sent = [client.publish(topic, body, qos=1, retain=True) for topic, body in messages]
        for info in sent:
            info.wait_for_publish(60)

    def close() -> None:
        client.disconnect()
        client.loop_stop()

    return tell, close


def limit(broker: brokers.Broker, size: int) -> tuple[Callable[[], None], Callable[[], None]]:
    """PUBLISH packets of MQTT 5 made beforehand, windows of 500 as ours."""
    line = socket.create_connection(("127.0.0.1", broker.port))
    line.sendall(_packet(0x10, b"\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x05limit"))
    line.recv(100)
    packets = [
        _packet(
            0x33,
            len(topic).to_bytes(2, "big") + topic.encode() + (n + 1).to_bytes(2, "big")
            + b"\x00" + body,
        )
        for n, (topic, body) in enumerate(ready(size))
    ]  # fmt: skip

    def tell() -> None:
        for first in range(0, PANELS, SET):
            line.sendall(b"".join(packets[first : first + SET]))
            waiting, rest = SET, b""
            while waiting:
                rest += line.recv(65536)
                while len(rest) >= 2 and len(rest) >= 2 + rest[1]:
                    waiting -= rest[0] == 0x40
                    rest = rest[2 + rest[1] :]

    return tell, line.close


def _packet(kind: int, body: bytes) -> bytes:
    """A control packet: type and flags, remaining length (MQTT 5 section 1.5.5), body."""
    head, left = bytearray([kind]), len(body)
    while True:
        left, digit = divmod(left, 128) if left > 127 else (0, left)
        head.append(digit | (128 if left else 0))
        if not left:
            return bytes(head) + body


def run() -> list[dict[str, Any]]:
    """A row a broker: panels told a second; a ratio over 1 means ours is faster."""
    rows = []
    for kind in brokers.KINDS:
        with tempfile.TemporaryDirectory() as folder:
            running = brokers.running(kind, Path(folder))
            broker = next(running)
            said = Panel(PanelOptions(), Means("http://x", AddressPolicy(), broker_url=broker.url))
            size = said.show(view(0, 1), NOTICES, (), NOW).evidence["bytes"]
            bare, close_bare = peer(broker, size)
            raw, close_raw = limit(broker, size)
            ours_s, peer_s, limit_s = seconds(ours(broker)), seconds(bare), seconds(raw)
            close_bare()
            close_raw()
            wire.close_all()
            next(running, None)
        rows.append(
            {
                "name": f"1,000 panels told, {kind}",
                "ours": round(PANELS / ours_s),
                "peer": round(PANELS / peer_s),
                "limit": round(PANELS / limit_s),
                "unit": "panels/s",
                "ratio_to_peer": round(peer_s / ours_s, 2),
                "ratio_to_limit": round(limit_s / ours_s, 2),
                "conditions": f"{len(NOTICES)} notices, {size} bytes a plan, signed; peer: bare "
                f"paho QoS 1, ready payloads; limit a raw socket; median of {REPEATS}; "
                f"Python {platform.python_version()}, {platform.machine()}",
            }
        )
    return rows


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
