"""The agenda of the authority: search, write, cancel. `calendar` gives it as iCalendar."""

import hashlib
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Request, Response
from sqlmodel import Session, select

from hub import accounts, agenda, agenda_ical, agenda_search, clock, db, publishing
from hub.agenda_search import Asked, Found
from hub.api.deps import Calling
from hub.api.problems import Problem, wrong
from hub.event_schema import EventIn
from hub.http_bytes import unchanged
from hub.models import Authority, Event, Station

router = APIRouter(tags=["agenda"])


class EventBody(EventIn):
    """An event as it is sent; `station` is a code, the authority's first station without it."""

    station: str | None = None

    def content(self) -> EventIn:
        return EventIn.model_validate(self.model_dump(exclude={"station"}))


@router.get("/events")
def index(
    caller: Calling,
    q: Annotated[str, Query(max_length=200, description="Words, accents aside.")] = "",
    first: Annotated[date | None, Query(alias="from", description="Today if left out.")] = None,
    last: Annotated[date | None, Query(alias="to")] = None,
    station: Annotated[str, Query(max_length=200)] = "",
    tag: Annotated[str, Query(max_length=60)] = "",
    category: Annotated[str, Query(max_length=60)] = "",
    state: Literal["shown", "planned", "cancelled", "withdrawn"] = "shown",
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    after: Annotated[str, Query(max_length=80, description="`next` of the page before.")] = "",
) -> dict[str, Any]:
    """Events of the authority, the soonest first."""
    with db.reading(caller.authority_id) as session:
        authority = session.get_one(Authority, caller.authority_id)
        asked = Asked(
            words=q,
            first=first or clock.local(clock.now(), authority.timezone).date(),
            last=last,
            zone=authority.timezone,
            stations=(station,) if station else (),
            tag=tag,
            category=category,
            states=agenda_search.SHOWN if state == "shown" else (state,),
            limit=limit,
            after=cursor_of(after),
        )
        rows, more = agenda_search.search(session, asked)
    return {
        "events": [as_json(row) for row in rows],
        "next": cursor(rows[-1].event) if more else None,
    }


@router.post("/events", status_code=201)
def create(body: EventBody, caller: Calling) -> dict[str, Any]:
    """A new event, in the agenda at once."""
    caller.need("write")
    with db.writing(caller.authority_id) as session:
        station = accounts.station_of(session, caller.authority_id, body.station)
        event = agenda.create(session, caller.actor, station, body.content())
        return _one(session, event.id)


@router.get("/events/{event_id}")
def read(event_id: str, caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        return _one(session, event_id)


@router.put("/events/{event_id}")
def edit(event_id: str, body: EventBody, caller: Calling) -> dict[str, Any]:
    """Replace what an event says. What a source brought is yours from here on."""
    caller.need("write")
    with db.writing(caller.authority_id) as session:
        event = find(session, event_id)
        station = session.get_one(Station, event.station_id)
        if body.station:
            station = accounts.station_of(session, caller.authority_id, body.station)
        agenda.edit(session, event, body.content(), caller.actor, station)
        return _one(session, event_id)


@router.post("/events/{event_id}/{step}")
def move(
    event_id: str, step: Literal["cancel", "restore", "withdraw"], caller: Calling
) -> dict[str, Any]:
    """`cancel`: it does not take place, and stays, struck out. `restore`: it does after all.
    `withdraw`: it was a mistake, and is shown no more."""
    caller.need("write")
    with db.writing(caller.authority_id) as session:
        event = find(session, event_id)
        try:
            getattr(agenda, step)(session, event, caller.actor)
        except publishing.Refused as refused:
            raise wrong(refused.field, refused.reason) from refused
        return _one(session, event_id)


@router.get("/events.ics", include_in_schema=False)
def own_calendar(request: Request, caller: Calling) -> Response:
    """The authority's agenda as iCalendar, for programs with a token."""
    with db.reading(caller.authority_id) as session:
        authority = session.get_one(Authority, caller.authority_id)
        rows = agenda_ical.listed(session, clock.now(), authority=authority.code)
    return calendar(request, rows, authority.name, authority)


# --- what the faces share ------------------------------------------------------------------------


def as_json(row: Found) -> dict[str, Any]:
    event, zone = row.event, row.authority.timezone
    made: dict[str, Any] = {
        "id": event.id,
        "station": row.station.code,
        "state": event.state,
        "category": event.category,
        "texts": event.texts,
        "starts": clock.rfc3339(event.starts),
        "ends": clock.rfc3339(event.ends),
        "all_day": event.all_day,
        "place": event.place,
        "longitude": event.longitude,
        "latitude": event.latitude,
        "tags": event.tags,
        "link": event.link,
        "series": event.series,
        "sequence": event.sequence,
        "edited": event.edited,
        "note": event.note,
        "created": clock.rfc3339(event.created),
        "changed": clock.rfc3339(event.changed),
    }
    if event.all_day:
        made["day"] = clock.local(event.starts, zone).date().isoformat()
        last = clock.local(event.ends - timedelta(seconds=1), zone).date()
        made["last_day"] = last.isoformat()
    return made


def find(session: Session, event_id: str) -> Event:
    """Raises Problem (404)."""
    event = session.exec(select(Event).where(Event.id == event_id)).first()
    if event is None:
        raise Problem(404, "There is no such event here.")
    return event


def cursor(event: Event) -> str:
    return f"{event.starts.timestamp():.6f}~{event.id}"


def cursor_of(text: str) -> tuple[datetime, str] | None:
    """The place a page ended at. Raises Problem (422)."""
    if not text:
        return None
    starts, _, event_id = text.partition("~")
    try:
        return datetime.fromtimestamp(float(starts), UTC), event_id
    except (ValueError, OverflowError, OSError):
        raise wrong("after", "is not the `next` of a page") from None


def calendar(request: Request, rows: list[Found], title: str, authority: Authority) -> Response:
    """iCalendar with an entity tag; 304 where the caller has it (RFC 9110 section 13)."""
    language = authority.languages[0]
    body = agenda_ical.calendar(rows, title, language, authority.timezone)
    tag = hashlib.sha256(body).hexdigest()[:32]
    changed = max((row.event.changed for row in rows), default=authority.created)
    headers = {
        "ETag": f'"{tag}"',
        "Last-Modified": format_datetime(changed.astimezone(UTC), usegmt=True),
        "Cache-Control": "public, max-age=60",
        "Access-Control-Allow-Origin": "*",
        "Content-Disposition": 'inline; filename="agenda.ics"',
    }
    if unchanged(request.headers, tag, changed):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=agenda_ical.MEDIA_TYPE, headers=headers)


def _one(session: Session, event_id: str) -> dict[str, Any]:
    row = agenda_search.find(session, event_id)
    if row is None:
        raise Problem(404, "There is no such event here.")
    listed = agenda_search.origins(session, row.event)
    return as_json(row) | {
        "sources": [
            {"name": o.source_name, "external_id": o.external_id, "link": o.link, "gone": o.gone}
            for o in listed
        ]
    }
