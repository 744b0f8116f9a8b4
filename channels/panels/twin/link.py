"""The twin's connection: MQTT 5, a last will, patience between two tries.

Nothing here blocks the caller: a face must turn its pages while a broker is silent. The socket is
opened in a helper thread, and read and written when a selector says so.
"""

import json
import random
import ssl
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub import clock

log = structlog.get_logger()

KEEPALIVE_S: Final = 60
CONNECT_S: Final = 5.0
CLOSE_S: Final = 1.0
# A thousand panels behind one broker that comes back must not all arrive in the same second.
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 300.0
# A connection that lived for less than this was no success: the next wait is longer still.
STEADY_S: Final = 10.0
# Another client took our session (reason 142): back at once, we would only take it in turns.
TAKEN_OVER: Final = 142
TAKEN_WAIT_S: Final = (60.0, 120.0)
# mosquitto 2.0.11 ends the connection without that word: so many short ones in a row look like it.
SHORT_ONES: Final = 3
NO_SUBSCRIBER: Final = 16
# Retained keys come before the retained plan, which may be signed by one of them.
LEAVES: Final = ("keys", "image/+", "plan", "cmd")
_POOL: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="panel-connect")


@dataclass(frozen=True, slots=True)
class Identity:
    """Files for `mqtts://`: whom to trust, and who we are. None: the system's authorities, and a
    user name in the address."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Down:
    """A message from the hub: `leaf` is what follows the panel's prefix."""

    leaf: str
    payload: bytes
    jws: str


