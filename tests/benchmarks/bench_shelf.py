"""A station's JSON Feed over HTTP: the shelf ahead of the web role against granian alone.

The web role is the real one (`tambour web`), the limit a granian with an application of a dozen
lines that sends the same bytes, both with one worker. There is no peer that answers from
memory ahead of a Python application. The client is a process of its own that
keeps 32 connections busy.

Run: python -m tests.benchmarks.bench_shelf
"""

import json
import os
import selectors
import socket
import statistics
import subprocess
import sys
import time
from typing import Any

from tests.benchmarks.instance import ROOT, Instance
from tests.benchmarks.measure import ROUNDS, row
from tests.fakes.brokers import free_port, is_listening, until

PATH = "/s/VILLARD/feed.json"
CONNECTIONS = 32
SECONDS = 1.0


def run() -> list[dict[str, Any]]:
    """Rows in answers a second."""
    with Instance() as hub:
        hub.ask("POST", "/api/v1/publications", NOTICE)
        hub.wait(lambda: b"mesure" in hub.get(PATH), "the feed")
        time.sleep(3)  # the panels have shown it, too: nothing else is going on
        hub.http.request("GET", PATH)
        answer = hub.http.getresponse()
        headers, body = dict(answer.getheaders()), answer.read()
        for name in ("date", "server", "content-length"):
            headers.pop(name, None)
        with _BareServer(headers, body) as bare:
            return [
                _row("200", hub.port, bare, {}, len(body)),
                _row("304", hub.port, bare, {"If-None-Match": headers["etag"]}, len(body)),
            ]


NOTICE = {
    "headline": "Rue de la Gare fermée, mesure",
    "category": "roadworks",
    "area_desc": "Rue de la Gare",
    "state": "live",
}


def _row(status: str, hub: int, bare: int, asked: dict[str, str], size: int) -> dict[str, Any]:
    ours, limit = [], []
    for number in range(ROUNDS + 1):
        taken = [_answers_a_second(port, asked, status) for port in (hub, bare)]
        if number:
            ours.append(taken[0])
            limit.append(taken[1])
    return row(
        f"shelf: {PATH}, {status}",
        "answers/s",
        ours=statistics.median(ours),
        limit=statistics.median(limit),
        conditions=f"median of {ROUNDS}; {size} bytes, {CONNECTIONS} connections kept open; client "
        "and server share the machine with an idle hub",
    )


def _answers_a_second(port: int, asked: dict[str, str], status: str) -> float:
    command = [sys.executable, "-m", "tests.benchmarks.bench_shelf", "--client"]
    words = [str(port), status, json.dumps(asked)]
    done = subprocess.run([*command, *words], cwd=ROOT, check=True, capture_output=True)
    return float(done.stdout)


class _BareServer:
    """granian and nothing else, on a port of its own."""

    def __init__(self, headers: dict[str, str], body: bytes) -> None:
        self._port = free_port()
        given = {"BENCH_HEADERS": json.dumps(headers), "BENCH_BODY": body.decode()}
        command = [sys.executable, "-m", "granian", "--interface", "asgi", "--loop", "uvloop"]
        where = ["--port", str(self._port), "--no-ws", "tests.benchmarks.bench_shelf:bare"]
        self._process = subprocess.Popen(
            [*command, *where],
            cwd=ROOT,
            env={**os.environ, **given},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> int:
        until(lambda: is_listening(self._port), what="granian to listen")
        return self._port

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait(20)


_headers = [
    (name.lower().encode(), value.encode())
    for name, value in json.loads(os.environ.get("BENCH_HEADERS", "{}")).items()
]
_body = os.environ.get("BENCH_BODY", "").encode()


async def bare(scope: Any, _receive: Any, send: Any) -> None:
    """The application of the limit: the same headers and bytes, 304 to any condition."""
    if scope["type"] != "http":
        return
    if any(name == b"if-none-match" for name, _ in scope["headers"]):
        start = {"type": "http.response.start", "status": 304, "headers": _headers}
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return
    length = [(b"content-length", b"%d" % len(_body))]
    await send({"type": "http.response.start", "status": 200, "headers": _headers + length})
    await send({"type": "http.response.body", "body": _body})


def client(port: int, status: str, asked: dict[str, str]) -> float:
    """Answers a second over some seconds: one request in flight on each connection. Every answer
    has the length of the first; only its first line is read."""
    lines = [f"GET {PATH} HTTP/1.1", "Host: bench", *(f"{k}: {v}" for k, v in asked.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    wait = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(request)
        wait.register(one, selectors.EVENT_READ, bytearray())
    begins, done, began = f"HTTP/1.1 {status}".encode(), 0, time.perf_counter()
    while time.perf_counter() - began < SECONDS:
        for key, _ in wait.select():
            got, one = key.data, key.fileobj
            assert isinstance(one, socket.socket)
            got += one.recv(1 << 18)
            if _is_whole(got):
                assert got.startswith(begins), bytes(got[:200])
                got.clear()
                done += 1
                one.sendall(request)
    return done / (time.perf_counter() - began)


def _is_whole(got: bytearray) -> bool:
    head = got.find(b"\r\n\r\n")
    if head < 0:
        return False
    at = got.lower().find(b"content-length: ", 0, head)
    if at < 0:
        return True  # a 304 has no body
    return len(got) >= head + 4 + int(got[at + 16 : got.find(b"\r", at)])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        print(client(int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4])))
    else:
        for each in run():
            print(json.dumps(each, ensure_ascii=False))
