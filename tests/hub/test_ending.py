"""The end of its time: removed wherever the outlet can, said nowhere anew."""

import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from hub import board, clock, db, publishing, settings
from hub.models import Authority, Publication, ShelfRow
from hub.sweep import Sweeper
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.mastodon import TOKEN, Instance
from tests.working import work_all

HOLDS = """
rules:
  - name: relu
    title: Relu par une personne
    hold: Une personne relit.
"""


@pytest.fixture
def network() -> Iterator[Instance]:
    with Instance() as made:
        yield made


@pytest.fixture
def here(hub_on_sqlite: Path, network: Instance) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=network.address)
    made = town()
    outlet(made, "website")
    outlet(made, "mastodon", options={"instance": network.url, "token": TOKEN})
    return made


def test_an_expired_notice_leaves_the_page_and_the_network(
    here: Authority, network: Instance
) -> None:
    soon = clock.now() + timedelta(minutes=5)
    with db.writing(here.id) as session:
        publication = publishing.create(
            session, "test", station(session, here), content(expires=soon)
        )
        publishing.publish(session, publication, "test")
    work_all()
    assert len(network.statuses) == 1
    clock.set_offset(301)
    Sweeper().wake_publications()
    work_all()
    assert len(network.statuses) == 0
    with db.reading(here.id) as session:
        kept = session.get_one(Publication, publication.id)
        rows = board.rows(session, publication.id)
        page = session.get_one(ShelfRow, "/s/VILLARD/feed.json").body
        alerts = session.get_one(ShelfRow, "/s/VILLARD/feed.cap").body
        assert session.exec(select(Publication.wake_at)).one() is None
    assert (kept.state, kept.ended_as, kept.revision_no) == ("ended", "expired", 1)
    assert [(r.outlet, r.wanted_revision, r.shown_revision, r.ok) for r in rows] == [
        ("website", None, None, True),
        ("mastodon", None, None, True),
    ]
    assert "Brûlis".encode() not in page
    assert b"Cancel" not in alerts


def test_a_scheduled_draft_goes_live_at_its_hour_and_not_before(here: Authority) -> None:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content())
        publishing.schedule(session, publication, clock.now() + timedelta(hours=2), "test")
    clock.set_offset(3600)
    Sweeper().wake_publications()
    with db.reading(here.id) as session:
        assert session.get_one(Publication, publication.id).state == "new"
    clock.set_offset(7201)
    Sweeper().wake_publications()
    with db.reading(here.id) as session:
        assert session.get_one(Publication, publication.id).state == "live"


@pytest.mark.parametrize("approved", [False, True])
def test_a_rule_that_came_after_the_scheduling_holds_what_nobody_approved(
    here: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, approved: bool
) -> None:
    with db.writing(here.id) as session:
        publication = publishing.create(session, "test", station(session, here), content())
        if approved:
            publishing.submit(session, publication, "test")
            publishing.approve(session, publication, "colleague")
        publishing.schedule(session, publication, clock.now() + timedelta(hours=2), "test")
    config = tmp_path / "config"
    shutil.copytree(settings.PROJECT / "config", config)
    (config / "rules" / f"{here.code}.yaml").write_text(HOLDS, "utf-8")
    monkeypatch.setenv("TAMBOUR_CONFIG", str(config))
    settings.get.cache_clear()
    clock.set_offset(7201)
    Sweeper().wake_publications()
    with db.reading(here.id) as session:
        kept = session.get_one(Publication, publication.id)
    if approved:
        assert kept.state == "live"
    else:
        assert (kept.state, kept.draft_state, kept.wake_at) == ("new", "submitted", None)
        assert kept.draft_note
