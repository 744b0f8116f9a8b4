"""A worker dies between any two steps of telling a display, or wakes up after another took over:
what the display shows in the end is what is wanted, and nobody's late word counts."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from hub import board, clock, db, publishing, receipts
from hub.contracts import Report, ReportStage
from hub.dispatch import displays, leases
from hub.models import Attempt, Authority, DisplayRow, Memo, Outlet, Publication, ShelfRow
from hub.sweep import Sweeper
from tests.factories import content, outlet, station, town
from tests.working import work_all

FEED = "/s/VILLARD/feed.json"


@pytest.fixture
def here(hub_on_both: Path) -> Authority:
    return town()


@pytest.fixture
def site(here: Authority) -> Outlet:
    return outlet(here, "website")


def say(here: Authority, headline: str = "Rue des Brûlis fermée") -> Publication:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content(headline))
        publishing.publish(session, publication, "test")
    return publication


def revise(here: Authority, publication: Publication, headline: str) -> None:
    with db.writing(here.id) as session:
        row = session.get_one(Publication, publication.id)
        publishing.revise(session, row, content(headline), "test")


def another_worker() -> None:
    """The process is gone; what the sweeper or a restart of the same worker does to its leases."""
    with db.writing(db.EVERYWHERE) as session:
        leases.release_mine(session)


def taken_over(site: Outlet) -> None:
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(DisplayRow, site.id)
        row.lease = "elsewhere/worker/1"
        session.add(row)


def row_of(site: Outlet) -> DisplayRow:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(DisplayRow, site.id)


def feed() -> str:
    with db.reading(db.EVERYWHERE) as session:
        row = session.get(ShelfRow, FEED)
        return row.body.decode() if row else ""


def shown(here: Authority, publication: Publication) -> tuple[int | None, bool]:
    with db.reading(here.id) as session:
        (row,) = board.rows(session, publication.id)
    return row.shown_revision, row.ok


def test_killed_after_the_claim_it_is_said_by_the_next(here: Authority, site: Outlet) -> None:
    said = say(here)
    assert displays.claim(site.id or 0)
    assert not displays.claim(site.id or 0)
    another_worker()
    work_all()
    assert shown(here, said) == (1, True)


def test_killed_after_open_it_is_said_again_under_a_higher_number(
    here: Authority, site: Outlet
) -> None:
    said = say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    another_worker()
    work_all()
    assert shown(here, said) == (1, True)
    assert row_of(site).say_no > telling.view.say_no


def test_killed_between_wire_and_close_it_is_said_again(here: Authority, site: Outlet) -> None:
    said = say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    displays.wire(telling)
    another_worker()
    assert shown(here, said) == (None, False)
    work_all()
    assert shown(here, said) == (1, True)
    assert "Brûlis" in feed()


def test_what_changed_between_open_and_close_leaves_it_due(here: Authority, site: Outlet) -> None:
    said = say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    revise(here, said, "Rue des Brûlis rouverte")
    displays.close(telling, displays.wire(telling))
    assert shown(here, said) == (1, False)
    row = row_of(site)
    assert row.due_at is not None
    assert row.said_no < row.wanted_no
    work_all()
    assert shown(here, said) == (2, True)
    assert "fermée" not in feed()


def test_a_worker_whose_lease_was_broken_cannot_close(here: Authority, site: Outlet) -> None:
    said = say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    words = displays.wire(telling)
    taken_over(site)
    displays.close(telling, words)
    assert row_of(site).lease == "elsewhere/worker/1"
    assert feed() == ""
    assert shown(here, said) == (None, False)


def test_a_worker_that_wakes_up_after_a_newer_word_does_not_put_the_old_one_back(
    here: Authority, site: Outlet
) -> None:
    """Its own lease even, taken again by itself: the number it said is no longer the last."""
    said = say(here)
    assert displays.claim(site.id or 0)
    old = displays.open_(site.id or 0)
    assert old is not None
    words = displays.wire(old)
    another_worker()
    revise(here, said, "Rue des Brûlis rouverte")
    work_all()
    assert displays_due(site) is False
    displays.close(old, words)
    with db.writing(db.EVERYWHERE) as session:
        displays.due_again(session, site.id or 0)
    assert displays.claim(site.id or 0)
    assert displays.open_(site.id or 0) is not None
    displays.close(old, words)  # the lease is this process's, the number is not
    assert "fermée" not in feed()
    assert "rouverte" in feed()
    another_worker()
    work_all()
    assert shown(here, said) == (2, True)


def displays_due(site: Outlet) -> bool:
    due = row_of(site).due_at
    return due is not None and due <= clock.now()


def test_a_worker_whose_lease_was_broken_cannot_open_or_put_back(
    here: Authority, site: Outlet
) -> None:
    say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    taken_over(site)
    assert displays.open_(site.id or 0) is None
    displays.put_back(telling, displays.TemporaryFailure("the broker is away"))
    row = row_of(site)
    assert (row.lease, row.tries, row.trouble) == ("elsewhere/worker/1", 0, "")


def test_the_sweeper_breaks_a_lease_only_after_its_beat_stood_still(
    here: Authority, site: Outlet, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(here)
    assert displays.claim(site.id or 0)
    moment = [1000.0]
    monkeypatch.setattr(clock, "monotonic", lambda: moment[0])
    watch = leases.Watch()

    def broken(after: int) -> int:
        """How many it breaks while it looks once a second."""
        count = 0
        for _ in range(after):
            moment[0] += 1
            with db.writing(db.EVERYWHERE) as session:
                count += watch.break_stale(session)
        return count

    assert broken(30) == 0
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(DisplayRow, site.id)
        row.beat += 1  # it lives
        session.add(row)
    assert broken(30) == 0
    assert broken(1) == 1
    assert row_of(site).lease == ""
    work_all()
    assert "Brûlis" in feed()


def test_an_attempt_is_on_record_before_the_first_word(here: Authority, site: Outlet) -> None:
    say(here)
    assert displays.claim(site.id or 0)
    telling = displays.open_(site.id or 0)
    assert telling is not None
    another_worker()
    with db.reading(here.id) as session:
        (attempt,) = session.exec(select(Attempt)).all()
    assert (attempt.outcome, attempt.finished) == ("sending", None)


def test_a_retained_plan_of_another_number_makes_the_panel_due(here: Authority) -> None:
    """The listener hears what the broker keeps: neither an older plan nor nothing may stay."""
    panel = outlet(here, "panel")
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(DisplayRow, panel.id)
        row.say_no, row.wanted_no, row.said_no, row.due_at = 500, 3, 3, None
        session.add(row)
    for number, due in ((500, False), (499, True)):
        report = Report(here.code, "panel", ReportStage.PLAN, clock.now(), say_no=number)
        receipts.apply([report])
        assert displays_due(panel) is due
    assert row_of(panel).wanted_no == 4


def test_an_acknowledged_plan_that_was_never_sent_is_named_and_not_believed(
    here: Authority,
) -> None:
    panel = outlet(here, "panel")
    body = {"stage": "stored"}
    report = Report(
        here.code, "panel", ReportStage.ACK, clock.now(), 10**15, session=1, seq=1, body=body
    )
    receipts.apply([report])
    row = row_of(panel)
    assert "never sent" in row.trouble
    assert row.shown_no == 0


def test_a_plan_of_a_restored_backup_is_not_taken_for_a_replay(here: Authority) -> None:
    """The panel reported a higher number than this database remembers: the next one is above."""
    panel = outlet(here, "panel")
    high = clock.unix_ms() + 10_000_000
    report = Report(
        here.code, "panel", ReportStage.BIRTH, clock.now(), say_no=high, session=1, seq=1
    )
    receipts.apply([report])
    assert displays_due(panel)
    assert displays.claim(panel.id or 0)
    telling = displays.open_(panel.id or 0)
    assert telling is not None
    assert telling.view.say_no == high + 1


def test_no_panel_is_told_while_another_hub_speaks_on_the_broker(
    here: Authority, site: Outlet
) -> None:
    with db.writing(db.EVERYWHERE) as session:
        session.add(Memo(name="second_hub", number=1))
    panel = outlet(here, "panel")
    with db.writing(db.EVERYWHERE) as session:
        displays.due_again(session, panel.id or 0)
    assert not displays.claim(panel.id or 0)


def test_what_no_nudge_told_the_sweep_finds(here: Authority, site: Outlet) -> None:
    say(here)
    with db.reading(db.EVERYWHERE) as session:
        found = Sweeper().due(session)
    assert ("display", site.id) in [(what, row_id) for what, row_id, _ in found]
    assert row_of(site).due_at <= clock.now() + timedelta(seconds=1)  # type: ignore[operator]
