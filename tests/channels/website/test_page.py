"""The pages: complete, accessible, without script and without a request to anybody else."""

from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import html

from channels.website import Website, WebsiteOptions
from hub.contracts import Image, NotConfigured, Refusal, Text
from hub.vocabulary import Intent, Scope, Severity, Status
from tests.channels.website.town import BASE, MEANS, NOW, OUTLET, body, notice, show, updated


def page(said, name="page.html"):
    return html.fromstring(body(said, name).decode())


def texts(tree, path):
    return [" ".join(node.text_content().split()) for node in tree.xpath(path)]


def test_the_page_lists_each_notice_with_what_where_until_when_and_what_to_do():
    tree = page(show(notice()))
    assert texts(tree, "//h1") == ["Villard-Bonnot : annonces"]
    assert texts(tree, "//article/h2") == ["Rue de la République fermée"]
    assert texts(tree, "//dd") == [
        "du lundi 2 mars 2026 à 8 h 30 au mercredi 4 mars 2026 à 9 h 30",
        "Centre de Villard-Bonnot",
    ]
    assert "avenue de la Gare" in texts(tree, "//*[@class='todo']")[0]


def test_the_level_is_told_by_a_word_and_a_shape_never_by_colour_alone():
    seen = set()
    for severity in (Severity.EXTREME, Severity.SEVERE, Severity.MODERATE, Severity.MINOR):
        (level,) = texts(page(show(notice(severity=severity))), "//*[@class='level']")
        seen.add(level)
    assert seen == {
        "▲▲ Danger extrême · Travaux",
        "▲ Alerte · Travaux",
        "◆ Vigilance · Travaux",
        "● Information · Travaux",
    }


def test_what_starts_later_is_listed_apart_until_it_starts():
    coming = notice("01K0B", onset=NOW + timedelta(hours=2))
    said = show(notice(), coming)
    assert texts(page(said), "//h2") == ["En ce moment", "À venir"]
    assert said.next_change_at == coming.onset
    after = show(notice(), coming, now=coming.onset)
    assert texts(page(after), "//main/h2") == []
    assert body(said, "feed.json") == body(after, "feed.json")


def test_nothing_is_shown_before_it_takes_effect():
    later = notice(effective=NOW + timedelta(minutes=5))
    before = show(later)
    assert all(b"01K0ROAD" not in document.body for document in before.documents)
    assert before.next_change_at == later.effective
    assert {document.valid_until for document in before.documents} == {later.effective}
    assert b"01K0ROAD" in body(show(later, now=later.effective), "feed.json")


def test_a_page_with_nothing_to_say_says_so():
    said = show()
    assert "Aucune annonce en ce moment." in body(said, "page.html").decode()
    assert said.next_change_at is None


def test_no_page_runs_a_script_or_asks_another_host():
    pictures = (
        Image(f"{BASE}/i/1.png", "image/png", {"fr": "Plan"}),
        Image("https://elsewhere.example/i.png", "image/png", {"fr": "Ailleurs"}),
    )
    said = show(notice(images=pictures))
    for name in ("page.html", "n/01K0ROAD.html"):
        tree = page(said, name)
        assert not tree.xpath("//script | //iframe | //@onclick | //@style")
        assert tree.xpath("//img/@src") == [f"{BASE}/i/1.png"]
        assert tree.xpath("//img/@alt") == ["Plan"]
        assert all(link.startswith(BASE) for link in tree.xpath("//link/@href"))
        assert "url(" not in tree.xpath("string(//style)")


def test_a_page_has_what_assistive_tools_need():
    tree = page(show(notice()))
    assert tree.get("lang") == "fr"
    assert tree.xpath("//meta[@name='viewport']")
    assert len(tree.xpath("//main")) == 1
    assert tree.xpath("//nav/@aria-label") == ["Suivre ces annonces"]
    assert texts(tree, "//title") == ["Villard-Bonnot : annonces"]


