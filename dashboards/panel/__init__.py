"""The face of a twin: a page that shows the panel as it is at this moment; of many, a wall.

It reads a twin through two methods (`state`, `png`) and knows nothing else of panels. It asks
nobody but itself: no third party, no font from elsewhere, so it works beside a panel in a cabinet.
"""

from pathlib import Path
from typing import Any, Final, Protocol

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from dashboards.panel import words

HERE: Final = Path(__file__).parent
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}


class Shown(Protocol):
    """What a page needs of a twin."""

    def state(self) -> dict[str, Any]: ...

    def png(self, scale: int = 8) -> bytes: ...


def face_app(*twins: Shown) -> Starlette:
    """The application of one twin: `/`, `/live.json`, `/state.json`, `/face.png?scale=2..16`. Of
    several: a wall at `/`, and each under its own code."""
    pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
    pages.filters["hour"] = words.hour
    pages.globals["languages"] = words.LANGUAGES
    static = Mount("/static", StaticFiles(directory=HERE / "static"), name="static")
    if len(twins) == 1:
        return Starlette(routes=[*_routes(twins[0], pages), static])
    named = {str(twin.state()["panel"]): twin for twin in twins}

    async def wall(request: Request) -> Response:
        states = [await run_in_threadpool(twin.state) for twin in named.values()]
        tongue = _tongue(request)
        said = [(state, words.says(state, tongue)) for state in states]
        html = pages.get_template("wall.html").render(
            panels=said, tongue=tongue, words=words.WORDS[tongue], alerting=words.alerting
        )
        return HTMLResponse(html, headers=_HEADERS)

    each = [
        Mount(f"/{name}", routes=[*_routes(twin, pages), static]) for name, twin in named.items()
    ]
    return Starlette(routes=[Route("/", wall), static, *each])


def _routes(twin: Shown, pages: Environment) -> list[BaseRoute]:
    def told(state: dict[str, Any], tongue: str) -> dict[str, Any]:
        return {
            "state": state,
            "says": words.says(state, tongue),
            "alert": words.alerting(state),
            "tongue": tongue,
            "words": words.WORDS[tongue],
            "kinds": words.KINDS[tongue],
        }

    def items(state: dict[str, Any], tongue: str) -> str:
        return pages.get_template("items.html").render(**told(state, tongue))

    async def page(request: Request) -> Response:
        state = await run_in_threadpool(twin.state)
        html = pages.get_template("face.html").render(**told(state, _tongue(request)))
        return HTMLResponse(html, headers=_HEADERS)

    async def live(request: Request) -> Response:
        """What a page that is open asks twice a second."""
        state, tongue = await run_in_threadpool(twin.state), _tongue(request)
        body = {
            "says": words.says(state, tongue),
            "picture": f"{state['hash']}-{state['face_dark']}",
            "online": state["online"],
            "alert": words.alerting(state),
            "dark": state["dark"] or state["face_dark"],
            "items_html": items(state, tongue),
        }
        return JSONResponse(body, headers=_HEADERS)

    async def now(request: Request) -> Response:
        state, tongue = await run_in_threadpool(twin.state), _tongue(request)
        body = {**state, "says": words.says(state, tongue), "items_html": items(state, tongue)}
        return JSONResponse(body, headers=_HEADERS)

    async def picture(request: Request) -> Response:
        asked = request.query_params.get("scale", "8")
        scale = min(16, max(2, int(asked))) if asked.isdecimal() and len(asked) < 4 else 8
        png = await run_in_threadpool(twin.png, scale)
        return Response(png, media_type="image/png", headers=_HEADERS)

    return [
        Route("/", page),
        Route("/live.json", live),
        Route("/state.json", now),
        Route("/face.png", picture),
    ]


def _tongue(request: Request) -> str:
    asked = request.query_params.get("lang", "")
    return words.language(asked, request.headers.get("accept-language", ""))
