"""The agenda in the office: what is to come, an event written, changed, cancelled; reminders."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlmodel import Session, col, select

from dashboards.base import days, i18n
from dashboards.base.i18n import N_
from dashboards.office import forms, views
from dashboards.office.compose import Typed
from dashboards.office.session import Person, SignedIn, language, show
from hub import (
    accounts,
    agenda,
    agenda_search,
    categories,
    clock,
    db,
    publishing,
    reminders,
    settings,
)
from hub.agenda_search import SHOWN, Asked
from hub.api import agenda as api
from hub.event_schema import EventIn
from hub.models import Event, Reminder, Station
from hub.rules import loading
from hub.vocabulary import EventState

router = APIRouter(prefix="/agenda")
_A_PAGE = 50
# Where each field of the schema stands in the form.
_PLACES = {"starts": "from_day", "day": "from_day", "ends": "to_day", "last_day": "to_day",
           "longitude": "latitude"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Coming:
    """A reminder to come: its rule, its hour, and what it would say as things stand."""

    name: str
    title: str
    due: datetime
    station: str
    events: int
    headline: str


@router.get("")
def index(
    request: Request,
    person: SignedIn,
    q: str = "",
    state: str = "",
    station: str = "",
    du: str = "",
    after: str = "",
) -> Response:
    said, now = language(request, person), clock.now()
    today = clock.local(now, person.zone).date()
    asked = Asked(
        words=q[:200],
        first=_day(du) or today,
        zone=person.zone,
        stations=(station,) if station else (),
        states=(state,) if state in list(EventState) else SHOWN,
        limit=_A_PAGE,
        after=api.cursor_of(after),
    )
    with db.reading(person.scope) as session:
        rows, more = agenda_search.search(session, asked)
        return show(
            request,
            person,
            "office/agenda.html",
            groups=[
                (days.day(on, said, today), listed)
                for on, listed in days.grouped(rows, asked.first)
            ],
            hours=lambda event: days.hours(event, said, person.zone, today),
            words=lambda event: _words(event, said),
            q=q,
            state=state,
            station=station,
            du=du,
            stations=[("", "—"), *((s.code, s.name) for s in views.stations(session))],
            more=api.cursor(rows[-1].event) if more else "",
            coming=_coming(session, person, now, said),
        )


@router.get("/add")
def new(request: Request, person: SignedIn) -> Response:
    person.need("write")
    with db.reading(person.scope) as session:
        today = clock.local(clock.now(), person.zone).date()
        first = {"category": "event", "from_day": (today + timedelta(days=1)).isoformat()}
        return _form(request, person, session, first, {}, None)


@router.post("/add")
def add(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    person.need("write")
    return _save(request, person, given, None)


@router.get("/{event_id}")
def read(request: Request, person: SignedIn, event_id: str, said: str = "") -> Response:
    with db.reading(person.scope) as session:
        event = api.find(session, event_id)
        filled = _filled(session, event, person)
        return _form(request, person, session, filled, {}, event, done=said)


@router.post("/{event_id}")
def change(
    request: Request, person: SignedIn, event_id: str, given: dict[str, str] = Typed
) -> Response:
    """Save, cancel, restore, or take out of the agenda."""
    person.need("write")
    step = given.get("step", "save")
    if step not in ("cancel", "restore", "withdraw"):
        return _save(request, person, given, event_id)
    with db.writing(person.scope) as session:
        event = api.find(session, event_id)
        try:
            getattr(agenda, step)(session, event, person.actor)
        except publishing.Refused:
            return RedirectResponse(f"/office/agenda/{event_id}", 303)
    return RedirectResponse(f"/office/agenda/{event_id}?said={step}", 303)


# --- inside --------------------------------------------------------------------------------------


def _save(
    request: Request, person: Person, given: Mapping[str, str], event_id: str | None
) -> Response:
    said = language(request, person)
    body, errors = _body(person, given, said)
    content = None
    if not errors:
        try:
            content = EventIn.model_validate(body)
        except ValidationError as error:
            found = forms.errors_of(error, said)
            errors = {_PLACES.get(name, name): why for name, why in found.items()}
    with db.writing(person.scope) as session:
        event = api.find(session, event_id) if event_id else None
        if content is None:
            return _form(request, person, session, given, errors, event)
        station = accounts.station_of(session, person.scope, given.get("station"))
        if event is None:
            event = agenda.create(session, person.actor, station, content)
            return RedirectResponse(f"/office/agenda/{event.id}?said=created", 303)
        agenda.edit(session, event, content, person.actor, station)
    return RedirectResponse(f"/office/agenda/{event_id}?said=saved", 303)


def _body(
    person: Person, given: Mapping[str, str], said: str
) -> tuple[dict[str, Any], forms.Errors]:
    """The form as EventIn wants it: without an hour, whole days."""
    errors: forms.Errors = {}
    texts = {}
    for spoken in forms.languages_of(person.authority, given):
        words = {
            name: given.get(f"texts.{spoken}.{name}", "").strip()
            for name in ("headline", "description")
        }
        if any(words.values()):
            texts[spoken] = words
    own = person.authority.languages[0]
    body: dict[str, Any] = {
        "texts": texts or {own: {"headline": "", "description": ""}},
        "category": given.get("category") or "event",
        "place": given.get("place", "").strip(),
        "link": given.get("link", "").strip(),
        "tags": [tag for tag in given.get("tags", "").split(",") if tag.strip()],
    }
    for name in ("latitude", "longitude"):
        if number := given.get(name, "").strip().replace(",", "."):
            body[name] = number
    first = _day(given.get("from_day", ""))
    last = _day(given.get("to_day", ""))
    if first is None:
        errors["from_day"] = i18n.gettext(said, N_("Write a day."))
        return body, errors
    if not given.get("from_hour"):
        return body | {"day": first, "last_day": last or first}, errors
    zone = person.zone
    starts = _moment(first, given["from_hour"], zone)
    if starts is None:
        errors["from_hour"] = i18n.gettext(said, N_("Write an hour such as 19:00."))
        return body, errors
    body["starts"] = starts
    if given.get("to_hour"):
        ends = _moment(last or first, given["to_hour"], zone)
        if ends is None:
            errors["to_hour"] = i18n.gettext(said, N_("Write an hour such as 19:00."))
        elif ends < starts and last is None:
            ends = _moment(first + timedelta(days=1), given["to_hour"], zone)  # past midnight
        body["ends"] = ends
    elif last and last != first:
        errors["to_hour"] = i18n.gettext(said, N_("Write the hour of the end too."))
    return body, errors


def _filled(session: Session, event: Event, person: Person) -> dict[str, str]:
    zone = person.zone
    begins, ends = clock.local(event.starts, zone), clock.local(event.ends, zone)
    first, last = days.first_day(event, zone), days.last_day(event, zone)
    values = {
        "station": session.get_one(Station, event.station_id).code,
        "category": event.category,
        "place": event.place,
        "link": event.link,
        "tags": ", ".join(event.tags),
        "latitude": "" if event.latitude is None else str(event.latitude),
        "longitude": "" if event.longitude is None else str(event.longitude),
        "from_day": first.isoformat(),
        "from_hour": "" if event.all_day else f"{begins:%H:%M}",
        "to_day": "" if last == first else ends.date().isoformat(),
        "to_hour": "" if event.all_day or event.ends == event.starts else f"{ends:%H:%M}",
    }
    if event.all_day and last != first:
        values["to_day"] = last.isoformat()
    for spoken, words in event.texts.items():
        for name in ("headline", "description"):
            values[f"texts.{spoken}.{name}"] = words.get(name, "")
    return values


def _form(
    request: Request,
    person: Person,
    session: Session,
    values: Mapping[str, str],
    errors: forms.Errors,
    event: Event | None,
    done: str = "",
) -> Response:
    said = language(request, person)
    return show(
        request,
        person,
        "office/event.html",
        status=422 if errors else 200,
        v=values,
        e=errors,
        errors=forms.listed(errors, said),
        event=event,
        done=done,
        spoken=[
            (code, i18n.NAMES.get(code, code))
            for code in forms.languages_of(person.authority, values)
        ],
        own=person.authority.languages,
        stations=[(s.code, s.name) for s in views.stations(session)],
        categories=[(key, c.label(said)) for key, c in categories.everything().items()],
        origins=agenda_search.origins(session, event) if event else [],
        told=_told(session, event, said) if event else [],
        over=event is not None and event.ends < clock.now(),
    )


def _told(session: Session, event: Event, said: str) -> list[tuple[str, datetime, str]]:
    """(title of the rule, when, publication) of the reminders that named an event."""
    rows = session.exec(
        select(Reminder)
        .where(
            Reminder.publication_id != "",
            Reminder.station_id == event.station_id,
            col(Reminder.due) > event.starts - timedelta(days=60),
        )
        .order_by(col(Reminder.due).desc())
        .limit(200)
    ).all()
    return [
        (row.title.get(said) or next(iter(row.title.values())), row.created, row.publication_id)
        for row in rows
        if event.id in row.events
    ]


def _coming(session: Session, person: Person, now: datetime, said: str) -> list[Coming]:
    """What each reminder rule would say at its next hour, station by station."""
    try:
        rules = loading.for_authority(settings.get().config, person.authority.code)
    except loading.RulesError:
        return []
    found = []
    for rule, due in reminders.coming(rules, person.zone, now):
        title = rule.title.get(said) or next(iter(rule.title.values()))
        rows = []
        for station in views.stations(session):
            events, content = reminders.foresee(session, person.authority, station, rule, due)
            if content:
                words = content.texts.get(said) or next(iter(content.texts.values()))
                rows.append(
                    Coming(rule.name, title, due, station.name, len(events), words.headline)
                )
        found += rows or [Coming(rule.name, title, due, "", 0, "")]
    return found


def _words(event: Event, said: str) -> tuple[str, str]:
    spoken = said if said in event.texts else next(iter(event.texts))
    return spoken, event.texts[spoken]["headline"]


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None


def _moment(on: date, hour: str, zone: str) -> datetime | None:
    try:
        at = datetime.fromisoformat(f"{on.isoformat()}T{hour}")
    except ValueError:
        return None
    return at.replace(tzinfo=ZoneInfo(zone)) if at.tzinfo is None else None
