"""A push service of our own: the part of the outside world that a browser maker runs.

- HTTP/1.1 in the clear, or HTTP/1.1 and HTTP/2 over TLS (by ALPN): takes RFC 8030 requests, keeps
  what it took, and answers 404, 410, 413, 429, 500 or nothing at all where a test says so. Fast
  enough (about 40,000 requests a second on one core) to be the sink of a benchmark.
- Mozilla's WebSocket protocol for browsers (hello, register, notification, ack, unregister), so a
  real Firefox subscribes here and gets what was posted, with no internet.
- Fake phones with keys of their own, which decrypt what they got.

`with PushService() as service:` inside a test, or a process of its own with a control interface
under /_/ : `python -m tests.fakes.push_service --port 9100 --socket-port 9101`.
"""

import argparse
import asyncio
import base64
import contextlib
import json
import secrets
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
import websockets
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.fakes.push_wire import Answer, Connection

_MAX_BODY = 4096  # RFC 8030 section 7.2


def base64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@dataclass(frozen=True)
class FakePhone:
    """A browser's side of a subscription, with the private half of its keys."""

    endpoint: str
    private: ec.EllipticCurvePrivateKey
    secret: bytes

    @property
    def p256dh(self) -> str:
        point = self.private.public_key().public_bytes(
            Encoding.X962, PublicFormat.UncompressedPoint
        )
        return base64url(point)

    @property
    def auth(self) -> str:
        return base64url(self.secret)

    def decrypt(self, body: bytes) -> bytes:
        """Read by pywebpush's library, not by ours."""
        plain: bytes = http_ece.decrypt(
            body, private_key=self.private, auth_secret=self.secret, version="aes128gcm"
        )
        return plain


