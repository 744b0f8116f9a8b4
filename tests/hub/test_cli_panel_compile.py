"""`tambour panel compile`: pages or a refusal, without a hub and without a database."""

import io
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from PIL import Image
from typer.testing import CliRunner

import hub.cli.panel_timeline  # noqa: F401
from hub import db
from hub.cli.app import app

CLOSED = {
    "station": "voirie",
    "state": "live",
    "category": "closure",
    "severity": "Moderate",
    "area_desc": "Rue des Brulis",
    "onset": "2026-03-03T06:00:00Z",
    "expires": "2026-03-03T17:00:00Z",
    "texts": {
        "fr": {"headline": "Route barrée", "instruction": "Déviation par l'avenue Foch."},
        "en": {"headline": "Road closed", "instruction": "Diversion via avenue Foch."},
    },
}


@pytest.fixture(autouse=True)
def _no_database(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: Any, **__: Any) -> None:
        raise AssertionError("asked for a database")

    monkeypatch.setattr(db, "reading", none)
    monkeypatch.setattr(db, "writing", none)


def compile_it(given: Any, *words: str) -> Result:
    text = given if isinstance(given, str) else json.dumps(given)
    asked = ["panel", "compile", "-", "--at", "2026-03-01T08:00:00Z", *words]
    return CliRunner().invoke(app, asked, input=text)


def answered(given: Any, *words: str) -> dict[str, Any]:
    done = compile_it(given, "--json", *words)
    assert done.exit_code == 0, done.output
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer


def test_answers_the_pages_line_by_line() -> None:
    answer = answered(CLOSED, "--model", "text-8x16")
    assert answer["fits"] is True
    assert answer["pages"][0]["lines"] == [
        "ROUTE BARRÉE", "", "RUE DES BRULIS", "", "MARDI 3 MARS", "DE 7H À 18H",
    ]  # fmt: skip
    assert answer["pages"][0]["units"] == ["what", "where", "when"]
    assert answer["pages"][1]["lines"][-2:] == ["DÉVIATION PAR", "L'AVENUE FOCH."]


def test_speaks_the_languages_asked_for_in_their_order() -> None:
    answer = answered(CLOSED, "--model", "text-6x20", "--languages", "en,fr")
    firsts = [page["lines"][0] for page in answer["pages"]]
    assert firsts[0] == "ROAD CLOSED"
    assert answer["warnings"] == ["Le texte en « fr » ne tient pas et n'est pas affiché."]


def test_draws_the_bare_dots_of_a_page(tmp_path: Path) -> None:
    out = tmp_path / "page.png"
    words = ("--png", str(out), "--scale", "1", "--page", "1", "--model", "matrix-128x96")
    answer = answered(CLOSED, *words)
    assert answer["pages"][0]["bitmap"]["mode"] == "rgb"
    with Image.open(io.BytesIO(out.read_bytes())) as picture:
        assert (picture.format, picture.size) == ("PNG", (128, 96))
        assert picture.convert("RGB").getpixel((0, 0)) == (255, 120, 0)


def test_draws_all_pages_side_by_side(tmp_path: Path) -> None:
    out = tmp_path / "pages.png"
    pages = answered(CLOSED, "--png", str(out), "--scale", "4")["pages"]
    with Image.open(out) as picture:
        assert picture.size == (len(pages) * (16 * 6 - 1 + 4) * 4 + 8, (8 * 9 - 1 + 4) * 4)


def test_a_refusal_leaves_with_one_and_names_field_reason_and_cure(tmp_path: Path) -> None:
    out = tmp_path / "none.png"
    given = CLOSED | {"texts": {"fr": {"headline": "Feu d'artifice 🎆"}}}
    done = compile_it(given, "--json", "--png", str(out))
    assert done.exit_code == 1
    refused = json.loads(done.stdout)["refused"]
    assert refused["field"] == "headline"
    assert "🎆" in refused["reason"]
    assert refused["what_would_fit"]
    assert not out.exists()


def test_a_refusal_is_said_in_words_too() -> None:
    done = compile_it({"headline": "مرحبا"}, "--locale", "en")
    assert done.exit_code == 1
    assert "right to left" in done.stdout


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ("{", ()),
        ("[]", ()),
        ({"headline": ""}, ()),
        ({"headline": "Foire", "severity": "loud"}, ()),
        (CLOSED, ("--model", "cathedral")),
        (CLOSED, ("--page", "9")),
        (CLOSED, ("--timezone", "Europe/Lancey")),
        (CLOSED, ("--at", "yesterday")),
        (CLOSED, ("--png", "/no/such/folder/x.png")),
    ],
)
def test_a_question_that_is_not_understood_leaves_with_two(
    given: Any, words: tuple[str, ...]
) -> None:
    done = compile_it(given, *words)
    assert done.exit_code == 2, done.output
    assert done.stdout == ""


def test_the_same_question_has_the_same_answer() -> None:
    assert answered(CLOSED) == answered(CLOSED)


# The timeline


FAIR = {
    "station": "ecole",
    "category": "event",
    "headline": "Kermesse",
    "onset": "2026-03-20T16:00:00Z",
    "expires": "2026-03-20T21:00:00Z",
}


def timeline(tmp_path: Path, *given: Any, words: tuple[str, ...] = ()) -> Result:
    files = []
    for number, publication in enumerate(given):
        files.append(str(tmp_path / f"{number}.json"))
        Path(files[-1]).write_text(json.dumps(publication), encoding="utf-8")
    asked = ["panel", "timeline", *files, "--at", "2026-03-01T08:00:00Z", *words]
    return CliRunner().invoke(app, asked)


def test_says_when_each_is_seen_and_how_often(tmp_path: Path) -> None:
    done = timeline(tmp_path, CLOSED, FAIR, words=("--days", "30", "--json"))
    assert done.exit_code == 0, done.output
    road, fair = json.loads(done.stdout)["items"]
    assert (road["title"], road["first"], road["last"]) == (
        "Route barrée", "2026-03-01T08:00:00Z", "2026-03-03T17:00:00Z",
    )  # fmt: skip
    # Ten days before it, until it is over.
    assert (fair["first"], fair["last"]) == ("2026-03-10T16:00:00Z", "2026-03-20T21:00:00Z")
    assert fair["plays"] == pytest.approx(fair["seconds"] / fair["every_s"], abs=1)


def test_a_night_is_not_counted(tmp_path: Path) -> None:
    words = ("--days", "1", "--night", "01:00-05:00")
    done = timeline(tmp_path, FAIR | {"onset": "2026-03-02T16:00:00Z"}, words=(*words, "--json"))
    (seen,) = json.loads(done.stdout)["items"]
    assert (seen["seconds"], seen["longest_wait_s"]) == (20 * 3600, 4 * 3600)
    said = timeline(tmp_path, FAIR | {"onset": "2026-03-02T16:00:00Z"}, words=words)
    assert "4 h 00" in said.stdout


def test_what_does_not_fit_is_named_beside_what_does(tmp_path: Path) -> None:
    done = timeline(tmp_path, CLOSED, FAIR | {"headline": "Kermesse 🎪"})
    assert done.exit_code == 1
    assert "Route barrée" in done.stdout
    assert "🎪" in done.stdout
    wrong = timeline(tmp_path, CLOSED, words=("--night", "25"))
    assert wrong.exit_code == 2
