"""What makes the pages an app: the manifest and the service worker."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse

from dashboards import assets
from dashboards.base import i18n
from dashboards.base.i18n import N_
from dashboards.base.pages import language_of

router = APIRouter()

_ICONS = (
    ("citizen/icon-192.png", "192x192", "any"),
    ("citizen/icon-512.png", "512x512", "any"),
    ("citizen/icon-maskable-512.png", "512x512", "maskable"),
)


@router.get("/manifest.webmanifest")
def manifest(request: Request) -> Response:
    """W3C Web Application Manifest."""
    said = language_of(request)
    return JSONResponse(
        {
            "id": "/",
            "name": "Tambour",
            "short_name": "Tambour",
            "description": i18n.gettext(said, N_("What your town hall says, on your phone.")),
            "lang": said,
            "start_url": "/",
            "scope": "/",
            "display": "standalone",
            "background_color": "#faf7f0",
            "theme_color": "#14213d",
            "icons": [
                {"src": assets.url(name), "sizes": size, "type": "image/png", "purpose": purpose}
                for name, size, purpose in _ICONS
            ],
        },
        media_type="application/manifest+json",
        headers={"Cache-Control": "no-cache", "Vary": "Accept-Language, Cookie"},
    )


@router.get("/sw.js")
async def worker(request: Request) -> Response:
    """At the root, so that its scope is every page."""
    asset = assets.asset_of(assets.read("citizen/sw.js"), "sw.js")
    return assets.answer(asset, request, "no-cache")


@router.get("/favicon.ico")
async def favicon(request: Request) -> Response:
    """Asked for by browsers whatever a page says."""
    asset = assets.asset_of(assets.read("base/mark.svg"), "mark.svg")
    return assets.answer(asset, request, "public, max-age=86400")
