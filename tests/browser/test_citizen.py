"""The citizens' pages in a real Chromium: follow, read, another language, no network."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Request, expect, sync_playwright

from hub import clock
from hub.vocabulary import EndedAs
from tests.browser.citizen_site import CitizenSite
from tests.browser.marionette import wait_for

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE = {"width": 360, "height": 640}


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(hub_on_sqlite: Path) -> Iterator[CitizenSite]:
    made = CitizenSite(hub_on_sqlite)
    yield made
    made.close()


class Watch:
    """Everything a browser asked for and complained of."""

    def __init__(self, context: BrowserContext) -> None:
        self.hosts: set[str] = set()
        self.complaints: list[str] = []
        context.on("request", self._asked)
        context.on("console", lambda m: m.type == "error" and self.complaints.append(m.text))
        context.on("weberror", lambda e: self.complaints.append(str(e.error)))

    def without_network(self) -> None:
        """A browser complains of each request that nobody answers; it may, and of nothing else."""
        assert all("net::ERR_" in text for text in self.complaints), self.complaints
        self.complaints.clear()

    def _asked(self, request: Request) -> None:
        self.hosts.add(urlsplit(request.url).hostname or "")


@pytest.fixture
def context(chromium: Browser, site: CitizenSite) -> Iterator[BrowserContext]:
    """A small phone in French."""
    made = chromium.new_context(
        base_url=site.url, locale="fr-FR", viewport=PHONE, has_touch=True, is_mobile=True
    )
    yield made
    made.close()


@pytest.fixture
def watch(context: BrowserContext) -> Watch:
    return Watch(context)


@pytest.fixture
def phone(context: BrowserContext, watch: Watch) -> Iterator[Page]:
    """Its page. At the end it has asked nobody else and complained of nothing."""
    yield context.new_page()
    assert watch.hosts == {"127.0.0.1"}
    assert watch.complaints == []


def kept_for_later(page: Page) -> None:
    """Wait until the service worker has kept this page and what it needs."""
    page.wait_for_function(
        "async () => (await navigator.serviceWorker.ready) && await caches.match(location.href,"
        " {ignoreVary: true}) && await caches.match('/hors-ligne', {ignoreVary: true})"
    )


def test_a_station_is_found_followed_and_kept_on_the_device(site: CitizenSite, phone: Page) -> None:
    site.say("Rue des Brûlis fermée")
    phone.goto("/")
    assert phone.locator("html").get_attribute("lang") == "fr"
    expect(phone.locator("#followed")).to_be_hidden()
    phone.locator("#q").fill("villard")
    phone.keyboard.press("Enter")
    phone.locator(".stations a").click()
    phone.locator("[data-follow]").click()
    expect(phone.locator("[data-followed]")).to_be_visible()
    phone.goto("/")
    expect(phone.locator("#followed article h4")).to_have_text("Rue des Brûlis fermée")
    phone.locator("#followed article h4 a").click()
    expect(phone.locator("h1")).to_have_text("Rue des Brûlis fermée")
    expect(phone.locator(".instruction.big")).to_contain_text("déviation")
    phone.goto("/abonnement")
    phone.locator("#list button").click()
    expect(phone.locator("#none")).to_be_visible()
    phone.goto("/")
    expect(phone.locator("#followed")).to_be_hidden()


def test_an_open_page_follows_what_is_said(site: CitizenSite, phone: Page) -> None:
    publication = site.say("Rue des Brûlis fermée")
    phone.goto("/s/VILLARD/")
    headline = phone.locator("#notices article h3")
    expect(headline).to_have_text("Rue des Brûlis fermée")
    site.revise(publication, "Rue des Brûlis rouverte à 16 h")
    phone.evaluate("window.same = true")
    looks_until(phone, "document.querySelector('article').textContent.includes('rouverte')")
    assert phone.evaluate("window.same") is True  # without being loaded again
    expect(phone.locator(".toast")).to_be_visible()
    site.end(publication, EndedAs.RETRACTED)
    looks_until(phone, "!document.querySelector('article')")
    expect(phone.locator("[data-empty]")).to_be_visible()
    expect(phone.locator(".ended-list")).to_contain_text("Rue des Brûlis rouverte à 16 h")


def looks_until(page: Page, condition: str) -> None:
    """Look for news, as when somebody returns to the page, until it shows them. (The feed follows
    what was said within the web role's half second.)"""
    module = page.locator("script[src*='citizen/live.js']").get_attribute("src")

    def looks() -> bool:
        page.evaluate("async (module) => { await (await import(module)).look(); }", module)
        return bool(page.evaluate(condition))

    wait_for(looks, 30, condition)


def test_a_page_left_open_takes_away_what_expires(
    site: CitizenSite, phone: Page, watch: Watch
) -> None:
    site.say("Eau coupée", expires=clock.now() + timedelta(hours=1))
    site.say("Marché déplacé", expires=clock.now() + timedelta(days=2))
    phone.clock.install()
    phone.goto("/s/VILLARD/")
    expect(phone.locator("article")).to_have_count(2)
    site.close()  # nobody tells the page
    phone.clock.fast_forward("01:00:01")
    expect(phone.locator("article h3")).to_have_text("Marché déplacé")
    watch.without_network()
    site.open()


def test_a_notice_left_open_says_when_it_is_over(
    site: CitizenSite, phone: Page, watch: Watch
) -> None:
    publication = site.say("Eau coupée", expires=clock.now() + timedelta(hours=1))
    phone.clock.install()
    phone.goto(f"/p/{publication}")
    expect(phone.locator("[data-after]")).to_be_hidden()
    site.close()  # who still lives an hour ago would tell the page that its clock is off
    phone.clock.fast_forward("01:00:01")
    expect(phone.locator("[data-after]")).to_contain_text("n’est plus en vigueur")
    expect(phone.locator(".instruction.big")).to_have_count(0)
    watch.without_network()
    site.open()


def test_another_language_is_one_tap_away_and_stays(site: CitizenSite, phone: Page) -> None:
    site.say("Eau coupée")
    phone.goto("/s/VILLARD/")
    phone.locator(".languages [lang=en]").click()
    assert urlsplit(phone.url).path == "/s/VILLARD/"
    expect(phone.locator("[data-follow]")).to_have_text("Follow this station")
    phone.goto("/")
    expect(phone.locator("h1")).to_have_text("What your town says")
    assert [c["name"] for c in phone.context.cookies()] == ["tambour_language"]


def test_what_was_read_stays_readable_without_a_network(
    site: CitizenSite, phone: Page, watch: Watch
) -> None:
    publication = site.say("Eau coupée", expires=clock.now() + timedelta(hours=1))
    phone.goto("/s/VILLARD/")
    phone.locator("[data-follow]").click()
    kept_for_later(phone)
    phone.goto(f"/p/{publication}")
    kept_for_later(phone)
    phone.goto("/")
    expect(phone.locator("#followed article")).to_have_count(1)
    kept_for_later(phone)
    site.close()
    phone.goto("/s/VILLARD/")
    expect(phone.locator("article h3")).to_have_text("Eau coupée")
    expect(phone.locator("#copy")).to_be_hidden()  # fresh enough to be no news
    phone.goto(f"/p/{publication}")
    expect(phone.locator(".instruction.big")).to_be_visible()
    phone.goto("/")
    expect(phone.locator("#followed article")).to_have_count(1)
    expect(phone.locator("#copy")).to_be_visible()
    phone.goto("/vie-privee")
    expect(phone.locator("h1")).to_have_text("Pas de réseau")
    phone.clock.install()
    phone.clock.fast_forward("02:00:00")
    phone.goto("/s/VILLARD/")
    expect(phone.locator("#copy")).to_contain_text("Pas de réseau")
    expect(phone.locator("article")).to_have_count(0)
    watch.without_network()
    site.open()
    phone.goto("/s/VILLARD/")
    expect(phone.locator("#copy")).to_be_hidden()


def test_notifications_are_explained_before_the_browser_asks(
    site: CitizenSite, phone: Page
) -> None:
    phone.goto("/s/VILLARD/")
    card = phone.locator("#notify")
    expect(card).to_be_hidden()
    phone.locator("[data-follow]").click()
    expect(card).to_contain_text("répondez «\u00a0Autoriser\u00a0»")
    expect(card).to_contain_text("Ni nom, ni numéro, ni position")
    expect(card.locator("button.main")).to_have_text("Recevoir les notifications")


def test_a_refusal_is_said_in_words_and_the_station_stays_followed(
    site: CitizenSite, phone: Page
) -> None:
    phone.goto("/s/VILLARD/")
    phone.locator("[data-follow]").click()
    phone.evaluate("Notification.requestPermission = async () => 'denied'")
    phone.locator("#notify button.main").click()
    expect(phone.locator("#notify-says")).to_contain_text("sont bloquées")
    expect(phone.locator("[data-followed]")).to_be_visible()


def test_a_push_service_out_of_reach_is_said_in_words(
    site: CitizenSite, phone: Page, context: BrowserContext, watch: Watch
) -> None:
    context.grant_permissions(["notifications"])
    phone.goto("/s/VILLARD/")
    phone.locator("[data-follow]").click()
    phone.locator("#notify button.main").click()
    says = phone.locator("#notify-says")
    expect(says).to_contain_text("ne répond pas. Rien n'a changé", timeout=40_000)
    assert all("Push API" in text for text in watch.complaints)
    watch.complaints.clear()


def test_all_can_be_read_without_a_script(chromium: Browser, site: CitizenSite) -> None:
    site.say("Eau coupée", severity="Severe")
    context = chromium.new_context(base_url=site.url, locale="es", java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    page.locator("#q").fill("villard")
    page.keyboard.press("Enter")
    page.locator(".stations a").click()
    expect(page.locator("article .badge")).to_have_text("Alerta")
    expect(page.locator("[data-follow]")).to_be_hidden()
    expect(page.locator("#notify")).to_be_hidden()
    page.locator("article h3 a").click()
    expect(page.locator(".instruction.big")).to_be_visible()
    expect(page.locator("#copy")).to_be_hidden()
    context.close()


def test_the_keyboard_reaches_all_in_order(site: CitizenSite, phone: Page) -> None:
    site.say("Eau coupée")
    phone.goto("/s/VILLARD/")
    expect(phone.locator("[data-follow]")).to_be_visible()
    phone.keyboard.press("Tab")
    expect(phone.locator(".skip")).to_be_focused()
    phone.keyboard.press("Enter")
    phone.keyboard.press("Tab")
    expect(phone.locator("[data-follow]")).to_be_focused()
    phone.keyboard.press("Enter")
    expect(phone.locator("[data-unfollow]")).to_be_focused()
    phone.keyboard.press("Enter")
    expect(phone.locator("[data-follow]")).to_be_focused()


SMALL = """() => [...document.querySelectorAll(
        'a.button, button, input, select, summary, .nav a, h3 a, .foot a')]
    .filter((e) => e.offsetParent && e.type !== 'checkbox')
    .filter((e) => {
        const box = e.getBoundingClientRect();
        return Math.min(box.height, box.width) < 43.5;
    })
    .map((e) => e.outerHTML.slice(0, 90))"""
TINY = """() => [...document.querySelectorAll('body *')]
    .filter((e) => e.offsetParent)
    .filter((e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim()))
    .filter((e) => parseFloat(getComputedStyle(e).fontSize) < 16)
    .map((e) => e.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_very_small_phone_shows_all_large_enough(
    site: CitizenSite, phone: Page, scheme: str
) -> None:
    publication = site.say("Eau coupée", severity="Severe", status="exercise")
    site.end(site.say("Avenue fermée"), EndedAs.RETRACTED)
    phone.set_viewport_size({"width": 320, "height": 568})
    phone.emulate_media(color_scheme=scheme)
    phone.goto("/s/VILLARD/")
    phone.locator("[data-follow]").click()
    for path in ("/", "/s/VILLARD/", f"/p/{publication}", "/abonnement", "/vie-privee"):
        phone.goto(path)
        phone.wait_for_load_state("networkidle")
        phone.evaluate("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        assert phone.evaluate("document.documentElement.scrollWidth") <= 320, path
        assert phone.evaluate(SMALL) == [], path
        assert phone.evaluate(TINY) == [], path
