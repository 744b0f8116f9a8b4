"""One notice, from its first words to how it ended."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from dashboards.base import drawing
from hub import accounts, clock, db, publishing
from hub.models import Publication
from hub.vocabulary import EndedAs
from tests.dashboards.citizen.conftest import Town, open_town
from tests.factories import content

HOUR = timedelta(hours=1)


@pytest.fixture
def villard(hub_on_both: Path) -> Town:
    """Here the queries matter, so on both databases."""
    return open_town()


TEXTS = {
    "fr": {"headline": "Eau coupée", "instruction": "Faites une réserve."},
    "en": {"headline": "Water cut", "instruction": "Store some water."},
}


def test_what_to_do_comes_before_everything_but_the_headline(villard: Town) -> None:
    publication = villard.say("Crue", description="L'Isère déborde.")
    page = villard.read(f"/p/{publication}")
    order = [page.index(part) for part in ("<h1", 'class="instruction big"', "<dl>", "déborde")]
    assert order == sorted(order)
    assert "Suivez la déviation par l&#39;avenue Foch." in page
    assert 'href="/s/VILLARD/">Mairie</a>, Villard-Bonnot' in page


def test_the_words_are_in_the_readers_language_or_the_authors(villard: Town) -> None:
    publication = villard.say(texts=TEXTS)
    english = villard.read(f"/p/{publication}", accept_language="en-GB,en;q=0.9")
    assert '<html lang="en">' in english
    assert '<h1 lang="en">Water cut</h1>' in english
    spanish = villard.read(f"/p/{publication}", accept_language="es")
    assert '<html lang="es">' in spanish
    assert '<h1 lang="fr">Eau coupée</h1>' in spanish


def test_the_hours_are_the_authoritys(villard: Town) -> None:
    at = clock.now().replace(hour=12, minute=0, second=0) + timedelta(days=9)
    publication = villard.say("Marché", onset=at, expires=at + HOUR)
    page = villard.read(f"/p/{publication}", accept_language="en")
    assert "Tuesday 26 March at 13:00" in page  # noon UTC in Paris, before summer time
    assert "Tuesday 26 March at 14:00" in page


@pytest.mark.parametrize(
    ("ended_as", "says"),
    [
        (EndedAs.OVER, "You have nothing more to do"),
        (EndedAs.RETRACTED, "this notice was wrong"),
        (EndedAs.EXPIRED, "no longer in force since"),
    ],
)
def test_an_ended_notice_says_how_and_asks_nothing_any_more(
    villard: Town, ended_as: EndedAs, says: str
) -> None:
    publication = villard.say("Avenue fermée", expires=clock.now() + HOUR)
    if ended_as is EndedAs.EXPIRED:
        clock.set_offset(clock.offset().total_seconds() + 3601)
        with db.writing(villard.authority.id or 0) as session:
            publishing.expire(session, session.get_one(Publication, publication))
    else:
        villard.end(publication, ended_as)
    page = villard.read(f"/p/{publication}", accept_language="en")
    assert says in page
    assert page.index(says) < page.index("<h1")
    assert "instruction big" not in page
    assert page.index("<details>") < page.index("Suivez la déviation") < page.index("</details>")
    assert "Suivez" not in page[: page.index("<body>")]  # a shared link asks nothing either
    assert '<meta name="robots" content="noindex">' in page


def test_an_expired_notice_is_over_before_any_worker_says_so(villard: Town) -> None:
    publication = villard.say("Avenue fermée", expires=clock.now() + HOUR)
    clock.set_offset(clock.offset().total_seconds() + 3601)
    page = villard.read(f"/p/{publication}", accept_language="en")
    assert "no longer in force since" in page
    assert "instruction big" not in page


def test_all_revisions_are_told_newest_first(villard: Town) -> None:
    publication = villard.say("Rue fermée")
    villard.revise(publication, "Rue rouverte à 16 h")
    villard.end(publication, EndedAs.OVER)
    page = villard.read(f"/p/{publication}", accept_language="en")
    history = page[page.index('class="timeline"') :]
    order = ["It is over", "Update 1", "Rue rouverte à 16 h", "First published", "Rue fermée"]
    places = [history.index(part) for part in order]
    assert places == sorted(places)


def test_a_revision_that_was_not_public_is_not_told(villard: Town) -> None:
    publication = villard.say("Pour les agents", scope="restricted")
    villard.read(f"/p/{publication}", 404)
    villard.revise(publication, "Pour tous")
    page = villard.read(f"/p/{publication}")
    assert "Pour tous" in page
    assert "Pour les agents" not in page


def test_a_draft_is_unknown_and_so_is_a_dropped_one(villard: Town) -> None:
    with db.writing(villard.authority.id or 0) as session:
        speaker = accounts.station_of(session, villard.authority.id or 0, None)
        draft = publishing.create(session, "test", speaker, content("Secret"))
    villard.read(f"/p/{draft.id}", 404)
    with db.writing(villard.authority.id or 0) as session:
        publishing.discard(session, session.get_one(Publication, draft.id), "test")
    villard.read(f"/p/{draft.id}", 404)
    assert "Secret" not in villard.read("/s/VILLARD/")


def test_a_draft_of_the_next_revision_is_not_shown(villard: Town) -> None:
    publication = villard.say("Rue fermée")
    with db.writing(villard.authority.id or 0) as session:
        row = session.get_one(Publication, publication)
        publishing.edit(session, row, content("Rue rouverte"), "test")
    assert "Rue rouverte" not in villard.read(f"/p/{publication}")
    assert "Rue rouverte" not in villard.read("/s/VILLARD/")


@pytest.mark.parametrize("unknown", ["NOPE", "0" * 26, "a" * 500])
def test_an_unknown_notice_says_so(villard: Town, unknown: str) -> None:
    page = villard.read(f"/p/{unknown}", 404, accept_language="en")
    assert "There is no such notice" in page


def test_an_address_typed_in_small_letters_is_found(villard: Town) -> None:
    publication = villard.say("Rue fermée")
    assert "Rue fermée" in villard.read(f"/p/{publication.lower()}")


def test_the_area_is_drawn_and_named_without_a_map(villard: Town) -> None:
    area = drawing.circle(5.888, 45.236, 450)
    page = villard.read(f"/p/{villard.say('Crue', area=area, area_desc='Brignoud')}")
    assert re.search(r'<svg class="mini-map"[^>]*role="img" aria-label="[^"]*Brignoud"', page)
    assert 'class="zone"' in page
    assert "mini-map" not in villard.read(f"/p/{villard.say('Marché')}")


def test_what_the_author_wrote_is_text_and_never_markup(villard: Town) -> None:
    publication = villard.say(
        '<script>alert(1)</script>"', description="a\nhttps://a.example/<b> & 04 76 00 12 34."
    )
    page = villard.read(f"/p/{publication}")
    assert "<script>alert" not in page
    assert 'content="&lt;script&gt;alert(1)&lt;/script&gt;&#34;"' in page
    assert '<a href="https://a.example/" rel="noopener nofollow">https://a.example/</a>' in page
    assert '<a class="nowrap" href="tel:0476001234">04 76 00 12 34</a>.' in page


def test_a_shared_link_shows_what_it_is(villard: Town) -> None:
    publication = villard.say("Eau coupée", status="exercise")
    page = villard.read(f"/p/{publication}", accept_language="en")
    meta = dict(re.findall(r'<meta property="og:(\w+)" content="([^"]*)">', page))
    assert meta["title"] == "Exercise: Eau coupée"
    assert meta["description"] == "Suivez la déviation par l&#39;avenue Foch."
    assert meta["url"].endswith(f"/p/{publication}")
    assert meta["image"].startswith("http")


def test_only_pictures_of_this_hub_are_shown(villard: Town) -> None:
    def picture(url: str) -> dict[str, object]:
        return {"url": url, "media_type": "image/png", "alt": {"fr": "La rue", "en": "The street"}}

    images = [picture("https://elsewhere.example/a.png"), picture("/media/b.png")]
    page = villard.read(f"/p/{villard.say('Rue', images=images)}", accept_language="en")
    assert re.findall(r'<img class="picture" src="([^"]+)" alt="([^"]+)"', page) == [
        ("/media/b.png", "The street")
    ]
