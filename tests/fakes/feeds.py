"""A fake web site that serves feeds over real sockets, well and badly.

`with Feeds() as site: site.put("/agenda.ics", b"...")`, then read `site.url("/agenda.ics")`. Paths
that are not put answer 404. `site.asked` holds (path, headers) of every request, in order. Besides
documents a path may redirect, drip a byte at a time, hold a gzip bomb, be cut off, or answer any
status.
"""

import gzip
import hashlib
import ssl
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

Answer = Callable[[BaseHTTPRequestHandler], None]


class Feeds:
    def __init__(self, certificate: Path | None = None) -> None:
        """`certificate`: a PEM file with key and certificate; the site then speaks TLS."""
        self.asked: list[tuple[str, dict[str, str]]] = []
        self._answers: dict[str, Answer] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._scheme = "https" if certificate else "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate)
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "Feeds":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._closing.set()
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def pair(self) -> str:
        """The exception this site needs in TAMBOUR_ALLOW_PRIVATE."""
        return f"127.0.0.1:{self.port}"

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"{self._scheme}://{host}:{self.port}{path}"

    def put(self, path: str, body: bytes, media_type: str = "text/plain", **headers: str) -> None:
        """A document with an ETag; asked again with it, 304."""
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'

        def answer(handler: BaseHTTPRequestHandler) -> None:
            if handler.headers.get("If-None-Match") == etag:
                _send(handler, 304, {"ETag": etag}, b"")
            else:
                _send(handler, 200, {"ETag": etag, "Content-Type": media_type} | headers, body)

        self._answers[path] = answer

    def redirect(self, path: str, to: str, status: int = 302) -> None:
        self._answers[path] = lambda h: _send(h, status, {"Location": to} if to else {}, b"moved")

    def status(self, path: str, status: int, body: bytes = b"", **headers: str) -> None:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._answers[path] = lambda h: _send(h, status, named, body)

    def gzip(self, path: str, body: bytes) -> None:
        packed = gzip.compress(body)
        self._answers[path] = lambda h: _send(h, 200, {"Content-Encoding": "gzip"}, packed)

    def bomb(self, path: str, size: int) -> None:
        """`size` bytes of zeros, gzipped about a thousand to one."""
        self.gzip(path, bytes(size))

    def cut(self, path: str, body: bytes, stated: int) -> None:
        """States `stated` bytes, sends fewer and hangs up."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", str(stated))
            handler.end_headers()
            handler.wfile.write(body)
            handler.close_connection = True

        self._answers[path] = answer

    def drip(self, path: str) -> None:
        """A byte a second, without end."""

        def answer(handler: BaseHTTPRequestHandler) -> None:
            handler.send_response(200)
            handler.send_header("Content-Length", "1000000")
            handler.end_headers()
            while not self._closing.wait(1.0):
                handler.wfile.write(b"x")
                handler.wfile.flush()

        self._answers[path] = answer

    def silent(self, path: str) -> None:
        """Takes the request and never answers."""
        self._answers[path] = lambda _: self._closing.wait() and None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        site = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                site.asked.append((self.path, dict(self.headers)))
                answer = site._answers.get(self.path.partition("?")[0])
                try:
                    if answer is None:
                        _send(self, 404, {}, b"nothing here")
                    else:
                        answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: dict[str, str], body: bytes
) -> None:
    handler.send_response(status)
    for name, value in headers.items():
        handler.send_header(name, value)
    if status != 304:
        handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    if status != 304:
        handler.wfile.write(body)
