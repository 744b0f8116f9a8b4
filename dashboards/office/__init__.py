"""The office: where a town hall writes a thing once, sees what everybody will see, and publishes.

Mounted at /office. One module a group of pages; each route reads a form, calls one verb of the hub
and renders a template.
"""

from fastapi import APIRouter, Depends, FastAPI, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.base import pages
from dashboards.office import (
    agenda,
    compose,
    drafts,
    home,
    outlets,
    panelkeys,
    panels,
    publications,
    session,
    signin,
    sources,
)
from hub.api.problems import Problem

router = APIRouter(
    prefix="/office", include_in_schema=False, dependencies=[Depends(session.same_origin)]
)
for part in (
    signin, home, compose, drafts, panels, publications, agenda, outlets, panelkeys, sources,
):  # fmt: skip
    router.include_router(part.router)


def install(app: FastAPI) -> None:
    """What the office's routes raise, as pages."""

    @app.exception_handler(session.SignInFirst)
    def _sign_in(request: Request, error: session.SignInFirst) -> Response:
        if request.headers.get("hx-request"):
            return Response(status_code=204, headers={"HX-Redirect": session.SIGN_IN})
        return RedirectResponse(session.sign_in_url(request), 303)

    @app.exception_handler(session.NotAllowed)
    def _not_allowed(request: Request, error: session.NotAllowed) -> Response:
        return pages.render(request, "base/error.html", status=403, code=403, reason=error.reason)

    # The API's own handler answers programs; under /office a person reads a page.
    answer_program = app.exception_handlers[Problem]

    @app.exception_handler(Problem)
    def _problem(request: Request, error: Problem) -> Response:
        if request.url.path.startswith("/office"):
            return pages.render(
                request,
                "base/error.html",
                status=error.status,
                code=error.status,
                reason=error.title,
            )
        return answer_program(request, error)  # type: ignore[operator,return-value]
