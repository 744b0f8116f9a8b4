"""Proofs as they come: a connection whose session the broker keeps, each taken once it is stored.

A panel forgets a batch when the broker has it, and the broker when this hub has written it down.
What comes while the listener is away waits at the broker; what is read but not stored comes again.
"""

from collections.abc import Callable, Sequence
from typing import Final

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from channels.panels import topics
from channels.panels.wire import KEEPALIVE_S, TAKEN_OVER, Broker
from hub import clock
from hub.contracts import AdapterFailure, Report

log = structlog.get_logger()

KEPT_S: Final = 30 * 86_400
BATCH: Final = 200
RETRY_S: Final = (1.0, 60.0)
_TURNS: Final = 400


class Proofs:
    """Driven by its owner's thread. `read` turns a message into a report, None: it is none."""

    def __init__(
        self,
        broker: Broker,
        instance: str,
        timeout: float,
        read: Callable[[mqtt.MQTTMessage], Report | None],
    ) -> None:
        self._broker, self._instance, self._timeout, self._read = broker, instance, timeout, read
        self._client: mqtt.Client | None = None
        self._waiting: list[tuple[mqtt.MQTTMessage, Report]] = []
        self._again = 0.0
        self._wait = RETRY_S[0]

    def turn(self) -> None:
        """Hear what there is; connect when it is time."""
        if self._client is None and not self._connect():
            return
        for _ in range(_TURNS):
            had = len(self._waiting)
            if self._client is None or self._client.loop(0.0) != mqtt.MQTT_ERR_SUCCESS:
                self._lose()
                return
            if len(self._waiting) in (had, BATCH):
                return

    def flush(self, report: Callable[[Sequence[Report]], None]) -> None:
        """Hand over what waits; who is not stored is not acknowledged and comes again."""
        while self._waiting:
            batch = self._waiting[:BATCH]
            report([each for _, each in batch])
            del self._waiting[: len(batch)]
            for message, _ in batch:
                self._ack(message)

    def close(self) -> None:
        """Without ending the session: the broker goes on collecting."""
        if self._client is not None:
            client, self._client = self._client, None
            client.on_disconnect = None
            client.disconnect()
            client.loop(0)

    def _connect(self) -> bool:
        if clock.monotonic() < self._again:
            return False
        self._again = clock.monotonic() + self._wait
        self._wait = min(self._wait * 2, RETRY_S[1])
        client = self._broker.client(f"tambour-{self._instance}-proofs", manual_ack=True)
        client.connect_timeout = self._timeout
        client.on_connect = self._on_connect
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        kept = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        kept.SessionExpiryInterval = KEPT_S
        try:
            client.connect(
                self._broker.host, self._broker.port, KEEPALIVE_S, clean_start=False,
                properties=kept,
            )  # fmt: skip
        except (OSError, AdapterFailure):
            return False
        self._client, self._waiting = client, []
        return True

    def _lose(self) -> None:
        # What was read and not stored is sent again on the next connection.
        self._client, self._waiting = None, []

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker refuses to keep proofs", reason=str(reason))
            return
        self._wait = RETRY_S[0]
        client.subscribe([(f"{topics.ROOT}/+/+/{topics.PROOF}", 1)])

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        report = self._read(message)
        if report is None:
            self._ack(message)
        else:
            self._waiting.append((message, report))

    def _ack(self, message: mqtt.MQTTMessage) -> None:
        """Under QoS 0 there is nothing to acknowledge: the broker would end the connection."""
        if self._client is not None:
            self._client.ack(message.mid, message.qos)

    def _on_disconnect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if client is self._client:
            self._lose()
            if reason.value == TAKEN_OVER:  # by a copy: not in turns
                self._again = clock.monotonic() + RETRY_S[1]
