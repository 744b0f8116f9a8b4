"""Connections of messengers to addresses that a person configured: checked, then used as checked.

The policy is asked for the URL's host, then for every address it resolves to, and the socket goes
to one of exactly those addresses: no second look-up can change the answer (DNS rebinding).
Proxies of the environment are not used: they would connect where nobody checked.
"""

import socket
from collections.abc import Iterable
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Any, Final

import httpcore2
import httpx2

from hub import clock
from hub.guard import AddressPolicy

MOST_BYTES: Final = 65_536  # of an answer; a status or an error needs a few hundred


class TooMuch(Exception):
    """The other side's answer is longer, or slower, than an answer can be."""


def addresses(policy: AddressPolicy, host: str, port: int) -> list[str]:
    """The checked addresses of `host`, in the resolver's order.

    Raises AddressRefused when any of them is refused, OSError when the name does not resolve.
    """
    shown = f"[{host}]" if ":" in host else host
    policy.check_url(f"http://{shown}:{port}/")
    found = dict.fromkeys(
        str(entry[4][0]) for entry in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    )
    for address in found:
        policy.check_address(host, port, address)
    return list(found)


def connect(policy: AddressPolicy, host: str, port: int, timeout: float | None) -> socket.socket:
    """A connected TCP socket to a checked address. Raises AddressRefused, OSError."""
    error: OSError = OSError(f"{host} has no address")
    for address in addresses(policy, host, port):
        try:
            made = socket.create_connection((address, port), timeout)
        except OSError as failed:
            error = failed
            continue
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made
    raise error


class _Checked(httpcore2.SyncBackend):
    def __init__(self, policy: AddressPolicy) -> None:
        self._policy = policy

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.NetworkStream:
        try:
            found = addresses(self._policy, host, port)
        except OSError as error:
            raise httpcore2.ConnectError(str(error)) from error
        trouble: Exception = httpcore2.ConnectError(f"{host} has no address")
        for address in found:
            try:
                return super().connect_tcp(address, port, timeout, local_address, socket_options)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                trouble = error
        raise trouble


class _Transport(httpx2.HTTPTransport):
    def __init__(self, policy: AddressPolicy) -> None:
        super().__init__(trust_env=False)
        # HTTPTransport takes no network backend: its pool is replaced by one that has ours.
        self._pool = httpcore2.ConnectionPool(
            ssl_context=httpx2.create_ssl_context(),
            network_backend=_Checked(policy),
            max_connections=4,
            keepalive_expiry=5.0,
        )


def client(policy: AddressPolicy, timeout: float, **options: Any) -> httpx2.Client:
    """An HTTP client that connects to checked addresses only and follows no redirect.

    A refused address is raised as `AddressRefused`, all else as httpx2's own exceptions.
    """
    return httpx2.Client(
        transport=_Transport(policy),
        timeout=httpx2.Timeout(timeout, connect=min(5.0, timeout)),
        follow_redirects=False,
        **options,
    )


def ask(
    http: httpx2.Client, method: str, url: str, *, seconds: float, **options: Any
) -> tuple[httpx2.Response, bytes]:
    """One request and its bounded answer. Raises httpx2.HTTPError, AddressRefused, TooMuch.

    `seconds` bounds the whole body: a server that drips a byte at a time never meets a time-out.
    """
    with http.stream(method, url, **options) as answer:
        until, body = clock.monotonic() + seconds, b""
        for chunk in answer.iter_bytes():
            body += chunk
            if len(body) > MOST_BYTES or clock.monotonic() > until:
                raise TooMuch(f"more than {MOST_BYTES} bytes or {seconds:g} s")
    return answer, body


def retry_after(value: str) -> float | None:
    """Seconds to wait by a Retry-After header (RFC 9110 section 10.2.3); None without a sense."""
    if value.strip().isdigit():
        return float(min(int(value), 86_400))
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - clock.now()).total_seconds()), 86_400.0)
