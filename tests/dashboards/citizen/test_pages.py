"""What holds for every page: headers, languages, size, no third party, nothing inline."""

import gzip
import re
from html.parser import HTMLParser
from typing import Any

import pytest
import time_machine
from PIL import Image

from dashboards import assets
from dashboards.base import extract
from dashboards.citizen import icons
from dashboards.citizen.answer import linked
from hub import clock
from tests.dashboards.citizen.conftest import NOON, Town

PAGES = ("/", "/?q=zzz", "/s/VILLARD/", "/suivies?s=VILLARD", "/agenda", "/abonnement",
         "/vie-privee", "/hors-ligne", "/p/{notice}")  # fmt: skip


@pytest.fixture
def notice(villard: Town) -> str:
    return villard.say("Crue", severity="Severe", description="Voir https://a.example/crue.")


class Outline(HTMLParser):
    """Tags, their attributes, ids, and what every picture and field is called."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, *names: str) -> list[dict[str, str | None]]:
        return [attrs for tag, attrs in self.tags if tag in names]


@pytest.mark.parametrize("path", PAGES)
@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_a_page_is_sound(villard: Town, notice: str, path: str, language: str) -> None:
    answer = villard.web.get(path.format(notice=notice), headers={"accept-language": language})
    assert answer.status_code == 200
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["content-language"] == language
    assert "set-cookie" not in answer.headers
    page = Outline(answer.text)
    assert page.all("html")[0]["lang"] == language
    assert len(page.all("h1")) == 1
    assert len(page.all("main")) == 1
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    for tag, attrs in page.tags:
        assert "style" not in attrs
        assert not [name for name in attrs if name.startswith("on")]
        named = " ".join(
            filter(None, (attrs.get("aria-labelledby"), attrs.get("aria-describedby")))
        )
        assert set(named.split()) <= set(ids), (tag, attrs)
    labelled = {attrs.get("for") for attrs in page.all("label")}
    for field in page.all("input", "select", "textarea"):
        assert field.get("type") == "checkbox" or field.get("id") in labelled
    assert all("src" in script for script in page.all("script"))
    assert not page.all("style")
    assert all("alt" in image for image in page.all("img"))


@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_nothing_from_elsewhere_and_all_it_loads_is_there(
    villard: Town, notice: str, path: str
) -> None:
    page = Outline(villard.read(path.format(notice=notice)))
    loaded = [a["src"] for a in page.all("script", "img") if a.get("src")] + [
        a["href"] for a in page.all("link") if a.get("rel") not in ("canonical", "alternate")
    ]
    assert len(loaded) > 5
    for address in loaded:
        assert address is not None
        assert address.startswith("/"), address
        assert not address.startswith("//"), address
        villard.read(address)


@pytest.mark.parametrize("path", PAGES)
def test_an_unchanged_page_is_not_sent_twice(villard: Town, notice: str, path: str) -> None:
    path = path.format(notice=notice)
    clock.set_offset(0)  # a moved clock is shown on every page
    with time_machine.travel(NOON + 60, tick=False):
        first = villard.web.get(path)
    headers = {"if-none-match": first.headers["etag"]}
    assert first.headers["cache-control"] == "no-cache"
    with time_machine.travel(NOON + 160, tick=False):
        second = villard.web.get(path, headers=headers)
    assert (second.status_code, second.content) == (304, b"")
    with time_machine.travel(NOON + 160, tick=False):
        other = villard.web.get(path, headers=headers | {"accept-language": "es"})
    assert other.status_code == 200


def test_a_changed_page_has_another_tag(villard: Town, notice: str) -> None:
    before = villard.web.get("/s/VILLARD/").headers["etag"]
    villard.revise(notice, "Crue, suite")
    assert villard.web.get("/s/VILLARD/").headers["etag"] != before


def test_a_page_is_stamped_with_its_hour_and_small_on_the_wire(villard: Town, notice: str) -> None:
    with villard.web.stream("GET", "/s/VILLARD/", headers={"accept-encoding": "gzip"}) as answer:
        raw = b"".join(answer.iter_raw())
    assert len(raw) == int(answer.headers["content-length"]) < 8_000
    page = gzip.decompress(raw).decode()
    (stamp,) = re.findall(r'data-now="(\d+)"', page)
    assert abs(int(stamp) - clock.unix_ms()) < 20_000
    assert "~copied~" not in page


def test_the_language_is_remembered_in_the_only_cookie(villard: Town) -> None:
    answer = villard.web.get("/language/es", params={"back": "/s/VILLARD/"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/s/VILLARD/")
    assert answer.headers["set-cookie"].startswith("tambour_language=es;")
    assert '<html lang="es">' in villard.read("/s/VILLARD/", accept_language="fr")


@pytest.mark.parametrize(
    "back",
    ["//elsewhere.example", "https://elsewhere.example", "/\\elsewhere.example", "/\r\nx: y"],
)
def test_the_way_back_never_leaves_the_site(villard: Town, back: str) -> None:
    assert villard.web.get("/language/en", params={"back": back}).headers["location"] == "/"
    assert "set-cookie" not in villard.web.get("/language/xx").headers


def test_the_service_worker_serves_the_whole_site_and_is_asked_for_again(villard: Town) -> None:
    answer = villard.web.get("/sw.js")
    assert answer.headers["content-type"].startswith("text/javascript")
    assert answer.headers["service-worker-allowed"] == "/"
    assert answer.headers["cache-control"] == "no-cache"
    (address,) = re.findall(r'data-worker="/sw.js\?offline=([^"]+)"', villard.read("/"))
    assert "prepare()" in villard.read(address)


def test_the_manifest_describes_an_app_and_its_icons_are_there(villard: Town) -> None:
    answer = villard.web.get("/manifest.webmanifest")
    assert answer.headers["content-type"] == "application/manifest+json"
    manifest: dict[str, Any] = answer.json()
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    kinds = {(i["sizes"], i["purpose"]) for i in manifest["icons"]}
    assert {("192x192", "any"), ("512x512", "any"), ("512x512", "maskable")} <= kinds
    for icon in manifest["icons"]:
        assert villard.web.get(icon["src"]).headers["content-type"] == "image/png"


def test_the_icons_have_their_sizes_and_a_maskable_one_has_no_hole() -> None:
    for name, size, _part, _ground in icons.ICONS:
        with Image.open(icons.FOLDER / name) as picture:
            assert picture.size == (size, size)
            corner = picture.convert("RGBA").getpixel((0, 0))
            if "maskable" in name:
                assert corner == (250, 247, 240, 255)
    assert assets.read("citizen/badge-96.png").startswith(b"\x89PNG")


def test_every_sentence_is_translated() -> None:
    wanted = {
        message if isinstance(message, str) else message[0]
        for message, name in extract.said()
        if name.startswith("citizen/")
    }
    assert len(wanted) > 90
    for language in ("fr", "en", "es"):
        known = extract.read(language)
        lacking = []
        for key in wanted:
            said = known.get(key)
            words = said.string if said else ""
            if not all(words if isinstance(words, tuple | list) else [words]):
                lacking.append(key)
        assert lacking == [], language


@pytest.mark.parametrize(
    ("text", "links"),
    [
        ("Appelez le 112 ou le 0 800 71 40 40.", ["tel:112"]),
        ("Appelez le 18. In danger, call 112.", ["tel:18", "tel:112"]),
        ("112 foyers et 114 personnes", []),
        ("Tél. 04.76.00.12.34 ou +33 4 76 00 12 34", ["tel:0476001234", "tel:+33476001234"]),
        ("(https://a.example/x?y=1&z=2)", ["https://a.example/x?y=1&amp;z=2"]),
        ("le 15 mars, 18 personnes, n° 17", []),
        ("javascript:alert(1)", []),
        ("12345678901234567890", []),
    ],
)
def test_addresses_and_numbers_can_be_tapped_and_nothing_else(text: str, links: list[str]) -> None:
    assert re.findall(r'href="([^"]+)"', linked(text)) == links
