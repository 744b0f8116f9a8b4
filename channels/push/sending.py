"""Many small POSTs at once: libcurl's multi interface, filled while the sockets work.

The address guard stands where it cannot be gone round: at the opening of each socket, with the very
address that is about to be connected. Redirects are not followed, proxies of the environment are
not asked.
"""

import math
import os
import re
import socket
import ssl
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import pycurl

from hub import clock
from hub.guard import AddressPolicy, AddressRefused

MAX_ANSWER: Final = 16 * 1024
# One strict form, so that libcurl and urllib cannot read two different hosts in one address.
_ENDPOINT: Final = re.compile(
    r"(https?://(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?)/[!-\[\]-~]*"
)
# Requests built between two looks at the sockets: 16 cost 25 us a message less than 1, and the wire
# waits no longer than two milliseconds. The first ones leave sooner.
_PER_TURN: Final = 16
_FIRST_TURN: Final = 4
# How long a turn may wait: also how late an order to stop is heard.
_TURN_S: Final = 0.2
_LAST_WAIT_S: Final = 2.0
_NOTHING_S: Final = 0.001
# Answers that say the host, or we, have a general trouble: not this phone.
_TIRED: Final = frozenset({401, 403, 406, 408, 425, 429})
_ERRORS: Final = {
    pycurl.E_COULDNT_RESOLVE_HOST: "the host name is not known",
    pycurl.E_COULDNT_CONNECT: "no connection",
    pycurl.E_OPERATION_TIMEDOUT: "no answer in time",
    pycurl.E_SSL_CONNECT_ERROR: "no TLS connection",
    pycurl.E_PEER_FAILED_VERIFICATION: "the host's certificate is not valid",
    pycurl.E_RECV_ERROR: "the connection broke",
    pycurl.E_SEND_ERROR: "the connection broke",
    pycurl.E_GOT_NOTHING: "the connection was closed without an answer",
}


@dataclass(frozen=True, slots=True)
class Request:
    """`headers` are whole lines; the same list object again costs nothing."""

    body: bytes
    headers: list[str]


@dataclass(slots=True)
class Answer:
    """`status` 0: no answer, and `error` says why. `refused`: the guard did. `held`: not sent
    at all, because its host failed too often in a row."""

    status: int = 0
    text: str = ""
    retry_after: float | None = None
    error: str = ""
    refused: bool = False
    held: bool = False


def origin_of(endpoint: str) -> str:
    """ "https://host[:port]" of an address in the strict form. Raises AddressRefused."""
    found = _ENDPOINT.fullmatch(endpoint)
    if found is None:
        raise AddressRefused("The address is not a plain http(s) address.")
    return found[1]


Make = Callable[[int, str], Request | None]


@dataclass(slots=True, eq=False)
class _Host:
    """One origin: what waits for it, what flies, its idle handles, its luck in this call."""

    origin: str
    name: str
    port: int
    idle: list[pycurl.Curl] = field(default_factory=list)
    waiting: deque[int] = field(default_factory=deque)
    flying: int = 0
    misses: int = 0
    retry_after: float | None = None
    refusal: str = ""
    trouble: str = ""


@dataclass(slots=True, eq=False)
class _Flight:
    """What one handle is doing. `headers`: the list it was last given."""

    host: _Host
    index: int = 0
    headers: list[str] | None = None
    text: bytearray = field(default_factory=bytearray)


