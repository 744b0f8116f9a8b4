"""Many workers tell one panel: the plan that the broker keeps in the end is the newest.

Two workers composing one panel let the older publish land last, seen on two brokers; here four
processes do nothing else, while what the panel shall show changes a thousand times.
"""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from sqlmodel import select

from channels.panels import wire
from hub import board, clock, db, outlets, publishing, receipts, registry
from hub.dispatch import displays
from hub.models import Attempt, Authority, DisplayRow, Outlet, Publication
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.brokers import Broker, running, until
from tests.working import work_all

CHANGES, WORKERS = 1_000, 4
PLAN = "tambour/1/villard-bonnot/panel/plan"


class Hearer:
    """Every plan as the broker passes it on, in its order."""

    def __init__(self, broker: Broker, topic: str = PLAN) -> None:
        self.plans: list[dict[str, object]] = []
        self.raw: list[mqtt.MQTTMessage] = []
        self._joined = threading.Event()
        self.client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self.client.on_message = self._on_message
        self.client.on_subscribe = lambda *_: self._joined.set()
        self.client.connect("127.0.0.1", broker.port)
        self.client.loop_start()
        self.client.subscribe(topic, 1)
        assert self._joined.wait(30)

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.raw.append(message)
        if b"plan_rev" in message.payload:
            self.plans.append(json.loads(message.payload))

    def numbers(self) -> list[int]:
        return [int(str(plan["plan_rev"])) for plan in self.plans]

    def close(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


def retained(broker: Broker) -> dict[str, object]:
    """The plan that a panel finds when it comes."""
    hearer = Hearer(broker)
    until(lambda: hearer.plans, what="the retained plan")
    hearer.close()
    return hearer.plans[0]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    yield from running("mosquitto", tmp_path)
    wire.close_all()


@pytest.fixture
def here(hub_on_sqlite: Path, broker: Broker) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_MQTT_URL=broker.url)
    return town()


def said(here: Authority) -> Publication:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content("Avis 0"))
        publishing.publish(session, publication, "test")
    return publication


def row_of(panel: Outlet) -> DisplayRow:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(DisplayRow, panel.id)


@pytest.fixture
def workers() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def test_after_a_thousand_changes_and_four_workers_the_newest_plan_is_kept(
    here: Authority, broker: Broker, workers: list[subprocess.Popen[str]]
) -> None:
    panel = outlet(here, "panel")
    publication = said(here)
    hearer = Hearer(broker)
    for n in range(WORKERS):
        words = [sys.executable, "-m", "tests.faults.panel_worker", f"w{n}", str(panel.id)]
        workers.append(
            subprocess.Popen(
                words,
                cwd=Path(__file__).parents[2],
                env=dict(os.environ),
                stdout=subprocess.PIPE,
                text=True,
            )
        )
    for process in workers:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    for n in range(1, CHANGES + 1):
        with db.writing(here.id) as session:
            if n % 50 == 0:
                row = session.get_one(Publication, publication.id)
                publishing.revise(session, row, content(f"Avis {n}"), "test")
            else:
                displays.due_again(session, panel.id or 0)

    def quiet() -> bool:
        row = row_of(panel)
        return not row.lease and row.due_at is None and row.said_no == row.wanted_no

    until(quiet, 60, "the workers to have said it all")
    row = row_of(panel)
    kept = retained(broker)
    assert row.wanted_no > CHANGES
    assert kept["plan_rev"] == row.say_no
    assert "AVIS 1000" in json.dumps(kept["items"]).upper()
    until(lambda: row.say_no in hearer.numbers(), what="every plan to be heard")
    numbers = hearer.numbers()
    assert numbers == sorted(set(numbers))  # none came late, at any moment
    with db.reading(here.id) as session:
        attempts = session.exec(select(Attempt).where(Attempt.outlet_id == panel.id)).all()
    assert len({a.worker for a in attempts}) > 1
    assert all(process.poll() is None for process in workers)
    hearer.close()


def test_an_old_plan_put_back_on_the_broker_is_heard_and_replaced(
    here: Authority, broker: Broker
) -> None:
    """A backup of the broker, or a hand: the listener hears another number than the last said."""
    panel = outlet(here, "panel")
    publication = said(here)
    hearer = Hearer(broker)
    work_all()
    until(lambda: hearer.raw, what="the first plan")
    old = hearer.raw[0]
    with db.writing(here.id) as session:
        row = session.get_one(Publication, publication.id)
        publishing.revise(session, row, content("Avis 1"), "test")
    work_all()
    last = row_of(panel).say_no
    until(lambda: last in hearer.numbers(), what="the second plan")

    over = threading.Event()
    listener = registry.channel("panel").listener(outlets.means())
    thread = threading.Thread(
        target=listener.listen, args=(receipts.apply, over.is_set, receipts.authorities)
    )
    thread.start()
    try:
        for payload in (old.payload, b"{}", b""):
            settled = row_of(panel).say_no
            until(lambda: row_of(panel).due_at is None or work_all() is None, what="rest")
            hearer.client.publish(PLAN, payload, 1, retain=True).wait_for_publish(30)

            def heard() -> bool:
                due = row_of(panel).due_at
                return due is not None and due <= clock.now()

            until(heard, 30, "the listener to find the wrong plan")
            work_all()
            assert row_of(panel).say_no > settled
            until(lambda: retained(broker)["plan_rev"] == row_of(panel).say_no, 30, "the right one")
    finally:
        over.set()
        thread.join(30)
        hearer.close()
    with db.reading(here.id) as session:
        (row,) = board.rows(session, publication.id)
    assert row.wanted_revision == 2
