"""The office in a real Chromium: write, see, publish, watch the board, end; with a keyboard alone,
without a script, on a small phone, by the rules of WCAG."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    Request,
    expect,
    sync_playwright,
)

from dashboards.assets import PACKAGES
from dashboards.office import signin
from hub import accounts, db
from hub.contracts import ReportStage
from hub.vocabulary import Role
from tests.browser.citizen_site import CitizenSite
from tests.factories import outlet
from tests.hub.panels.conftest import Spoken, publish, tell
from tests.working import work_all

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
EMAIL, PASSWORD = "chef@villard.example", "un tambour et deux baguettes"
# WCAG 2.2 A and AA; RGAA 4.1 is France's reading of them.
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=ARGUMENTS)
        yield browser
        browser.close()


@pytest.fixture
def site(hub_on_sqlite: Path) -> Iterator[CitizenSite]:
    made = CitizenSite(hub_on_sqlite)
    outlet(made.authority, "null", "temoin", tags=["temoin"])
    with db.writing(made.authority.id or 0) as session:
        accounts.create_member(
            session, made.authority, EMAIL, "Camille Rey", PASSWORD, [Role.ADMIN]
        )
    signin.limiter().storage.reset()
    yield made
    made.close()


@pytest.fixture
def office(chromium: Browser, site: CitizenSite) -> Iterator[BrowserContext]:
    """A desk's browser in French. Whatever a test does: no complaint, no other host."""
    made = chromium.new_context(
        base_url=site.url, locale="fr-FR", viewport={"width": 1280, "height": 900}
    )
    yield from watched(made)


def watched(context: BrowserContext) -> Iterator[BrowserContext]:
    hosts: set[str | None] = set()
    complaints: list[str] = []

    def asked(request: Request) -> None:
        hosts.add(urlsplit(request.url).hostname)

    context.on("request", asked)
    context.on("console", lambda m: m.type in ("error", "warning") and complaints.append(m.text))
    context.on("weberror", lambda e: complaints.append(str(e.error)))
    yield context
    context.close()
    assert hosts == {"127.0.0.1"}
    assert complaints == []


def come_in(context: BrowserContext) -> Page:
    page = context.new_page()
    page.goto("/office/")
    page.get_by_label("Adresse électronique").fill(EMAIL)
    page.get_by_label("Mot de passe").fill(PASSWORD)
    page.get_by_role("button", name="Se connecter").click()
    expect(page.get_by_role("heading", name="Aujourd’hui")).to_be_visible()
    return page


def green(page: Page) -> Locator:
    return page.locator('tr[data-ok="yes"]')


def test_said_once_seen_everywhere_and_ended(site: CitizenSite, office: BrowserContext) -> None:
    page = come_in(office)
    page.get_by_role("link", name="Écrire une publication").first.click()
    page.get_by_label("Catégorie").select_option("roadworks")
    page.get_by_label("Ce qui se passe").first.fill("Rue des Brûlis fermée")
    page.get_by_label("Que faire").first.fill("Suivez la déviation par l’avenue Foch.")
    page.get_by_label("Où", exact=True).fill("Rue des Brûlis")

    sights = page.locator("#sights")
    expect(sights.locator(".phone .bubble b")).to_contain_text("Rue des Brûlis fermée")
    expect(sights).to_contain_text("Site web et flux")
    page.get_by_role("tab", name="English").click()
    page.get_by_label("Ce qui se passe").nth(1).fill("Rue des Brûlis closed")

    page.get_by_role("button", name="Publier maintenant").click()
    expect(page.get_by_text("Publié. Le tableau ci-dessous suit chaque support.")).to_be_visible()
    rows = page.locator("tr[data-outlet]")
    expect(rows).to_have_count(3)
    expect(page.locator('tr[data-outlet="website"]')).to_have_attribute("data-ok", "no")

    work_all()  # the workers' turn; the page hears of it by itself
    expect(green(page)).to_have_count(3, timeout=15_000)
    expect(page.locator("#board")).to_contain_text("Tout montre ce qui est voulu")
    feed(office, lambda text: "Rue des Brûlis fermée" in text)

    page.get_by_role("link", name="Mettre fin").click()
    page.get_by_label("C’était une erreur").check()
    page.get_by_role("button", name="Mettre fin maintenant").click()
    work_all()
    expect(page.locator('tr[data-outlet="website"]')).to_have_attribute(
        "data-state", "clear", timeout=15_000
    )
    feed(office, lambda text: "Rue des Brûlis" not in text)


