"""The accessible pages: all notices of the station, and one notice. No script, nothing from any
other host; a town links to them or shows them in a frame."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from channels.website.entries import Entry, Site, alt_of, issued, paragraphs
from channels.website.wording import words
from hub.vocabulary import Severity

# A shape beside the word: who does not see the colour still sees the level.
_SHAPES: Final = {
    Severity.EXTREME: "▲▲",
    Severity.SEVERE: "▲",
    Severity.MODERATE: "◆",
    Severity.MINOR: "●",
    Severity.UNKNOWN: "●",
}

_jinja = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def list_page(site: Site, entries: Sequence[Entry], now: datetime) -> bytes:
    """All notices; what starts later is listed apart."""
    said = words(site.language)
    coming = [_card(entry) for entry in entries if entry.start > now]
    present = [_card(entry) for entry in entries if entry.start <= now]
    groups = [(said.now, present), (said.coming, coming)] if coming else [("", present)]
    return _render("list.html", site, groups=[group for group in groups if group[1]])


def notice_page(site: Site, entry: Entry) -> bytes:
    return _render("notice.html", site, it=_card(entry))


def _render(template: str, site: Site, **more: Any) -> bytes:
    page = _jinja.get_template(template).render(site=site, said=words(site.language), **more)
    return page.encode()


def _card(entry: Entry) -> dict[str, Any]:
    notice, text, said = entry.notice, entry.words, words(entry.language)
    # Only pictures of this hub: the page promises to ask nobody else.
    images = [
        {"url": image.url, "alt": alt_of(image, entry.language)}
        for image in notice.images
        if image.url.startswith(f"{entry.site.base_url}/")
    ]
    return {
        "entry": entry,
        "said": said,
        "level": notice.severity.lower(),
        "shape": _SHAPES[notice.severity],
        "word": said.severities[notice.severity],
        "description": Markup(paragraphs(text.description)),
        "instruction": Markup(paragraphs(text.instruction)),
        "images": images,
        "issued": issued(entry),
    }
