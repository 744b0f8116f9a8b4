"""Encrypting and sending pushes on one core.

Limit: a bare loop over the same libraries in one file of 39 lines (bare_push.py), without guard,
outcomes or order. Peer: pywebpush, with one session kept open.

Run: python -m tests.benchmarks.bench_push
"""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pywebpush
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from channels.push import Push, PushOptions
from channels.push.encryption import encrypt, parse_receiver, unbase64
from hub.contracts import Means, Message, Target, Verdict
from hub.devices import to_base64
from hub.guard import AddressPolicy
from hub.vocabulary import Intent
from tests.benchmarks import bare_push
from tests.benchmarks.measure import ROUNDS, row
from tests.fakes.push_service import FakePhone

TEXT = b"x" * 180
MANY, FEW = 3000, 200


def run() -> list[dict[str, Any]]:
    """Rows of messages a second; `limit` is the bare loop, `peer` pywebpush. The three take turns,
    so that a busy machine slows all of them; each figure is the median of five."""
    with _sink() as base:
        phone = FakePhone(f"{base}/push/bench", ec.generate_private_key(ec.SECP256R1()), b"s" * 16)
        return [_encrypting(phone), _sending(phone, base)]


def _encrypting(phone: FakePhone) -> dict[str, Any]:
    point, auth = unbase64(phone.p256dh), phone.secret
    peer = pywebpush.WebPusher(_info(phone))

    def ours() -> None:
        for _ in range(MANY):
            encrypt(TEXT, parse_receiver(phone.p256dh, phone.auth))

    def bare() -> None:
        for _ in range(MANY):
            bare_push.encrypt(TEXT, point, auth)

    def theirs() -> None:
        for _ in range(FEW):
            peer.encode(TEXT)

    figures = _take_turns((ours, MANY), (bare, MANY), (theirs, FEW))
    return _row("push: encrypt", *figures, "180 bytes, a fresh key and salt for each")


def _sending(phone: FakePhone, base: str) -> dict[str, Any]:
    key = ec.generate_private_key(ec.SECP256R1())
    scalar = to_base64(key.private_numbers().private_value.to_bytes(32, "big"))
    vapid = Vapid02.from_raw(scalar.encode())
    public = FakePhone("", key, b"").p256dh
    pair = base.partition("//")[2]
    push = Push(PushOptions(), Means("https://annonces.example", AddressPolicy(frozenset({pair}))))
    message = Message(TEXT, Intent.PUBLISH, "bench", ttl_s=60, extra={"topic": "t" * 24})
    extra = {
        "p256dh": phone.p256dh,
        "auth": phone.auth,
        "identity": {"public_key": public, "private_key": scalar},
        "language": "fr",
    }
    urls = [f"{phone.endpoint}{n:08d}" for n in range(MANY)]
    targets = [Target(key="bench", address=url, extra=extra) for url in urls]
    header = vapid.sign({"aud": base, "sub": "mailto:a@example.org"})["Authorization"]
    lines = ["TTL: 60", "Content-Encoding: aes128gcm", f"Authorization: {header}"]
    point, auth = unbase64(phone.p256dh), phone.secret
    session = requests.Session()

    def ours() -> None:
        outcomes = push.send(message, targets)
        assert all(o.verdict is Verdict.ACCEPTED for o in outcomes)

    def bare() -> None:
        bare_push.send(urls, TEXT, point, auth, lines)

    def theirs() -> None:
        for _ in range(FEW):
            claims: dict[str, str | int] = {"sub": "mailto:a@example.org"}
            pywebpush.webpush(
                _info(phone), TEXT, vapid_private_key=vapid, vapid_claims=claims,
                ttl=60, requests_session=session,
            )  # fmt: skip

    try:
        figures = _take_turns((ours, MANY), (bare, MANY), (theirs, FEW))
    finally:
        push.close()
    how = "180 bytes to a sink on the other core, HTTP/1.1 in the clear; pywebpush with one session"
    return _row("push: encrypt and send", *figures, how)


def _take_turns(*works: tuple[Callable[[], None], int]) -> list[float]:
    """Messages a second of each, the median of the rounds after one to warm up."""
    seen: list[list[float]] = [[] for _ in works]
    for round_ in range(ROUNDS + 1):
        for n, (work, count) in enumerate(works):
            began = time.perf_counter()
            work()
            if round_:
                seen[n].append(count / (time.perf_counter() - began))
    return [statistics.median(figures) for figures in seen]


def _row(name: str, ours: float, limit: float, peer: float, conditions: str) -> dict[str, Any]:
    unit = "messages/s"
    words = f"median of {ROUNDS}, on one core; {conditions}"
    return row(name, unit, ours=ours, peer=peer, limit=limit, conditions=words)


def _info(phone: FakePhone) -> dict[str, Any]:
    return {"endpoint": phone.endpoint, "keys": {"p256dh": phone.p256dh, "auth": phone.auth}}


@contextmanager
def _sink() -> Iterator[str]:
    """A push service that only counts, on the last core; this process keeps to the first."""
    sink = subprocess.Popen(
        [sys.executable, "-m", "tests.fakes.push_service", "--sink"], stdout=subprocess.PIPE
    )
    assert sink.stdout is not None
    cores = sorted(os.sched_getaffinity(0))
    try:
        base: str = json.loads(sink.stdout.readline())["base"]
        os.sched_setaffinity(sink.pid, {cores[-1]})
        os.sched_setaffinity(0, {cores[0]})
        yield base
    finally:
        os.sched_setaffinity(0, cores)
        sink.kill()
        sink.wait()


if __name__ == "__main__":
    for each in run():
        print(json.dumps(each))
