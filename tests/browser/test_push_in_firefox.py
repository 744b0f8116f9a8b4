"""A real browser receives real pushes, with no internet: it subscribes through our script and our
API, a publication is made, dispatch sends, and a push service that speaks Mozilla's protocol brings
it to our service worker."""

import http.server
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from channels.push.encryption import encrypt, parse_receiver
from channels.push.sending import Request, Sender
from hub import accounts, db, settings, subscribing
from hub.api import problems, publications, subscriptions
from hub.models import Subscription
from hub.vocabulary import Role
from tests.browser.marionette import Firefox, push_preferences, wait_for
from tests.conftest import start_instance
from tests.factories import outlet, town
from tests.fakes.push_service import PushService
from tests.working import work_all

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.timeout(180)]

STATIC = Path(__file__).parents[2] / "dashboards" / "citizen" / "static"
PAGE = b"""<!doctype html><html lang="fr"><title>Suivre</title>
<script type="module">import * as push from "/push.js"; window.push = push;</script>
<button onclick="push.subscribe({stations: ['VILLARD'], language: 'fr'})
    .then((s) => window.said = s, (e) => window.said = {code: e.code, errors: e.errors,
    cause: String(e.cause)})">Suivre</button>"""
NOTICE = {
    "headline": "Rue des Brûlis fermée",
    "instruction": "Suivez la déviation par l'avenue Foch.",
    "category": "closure",
    "severity": "Moderate",
    "urgency": "Immediate",
    "area_desc": "Rue des Brûlis",
    "state": "live",
}
SHOWN = """
const registration = await navigator.serviceWorker.ready;
return (await registration.getNotifications()).map((n) => ({
    title: n.title, body: n.body, tag: n.tag, data: n.data, silent: n.silent, lang: n.lang}));
"""


class _Site(http.server.ThreadingHTTPServer):
    """The page, our two scripts, and the API behind them."""

    daemon_threads = True

    def __init__(self, api: TestClient) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.api, self.one_at_a_time = api, threading.Lock()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class _Visit(http.server.BaseHTTPRequestHandler):
    server: _Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/api/"):
            self._ask_api()
        elif self.path.startswith(("/sw.js", "/push.js")):
            name = self.path.partition("?")[0].lstrip("/")
            self._answer(200, (STATIC / name).read_bytes(), "text/javascript")
        else:
            self._answer(200, PAGE, "text/html; charset=utf-8")

    def _ask_api(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = ("authorization", "content-type", "host")
        headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
        with self.server.one_at_a_time:
            answer = self.server.api.request(self.command, self.path, content=body, headers=headers)
        self._answer(answer.status_code, answer.content, answer.headers.get("content-type", ""))

    do_POST = do_PATCH = do_DELETE = _ask_api

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        if status != 204:
            self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass


class Town:
    """An instance with a push outlet, the site of its citizens, and a push service."""

    def __init__(self, service: PushService) -> None:
        self.service = service
        authority = town()
        outlet(authority, "push")
        app = FastAPI()
        problems.install(app)
        app.include_router(subscriptions.router, prefix="/api/v1")
        app.include_router(publications.router, prefix="/api/v1")
        subscriptions._limiter.cache_clear()
        with db.writing(authority.id) as session:
            roles = [Role.ADMIN]
            _, token = accounts.create_token(session, authority, "test", roles, "test")
        self.site = _Site(TestClient(app))
        self._press = TestClient(app, headers={"Authorization": f"Bearer {token}"})

    def say(self, path: str = "", **given: Any) -> dict[str, Any]:
        with self.site.one_at_a_time:
            answer = self._press.post(f"/api/v1/publications{path}", json=given)
            assert answer.is_success, answer.text
            work_all()
        said: dict[str, Any] = answer.json()
        return said

    def subscription(self) -> Subscription | None:
        with db.reading(db.EVERYWHERE) as session:
            return session.exec(select(Subscription)).first()

    def push(self, payload: bytes) -> None:
        """Straight to the phone, whatever the payload, and wait until the browser has taken it."""
        row = self.subscription()
        assert row is not None
        body = encrypt(payload, parse_receiver(row.p256dh, row.auth))
        before = len(self.service.acks)
        sender = Sender(settings.get().policy)
        lines = ["TTL: 60", "Content-Encoding: aes128gcm", "Authorization: vapid t=a,k=b"]
        (answer,) = sender.send([row.endpoint], lambda *_: Request(body, lines))
        sender.close()
        assert answer.status == 201
        self.service.wait(lambda: len(self.service.acks) > before)


@pytest.fixture(scope="module")
def service() -> Iterator[PushService]:
    with PushService() as running:
        yield running


@pytest.fixture
def villard(hub_on_sqlite: Path, service: PushService) -> Iterator[Town]:
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=service.pair)
    made = Town(service)
    yield made
    made.site.shutdown()
    made.site.server_close()


