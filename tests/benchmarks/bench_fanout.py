"""A fan-out to many phones: from the audience to the last checkpoint.

Ours is a worker of the product with its database, ledger, checkpoints and counters; the limit is a
bare loop of 40 lines over the same libraries (bare_fanout.py), HTTP/2 over TLS, with a fresh
key and salt for each message; the peers are pywebpush and Node's web-push as they are documented.
The push host is a process of its own on the other core; it counts endpoints, and one message in a
hundred is decrypted with another library. `SIZE=1000000` measures a million.

Run: SIZE=20000 python -m tests.benchmarks.bench_fanout
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pywebpush
import requests
from cryptography.hazmat.primitives.asymmetric import ec
from py_vapid import Vapid02

from channels.push.encryption import unbase64
from hub.devices import to_base64
from hub.models import Authority
from tests import crowds
from tests.benchmarks import bare_fanout, crowd
from tests.benchmarks.measure import ROUNDS, row, seconds
from tests.benchmarks.push_host import NODE, NPM, PushHost
from tests.fakes.push_service import FakePhone

ROUND, FEW, TEXT = 5_000, 150, 400
OFTEN = 3  # ours, bare and its parts in each round of the peers: they differ by a tenth
LINES = ["TTL: 60", "Content-Encoding: aes128gcm", "Authorization: vapid t=" + "x" * 250]


def run() -> list[dict[str, Any]]:
    """Rows of messages a second on one core, then of the whole on all cores."""
    cores = sorted(os.sched_getaffinity(0))
    with PushHost(cores[-1]) as host:
        os.sched_setaffinity(0, {cores[0]})
        try:
            rows = _one_core(host)
        finally:
            os.sched_setaffinity(0, cores)
    with PushHost() as host, crowd.hub(host) as here:
        rows += _whole(host, here, cores)
    return rows


def _one_core(host: PushHost) -> list[dict[str, Any]]:
    phone = crowds.one_for_all(host.base)
    with crowd.hub(host) as here, tempfile.TemporaryDirectory() as folder:
        crowd.gather(here, host, ROUND)
        node = _node(Path(folder), host, phone)
        body = bare_fanout.encrypt(b"x" * TEXT, unbase64(phone.p256dh), phone.secret)
        said: list[int] = []
        works: list[tuple[Callable[[], Any], int]] = [
            (lambda: crowd.work_until_over(said.pop()), ROUND),
            (lambda: _bare(host, phone, ROUND), ROUND),
            (lambda: [_encrypt(phone) for _ in range(ROUND)], ROUND),
            (lambda: _bare(host, phone, ROUND, body), ROUND),
        ]
        python = [_python(host, phone), _python(host, phone, requests.Session())]
        seen: list[list[float]] = [[] for _ in works]
        cpu: list[list[float]] = [[] for _ in works]
        theirs: list[list[float]] = [[], [], []]
        for number in range(ROUNDS + 1):
            for _ in range(OFTEN if number else 1):
                said.append(crowd.say(here))
                for n, (work, count) in enumerate(works):
                    began, before = time.perf_counter(), time.process_time()
                    work()
                    if number:
                        seen[n].append(count / (time.perf_counter() - began))
                        cpu[n].append((time.process_time() - before) / count * 1e6)
            if number:
                for n, work in enumerate(python):
                    theirs[n].append(FEW / seconds(work))
                if node:
                    theirs[2].append(node())
        decrypted = host.read(phone)
    ours, bare, encrypting, posting = [statistics.median(each) for each in seen]
    spent = [round(statistics.median(each)) for each in cpu]
    parts = 1 / (1 / encrypting + 1 / posting)
    note = (
        f"median of {len(seen[0])} times {ROUND:,} by turns, one core, the push host on another; "
        f"processor time a message: ours {spent[0]} us, bare {spent[1]} us; {decrypted} read back"
    )
    rows = [
        row("fan-out: with database and ledger, against pywebpush", "messages/s",
            ours=ours, peer=statistics.median(theirs[0]), limit=bare, conditions=note),
        row("fan-out: the same, against pywebpush with one session kept open", "messages/s",
            ours=ours, peer=statistics.median(theirs[1]), limit=bare,
            conditions=f"median of {ROUNDS}; not as its documentation shows it"),
        row("fan-out: the bare loop against its parts", "messages/s", ours=bare, limit=parts,
            conditions=f"1/(encrypting + posting): {encrypting:,.0f} and {posting:,.0f} a second; "
            f"processor time {spent[1]} us of {spent[2] + spent[3]} us"),
    ]  # fmt: skip
    if node:
        note = f"median of {ROUNDS}; web-push 64 in flight, HTTP/1.1 over TLS kept open"
        rows.append(
            row("fan-out: with database and ledger, against Node's web-push", "messages/s",
                ours=ours, peer=statistics.median(theirs[2]), limit=bare, conditions=note)
        )  # fmt: skip
    return rows


def _whole(host: PushHost, here: Authority, cores: list[int]) -> list[dict[str, Any]]:
    whole = crowd.size(20_000)
    part = 100_000 if whole > 100_000 else whole // 5
    few = min(whole, 40_000)
    village = crowd.another(host, "petit-bourg")
    crowd.gather(village, host, part)
    crowd.gather(here, host, whole)
    bare, small = [], []
    for big in (False, True, False):  # small and bare before and after, for the machine drifts
        bare.append(_bare_on(host, cores, few))
        if big:
            large = _told(host, here, whole, cores)
        else:
            small.append(_told(host, village, part, cores))
    after = large["after"]
    count = len(cores)
    note = (
        f"{count} workers on {count} cores that the push host shares ({large['host']:.0f} us of "
        f"processor a message); 50, 90, 99 % after {after[0]:.1f}, {after[1]:.1f}, "
        f"{after[2]:.1f} s; "
        f"peak memory of a worker {large['peak']:.0f} MB; {large['distinct']:,} endpoints reached; "
        "limit: a bare loop a core, before, between and after"
    )
    rate = row(
        f"fan-out: {whole:,} phones", "phones/s",
        ours=whole / large["wall"], limit=statistics.median(bare), conditions=note,
    )  # fmt: skip
    cost = row(
        f"fan-out: processor time a phone, {whole:,} against {part:,}", "us",
        ours=large["cpu"] * 1e6, limit=statistics.mean(s["cpu"] for s in small) * 1e6,
        conditions="all workers together, audience and checkpoints included; peak memory "
        f"{large['peak']:.0f} MB against {small[0]['peak']:.0f} MB",
    )  # fmt: skip
    return [rate, cost]


def _told(host: PushHost, here: Authority, count: int, cores: list[int]) -> dict[str, Any]:
    host.seen(forget=True)
    before = host.seen()["cpu"]
    number = crowd.say(here)
    spent = crowd.workers(number, len(cores), cores)
    ended, seen = crowd.delivery(number), host.seen()
    assert (ended.state, ended.accepted, seen["distinct"]) == ("done", count, count), ended
    moments: list[Any] = [ended.half_at, ended.ninety_at, ended.ninetynine_at]
    began: Any = ended.opened_at
    return {
        "wall": max(each["wall"] for each in spent),
        "cpu": sum(each["cpu"] for each in spent) / count,
        "peak": max(each["peak"] for each in spent),
        "after": [(at - began).total_seconds() for at in moments],
        "distinct": seen["distinct"],
        "host": (seen["cpu"] - before) / seen["count"] * 1e6,
    }


def _encrypt(phone: FakePhone) -> bytes:
    return bare_fanout.encrypt(b"x" * TEXT, unbase64(phone.p256dh), phone.secret)


def _bare(host: PushHost, phone: FakePhone, count: int, body: bytes = b"") -> None:
    point, auth, text = unbase64(phone.p256dh), phone.secret, b"x" * TEXT
    urls = [f"{host.base}{crowds.PATH}{n}" for n in range(1, count + 1)]
    make = (lambda: body) if body else (lambda: bare_fanout.encrypt(text, point, auth))
    bare_fanout.send(urls, make, LINES, str(host.ca))  # type: ignore[no-untyped-call]


def _bare_on(host: PushHost, cores: list[int], count: int) -> float:
    """Messages a second of one bare loop a core."""
    each = count // len(cores)
    given = json.dumps({"base": host.base, "ca": str(host.ca), "count": each})
    command = [sys.executable, "-m", "tests.benchmarks.bench_fanout", "--bare", given]
    running = [
        subprocess.Popen(command, cwd=crowd.ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in cores
    ]
    for core, process in zip(cores, running, strict=True):
        os.sched_setaffinity(process.pid, {core})
        assert process.stdout is not None
        process.stdout.readline()
    said = []
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    for process in running:
        said.append(json.loads(process.communicate()[0]))
    return each * len(cores) / max(one["wall"] for one in said)


def _python(
    host: PushHost, phone: FakePhone, session: requests.Session | None = None
) -> Callable[[], None]:
    """Without a session as its documentation shows: a connection for each."""
    key = ec.generate_private_key(ec.SECP256R1())
    scalar = to_base64(key.private_numbers().private_value.to_bytes(32, "big"))
    vapid = Vapid02.from_raw(scalar.encode())
    info = {"endpoint": phone.endpoint, "keys": {"p256dh": phone.p256dh, "auth": phone.auth}}

    def work() -> None:
        os.environ["REQUESTS_CA_BUNDLE"] = str(host.ca)
        for _ in range(FEW):
            claims: dict[str, str | int] = {"sub": "mailto:a@example.org"}
            pywebpush.webpush(
                info, "x" * TEXT, vapid_private_key=vapid, vapid_claims=claims, ttl=60,
                requests_session=session,
            )  # fmt: skip

    return work


def _node(folder: Path, host: PushHost, phone: FakePhone) -> Callable[[], float] | None:
    """The peer, where npm can fetch it."""
    npm = [str(NODE), str(NPM), "install", "--no-save", "--no-audit", "--no-fund"]
    what = ["--prefix", str(folder), "web-push@3.6.7"]
    try:
        subprocess.run([*npm, *what], check=True, capture_output=True, timeout=120)
    except (OSError, subprocess.SubprocessError):
        return None
    key = ec.generate_private_key(ec.SECP256R1())
    given = {
        "endpoint": f"{host.base}{crowds.PATH}",
        "p256dh": phone.p256dh,
        "auth": phone.auth,
        "publicKey": FakePhone("", key, b"").p256dh,
        "privateKey": to_base64(key.private_numbers().private_value.to_bytes(32, "big")),
        "count": FEW * 4,
        "text": TEXT,
    }
    script = Path(__file__).with_name("peer_webpush.mjs")
    command = [
        str(NODE),
        str(script),
        str(folder / "node_modules"),
        str(host.ca),
        json.dumps(given),
    ]

    def work() -> float:
        return float(subprocess.run(command, check=True, capture_output=True).stdout)

    return work


if __name__ == "__main__":
    if sys.argv[1:2] == ["--bare"]:
        asked = json.loads(sys.argv[2])
        bare_host: Any = type("Host", (), {"base": asked["base"], "ca": asked["ca"]})
        someone = crowds.one_for_all(asked["base"])
        print(json.dumps(crowd.together(lambda: _bare(bare_host, someone, asked["count"]))))
    else:
        for each in run():
            print(json.dumps(each, ensure_ascii=False))
