"""The publishing side: one MQTT 5 connection a process and broker, without threads.

paho opens it and is driven here, in the caller's thread, so a fork leaves nothing behind; a batch
is written straight to its socket (`pipe`), up to the broker's receive maximum in flight, each
waited for. What was not acknowledged in time fails, and its connection is dropped: an old plan
re-sent later by itself would land over a newer one.
"""

import os
import threading
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from channels.panels.pipe import DISCONNECT, PUBACK, Pipe, left, packet, user_properties
from hub import clock
from hub.contracts import AdapterFailure, NotConfigured, PermanentFailure, TemporaryFailure

# Nothing pings between two batches: a connection idle for longer is opened anew.
KEEPALIVE_S: Final = 60
IDLE_S: Final = 45.0
# In flight where the broker states no receive maximum of its own (MQTT 5 section 3.2.2.3.3): a
# whole set of the dispatcher.
IN_FLIGHT: Final = 500
# However steadily a slow broker answers, a batch ends: a hub's lease on its panels lasts 30 s, and
# what is said after another worker took over would put an old plan over a new one.
LONGEST_S: Final = 20.0
_REFUSED_LOGIN: Final = frozenset({0x86, 0x87, 0x8C})  # bad login, not authorized, bad method
_TOO_LARGE: Final = 0x95
TAKEN_OVER: Final = 0x8E  # another client connected under this client's name
_NOT_NOW: Final = frozenset({0x80, 0x83, 0x88, 0x89, 0x97, 0x9F})


@dataclass(frozen=True, slots=True)
class Outgoing:
    """One QoS 1 message; `user` are MQTT 5 user properties. `expiry_s`: how long the broker may
    keep it; what is not retained reaches only who is connected."""

    topic: str
    payload: bytes
    user: Mapping[str, str] = field(default_factory=dict)
    retain: bool = True
    expiry_s: int | None = None


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

    def client(self, client_id: str, *, manual_ack: bool = False) -> mqtt.Client:
        """A paho client that never reconnects by itself. `manual_ack`: who reads acknowledges."""
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
            manual_ack=manual_ack,
        )
        if self.user:
            client.username_pw_set(self.user, self.password or None)
        if self.tls:
            client.tls_set()
        return client


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
        self._window, self._most = 1, 0
        self._end = 0.0

    def publish(self, batch: Iterable[Outgoing]) -> list[AdapterFailure | None]:
        """None for each message the broker took, else why it surely or possibly did not.

        A generator is composed while the broker works on what it has. Raises TemporaryFailure or
        NotConfigured when there is no connection at all.
        """
        with self._lock:
            try:
                fresh = self._connect()
                self._end = clock.monotonic() + LONGEST_S
                messages, done = self._exchange(batch)
                rest = [i for i, answer in enumerate(done) if answer is None]
                if rest and not fresh and clock.monotonic() < self._end:
                    # The broker had closed the idle connection. Repeating a retained plan under its
                    # own number does no harm.
                    self._connect()
                    _, again = self._exchange([messages[i] for i in rest])
                    for i, answer in zip(rest, again, strict=True):
                        done[i] = answer
                if None in done:
                    self._drop()
            except BaseException:
                self._client = None  # in whatever state it is, it is not used again
                raise
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
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
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

    def _exchange(self, batch: Iterable[Outgoing]) -> tuple[list[Outgoing], list[int | None]]:
        """The messages, and the broker's answer to each; None where there was none."""
        messages: list[Outgoing] = []
        flight = _Flight(self._client, self._timeout, self._end)
        for message in batch:
            if len(messages) - flight.done >= self._window:
                # Half at a time: one by one, broker and hub would only wake each other up.
                flight.await_acks(len(messages) - self._window // 2)
            # Composed even without a connection: each needs its answer.
            messages.append(message)
            flight.send(message, self._most)
        flight.await_acks(len(messages))
        if flight.pipe is None:
            self._drop()
        else:
            flight.pipe.release()
        self._used = clock.monotonic()
        return messages, flight.answers

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
        self._most = getattr(properties, "MaximumPacketSize", 0) if properties else 0

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


class _Flight:
    """The messages of one batch on their way. Without a connection nothing is sent any more."""

    def __init__(self, client: mqtt.Client | None, timeout: float, end: float) -> None:
        sock = client.socket() if client else None
        self.pipe = Pipe(sock, timeout) if sock is not None else None
        self._timeout, self._end = timeout, end
        self.answers: list[int | None] = []
        self._at: dict[int, int] = {}
        self._mid = 0
        self.done = 0

    def send(self, message: Outgoing, most: int) -> None:
        """`most`: the broker's maximum packet size, 0: none stated."""
        self.answers.append(None)
        if self.pipe is None:
            return
        self._mid = self._mid % 65_535 + 1
        extra = user_properties(message.user, message.expiry_s)
        data = packet(message.topic, message.payload, self._mid, extra, retain=message.retain)
        if most and len(data) > most:
            self._answer(len(self.answers) - 1, _TOO_LARGE)
            return
        self._at[self._mid] = len(self.answers) - 1
        try:
            self.pipe.put(data)
        except OSError:
            self._lose()

    def await_acks(self, count: int) -> None:
        """Until `count` are answered; without a connection when the broker is silent for the whole
        timeout. A large batch may take longer, as long as it moves, but not for ever."""
        had, until = self.done, clock.monotonic() + self._timeout
        while self.done < count and self.pipe is not None:
            try:
                self._take(self.pipe.read(min(left(until), left(self._end))))
            except OSError:
                self._lose()
                return
            if self.done > had:
                had, until = self.done, clock.monotonic() + self._timeout
            elif not left(until):
                self._lose()
            if not left(self._end):
                self._lose()

    def _take(self, heard: list[tuple[int, bytes]]) -> None:
        for first, body in heard:
            if first == PUBACK and len(body) >= 2:
                at = self._at.pop(int.from_bytes(body[:2], "big"), None)
                if at is not None:
                    self._answer(at, body[2] if len(body) > 2 else 0)
            elif first == DISCONNECT:
                raise ConnectionError("the broker ended the connection")

    def _lose(self) -> None:
        if self.pipe is not None:
            self.pipe.release()
            self.pipe = None

    def _answer(self, at: int, code: int) -> None:
        self.answers[at] = code
        self.done += 1


def _failure(code: int) -> AdapterFailure | None:
    """What a PUBACK means (MQTT 5 section 3.4.2.1)."""
    if code < 0x80:
        return None
    if code in _REFUSED_LOGIN:
        return NotConfigured("Le serveur MQTT n'autorise pas l'envoi à ce panneau.")
    if code in _NOT_NOW:
        return TemporaryFailure(f"Le serveur MQTT ne prend pas l'envoi pour le moment ({code:#x}).")
    if code == _TOO_LARGE:
        return PermanentFailure("Le message est trop grand pour le serveur MQTT.")
    return PermanentFailure(f"Le serveur MQTT refuse l'envoi ({code:#x}).")


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
