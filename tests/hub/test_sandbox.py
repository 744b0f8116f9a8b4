"""Parsing in a process of its own: what it brings, and what it bounds."""

import multiprocessing
import os
import signal
import subprocess
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from hub import nursery, registry
from hub.contracts import SourceUnreadable
from hub.sandbox import Bounds, parse_bounded
from hub.source_words import say

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIXTURES = Path(__file__).parent.parent / "connectors" / "fixtures"
# A rule no check catches, because only its expansion shows that it never comes true.
NEVER = b"""BEGIN:VCALENDAR
BEGIN:VEVENT
UID:never@x
DTSTART:19000101T000000Z
RRULE:FREQ=DAILY;BYDAY=MO;BYSETPOS=9
END:VEVENT
END:VCALENDAR
"""


@pytest.mark.parametrize(
    ("kind", "name"),
    [("ical", "three_events.ics"), ("rss", "three_items.xml"), ("cap", "three_alerts.atom")],
)
def test_it_brings_what_the_connector_says_here(kind: str, name: str) -> None:
    raw = (FIXTURES / kind / name).read_bytes()
    loaded = registry.connector(kind)
    assert parse_bounded(kind, {}, raw, NOW) == loaded(loaded.Options()).parse(raw, NOW)


def test_options_and_refusals_pass_through() -> None:
    raw = (FIXTURES / "ical" / "floating_hours.ics").read_bytes()
    parsed = parse_bounded("ical", {"timezone": "America/Cayenne"}, raw, NOW)
    assert parsed.items[0].onset == datetime(2026, 3, 12, 22, tzinfo=UTC)
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded("ical", {}, b"garbage", NOW)
    assert "agenda" in caught.value.reason


@pytest.mark.parametrize("kind", ["rss", "cap"])
def test_an_xml_bomb_is_refused(kind: str) -> None:
    raw = (FIXTURES / kind / "entity_bomb.xml").read_bytes()
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded(kind, {}, raw, NOW)
    assert "entités" in caught.value.reason


def test_a_rule_that_runs_for_ever_ends_with_a_sentence() -> None:
    many = NEVER.replace(b"END:VCALENDAR\n", b"")
    for number in range(200):
        many += (
            NEVER.split(b"\n", 1)[1]
            .replace(b"never@", b"n%d@" % number)
            .replace(b"END:VCALENDAR\n", b"")
        )
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded("ical", {}, many + b"END:VCALENDAR\n", NOW, bounds=Bounds(cpu_s=2))
    assert caught.value.reason == say("parse-too-long", seconds=2)


def test_wall_time_is_bounded_as_well() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded("ical", {}, NEVER, NOW, language="en", bounds=Bounds(wall_s=0.05))
    assert caught.value.reason == say("parse-too-long", "en", seconds=0)


def test_memory_is_bounded() -> None:
    raw = b"BEGIN:VCALENDAR\n" + b"X-A:" + b"a" * 140_000_000 + b"\nEND:VCALENDAR\n"
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded("ical", {}, raw, NOW, bounds=Bounds(memory=150_000_000))
    assert caught.value.reason in (say("parse-too-heavy"), say("parse-failed"))


def test_an_answer_that_would_be_too_long_is_refused() -> None:
    raw = (FIXTURES / "ical" / "three_events.ics").read_bytes()
    with pytest.raises(SourceUnreadable) as caught:
        parse_bounded("ical", {}, raw, NOW, bounds=Bounds(output=100))
    assert caught.value.reason == say("parse-too-heavy")


def test_the_secrets_of_the_hub_are_not_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[dict[str, str]] = []
    real = subprocess.Popen

    def noting(*args: object, **kwargs: object) -> object:
        started.append(kwargs["env"])  # type: ignore[arg-type]
        return real(*args, **kwargs)  # type: ignore[call-overload]

    nursery.close()  # the next parse starts one
    monkeypatch.setenv("TAMBOUR_SECRET_KEY", "drum")
    monkeypatch.setattr(subprocess, "Popen", noting)
    parse_bounded("ical", {}, (FIXTURES / "ical" / "no_end.ics").read_bytes(), NOW)
    assert "TAMBOUR_SECRET_KEY" in os.environ
    assert not [name for name in started[0] if name.startswith("TAMBOUR")]


def _in_a_worker(answer: Connection) -> None:
    raw = (FIXTURES / "ical" / "three_events.ics").read_bytes()
    answer.send(len(parse_bounded("ical", {}, raw, NOW).items))


def test_it_works_in_a_child_that_may_have_no_children() -> None:
    """A Celery prefork child is daemonic: multiprocessing refuses it children of its own."""
    here, there = multiprocessing.Pipe()
    worker = multiprocessing.get_context("fork").Process(
        target=_in_a_worker, args=(there,), daemon=True
    )
    worker.start()
    try:
        assert here.poll(60)
        assert here.recv() == 3
    finally:
        worker.join(30)


def events(headline: str) -> bytes:
    return (
        f"BEGIN:VCALENDAR\nBEGIN:VEVENT\nUID:a\nDTSTART:20260302T100000Z\nSUMMARY:{headline}\n"
        "END:VEVENT\nEND:VCALENDAR\n"
    ).encode()


def test_one_parse_leaves_nothing_to_the_next() -> None:
    for n in range(5):
        parsed = parse_bounded("ical", {}, events(f"Bal {n}"), NOW)
        assert parsed.items[0].texts["fr"].headline == f"Bal {n}"


def test_after_a_parse_that_was_killed_the_next_works() -> None:
    for wall in (0.0, 0.01):
        with pytest.raises(SourceUnreadable):
            parse_bounded("ical", {}, NEVER, NOW, bounds=Bounds(wall_s=wall))
        assert parse_bounded("ical", {}, events("Bal"), NOW).items


def test_a_nursery_that_was_killed_is_started_again() -> None:
    parse_bounded("ical", {}, events("Bal"), NOW)
    mine = nursery._mine
    assert mine is not None
    os.killpg(mine._process.pid, signal.SIGKILL)
    mine._process.wait()
    assert parse_bounded("ical", {}, events("Bal"), NOW).items


def test_threads_take_turns() -> None:
    with ThreadPoolExecutor(4) as pool:
        wanted = [f"Bal {n}" for n in range(8)]
        made = pool.map(lambda w: parse_bounded("ical", {}, events(w), NOW), wanted)
        assert [p.items[0].texts["fr"].headline for p in made] == wanted
