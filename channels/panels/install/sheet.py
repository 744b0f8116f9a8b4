"""The sheet an installer takes along: one page of paper, a QR code, no secret."""

from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import segno
import yaml
from babel.dates import format_date
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

if TYPE_CHECKING:
    from channels.panels.install.enrol import Place

HERE: Final = Path(__file__).parent
LOCALES: Final = ("fr", "en", "es")


def page(
    place: "Place",
    qr: str,
    fingerprint: str,
    now: datetime,
    locale: str,
    *,
    way: str,
    secret: bool,
) -> str:
    """The sheet as HTML that needs nothing else: print it, or read it on a phone. `way`: how the
    panel shows who it is: certificate, request, password."""
    code = segno.make(qr, error="m", micro=False)
    said = locale if locale in LOCALES else "fr"
    html: str = _template().render(
        place=place,
        w=words()[said],
        lang=said,
        qr=Markup(code.svg_inline(scale=4, border=2, omitsize=True)),
        ca=grouped(fingerprint),
        key=grouped(place.key_text),
        day=format_date(now, format="long", locale="en_GB" if said == "en" else said),
        way=way,
        secret=secret,
    )
    return html


def grouped(text: str, by: int = 4) -> str:
    """In groups that two people can read to each other."""
    return " ".join(text[i : i + by] for i in range(0, len(text), by))


@lru_cache(maxsize=1)
def words() -> dict[str, Any]:
    data: dict[str, Any] = yaml.safe_load((HERE / "sheet.yaml").read_text("utf-8"))
    return data


@lru_cache(maxsize=1)
def _template() -> Any:
    jinja = Environment(
        loader=FileSystemLoader(HERE),
        autoescape=select_autoescape(),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return jinja.get_template("sheet.html")
