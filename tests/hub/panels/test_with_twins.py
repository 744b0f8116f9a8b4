"""Twins that obey the contract, a real broker, the real listener: what is said is shown and proved,
and nobody is accused of anything. A twin that shows something else is found."""

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from sqlmodel import select

from channels.panels import wire
from channels.panels.twin import Fleet, Twin
from hub import accounts, board, db, outlets, publishing, receipts, registry
from hub.models import Authority, Incident, Outlet, PanelRow, Publication, ToldPage
from hub.vocabulary import EndedAs
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.brokers import Broker, running, until
from tests.working import work_all

MODELS = ("text-8x16", "text-6x20", "matrix-96x64", "matrix-128x96")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    yield from running("mosquitto", tmp_path)
    wire.close_all()


@pytest.fixture
def here(hub_on_sqlite: Path, broker: Broker) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_MQTT_URL=broker.url)
    return town()


@pytest.fixture
def panels(here: Authority) -> list[Outlet]:
    return [outlet(here, "panel", model, {"model": model}) for model in MODELS]


@pytest.fixture
def threads() -> Iterator[Callable[[Callable[[Callable[[], bool]], None]], Callable[[], None]]]:
    """Starts what takes a `stop`; returns what ends it. All is ended with the test."""
    started: list[tuple[threading.Event, threading.Thread]] = []

    def start(run: Callable[[Callable[[], bool]], None]) -> Callable[[], None]:
        over = threading.Event()
        thread = threading.Thread(target=run, args=(over.is_set,))
        thread.start()
        started.append((over, thread))

        def end() -> None:
            over.set()
            thread.join(30)

        return end

    yield start
    for over, thread in started:
        over.set()
        thread.join(30)


def listen(stop: Callable[[], bool]) -> None:
    listener = registry.channel("panel").listener(outlets.means())
    listener.listen(receipts.apply, stop, receipts.authorities)


def say(here: Authority, headline: str, **more: object) -> Publication:
    with db.writing(here.id) as session:
        made = publishing.create(session, "test", station(session, here), content(headline, **more))
        publishing.publish(session, made, "test")
    return made


def green(here: Authority, publication: Publication, count: int = len(MODELS)) -> bool:
    work_all()
    with db.reading(here.id) as session:
        rows = board.rows(session, publication.id)
    return len(rows) == count and all(row.ok for row in rows)


def incidents() -> list[tuple[str, bool]]:
    with db.reading(db.EVERYWHERE) as session:
        return [(i.kind, i.closed is None) for i in session.exec(select(Incident)).all()]


def test_what_is_said_is_shown_on_every_face_and_nobody_is_accused(
    here: Authority, panels: list[Outlet], broker: Broker, tmp_path: Path, threads
) -> None:
    stop_listening = threads(listen)
    key = accounts.public_key(here)
    twins = [
        Twin(broker.url, here.code, model, model, tmp_path / f"twin-{model}", key=key, at_once=True)
        for model in MODELS
    ]
    threads(Fleet(twins).run)
    works = say(here, "Rue des Brûlis fermée")
    until(lambda: green(here, works), 90, "the works on every face")
    alert = say(
        here, "Crue de l’Isère", severity="Extreme", urgency="Immediate", certainty="Observed"
    )
    until(lambda: green(here, alert), 90, "the alert on every face")
    stop_listening()
    threads(listen)  # what is retained is heard again
    with db.writing(here.id) as session:
        row = session.get_one(Publication, alert.id)
        publishing.cancel(session, row, EndedAs.OVER, "test")
    until(lambda: green(here, alert), 90, "the alert gone from every face")
    until(lambda: green(here, works), 90, "the works back on every face")
    assert incidents() == []
    with db.reading(db.EVERYWHERE) as session:
        states = {row.state for row in session.exec(select(PanelRow)).all()}
        told = {page.hash for page in session.exec(select(ToldPage)).all()}
        seen = {
            row.shown["page"]["hash"]
            for row in session.exec(select(PanelRow)).all()
            if row.shown.get("page")
        }
    assert states == {"ready"}
    assert seen
    assert seen <= told


def test_who_writes_on_a_panel_s_behalf_is_found(
    here: Authority, panels: list[Outlet], broker: Broker, threads
) -> None:
    """Somebody with the panel's own credentials: what it claims to show was never told."""
    threads(listen)
    works = say(here, "Rue des Brûlis fermée")
    work_all()
    assert works.id
    thief = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    thief.connect("127.0.0.1", broker.port)
    thief.loop_start()
    with db.reading(db.EVERYWHERE) as session:
        from hub.models import DisplayRow

        number = session.get_one(DisplayRow, panels[0].id).say_no
    at = "2026-03-02T08:30:00Z"
    body = {
        "v": 1, "ts": at, "session": 7, "seq": 1, "plan_rev": number, "source": "plan",
        "since": at, "items": [], "hash": "A" * 43,
    }  # fmt: skip
    topic = f"tambour/1/{here.code}/{MODELS[0]}/shown"

    def found() -> bool:
        body["seq"] += 1  # type: ignore[operator]
        thief.publish(topic, json.dumps(body), qos=1).wait_for_publish(20)
        return ("unknown_page", True) in incidents()

    until(found, 60, "the incident")
    thief.disconnect()
    thief.loop_stop()