@dataclass(frozen=True)
class Received:
    """One push request as it came. Header names are in lower case."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    http: str
    status: int
    at: float


@dataclass
class _Channel:
    """A subscription of a real browser; `kept` holds what waits for it, by topic."""

    browser: str
    kept: dict[str, dict[str, Any]] = field(default_factory=dict)


class PushService:
    """Runs in a thread with an event loop of its own, from `start` to `stop`."""

    def __init__(
        self,
        port: int = 0,
        socket_port: int = 0,
        certificate: tuple[Path, Path] | None = None,
        keep: bool = True,
    ) -> None:
        """`certificate`: PEM files (chain, key) for TLS. `keep` False: count only (a sink)."""
        self._ports = (port, socket_port)
        self._certificate = certificate
        self._keep = keep
        self.received: list[Received] = []
        self.count = 0
        self.connections = 0
        self.acks: list[dict[str, Any]] = []
        self._answers: list[tuple[str, Answer, float]] = []
        self._phones: dict[str, FakePhone] = {}
        self._channels: dict[str, _Channel] = {}
        self._browsers: dict[str, websockets.ServerConnection] = {}
        self._changed = threading.Condition()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._ready = threading.Event()
        self._stop: asyncio.Event | None = None
        self.port = self.socket_port = 0

    def __enter__(self) -> "PushService":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> "PushService":
        self._thread.start()
        if not self._ready.wait(10):
            raise RuntimeError("the push service did not start")
        return self

    def stop(self) -> None:
        if self._stop is not None:
            self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(10)

    @property
    def base(self) -> str:
        return f"{'https' if self._certificate else 'http'}://127.0.0.1:{self.port}"

    @property
    def socket_url(self) -> str:
        return f"ws://127.0.0.1:{self.socket_port}/"

    @property
    def pair(self) -> str:
        """host:port, as the address guard's exceptions are written."""
        return f"127.0.0.1:{self.port}"

    def phone(self) -> FakePhone:
        """A new phone with a subscription here."""
        path = f"/push/{secrets.token_urlsafe(12)}"
        made = FakePhone(
            self.base + path, ec.generate_private_key(ec.SECP256R1()), secrets.token_bytes(16)
        )
        self._phones[path] = made
        return made

    def answer(self, status: int = 201, *, to: str = "/", times: float = float("inf"), **more: Any):
        """From now on answer so to requests whose path (or endpoint) starts with `to`; the latest
        rule that fits counts. More: headers, body, hang."""
        path = urlsplit(to).path or "/"
        self._answers.insert(0, (path, Answer(status, **more), times))

    def messages(self, phone: FakePhone) -> list[dict[str, Any]]:
        """What the phone would have read, oldest first."""
        path = urlsplit(phone.endpoint).path
        return [
            json.loads(phone.decrypt(r.body))
            for r in self.received
            if r.path == path and r.status < 300
        ]

    def wait(self, true: Callable[[], bool], seconds: float = 20.0) -> None:
        """Until `true()`, looked at after each request and acknowledgement."""
        with self._changed:
            if not self._changed.wait_for(true, seconds):
                raise TimeoutError("the push service did not see it")

    # What follows runs in the service's own thread.

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._loop.close()

    async def _serve(self) -> None:
        self._stop = asyncio.Event()
        context = None
        if self._certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*self._certificate)
            context.set_alpn_protocols(["h2", "http/1.1"])
        server = await self._loop.create_server(
            lambda: Connection(self.respond, self._connected),
            "127.0.0.1",
            self._ports[0],
            ssl=context,
            backlog=1024,
        )
        browsers = await websockets.serve(
            self._browser, "127.0.0.1", self._ports[1], ping_interval=None,
            subprotocols=[websockets.Subprotocol("push-notification")],
        )  # fmt: skip
        self.port = server.sockets[0].getsockname()[1]
        self.socket_port = next(iter(browsers.sockets)).getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        browsers.close()
        await browsers.wait_closed()

    def _connected(self) -> None:
        self.connections += 1

    def respond(self, method: str, path: str, headers: dict[str, str], body: bytes, http: str):
        """The answer to one request; None: say nothing (hang)."""
        if path.startswith("/_/"):
            return self._control(method, path, body)
        self.count += 1
        if not self._keep:
            return Answer()
        answer = self._answer_for(path) or self._accept(path, headers, body)
        with self._changed:
            self.received.append(
                Received(path, headers, body, http, answer.status, time.monotonic())
            )
            self._changed.notify_all()
        return None if answer.hang else answer

    def _answer_for(self, path: str) -> Answer | None:
        for n, (prefix, answer, times) in enumerate(self._answers):
            if path.startswith(prefix):
                self._answers[n] = (prefix, answer, times - 1)
                if times <= 1:
                    del self._answers[n]
                return answer
        return None

    def _accept(self, path: str, headers: dict[str, str], body: bytes) -> Answer:
        channel_id = path.removeprefix("/push/")
        if len(body) > _MAX_BODY:
            return Answer(413)
        if "ttl" not in headers or not headers.get("authorization", "").startswith("vapid t="):
            return Answer(400)
        channel = self._channels.get(channel_id)
        if channel is None:
            return Answer(201 if path in self._phones else 404)
        version = secrets.token_hex(8)
        message = {
            "messageType": "notification",
            "channelID": channel_id,
            "version": version,
            "data": base64url(body),
            "headers": {"encoding": headers.get("content-encoding", "")},
        }
        channel.kept[headers.get("topic", version)] = message
        browser = self._browsers.get(channel.browser)
        if browser is not None:
            task = self._loop.create_task(browser.send(json.dumps(message)))
            task.add_done_callback(lambda done: done.exception())
        return Answer(201, {"location": f"{self.base}/message/{version}"})

    def _control(self, method: str, path: str, body: bytes) -> Answer:
        if path == "/_/received":
            rows = [
                {
                    "path": r.path,
                    "status": r.status,
                    "headers": dict(r.headers),
                    "message": self._read(r),
                }
                for r in self.received
            ]
            return Answer(200, body=json.dumps(rows).encode())
        if path == "/_/phones" and method == "POST":
            phone = self.phone()
            keys = {"p256dh": phone.p256dh, "auth": phone.auth}
            shown = {"endpoint": phone.endpoint, "keys": keys}
            return Answer(201, body=json.dumps(shown).encode())
        if path == "/_/answers" and method == "POST":
            self.answer(**json.loads(body))
            return Answer(204)
        return Answer(200, body=json.dumps({"count": self.count}).encode())

    def _read(self, request: Received) -> Any:
        phone = self._phones.get(request.path)
        return json.loads(phone.decrypt(request.body)) if phone and request.body else None

    async def _browser(self, socket: websockets.ServerConnection) -> None:
        """Mozilla's push protocol, the server's side."""
        browser = ""
        try:
            async for text in socket:
                said = json.loads(text)
                kind = said.get("messageType")
                if kind is None:
                    await socket.send("{}")  # a ping is an empty object
                elif kind == "hello":
                    browser = said.get("uaid") or secrets.token_hex(16)
                    self._browsers[browser] = socket
                    await socket.send(json.dumps({
                        "messageType": "hello", "uaid": browser, "status": 200,
                        "use_webpush": True, "broadcasts": {},
                    }))  # fmt: skip
                    for channel in self._channels.values():
                        if channel.browser == browser:
                            for message in list(channel.kept.values()):
                                await socket.send(json.dumps(message))
                elif kind == "register":
                    self._channels[said["channelID"]] = _Channel(browser)
                    await socket.send(json.dumps({
                        "messageType": "register", "channelID": said["channelID"], "status": 200,
                        "pushEndpoint": f"{self.base}/push/{said['channelID']}",
                    }))  # fmt: skip
                elif kind == "unregister":
                    self._channels.pop(said["channelID"], None)
                    await socket.send(json.dumps({
                        "messageType": "unregister", "channelID": said["channelID"], "status": 200,
                    }))  # fmt: skip
                elif kind in ("ack", "nack"):
                    self._acknowledged(kind, said)
        except websockets.ConnectionClosed:
            pass
        finally:
            if self._browsers.get(browser) is socket:
                del self._browsers[browser]

    def _acknowledged(self, kind: str, said: dict[str, Any]) -> None:
        updates = said.get("updates") or [said]
        for update in updates:
            for channel in self._channels.values():
                for topic, message in list(channel.kept.items()):
                    if message["version"] == update.get("version"):
                        del channel.kept[topic]
        with self._changed:
            self.acks.extend({"kind": kind, **update} for update in updates)
            self._changed.notify_all()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--socket-port", type=int, default=0)
    parser.add_argument("--sink", action="store_true", help="count only")
    given = parser.parse_args()
    with PushService(given.port, given.socket_port, keep=not given.sink) as service:
        where = {"base": service.base, "socket": service.socket_url}
        print(json.dumps(where), flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            threading.Event().wait()


if __name__ == "__main__":
    main()
