"""The herd: after a push half the phones open the app within minutes.

200 connections ask for a station's feed as fast as they are answered. Ours is the real web role
with the shelf ahead of its router; the peer is nginx of Debian's package with the same bytes in a
file, the limit granian with an application of a dozen lines. Then a publication in the middle of
the herd: how long until its words are in every answer.

Run: python -m tests.benchmarks.bench_herd
"""

import json
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_shelf import NOTICE, PATH, _BareServer, _is_whole
from tests.benchmarks.instance import ROOT, Instance
from tests.benchmarks.measure import ROUNDS, percentile, row
from tests.fakes.brokers import free_port, is_listening, until

CONNECTIONS = 200
SECONDS = 1.0


def run() -> list[dict[str, Any]]:
    """Rows of answers a second for 200 and 304, and the seconds of the news."""
    with Instance() as hub:
        hub.ask("POST", "/api/v1/publications", NOTICE)
        hub.wait(lambda: b"mesure" in hub.get(PATH), "the feed")
        time.sleep(3)
        hub.http.request("GET", PATH)
        answer = hub.http.getresponse()
        headers, body = dict(answer.getheaders()), answer.read()
        kept = {k: v for k, v in headers.items() if k not in ("date", "server", "content-length")}
        with _BareServer(kept, body) as bare, _nginx(body) as (peer, etag):
            whole = _row("200", {hub.port: {}, bare: {}, peer: {}}, len(body))
            asked = {
                hub.port: {"If-None-Match": headers["etag"]},
                bare: {"If-None-Match": headers["etag"]},
                peer: {"If-None-Match": etag},
            }
            return [whole, _row("304", asked, len(body)), _news(hub)]


def _row(status: str, asked: dict[int, dict[str, str]], size: int) -> dict[str, Any]:
    seen: dict[int, list[tuple[float, float]]] = {port: [] for port in asked}
    for number in range(ROUNDS + 1):
        for port, headers in asked.items():
            if port:
                taken = _client(port, status, headers)
                if number:
                    seen[port].append(taken)
    ours, limit, *more = [
        (statistics.median(r for r, _ in each), statistics.median(p for _, p in each))
        for each in seen.values()
        if each
    ]
    note = f"99 % within {ours[1] * 1e3:.0f} ms (bare {limit[1] * 1e3:.0f} ms)"
    return row(
        f"herd: {PATH}, {status}",
        "answers/s",
        ours=ours[0],
        limit=limit[0],
        peer=more[0][0] if more else None,
        conditions=f"median of {ROUNDS}; {size} bytes, {CONNECTIONS} connections; {note}; client "
        "and servers share the machine" + ("" if more else "; nginx is not installed"),
    )


def _news(hub: Instance) -> dict[str, Any]:
    """Seconds from the answer to the POST until the feed says it, while the herd asks."""
    stop, spans = threading.Event(), []

    def herd() -> None:
        while not stop.is_set():
            _client(hub.port, "200", {})

    hub.http.close()  # it was idle for a minute: the web role closed its end
    crowd = threading.Thread(target=herd)
    crowd.start()
    try:
        for number in range(ROUNDS):
            word = f"nouvelle-{number}"
            hub.ask("POST", "/api/v1/publications", NOTICE | {"headline": f"Rue {word}"})
            began = time.perf_counter()
            while word.encode() not in hub.get(PATH):
                assert time.perf_counter() - began < 60
                time.sleep(0.01)
            spans.append(time.perf_counter() - began)
    finally:
        stop.set()
        crowd.join()
    note = f"worst {max(spans):.2f} s of {len(spans)}; limit: the beat of the change counter"
    return row("herd: a publication in its middle is in the feed", "s",
               ours=statistics.median(spans), limit=0.5, conditions=note)  # fmt: skip


@contextmanager
def _nginx(body: bytes) -> Iterator[tuple[int, str]]:
    """(port, etag of the file); port 0 where there is no nginx."""
    program = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")
    if program is None:
        yield 0, ""
        return
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="tambour-nginx-") as name:
        folder = Path(name)
        file = folder / "root" / PATH.lstrip("/")
        file.parent.mkdir(parents=True)
        file.write_bytes(body)
        for each in (folder, *(p for p in folder.rglob("*"))):
            each.chmod(0o755)
        (folder / "nginx.conf").write_text(
            f"worker_processes 1; pid {folder}/pid; error_log {folder}/error.log;\n"
            "events { worker_connections 1024; }\n"
            "http { access_log off; keepalive_requests 1000000;"
            f" server {{ listen 127.0.0.1:{port};"
            f" root {folder}/root; types {{ application/feed+json json; }}"
            ' add_header Cache-Control "public, max-age=30"; } }\n'
        )
        process = subprocess.Popen(
            [program, "-p", name, "-c", str(folder / "nginx.conf"), "-g", "daemon off;"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            until(lambda: is_listening(port), what="nginx to listen")
            with socket.create_connection(("127.0.0.1", port)) as one:
                one.sendall(
                    f"HEAD {PATH} HTTP/1.1\r\nHost: b\r\nConnection: close\r\n\r\n".encode()
                )
                head = one.makefile("rb").read().decode()
            found = [x.partition(": ")[2] for x in head.splitlines() if x.startswith("ETag")]
            yield port, found[0]
        finally:
            process.terminate()
            process.wait(20)


def _client(port: int, status: str, asked: dict[str, str]) -> tuple[float, float]:
    command = [sys.executable, "-m", "tests.benchmarks.bench_herd", "--client"]
    words = [str(port), status, json.dumps(asked)]
    done = subprocess.run([*command, *words], cwd=ROOT, check=True, capture_output=True)
    rate, late = json.loads(done.stdout)
    return rate, late


def client(port: int, status: str, asked: dict[str, str]) -> tuple[float, float]:
    """(answers a second, seconds within which 99 % came), one request in flight a connection."""
    lines = [f"GET {PATH} HTTP/1.1", "Host: bench", *(f"{k}: {v}" for k, v in asked.items())]
    request = ("\r\n".join(lines) + "\r\n\r\n").encode()
    wait = selectors.DefaultSelector()
    for _ in range(CONNECTIONS):
        one = socket.create_connection(("127.0.0.1", port))
        one.sendall(request)
        wait.register(one, selectors.EVENT_READ, [bytearray(), time.perf_counter()])
    begins, began = f"HTTP/1.1 {status}".encode(), time.perf_counter()
    spans: list[float] = []
    while (now := time.perf_counter()) - began < SECONDS:
        for key, _ in wait.select():
            held, one = key.data, key.fileobj
            assert isinstance(one, socket.socket)
            held[0] += one.recv(1 << 18)
            if _is_whole(held[0]):
                assert held[0].startswith(begins), bytes(held[0][:200])
                held[0].clear()
                now = time.perf_counter()
                spans.append(now - held[1])
                held[1] = now
                one.sendall(request)
    return len(spans) / (time.perf_counter() - began), percentile(spans, 99)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--client"]:
        print(json.dumps(client(int(sys.argv[2]), sys.argv[3], json.loads(sys.argv[4]))))
    else:
        for each in run():
            print(json.dumps(each, ensure_ascii=False))
