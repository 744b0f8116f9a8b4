"""What really happened on the wire, while a library speaks HTTP through `requests`.

Inside `watch`, every request of this thread goes through one adapter of ours, whichever session or
helper of the library makes it. The adapter connects to checked addresses only (so that a redirect
or a second look-up cannot leave them), bounds time and size of the answer, ignores the proxies of
the environment, and keeps each exchange: whether a connection stood, the status, the answer.
A library that catches all exceptions of `requests` and answers False can hide nothing.
"""

import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

import requests
from requests.adapters import BaseAdapter, HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, HTTPError, NewConnectionError

from channels import wire
from hub import clock
from hub.guard import AddressPolicy


@dataclass(slots=True)
class Exchange:
    """One request. `connected`: a connection stood (TLS included), so bytes may have left;
    without it, surely nothing did. `status` is 0 until a status line came."""

    method: str
    host: str
    connected: bool = False
    status: int = 0
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    error: BaseException | None = None


class _Watch(HTTPAdapter):
    """The adapter of one `watch`; a fresh connection for each exchange, since a kept one that the
    other side just closed would look like a message that may have left."""

    def __init__(self, policy: AddressPolicy, timeout: float) -> None:
        self.policy, self.timeout = policy, timeout
        self.exchanges: list[Exchange] = []
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **options: Any) -> None:
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}

    def send(self, request: Any, *args: Any, **options: Any) -> requests.Response:
        exchange = Exchange(request.method or "", urlsplit(request.url).hostname or "")
        self.exchanges.append(exchange)
        options.update(stream=True, timeout=(min(5.0, self.timeout), self.timeout), proxies={})
        try:
            answer = super().send(request, *args, **options)
            exchange.status, exchange.headers = answer.status_code, answer.headers
            exchange.body = answer._content = _bounded(answer, self.timeout)
            answer._content_consumed = True
            return answer
        except BaseException as error:
            exchange.error = error
            raise
        finally:
            self.close()


def _bounded(answer: requests.Response, seconds: float) -> bytes:
    until, body = clock.monotonic() + seconds, b""
    try:
        while chunk := answer.raw.read1(4096, decode_content=True):
            body += chunk
            if len(body) > wire.MOST_BYTES or clock.monotonic() > until:
                raise requests.ConnectionError("The answer is too long or too slow.")
    except HTTPError as error:
        raise requests.ConnectionError(error) from error
    return body


_watch: ContextVar[_Watch | None] = ContextVar("channels.watched", default=None)


class _Checked(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        watch = _watch.get()
        assert watch is not None, "only pools of a watch make these connections"
        try:
            return wire.connect(watch.policy, self.host, self.port or 0, watch.timeout)
        except TimeoutError as error:
            raise ConnectTimeoutError(self, f"{self.host} does not answer") from error
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def connect(self) -> None:
        super().connect()
        watch = _watch.get()
        assert watch is not None
        watch.exchanges[-1].connected = True


class _TlsChecked(_Checked, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Checked


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsChecked


_plain: Final = requests.Session.get_adapter


def _get_adapter(self: requests.Session, url: str) -> BaseAdapter:
    return _watch.get() or _plain(self, url)


# The one door every call of `requests` passes; outside a `watch` it stays as it was.
requests.Session.get_adapter = _get_adapter  # type: ignore[method-assign]


@contextmanager
def watch(policy: AddressPolicy, timeout: float) -> Iterator[list[Exchange]]:
    """The exchanges made through `requests` by this thread while inside, in order."""
    adapter = _Watch(policy, timeout)
    token = _watch.set(adapter)
    try:
        yield adapter.exchanges
    finally:
        _watch.reset(token)
        adapter.close()
