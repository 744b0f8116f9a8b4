"""500 sources every 5 minutes, and what a poll costs when nothing has changed.

Ours: `polling.poll`, with its claim, its conditional request, its bookkeeping. Limit: the same
conditional request alone, through libcurl. An unchanged poll is one request that is answered 304
and no parse; a changed one starts a process of its own to parse in.

Run: python -m tests.benchmarks.bench_sources
"""

import os
import tempfile
import time
from pathlib import Path
from typing import Any

import pycurl
from sqlmodel import select

from hub import clock, db, migrate, polling
from hub.models import Source, Station
from tests.benchmarks.measure import row
from tests.conftest import start_instance, stop_instance
from tests.factories import town
from tests.fakes.feeds import Feeds

SOURCES = 500
CHANGED = 20


def run() -> list[dict[str, Any]]:
    """Milliseconds of processor a poll, and seconds for a round of 500."""
    with tempfile.TemporaryDirectory() as folder, Feeds() as site:
        start_instance(Path(folder), TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=site.pair)
        try:
            migrate.upgrade()
            return _measured(site)
        finally:
            stop_instance()
            for name in ("TAMBOUR_TESTING", "TAMBOUR_ALLOW_PRIVATE", "TAMBOUR_DATA"):
                os.environ.pop(name, None)


def _measured(site: Feeds) -> list[dict[str, Any]]:
    ids = _sources(site)
    for one in ids:  # the first reading parses
        if one in ids[:CHANGED]:
            polling.poll(one, force=True)
    polled = ids[:CHANGED]
    asked = len(site.asked)
    cpu, wall = _spent(lambda: [polling.poll(one, force=True) for one in polled * 10])
    requests = (len(site.asked) - asked) / (CHANGED * 10)
    bare, bare_wall = _spent(lambda: [_bare(site) for _ in range(CHANGED * 10)])
    for n, _ in enumerate(polled):
        site.put(f"/{n}.ics", _agenda(n, "deux"), "text/calendar")
    began = time.perf_counter()
    for one in polled:
        assert polling.poll(one, force=True).outcome == "read"
    changed = (time.perf_counter() - began) / CHANGED
    return [
        row("an unchanged poll", "ms of processor", ours=cpu / (CHANGED * 10) * 1000,
            limit=bare / (CHANGED * 10) * 1000,
            conditions=f"{requests:g} request a poll, no parse, SQLite"),
        row("500 unchanged sources, one after the other", "s", ours=wall / (CHANGED * 10) * SOURCES,
            limit=bare_wall / (CHANGED * 10) * SOURCES, conditions="300 s are allowed"),
        row("500 sources that all changed, one after the other", "s", ours=changed * SOURCES,
            limit=bare_wall / (CHANGED * 10) * SOURCES,
            conditions="one worker; each parsed in a process of its own; 300 s are allowed"),
    ]  # fmt: skip


def _sources(site: Feeds) -> list[int]:
    authority = town()
    for n in range(SOURCES):
        site.put(f"/{n}.ics", _agenda(n, "un"), "text/calendar")
    with db.writing(authority.id or 0) as session:
        station = session.exec(select(Station)).first()
        assert station
        rows = [
            Source(authority_id=authority.id or 0, name=f"Agenda {n}", kind="ical",
                   url=site.url(f"/{n}.ics"), station_id=station.id or 0, intake="draft",
                   interval_s=300, next_at=clock.now())
            for n in range(SOURCES)
        ]  # fmt: skip
        session.add_all(rows)
        session.flush()
        return [one.id or 0 for one in rows]


def _agenda(n: int, word: str) -> bytes:
    day = clock.now().strftime("%Y%m%d")
    return (
        f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:{n}@x\r\nDTSTART:{day}T235900Z\r\n"
        f"SUMMARY:Soirée {n} {word}\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    ).encode()


def _bare(site: Feeds) -> None:
    curl = pycurl.Curl()
    curl.setopt(pycurl.URL, site.url("/0.ics"))
    curl.setopt(pycurl.HTTPHEADER, ['If-None-Match: "nothing"'])
    curl.setopt(pycurl.WRITEFUNCTION, lambda chunk: len(chunk))
    curl.perform()
    curl.close()


def _spent(work: Any) -> tuple[float, float]:
    """(processor seconds of this thread, seconds): the fake site's threads are not counted."""
    spent, began = time.thread_time(), time.perf_counter()
    work()
    return time.thread_time() - spent, time.perf_counter() - began


if __name__ == "__main__":
    for figure in run():
        print(figure)
