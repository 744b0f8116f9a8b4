"""All faces on one application: `mount(app)`, called by name from the web role."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import FastAPI, Request, Response
from starlette.exceptions import HTTPException

from dashboards import assets, citizen, office
from dashboards.base import components, pages
from hub import settings


def mount(app: FastAPI) -> None:
    """Assets, the office, the citizen's pages; the living page of components while testing."""
    assets.mount(app)
    app.include_router(office.router)
    app.include_router(citizen.router)
    if settings.get().testing:
        app.include_router(components.router)
    office.install(app)
    _install_errors(app)


def _install_errors(app: FastAPI) -> None:
    """A person who asks for a page gets a page; a program still gets a problem document."""
    ours: dict[Any, Any] = app.exception_handlers
    before: Callable[[Request, HTTPException], Response | Awaitable[Response]] = ours[HTTPException]

    @app.exception_handler(HTTPException)
    async def _page(request: Request, error: HTTPException) -> Response:
        wants_page = "text/html" in request.headers.get("accept", "")
        if not wants_page or request.url.path.startswith("/api/"):
            answer = before(request, error)
            return await answer if isinstance(answer, Awaitable) else answer
        return pages.render(
            request, "base/error.html", status=error.status_code, code=error.status_code
        )