@pytest.fixture(scope="module")
def browser(service: PushService) -> Iterator[Firefox]:
    with Firefox(push_preferences(service.socket_url)) as running:
        yield running


def subscribe(browser: Firefox, villard: Town) -> dict[str, Any]:
    browser.navigate(villard.site.url)
    browser.wait_for("return Boolean(window.push)")
    browser.click("button")
    said: dict[str, Any] = browser.wait_for("return window.said")
    assert said["code"] == "on", said
    return said


def shown(browser: Firefox, title: str) -> dict[str, Any]:
    """The only notification, once it has this title."""
    wait = f"const all = await (async () => {{{SHOWN}}})();" + (
        "return all.length && all[0].title === arguments[0] ? all : null;"
    )
    rows: list[dict[str, Any]] = browser.wait_for(wait, title)
    assert len(rows) == 1
    return rows[0]


def test_a_publication_is_shown_replaced_and_withdrawn(browser: Firefox, villard: Town) -> None:
    said = subscribe(browser, villard)
    assert said["stations"] == ["VILLARD"]

    made = villard.say(**NOTICE)
    first = shown(browser, "Rue des Brûlis fermée")
    assert "Suivez la déviation par l'avenue Foch." in first["body"]
    assert first["tag"] == made["id"]
    assert first["data"]["url"].endswith(f"/p/{made['id']}")

    villard.say(f"/{made['id']}/revisions", headline="Rue des Brûlis rouverte à 16 h", state="live")
    second = shown(browser, "Mise à jour\u00a0: Rue des Brûlis rouverte à 16 h")
    assert second["tag"] == first["tag"]
    assert second["data"]["revision"] == 2

    villard.say(f"/{made['id']}/cancel", ended_as="retracted")
    last = shown(browser, "Annulé, information erronée\u00a0: Rue des Brûlis rouverte à 16 h")
    assert "erronée" in last["body"]
    assert "déviation" not in last["body"]
    villard.service.wait(lambda: len(villard.service.acks) >= 3)
    assert {ack["kind"] for ack in villard.service.acks} == {"ack"}


def test_the_page_knows_where_it_stands_and_leaves(browser: Firefox, villard: Town) -> None:
    browser.navigate(villard.site.url)
    browser.wait_for("return Boolean(window.push)")
    assert browser.execute("return push.state()") == {"code": "off"}
    subscribe(browser, villard)
    assert browser.execute("return push.state()")["code"] == "on"
    changed = browser.execute("return push.change({categories: ['water'], language: 'en'})")
    assert (changed["categories"], changed["language"]) == (["water"], "en")
    assert browser.execute("return push.unsubscribe()") == {"code": "off"}
    assert browser.execute("return push.state()") == {"code": "off"}
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(Subscription)).all() == []


def message(revision: int, **given: Any) -> bytes:
    """A payload as the push kind makes it (docs/push.md)."""
    return json.dumps(
        {
            "title": f"Crue, point {revision}",
            "body": "Montez à l'étage.",
            "tag": "01JNB2Z6W0QX4T8M5R7V9C3E1D",
            "publication": "01JNB2Z6W0QX4T8M5R7V9C3E1D",
            "url": "https://annonces.example/p/01JNB2Z6W0QX4T8M5R7V9C3E1D",
            "revision": revision,
            "intent": "publish" if revision == 1 else "update",
            "expires": int(time.time()) + 3600,
            "sent": int(time.time()),
            "severity": "Moderate",
            "station": "Mairie",
            "lang": "fr",
        }
        | given
    ).encode()


def test_a_revision_that_comes_late_is_not_shown_as_current(
    browser: Firefox, villard: Town
) -> None:
    subscribe(browser, villard)
    villard.push(message(2))
    assert shown(browser, "Crue, point 2")["silent"] is False
    villard.push(message(1))
    again = browser.wait_for(
        f"const all = await (async () => {{{SHOWN}}})();"
        "return all.length === 1 && all[0].data.fresh === false && all[0];"
    )
    assert again["title"] == "Crue, point 2"
    assert again["silent"] is True


