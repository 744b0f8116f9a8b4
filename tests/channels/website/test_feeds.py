"""RSS, Atom and JSON Feed: what is so now, and nothing else."""

from datetime import timedelta
from html import unescape
from pathlib import Path

import feedparser
import orjson
import pytest

from channels.website import WebsiteOptions
from hub.contracts import Image, Text
from hub.vocabulary import EndedAs, Scope, Status
from tests.channels.website.town import (
    BASE,
    NOW,
    body,
    cancelled,
    notice,
    paths,
    show,
    updated,
)

XML_FEEDS = ("feed.rss", "feed.atom")


def read(said, name):
    feed = feedparser.parse(body(said, name))
    assert not feed.bozo, feed.get("bozo_exception")
    return feed


def items(said):
    return orjson.loads(body(said, "feed.json"))["items"]


@pytest.mark.parametrize("name", [*XML_FEEDS, "feed.cap"])
def test_a_feed_without_notices_is_well_formed_and_empty(name):
    feed = read(show(), name)
    assert feed.entries == []
    assert feed.feed.title == "Villard-Bonnot : annonces"


@pytest.mark.parametrize("name", XML_FEEDS)
def test_a_feed_reader_finds_the_headline_the_page_and_the_text(name):
    entry = read(show(notice()), name).entries[0]
    assert entry.title == "Rue de la République fermée"
    assert entry.link == f"{BASE}/p/01K0ROAD"
    assert "s’est affaissée" in entry.content[0].value
    assert entry.tags[0].get("label") or entry.tags[0].term == "Travaux"


@pytest.mark.parametrize("name", XML_FEEDS)
def test_a_feed_names_itself(name):
    links = read(show(), name).feed.links
    assert f"{BASE}/s/mairie/{name}" in [link.href for link in links if link.rel == "self"]


@pytest.mark.parametrize("name", XML_FEEDS)
def test_an_update_keeps_its_id_and_first_date_and_moves_its_last(name):
    first = notice()
    before, after = (read(show(n), name).entries[0] for n in (first, updated(first)))
    assert before.id == after.id
    assert before.published_parsed == after.published_parsed
    assert before.updated_parsed < after.updated_parsed


def test_an_update_keeps_its_json_id_and_moves_date_modified():
    first = notice()
    (before,), (after,) = items(show(first)), items(show(updated(first)))
    assert before["id"] == after["id"]
    assert before["date_published"] == after["date_published"]
    assert before["date_modified"] < after["date_modified"]
    assert after["_tambour"]["revision"] == 2


def test_the_json_feed_has_what_version_1_1_asks_for():
    feed = orjson.loads(body(show(notice()), "feed.json"))
    assert feed["version"] == "https://jsonfeed.org/version/1.1"
    assert feed["title"]
    assert feed["feed_url"] == f"{BASE}/s/mairie/feed.json"
    assert feed["home_page_url"] == f"{BASE}/s/mairie/"
    assert feed["language"] == "fr"
    (item,) = feed["items"]
    assert isinstance(item["id"], str)
    assert item["content_html"]
    assert item["content_text"].startswith("La chaussée")
    assert item["url"] == f"{BASE}/p/01K0ROAD"


@pytest.mark.parametrize("ended_as", [EndedAs.OVER, EndedAs.RETRACTED])
def test_a_cancelled_notice_is_nowhere_in_page_rss_atom_and_json(ended_as):
    said = show(ended=(cancelled(notice(), ended_as),))
    for name in ("feed.rss", "feed.atom", "feed.json", "page.html"):
        assert b"01K0ROAD" not in body(said, name)
        assert "République".encode() not in body(said, name)
    assert "n/01K0ROAD.html" not in paths(said)


def test_an_expired_notice_is_nowhere_at_all():
    over = notice(expires=NOW)
    said = show(over)
    assert all(b"01K0ROAD" not in document.body for document in said.documents)
    assert not [path for path in paths(said) if "01K0ROAD" in path]