def test_each_notice_has_its_own_page_linked_from_the_list():
    said = show(notice())
    assert page(said).xpath("//article//a/@href") == ["/s/mairie/n/01K0ROAD.html"]
    tree = page(said, "n/01K0ROAD.html")
    assert texts(tree, "//h1") == ["Rue de la République fermée"]
    assert texts(tree, "//title") == ["Rue de la République fermée · Villard-Bonnot : annonces"]
    assert tree.xpath("//nav/a/@href") == ["../page.html"]


def test_an_update_shows_when_it_was_changed():
    first = notice()
    before, after = (texts(page(show(n)), "//*[@class='issued']") for n in (first, updated(first)))
    assert before == ["Mairie de Villard-Bonnot. Publiée le lundi 2 mars 2026 à 8 h 30."]
    assert after == ["Mairie de Villard-Bonnot. Mise à jour le lundi 2 mars 2026 à 8 h 35."]


@pytest.mark.parametrize(
    ("language", "when"),
    [
        ("en", "from Monday 2 March 2026 at 8:30 to Wednesday 4 March 2026 at 9:30"),
        ("es", "desde el lunes 2 de marzo de 2026, 8:30 hasta el miércoles 4 de marzo de 2026"),
    ],
)
def test_the_page_speaks_the_language_of_the_site(language, when):
    given = notice(texts={language: Text("X")})
    tree = page(show(given, outlet=replace(OUTLET, languages=(language,))))
    assert tree.get("lang") == language
    assert texts(tree, "//dd")[0].startswith(when)


@pytest.mark.parametrize(
    ("language", "when"),
    [
        ("fr", "le lundi 2 mars 2026 de 9 h à 18 h 30"),
        ("en", "on Monday 2 March 2026 from 9:00 to 18:30"),
        ("es", "el lunes 2 de marzo de 2026, de 9:00 a 18:30"),
    ],
)
def test_what_lasts_less_than_a_day_names_that_day_once(language, when):
    start = NOW - timedelta(minutes=30)
    given = notice(
        texts={language: Text("X")},
        effective=start,
        expires=start + timedelta(hours=9, minutes=30),
    )
    assert texts(page(show(given)), "//dd")[0] == when


def test_an_hour_is_never_broken_over_two_lines():
    assert "8\u00a0h\u00a030" in body(show(notice()), "page.html").decode()


def test_an_outlet_without_a_station_is_not_configured():
    with pytest.raises(NotConfigured, match="station"):
        show(notice(), outlet=replace(OUTLET, station=""))


def preview(*notices, locale="fr"):
    return Website.preview(notices, WebsiteOptions(), locale)


def test_the_preview_is_what_the_page_will_show():
    said = preview(notice(status=Status.EXERCISE))
    assert said.text.splitlines()[0] == "[EXERCICE] Rue de la République fermée"
    assert "Prenez la déviation" in said.text
    assert said.warnings == ()


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"texts": {"es": Text("Calle", "cortada")}}, "langue"),
        ({"texts": {"fr": Text("x" * 161, "y")}}, "161"),
        ({"texts": {"fr": Text("Titre")}}, "description"),
        ({"area": None, "area_desc": ""}, "territoire"),
        ({"images": (Image(f"{BASE}/i.png", "image/png", {}),)}, "remplacement"),
        ({"expires": NOW + timedelta(days=120)}, "90"),
    ],
)
def test_the_preview_warns_of_what_a_person_should_see_first(changes, word):
    (warning,) = preview(notice(**changes)).warnings
    assert word in warning


def test_the_preview_of_a_withdrawal_says_that_it_goes():
    said = preview(notice(intent=Intent.WITHDRAW), locale="en")
    assert said.text == "The notice is removed from the page and the feeds."


def test_the_preview_refuses_what_is_not_public():
    said = preview(notice(scope=Scope.RESTRICTED))
    assert isinstance(said, Refusal)
    assert said.field == "scope"


def test_the_kind_has_nothing_to_connect_to():
    site = Website(WebsiteOptions(), MEANS)
    assert site.check().ok
    site.close()
