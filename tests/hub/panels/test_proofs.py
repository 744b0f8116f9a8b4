"""Batches of proof: each counted once, in any order, on its own days; gaps are seen."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from channels.panels import jws
from hub import clock, db, proving, receipts
from hub.contracts import ReportStage
from hub.models import Authority, Outlet, Play, Publication
from tests.hub.panels.conftest import Hand, Spoken, publish, tell

QUARTER = timedelta(minutes=15)


@pytest.fixture
def told(here: Authority, hand: Hand, panel: Spoken) -> Publication:
    made = publish(here)
    tell([panel.panel.id])
    return made


def batch(
    panel: Spoken, told: Publication, number: int, hand: Hand, dark: float = 0, **more: Any
) -> dict[str, Any]:
    """The proof of the quarter `number`, counted from an hour that does not move."""
    start = hand.now.replace(month=2, day=20, hour=8, minute=30) + number * QUARTER
    page = panel.row().evidence["pages"][told.id][0]
    entry = {
        "item": "it-1",
        "pub": told.id,
        "rev": 1,
        "hash": page,
        "from": clock.rfc3339(start),
        "to": clock.rfc3339(start + QUARTER),
        "plays": 30,
        "seconds": 180.0 - dark,
        "dark_s": dark,
    }
    return {
        "v": 1,
        "ts": clock.rfc3339(start + QUARTER),
        "batch": number,
        "from": entry["from"],
        "to": entry["to"],
        "entries": [{**entry, **more}],
    }


def plays() -> list[Play]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(Play).order_by(Play.day)).all())  # type: ignore[arg-type]


def test_a_week_offline_arrives_later_and_lands_on_its_days(
    hand: Hand, panel: Spoken, told: Publication
) -> None:
    reports = [
        panel.report(ReportStage.PROOF, **batch(panel, told, n, hand)) for n in range(1, 673)
    ]
    hand.on(days=8)
    reports = [
        type(r)(**{**{f: getattr(r, f) for f in r.__slots__}, "received": hand.now})
        for r in reports
    ]
    for start in range(0, len(reports), 200):
        receipts.apply(reports[start : start + 200])
        receipts.apply(reports[start : start + 200])  # QoS 1 may repeat
    rows = plays()
    assert [row.day for row in rows] == [f"2026-02-{d}" for d in range(20, 28)]
    assert sum(row.plays for row in rows) == 672 * 30
    assert sum(row.seconds for row in rows) == 672 * 180
    assert all(row.known for row in rows)
    proved = panel.state().proved
    assert [run[:2] for run in proved] == [[1, 672]]
    assert proving.gaps(proved) == []
    assert "proof_gap" not in panel.incidents()


def test_a_batch_that_never_came_is_a_gap_until_it_comes(
    hand: Hand, panel: Spoken, told: Publication
) -> None:
    for number in (1, 2, 5):
        panel.say(ReportStage.PROOF, **batch(panel, told, number, hand))
    (gap,) = proving.gaps(panel.state().proved)
    assert (gap.first, gap.last) == (3, 4)
    assert gap.end - gap.start == 2 * QUARTER
    assert panel.incidents()["proof_gap"] == {"batches": 2}
    panel.say(ReportStage.PROOF, **batch(panel, told, 4, hand))
    panel.say(ReportStage.PROOF, **batch(panel, told, 3, hand))
    assert proving.gaps(panel.state().proved) == []
    assert panel.incidents() == {}


def test_a_dark_face_proves_nothing(hand: Hand, panel: Spoken, told: Publication) -> None:
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand, dark=180))
    (row,) = plays()
    assert (row.seconds, row.dark_s) == (0, 180)


def test_a_page_that_nobody_told_is_kept_as_unknown_and_is_an_incident(
    hand: Hand, panel: Spoken, told: Publication
) -> None:
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand, hash="B" * 43))
    (row,) = plays()
    assert not row.known
    assert panel.incidents()["proof_unknown"] == {"hash": "B" * 43}


def test_an_entry_cannot_last_longer_than_its_time(
    hand: Hand, panel: Spoken, told: Publication
) -> None:
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand, seconds=1e9))
    (row,) = plays()
    assert row.seconds <= 15 * 60 + 120


def test_a_device_with_a_key_seals_its_proofs(hand: Hand, panel: Spoken, told: Publication) -> None:
    private = bytes(range(7, 39))
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(Outlet, panel.panel.id)
        row.options = {"device_key": jws.b64(jws.public_of(private))}
        session.add(row)
    raw = b'{"batch":1}'
    seal = jws.sign(raw, private, "device-1")
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand), raw=raw, seal=seal)
    assert plays()[0].sealed
    panel.say(ReportStage.PROOF, **batch(panel, told, 2, hand), raw=raw + b" ", seal=seal)
    assert not plays()[0].sealed  # one batch that is not is enough


def test_a_device_that_lost_its_memory_counts_anew(
    hand: Hand, panel: Spoken, told: Publication
) -> None:
    for number in (1, 2, 3):
        panel.say(ReportStage.PROOF, **batch(panel, told, number, hand))
    panel.session += 10
    panel.say(ReportStage.BIRTH, plan_rev=0, proof_batch=1, session=panel.session)
    hand.on(days=1)
    panel.say(ReportStage.PROOF, **batch(panel, told, 1, hand))
    assert [run[:2] for run in panel.state().proved] == [[1, 1]]
    assert sum(row.plays for row in plays()) == 4 * 30


@given(st.permutations(range(1, 30)), st.sets(st.integers(1, 29), max_size=6))
def test_batches_in_any_order_make_the_same_runs(order: list[int], lost: set[int]) -> None:
    proved: list[Any] = []
    for number in order:
        if number in lost or proving.has(proved, number):
            continue
        at = f"2026-03-02T08:{number:02d}:00Z"
        proved = proving.with_batch(proved, number, at, at)
    missing = {n for gap in proving.gaps(proved) for n in range(gap.first, gap.last + 1)}
    heard = set(order) - lost
    assert missing == {n for n in range(min(heard), max(heard)) if n in lost}
    assert all(proving.has(proved, n) for n in heard)
