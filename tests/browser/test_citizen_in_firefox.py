"""The citizens' own page in a real Firefox: its button subscribes, dispatch sends, the phone shows
the headline, and an update takes its place."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlmodel import select

from hub import cells, db, neighbourhoods
from hub.api import subscriptions
from hub.models import Authority, Follow, FollowCell, Station, Subscription
from hub.vocabulary import EndedAs
from tests.browser.citizen_site import CitizenSite
from tests.browser.marionette import Firefox, push_preferences, wait_for
from tests.fakes.push_service import PushService

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

HERE = (5.89213, 45.24071)
DEVICE = {"location": {"lng": HERE[0], "lat": HERE[1]}, "accuracy": 20}
TERRITORY = {
    "type": "Polygon",
    "coordinates": [[[5.865, 45.225], [5.92, 45.225], [5.92, 45.257], [5.865, 45.257],
                     [5.865, 45.225]]],
}  # fmt: skip
SHOWN = """
const all = await (await navigator.serviceWorker.ready).getNotifications();
return all.length && all[0].title === arguments[0]
    ? all.map((n) => ({title: n.title, tag: n.tag, url: n.data.url})) : null;
"""
VISIBLE = "return Boolean(document.querySelector(arguments[0])?.offsetParent)"


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with PushService() as running:
        yield running


@pytest.fixture(scope="module")
def browser(service: PushService) -> Iterator[Firefox]:
    preferences = {
        **push_preferences(service.socket_url),
        "intl.accept_languages": "fr",
        # The device stands in the Bourg, and its owner lets the page know.
        "geo.provider.network.url": "data:application/json," + quote(json.dumps(DEVICE)),
        "geo.prompt.testing": True,
        "geo.prompt.testing.allow": True,
    }
    with Firefox(preferences) as running:
        yield running


@pytest.fixture
def site(hub_on_sqlite: Path, service: PushService) -> Iterator[CitizenSite]:
    subscriptions._limiter.cache_clear()
    made = CitizenSite(hub_on_sqlite, TAMBOUR_ALLOW_PRIVATE=service.pair)
    yield made
    made.close()


def subscribe(browser: Firefox, site: CitizenSite) -> None:
    """As a person does: follow, read, tap."""
    browser.navigate(f"{site.url}/s/VILLARD/")
    browser.wait_for(VISIBLE, "[data-follow]")
    browser.click("[data-follow]")
    browser.wait_for(VISIBLE, "#notify button.main")
    browser.click("#notify button.main")
    browser.wait_for(VISIBLE, "#notify p[data-when=on]")


def shown(browser: Firefox, title: str) -> dict[str, Any]:
    """The only notification, once it has this title."""
    rows: list[dict[str, Any]] = browser.wait_for(SHOWN, title)
    assert len(rows) == 1
    return rows[0]


def followed() -> list[str]:
    with db.reading(db.EVERYWHERE) as session:
        query = select(Station.code).join(Follow, Follow.station_id == Station.id)
        return list(session.exec(query))


def test_the_pages_button_brings_the_notices_and_one_tap_ends_them(
    browser: Firefox, site: CitizenSite
) -> None:
    subscribe(browser, site)
    assert followed() == ["VILLARD"]

    publication = site.say("Rue des Brûlis fermée", severity="Moderate", urgency="Immediate")
    first = shown(browser, "Rue des Brûlis fermée")
    assert first["url"] == f"{site.url}/p/{publication}"

    site.revise(publication, "Rue rouverte à 16 h", severity="Moderate", urgency="Immediate")
    second = shown(browser, "Mise à jour\u00a0: Rue rouverte à 16 h")
    assert second["tag"] == first["tag"]

    site.end(publication, EndedAs.OVER)
    last = browser.wait_for(
        "const all = await (await navigator.serviceWorker.ready).getNotifications();"
        "return all.length === 1 && all[0].data.intent === 'withdraw' && all[0].tag;"
    )
    assert last == first["tag"]

    browser.navigate(f"{site.url}/abonnement")
    browser.wait_for(VISIBLE, "[data-stop]")
    browser.click("[data-stop]")
    browser.wait_for(VISIBLE, "#device p[data-when=off]")
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(Subscription)).all() == []


def test_choices_are_sent_and_shown_again(browser: Firefox, site: CitizenSite) -> None:
    subscribe(browser, site)
    browser.execute(
        "document.querySelector('#wishes details').open = true;"
        "document.querySelector('#wish-severity').value = 'Moderate';"
        "document.querySelector('#wish-language').value = 'en';"
        "document.querySelector('[name=categories][value=water]').checked = true;"
    )
    browser.click("#wishes button[value=save]")
    browser.wait_for("return document.querySelector('#notify-says').textContent.includes('choix')")
    with db.reading(db.EVERYWHERE) as session:
        row = session.exec(select(Subscription)).one()
        follow = session.exec(select(Follow)).one()
    assert (row.language, row.min_severity, follow.categories) == ("en", "Moderate", ["water"])

    browser.navigate(f"{site.url}/s/VILLARD/")
    browser.wait_for("return document.querySelector('#wish-language').value === 'en'")
    assert browser.execute(
        "return [...document.querySelectorAll('[name=categories]:checked')].map((b) => b.value)"
    ) == ["water"]


TICKED = """
return [...document.querySelectorAll('#places label')].filter((l) => !l.hidden)
    .filter((l) => l.querySelector('input').checked).map((l) => l.textContent.trim());
