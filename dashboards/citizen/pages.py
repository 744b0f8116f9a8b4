"""The pages citizens read."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from starlette.exceptions import HTTPException

from dashboards.base import i18n
from dashboards.base.pages import LANGUAGE_COOKIE, language_of, render
from dashboards.citizen import reading
from hub import categories, clock, db
from hub.contracts import Notice
from hub.models import ShelfRow

router = APIRouter()

# A page may be kept by the browser, and is asked for again each time.
_HEADERS = {"Cache-Control": "no-cache"}


@router.get("/")
def find(request: Request, q: str = "") -> Response:
    """Find a station; with a script, also what the followed ones say."""
    with db.reading(db.EVERYWHERE) as session:
        every = reading.search(session, "")
        found = reading.search(session, q[:100]) if q.strip() else every[:8]
    return render(
        request, "citizen/find.html", headers=_HEADERS, q=q, found=found, asked=bool(q.strip())
    )


@router.get("/s/{code}")
def without_slash(code: str) -> Response:
    return RedirectResponse(f"/s/{code}/", 301)


@router.get("/s/{code}/")
def station(request: Request, code: str) -> Response:
    return _station(request, code, "citizen/station.html")


@router.get("/s/{code}/notices")
def notices_of(request: Request, code: str) -> Response:
    """The list alone, to bring an open page up to date."""
    return _station(request, code, "citizen/notices.html")


@router.get("/p/{publication_id}")
def notice(request: Request, publication_id: str) -> Response:
    with db.reading(db.EVERYWHERE) as session:
        told = reading.told(session, publication_id)
    if told is None:
        raise HTTPException(404)
    said = language_of(request)
    return render(
        request,
        "citizen/notice.html",
        headers=_HEADERS,
        zone=told.place.authority.timezone,
        told=told,
        n=told.notice,
        over=told.ended or told.notice.expires <= clock.now(),
        category=categories.get(told.notice.category).label(said),
    )


@router.get("/privacy")
def privacy(request: Request) -> Response:
    return render(request, "citizen/privacy.html", headers=_HEADERS)


@router.get("/offline")
def offline(request: Request) -> Response:
    """What is shown without a network where no page is kept."""
    return render(request, "citizen/offline.html", headers=_HEADERS)


@router.get("/language/{language}")
def language(language: str, back: str = "/") -> Response:
    """Remember a language on this device; nothing else is kept."""
    inside = back.startswith("/") and not back.startswith("//") and "\\" not in back
    answer = RedirectResponse(back if inside and back.isprintable() else "/", 303)
    if language in i18n.LANGUAGES:
        answer.set_cookie(LANGUAGE_COOKIE, language, max_age=31_536_000, samesite="lax")
    return answer


def _station(request: Request, code: str, template: str) -> Response:
    now = clock.now()
    said = language_of(request)
    with db.reading(db.EVERYWHERE) as session:
        place = reading.find_station(session, code)
        if place is None:
            raise HTTPException(404)
        shown = reading.current(session, place, now)
        feeds = session.get(ShelfRow, f"/s/{place.station.code}/feed.json") is not None
    coming = [n for n in shown if (n.onset or n.effective) > now]
    return render(
        request,
        template,
        headers=_HEADERS,
        zone=place.authority.timezone,
        place=place,
        going=[_row(n, said) for n in shown if n not in coming],
        coming=[_row(n, said) for n in coming],
        categories=[(key, c.label(said)) for key, c in categories.everything().items()],
        feeds=feeds,
        now=now,
    )


def _row(notice: Notice, language: str) -> dict[str, Any]:
    return {"n": notice, "category": categories.get(notice.category).label(language)}
