"""Proofs wait at the broker while nobody listens, and are taken once they are stored."""

import json
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from channels.panels import topics
from channels.panels.listener import Unreadable, report_of
from hub import clock
from hub.contracts import Report, ReportStage
from tests.channels.panels.conftest import means
from tests.channels.panels.test_panel_listener import HEAD, Mouth
from tests.fakes.brokers import Broker, until

AT = "2026-03-02T08:30:00Z"
HASH = "A" * 43
PNG = b"\x89PNG\r\n\x1a\n"


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
    until(lambda: opened[1].heard == list(range(3, 40)), 60, "what waited at the broker")


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
    until(lambda: opened[1].heard == [3], 60, "the batch that nobody stored")


def test_a_proof_keeps_its_bytes_and_its_seal() -> None:
    payload = json.dumps(proof(7)).encode()
    report = report_of(
        topics.Address("vb", "p", "proof"), payload, clock.now(), {"jws": "a..b", "x": "y"}
    )
    assert (report.stage, report.raw, report.seal) == ("proof", payload, "a..b")


def test_a_fault_says_its_code_and_an_empty_one_that_it_is_over() -> None:
    fault = {**HEAD, "code": "door", "severity": "error", "first_seen": AT}
    at = topics.Address("vb", "p", "fault", "door")
    assert report_of(at, json.dumps(fault).encode(), clock.now()).body["severity"] == "error"
    assert report_of(at, b"", clock.now()).body == {"code": "door", "over": True}
    with pytest.raises(Unreadable):
        report_of(
            topics.Address("vb", "p", "fault", "power"), json.dumps(fault).encode(), clock.now()
        )


def test_a_frame_is_a_picture_with_its_properties_or_nothing() -> None:
    at = topics.Address("vb", "p", "frame")
    user = {"ts": AT, "hash": HASH, "ref": "cmd-1", "session": "3", "seq": "9"}
    report = report_of(at, PNG + b"...", clock.now(), user)
    assert (report.stage, report.session, report.seq) == ("frame", 3, 9)
    assert report.body["ref"] == "cmd-1"
    for payload, properties in (
        (b"<svg>", user),
        (PNG, {}),
        (PNG, {**user, "hash": "short"}),
        (PNG + bytes(300_000), user),
    ):
        with pytest.raises(Unreadable):
            report_of(at, payload, clock.now(), properties)
