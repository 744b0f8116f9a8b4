"""Outlets and stations of the authority."""

import re
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import Field
from sqlmodel import Session, col, select

from hub import accounts, audit, clock, db, outbox, outlets, registry, vault
from hub.api.deps import Calling
from hub.api.problems import Problem, wrong
from hub.models import Contact, DisplayRow, Outlet, Station
from hub.schemas import Given
from hub.vocabulary import Lane

router = APIRouter(tags=["outlets"])
Code = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,60}$")]
_CLEARED = ("longitude", "latitude")


class OutletIn(Given):
    code: Code
    name: str = Field(min_length=1, max_length=100)
    kind: str
    station: str | None = None
    tags: list[Code] = Field(default_factory=list, max_length=20)
    options: dict[str, Any] = Field(default_factory=dict)
    longitude: float | None = Field(None, ge=-180, le=180)
    latitude: float | None = Field(None, ge=-90, le=90)


class OutletChange(Given):
    name: str | None = Field(None, min_length=1, max_length=100)
    tags: list[Code] | None = None
    options: dict[str, Any] | None = None
    longitude: float | None = Field(None, ge=-180, le=180)
    latitude: float | None = Field(None, ge=-90, le=90)
    paused: bool | None = None


class StationIn(Given):
    code: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{1,30}$")]
    name: str = Field(min_length=1, max_length=100)
    description: str = Field("", max_length=500)


class ContactsIn(Given):
    """Phone numbers in international form (E.164)."""

    numbers: list[str] = Field(min_length=1, max_length=10_000)
    language: str = "fr"


