"""The publishing side: one MQTT 5 connection a process and broker, without threads.

paho's network loop is driven here, in the caller's thread, so a fork leaves nothing behind and a
batch is written in one go: up to the broker's receive maximum in flight, each waited for. What was
not acknowledged in time fails, and its connection is dropped together with paho's queue: an old
plan re-sent later by itself would land over a newer one.
"""

import os
import threading
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub import clock
from hub.contracts import AdapterFailure, NotConfigured, PermanentFailure, TemporaryFailure

# Nothing pings between two batches: a connection idle for longer is opened anew.
KEEPALIVE_S: Final = 60
IDLE_S: Final = 45.0
# In flight where the broker states no receive maximum of its own (MQTT 5 section 3.2.2.3.3).
IN_FLIGHT: Final = 500
_REFUSED_LOGIN: Final = frozenset({0x86, 0x87, 0x8C})  # bad login, not authorized, bad method
_NOT_NOW: Final = frozenset({0x80, 0x83, 0x88, 0x89, 0x97, 0x9F})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One retained QoS 1 message; `user` are MQTT 5 user properties."""

    topic: str
    payload: bytes
    user: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Broker:
    """A parsed `mqtt://[user:pass@]host:port` or `mqtts://…`."""

    host: str
    port: int
    tls: bool
    user: str
    password: str

    @classmethod
    def at(cls, url: str) -> "Broker":
        """Raises NotConfigured."""
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise NotConfigured("L'adresse du serveur MQTT est illisible.") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise NotConfigured("Aucun serveur MQTT n'est configuré pour les panneaux.")
        tls = parts.scheme == "mqtts"
        return cls(
            host=parts.hostname,
            port=port or (8883 if tls else 1883),
            tls=tls,
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
        )

    def client(self, client_id: str) -> mqtt.Client:
        """A paho client that never reconnects by itself."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        if self.user:
            client.username_pw_set(self.user, self.password or None)
        if self.tls:
            client.tls_set()
        return client


def user_properties(pairs: Mapping[str, str]) -> Properties | None:
    if not pairs:
        return None
    properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
    properties.UserProperty = list(pairs.items())
    return properties


