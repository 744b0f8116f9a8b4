"""News feeds: a file of tests/connectors/fixtures/rss for each trait."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from connectors.common import SourceOptions
from connectors.reasons import say
from connectors.rss import Rss
from hub.contracts import Parsed, SourceUnreadable

NOW = datetime(2026, 3, 5, tzinfo=UTC)
FILES = Path(__file__).parent / "fixtures" / "rss"


def parse(name: str) -> Parsed:
    return Rss(SourceOptions()).parse((FILES / name).read_bytes(), NOW)


def refusal(name: str) -> SourceUnreadable:
    with pytest.raises(SourceUnreadable) as caught:
        parse(name)
    return caught.value


def test_an_entry_becomes_an_item() -> None:
    parsed = parse("three_items.xml")
    works = parsed.items[0]
    assert parsed.title == "Mairie de Villard-Bonnot"
    assert (works.external_id, works.version) == ("vb-1", "20260302070000")
    assert works.texts["fr"].headline == "Travaux rue des Brûlis"
    assert works.texts["fr"].description == "La rue est fermée jusqu'au 14 mars."
    assert works.link == "https://villard-bonnot.example/a/1"
    assert works.sent == datetime(2026, 3, 2, 7, tzinfo=UTC)
    assert parsed.items[1].event == "Urbanisme"


def test_what_is_gone_from_a_feed_has_not_ended() -> None:
    assert not parse("three_items.xml").complete
    empty = parse("empty.atom")
    assert (empty.items, empty.errors, empty.complete) == ((), (), False)


def test_markup_is_plain_text_without_scripts() -> None:
    text = parse("html_and_scripts.xml").items[0].texts["fr"]
    assert text.headline == "Fête & repas"
    assert text.description == "Venez ici (https://x.example/i)\ny\n\n- un\n\n- deux"


def test_entries_without_guid_have_an_identity_that_lasts() -> None:
    first, again = parse("no_guid.xml"), parse("no_guid.xml")
    assert first == again
    by_link, by_words, untitled = first.items
    assert by_link.external_id == "https://villard-bonnot.example/l"
    assert by_words.external_id.startswith("sans-id-")
    assert by_words.external_id != untitled.external_id
    headline = untitled.texts["fr"].headline
    assert headline.startswith("Un texte seul, sans titre")
    assert headline.endswith("…")
    assert len(headline) <= 120


def test_one_guid_for_two_entries_gives_one_item_the_newer() -> None:
    parsed = parse("guid_used_twice.xml")
    assert [i.texts["fr"].headline for i in parsed.items] == ["Nouveau", "Autre"]
    assert [(e.where, e.reason) for e in parsed.errors] == [("g", say("twice"))]


def test_an_entry_that_says_nothing_is_named_and_its_neighbours_are_read() -> None:
    parsed = parse("one_bad_entry.xml")
    assert [i.external_id for i in parsed.items] == ["1", "3"]
    assert [(e.where, e.reason) for e in parsed.errors] == [("vide", say("nothing-said"))]
    assert parsed.items[1].sent is None


def test_sloppy_xml_that_is_whole_is_read_and_it_is_said_where() -> None:
    parsed = parse("unknown_entity.xml")
    assert [i.external_id for i in parsed.items] == ["1", "2"]
    assert [e.where for e in parsed.errors] == ["ligne 9"]


def test_an_oddly_encoded_feed_is_read() -> None:
    assert parse("latin_1_undeclared.xml").items[0].texts["fr"].headline == "Fête d'été"


@pytest.mark.parametrize("name", ["entity_bomb.xml", "external_entity.xml"])
def test_entities_are_refused_not_expanded(name: str) -> None:
    assert refusal(name).reason == say("entities")


def test_links_and_language_of_an_atom_feed() -> None:
    item = parse("atom_with_base.atom").items[0]
    assert item.link == "https://villard-bonnot.example/avisos/1"
    assert item.texts["es"].headline == "Obras hoy"
    assert item.texts["es"].description == "Plano (https://villard-bonnot.example/plan.pdf)"
    assert item.version == "20260302080000"


def test_a_json_feed_is_read_like_the_others() -> None:
    parsed = parse("json_feed.json")
    one, untitled = parsed.items
    assert one.texts["fr"].headline == "Un"
    assert one.texts["fr"].description == "Texte"
    assert (one.version, one.event) == ("20260301070000", "Voirie")
    assert (untitled.external_id, untitled.texts["fr"].headline) == ("2", "Sans titre")
    assert [e.where for e in parsed.errors] == ["entrée 3", "3"]


def test_a_web_page_is_told_apart_from_a_feed() -> None:
    assert refusal("web_page.html").reason == say("web-page", what="feed")


def feed(*entries: str, head: str = "") -> bytes:
    body = "".join(f"<item>{entry}</item>" for entry in entries)
    return f'{head}<rss version="2.0"><channel><title>V</title>{body}</channel></rss>'.encode()


def read(raw: bytes) -> Parsed:
    return Rss(SourceOptions()).parse(raw, NOW)


def test_of_a_long_feed_the_first_entries_are_read() -> None:
    parsed = read(feed(*(f"<guid>{n}</guid><title>T{n}</title>" for n in range(3000))))
    assert [i.external_id for i in parsed.items] == [str(n) for n in range(2000)]
    assert [e.reason for e in parsed.errors] == [say("long-feed", count=3000, kept=2000)]


def test_two_undated_entries_of_one_id_give_the_same_one_in_any_order() -> None:
    entries = "<guid>1</guid><title>Un</title>", "<guid>1</guid><title>Deux</title>"
    one, other = read(feed(*entries)), read(feed(*reversed(entries)))
    assert one.items == other.items
    assert [e.reason for e in one.errors] == [say("twice")]


@pytest.mark.parametrize(
    "written",
    [
        "jeu. 12 mars 2026 16:00:00 +0100",
        "jeudi 12 mars 2026 à 15:00",
        "jueves, 12 de marzo de 2026 15:00 GMT",
        "Thu, 12 Mar 2026 16:00:00 +0100",
        "2026-03-12T16:00:00+01:00",
    ],
)
def test_dates_are_written_in_many_ways(written: str) -> None:
    item = read(feed(f"<title>T</title><pubDate>{written}</pubDate>")).items[0]
    assert item.sent == datetime(2026, 3, 12, 15, tzinfo=UTC)


def test_an_entry_of_a_picture_alone_has_its_words_or_ours() -> None:
    said = "&lt;img onclick='x()' src='https://v.example/a.jpg' alt='Plan &amp;amp; horaires'/&gt;"
    item = read(feed(f"<description>{said}</description>")).items[0]
    assert item.texts["fr"].headline == "Plan & horaires"
    bare = read(feed(f"<description>{said.split(' alt')[0]}/&gt;</description>")).items[0]
    assert (bare.texts["fr"].headline, bare.texts["fr"].description) == (
        "Image", "https://v.example/a.jpg",
    )  # fmt: skip


def test_places_of_georss_are_kept() -> None:
    head = '<?xml version="1.0"?><!-- x -->'
    where = '<georss:point xmlns:georss="http://www.georss.org/georss">45.24 5.88</georss:point>'
    item = read(feed(f"<title>T</title>{where}", head=head)).items[0]
    assert item.area == {"type": "Point", "coordinates": [5.88, 45.24]}


@pytest.mark.parametrize(
    "kind",
    [
        '<!DOCTYPE rss SYSTEM "http://127.0.0.1:9/x.dtd">',
        "<!DOCTYPE rss [<!ELEMENT rss ANY>]>",
        '<!DOCTYPE rss PUBLIC "-//X" "http://127.0.0.1:9/x.dtd" [<!ATTLIST rss a CDATA "b">]>',
    ],
)
def test_a_document_type_of_ones_own_is_refused(kind: str) -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read(feed("<title>T</title>", head=kind))
    assert caught.value.reason == say("entities")


def test_the_published_type_of_rss_0_91_is_not_read_and_does_no_harm() -> None:
    head = (
        '<?xml version="1.0"?><!DOCTYPE rss PUBLIC "-//Netscape Communications//DTD RSS 0.91//EN" '
        '"http://127.0.0.1:9/rss-0.91.dtd">'
    )
    assert len(read(feed("<title>T</title>", head=head)).items) == 1


def test_a_tag_with_a_hundred_thousand_attributes_is_refused_at_once() -> None:
    many = " ".join(f'a{n}="x"' for n in range(100_000))
    with pytest.raises(SourceUnreadable):
        read(f'<rss version="2.0" {many}><channel></channel></rss>'.encode())


def test_control_letters_and_odd_halves_leave_the_text() -> None:
    said = '{"version":"https://jsonfeed.org/version/1","items":[{"id":1,"title":"a\\u0007b\\ud800c\\u0092d"}]}'
    assert read(said.encode()).items[0].texts["fr"].headline == "ab\ufffdc\u2019d"


def test_half_a_json_feed_is_refused_as_such() -> None:
    with pytest.raises(SourceUnreadable) as caught:
        read((FILES / "json_feed.json").read_bytes()[:200])
    assert caught.value.reason == say("truncated")


def test_what_stands_behind_the_end_of_a_feed_is_looked_through_once() -> None:
    raw = (FILES / "three_items.xml").read_bytes().rstrip() + b"<!-- merci -->" * 60
    with pytest.raises(SourceUnreadable):  # it does not end with its end
        Rss(SourceOptions()).parse(raw + b"</p>", NOW)
    assert len(Rss(SourceOptions()).parse(raw, NOW).items) == 3
