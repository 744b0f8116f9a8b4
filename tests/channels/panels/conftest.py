"""Brokers, a hub's means and twins for the tests of panels."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.panels import Panel, PanelOptions, model, plan, topics, wire
from channels.panels.twin import PanelClock, Twin
from hub import clock
from hub.contracts import Means, Notice, OutletView, Report, Said, Text
from hub.guard import AddressPolicy
from tests.fakes import brokers
from tests.fakes.brokers import Broker, until
from tests.fakes.notices import water_cut

KEY = bytes(range(32))
OTHER_KEY = bytes(range(1, 33))


@pytest.fixture(params=brokers.KINDS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A real broker; the test runs once with each kind."""
    yield from brokers.running(request.param, tmp_path)
    wire.close_all()


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    """The broker that says why it ends a connection."""
    yield from brokers.running("mosquitto", tmp_path)
    wire.close_all()


def means(broker: Broker, boot: str = "boot-1", instance: str = "tambour") -> Means:
    return Means(
        base_url="http://127.0.0.1:8000",
        policy=AddressPolicy(),
        broker_url=broker.url,
        instance=instance,
        boot=boot,
        timeout=5,
    )


def view(say_no: int, code: str = "mairie", key: bytes = KEY, key_id: str = "vb-1") -> OutletView:
    return OutletView(
        id=1,
        code=code,
        name="Panneau de la mairie",
        authority="villard-bonnot",
        authority_name="Commune de Villard-Bonnot",
        timezone="Europe/Paris",
        languages=("fr",),
        say_no=say_no,
        signing_key=key,
        key_id=key_id,
    )


def say(broker: Broker, say_no: int, *notices: Notice, **who: Any) -> Said:
    """What the dispatcher does: tell a panel the whole of what it shall show."""
    panel = Panel(PanelOptions(), means(broker))
    return panel.show(view(say_no, **who), notices, (), clock.now())


class Runs:
    """Things with a `run(stop)` in threads of their own, all ended with the test."""

    def __init__(self) -> None:
        self._running: list[tuple[threading.Event, threading.Thread]] = []

    def start(self, run: Callable[[Callable[[], bool]], None]) -> Callable[[], None]:
        """Returns what ends it."""
        stop = threading.Event()
        thread = threading.Thread(target=run, args=(stop.is_set,), daemon=True)
        thread.start()
        self._running.append((stop, thread))

        def end() -> None:
            stop.set()
            thread.join(20)
            assert not thread.is_alive()

        return end

    def end(self) -> None:
        for stop, _ in self._running:
            stop.set()
        for _, thread in self._running:
            thread.join(20)


@pytest.fixture
def runs() -> Iterator[Runs]:
    running = Runs()
    yield running
    running.end()


class Heard:
    """Reports as the hub gets them."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.batches: list[int] = []

    def __call__(self, reports: Any) -> None:
        self.batches.append(len(reports))
        self.reports.extend(reports)

    def of(self, stage: str, /, **body: Any) -> list[Report]:
        """Those of a stage whose body holds all of `body`."""
        return [
            r
            for r in list(self.reports)
            if r.stage == stage and all(r.body.get(k) == v for k, v in body.items())
        ]

    def wait(self, stage: str, /, **body: Any) -> Report:
        until(lambda: self.of(stage, **body), what=f"{stage} {body}")
        return self.of(stage, **body)[-1]


@pytest.fixture
def hub(broker: Broker, runs: Runs) -> Heard:
    """A listening hub on `broker`."""
    return listening(broker, runs)


def listening(broker: Broker, runs: Runs, **which: Any) -> Heard:
    heard = Heard()
    listener = Panel.listener(means(broker, **which))
    runs.start(lambda stop: listener.listen(heard, stop))
    return heard


@pytest.fixture
def twin(broker: Broker, runs: Runs, tmp_path: Path) -> Twin:
    """A running twin of the panel "mairie" that reconnects without a wait."""
    made = a_twin(broker, tmp_path / "twin")
    runs.start(made.run)
    until(lambda: made.state()["online"], what="the twin to connect")
    return made


def a_twin(broker: Broker, folder: Path, **more: Any) -> Twin:
    more.setdefault("panel_clock", PanelClock())
    model_ = more.pop("model", "text-8x16")
    return Twin(broker.url, "villard-bonnot", "mairie", model_, folder, at_once=True, **more)


class DrivenClock(PanelClock):
    """A panel's clock that stands still until the test moves it."""

    def __init__(self, now: datetime) -> None:
        super().__init__()
        self.at, self.ran = now, 0.0

    def now(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.ran

    def go(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.ran += seconds


def live(twin: Twin, hour: DrivenClock, until: datetime, away_s: float = 1.0) -> None:
    """Let a panel without a link live until `until`, from one moment it cares for to the next."""
    while hour.at < until:
        twin.display.look(away_s + hour.ran)
        hour.go(min(max(twin.display.due(), 0.001), (until - hour.at).total_seconds()))
    twin.display.look(away_s + hour.ran)


def shows(twin: Twin, *words: str) -> bool:
    """Whether exactly the items with these words on their first page are in force."""
    pages = [" ".join(item["pages"][0]) for item in twin.state()["items"]]
    return len(pages) == len(words) and all(any(w in p for p in pages) for w in words)


def now_cut(headline: str = "Coupure d'eau", minutes: float = 60, **changes: Any) -> Notice:
    """The water cut, but in force for `minutes` from now."""
    now = clock.now()
    values: dict[str, Any] = {
        "sent": now, "effective": now - timedelta(seconds=1), "onset": None,
        "expires": now + timedelta(minutes=minutes), "texts": {"fr": Text(headline)},
    }  # fmt: skip
    return water_cut(**(values | changes))


def a_plan(say_no: int, *notices: Notice, **who: Any) -> bytes:
    return plan.make(view(say_no, **who), notices, model.load("text-8x16"), clock.now()).payload


def put(broker: Broker, payload: bytes, seal: str, panel: str = "mairie") -> None:
    """A retained message on the plan's topic, whoever sends it."""
    publisher = wire.Publisher(broker.url, "test", 5)
    topic = topics.topic("villard-bonnot", panel, "plan")
    user = {"jws": seal} if seal else {}
    assert publisher.publish([wire.Outgoing(topic, payload, user)]) == [None]
    publisher.close()
