"""Proofs wait at the broker while nobody listens, and are taken once they are stored."""

import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from channels.panels import wire
from channels.panels.proofs import Proofs
from channels.panels.reports import report_of
from channels.panels.topics import Address
from hub import clock
from hub.contracts import Report, ReportStage
from tests.channels.panels.conftest import means
from tests.channels.panels.test_panel_listener import HEAD, Mouth
from tests.fakes.brokers import Broker, until

AT = "2026-03-02T08:30:00Z"
HASH = "A" * 43


def proof(number: int) -> dict[str, Any]:
    entry = {
        "item": "it-1", "pub": "01J", "rev": 1, "hash": HASH, "from": AT, "to": AT, "plays": 3,
        "seconds": 18.5,
    }  # fmt: skip
    return {**HEAD, "batch": number, "from": AT, "to": AT, "entries": [entry]}


class Ears:
    """A listener in a thread, whose hub may refuse to store."""

    def __init__(self, broker: Broker, boot: str) -> None:
        from channels.panels import Panel

        self.heard: list[int] = []
        self.deaf = threading.Event()
        self.refused = 0
        self._over = threading.Event()
        panel = Panel.listener(means(broker, boot))
        self._thread = threading.Thread(
            target=panel.listen, args=(self._take, self._over.is_set, lambda: ["villard-bonnot"])
        )
        self._thread.start()

    def _take(self, reports: Sequence[Report]) -> None:
        proofs = [r for r in reports if r.stage is ReportStage.PROOF]
        if proofs and self.deaf.is_set():
            self.refused += 1
            raise RuntimeError("the database is away")
        self.heard += [int(r.body["batch"]) for r in proofs]

    def listens(self, mouth: Mouth) -> None:
        """Until the broker keeps its session: what came before that was for nobody."""

        def heard() -> bool:
            mouth.say("villard-bonnot/p/proof", proof(1))
            return 1 in self.heard

        until(heard, 60, "the first proof")
        # Said more than once until then: all of them have to be through.
        mouth.say("villard-bonnot/p/proof", proof(2))
        until(lambda: 2 in self.heard, 60, "the last of them")
        self.heard.clear()

    def close(self) -> None:
        self._over.set()
        self._thread.join(30)


@pytest.fixture
def opened() -> Iterator[list[Ears]]:
    """Closed whatever becomes of the test."""
    made: list[Ears] = []
    yield made
    for ears in made:
        ears.close()


@pytest.fixture
def mouth(mosquitto: Broker) -> Iterator[Mouth]:
    made = Mouth(mosquitto)
    yield made
    made.close()


def test_what_comes_while_the_listener_is_away_is_heard_by_the_next_one(
    mosquitto: Broker, mouth: Mouth, opened: list[Ears]
) -> None:
    opened.append(Ears(mosquitto, "boot-1"))
    opened[0].listens(mouth)
    opened[0].close()
    for number in range(3, 40):
        mouth.say("villard-bonnot/p/proof", proof(number))
    opened.append(Ears(mosquitto, "boot-2"))
    until(lambda: len(opened[1].heard) >= 37, 60, "what waited at the broker")
    assert opened[1].heard == list(range(3, 40))


def test_what_was_not_stored_comes_again(
    mosquitto: Broker, mouth: Mouth, opened: list[Ears]
) -> None:
    opened.append(Ears(mosquitto, "boot-1"))
    opened[0].listens(mouth)
    opened[0].deaf.set()
    mouth.say("villard-bonnot/p/proof", proof(3))
    until(lambda: opened[0].refused > 0, 60, "a batch that is not stored")
    opened[0].close()
    opened.append(Ears(mosquitto, "boot-2"))
    until(lambda: bool(opened[1].heard), 60, "the batch that nobody stored")
    assert opened[1].heard == [3]


def test_a_proof_sent_without_acknowledgement_does_not_cost_the_connection(
    mosquitto: Broker, mouth: Mouth
) -> None:
    who = means(mosquitto)
    ears = Proofs(
        wire.Broker.at(who.broker_url),
        who.instance,
        who.timeout,
        lambda m: report_of(Address("vb", "p", "proof"), m.payload, clock.now()),
    )
    heard: list[int] = []

    def hears(number: int, qos: int) -> bool:
        mouth.client.publish("tambour/1/vb/p/proof", json.dumps(proof(number)), qos=qos)
        ears.turn()
        ears.flush(lambda reports: heard.extend(int(r.body["batch"]) for r in reports))
        return number in heard

    until(lambda: hears(1, 0), 60, "a proof under QoS 0")
    first = ears._client
    until(lambda: hears(2, 1), 60, "the next one")
    assert ears._client is first
    ears.close()
