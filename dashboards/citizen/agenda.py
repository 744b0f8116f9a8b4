"""The agenda for everybody: by day, filtered, one event a page; a calendar to subscribe to."""

from dataclasses import replace
from datetime import date
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session, col, select

from dashboards.base import days, drawing, pages
from dashboards.citizen.answer import page
from hub import agenda_ical, agenda_search, clock, db, settings, synthetic
from hub.agenda_search import Asked
from hub.api import agenda as api
from hub.api.problems import Problem
from hub.models import Authority, Event, Station
from hub.vocabulary import EventState

router = APIRouter()
_A_PAGE = 60


@router.get("/agenda")
def index(
    request: Request,
    q: Annotated[str, Query(max_length=100)] = "",
    du: Annotated[str, Query(max_length=20)] = "",
    au: Annotated[str, Query(max_length=20)] = "",
    station: Annotated[str, Query(max_length=200)] = "",
    tag: Annotated[str, Query(max_length=60)] = "",
    after: Annotated[str, Query(max_length=80)] = "",
) -> Response:
    """What is to come, by day. A filter that cannot be read is left out rather than refused."""
    now, language = clock.now(), pages.language_of(request)
    with db.reading(db.EVERYWHERE) as session:
        stations = _stations(session)
        zone = _zone(session, station)
        today = clock.local(now, zone).date()
        asked = Asked(
            words=q,
            first=_day(du) or today,
            last=_day(au),
            zone=zone,
            stations=(station,) if station else (),
            tag=tag,
            limit=_A_PAGE,
        )
        try:
            asked = replace(asked, after=api.cursor_of(after))
        except Problem:
            after = ""
        rows, more = agenda_search.search(session, asked)
        tags = agenda_search.tags(session, now)
    kept = {"q": q, "du": du, "au": au, "station": station, "tag": tag}
    kept = {name: value for name, value in kept.items() if value}
    return page(
        request,
        "citizen/agenda.html",
        now,
        zone=zone,
        groups=[
            (days.day(on, language, today), listed)
            for on, listed in days.grouped(rows, asked.first)
        ],
        hours=lambda row: days.hours(row.event, language, row.authority.timezone, today),
        long=lambda row: days.dated(row.event, row.authority.timezone),
        said=lambda event: _said(event, language),
        asked={
            "q": q,
            "du": du if _day(du) else "",
            "au": au if _day(au) else "",
            "station": station,
            "tag": tag,
        },
        filtered=bool(kept),
        refused=[name for name, text in (("du", du), ("au", au)) if text and not _day(text)],
        stations=stations,
        tags=[t for t in tags if t != tag],
        query=lambda **new: urlencode({k: v for k, v in (kept | new).items() if v}),
        next_page=urlencode(kept | {"after": api.cursor(rows[-1].event)}) if more else "",
        title=next((name for code, name in stations if code == station), ""),
        more=bool(after),
    )


@router.get("/agenda.ics")
def calendar(
    request: Request,
    station: Annotated[str, Query(max_length=200)] = "",
    authority: Annotated[str, Query(max_length=100)] = "",
) -> Response:
    """The agenda to subscribe to: of the whole hub, of an authority, of a station."""
    with db.reading(db.EVERYWHERE) as session:
        query = (
            select(Authority, Station.name)
            .join(Station, col(Station.authority_id) == Authority.id)
            .where(Authority.code != synthetic.CODE)
            .order_by(col(Authority.id), col(Station.id))
        )
        if station:
            query = query.where(Station.code == station)
        if authority:
            query = query.where(Authority.code == authority)
        found = session.exec(query).first()
        if found is None:
            return Response("404\n", 404, media_type="text/plain")
        owner, name = found
        rows = agenda_ical.listed(session, clock.now(), station, authority)
    title = name if station else owner.name if authority else "Agenda"
    return api.calendar(request, rows, title, owner)


@router.get("/s/{code}/agenda.ics")
def station_calendar(code: str, request: Request) -> Response:
    """The agenda of a station."""
    return calendar(request, station=code)


@router.get("/agenda/{event_id}.ics")
def one_calendar(event_id: str, request: Request) -> Response:
    """One event, to put into one's own calendar."""
    with db.reading(db.EVERYWHERE) as session:
        row = agenda_search.find(session, event_id.upper())
    if row is None:
        return Response("404\n", 404, media_type="text/plain")
    return api.calendar(request, [row], row.station.name, row.authority)


@router.get("/agenda/{event_id}")
def one(event_id: str, request: Request) -> Response:
    """One event: when, where, what, who lists it."""
    now, language = clock.now(), pages.language_of(request)
    with db.reading(db.EVERYWHERE) as session:
        row = agenda_search.find(session, event_id.upper())
        if row is None or row.authority.code == synthetic.CODE:
            return page(request, "citizen/missing.html", now, status=404, what="event")
        origins = agenda_search.origins(session, row.event)
        others = _others(session, row.event, now)
    event, zone = row.event, row.authority.timezone
    today = clock.local(now, zone).date()
    point = None
    if event.longitude is not None and event.latitude is not None:
        at = [event.longitude, event.latitude]
        point = drawing.drawing_of(row.authority.territory, {"type": "Point", "coordinates": at})
    return page(
        request,
        "citizen/event.html",
        now,
        zone=zone,
        row=row,
        event=event,
        said=lambda one: _said(one, language),
        day=days.day(days.first_day(event, zone), language, today),
        hours=days.hours(event, language, zone, today),
        dated=lambda one: days.day(days.first_day(one, zone), language, today),
        several=days.dated(event, zone),
        past=event.ends < now and event.starts < now,
        withdrawn=event.state == EventState.WITHDRAWN,
        origins=[origin for origin in origins if not origin.gone],
        others=others,
        sketch=point,
        base=settings.get().url,
    )


def _said(event: Event, language: str) -> tuple[str, dict[str, Any]]:
    """(language, words) of an event for a reader of `language`."""
    spoken = language if language in event.texts else next(iter(event.texts))
    return spoken, event.texts[spoken]


def _others(session: Session, event: Event, now: Any) -> list[Event]:
    """The next dates of what repeats."""
    if not event.series:
        return []
    return list(
        session.exec(
            select(Event)
            .where(
                Event.series == event.series,
                Event.station_id == event.station_id,
                Event.id != event.id,
                Event.state == EventState.PLANNED,
                col(Event.starts) > now,
            )
            .order_by(col(Event.starts))
            .limit(6)
        ).all()
    )


def _stations(session: Session) -> list[tuple[str, str]]:
    """The stations that list something, by authority."""
    rows = session.exec(
        select(Station.code, Station.name, Authority.name)
        .join(Authority, col(Authority.id) == Station.authority_id)
        .where(
            Authority.code != synthetic.CODE,
            col(Station.id).in_(
                select(Event.station_id).where(Event.state != EventState.WITHDRAWN)
            ),
        )
        .order_by(col(Authority.name), col(Station.id))
        .limit(200)
    ).all()
    several = len({authority for _, _, authority in rows}) > 1
    return [(code, f"{authority}, {name}" if several else name) for code, name, authority in rows]


def _zone(session: Session, station: str) -> str:
    query = (
        select(Authority.timezone)
        .join(Station, col(Station.authority_id) == Authority.id)
        .where(Authority.code != synthetic.CODE)
        .order_by(col(Authority.id))
    )
    if station:
        query = query.where(Station.code == station)
    return session.exec(query).first() or "Europe/Paris"


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