class Sender:
    """One process's connections to push services; make it after fork, close it at the end.

    At most `per_host` requests in flight to one origin and 4 times that in all. After `patience`
    misses in a row (no answer, 401, 403, 406, 429, 5xx) a host gets nothing more in this call.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        *,
        timeout: float = 10.0,
        per_host: int = 64,
        patience: int = 8,
        ca_file: str = "",
        resolve: Sequence[str] = (),
        call_s: float = 5.0,
        stopping: Callable[[], bool] = bool,
    ) -> None:
        """`resolve`: rows "host:port:address" that stand for DNS (libcurl's RESOLVE). Past `call_s`
        seconds a call begins nothing more, so that it ends within its caller's lease; when
        `stopping` says so it does not wait longer than two seconds for what is under way."""
        self._policy = policy
        self._timeout_ms = int(timeout * 1000)
        self._per_host, self._patience = per_host, patience
        self._call_s, self._stopping = call_s, stopping
        self._ca_file = ca_file or ssl.get_default_verify_paths().cafile or ""
        self._hosts: dict[str, _Host] = {}
        self._flights: dict[pycurl.Curl, _Flight] = {}
        self._flying: set[pycurl.Curl] = set()
        self._answers: list[Answer] = []
        self._resolve = list(resolve)
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_PIPELINING, pycurl.PIPE_MULTIPLEX)
        self._multi.setopt(pycurl.M_MAX_HOST_CONNECTIONS, per_host)
        self._multi.setopt(pycurl.M_MAX_TOTAL_CONNECTIONS, 4 * per_host)
        # Left alone libcurl keeps four connections a handle under way, so it drops them when idle.
        self._multi.setopt(pycurl.M_MAXCONNECTS, 4 * per_host)

    def send(self, endpoints: Sequence[str], make: Make) -> list[Answer]:
        """One answer per endpoint, in order.

        `make(n, origin)` builds the request of endpoint n just before it starts, while earlier ones
        are on the wire; None skips it (its answer stays empty). What `make` raises is passed on,
        and what was in flight is dropped.
        """
        self._answers = [Answer() for _ in endpoints]
        hosts = self._sort(endpoints)
        ready = deque(hosts)
        batch, built = _FIRST_TURN, 0
        deadline, given_up = clock.monotonic() + self._call_s, math.inf
        try:
            while ready or self._flying:
                moment = clock.monotonic()
                if given_up == math.inf and self._stopping():
                    deadline, given_up = moment, moment + _LAST_WAIT_S
                if moment >= deadline:
                    ready.clear()
                    for host in hosts:
                        self._hold(host, "not begun in time")
                if moment >= given_up:
                    break
                started = self._start(ready, endpoints, make, batch)
                built += started
                batch = min(_PER_TURN, max(_FIRST_TURN, built // 2))
                if self._flying:
                    self._turn(0.0 if started else _TURN_S)
                if not ready:
                    ready.extend(h for h in hosts if h.waiting and h.flying < self._per_host)
        finally:
            for curl in list(self._flying):
                self._answers[self._flights[curl].index].error = "the sender stopped"
                self._land(curl)
                self._forget(curl)
            if len(self._hosts) > 64:
                self._forget_hosts()
        return self._answers

    def close(self) -> None:
        self._forget_hosts()
        self._multi.close()

    def _sort(self, endpoints: Sequence[str]) -> list[_Host]:
        """Each endpoint to the queue of its host; those the policy refuses are answered."""
        used: dict[str, _Host] = {}
        for index, endpoint in enumerate(endpoints):
            try:
                origin = origin_of(endpoint)
                host = used.get(origin) or self._host(origin)
            except AddressRefused as refusal:
                self._answers[index].refused, self._answers[index].error = True, str(refusal)
                continue
            used[origin] = host
            host.waiting.append(index)
        return list(used.values())

    def _host(self, origin: str) -> _Host:
        parts = self._policy.check_url(origin + "/")
        host = self._hosts.get(origin)
        if host is None:
            host = _Host(origin, parts.hostname or "", self._policy.port_of(parts))
            self._hosts[origin] = host
        host.waiting.clear()
        host.misses, host.retry_after, host.refusal, host.trouble = 0, None, "", ""
        return host

    def _start(self, ready: deque[_Host], endpoints: Sequence[str], make: Make, batch: int) -> int:
        """Build and start up to `batch` requests, host after host; how many."""
        started, most = 0, 4 * self._per_host
        flights, flying, add = self._flights, self._flying, self._multi.add_handle
        while ready and started < batch and len(flying) < most:
            host = ready.popleft()
            if host.misses >= self._patience:
                self._hold(host)
            waiting, idle = host.waiting, host.idle
            room = min(batch - started, self._per_host - host.flying, most - len(flying))
            while waiting and room > 0:
                index = waiting.popleft()
                request = make(index, host.origin)
                if request is None:
                    continue
                curl = idle.pop() if idle else self._handle(host)
                flight = flights[curl]
                flight.index = index
                if flight.text:
                    flight.text.clear()
                if flight.headers is not request.headers:
                    curl.setopt(pycurl.HTTPHEADER, request.headers)
                    flight.headers = request.headers
                curl.setopt(pycurl.URL, endpoints[index])
                curl.setopt(pycurl.POSTFIELDS, request.body)
                add(curl)
                flying.add(curl)
                host.flying += 1
                started += 1
                room -= 1
            if waiting and host.flying < self._per_host:
                ready.append(host)
        return started

    def _handle(self, host: _Host) -> pycurl.Curl:
        curl = pycurl.Curl()
        flight = self._flights[curl] = _Flight(host)

        def open_socket(_purpose: int, address: Any) -> Any:
            return self._open_socket(host, address)

        def write(data: bytes) -> int | None:
            flight.text += data
            return None if len(flight.text) <= MAX_ANSWER else 0

        curl.setopt(pycurl.OPENSOCKETFUNCTION, open_socket)
        curl.setopt(pycurl.WRITEFUNCTION, write)
        curl.setopt(pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS)
        curl.setopt(pycurl.FOLLOWLOCATION, 0)
        curl.setopt(pycurl.PROXY, "")  # empty, not unset: the environment must not choose one
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        # Over TLS wait for the first connection to say whether it multiplexes.
        curl.setopt(pycurl.PIPEWAIT, 1 if host.origin.startswith("https:") else 0)
        curl.setopt(pycurl.TIMEOUT_MS, self._timeout_ms)
        curl.setopt(pycurl.CONNECTTIMEOUT_MS, min(self._timeout_ms, 5000))
        curl.setopt(pycurl.NOSIGNAL, 1)
        if self._resolve:
            curl.setopt(pycurl.RESOLVE, self._resolve)
        if self._ca_file:
            curl.setopt(pycurl.CAINFO, self._ca_file)
        return curl

    def _open_socket(self, host: _Host, address: Any) -> Any:
        """The guard: called with the address that is about to be connected, for each attempt."""
        family, kind, protocol, where = address
        try:
            if family not in (socket.AF_INET, socket.AF_INET6) or where[1] != host.port:
                raise AddressRefused("It is not the address that was asked for.")
            self._policy.check_address(host.name, host.port, where[0])
        except AddressRefused as refusal:
            host.refusal = str(refusal)
            return pycurl.SOCKET_BAD
        return socket.socket(family, kind, protocol)

    def _turn(self, wait_s: float) -> None:
        """Let the sockets work, after waiting for one of them for at most `wait_s`, and take in
        what has come back. (`perform` over few connections costs 14 us a message less than telling
        libcurl of each ready socket.)"""
        multi = self._multi
        if wait_s > 0:
            soon = multi.timeout()
            if soon >= 0:
                wait_s = min(wait_s, soon / 1000)
            if wait_s > 0 and multi.select(wait_s) <= 0:
                time.sleep(_NOTHING_S)  # no socket yet: a name is being looked up
        multi.perform()
        queued = 1
        while queued:
            queued, good, bad = multi.info_read()
            for curl in good:
                self._finish(curl, 0)
            for curl, code, _text in bad:
                self._finish(curl, code)

    def _finish(self, curl: pycurl.Curl, code: int) -> None:
        flight = self._flights[curl]
        host, answer = flight.host, self._answers[flight.index]
        answer.status = curl.getinfo(pycurl.RESPONSE_CODE)
        if flight.text:
            answer.text = bytes(flight.text[:300]).decode("utf-8", "replace")
        if answer.status in _TIRED or answer.status >= 500:
            seconds = curl.getinfo(pycurl.RETRY_AFTER)
            answer.retry_after = float(seconds) if seconds else None
        # A body longer than we care to read breaks off; the status line has said enough.
        if code and not (code == pycurl.E_WRITE_ERROR and answer.status):
            answer.status = 0
            answer.refused = bool(host.refusal) and code == pycurl.E_COULDNT_CONNECT
            answer.error = host.refusal if answer.refused else _ERRORS.get(code, f"error {code}")
        self._land(curl)
        if code:
            self._forget(curl)
        else:
            host.idle.append(curl)
        if answer.refused or 200 <= answer.status < 400 or answer.status in (404, 410):
            host.misses = 0
        elif answer.status in _TIRED or answer.status == 0 or answer.status >= 500:
            host.misses += 1
            host.retry_after = max(host.retry_after or 0, answer.retry_after or 0) or None
            host.trouble = answer.error or f"answered {answer.status}"

    def _hold(self, host: _Host, why: str = "") -> None:
        for index in host.waiting:
            answer = self._answers[index]
            answer.held, answer.retry_after = True, host.retry_after
            answer.error = host.trouble or why
        host.waiting.clear()

    def _land(self, curl: pycurl.Curl) -> None:
        self._multi.remove_handle(curl)
        self._flying.discard(curl)
        self._flights[curl].host.flying -= 1

    def _forget(self, curl: pycurl.Curl) -> None:
        del self._flights[curl]
        curl.close()

    def _forget_hosts(self) -> None:
        for host in self._hosts.values():
            for curl in host.idle:
                self._forget(curl)
        self._hosts.clear()


_shared: dict[tuple[Any, ...], tuple[Sender, int]] = {}


def shared(policy: AddressPolicy, **options: Any) -> Sender:
    """This process's sender for these options: the push outlets of two hundred towns go to the same
    few hosts, and a connection for each of them is 200 handshakes. Give it back at the end."""
    key = (os.getpid(), policy, *sorted(options.items(), key=lambda one: one[0]))
    sender, users = _shared.get(key) or (Sender(policy, **options), 0)
    _shared[key] = sender, users + 1
    return sender


def give_back(sender: Sender) -> None:
    """Closed when its last user has given it back."""
    for key, (known, users) in list(_shared.items()):
        if known is sender:
            if users > 1:
                _shared[key] = sender, users - 1
            else:
                del _shared[key]
                sender.close()
