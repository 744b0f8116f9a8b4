"""The face of one twin: a page that shows the panel as it is at this moment.

It reads the twin through two methods (`state`, `png`) and knows nothing else of panels. It asks
nobody but itself: no third party, no font from elsewhere, so it works beside a panel in a cabinet.
"""

from datetime import datetime
from pathlib import Path
from typing import Any, Final, Protocol

from babel.dates import format_datetime
from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from hub import clock

HERE: Final = Path(__file__).parent
ZONE: Final = "Europe/Paris"
_HEADERS: Final = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'self'; base-uri 'none'; frame-ancestors 'self'",
    "X-Content-Type-Options": "nosniff",
}
_KINDS: Final = {
    "alert": "Alerte",
    "closure": "Travaux, circulation",
    "info": "Information",
    "event": "Agenda",
    "reminder": "Rappel",
}


class Shown(Protocol):
    """What a page needs of a twin."""

    def state(self) -> dict[str, Any]: ...

    def png(self, scale: int = 8) -> bytes: ...


def face_app(twin: Shown) -> Starlette:
    """The application of one twin: `/`, `/state.json`, `/face.png?scale=2..16`."""
    pages = Environment(loader=FileSystemLoader(HERE / "templates"), autoescape=select_autoescape())
    pages.filters["hour"] = _hour
    pages.globals["kinds"] = _KINDS

    async def page(_: Request) -> Response:
        state = await run_in_threadpool(twin.state)
        html = pages.get_template("face.html").render(state=state, says=says(state))
        return HTMLResponse(html, headers=_HEADERS)

    async def now(_: Request) -> Response:
        state = await run_in_threadpool(twin.state)
        part = pages.get_template("items.html").render(state=state)
        body = {**state, "says": says(state), "items_html": part}
        return JSONResponse(body, headers=_HEADERS)

    async def picture(request: Request) -> Response:
        asked = request.query_params.get("scale", "8")
        scale = min(16, max(2, int(asked))) if asked.isdecimal() and len(asked) < 4 else 8
        png = await run_in_threadpool(twin.png, scale)
        return Response(png, media_type="image/png", headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/", page),
            Route("/state.json", now),
            Route("/face.png", picture),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ]
    )


def says(state: dict[str, Any]) -> dict[str, str]:
    """The state in sentences."""
    if state["dark"]:
        doing = "Face éteinte pour la nuit."
    elif state["source"] == "fallback":
        doing = "Aucun affichage valable : le panneau attend la mairie."
    elif not state["items"]:
        doing = "Rien à afficher en ce moment."
    else:
        number = len(state["items"])
        doing = f"{number} message{'s' if number > 1 else ''} en cours."
    link = (
        "Relié au serveur." if state["online"] else "Hors liaison : le panneau obéit à son heure."
    )
    key = f"Clé {state['key']}." if state["key"] else "Aucune clé encore reçue."
    plan = f"Affichage n° {state['plan_rev']}." if state["plan_rev"] else "Aucun affichage reçu."
    return {"doing": doing, "link": link, "key": key, "plan": plan}


def _hour(text: str | None) -> str:
    """`mar. 3 mars à 11:00` in the zone of our towns, from RFC 3339."""
    if not text:
        return ""
    local = clock.local(datetime.fromisoformat(text), ZONE)
    return str(format_datetime(local, "EEE d MMM 'à' HH:mm", locale="fr"))