"""


def chosen_cells() -> set[str]:
    with db.reading(db.EVERYWHERE) as session:
        return {cells.name(row.cell) for row in session.exec(select(FollowCell))}


def test_neighbourhoods_are_chosen_by_name_and_around_without_a_position(
    browser: Firefox, site: CitizenSite
) -> None:
    with db.writing(site.authority.id or 0) as session:
        authority = session.get_one(Authority, site.authority.id)
        authority.territory = TERRITORY
        session.add(authority)
    subscribe(browser, site)
    browser.execute("document.querySelector('#wishes details').open = true")
    assert browser.execute(TICKED) == []
    named = {n.name: set(n.cells) for n in neighbourhoods.of_authority("villard-bonnot")}
    lancey = named["Lancey"]
    browser.execute(
        "[...document.querySelectorAll('#places label')]"
        ".find((l) => l.textContent.trim() === 'Lancey').querySelector('input').click()"
    )
    browser.click("#wishes button[value=save]")
    wait_for(lambda: chosen_cells() == lancey, 20, "the cells of Lancey")

    browser.navigate(f"{site.url}/s/VILLARD/")  # what the hub knows is ticked again
    browser.wait_for(TICKED)
    assert browser.execute(TICKED) == ["Lancey"]
    browser.execute("document.querySelector('#wishes details').open = true")
    browser.execute(
        "const own = window.fetch; window.sent = [];"
        "window.fetch = (...given) => { sent.push(JSON.stringify(given)); return own(...given); }"
    )
    browser.click("[data-around]")
    says = "return document.querySelector('#around-says').textContent"
    assert "hexagones" in browser.wait_for(says)
    assert browser.execute("return sent") == []  # the browser answered by itself
    browser.click("#wishes button[value=save]")
    wait_for(lambda: chosen_cells() > lancey, 20, "the cells around")
    (said,) = browser.execute("return sent.filter((text) => text.includes('PATCH'))")
    assert str(HERE[0]) not in said
    assert str(HERE[1]) not in said
    at_home = {cells.name(c) for c in cells.covering({"type": "Point", "coordinates": [*HERE]})}
    assert at_home <= chosen_cells()


def test_a_second_station_joins_and_the_last_one_left_ends_the_subscription(
    browser: Firefox, site: CitizenSite
) -> None:
    with db.writing(site.authority.id or 0) as session:
        session.add(Station(authority_id=site.authority.id, code="ECOLE", name="École"))
    subscribe(browser, site)
    browser.navigate(f"{site.url}/s/ECOLE/")
    browser.wait_for(VISIBLE, "[data-follow]")
    browser.wait_for("return document.querySelector('#notify').dataset.state === 'on'")
    browser.click("[data-follow]")
    browser.wait_for(VISIBLE, "[data-unfollow]")
    assert sorted(followed()) == ["ECOLE", "VILLARD"]
    browser.click("[data-unfollow]")
    browser.wait_for(VISIBLE, "[data-follow]")
    assert followed() == ["VILLARD"]
    browser.navigate(f"{site.url}/s/VILLARD/")
    browser.wait_for("return document.querySelector('#notify').dataset.state === 'on'")
    browser.wait_for(VISIBLE, "[data-unfollow]")
    browser.click("[data-unfollow]")
    browser.wait_for(VISIBLE, "[data-follow]")
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(Subscription)).all() == []
