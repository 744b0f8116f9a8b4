"""The street: what it takes over the two outside protocols, and what its page shows."""

import asyncio
import re
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from granian.constants import Interfaces
from granian.server.embed import Server
from pydantic import SecretStr
from starlette.testclient import TestClient

from channels.mastodon import Mastodon
from channels.sms import Sms
from dashboards import assets
from dashboards.street import Store, app_for, create_app
from dashboards.street.app import FILES, events
from dashboards.street.words import WORDS, language_of
from hub.contracts import Means, Target, Verdict
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent
from tests.fakes.notices import water_cut

SIGNED = {"Authorization": "Bearer demonstration"}


@pytest.fixture
def store() -> Store:
    return Store()


@pytest.fixture
def street(store: Store) -> TestClient:
    return TestClient(app_for(store))


def send_sms(street: TestClient, text: str, to: str = "+33639980011", **params: Any) -> Any:
    call = {"access_token": "demonstration", "to": to, "message": text} | params
    return street.post("/jsonrpc/sms", json={"method": "sms.send_sms", "params": call})


def post(street: TestClient, text: str, **headers: str) -> str:
    answer = street.post("/api/v1/statuses", json={"status": text}, headers=SIGNED | headers)
    assert answer.status_code == 200
    return str(answer.json()["id"])


def now(street: TestClient, lang: str = "fr") -> str:
    return street.get(f"/now?lang={lang}").text


def test_an_sms_is_shown_on_the_telephone_of_its_number(street: TestClient) -> None:
    answer = send_sms(street, "Coupure d'eau, rue du Vercors.")
    assert answer.json()["result"][0]["status"] == "ok"
    page = now(street)
    assert "06 39 98 00 11" in page
    assert "Coupure d&#39;eau, rue du Vercors." in page
    assert "30 caractères" in page


def test_each_number_has_one_telephone_and_the_last_told_comes_first(street: TestClient) -> None:
    for text, to in (("un", "+33639980011"), ("deux", "+33639980027"), ("trois", "+33639980011")):
        send_sms(street, text, to)
    page = now(street)
    assert re.findall(r"<h3>(.+?)</h3>", page) == ["06 39 98 00 11", "06 39 98 00 27"]
    assert page.index("un") < page.index("trois") < page.index("deux")
    assert "2 SMS" in page


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"not json", 400),
        (b"[]", 400),
        (b'{"method": "sms.send_sms", "params": {"to": "+33639980011"}}', 400),
        (b'{"method": "sms.send_togroup", "params": '
         b'{"access_token": "a", "to": "1", "message": "a"}}', 400),
        (b'{"method": "sms.send_sms", "params": '
         b'{"access_token": "", "to": "+33639980011", "message": "a"}}', 401),
        (b"x" * 70_000, 413),
    ],
)  # fmt: skip
def test_what_the_operator_cannot_use_is_refused(
    street: TestClient, store: Store, body: bytes, status: int
) -> None:
    assert street.post("/jsonrpc/sms", content=body).status_code == status
    assert store.sms == []


def test_an_edited_post_shows_the_new_wording_and_keeps_the_old_one_struck(
    street: TestClient,
) -> None:
    ident = post(street, "Marché place du 8-Mai")
    street.put(f"/api/v1/statuses/{ident}", json={"status": "Marché au parc"}, headers=SIGNED)
    page = now(street)
    assert re.search(r'<p class="words"[^>]*>Marché au parc</p>', page)
    assert '<del class="words">Marché place du 8-Mai</del>' in page
    assert "Modifié à" in page


def test_a_deleted_post_stays_on_the_page_struck_and_is_gone_for_the_network(
    street: TestClient,
) -> None:
    ident = post(street, "Marché au parc")
    assert street.delete(f"/api/v1/statuses/{ident}", headers=SIGNED).status_code == 200
    page = now(street)
    assert '<del class="words">Marché au parc</del>' in page
    assert "Supprimé à" in page
    for call in (street.get, street.delete):
        assert call(f"/api/v1/statuses/{ident}", headers=SIGNED).status_code == 404


def test_the_same_idempotency_key_posts_once(street: TestClient, store: Store) -> None:
    first = post(street, "a", **{"Idempotency-Key": "k"})
    assert post(street, "a", **{"Idempotency-Key": "k"}) == first
    assert post(street, "a", **{"Idempotency-Key": "other"}) != first
    assert post(street, "a") != post(street, "a")
    assert len(store.posts) == 4


@pytest.mark.parametrize(
    ("headers", "body", "status"),
    [
        ({}, {"status": "a"}, 401),
        ({"Authorization": "Basic abc"}, {"status": "a"}, 401),
        (SIGNED, {"status": ""}, 422),
        (SIGNED, {"status": "a" * 501}, 422),
        (SIGNED, [], 422),
    ],
)
def test_what_the_network_cannot_use_is_refused(
    street: TestClient, store: Store, headers: dict[str, str], body: Any, status: int
) -> None:
    answer = street.post("/api/v1/statuses", json=body, headers=headers)
    assert answer.status_code == status
    assert answer.json()["error"]
    assert store.posts == []


def test_a_form_is_taken_like_json(street: TestClient, store: Store) -> None:
    answer = street.post("/api/v1/statuses", data={"status": "a", "language": "fr"}, headers=SIGNED)
    assert answer.status_code == 200
    assert (store.posts[0].text, store.posts[0].language) == ("a", "fr")


