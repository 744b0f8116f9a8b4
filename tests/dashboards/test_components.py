"""The living page, the colours, and what is drawn without a script."""

import re
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from dashboards import faces
from dashboards.base import drawing, extract, led, pages
from hub.api import problems
from tests.conftest import start_instance, stop_instance

CSS = (extract.HERE / "base/static/faces.css").read_text(encoding="utf-8")


@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_every_component_is_shown_in_every_language(citizen: TestClient, language: str) -> None:
    answer = citizen.get(f"/_components?lang={language}")
    assert answer.status_code == 200
    assert f'<html lang="{language}">' in answer.text
    parts = "badge field table tabs <dialog timeline mini-map led phone progress empty"
    for part in parts.split():
        assert part in answer.text


def test_the_living_page_is_for_development_only(tmp_path: Path) -> None:
    start_instance(tmp_path)
    try:
        app = FastAPI()
        problems.install(app)
        faces.mount(app)
        assert TestClient(app).get("/_components").status_code == 404
    finally:
        stop_instance()


def test_every_page_forbids_what_comes_from_elsewhere(citizen: TestClient) -> None:
    policy = citizen.get("/").headers["content-security-policy"]
    assert policy == pages.POLICY
    assert "unsafe" not in policy
    assert "http" not in policy


def colours(block: str) -> dict[str, str]:
    found = dict(re.findall(r"--([\w-]+): ([^;]+);", block))
    for name, value in list(found.items()):
        while value.startswith("var("):
            value = found[value[6:-1]]
        found[name] = value
    return found


def contrast(one: str, other: str) -> float:
    """WCAG 2.2, "contrast ratio"."""

    def light(colour: str) -> float:
        parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    high, low = sorted((light(one), light(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


LIGHT = colours(CSS[CSS.index(":root {") : CSS.index("@media (prefers-color-scheme")])
DARK = LIGHT | colours(CSS[CSS.index("@media (prefers-color-scheme") : CSS.index("*, *::before")])
PAIRS = [
    *((text, ground, 7.0) for text in ("text",) for ground in ("ground", "surface", "sunken")),
    *(
        (text, ground, 4.5)
        for text in ("soft", "link")
        for ground in ("ground", "surface", "sunken")
    ),
    ("action-text", "action", 4.5),
    ("bar-text", "bar", 7.0),
    ("bar-soft", "bar", 4.5),
    ("edge", "surface", 3.0),
    ("edge", "ground", 3.0),
    *((tone, f"{tone}-soft", 4.5) for tone in ("good", "busy", "warn", "bad", "idle")),
]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
@pytest.mark.parametrize(("text", "ground", "least"), PAIRS)
def test_colours_can_be_read(theme: dict[str, str], text: str, ground: str, least: float) -> None:
    assert contrast(theme[text], theme[ground]) >= least


def test_an_led_face_has_one_dot_a_lit_pixel() -> None:
    face = led.face_of_lines(["I"], 2, 1)
    assert (face.width, face.height) == (13, 10)
    dots = re.findall(r"M(\d+)\.5 (\d+)\.5h0", face.dots)
    assert {x for x, _ in dots} >= {"3"}
    assert len(dots) == len(set(dots)) >= 7
    assert led.face_of_rows(["#.", ".#"]).dots == "M0.5 0.5h0M1.5 1.5h0"


def test_a_circle_has_the_radius_asked_for() -> None:
    ring = drawing.circle(5.89, 45.235, 500)["coordinates"][0]
    assert ring[0] == ring[-1]
    assert len(ring) == 49
    north = max(y for _, y in ring)
    assert (north - 45.235) * 111_195 == pytest.approx(500, rel=0.01)


def test_a_map_is_drawn_around_all_that_is_given() -> None:
    assert drawing.drawing_of(None, None) is None
    area = drawing.circle(5.89, 45.235, 500)
    drawn = drawing.drawing_of({"type": "Feature", "geometry": area, "properties": {}}, area)
    assert drawn is not None
    assert drawn.land == drawn.zone
    assert drawn.land.startswith("M")
    point = drawing.drawing_of(None, {"type": "Point", "coordinates": [5.89, 45.235]})
    assert point is not None
    assert point.zone
