"""The herd: after a push half the phones open the app within minutes.

200 connections ask for a station's feed as fast as they are answered (wrk of Debian's package, on a
core of its own). Ours is the real web role with the shelf ahead of its router, in the midst of a
whole hub on one core; on that same core the peer, nginx of Debian's package with the same bytes in
a file, and the limit, granian with an application of a dozen lines, take turns with it. Then a
publication in the middle of the herd: how long until its words are in every answer.

Run: python -m tests.benchmarks.bench_herd   (`make bench` installs nginx and wrk)
"""

import json
import os
import re
import shutil
import socket
import statistics
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.benchmarks.bench_shelf import NOTICE, PATH, _BareServer
from tests.benchmarks.instance import Instance
from tests.benchmarks.measure import ROUNDS, row
from tests.fakes.brokers import free_port, is_listening, until

CONNECTIONS = 200
SECONDS = 1
OFTEN = 3  # short and often: the machine drifts by more than they differ
_IN_SECONDS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def run() -> list[dict[str, Any]]:
    """Rows of answers a second for 200 and 304, and the seconds of the news."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, {cores[0]})  # what starts from here on stays on it
    try:
        with Instance() as hub:
            return _rows(hub, cores[-1])
    finally:
        os.sched_setaffinity(0, cores)


def _rows(hub: Instance, core: int) -> list[dict[str, Any]]:
    hub.ask("POST", "/api/v1/publications", NOTICE)
    hub.wait(lambda: b"mesure" in hub.get(PATH), "the feed")
    time.sleep(20)  # a hub that started a moment ago still reads its sources
    hub.http.request("GET", PATH)
    answer = hub.http.getresponse()
    headers, body = dict(answer.getheaders()), answer.read()
    kept = {k: v for k, v in headers.items() if k not in ("date", "server", "content-length")}
    with _BareServer(kept, body) as bare, _nginx(body) as (peer, etag):
        ports = (hub.port, peer, bare)
        whole = _row("200", ports, ("", "", ""), len(body), core)
        known = (headers["etag"], etag, headers["etag"])
        return [whole, _row("304", ports, known, len(body), core), _news(hub, core)]


def _row(
    status: str, ports: tuple[int, ...], etags: tuple[str, ...], size: int, core: int
) -> dict[str, Any]:
    """Ours, the peer and the limit by turns."""
    seen: list[list[tuple[float, float]]] = [[] for _ in ports]
    for number in range(ROUNDS * OFTEN + 1):
        for place, (port, etag) in enumerate(zip(ports, etags, strict=True)):
            _expect(port, etag, status)
            taken = _herd(port, etag, core)
            if number:
                seen[place].append(taken)
    rates = [statistics.median(rate for rate, _ in each) for each in seen]
    late = [statistics.median(span for _, span in each) * 1e3 for each in seen]
    note = f"99 % within {late[0]:.0f} ms (nginx {late[1]:.0f}, bare {late[2]:.0f} ms)"
    return row(
        f"herd: {PATH}, {status}", "answers/s", ours=rates[0], peer=rates[1], limit=rates[2],
        conditions=f"median of {ROUNDS * OFTEN}; {size} bytes, {CONNECTIONS} connections; {note}; "
        "all three on one core, ours with its whole hub, the client on another",
    )  # fmt: skip


def _news(hub: Instance, core: int) -> dict[str, Any]:
    """Seconds from the answer to the POST until the feed says it, while the herd asks."""
    stop, spans = threading.Event(), []

    def herd() -> None:
        while not stop.is_set():
            _herd(hub.port, "", core)

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
    """(port, etag of the file)."""
    program, port = _program("nginx"), free_port()
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


def _program(name: str) -> str:
    found = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if found is None:
        raise RuntimeError(f"{name} is missing: `make bench` installs it, or apt install {name}")
    return found


def _expect(port: int, etag: str, status: str) -> None:
    """One question by hand: wrk counts what it gets, whatever it is."""
    lines = [f"GET {PATH} HTTP/1.1", "Host: bench", "Connection: close"]
    lines += [f"If-None-Match: {etag}"] if etag else []
    with socket.create_connection(("127.0.0.1", port)) as one:
        one.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())
        said = one.recv(100).decode()
    assert said.startswith(f"HTTP/1.1 {status}"), said


def _herd(port: int, etag: str, core: int) -> tuple[float, float]:
    """(answers a second, seconds within which 99 % came), one request in flight a connection."""
    command = ["taskset", "-c", str(core), _program("wrk"), "-t1", f"-c{CONNECTIONS}"]
    command += [f"-d{SECONDS}s", "--latency"]
    command += ["-H", f"If-None-Match: {etag}"] if etag else []
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}{PATH}"], check=True, capture_output=True, text=True
    ).stdout
    assert "Non-2xx" not in done, done
    assert "Socket errors" not in done, done
    rate, late = re.search(r"Requests/sec: +([\d.]+)", done), re.search(r"99% +([\d.]+)(\w+)", done)
    assert rate, done
    assert late, done
    return float(rate[1]), float(late[1]) * _IN_SECONDS[late[2]]


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each, ensure_ascii=False))
