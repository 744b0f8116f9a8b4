"""What panels say by themselves: one connection, read into batches of reports.

Driven in the caller's thread without a queue of its own: while a batch is being stored nothing more
is read, and the broker holds the rest. The beacon tells two troubles apart: it is missing (the
broker forgot everything, all displays must be told again) or it is another's (a second hub, most
often a restored copy, speaks on this broker).
"""

import json
import random
import time
import uuid
from collections.abc import Callable, Sequence
from typing import Any, Final

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from channels.panels import topics
from channels.panels.proofs import Proofs
from channels.panels.reports import Unreadable, read, report_of, user_of
from channels.panels.wire import KEEPALIVE_S, TAKEN_OVER, Broker
from hub import clock
from hub.contracts import AdapterFailure, Means, Report, ReportStage

log = structlog.get_logger()

BATCH: Final = 500
BATCH_S: Final = 0.2
# Retained messages follow a SUBACK at once; what is not there after this is not on the broker.
SETTLE_S: Final = 1.0
RETRY_S: Final = (0.5, 60.0)
# After another client took this session: back at once, they would only take it in turns.
TAKEN_OVER_S: Final = 60.0
ANSWER_S: Final = 10.0
# Another hub answers our beacon, or takes the session back after TAKEN_OVER_S. Silent for longer
# than that, it is gone.
PROBE_S: Final = 30.0
ALONE_S: Final = 150.0
_MORE: Final = (topics.FAULT, topics.FRAME)


