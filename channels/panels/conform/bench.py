"""The kit's ear and mouth: one MQTT 5 connection, every message of the panel kept with its time.

The network loop runs in a thread; checks wait on a condition. Nothing here judges.
"""

import json
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import jsonschema_rs
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub import clock

SCHEMAS: Final = Path(__file__).resolve().parents[1] / "schemas"
UP: Final = frozenset({"birth", "presence", "ack", "shown", "hb", "proof", "fault", "frame"})
DOWN: Final = frozenset({"plan", "cmd", "keys", "image"})
CONNECT_S: Final = 10.0


class NoBroker(Exception):
    """The broker cannot be reached, or refuses the kit; the text says which."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message under the panel's prefix. `leaf` is its first level, `name` a second one.
    `body` is None where the payload is no JSON object; `problem` says how it misses its schema."""

    n: int
    at: float
    when: datetime
    leaf: str
    name: str
    retained: bool
    payload: bytes
    user: Mapping[str, str]
    body: Mapping[str, Any] | None
    problem: str = ""

    def __getitem__(self, key: str) -> Any:
        return (self.body or {}).get(key)


@dataclass(frozen=True, slots=True)
class Login:
    """How the kit enters: an URL as the hub's, and files for TLS."""

    url: str
    ca: str = ""
    certificate: str = ""
    key: str = ""

    def client(self, client_id: str) -> tuple[mqtt.Client, str, int]:
        """A client that is not yet connected, host and port. Raises NoBroker."""
        try:
            parts = urlsplit(self.url)
            port = parts.port
        except ValueError as error:
            raise NoBroker(f"{self.url!r} is no address") from error
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise NoBroker("the broker's address is mqtt://host:port or mqtts://host:port")
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        if parts.username:
            client.username_pw_set(unquote(parts.username), unquote(parts.password or "") or None)
        if parts.scheme == "mqtts":
            try:
                client.tls_set(self.ca or None, self.certificate or None, self.key or None)
            except OSError as error:
                raise NoBroker(f"the files for TLS cannot be read: {error.strerror}") from error
        return client, parts.hostname, port or (8883 if parts.scheme == "mqtts" else 1883)

    @property
    def place(self) -> str:
        """The address without user and password, for reports."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.hostname}:{parts.port or ''}".rstrip(":")


@dataclass
class Record:
    """What was heard, oldest first; safe to ask from any thread."""

    messages: list[Message] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)

    def add(self, message: Message) -> None:
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def mark(self) -> int:
        """Where the record stands: pass it as `since`."""
        with self.changed:
            return len(self.messages)

    def of(self, leaf: str, since: int = 0, **fields: Any) -> list[Message]:
        with self.changed:
            return [
                m
                for m in self.messages[since:]
                if m.leaf == leaf and all(m[k] == v for k, v in fields.items())
            ]

    def wait(self, what: Callable[[Message], bool], since: int, seconds: float) -> Message | None:
        """The first message since then for which `what` holds, or None after `seconds`."""
        end = clock.monotonic() + seconds
        seen = since
        with self.changed:
            while True:
                while seen < len(self.messages):
                    if what(self.messages[seen]):
                        return self.messages[seen]
                    seen += 1
                left = end - clock.monotonic()
                if left <= 0:
                    return None
                self.changed.wait(min(left, 1.0))


class Bench:
    """The connection. `record` has everything under the panel's prefix, what the kit says too."""

    def __init__(self, login: Login, authority: str, panel: str) -> None:
        self.login, self.prefix = login, f"tambour/1/{authority}/{panel}"
        self.record = Record()
        self._name = f"conform-{authority}-{panel}-{clock.unix_ms() % 10**6}"
        self._answers: dict[int, ReasonCode] = {}
        self._up = threading.Event()
        self._refused = ""
        self._client, self._host, self._port = login.client(self._name)

    def open(self) -> None:
        """Connect and subscribe; the retained messages follow. Raises NoBroker."""
        client = self._client
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_publish = self._on_publish
        client.on_message = self._on_message
        try:
            client.connect(self._host, self._port, keepalive=30)
        except OSError as error:
            raise NoBroker(f"{self.login.place} cannot be reached: {error}") from error
        client.loop_start()
        if not self._up.wait(CONNECT_S) or self._refused:
            self.close()
            raise NoBroker(f"{self.login.place}: {self._refused or 'no answer'}")

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()

    def publish(
        self,
        leaf: str,
        payload: bytes,
        *,
        jws: str = "",
        retain: bool = True,
        expiry_s: int = 0,
    ) -> None:
        """Say it, and wait until the broker has it. Raises NoBroker."""
        properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
        if jws:
            properties.UserProperty = [("jws", jws)]
        if expiry_s:
            properties.MessageExpiryInterval = expiry_s
        info = self._client.publish(
            f"{self.prefix}/{leaf}", payload, qos=1, retain=retain, properties=properties
        )
        with self.record.changed:
            done = self.record.changed.wait_for(lambda: info.mid in self._answers, CONNECT_S)
        if not done:
            raise NoBroker("the broker does not take what the kit says")
        reason = self._answers.pop(info.mid)
        if reason.is_failure:
            raise NoBroker(f"the kit may not write {leaf}: {reason}")

    def take_over(self, client_id: str, meanwhile: Callable[[], bool]) -> bool:
        """Connect under the panel's client id, so that the broker ends the panel's connection; do
        `meanwhile`, then leave. What `meanwhile` said; False where the broker does not let us in.
        """
        client, host, port = self.login.client(client_id)
        answer: list[ReasonCode] = []
        client.on_connect = lambda _c, _d, _f, reason, _p: answer.append(reason)
        try:
            client.connect(host, port, keepalive=30)
        except OSError:
            return False
        end = clock.monotonic() + CONNECT_S
        while not answer and clock.monotonic() < end:
            client.loop(0.05)
        if not answer or answer[0].is_failure:
            return False
        done = meanwhile()
        client.disconnect()
        client.loop(0.05)
        return done

    def _on_connect(
        self,
        client: mqtt.Client,
        _data: object,
        _flags: mqtt.ConnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        if reason.is_failure:
            self._refused = str(reason)
            self._up.set()
        else:
            client.subscribe(f"{self.prefix}/#", qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            self._refused = f"the kit may not listen: {reasons[0]}"
        self._up.set()

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _p: Properties
    ) -> None:
        with self.record.changed:
            self._answers[mid] = reason
            self.record.changed.notify_all()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        self.record.add(read(self.record.mark(), message, self.prefix))


def read(n: int, message: mqtt.MQTTMessage, prefix: str) -> Message:
    """A message as the kit keeps it."""
    leaf, _, name = message.topic.removeprefix(f"{prefix}/").partition("/")
    payload = bytes(message.payload)
    pairs = getattr(message.properties, "UserProperty", []) if message.properties else []
    user = dict(pairs)
    body: dict[str, Any] | None = None
    problem = ""
    if leaf in UP and leaf != "frame" and payload:
        body, problem = _fits(leaf, payload)
    elif leaf == "frame":
        problem = _misfit("frame", user)
    elif leaf not in UP and leaf not in DOWN:
        problem = f"{leaf} is no topic of the contract"
    elif leaf in ("plan", "keys", "cmd") and payload:
        body, _ = _fits(leaf, payload)
    return Message(
        n, clock.monotonic(), clock.now(), leaf, name, message.retain, payload, user, body, problem
    )


def _fits(leaf: str, payload: bytes) -> tuple[dict[str, Any] | None, str]:
    try:
        body = json.loads(payload)
    except (ValueError, RecursionError):
        return None, "not JSON"
    if not isinstance(body, dict):
        return None, "not a JSON object"
    return body, _misfit(leaf, body)


def _misfit(leaf: str, body: Any) -> str:
    try:
        problem = next(_schema(leaf).iter_errors(body), None)
    except ValueError as error:  # half of a letter, or nested too deep
        return str(error)[:200]
    if problem is None:
        return ""
    where = "/".join(str(step) for step in problem.instance_path) or "payload"
    return f"{where}: {problem.message}"[:200]


_schemas: dict[str, jsonschema_rs.Validator] = {}


def _schema(leaf: str) -> jsonschema_rs.Validator:
    if leaf not in _schemas:
        text = (SCHEMAS / f"{leaf}.json").read_text("utf-8")
        _schemas[leaf] = jsonschema_rs.validator_for(json.loads(text))
    return _schemas[leaf]
