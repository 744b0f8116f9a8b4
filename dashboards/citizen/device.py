"""What belongs to the device: its subscription, privacy, reading offline, the installed app."""

from typing import Any, Final

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from dashboards import assets
from dashboards.base import i18n, pages
from dashboards.base.i18n import N_
from dashboards.citizen.answer import page
from hub import clock

router = APIRouter()

_YEAR_S: Final = 31_536_000
_ABOUT: Final = N_("What your town says, at once and without an account.")
_ICONS: Final = (
    ("icon-192.png", "192x192", "any"),
    ("icon-512.png", "512x512", "any"),
    ("maskable-192.png", "192x192", "maskable"),
    ("maskable-512.png", "512x512", "maskable"),
)


@router.get("/language/{code}")
def language(code: str, back: str = "/") -> Response:
    """Remember a language on this device: the only cookie there is. `back` stays on this site."""
    inside = back.startswith("/") and not back.startswith(("//", "/\\")) and back.isprintable()
    answer = RedirectResponse(back if inside else "/", 303)
    if code in i18n.LANGUAGES:
        answer.set_cookie(pages.LANGUAGE_COOKIE, code, max_age=_YEAR_S, samesite="lax")
    return answer


@router.get("/abonnement")
def subscription(request: Request) -> Response:
    """What this device follows, and the end of it: one station or all."""
    return page(request, "citizen/subscription.html", clock.now())


@router.get("/vie-privee")
def privacy(request: Request) -> Response:
    return page(request, "citizen/privacy.html", clock.now())


@router.get("/hors-ligne")
def offline(request: Request) -> Response:
    """Shown by the service worker where there is no network and no copy of the page asked for."""
    return page(request, "citizen/offline.html", clock.now())


@router.get("/sw.js")
def worker(request: Request) -> Response:
    """The service worker, from the root so that it may serve every page (Service Workers, section
    3.2.1); asked for again at each visit."""
    answer = assets.serve("citizen/sw.js", request)
    answer.headers["Service-Worker-Allowed"] = "/"
    answer.headers["Cache-Control"] = "no-cache"
    answer.headers["Content-Security-Policy"] = pages.POLICY
    return answer


@router.get("/favicon.ico")
def favicon(request: Request) -> Response:
    """Asked for by browsers whatever a page says."""
    return assets.serve("base/mark.svg", request)


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """The installed app (Web Application Manifest). Its name is the same in all languages."""
    language = pages.language_of(request)
    body: dict[str, Any] = {
        "id": "/",
        "name": "Tambour",
        "short_name": "Tambour",
        "description": i18n.gettext(language, _ABOUT),
        "lang": language,
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#faf7f0",
        "theme_color": "#14213d",
        "categories": ["news", "utilities"],
        "icons": [
            {"src": assets.url(f"citizen/{n}"), "sizes": s, "type": "image/png", "purpose": p}
            for n, s, p in _ICONS
        ],
    }
    return JSONResponse(
        body,
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache", "Vary": "Cookie, Accept-Language"},
    )
