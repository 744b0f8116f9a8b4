"""Files for the browser: lasting addresses, nothing beside the list, nothing from elsewhere."""

import gzip
import re
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from dashboards import assets
from dashboards.base import extract

OURS = [
    path
    for face in ("base", "office", "citizen")
    for folder in ("templates", "static")
    for path in sorted((extract.HERE / face / folder).glob("*"))
    if path.suffix != ".png"
]


def test_a_hashed_address_is_kept_for_good(citizen: TestClient) -> None:
    answer = citizen.get(assets.url("vendor/htmx.js"), headers={"Accept-Encoding": "identity"})
    assert answer.status_code == 200
    assert "immutable" in answer.headers["cache-control"]
    assert answer.headers["content-type"].startswith("text/javascript")
    assert b"htmx" in answer.content


def test_a_plain_or_old_address_is_asked_for_again(citizen: TestClient) -> None:
    for path in ("/static/vendor/htmx.js", "/static/vendor/000000000000/htmx.js"):
        answer = citizen.get(path)
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-cache"
        tag = answer.headers["etag"]
        assert citizen.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_what_shrinks_is_sent_packed_to_who_can_read_it(citizen: TestClient) -> None:
    packed = citizen.get(assets.url("base/faces.css"), headers={"Accept-Encoding": "gzip"})
    assert packed.headers["content-encoding"] == "gzip"
    plain = citizen.get(assets.url("base/faces.css"), headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    assert packed.content == plain.content  # the client has unpacked it
    assert len(gzip.compress(plain.content)) < len(plain.content) / 2


@pytest.mark.parametrize(
    "path",
    [
        "vendor/LICENSE",
        "vendor/../../package.json",
        "../assets.py",
        "office/../../assets.py",
        "base/nothing.css",
        "vendor/htmx.org/package.json",
    ],
)
def test_nothing_beside_the_list_is_served(citizen: TestClient, path: str) -> None:
    assert citizen.get(f"/static/{path}").status_code == 404


def test_the_style_names_its_fonts_by_their_hash(citizen: TestClient) -> None:
    css = citizen.get(assets.url("base/faces.css")).text
    assert "vendor:" not in css
    fonts = re.findall(r'url\("(/static/vendor/[0-9a-f]{12}/[\w-]+\.woff2)"\)', css)
    assert len(fonts) == 5
    for font in fonts:
        answer = citizen.get(font)
        assert (answer.status_code, answer.content[:4]) == (200, b"wOF2")


@pytest.mark.parametrize("path", OURS, ids=lambda p: f"{p.parent.parent.name}/{p.name}")
def test_no_file_of_ours_asks_another_site(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    names = {"http://www.w3.org/2000/svg"}  # a name, not an address
    elsewhere = (
        set(re.findall(r"""["'(](https?://[^"')\s]+|//[a-z][^"')\s]+)["')]""", text)) - names
    )
    assert elsewhere == set()
    assert not re.search(r"\sstyle=\"|\son[a-z]+=\"|javascript:", text)
    assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", text)


def test_icons_are_pictures_of_the_size_they_state() -> None:
    for name, size in (
        ("icon-192", 192),
        ("icon-512", 512),
        ("maskable-512", 512),
        ("badge-96", 96),
    ):
        body = assets.read(f"citizen/{name}.png")
        assert body[:8] == b"\x89PNG\r\n\x1a\n"
        assert int.from_bytes(body[16:20], "big") == size