def test_what_was_withdrawn_does_not_come_back(browser: Firefox, villard: Town) -> None:
    subscribe(browser, villard)
    villard.push(message(1, intent="withdraw", title="Fin : Crue", expires=0))
    shown(browser, "Fin : Crue")
    villard.push(message(1))
    villard.push(message(1))
    assert [n["title"] for n in browser.execute(SHOWN)] == ["Fin : Crue"]
    villard.push(message(2))
    shown(browser, "Crue, point 2")


def test_what_expired_on_the_way_becomes_a_neutral_sentence(
    browser: Firefox, villard: Town
) -> None:
    subscribe(browser, villard)
    villard.push(message(1, expires=int(time.time()) - 5))
    notification = shown(browser, "Annonce passée")
    assert notification["body"] == "Mairie\nCette annonce n'est plus en vigueur."
    assert notification["silent"] is True


def test_a_notification_whose_time_ran_out_is_put_away_at_the_next_push(
    browser: Firefox, villard: Town
) -> None:
    subscribe(browser, villard)
    villard.push(message(1, expires=int(time.time()) + 2))
    shown(browser, "Crue, point 1")
    browser.wait_for("return Date.now() / 1000 > arguments[0]", time.time() + 3)
    villard.push(message(1, tag="other", publication="other", title="Marché déplacé"))
    shown(browser, "Marché déplacé")


@pytest.mark.parametrize("payload", [b"", b"not json", b"{}", b'{"title": "x"}'])
def test_a_push_that_cannot_be_read_still_says_something(
    browser: Firefox, villard: Town, payload: bytes
) -> None:
    subscribe(browser, villard)
    villard.push(payload)
    shown(browser, "New notice")


def test_the_browser_echoes_a_confirmation(browser: Firefox, villard: Town) -> None:
    subscribe(browser, villard)
    with db.writing(db.EVERYWHERE) as session:
        row = session.exec(select(Subscription)).one()
        row.state, row.confirm = "new", "a-nonce"
        session.add(row)
    assert browser.execute("return push.state()")["code"] == "waiting"
    subscribing.send_confirmation(row.id or 0)
    shown(browser, "Abonnement confirmé")
    assert browser.execute("return push.state()")["code"] == "on"


def test_a_wrong_confirmation_says_what_to_do(browser: Firefox, villard: Town) -> None:
    subscribe(browser, villard)
    with db.writing(db.EVERYWHERE) as session:
        row = session.exec(select(Subscription)).one()
        row.state, row.confirm = "new", "a-nonce"
        session.add(row)
    villard.push(b'{"confirm": "another", "lang": "en"}')
    assert "subscribe again" in shown(browser, "Subscription to confirm")["body"]


RENEW = """
const principal = Services.scriptSecurityManager.createContentPrincipal(
    Services.io.newURI(arguments[0]), {});
Cc["@mozilla.org/push/Notifier;1"].getService(Ci.nsIPushNotifier)
    .notifySubscriptionChange(arguments[0] + "/", principal, null);
"""


def test_a_subscription_that_the_hub_lost_is_made_again_without_a_page(
    browser: Firefox, villard: Town
) -> None:
    subscribe(browser, villard)
    with db.writing(db.EVERYWHERE) as session:
        row = session.exec(select(Subscription)).one()
        subscribing._delete(session, [row.id or 0])
    browser.execute_in_browser(RENEW, villard.site.url)
    wait_for(villard.subscription, 20, "the renewed subscription")
    # The worker keeps the new token once the hub has answered.
    browser.wait_for("return (await push.state()).code === 'on'")
    assert browser.execute("return push.state()")["stations"] == ["VILLARD"]


def test_troubles_are_told_by_case(browser: Firefox, villard: Town) -> None:
    browser.navigate(villard.site.url)
    browser.wait_for("return Boolean(window.push)")
    trouble = "return push.subscribe(arguments[0]).then(() => null, (e) => [e.code, e.message])"
    code, says = browser.execute(trouble, {"stations": ["NOWHERE"]})
    assert (code, says) == ("refused", "L'abonnement n'a pas été accepté.")
    browser.execute("push.configure({api: arguments[0]})", "http://127.0.0.1:1/api/v1")
    assert browser.execute(trouble, {"stations": ["VILLARD"]})[0] == "network"
    everywhere = browser.execute(
        "return ['unsupported', 'insecure', 'install', 'denied', 'dismissed', 'service', 'network',"
        "'busy', 'refused'].map((c) => ['fr', 'en', 'es'].map((l) => push.says(c, l)))"
    )
    assert len({sentence for row in everywhere for sentence in row}) == 27
