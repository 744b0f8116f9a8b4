"""The twin's connection: MQTT 5, a last will, patience between two tries."""

import json
import random
import time
from collections.abc import Callable
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
import structlog
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from hub import clock

log = structlog.get_logger()

KEEPALIVE_S: Final = 60
CONNECT_S: Final = 3.0
# A thousand panels behind one broker that comes back must not all arrive in the same second.
FIRST_WAIT_S: Final = 30.0
LONGEST_WAIT_S: Final = 300.0


class Link:
    """One connection after another, driven by `step` in the caller's thread."""

    def __init__(
        self,
        broker_url: str,
        prefix: str,
        name: str,
        *,
        at_once: bool,
        on_up: Callable[[], None],
        on_plan: Callable[[bytes, str], None],
        will: Callable[[], dict[str, Any]],
    ) -> None:
        self._url, self._prefix, self._name = urlsplit(broker_url), prefix, name
        self._at_once = at_once
        self._on_up, self._on_plan, self._will = on_up, on_plan, will
        self._client: mqtt.Client | None = None
        self._subscribed = False
        self._down_since = clock.monotonic()
        self._opened = 0.0
        self._tries = 0
        self._next_try = 0.0
        self.confirmed: set[int] = set()

    @property
    def up(self) -> bool:
        """The broker has taken our subscription."""
        return self._client is not None and self._subscribed

    @property
    def away_s(self) -> float:
        """Seconds since the broker was last there."""
        return 0.0 if self.up else clock.monotonic() - self._down_since

    def step(self, seconds: float) -> None:
        """Let the network work for at most `seconds`, or wait a little while there is none."""
        if self._client is None:
            if clock.monotonic() >= self._next_try:
                self._open()
            else:
                time.sleep(max(0.0, min(seconds, self._next_try - clock.monotonic())))
            return
        alive = self._client.loop(seconds) == mqtt.MQTT_ERR_SUCCESS
        mute = not self._subscribed and clock.monotonic() - self._opened > 2 * CONNECT_S
        if not alive or mute:
            self._closed()

    def publish(self, leaf: str, body: dict[str, Any], *, qos: int, retain: bool) -> int:
        """The message id, or 0 where nothing could be sent."""
        if self._client is None:
            return 0
        info = self._client.publish(f"{self._prefix}/{leaf}", dump(body), qos=qos, retain=retain)
        return info.mid if info.rc == mqtt.MQTT_ERR_SUCCESS else 0

    def close(self) -> None:
        """Say goodbye: the broker then drops the will."""
        if self._client is not None:
            self._client.disconnect()
            self._client.loop(0.05)
        self._client = None

    def _open(self) -> None:
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2,
            client_id=self._name,
            protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )
        client.connect_timeout = CONNECT_S
        if self._url.username:
            password = unquote(self._url.password or "")
            client.username_pw_set(unquote(self._url.username), password or None)
        tls = self._url.scheme == "mqtts"
        if tls:
            client.tls_set()
        client.will_set(f"{self._prefix}/presence", dump(self._will()), qos=1, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_publish = self._on_publish
        self._subscribed = False
        self.confirmed.clear()
        self._opened = clock.monotonic()
        try:
            port = self._url.port or (8883 if tls else 1883)
            client.connect(self._url.hostname or "127.0.0.1", port, keepalive=KEEPALIVE_S)
        except OSError:
            self._wait_longer()
            return
        self._client = client

    def _closed(self) -> None:
        if self._subscribed:
            self._down_since = clock.monotonic()
            self._tries = 0
        self._client, self._subscribed = None, False
        self._wait_longer()

    def _wait_longer(self) -> None:
        first, longest = (0.5, 1.0) if self._at_once else (FIRST_WAIT_S, LONGEST_WAIT_S)
        most = min(first * 2**self._tries, longest)
        self._next_try = clock.monotonic() + random.uniform(0.05, most)
        self._tries = min(self._tries + 1, 10)

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
            client.subscribe(f"{self._prefix}/plan", qos=1)

    def _on_subscribe(
        self,
        _client: mqtt.Client,
        _data: object,
        _mid: int,
        reasons: list[ReasonCode],
        _properties: Properties | None,
    ) -> None:
        if any(reason.is_failure for reason in reasons):
            log.warning("broker refuses the panel's subscription", reason=str(reasons[0]))
            return
        self._subscribed = True
        self._tries = 0
        self._on_up()

    def _on_message(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        pairs = getattr(message.properties, "UserProperty", []) if message.properties else []
        self._on_plan(bytes(message.payload), dict(pairs).get("jws", ""))

    def _on_publish(
        self, _client: mqtt.Client, _data: object, mid: int, _reason: ReasonCode, _p: Properties
    ) -> None:
        self.confirmed.add(mid)


def dump(body: dict[str, Any]) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()
