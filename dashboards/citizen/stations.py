"""The first page, a station's page, and the stations that this device follows."""

from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from dashboards.base import pages
from dashboards.citizen import reading
from dashboards.citizen.answer import page
from hub import categories, clock, db, neighbourhoods

router = APIRouter()
_MOST_FOLLOWED: Final = 30


@router.get("/")
def home(request: Request, q: Annotated[str, Query(max_length=100)] = "") -> Response:
    """Find a station; `q` is what was typed."""
    with db.reading(db.EVERYWHERE) as session:
        found, more = reading.find_stations(session, q)
    return page(request, "citizen/home.html", clock.now(), q=q.strip(), found=found, more=more)


@router.get("/suivies")
def followed(
    request: Request, s: Annotated[list[str] | None, Query(max_length=200)] = None
) -> Response:
    """What the stations of `s` say now: a part of the first page, asked for by its script, which
    alone knows what this device follows. Nothing of it is kept here."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        rows = reading.stations_now(session, (s or [])[:_MOST_FOLLOWED], now)
    return page(request, "citizen/followed.html", now, rows=rows)


@router.get("/s/{code}/")
def station(code: str, request: Request) -> Response:
    """What a station says now."""
    now = clock.now()
    with db.reading(db.EVERYWHERE) as session:
        rows = reading.stations_now(session, [code], now)
        written = None if rows else reading.find_code(session, code)
    if rows:
        row = rows[0]
        language = pages.language_of(request)
        return page(
            request,
            "citizen/station.html",
            now,
            zone=row.authority.timezone,
            row=row,
            station=row.station,
            authority=row.authority,
            categories=[(c.key, c.label(language)) for c in categories.everything().values()],
            places=neighbourhoods.of_authority(row.authority.code),
            grid=neighbourhoods.grid(row.authority.territory),
        )
    if written:
        return RedirectResponse(f"/s/{quote(written, safe='')}/", 308)
    return page(request, "citizen/missing.html", now, status=404, what="station")