def feed(office: BrowserContext, right: Callable[[str], bool]) -> None:
    """Wait until the station's feed is right: a web process looks for news every half second."""
    deadline = time.monotonic() + 15
    while not right(text := office.request.get("/s/VILLARD/feed.json").text()):
        assert time.monotonic() < deadline, text
        time.sleep(0.1)


def test_an_area_is_drawn_on_a_map_without_tiles(site: CitizenSite, office: BrowserContext) -> None:
    page = come_in(office)
    page.goto("/office/compose")
    page.get_by_label("Ce qui se passe").first.fill("Coupure d’eau")
    page.get_by_role("button", name="Cercle").click()
    box = page.locator("#map").bounding_box()
    assert box
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.click(*middle)
    page.mouse.click(middle[0] + 40, middle[1])
    assert page.locator("#area-value").input_value().startswith('{"type":"Polygon"')
    page.get_by_role("button", name="Effacer la zone").click()
    assert page.locator("#area-value").input_value() == ""
    page.get_by_role("button", name="Contour").click()
    for dx, dy in ((-60, -40), (60, -40), (0, 60), (-60, -40)):
        page.mouse.click(middle[0] + dx, middle[1] + dy)
    drawn = page.evaluate("JSON.parse(document.getElementById('area-value').value)")
    assert len(drawn["coordinates"][0]) == 4
    page.get_by_role("button", name="Enregistrer le brouillon").click()
    expect(page.locator(".mini-map .zone")).to_be_visible()


def test_a_keyboard_alone_is_enough(site: CitizenSite, office: BrowserContext) -> None:
    page = office.new_page()
    page.goto("/office/")
    page.keyboard.type(EMAIL)  # the first field has the focus
    page.keyboard.press("Tab")
    page.keyboard.type(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Aujourd’hui")).to_be_visible()

    page.keyboard.press("Tab")
    expect(page.locator(".skip")).to_be_focused()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Écrire une publication")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/office/compose")

    reach(page, "[name='texts.fr.headline']")
    page.keyboard.type("Marché déplacé place de la Gare")
    reach(page, "[name=area_desc]")
    page.keyboard.type("Place de la Gare")
    reach(page, "[name=severity]")
    page.keyboard.press("ArrowDown")
    assert page.locator("[name=severity]:checked").input_value() == "Moderate"
    reach(page, "button[value=publish]")
    page.keyboard.press("Enter")
    expect(page.locator("tr[data-outlet]")).to_have_count(3)
    reach(page, "a[href$='/end']")


def reach(page: Page, selector: str) -> None:
    """Press Tab until the element has the focus, and see that every stop shows where it is."""
    for _ in range(80):
        page.keyboard.press("Tab")
        at = page.evaluate(
            """() => {
                const e = document.activeElement;
                const s = getComputedStyle(e);
                const box = e.getBoundingClientRect();
                return {seen: s.outlineStyle !== 'none' && s.outlineWidth !== '0px',
                        hidden: box.width === 0 || e.closest('[aria-hidden=true]') !== null,
                        what: e.outerHTML.slice(0, 120)};
            }"""
        )
        assert at["seen"], at
        assert not at["hidden"], at
        if page.evaluate("s => document.activeElement.matches(s)", selector):
            return
    raise AssertionError(f"Tab never reaches {selector}")