class Publisher:
    """A connection that is opened when first used and again after any trouble."""

    def __init__(self, url: str, name: str, timeout: float) -> None:
        self._broker = Broker.at(url)
        self._name = name
        self._timeout = timeout
        self._lock = threading.Lock()
        self._client: mqtt.Client | None = None
        self._used = 0.0
        self._answer: ReasonCode | None = None
        self._lost: ReasonCode | None = None
        self._acks: dict[int, ReasonCode] = {}
        self._window = 1

    def publish(self, batch: Sequence[Outgoing]) -> list[AdapterFailure | None]:
        """None for each message the broker took, else why it surely or possibly did not.

        Raises TemporaryFailure or NotConfigured when there is no connection at all.
        """
        with self._lock:
            fresh = self._connect()
            done = self._exchange(batch)
            if not fresh and any(outcome is None for outcome in done):
                # The broker had closed the idle connection. Repeating a retained plan under its
                # own number does no harm.
                self._connect()
                rest = [i for i, outcome in enumerate(done) if outcome is None]
                again = self._exchange([batch[i] for i in rest])
                for i, outcome in zip(rest, again, strict=True):
                    done[i] = outcome
            if any(outcome is None for outcome in done):
                self._drop()
        unconfirmed = TemporaryFailure("Le serveur MQTT n'a pas confirmé l'envoi à temps.")
        return [unconfirmed if code is None else _failure(code) for code in done]

    def probe(self) -> None:
        """Raises as `publish` does when the broker cannot be reached."""
        with self._lock:
            self._connect()

    def close(self) -> None:
        with self._lock:
            self._drop()

    def _connect(self) -> bool:
        """True when the connection was opened just now."""
        client = self._client
        if client is not None and clock.monotonic() - self._used < IDLE_S:
            client.loop(0)  # hears of a connection closed meanwhile
            if self._client is not None:
                return False
        self._drop()
        self._answer = self._lost = None
        client = self._broker.client(f"{self._name}-{os.getpid()}-{uuid.uuid4().hex[:6]}")
        client.connect_timeout = self._timeout
        client.max_inflight_messages_set(IN_FLIGHT)  # cannot be set any more once connected
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_publish = self._on_publish
        deadline = clock.monotonic() + self._timeout
        try:
            client.connect(self._broker.host, self._broker.port, keepalive=KEEPALIVE_S)
            while self._answer is None and self._lost is None and clock.monotonic() < deadline:
                if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS and self._answer is None:
                    break
        except OSError as error:
            raise TemporaryFailure("Le serveur MQTT ne répond pas.") from error
        if self._answer is None:
            raise TemporaryFailure("Le serveur MQTT ne répond pas.")
        if self._answer.value in _REFUSED_LOGIN:
            raise NotConfigured(f"Le serveur MQTT refuse la connexion ({self._answer}).")
        if self._answer.is_failure:
            raise TemporaryFailure(f"Le serveur MQTT refuse la connexion ({self._answer}).")
        self._client, self._used = client, clock.monotonic()
        return True

    def _exchange(self, batch: Sequence[Outgoing]) -> list[ReasonCode | None]:
        """The broker's answer to each message; None where there was none."""
        client = self._client
        if client is None:
            return [None] * len(batch)
        self._acks.clear()
        mids: list[int] = []
        deadline = clock.monotonic() + self._timeout
        had = 0
        while self._client is not None and len(self._acks) < len(batch):
            while len(mids) < len(batch) and len(mids) - len(self._acks) < self._window:
                message = batch[len(mids)]
                info = client.publish(
                    message.topic,
                    message.payload,
                    qos=1,
                    retain=True,
                    properties=user_properties(message.user),
                )
                if info.rc != mqtt.MQTT_ERR_SUCCESS:
                    self._client = None
                mids.append(info.mid)
            if client.loop(0.1) != mqtt.MQTT_ERR_SUCCESS:
                self._client = None
            if len(self._acks) > had:  # a large batch may take longer, as long as it moves
                had, deadline = len(self._acks), clock.monotonic() + self._timeout
            elif clock.monotonic() > deadline:
                break
        self._used = clock.monotonic()
        answers = [self._acks.get(mid) for mid in mids]
        return answers + [None] * (len(batch) - len(mids))

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.on_disconnect = None
            client.disconnect()
            client.loop(0)

    def _on_connect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        properties: Properties | None,
    ) -> None:
        self._answer = reason
        most = getattr(properties, "ReceiveMaximum", 65535) if properties else 65535
        self._window = min(most, IN_FLIGHT)

    def _on_disconnect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        self._lost = reason
        if client is self._client:
            self._client = None

    def _on_publish(
        self,
        _client: mqtt.Client,
        _data: object,
        mid: int,
        reason: ReasonCode,
        _properties: Properties,
    ) -> None:
        self._acks[mid] = reason


def _failure(code: ReasonCode) -> AdapterFailure | None:
    """What a PUBACK means (MQTT 5 section 3.4.2.1)."""
    if not code.is_failure:
        return None
    if code.value in _REFUSED_LOGIN:
        return NotConfigured("Le serveur MQTT n'autorise pas l'envoi à ce panneau.")
    if code.value in _NOT_NOW:
        return TemporaryFailure(f"Le serveur MQTT ne prend pas l'envoi pour le moment ({code}).")
    return PermanentFailure(f"Le serveur MQTT refuse l'envoi ({code}).")


_publishers: dict[tuple[str, str], Publisher] = {}
_guard = threading.Lock()


def publisher(url: str, instance: str, timeout: float) -> Publisher:
    """This process's connection to the broker at `url`. Raises NotConfigured."""
    with _guard:
        key = (url, instance)
        if key not in _publishers:
            _publishers[key] = Publisher(url, f"tambour-{instance}", timeout)
        return _publishers[key]


def close_all() -> None:
    """Close this process's connections."""
    with _guard:
        while _publishers:
            _publishers.popitem()[1].close()


def _after_fork() -> None:
    """A child must not write on its parent's sockets, nor inherit a lock somebody held."""
    global _guard
    _guard = threading.Lock()
    _publishers.clear()


os.register_at_fork(after_in_child=_after_fork)
