"""The guarded fetcher: how every connector reaches the outside.

Addresses come from people, redirects and answers from strangers. So: each hop's URL and the very
address of each socket pass the hub's policy (libcurl asks us for every socket, after its own
look-up: no second look-up can change the answer), no cookies, no proxy of the environment, bounded
size after decompression, bounded time, and an answer that is cut off is an error, never content.
"""

import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urljoin, urlsplit

import pycurl

from connectors.reasons import say
from hub import clock
from hub.contracts import Fetched, Json, NotModified, SourceUnavailable
from hub.guard import AddressPolicy, AddressRefused

AGENT: Final = "Tambour/1 (municipal information hub)"
_REDIRECTS: Final = frozenset({301, 302, 303, 307, 308})
_DAY: Final = 86_400.0
_PATH: Final = "/%:@!$&'()*+,;=~-._"
_STREAM: Final = socket.SOCK_STREAM
_PROXY_TROUBLE: Final = frozenset(
    {pycurl.E_COULDNT_RESOLVE_PROXY, pycurl.E_COULDNT_CONNECT, pycurl.E_RECV_ERROR}
)
_CURL_REASONS: Final = {
    pycurl.E_COULDNT_RESOLVE_HOST: "unknown-host",
    pycurl.E_OPERATION_TIMEDOUT: "too-slow",
    pycurl.E_PARTIAL_FILE: "cut-off",
    pycurl.E_GOT_NOTHING: "cut-off",
    pycurl.E_RECV_ERROR: "cut-off",
    pycurl.E_BAD_CONTENT_ENCODING: "bad-encoding",
    pycurl.E_PEER_FAILED_VERIFICATION: "certificate",
    pycurl.E_SSL_CONNECT_ERROR: "certificate",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """`size` in bytes after decompression; `seconds` for all hops together; a transfer under
    `slow_bytes` a second for `slow_seconds` ends earlier."""

    size: int = 20_000_000
    seconds: float = 20
    connect_seconds: float = 8
    slow_bytes: int = 100
    slow_seconds: int = 10
    hops: int = 5


@dataclass(frozen=True, slots=True)
class _Request:
    """What is asked at each hop; `origin` is the only one that gets `headers`."""

    accept: str
    method: str
    headers: Mapping[str, str]
    body: bytes
    origin: tuple[str, str, int | None]


@dataclass(slots=True)
class _Answer:
    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    too_big: bool = False
    refused: bool = False


class Fetcher:
    """`contracts.Fetch`. `language` is that of the reasons in SourceUnavailable. `resolve` holds
    libcurl "host:port:address" entries that stand in for DNS in the tests.

    Through a `proxy` (TAMBOUR_PROXY) the hub cannot see the socket to the site: it looks the name
    up itself, refuses it if any address is not public, and has the proxy connect to the address it
    checked. A name that only the proxy can look up is left to the proxy.
    """

    def __init__(
        self,
        policy: AddressPolicy,
        language: str = "fr",
        limits: Limits | None = None,
        resolve: tuple[str, ...] = (),
        proxy: str = "",
    ) -> None:
        self._policy, self._language = policy, language
        self._limits = limits or Limits()
        self._resolve = resolve
        self._proxy = proxy

    def __call__(
        self,
        url: str,
        cursor: Json,
        *,
        accept: str = "*/*",
        method: str = "GET",
        headers: Mapping[str, str] = MappingProxyType({}),
        body: bytes = b"",
    ) -> Fetched | NotModified:
        """The content of `url`, following at most `hops` redirects, or NotModified.

        `cursor` holds `etag` and `last_modified` (RFC 9110 section 13) and the `url` that gave
        them; they are sent to no other address. `headers` (a key, a password) are sent to the host
        that was asked and to none it redirects to. Raises SourceUnavailable.
        """
        request = _Request(accept, method, headers, body, _origin(_plain(url)))
        deadline = clock.monotonic() + self._limits.seconds
        here = _plain(url)
        for _ in range(self._limits.hops + 1):
            answer, host, asked = self._hop(here, cursor, request, deadline)
            if answer.status not in _REDIRECTS:
                return self._settle(answer, asked, host, cursor)
            target = answer.headers.get("location", "")
            if not target:
                raise self._failure("redirect-without-target", status=answer.status)
            there = _plain(urljoin(asked, quote(target, safe=_PATH + "?#[]")))
            if asked.startswith("https://") and there.startswith("http://"):
                raise self._failure("downgrade")
            here = there
        raise self._failure("too-many-redirects", count=self._limits.hops)

    def _hop(
        self, url: str, cursor: Json, request: _Request, deadline: float
    ) -> tuple[_Answer, str, str]:
        """One request; also the host and the address as they were asked for."""
        try:
            parts = self._policy.check_url(url)
            host = parts.hostname or ""
            name = host if host.isascii() else host.encode("idna").decode()
        except AddressRefused as error:
            raise self._refusal(url) from error
        except UnicodeError as error:
            raise self._failure("address-malformed", detail=url[:80]) from error
        port = self._policy.port_of(parts)
        # libcurl gets the address as the policy read it, never the text: two readers of one odd
        # URL would be the way around the policy.
        place = f"[{name}]" if ":" in name else name
        asked = f"{parts.scheme}://{place}:{port}{quote(parts.path or '/', safe=_PATH)}"
        if parts.query:
            asked += "?" + quote(parts.query, safe=_PATH + "?")
        answer = _Answer()
        curl = self._curl(asked, answer, deadline)
        lines = [f"Accept: {request.accept}"]
        if request.origin == _origin(asked):
            lines += [
                " ".join(f"{name}: {value}".split()) for name, value in request.headers.items()
            ]
        if cursor.get("url") == asked:
            lines += _validators(cursor)
        if request.method != "GET":
            curl.setopt(pycurl.CUSTOMREQUEST, request.method)
            curl.setopt(pycurl.POSTFIELDS, request.body)
            lines.append("Content-Type: application/xml; charset=utf-8")
        curl.setopt(pycurl.HTTPHEADER, lines)
        # The machine's own feeds are not behind the proxy.
        proxied = bool(self._proxy) and not self._policy.is_excepted(host, port)
        if proxied:
            curl.setopt(pycurl.PROXY, self._proxy)
            curl.setopt(pycurl.NOPROXY, "")
            if pinned := self._looked_up(name, port):
                curl.setopt(pycurl.CONNECT_TO, [f"{place}:{port}:{pinned}:{port}"])

        def open_socket(_purpose: int, address: Any) -> Any:
            if proxied:  # to the proxy itself, which an administrator named
                return socket.socket(address.family, address.socktype, address.protocol)
            try:
                self._policy.check_address(host, port, address.addr[0])
            except ValueError:
                answer.refused = True
                return pycurl.SOCKET_BAD
            return socket.socket(address.family, address.socktype, address.protocol)

        curl.setopt(pycurl.OPENSOCKETFUNCTION, open_socket)
        try:
            curl.perform()
        except pycurl.error as error:
            if proxied and error.args[0] in _PROXY_TROUBLE and not answer.body:
                raise self._failure("proxy", host=name) from error
            raise self._trouble(error.args[0], answer, name) from error
        finally:
            curl.close()
        return answer, name, asked

    def _looked_up(self, host: str, port: int) -> str:
        """An address of the host that the policy lets through; "" where it cannot be looked up
        from here. Raises SourceUnavailable if any of its addresses is refused."""
        given = [r.split(":", 2)[2] for r in self._resolve if r.startswith(f"{host}:{port}:")]
        try:
            found = given or [str(a[4][0]) for a in socket.getaddrinfo(host, port, type=_STREAM)]
        except OSError:
            return ""
        try:
            for address in found:
                self._policy.check_address(host, port, address)
        except ValueError as error:
            raise self._failure("address-refused", host=host) from error
        return f"[{found[0]}]" if ":" in found[0] else found[0]

    def _curl(self, url: str, answer: _Answer, deadline: float) -> Any:
        limits = self._limits
        left = deadline - clock.monotonic()
        if left <= 0:
            raise self._failure("too-slow", host=url.split("/")[2], seconds=round(limits.seconds))

        def header(line: bytes) -> None:
            try:
                text = line.decode("utf-8").strip()
            except UnicodeDecodeError:  # header fields were latin-1 once (RFC 9110 section 5.5)
                text = line.decode("latin-1").strip()
            if text.startswith("HTTP/"):
                answer.headers.clear()
                answer.status = int(text.split()[1])
            elif ":" in text:
                name, _, value = text.partition(":")
                answer.headers[name.lower()] = value.strip()

        def body(chunk: bytes) -> int:
            if len(answer.body) + len(chunk) > limits.size:
                answer.too_big = True
                return -1
            answer.body += chunk
            return len(chunk)

        curl = pycurl.Curl()
        for option, value in (
            (pycurl.URL, url),
            (pycurl.PROTOCOLS, pycurl.PROTO_HTTP | pycurl.PROTO_HTTPS),
            (pycurl.FOLLOWLOCATION, 0),
            (pycurl.PROXY, ""),
            (pycurl.NOPROXY, "*"),
            (pycurl.NETRC, 0),
            (pycurl.NOSIGNAL, 1),
            (pycurl.TIMEOUT_MS, max(1, int(left * 1000))),
            (pycurl.CONNECTTIMEOUT_MS, max(1, int(min(left, limits.connect_seconds) * 1000))),
            (pycurl.LOW_SPEED_LIMIT, limits.slow_bytes),
            (pycurl.LOW_SPEED_TIME, limits.slow_seconds),
            (pycurl.ACCEPT_ENCODING, ""),
            (pycurl.USERAGENT, AGENT),
            (pycurl.HEADERFUNCTION, header),
            (pycurl.WRITEFUNCTION, body),
        ):
            curl.setopt(option, value)
        if self._resolve:
            curl.setopt(pycurl.RESOLVE, list(self._resolve))
        if _certificates():
            curl.setopt(pycurl.CAINFO, _certificates())
        return curl

    def _settle(self, answer: _Answer, url: str, host: str, cursor: Json) -> Fetched | NotModified:
        status = answer.status
        if status == 304 and cursor.get("url") == url:
            return NotModified(dict(cursor))
        if 200 <= status < 300:
            if not answer.body.strip():
                raise self._failure("empty", host=host)
            kept = {
                "etag": answer.headers.get("etag", ""),
                "last_modified": answer.headers.get("last-modified", ""),
            }
            found = {k: v for k, v in kept.items() if v}
            media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
            return Fetched(bytes(answer.body), found | {"url": url} if found else {}, media_type)
        code = "unexpected-status"
        if status in (404, 410):
            code = "not-found"
        elif status in (401, 402, 403, 407, 451):
            code = "forbidden"
        elif status == 429:
            code = "too-many-requests"
        elif status >= 500:
            code = "server-error"
        wait = _retry_after(answer.headers.get("retry-after", ""))
        raise self._failure(code, retry_after=wait, host=host, status=status)

    def _trouble(self, error: int, answer: _Answer, host: str) -> SourceUnavailable:
        if answer.too_big:
            return self._failure("too-big", megabytes=round(self._limits.size / 1e6, 1))
        if answer.refused and error in (pycurl.E_COULDNT_CONNECT, pycurl.E_OPERATION_TIMEDOUT):
            return self._failure("address-refused", host=host)
        code = _CURL_REASONS.get(error, "no-connection")
        return self._failure(code, host=host, seconds=round(self._limits.seconds))

    def _refusal(self, url: str) -> SourceUnavailable:
        try:
            parts = urlsplit(url)
            host = parts.hostname if parts.scheme in ("http", "https") else None
        except ValueError:
            host = None
        if host and "@" not in url and len(url) <= 2048:
            return self._failure("address-refused", host=host)
        return self._failure("address-malformed", detail=url.rpartition("@")[2][:80])

    def _failure(
        self, code: str, retry_after: float | None = None, **values: object
    ) -> SourceUnavailable:
        return SourceUnavailable(say(code, self._language, **values), retry_after)


def _origin(url: str) -> tuple[str, str, int | None]:
    """Scheme, host and port, the port that goes without saying included."""
    try:
        parts = urlsplit(url)
        port = parts.port or {"https": 443, "http": 80}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").rstrip("."), port
    except ValueError:
        return "", "", None


def _plain(url: str) -> str:
    """webcal is https under another name (it has no specification; calendars use it to open)."""
    scheme, found, rest = url.strip().partition("://")
    if found and scheme.lower() in ("webcal", "webcals"):
        return "https://" + rest
    return url.strip()


def _validators(cursor: Json) -> list[str]:
    pairs = (("If-None-Match", "etag"), ("If-Modified-Since", "last_modified"))
    return [f"{name}: {cursor[key]}" for name, key in pairs if cursor.get(key)]


def _retry_after(value: str) -> float | None:
    """Seconds, from seconds or an HTTP date (RFC 9110 section 10.2.3); at most a day."""
    if value.isdigit():
        return min(float(value), _DAY)
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max((moment - clock.now()).total_seconds(), 0.0), _DAY)


@lru_cache(maxsize=1)
def _certificates() -> str:
    """The machine's roots: a libcurl from a wheel may look for them where its builder had them."""
    paths = ssl.get_default_verify_paths()
    here = (os.environ.get("SSL_CERT_FILE"), paths.cafile, "/etc/ssl/certs/ca-certificates.crt")
    return next((path for path in here if path and os.path.exists(path)), "")
