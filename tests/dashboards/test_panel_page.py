"""The page of a twin: what the panel shows, in words, dots and a picture; nothing from outside."""

import re
import threading
import urllib.request
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from channels.panels import jws, model, plan
from channels.panels.twin import PanelClock, Twin, run
from dashboards.panel import face_app, words
from hub import clock
from hub.contracts import Text
from tests.channels.panels.conftest import KEY, view
from tests.fakes.brokers import free_port, is_listening, until
from tests.fakes.notices import SENT, water_cut

NOBODY = "mqtt://127.0.0.1:9"


@pytest.fixture
def twin(tmp_path: Path) -> Twin:
    """A panel without a broker, at the hour of the demo notice."""
    offset = (SENT - clock.now()).total_seconds() + 60
    return Twin(NOBODY, "villard-bonnot", "mairie", "text-8x16", tmp_path,
                panel_clock=PanelClock(offset))  # fmt: skip


def tell(twin: Twin, *notices: Any) -> None:
    made = plan.make(view(10), notices, model.load("text-8x16"), SENT)
    twin.inbox.plan(made.payload, jws.sign(made.payload, KEY, "vb-1"))


def test_the_page_shows_what_the_panel_shows(twin: Twin) -> None:
    tell(twin, water_cut())
    page = TestClient(face_app(twin)).get("/").text
    assert "Panneau «\u00a0mairie\u00a0»" in page
    assert "COUPURE D&#39;EAU" in page
    assert "1 message en cours." in page
    assert "jusqu’au mar. 3 mars à 11:00" in page
    assert '<html lang="fr">' in page
    assert re.search(r'<img id="face"[^>]*alt="COUPURE', page)


def test_an_empty_panel_says_that_it_waits(twin: Twin) -> None:
    page = TestClient(face_app(twin)).get("/").text
    assert "Aucun affichage valable : le panneau attend la mairie." in page
    assert "Hors liaison" in page


def test_the_state_is_what_is_in_force_with_its_dots(twin: Twin) -> None:
    tell(twin, water_cut())
    state = TestClient(face_app(twin)).get("/state.json").json()
    assert state["plan_rev"] == 10
    assert state["items"][0]["pub"] == "01JWATER0000000000000000AA"
    assert state["lines"][0] == "COUPURE D'EAU"
    assert len(state["dots"]) == state["height"]
    assert {len(row) for row in state["dots"]} == {state["width"]}
    assert any("#" in row for row in state["dots"])


def test_the_picture_is_a_png_of_the_asked_size(twin: Twin) -> None:
    client = TestClient(face_app(twin))
    for asked, scale in (("", 8), ("?scale=4", 4), ("?scale=999", 16), ("?scale=x", 8)):
        answer = client.get(f"/face.png{asked}")
        assert answer.headers["content-type"] == "image/png"
        assert int.from_bytes(answer.content[16:20], "big") == (16 * 6 - 1 + 4) * scale


def test_words_of_a_plan_cannot_become_markup(twin: Twin) -> None:
    tell(twin, water_cut(texts={"fr": Text("<img src=x> & <b>")}))
    client = TestClient(face_app(twin))
    assert "<IMG" not in client.get("/").text
    assert "<IMG" not in client.get("/state.json").json()["items_html"]


def test_nothing_is_asked_of_a_third_party(twin: Twin) -> None:
    client = TestClient(face_app(twin))
    answer = client.get("/")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    static = [client.get(f"/static/{name}").text for name in ("face.css", "face.js", "mark.svg")]
    for text in (answer.text, *static):
        assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)", text)
        assert "style=" not in text


@pytest.mark.parametrize(
    ("tongue", "said"),
    [("en", "1 message in force."), ("es", "1 mensaje vigente."), ("de", "1 message en cours.")],
)
def test_the_page_speaks_the_readers_language(twin: Twin, tongue: str, said: str) -> None:
    tell(twin, water_cut())
    client = TestClient(face_app(twin))
    assert said in client.get("/", headers={"accept-language": f"{tongue}-XX,fr;q=0.5"}).text
    assert said in client.get(f"/?lang={tongue}").text
    assert client.get(f"/live.json?lang={tongue}").json()["says"]["doing"] == said


def test_a_sentence_is_filled_in_at_the_same_places_in_every_language() -> None:
    for tongue in words.LANGUAGES:
        for name, text in words.WORDS[tongue].items():
            assert text
            assert set(re.findall(r"{\w+}", text)) == set(
                re.findall(r"{\w+}", words.WORDS["fr"][name])
            )


def test_a_face_without_light_and_a_test_pattern_say_so(twin: Twin) -> None:
    tell(twin, water_cut())
    client = TestClient(face_app(twin))
    assert client.get("/live.json").json()["dark"] is False
    twin.display.broken = True
    live = client.get("/live.json").json()
    assert live["dark"] is True
    assert live["says"]["doing"].startswith("La face n’éclaire pas")
    twin.display.broken = False
    assert twin.display.test_pattern()
    assert client.get("/live.json").json()["says"]["doing"].startswith("Mire")
    assert not any("." in row for row in client.get("/state.json").json()["dots"])


def test_many_panels_make_a_wall(twin: Twin, tmp_path: Path) -> None:
    other = Twin(NOBODY, "villard-bonnot", "gare", "matrix-96x64", tmp_path / "gare")
    tell(twin, water_cut())
    client = TestClient(face_app(twin, other))
    wall = client.get("/?lang=en").text
    assert "Panels of villard-bonnot" in wall
    assert wall.count("<img") == 2
    assert "COUPURE" in client.get("/mairie/").text
    assert client.get("/gare/state.json").json()["model"] == "matrix-96x64"
    assert client.get("/gare/face.png?scale=2").headers["content-type"] == "image/png"
    assert client.get("/gare/static/face.css").status_code == 200


def test_a_running_twin_serves_its_face_and_ends_when_told(tmp_path: Path) -> None:
    port, stop = free_port(), threading.Event()
    thread = threading.Thread(
        target=run,
        args=(NOBODY, "villard-bonnot", "mairie", "matrix-96x64", tmp_path),
        kwargs={"face_app": face_app, "face_port": port, "stop": stop.is_set},
    )
    thread.start()
    until(lambda: is_listening(port))
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/state.json", timeout=10) as answer:
        assert b'"matrix-96x64"' in answer.read()
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
    assert not is_listening(port)