class Link:
    """One connection after another, driven by `tick` and, when its socket is ready, `ready`."""

    def __init__(
        self,
        broker_url: str,
        prefix: str,
        name: str,
        *,
        at_once: bool,
        on_up: Callable[[], None],
        on_down: Callable[[Down], None],
        will: Callable[[], dict[str, Any]],
        identity: Identity | None = None,
    ) -> None:
        self._url, self._prefix, self._name = urlsplit(broker_url), prefix, name
        self._at_once, self._identity = at_once, identity or Identity()
        self._on_up, self._on_down, self._will = on_up, on_down, will
        self._context: ssl.SSLContext | None = None
        self._client: mqtt.Client | None = None
        self._opening: Future[mqtt.Client] | None = None
        self._subscribed = False
        self._down_since = clock.monotonic()
        self._opened = 0.0
        self._tries = 0
        self._next_try = 0.0
        self._reason = 0
        self._short_ones = 0
        self._cut = False
        self.confirmed: dict[int, int] = {}
        self.bytes = self.connections = self.taken_over = self.contested = 0

    @property
    def up(self) -> bool:
        """The broker has taken our subscription."""
        return self._client is not None and self._subscribed

    @property
    def away_s(self) -> float:
        """Seconds since the broker was last there."""
        return 0.0 if self.up else clock.monotonic() - self._down_since

    @property
    def socket(self) -> Any:
        """To be watched for reading, and for writing while `wants_write`; None without one."""
        return self._client.socket() if self._client is not None else None

    @property
    def wants_write(self) -> bool:
        return self._client is not None and self._client.want_write()

    @property
    def wait_s(self) -> float:
        """Seconds until `tick` has something to do."""
        if self._opening is not None:
            return 0.02
        if self._client is not None:
            return 1.0
        return max(0.0, self._next_try - clock.monotonic())

    def tick(self) -> None:
        """Open, notice silence, keep alive."""
        if self._cut:
            self._cut = False
            if self._client is not None:
                self._closed()
        if self._opening is not None:
            if self._opening.done():
                self._take_opened(self._opening)
        elif self._client is None:
            if clock.monotonic() >= self._next_try:
                self._open()
        else:
            mute = not self._subscribed and clock.monotonic() - self._opened > 2 * CONNECT_S
            if self._client.loop_misc() != mqtt.MQTT_ERR_SUCCESS or mute:
                self._closed()

    def ready(self, *, readable: bool) -> None:
        """The socket can be read, or written."""
        client = self._client
        if client is None:
            return
        alive = True
        if readable:
            alive = client.loop_read() == mqtt.MQTT_ERR_SUCCESS
            # What TLS has unpacked already makes no socket readable.
            while alive and isinstance(s := client.socket(), ssl.SSLSocket) and s.pending():
                alive = client.loop_read() == mqtt.MQTT_ERR_SUCCESS
        if alive and client.want_write():
            alive = client.loop_write() == mqtt.MQTT_ERR_SUCCESS
        if not alive and self._client is client:
            self._closed()

    def publish(
        self,
        leaf: str,
        payload: bytes,
        *,
        qos: int,
        retain: bool,
        user: Mapping[str, str] | None = None,
        content_type: str = "",
    ) -> int:
        """The message id, or 0 where nothing could be sent."""
        if self._client is None:
            return 0
        properties = None
        if user or content_type:
            properties = Properties(PacketTypes.PUBLISH)  # type: ignore[no-untyped-call]
            properties.UserProperty = list((user or {}).items())
            if content_type:
                properties.ContentType = content_type
        topic = f"{self._prefix}/{leaf}"
        info = self._client.publish(topic, payload, qos=qos, retain=retain, properties=properties)
        self.bytes += len(topic) + len(payload) + 8
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else 0

    def close(self, last: int = 0) -> None:
        """Say goodbye: the broker then drops the will. Waits a moment for the broker to have taken
        the message `last` and the goodbye: a socket closed over what it has not read is reset, and
        the broker may lose what was under way and speak the will."""
        client, self._client = self._client, None
        if self._subscribed:
            self._down_since = clock.monotonic()
        self._subscribed = False
        if client is None:
            return
        end = clock.monotonic() + CLOSE_S
        fine = True
        while last and last not in self.confirmed and fine and clock.monotonic() < end:
            fine = client.loop(0.02) == mqtt.MQTT_ERR_SUCCESS
        client.disconnect()
        while fine and client.socket() is not None and clock.monotonic() < end:
            fine = client.loop(0.02) == mqtt.MQTT_ERR_SUCCESS

    def drop(self) -> None:
        """Lose the connection without a word at the next `tick`, as a modem does. From any
        thread."""
        self._cut = True

    def rest(self, seconds: float) -> None:
        """No further try for so long."""
        self._next_try = clock.monotonic() + seconds

    def _open(self) -> None:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._name,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        client.max_inflight_messages_set(20)
        if self._url.username:
            password = unquote(self._url.password or "")
            client.username_pw_set(unquote(self._url.username), password or None)
        tls = self._url.scheme == "mqtts"
        client.will_set(f"{self._prefix}/presence", dump(self._will()), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_disconnect = self._on_disconnect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._subscribed, self._reason = False, 0
        self.confirmed.clear()
        port = self._url.port or (8883 if tls else 1883)
        host = self._url.hostname or "127.0.0.1"

        def connected() -> mqtt.Client:
            if tls:
                client.tls_set_context(self._tls_context())
            client.connect(host, port, keepalive=KEEPALIVE_S)
            return client

        self._opening = _POOL.submit(connected)

    def _tls_context(self) -> ssl.SSLContext:
        """Read once: a panel without a broker tries for hours."""
        if self._context is None:
            ours = self._identity
            context = ssl.create_default_context(cafile=_name(ours.ca))
            context.minimum_version = ssl.TLSVersion.TLSv1_2
            if ours.cert is not None:
                context.load_cert_chain(ours.cert, ours.key)
            self._context = context
        return self._context

    def _take_opened(self, opening: "Future[mqtt.Client]") -> None:
        self._opening = None
        try:
            self._client = opening.result()
        except (OSError, ValueError) as error:
            log.info("broker unreachable", error=type(error).__name__)
            self._wait_longer()
            return
        self._opened = clock.monotonic()

    def _closed(self) -> None:
        now = clock.monotonic()
        if self._subscribed:
            self._down_since = now
            short = now - self._opened < STEADY_S
            self._short_ones = self._short_ones + 1 if short else 0
            if not short:
                self._tries = 0
            elif self._short_ones % SHORT_ONES == 0:
                self.contested += 1
        client, self._client, self._subscribed = self._client, None, False
        if client is not None and (left := client.socket()) is not None:
            left.close()
        if self._reason == TAKEN_OVER:
            self.taken_over += 1
            log.warning("another client uses this panel's name")
            self.rest(random.uniform(1.0, 2.0) if self._at_once else random.uniform(*TAKEN_WAIT_S))
        else:
            self._wait_longer()

    def _wait_longer(self) -> None:
        first, longest = (0.5, 1.0) if self._at_once else (FIRST_WAIT_S, LONGEST_WAIT_S)
        most = min(first * 2**self._tries, longest)
        self._next_try = clock.monotonic() + random.uniform(0.05, most)
        self._tries = min(self._tries + 1, 10)

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
            log.warning("broker refuses the panel", reason=str(reason))
        else:
            self.connections += 1
            client.subscribe([(f"{self._prefix}/{leaf}", 1) for leaf in LEAVES])

    def _on_disconnect(
        self,
        _client: mqtt.Client,
        _data: object,
        _flags: mqtt.DisconnectFlags,
        reason: ReasonCode,
        _properties: Properties | None,
    ) -> None:
        # The broker's word comes first; the end of the socket is told after it.
        self._reason = self._reason or int(reason.value)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        for leaf, reason in zip(LEAVES, reasons, strict=False):
            if reason.is_failure:
                log.warning("broker refuses a subscription", leaf=leaf, reason=str(reason))
        if len(reasons) < len(LEAVES) or reasons[LEAVES.index("plan")].is_failure:
            return  # without its plan a panel is not there
        self._subscribed = True
        self._on_up()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", []) if message.properties else []
        leaf = message.topic.removeprefix(f"{self._prefix}/")
        self.bytes += len(message.topic) + len(message.payload) + 8
        self._on_down(Down(leaf, bytes(message.payload), dict(pairs).get("jws", "")))

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, reason: ReasonCode, _p: Properties
    ) -> None:
        self.confirmed[mid] = int(reason.value)


def dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def _name(path: Path | None) -> str | None:
    return str(path) if path is not None else None
