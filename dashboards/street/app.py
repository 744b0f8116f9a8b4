"""The street's page, its live events, and the two outside protocols beside them."""

import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, Final

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, select_autoescape
from markupsafe import Markup, escape
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from dashboards import assets
from dashboards.street import network, operator
from dashboards.street.store import Store, moment
from dashboards.street.words import WORDS, language_of
from hub import clock

HERE: Final = Path(__file__).parent
FILES: Final = ("base/faces.css", "base/mark.svg", "street/street.css", "street/street.js")
ZONE: Final = "Europe/Paris"
MOST_BODY: Final = 65_536
HEARTBEAT_S: Final = 15.0
_LINK: Final = re.compile(r"https?://[^\s<>\"]+[^\s<>\".,;:)]")
_CSP: Final = "default-src 'self'; img-src 'self' data:; base-uri 'none'; frame-ancestors 'self'"


def app_for(store: Store) -> Starlette:
    """The application over `store`: page at `/`, its live part at `/now`, changes at `/events`."""
    pages = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=select_autoescape(),
        trim_blocks=True,
    )
    pages.filters.update(links=_links, number=_number, when=_when, hour=_hour)

    def render(name: str, request: Request) -> Response:
        lang = request.query_params.get("lang", "")
        lang = lang if lang in WORDS else language_of(request.headers.get("accept-language", ""))
        view: dict[str, Any] = {"lang": lang, "w": WORDS[lang], "store": store}
        html = pages.get_template(name).render(view)
        headers = {"Content-Security-Policy": _CSP, "Cache-Control": "no-store"}
        return HTMLResponse(html, headers=headers | {"Vary": "Accept-Language"})

    async def page(request: Request) -> Response:
        return render("street.html", request)

    async def now(request: Request) -> Response:
        return render("now.html", request)

    async def live(request: Request) -> Response:
        seen = request.headers.get("last-event-id", "")
        return StreamingResponse(
            events(store, int(seen) if seen.isdigit() else -1),
            media_type="text/event-stream",
            headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
        )

    return Starlette(
        routes=[
            Route("/", page),
            Route("/now", now),
            Route("/events", live),
            *operator.routes(store),
            *network.routes(store),
            Route("/static/{path:path}", static),
        ],
        middleware=[Middleware(_Bounded)],
    )


async def static(request: Request) -> Response:
    """A file of the page: the street's own, and what all faces share. Where the browser packages
    are not installed the shared ones come as they are written: the street must open in a checkout
    that has only Python, with the system's fonts."""
    name = request.path_params["path"]
    face, _, file = name.partition("/")
    if face != "street":
        try:
            return assets.serve(name, request)
        except assets.AssetMissing:
            pass
    if name not in FILES:
        return Response("Not found.", 404)
    body = (HERE.parent / face / "static" / file).read_bytes()
    return assets.answer(assets.asset_of(body, name), request, "no-cache")


async def events(store: Store, seen: int) -> AsyncIterator[str]:
    """Server-sent events: the version at every change, a comment where nothing happens."""
    while True:
        version = await store.wait(seen, HEARTBEAT_S)
        yield f"id: {version}\ndata: {version}\n\n" if version != seen else ": still here\n\n"
        seen = version


class _Bounded:
    """Refuses a body above 64 KiB before it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] in ("POST", "PUT"):
            size = dict(scope["headers"]).get(b"content-length", b"")
            if not size.isdigit() or int(size) > MOST_BODY:
                await Response("Body too large.", 413)(scope, receive, send)
                return
        await self._app(scope, receive, send)


def _links(text: str) -> Markup:
    """Escaped text in which addresses are links and line ends stay."""
    out, last = Markup(), 0
    for found in _LINK.finditer(text):
        url = found.group()
        shown = url.partition("://")[2]
        shown = shown if len(shown) <= 34 else shown[:33] + "…"
        out += escape(text[last : found.start()])
        out += Markup('<a href="{}" rel="noopener nofollow">{}</a>').format(url, shown)
        last = found.end()
    return out + escape(text[last:])


def _number(number: str) -> str:
    """`+33639980011` as people read it: 06 39 98 00 11; other countries as they came."""
    digits = re.sub(r"\D", "", number)
    if digits.startswith("33") and len(digits) == 11:
        return " ".join(re.findall("..", "0" + digits[2:]))
    return number


def _when(text: str, lang: str) -> str:
    return str(format_datetime(clock.local(moment(text), ZONE), _PATTERNS[lang], locale=lang))


def _hour(text: str) -> str:
    return clock.local(moment(text), ZONE).strftime("%H:%M")


_PATTERNS: Final = {"fr": "EEE d MMM HH:mm", "en": "EEE d MMM, HH:mm", "es": "EEE d MMM, HH:mm"}