@pytest.mark.parametrize("scope", [Scope.RESTRICTED, Scope.PRIVATE])
def test_a_notice_that_is_not_public_is_refused_and_not_shown(scope):
    said = show(notice(scope=scope))
    assert said.refused["01K0ROAD"].field == "scope"
    assert all(b"01K0ROAD" not in document.body for document in said.documents)


def test_the_newest_comes_first_and_ties_have_one_order():
    old, new = notice("01K0A", sent=NOW - timedelta(hours=3)), notice("01K0B", sent=NOW)
    twin = notice("01K0C", sent=NOW)
    orders = {
        tuple(item["_tambour"]["publication"] for item in items(show(*given)))
        for given in ((old, new, twin), (twin, new, old), (new, old, twin))
    }
    assert orders == {("01K0C", "01K0B", "01K0A")}


def test_bytes_do_not_change_with_the_hour_alone():
    given = (notice(), notice("01K0B", sent=NOW))
    gone = (cancelled(notice("01K0C")),)
    first = show(*given, ended=gone, now=NOW)
    later = show(*given, ended=gone, now=NOW + timedelta(hours=1))
    assert first.documents == later.documents


def test_an_exercise_is_marked_in_every_document():
    said = show(notice(status=Status.EXERCISE))
    for document in said.documents:
        assert b"[EXERCICE]" in document.body, document.path
    (item,) = items(said)
    assert item["content_text"].startswith("[EXERCICE] ")
    assert item["content_html"].startswith("<p>[EXERCICE]</p>")


def test_control_characters_never_reach_a_document():
    dirty = Text("Eau\x00 coupée\x0b", "a\x1b\ufffe\ud800b\r\nc\u2028d", "e\x7ff")
    said = show(notice(texts={"fr": dirty}))
    (item,) = items(said)
    assert item["title"] == "Eau coupée"
    assert item["content_text"] == "ab\nc\nd\n\nef"
    assert read(said, "feed.rss").entries[0].title == "Eau coupée"


def test_markup_in_a_text_stays_text():
    text = Text("A < B & <script>alert(1)</script>", "<script>alert(2)</script>", "<b>x</b>")
    said = show(notice(texts={"fr": text}))
    for document in said.documents:
        if "json" not in document.media_type and "calendar" not in document.media_type:
            assert b"<script>" not in document.body
    (item,) = items(said)
    assert "&lt;script&gt;alert(2)" in item["content_html"]
    assert "<script>alert(2)</script>" in unescape(read(said, "feed.rss").entries[0].summary)


def test_pictures_go_with_their_alternative_text():
    picture = Image(f"{BASE}/i/1.png", "image/png", {"fr": "Plan de la déviation"})
    (item,) = items(show(notice(images=(picture,))))
    assert item["image"] == picture.url
    assert item["attachments"][0] == {
        "url": picture.url,
        "mime_type": "image/png",
        "title": "Plan de la déviation",
    }
    assert 'alt="Plan de la déviation"' in item["content_html"]


def test_a_site_may_speak_another_language_than_the_authority_first():
    said = show(notice(), options=WebsiteOptions(language="en", title="Village news"))
    feed = orjson.loads(body(said, "feed.json"))
    assert feed["title"] == "Village news"
    assert feed["items"][0]["title"] == "Rue de la République closed"
    assert feed["items"][0]["tags"] == ["Roadworks"]


def test_a_notice_without_the_site_language_is_shown_in_the_one_it_has():
    said = show(notice(texts={"es": Text("Calle cortada")}))
    (item,) = items(said)
    assert (item["language"], item["title"]) == ("es", "Calle cortada")
    assert b'lang="es"' in body(said, "page.html")


def test_the_docs_name_every_document_and_every_option():
    docs = (Path(__file__).parents[3] / "docs" / "website.md").read_text()
    said = show(notice())
    for path in paths(said):
        named = path.replace("01K0ROAD.1", "{publication}.{revision}")
        assert f"`/s/{{station}}/{named.replace('01K0ROAD', '{publication}')}`" in docs
    for option in WebsiteOptions.model_fields:
        assert f"| `{option}` |" in docs
    for word in items(said)[0]["_tambour"]:
        assert f"`{word}`" in docs
