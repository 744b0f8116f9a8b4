"""The sheet an installer takes along: one page of paper, a QR code, no secret."""

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import segno
from babel.dates import format_date
from markupsafe import Markup

from channels.panels import paper

if TYPE_CHECKING:
    from channels.panels.install.enrol import Place

HERE: Final = Path(__file__).parent


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
    said = paper.tongue(locale)
    html: str = paper.template(HERE / "sheet.html").render(
        place=place,
        w=paper.words(HERE / "sheet.yaml")[said],
        lang=said,
        qr=Markup(code.svg_inline(scale=4, border=2, omitsize=True)),
        ca=grouped(fingerprint),
        key=grouped(place.key_text),
        day=format_date(now, format="long", locale=paper.region(said)),
        way=way,
        secret=secret,
    )
    return html


def grouped(text: str, by: int = 4) -> str:
    """In groups that two people can read to each other."""
    return " ".join(text[i : i + by] for i in range(0, len(text), by))
