"""A publication's whole life on a Mastodon account: one post, edited, removed."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub import board, clock, db, publishing
from hub.models import Authority, Publication
from hub.vocabulary import EndedAs
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.mastodon import TOKEN, Instance
from tests.working import work_all


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance() as running:
        yield running


@pytest.fixture
def here(hub_on_sqlite: Path, instance: Instance) -> Authority:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=instance.address)
    made = town()
    outlet(made, "mastodon", options={"instance": instance.url, "token": TOKEN})
    return made


def publish(here: Authority) -> str:
    with db.writing(here.id) as session:
        said = content("Évacuez les berges de l'Isère", severity="Severe")
        publication = publishing.create(session, "test", station(session, here), said)
        publishing.publish(session, publication, "test")
    work_all()
    return publication.id


def revise(here: Authority, publication_id: str, headline: str) -> None:
    with db.writing(here.id) as session:
        publication = session.get_one(Publication, publication_id)
        publishing.revise(session, publication, content(headline, severity="Severe"), "test")
    work_all()


def cancel(here: Authority, publication_id: str, ended_as: EndedAs) -> None:
    with db.writing(here.id) as session:
        publication = session.get_one(Publication, publication_id)
        publishing.cancel(session, publication, ended_as, "test", "")
    work_all()


def all_green(here: Authority, publication_id: str) -> bool:
    with db.reading(here.id) as session:
        rows = [r for r in board.rows(session, publication_id) if r.kind == "mastodon"]
    return bool(rows) and all(row.ok for row in rows)


@pytest.mark.parametrize("ended_as", [EndedAs.OVER, EndedAs.RETRACTED])
def test_one_post_is_made_edited_and_removed(
    here: Authority, instance: Instance, ended_as: EndedAs
) -> None:
    publication = publish(here)
    (post,) = instance.statuses.values()
    assert post["text"].startswith("Évacuez les berges de l'Isère, Rue des Brûlis")
    assert all_green(here, publication)

    revise(here, publication, "Évacuez les berges de l'Isère et la plaine")
    assert list(instance.statuses) == [post["id"]]
    assert instance.statuses[post["id"]]["text"].startswith("Mise à jour\u00a0: Évacuez")
    assert all_green(here, publication)

    cancel(here, publication, ended_as)
    assert (instance.statuses, instance.deleted) == ({}, [post["id"]])
    assert all_green(here, publication)


def test_an_instance_in_trouble_is_asked_again_and_posts_once(
    here: Authority, instance: Instance
) -> None:
    instance.answer = (502, {})
    publication = publish(here)
    assert not all_green(here, publication)
    instance.answer = None
    clock.set_offset(20)  # its pause is over
    try:
        work_all()
    finally:
        clock.set_offset(0)
    assert len(instance.statuses) == 1
    assert all_green(here, publication)