def test_everything_works_without_a_script(chromium: Browser, site: CitizenSite) -> None:
    context = chromium.new_context(base_url=site.url, locale="fr-FR", java_script_enabled=False)
    page = come_in(context)
    page.goto("/office/compose")
    page.get_by_label("Ce qui se passe").first.fill("Coupure d’eau jeudi")
    page.get_by_text("Donner la zone en chiffres").click()
    page.get_by_label("Latitude").fill("45,236")
    page.get_by_label("Longitude").fill("5,888")
    page.get_by_label("Rayon en mètres").fill("300")
    page.get_by_role("button", name="Voir ce qu’ils verront").click()
    expect(page.locator("#sights")).to_contain_text("Coupure d’eau jeudi")
    page.get_by_role("button", name="Publier maintenant").click()
    expect(page.locator("tr[data-outlet]")).to_have_count(3)
    context.close()


PATHS = ("/office/sign-in", "/office/", "/office/compose", "/office/publications", "/office/drafts",
         "/office/outlets", "/office/outlets/add?kind=panel", "/office/outlets/temoin",
         "/office/agenda", "/office/agenda/add", "/office/sources", "/office/sources/add",
         "/office/sources/try", "/office/panels", "/office/panels/place", "/office/panel-keys",
         "/_components")  # fmt: skip


def pages(site: CitizenSite, headline: str = "Rue des Brûlis fermée") -> list[str]:
    """With something to see on each of them."""
    here = f"/office/publications/{site.say(headline)}"
    place = outlet(site.authority, "panel", "place", latitude=45.235, longitude=5.89)
    outlet(site.authority, "panel", "gare", latitude=45.24, longitude=5.88)  # never heard of
    panel = Spoken(site.authority, place)
    panel.say(ReportStage.BIRTH, plan_rev=0, model="text-8x16", columns=16, lines=8, colour="amber")
    publish(site.authority, "Rue Saint-Barthélemy fermée")
    tell([place.id])
    panel.say(ReportStage.HEARTBEAT, plan_rev=0, temp_c=21.5, brightness=60, data_month_kb=2048)
    panel.shows()
    told = "Anticonstitutionnellement ouverte, deuxième fermeture à trois points"
    panel.say(ReportStage.FAULT, code="door", severity="error", detail=told)
    return [*PATHS, here, f"{here}/edit", f"{here}/end", f"{here}/confirm", f"{here}/certificate"]


# Parts that can be moved sideways: what lies beyond their edge is found by nobody.
SIDEWAYS = """() => [...document.querySelectorAll('body *')]
    .filter((e) => ['auto', 'scroll'].includes(getComputedStyle(e).overflowX))
    .filter((e) => e.scrollWidth > e.clientWidth)
    .map((e) => e.outerHTML.slice(0, 90))"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_no_page_breaks_a_rule_of_wcag(chromium: Browser, site: CitizenSite, theme: Any) -> None:
    paths = pages(site)
    context = chromium.new_context(
        base_url=site.url, locale="fr-FR", color_scheme=theme, bypass_csp=True
    )
    page = come_in(context)
    found = {}
    for path in paths:
        page.goto(path)
        page.add_script_tag(path=PACKAGES / "axe-core" / "axe.min.js")
        passed, broken = page.evaluate(
            "tags => axe.run(document, {runOnly: tags}).then(r => [r.passes.length, "
            "r.violations.map(v => [v.id, ...v.nodes.map(n => n.html.slice(0, 160))])])",
            RULES,
        )
        assert passed > 10, path
        if broken:
            found[path] = broken
    context.close()
    assert found == {}


def test_no_page_scrolls_sideways_on_a_small_phone(chromium: Browser, site: CitizenSite) -> None:
    paths = pages(site, "Anticonstitutionnellement prolongée : déviation Saint-Barthélemy")
    context = chromium.new_context(
        base_url=site.url, locale="fr-FR", viewport={"width": 320, "height": 568}, has_touch=True
    )
    page = come_in(context)
    wide = {}
    for path in paths:
        page.goto(path)
        over = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if over > 0 or page.evaluate(SIDEWAYS):
            wide[path] = (over, page.evaluate(SIDEWAYS))
    menu = page.locator(".main-nav a")
    boxes = [link.bounding_box() for link in menu.all()]
    context.close()
    assert wide == {}
    assert len(boxes) == 7
    for box in boxes:
        assert box
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 320
        assert box["height"] >= 44
