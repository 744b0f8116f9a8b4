"""One notice for 5,000 panels, told through a real mosquitto.

Two measures: `Panel.show_many` (compile, sign, publish, each acknowledged), and the hub's whole
dispatch of the same (claims, plan numbers, ledger, on SQLite). Limit of both: a bare paho client
that publishes the same bytes, made ready beforehand, retained under QoS 1 and waits for every
acknowledgement. Peer: paho's own `publish.multiple`, the usual one-call helper, with the same.

Run: python -m tests.benchmarks.bench_panels
"""

import json
import tempfile
import time
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
from paho.mqtt import publish
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from sqlalchemy import update
from sqlmodel import select

from channels.panels import Panel
from channels.panels.wire import Broker, close_all
from hub import clock, db, migrate, outlets, publishing
from hub.contracts import Saying
from hub.dispatch import displays
from hub.models import Authority, DisplayRow, Outlet
from hub.sweep import Sweeper
from tests.benchmarks.measure import ROUNDS, row, take_turns
from tests.conftest import start_instance, stop_instance
from tests.factories import content, station, town
from tests.fakes import brokers

PANELS = 5000
# paho looks through all it has in flight at each acknowledgement: more would be slower.
IN_FLIGHT = 20
MODELS = ("text-8x16", "text-6x20")


def run() -> list[dict[str, Any]]:
    """Rows in seconds for all panels."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        broker = next(running := brokers.running("mosquitto", folder))
        stack.callback(lambda: next(running, None))
        stack.callback(stop_instance)
        stack.callback(close_all)
        start_instance(folder, TAMBOUR_MQTT_URL=broker.url)
        migrate.upgrade()
        here = _town_with_panels()
        _say_once(here)
        work_due()
        return _measure(_sayings(), _retained(broker.url), broker.url)


def _measure(sayings: list[Saying], said: list[mqtt.MQTTMessage], url: str) -> list[dict[str, Any]]:
    at = Broker.at(url)
    batch: Any = [
        {
            "topic": m.topic,
            "payload": bytes(m.payload),
            "qos": 1,
            "retain": True,
            "properties": _signature(m),
        }
        for m in said
    ]

    def ours() -> None:
        assert not [a for a in Panel.show_many(sayings) if isinstance(a, Exception)]

    def dispatch() -> None:
        make_all_due()
        assert work_due() == PANELS

    def bare() -> None:
        client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        waiting, left = iter(batch), PANELS

        def acknowledged(*_: Any) -> None:
            nonlocal left
            left -= 1
            say_next()

        def say_next() -> None:
            for message in islice(waiting, 1):
                client.publish(**message)

        client.on_publish = acknowledged
        client.connect(at.host, at.port)
        while not client.is_connected():
            client.loop(0.1)
        for _ in range(IN_FLIGHT):
            say_next()
        while left:
            client.loop(1.0)
        client.disconnect()

    def peer() -> None:
        publish.multiple(batch, at.host, at.port, protocol=mqtt.MQTTv5)

    many, whole, limit, helper = take_turns(ours, dispatch, bare, peer)
    size = sum(len(m.payload) for m in said) // len(said)
    how = f"mosquitto, {PANELS} plans of {size} bytes, each acknowledged"
    return [
        row(
            f"panels: show_many, {PANELS} panels", "s", ours=many, peer=helper, limit=limit,
            conditions=f"median of {ROUNDS}; {how}; ours compiles and signs them too",
        ),
        row(
            f"panels: whole dispatch, {PANELS} panels", "s", ours=whole, peer=helper, limit=limit,
            conditions=f"median of {ROUNDS}; {how}; one worker process with claims, "
            "plan numbers and ledger on SQLite",
        ),
    ]  # fmt: skip


def _signature(message: mqtt.MQTTMessage) -> Properties:
    made = Properties(PacketTypes.PUBLISH)
    made.UserProperty = message.properties.UserProperty
    return made


def _town_with_panels() -> Authority:
    here = town()
    with db.writing(here.id) as session:
        where = station(session, here).id
        for n in range(PANELS):
            panel = Outlet(
                authority_id=here.id,
                code=f"panneau-{n}",
                name=f"Panneau {n}",
                kind="panel",
                station_id=where,
                options={"model": MODELS[n % len(MODELS)]},
            )
            session.add(panel)
            session.flush()
            session.add(DisplayRow(outlet_id=panel.id, authority_id=here.id))
    return here


def _say_once(here: Authority) -> None:
    with db.writing(here.id) as session:
        made = publishing.create(session, "bench", station(session, here), content())
        publishing.publish(session, made, "bench")


def make_all_due() -> None:
    with db.writing(db.EVERYWHERE) as session:
        session.execute(
            update(DisplayRow).values(wanted_no=DisplayRow.wanted_no + 1, due_at=clock.now())
        )


def work_due() -> int:
    """What one worker does with the sweep's nudges."""
    told = 0
    while True:
        with db.reading(db.EVERYWHERE) as session:
            due = Sweeper().due(session)
        if not due:
            return told
        told += sum(displays.work(outlet_id) for _what, outlet_id, _lane in due)


def _sayings() -> list[Saying]:
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        ids = session.exec(select(DisplayRow.outlet_id)).all()
        told = list(displays.read(session, ids, now).values())
    return [Saying(outlets.adapter(t.outlet), t.view, t.notices, now) for t in told]


def _retained(url: str) -> list[mqtt.MQTTMessage]:
    """The plans as the broker keeps them."""
    at, kept = Broker.at(url), []
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    client.on_message = lambda _c, _d, message: kept.append(message)
    client.connect(at.host, at.port)
    client.subscribe("tambour/1/+/+/plan", 1)
    end = time.monotonic() + 30
    while len(kept) < PANELS:
        assert time.monotonic() < end, len(kept)
        client.loop(0.2)
    client.disconnect()
    return kept


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each, ensure_ascii=False))
