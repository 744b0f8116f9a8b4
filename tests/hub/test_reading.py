"""A reading carried out: what is drafted, published, updated and ended."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from hub import db, publishing
from hub.contracts import EntryError
from hub.models import Publication, Revision, Source
from hub.reading import confirm
from hub.source_words import say
from hub.vocabulary import EndedAs, ItemState, PublicationState, Severity, Status
from tests.factories import outlet, town
from tests.fakes.items import item, reading
from tests.hub.town_feed import Feed

DAY = timedelta(days=1)


@pytest.fixture
def feed(hub_on_sqlite: Path) -> Feed:
    authority = town()
    outlet(authority, "null")
    return Feed(authority)


@pytest.fixture
def reviewed(hub_on_sqlite: Path) -> Feed:
    authority = town()
    outlet(authority, "null")
    return Feed(authority, "draft")


def test_an_item_is_published_under_the_sources_name(hub_on_both: Path) -> None:
    authority = town()
    outlet(authority, "null")
    feed = Feed(authority)
    tally = feed.reads(feed.item())
    assert (tally.items, tally.new, tally.published) == (1, 1, 1)
    publication = feed.publication()
    assert (publication.state, publication.revision_no) == (PublicationState.LIVE, 1)
    assert publication.created_by == f"source:{feed.source.id}"
    assert feed.row().state == ItemState.PUBLISHED
    assert feed.headline() == "Vent fort"


def test_a_reviewed_source_makes_drafts_and_says_why(reviewed: Feed) -> None:
    assert reviewed.reads(reviewed.item()).drafted == 1
    assert reviewed.publication().state == PublicationState.NEW
    assert reviewed.row().reason


def test_a_grave_alert_waits_by_rule_even_where_others_are_published(feed: Feed) -> None:
    feed.reads(feed.item(severity=Severity.EXTREME))
    assert (feed.row().state, feed.row().rule) == (ItemState.DRAFTED, "alerte-grave")


def test_a_test_is_kept_as_ignored_with_the_reason(feed: Feed) -> None:
    assert feed.reads(feed.item(status=Status.TEST)).ignored == 1
    assert (feed.row().state, feed.row().reason) == (ItemState.IGNORED, say("test"))
    assert feed.row().publication_id == ""


def test_the_same_reading_twice_changes_nothing(feed: Feed) -> None:
    feed.reads(feed.item())
    again = feed.reads(feed.item(version="2"))
    assert (again.new, again.published, again.updated, again.closed) == (0, 0, 0, 0)
    assert feed.publication().revision_no == 1
    assert feed.row().version == "2"


def test_new_words_make_a_new_revision_of_the_same_publication(feed: Feed) -> None:
    feed.reads(feed.item())
    first = feed.row().publication_id
    assert feed.reads(feed.item(version="2", headline="Vent très fort")).updated == 1
    assert feed.row().publication_id == first
    assert feed.publication().revision_no == 2
    assert feed.headline() == "Vent très fort"


def test_an_older_version_that_comes_late_is_not_taken(feed: Feed) -> None:
    feed.reads(feed.item(version="5", headline="Neuf"))
    feed.reads(feed.item(version="4", headline="Vieux"))
    assert feed.headline() == "Neuf"
    assert feed.publication().revision_no == 1


def test_a_draft_follows_the_source_until_a_person_rewrites_it(reviewed: Feed) -> None:
    reviewed.reads(reviewed.item())
    reviewed.reads(reviewed.item(headline="Vent plus fort"))
    publication = reviewed.publication()
    assert publication.draft
    assert publication.draft["texts"]["fr"]["headline"] == "Vent plus fort"
    with db.writing(reviewed.authority.id or 0) as session:
        mine = session.get_one(Publication, publication.id)
        content = publishing.Content.model_validate(mine.draft)
        content.texts["fr"].headline = "Attention au vent"
        publishing.edit(session, mine, content, "member:1")
    reviewed.reads(reviewed.item(headline="Vent encore plus fort"))
    kept = reviewed.publication()
    assert kept.draft
    assert kept.draft["texts"]["fr"]["headline"] == "Attention au vent"
    assert reviewed.row().reason == say("edited-here")


def test_what_a_person_published_is_changed_by_a_draft_not_by_itself(reviewed: Feed) -> None:
    reviewed.reads(reviewed.item())
    with db.writing(reviewed.authority.id or 0) as session:
        publication = session.get_one(Publication, reviewed.row().publication_id)
        publishing.publish(session, publication, "member:1")
    reviewed.reads(reviewed.item(headline="Vent plus fort"))
    assert reviewed.headline() == "Vent fort"
    waiting = reviewed.publication().draft
    assert waiting
    assert waiting["texts"]["fr"]["headline"] == "Vent plus fort"
    assert reviewed.row().reason == say("update-waits")


def test_what_a_person_rewrote_while_live_is_not_overwritten(feed: Feed) -> None:
    feed.reads(feed.item())
    with db.writing(feed.authority.id or 0) as session:
        publication = session.get_one(Publication, feed.row().publication_id)
        revision = publishing.revision_of(session, publication)
        content = publishing.Content.model_validate(revision.content)
        content.texts["fr"].headline = "Ne sortez pas"
        publishing.revise(session, publication, content, "member:1")
    feed.reads(feed.item(headline="Vent plus fort"))
    assert feed.headline() == "Ne sortez pas"
    assert feed.publication().draft is not None


def test_a_cancel_ends_what_is_live_and_withdraws_a_draft(feed: Feed) -> None:
    feed.reads(feed.item("a"), feed.item("b", severity=Severity.SEVERE))
    tally = feed.reads(feed.cancel("a", "z1"), feed.cancel("b", "z2"), complete=False)
    assert tally.closed == 2
    live, draft = feed.publication("a"), feed.publication("b")
    assert (live.state, live.ended_as) == (PublicationState.ENDED, EndedAs.OVER)
    assert (draft.state, draft.draft) == (PublicationState.ENDED, None)
    assert feed.row("a").reason == say("cancelled")


def test_an_alert_that_comes_after_its_own_cancel_is_not_news(feed: Feed) -> None:
    feed.reads(feed.cancel("a"))
    feed.reads(feed.item("a"), complete=False)
    assert (feed.row().state, feed.row().publication_id) == (ItemState.CLOSED, "")


def test_what_another_message_cancelled_stays_cancelled(feed: Feed) -> None:
    feed.reads(feed.item("a"))
    feed.reads(feed.cancel("a"), complete=False)
    feed.reads(feed.item("a", version="9", headline="Encore"), complete=False)
    assert feed.row("a").state == ItemState.CLOSED
    assert feed.publication("a").state == PublicationState.ENDED


def test_an_event_its_own_calendar_takes_back_up_is_taken_up(feed: Feed) -> None:
    """An occurrence that cancels itself is not sealed: the organiser may change his mind."""
    feed.reads(feed.item("a"))
    feed.reads(feed.cancel("a", "a"))
    assert feed.publication("a").state == PublicationState.ENDED
    feed.reads(feed.item("a", version="2"))
    assert feed.publication("a").state == PublicationState.LIVE


def test_an_update_that_replaces_goes_on_with_the_same_publication(feed: Feed) -> None:
    feed.reads(feed.item("v1"), feed.item("other"))
    first = feed.row("v1").publication_id
    feed.reads(feed.item("v2", headline="Vent tombé", supersedes=("v1", "v0")), complete=False)
    assert feed.row("v2").publication_id == first
    assert feed.row("v2").state == ItemState.PUBLISHED
    assert feed.row("v1").state == ItemState.CLOSED
    assert feed.headline("v2") == "Vent tombé"
    assert feed.publication("v2").revision_no == 2
    feed.reads(feed.item("v0"), feed.item("v1"), complete=False)
    assert feed.row("v0").state == feed.row("v1").state == ItemState.CLOSED
    assert feed.publication("v2").revision_no == 2


def test_an_update_of_two_alerts_goes_on_with_one_and_ends_the_other(feed: Feed) -> None:
    feed.reads(feed.item("v1"), feed.item("v2"))
    feed.reads(feed.item("v3", headline="Réunies", supersedes=("v1", "v2")), complete=False)
    assert feed.row("v3").publication_id == feed.row("v1").publication_id
    assert feed.publication("v2").ended_as == EndedAs.OVER


def test_absence_ends_at_the_second_good_reading_without_it(feed: Feed) -> None:
    feed.reads(feed.item("a"), feed.item("b"))
    feed.reads(feed.item("b"))
    assert feed.publication("a").state == PublicationState.LIVE
    assert feed.row("a").missing_since is not None
    assert feed.reads(feed.item("b")).closed == 1
    assert feed.publication("a").ended_as == EndedAs.OVER
    assert feed.row("a").reason == say("gone")


def test_an_unchanged_reading_confirms_an_absence(feed: Feed) -> None:
    feed.reads(feed.item("a"), feed.item("b"))
    feed.reads(feed.item("b"))
    with db.writing(feed.authority.id or 0) as session:
        tally = confirm(session, session.get_one(Source, feed.source.id), feed.now)
    assert tally.closed == 1
    assert feed.publication("b").state == PublicationState.LIVE


def test_one_absence_only_is_forgiven_and_a_return_takes_up_again(feed: Feed) -> None:
    feed.reads(feed.item("a"))
    feed.reads()
    feed.reads(feed.item("a"))
    assert feed.row("a").missing_since is None
    feed.reads()
    feed.reads()
    assert feed.publication("a").state == PublicationState.ENDED
    feed.reads(feed.item("a"))
    assert feed.publication("a").state == PublicationState.LIVE


def test_what_could_not_be_read_or_was_not_looked_at_is_not_absent(feed: Feed) -> None:
    feed.reads(feed.item("a"), feed.item("serie#1"))
    for _ in range(3):
        feed.reads(errors=(EntryError("a", "illisible"), EntryError("serie", "illisible")))
        feed.reads(complete=False)
    assert feed.publication("a").state == PublicationState.LIVE
    assert feed.publication("serie#1").state == PublicationState.LIVE


def test_absence_never_ends_what_time_ends(feed: Feed) -> None:
    feed.reads(feed.item("a"))
    later = feed.now + 2 * DAY
    for _ in range(3):
        feed.takes(reading(), later)
    assert feed.publication("a").state == PublicationState.LIVE  # the sweep expires it


def test_an_end_moved_into_the_past_is_an_all_clear(feed: Feed) -> None:
    feed.reads(feed.item())
    feed.reads(feed.item(version="2", expires=feed.now - timedelta(minutes=1)))
    assert feed.publication().ended_as == EndedAs.OVER


def test_a_draft_nobody_published_in_time_is_withdrawn(reviewed: Feed) -> None:
    reviewed.reads(reviewed.item())
    reviewed.takes(reading(complete=False), reviewed.now + 2 * DAY)
    assert reviewed.publication().state == PublicationState.ENDED
    assert reviewed.row().reason == say("past")


def test_what_a_person_ended_does_not_come_back(feed: Feed) -> None:
    feed.reads(feed.item())
    with db.writing(feed.authority.id or 0) as session:
        publication = session.get_one(Publication, feed.row().publication_id)
        publishing.cancel(session, publication, EndedAs.RETRACTED, "member:1")
    for version in "23":
        feed.reads(feed.item(version=version, headline=f"Encore {version}"))
    assert feed.row().state == ItemState.CLOSED
    assert feed.row().reason == say("ended-here")
    with db.reading(feed.authority.id or 0) as session:
        assert len(session.exec(select(Publication)).all()) == 1


def test_a_first_reading_of_many_does_not_flood(feed: Feed) -> None:
    tally = feed.reads(*[feed.item(str(n)) for n in range(6)])
    assert (tally.published, tally.drafted) == (0, 6)
    assert tally.notes == [say("all-at-once", count=6)]
    assert feed.row("0").reason == tally.notes[0]


def test_a_first_reading_of_a_few_is_published_and_so_is_a_later_storm(feed: Feed) -> None:
    assert feed.reads(*[feed.item(str(n)) for n in range(5)]).published == 5
    storm = [feed.item(str(n)) for n in range(15)]
    assert feed.reads(*storm).published == 10


def test_a_setting_changed_late_does_not_flood_either(feed: Feed) -> None:
    with db.writing(feed.authority.id or 0) as session:
        session.get_one(Source, feed.source.id).intake = "ignore"
    many = [feed.item(str(n)) for n in range(8)]
    assert feed.reads(*many).ignored == 8
    with db.writing(feed.authority.id or 0) as session:
        session.get_one(Source, feed.source.id).intake = "publish"
    assert feed.reads(*many).drafted == 8


def test_an_item_that_cannot_be_said_is_named_and_does_not_spoil_its_neighbours(
    feed: Feed,
) -> None:
    tally = feed.reads(feed.item("bad", texts={"!": item().texts["fr"]}), feed.item("good"))
    assert tally.published == 1
    assert feed.row("bad").state == ItemState.IGNORED
    assert "language" in feed.row("bad").reason


def test_a_failing_item_leaves_no_half_of_itself(feed: Feed, monkeypatch: object) -> None:
    """A revision is made, then something breaks: its savepoint takes the publication with it."""
    assert isinstance(monkeypatch, pytest.MonkeyPatch)
    real = publishing.publish

    def breaks(session: object, publication: Publication, actor: str) -> Revision:
        made = real(session, publication, actor)  # type: ignore[arg-type]
        if "Cassé" in str(made.content):
            raise RuntimeError("a bug of ours")
        return made

    monkeypatch.setattr(publishing, "publish", breaks)
    feed.reads(feed.item("bad", headline="Cassé"), feed.item("good"))
    with db.reading(feed.authority.id or 0) as session:
        assert len(session.exec(select(Publication)).all()) == 1
        assert len(session.exec(select(Revision)).all()) == 1
    assert feed.row("bad").reason == say("refused", why=say("unexpected"))
    assert feed.publication("good").state == PublicationState.LIVE
