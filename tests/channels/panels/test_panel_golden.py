"""The pictures in docs/panel-compiler.md are what the compiler draws, dot for dot."""

import io
import re

from PIL import Image, ImageChops

from tests.channels.panels import golden

PAGE = golden.HERE.parents[1] / "panel-compiler.md"


def test_the_pictures_of_the_docs_are_those_of_the_compiler() -> None:
    drawn = dict(golden.pictures())
    assert {path.name for path in golden.HERE.glob("*.png")} == set(drawn)
    for file, png in drawn.items():
        with Image.open(golden.HERE / file) as kept, Image.open(io.BytesIO(png)) as fresh:
            assert kept.size == fresh.size, file
            differs = ImageChops.difference(kept.convert("RGB"), fresh.convert("RGB")).getbbox()
            assert differs is None, f"{file}: python -m tests.channels.panels.golden, then look"


def test_the_page_shows_every_picture() -> None:
    shown = re.findall(r"\(pictures/panels/([\w.-]+)\)", PAGE.read_text("utf-8"))
    assert sorted(shown) == sorted(path.name for path in golden.HERE.glob("*.png"))
