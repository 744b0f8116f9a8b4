"""The citizens' own page in a real Firefox: its button subscribes, dispatch sends, the phone shows
the headline, and an update takes its place."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from hub import db
from hub.api import subscriptions
from hub.models import Follow, Station, Subscription
from hub.vocabulary import EndedAs
from tests.browser.citizen_site import CitizenSite
from tests.browser.marionette import Firefox, push_preferences
from tests.fakes.push_service import PushService

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(240)]

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
    preferences = {**push_preferences(service.socket_url), "intl.accept_languages": "fr"}
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