@router.get("/outlets")
def index(caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        return {"outlets": listing(session)}


@router.post("/outlets", status_code=201)
def create(body: OutletIn, caller: Calling) -> dict[str, Any]:
    """A new outlet; its options are checked by its kind."""
    caller.need("configure")
    options, secrets = outlets.split_options(body.kind, body.options)
    with db.writing(caller.authority_id) as session:
        if session.exec(select(Outlet).where(Outlet.code == body.code)).first():
            raise wrong("code", "There is already an outlet with this code.", 409)
        station = None
        if body.station:
            station = accounts.station_of(session, caller.authority_id, body.station)
        row = Outlet(
            authority_id=caller.authority_id,
            code=body.code,
            name=body.name,
            kind=body.kind,
            station_id=station.id if station else None,
            tags=list(body.tags),
            options=options,
            secrets=secrets,
            longitude=body.longitude,
            latitude=body.latitude,
        )
        session.add(row)
        session.flush()
        if registry.is_display(row.kind):
            outbox.welcome(session, row)
        audit.note(session, caller.authority_id, caller.actor, "create", f"outlet:{row.code}")
        session.flush()
        return _one(session, row.code)


@router.get("/outlets/{code}")
def read(code: str, caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        return _one(session, code)


@router.patch("/outlets/{code}")
def change(code: str, body: OutletChange, caller: Calling) -> dict[str, Any]:
    """Change, pause or resume an outlet. Options given replace those of the same name; a null takes
    its place on the map away and leaves everything else as it is."""
    caller.need("configure")
    with db.writing(caller.authority_id) as session:
        row = _find(session, code)
        given = body.model_dump(exclude_unset=True)
        said_with = (row.name, row.options, row.secrets)
        new_options = given.pop("options", None)
        if new_options is not None:
            known = outlets.options_given(row)
            row.options, row.secrets = outlets.split_options(row.kind, known | new_options)
        for name, value in given.items():
            if value is not None or name in _CLEARED:
                setattr(row, name, value)
        session.add(row)
        if registry.is_display(row.kind) and said_with != (row.name, row.options, row.secrets):
            outbox.change(session, row.id or 0, row.authority_id, Lane.NORMAL, clock.now())
        audit.note(
            session,
            caller.authority_id,
            caller.actor,
            "change",
            f"outlet:{row.code}",
            fields=sorted(body.model_fields_set),
        )
        session.flush()
        return _one(session, code)


@router.post("/outlets/{code}/contacts", status_code=201)
def add_contacts(code: str, body: ContactsIn, caller: Calling) -> dict[str, Any]:
    """Add phone numbers to an SMS list; they are encrypted at rest, duplicates are counted once."""
    caller.need("configure")
    with db.writing(caller.authority_id) as session:
        row = _find(session, code)
        if registry.is_display(row.kind) or (
            registry.channel(row.kind).capabilities.addresses != "contacts"
        ):
            raise wrong("code", f"An outlet of kind {row.kind} has no contacts.", 409)
        return {"added": add_numbers(session, row, body.numbers, body.language)}


@router.get("/stations")
def stations(caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        rows = session.exec(select(Station).order_by(col(Station.id))).all()
        return {
            "stations": [
                {"code": s.code, "name": s.name, "description": s.description} for s in rows
            ]
        }


@router.post("/stations", status_code=201)
def create_station(body: StationIn, caller: Calling) -> dict[str, Any]:
    caller.need("configure")
    with db.reading(db.EVERYWHERE) as session:
        if session.exec(select(Station).where(Station.code == body.code)).first():
            raise wrong("code", "This code is taken on this hub; choose another.", 409)
    with db.writing(caller.authority_id) as session:
        session.add(Station(authority_id=caller.authority_id, **body.model_dump()))
        audit.note(session, caller.authority_id, caller.actor, "create", f"station:{body.code}")
    return body.model_dump()


# --- inside --------------------------------------------------------------------------------------


def add_numbers(session: Session, outlet: Outlet, numbers: list[str], language: str) -> int:
    """Add numbers to the outlet's list; returns how many were new. Raises Problem naming the one
    that is not a number (E.164)."""
    prints = {}
    for position, number in enumerate(numbers):
        plain = re.sub(r"[ .()-]", "", number)
        if not re.fullmatch(r"\+[1-9]\d{6,14}", plain):
            raise wrong(f"numbers.{position}", "Write it in international form: +33 6 39 98 00 01.")
        prints[vault.fingerprint(plain, "phone")] = plain
    known = set(
        session.exec(select(Contact.fingerprint).where(Contact.outlet_id == outlet.id)).all()
    )
    for fingerprint, plain in prints.items():
        if fingerprint not in known:
            session.add(
                Contact(
                    authority_id=outlet.authority_id,
                    outlet_id=outlet.id or 0,
                    sealed=vault.seal(plain, "phone"),
                    fingerprint=fingerprint,
                    language=language,
                )
            )
    return len(set(prints) - known)


def listing(session: Session, code: str | None = None) -> list[dict[str, Any]]:
    """Outlets with how they stand, in one query."""
    statement = (
        select(Outlet, DisplayRow, Station.code)
        .join(DisplayRow, col(DisplayRow.outlet_id) == Outlet.id, isouter=True)
        .join(Station, col(Station.id) == Outlet.station_id, isouter=True)
        .where(col(Outlet.hidden).is_(False))
        .order_by(col(Outlet.id))
    )
    if code is not None:
        statement = statement.where(Outlet.code == code)
    return [
        {
            "id": outlet.id,
            "code": outlet.code,
            "name": outlet.name,
            "kind": outlet.kind,
            "station": station,
            "tags": outlet.tags,
            "options": outlet.options,
            "longitude": outlet.longitude,
            "latitude": outlet.latitude,
            "paused": outlet.paused,
            "display": _standing(display) if display else None,
        }
        for outlet, display, station in session.exec(statement).all()
    ]


def _standing(row: DisplayRow) -> dict[str, Any]:
    return {
        "wanted_no": row.wanted_no,
        "said_no": row.said_no,
        "shown_no": row.shown_no,
        "plan_rev": row.say_no,
        "presence": row.presence,
        "presence_at": clock.rfc3339(row.presence_at) if row.presence_at else None,
        "shown_at": clock.rfc3339(row.shown_at) if row.shown_at else None,
        "trouble": row.trouble,
        "birth": row.birth,
    }


def _one(session: Session, code: str) -> dict[str, Any]:
    rows = listing(session, code)
    if not rows:
        raise Problem(404, "There is no such outlet here.")
    return rows[0]


def _find(session: Session, code: str) -> Outlet:
    row = session.exec(select(Outlet).where(Outlet.code == code)).first()
    if row is None:
        raise Problem(404, "There is no such outlet here.")
    return row