def test_what_is_received_is_shown_as_text_never_as_markup(street: TestClient) -> None:
    evil = '<script>alert(1)</script> https://a.example/"onclick=x <b>'
    send_sms(street, evil)
    post(street, evil)
    page = now(street)
    assert "<script>" not in page
    assert "<b>" not in page
    assert page.count('href="https://a.example/"') == 2


def test_only_the_last_two_hundred_are_kept(store: Store) -> None:
    async def many() -> None:
        for n in range(230):
            await store.receive("+33639980011", str(n))

    asyncio.run(many())
    assert [store.sms[0].text, store.sms[-1].text, len(store.sms)] == ["30", "229", 200]


def test_the_street_remembers_over_a_restart(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "street.json"
    street = TestClient(create_app(file))
    send_sms(street, "Bonjour à tous")
    ident = post(street, "a", **{"Idempotency-Key": "k"})
    street.put(f"/api/v1/statuses/{ident}", json={"status": "b"}, headers=SIGNED)
    again = TestClient(create_app(file))
    assert now(again) == now(street)
    assert post(again, "a", **{"Idempotency-Key": "k"}) == ident
    assert int(post(again, "c")) > int(ident)


def test_a_change_is_told_to_every_open_page_and_silence_is_a_comment(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dashboards.street.app.HEARTBEAT_S", 0.01)

    async def watch() -> list[str]:
        stream = events(store, -1)
        heard = [await anext(stream), await anext(stream)]
        waiting = asyncio.create_task(anext(stream))
        await store.receive("+33639980011", "a")
        heard.append(await waiting)
        while heard[-1].startswith(":"):
            heard.append(await anext(stream))
        return heard

    heard = asyncio.run(watch())
    assert heard[0] == "id: 0\ndata: 0\n\n"
    assert heard[1].startswith(":")
    assert heard[-1] == "id: 1\ndata: 1\n\n"


@pytest.mark.parametrize(
    ("accept", "title"),
    [
        ("", "La rue"), ("fr-FR,fr;q=0.9", "La rue"), ("en-GB", "The street"),
        ("es;q=0.8", "La calle"), ("de,en;q=0.5", "The street"), ("de", "La rue"),
    ],
)  # fmt: skip
def test_the_page_speaks_french_first_and_the_readers_language(
    street: TestClient, accept: str, title: str
) -> None:
    page = street.get("/", headers={"Accept-Language": accept})
    assert f"<h1>{title}</h1>" in page.text
    assert f'<html lang="{language_of(accept)}">' in page.text
    assert "default-src 'self'" in page.headers["Content-Security-Policy"]


def test_the_three_languages_are_complete() -> None:
    assert {frozenset(words) for words in WORDS.values()} == {frozenset(WORDS["fr"])}
    fields = {k: sorted(re.findall(r"{\w+}", v)) for k, v in WORDS["fr"].items()}
    for words in WORDS.values():
        assert {k: sorted(re.findall(r"{\w+}", v)) for k, v in words.items()} == fields


@pytest.mark.parametrize("installed", [True, False])
def test_the_files_of_the_page_are_served_with_or_without_browser_packages(
    street: TestClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, installed: bool
) -> None:
    for path in assets.VENDOR.values() if installed else ():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_bytes(b"a file of a package")
    monkeypatch.setattr(assets, "PACKAGES", tmp_path)
    assets._shelf.cache_clear()
    try:
        page = street.get("/").text
        files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page))
        assert files == {f"/static/{name}" for name in FILES}
        assert {street.get(f).status_code for f in files} == {200}
        missing = ("/static/base/none.css", "/static/../app.py", "/static/street/%2e%2e/store.py")
        assert {street.get(f).status_code for f in missing} == {404}
    finally:
        assets._shelf.cache_clear()


@pytest.fixture
def served(store: Store) -> Iterator[str]:
    """The street on a real socket; its host:port."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    server = Server(app_for(store), address="127.0.0.1", port=port, interface=Interfaces.ASGI)
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=lambda: loop.run_until_complete(server.serve()))
    thread.start()
    for _ in range(500):
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                break
        threading.Event().wait(0.02)
    yield f"127.0.0.1:{port}"
    loop.call_soon_threadsafe(server.stop)
    thread.join()
    loop.close()


def test_the_real_channels_speak_to_it(served: str, store: Store) -> None:
    means = Means("https://hub.example", AddressPolicy(frozenset({served})))
    sms = Sms(Sms.Options(url=SecretStr(f"smseagle://demonstration@{served}/")), means)
    message = sms.render([water_cut()], Intent.PUBLISH, "fr")
    outcomes = sms.send(message, [Target("k", f"+3363998001{n}") for n in range(3)])
    assert [o.verdict for o in outcomes] == [Verdict.ACCEPTED] * 3
    assert [o.ref for o in outcomes] == [str(s.id) for s in store.sms]
    assert {s.text for s in store.sms} == {message.body}

    options = Mastodon.Options(instance=f"http://{served}", token=SecretStr("demonstration"))
    social = Mastodon(options, means)
    assert social.check().ok
    ref = ""
    for intent, ended in (
        (Intent.PUBLISH, None), (Intent.UPDATE, None), (Intent.WITHDRAW, EndedAs.OVER),
    ):  # fmt: skip
        said = social.render([water_cut(ended_as=ended)], intent, "fr")
        (outcome,) = social.send(said, [Target(intent, "mastodon", intent, ref)])
        ref = outcome.ref or ref
    (shown,) = store.posts
    assert (shown.id, len(shown.edits), bool(shown.deleted)) == (ref, 1, True)
    assert shown.text.startswith("Mise à jour")
