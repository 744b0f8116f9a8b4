"""From a template to an answer: the Jinja environments, one a language, and a page's headers."""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache, partial
from pathlib import Path
from typing import Any, Final

from fastapi import Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader, PrefixLoader, StrictUndefined

from dashboards import assets
from dashboards.base import i18n, labels, led
from hub import clock, incidents, settings

HERE: Final = Path(__file__).resolve().parent.parent
FACES: Final = ("base", "office", "citizen")
LANGUAGE_COOKIE: Final = "tambour_language"

# Nothing comes from elsewhere: no script, style, font, picture or request (`data:` for pictures
# drawn on the page). The same header keeps a page out of another's frame.
POLICY: Final = (
    "default-src 'self'; img-src 'self' data:; style-src 'self'; script-src 'self'; "
    "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(self)",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def render(
    request: Request,
    template: str,
    *,
    language: str = "",
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    **context: Any,
) -> HTMLResponse:
    """The page of a template. `language`: the member's, unless a language was clicked."""
    chosen = language_of(request, language)
    zone = context.setdefault("zone", "Europe/Paris")
    said = environment(chosen).get_template(template).render(
        lang=chosen,
        when=partial(i18n.moment, language=chosen, zone=zone),
        full=partial(i18n.full, language=chosen, zone=zone),
        hour=partial(i18n.short_hour, zone=zone),
        here=request.url.path,
        **_standing(),
        **context,
    )  # fmt: skip
    return HTMLResponse(
        said,
        status,
        {**HEADERS, "Cache-Control": "no-store", "Content-Language": chosen, **(headers or {})},
    )


def language_of(request: Request, wish: str = "") -> str:
    """`?lang=`, else the cookie (somebody clicked a language here), the member's, the browser's,
    French."""
    return i18n.choose(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        wish,
        accepts=request.headers.get("accept-language", ""),
    )


@lru_cache(maxsize=len(i18n.LANGUAGES))
def environment(language: str) -> Environment:
    """The templates of all faces, "office/home.html" and so on, in one language."""
    made = Environment(
        loader=PrefixLoader({face: FileSystemLoader(HERE / face / "templates") for face in FACES}),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n", "jinja2.ext.do"],
    )
    made.install_gettext_translations(i18n.catalogue(language), newstyle=True)  # type: ignore[attr-defined]
    made.filters["moment"] = datetime.fromisoformat
    made.globals.update(
        asset=assets.url,
        languages=i18n.LANGUAGES,
        language_names=i18n.NAMES,
        led_lines=led.face_of_lines,
        led_rows=led.face_of_rows,
        number=partial(i18n.number, language=language),
        price=partial(i18n.price, language=language),
        word=partial(labels.word, language),
        says=partial(labels.says, language),
        shape=labels.shape,
        incident=incidents.says,
        alarm=incidents.is_alarm,
        iso=clock.rfc3339,
    )
    return made


def _standing() -> dict[str, Any]:
    """What every page shows when it is not the ordinary day."""
    offset = clock.offset().total_seconds()
    return {
        "clock_moved": offset != 0,
        "clock_now": clock.now(),
        "testing": settings.get().testing,
    }


def local_input(at: datetime | None, zone: str) -> str:
    """`2026-03-02T08:31`, as an input of type datetime-local wants it."""
    return clock.local(at, zone).strftime("%Y-%m-%dT%H:%M") if at else ""