class Listener:
    """The connection of the `panels` role. `counts` says what it read and refused."""

    def __init__(
        self,
        means: Means,
        report: Callable[[Sequence[Report]], None],
        stop: Callable[[], bool],
        authorities: Callable[[], Sequence[str]],
    ) -> None:
        self._broker = Broker.at(means.broker_url)
        self._instance, self._timeout = means.instance, means.timeout
        self._boot = means.boot or uuid.uuid4().hex
        self._report, self._stop, self._given = report, stop, authorities
        self._proofs = Proofs(self._broker, self._instance, self._timeout, self._reported)
        self._pending: list[Report] = []
        self._beacons: dict[str, dict[str, Any]] = {}  # as heard on this connection
        self._ours: set[str] = set()  # published on this connection
        self._known: set[str] = set()
        self._ever: set[str] = set()  # authorities whose beacon was ours at some time
        self._answered: dict[str, float] = {}
        self._others: dict[str, float] = {}  # authority: when another's word was last heard
        self._probed = clock.monotonic()
        self._seq = 0
        self._settled: float | None = None
        self._lost: ReasonCode | None = None
        self.counts = {"read": 0, "refused": 0, "connections": 0}

    def run(self) -> None:
        """Blocks until `stop()`; reconnects for ever."""
        wait = RETRY_S[0]
        while not self._stop():
            self._lost = None
            try:
                connected = self._connection()
            except (OSError, AdapterFailure) as error:
                connected = False
                log.warning("broker unreachable", error=type(error).__name__)
            except Exception:
                # A packet that paho cannot read must not end the role for all panels.
                connected = False
                log.exception("connection given up")
            if connected:
                wait = RETRY_S[0]
            taken = self._lost is not None and self._lost.value == TAKEN_OVER
            if taken:
                for authority in sorted(self._known) or [""]:
                    self._others[authority] = clock.monotonic()
                    self._beacon_report(authority, "second_hub", "session")
                self._flush()
            self._pause(TAKEN_OVER_S if taken else wait * random.uniform(0.5, 1.0))
            wait = min(wait * 2, RETRY_S[1])
        self._proofs.close()

    def _connection(self) -> bool:
        """One connection, from CONNECT to its end; True if the broker took it."""
        self._beacons, self._ours, self._settled = {}, set(), None
        # The boot is in the name: two copies with one name would take the session from each other
        # twice a second, and neither would live long enough to hear the other's beacon.
        client = self._broker.client(f"tambour-{self._instance}-panels-{self._boot[:8]}")
        client.connect_timeout = self._timeout
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_disconnect = self._on_disconnect
        client.on_message = self._on_message
        client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
        opened = flushed = clock.monotonic()
        while not self._stop():
            alive = client.loop(BATCH_S / 2) == mqtt.MQTT_ERR_SUCCESS
            self._proofs.turn()
            now = clock.monotonic()
            if len(self._pending) >= BATCH or now - flushed >= BATCH_S or not alive:
                flushed = now
                self._beacon_round(client, now)
                self._flush()
            if not alive or (self._settled is None and now - opened > self._timeout):
                return self._settled is not None
        client.disconnect()
        client.loop(0)
        return True

    def _flush(self) -> None:
        while self._pending:
            batch = self._pending[:BATCH]
            try:
                self._report(batch)
            except Exception:
                # Kept, and nothing more is read until the hub takes it.
                log.warning("reports not taken", count=len(batch), exc_info=True)
                self._pause(1.0)
                return
            del self._pending[: len(batch)]
        try:
            self._proofs.flush(self._report)
        except Exception:
            log.warning("proofs not taken", exc_info=True)
            self._pause(1.0)

    def _pause(self, seconds: float) -> None:
        until = clock.monotonic() + seconds
        while not self._stop() and (left := until - clock.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    # The beacon

    def _beacon_round(self, client: mqtt.Client, now: float) -> None:
        """Once the retained messages are in: say what is missing, then publish ours."""
        if self._settled is None or now < self._settled:
            return
        self._known.update(self._given())
        for authority in sorted(self._known - self._ours):
            heard = self._beacons.get(authority)
            if heard is None:
                self._beacon_report(authority, "forgotten", "")
            elif heard["boot"] != self._boot and authority in self._ever:
                # Ours was the last word before the connection was lost: somebody else spoke since.
                self._second_hub(client, authority, heard)
            self._publish_beacon(client, authority)
            # Whatever an earlier run saw, silence has to prove itself once.
            self._others.setdefault(authority, now)
        if self._others and now - self._probed >= PROBE_S:
            self._probed = now
            for authority in sorted(self._others):
                if now - self._others[authority] >= ALONE_S:
                    del self._others[authority]
                    self._beacon_report(authority, "alone", "")
                else:
                    self._publish_beacon(client, authority)

    def _publish_beacon(self, client: mqtt.Client, authority: str) -> None:
        self._seq = max(self._seq, self._beacons.get(authority, {}).get("seq", 0)) + 1
        body = {
            "boot": self._boot,
            "instance": self._instance,
            "seq": self._seq,
            "ts": clock.rfc3339(clock.now()),
            "v": 1,
        }
        text = json.dumps(body, separators=(",", ":"))
        client.publish(topics.beacon(authority), text, qos=1, retain=True)
        self._ours.add(authority)
        self._ever.add(authority)

    def _second_hub(self, client: mqtt.Client, authority: str, heard: dict[str, Any]) -> None:
        now = self._others[authority] = clock.monotonic()
        if now - self._answered.get(authority, -ANSWER_S) < ANSWER_S:
            return
        self._answered[authority] = now
        self._beacon_report(authority, "second_hub", f"{heard['instance']}/{heard['boot']}")
        self._publish_beacon(client, authority)  # so that the other one hears of us, too

    def _beacon_report(self, authority: str, kind: str, other: str) -> None:
        log.info("beacon", authority=authority, kind=kind, other=other)
        body = {"kind": kind, "other": other}
        self._pending.append(Report(authority, "", ReportStage.BEACON, clock.now(), body=body))

    def _on_beacon(self, client: mqtt.Client, authority: str, message: mqtt.MQTTMessage) -> None:
        heard = read(topics.HUB, bytes(message.payload))
        self._beacons[authority] = heard
        if not message.retain and heard["boot"] != self._boot:
            self._second_hub(client, authority, heard)

    # paho's callbacks

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            log.warning("broker refuses", reason=str(reason))
            return
        self.counts["connections"] += 1
        client.subscribe([(topic, 1) for topic in topics.subscriptions(_MORE)])

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.warning("broker refuses a subscription", reasons=[str(r) for r in reasons])
        self._settled = clock.monotonic() + SETTLE_S

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._lost = reason

    def _on_message(self, client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        address = topics.parse(message.topic)
        if address is not None and address.leaf == topics.HUB:
            try:
                self._on_beacon(client, address.authority, message)
            except Unreadable as error:
                self._refuse(message, error)
            return
        report = self._reported(message)
        if report is not None:
            self._known.add(report.authority)
            self._pending.append(report)

    def _reported(self, message: mqtt.MQTTMessage) -> Report | None:
        """A panel's message as a report; None, counted, where it is none."""
        try:
            address = topics.parse(message.topic)
            if address is None or address.leaf == topics.HUB:
                raise Unreadable("not a topic of the contract")
            report = report_of(address, bytes(message.payload), clock.now(), user_of(message))
        except Unreadable as error:
            self._refuse(message, error)
            return None
        self.counts["read"] += 1
        return report

    def _refuse(self, message: mqtt.MQTTMessage, error: Unreadable) -> None:
        self.counts["refused"] += 1
        log.warning("report refused", topic=message.topic[:200], reason=str(error))
