"""Outlets: what there is, how it stands, add, change, pause."""

from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError
from sqlmodel import select

from dashboards.base import labels
from dashboards.office import forms, optionforms, views
from dashboards.office.compose import Typed
from dashboards.office.session import Person, SignedIn, language, show
from hub import db, registry
from hub.api import outlets as api
from hub.api.problems import Problem
from hub.models import Contact, Outlet
from hub.outlets import OptionsRefused

router = APIRouter(prefix="/outlets")


@router.get("")
def index(request: Request, person: SignedIn) -> Response:
    with db.reading(person.scope) as session:
        return show(request, person, "office/outlets.html", outlets=api.listing(session))


@router.get("/add")
def choose(request: Request, person: SignedIn, kind: str = "") -> Response:
    """First the kind, then what that kind needs."""
    person.need("configure")
    if not kind:
        said = language(request, person)
        kinds = [(k, labels.word(said, "kind", k)) for k in registry.kinds("channels")]
        return show(request, person, "office/outlet_kinds.html", kinds=kinds)
    return _form(request, person, kind, {}, {}, None)


@router.post("/add")
def add(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    person.need("configure")
    kind = given.get("kind", "")
    try:
        body = api.OutletIn.model_validate(
            {
                "code": given.get("code", ""),
                "name": given.get("name", ""),
                "kind": kind,
                "station": given.get("station") or None,
                "tags": forms.split_words(given.get("tags", "")),
                "options": optionforms.read(registry.channel(kind).Options, given),
                **_place(given),
            }
        )
        made = api.create(body, person.caller)
    except (ValidationError, OptionsRefused, Problem) as refused:
        errors = errors_of(refused, language(request, person))
        return _form(request, person, kind, given, errors, None)
    return RedirectResponse(f"/office/outlets/{made['code']}", 303)


@router.get("/{code}")
def read(request: Request, person: SignedIn, code: str) -> Response:
    with db.reading(person.scope) as session:
        row = _find(code, session)
        contacts = len(session.exec(select(Contact.id).where(Contact.outlet_id == row.id)).all())
        standing = api.listing(session, code)[0]
        given = {
            "code": row.code,
            "name": row.name,
            "tags": ", ".join(row.tags),
            "longitude": "" if row.longitude is None else str(row.longitude),
            "latitude": "" if row.latitude is None else str(row.latitude),
        }
    return _form(request, person, row.kind, given, {}, row, standing, contacts)


@router.post("/{code}")
def change(
    request: Request, person: SignedIn, code: str, given: dict[str, str] = Typed
) -> Response:
    person.need("configure")
    with db.reading(person.scope) as session:
        row = _find(code, session)
    try:
        if "paused" in given:
            api.change(code, api.OutletChange(paused=given["paused"] == "yes"), person.caller)
        elif "numbers" in given:
            numbers = list(forms.lines(given["numbers"]))
            api.add_contacts(code, api.ContactsIn(numbers=numbers), person.caller)
        else:
            body = api.OutletChange.model_validate(
                {
                    "name": given.get("name", ""),
                    "tags": forms.split_words(given.get("tags", "")),
                    "options": optionforms.read(registry.channel(row.kind).Options, given),
                    **_place(given),
                }
            )
            api.change(code, body, person.caller)
    except (ValidationError, OptionsRefused, Problem) as refused:
        errors = errors_of(refused, language(request, person))
        return _form(request, person, row.kind, given, errors, row)
    return RedirectResponse(f"/office/outlets/{code}", 303)


# --- inside --------------------------------------------------------------------------------------


def errors_of(refused: Exception, said: str) -> forms.Errors:
    """What is wrong, by field, whichever way it was refused."""
    if isinstance(refused, ValidationError):
        return forms.errors_of(refused, said)
    if isinstance(refused, Problem):
        return forms.errors_of_problem(refused, said)
    # An entry of a list is mended in the list's own field.
    return {".".join(name.split(".")[:2]): why for name, why in getattr(refused, "errors", ())}


def _place(given: dict[str, str]) -> dict[str, Any]:
    return {
        name: given.get(name, "").replace(",", ".") or None for name in ("longitude", "latitude")
    }


def _find(code: str, session: Any) -> Outlet:
    row: Outlet | None = session.exec(select(Outlet).where(Outlet.code == code)).first()
    if row is None:
        raise Problem(404, "There is no such outlet here.")
    return row


def _form(
    request: Request,
    person: Person,
    kind: str,
    given: dict[str, str],
    errors: forms.Errors,
    row: Outlet | None,
    standing: dict[str, Any] | None = None,
    contacts: int = 0,
) -> Response:
    said = language(request, person)
    model = registry.channel(kind)
    typed = {k.removeprefix("options."): v for k, v in given.items() if k.startswith("options.")}
    with db.reading(person.scope) as session:
        return show(
            request,
            person,
            "office/outlet.html",
            status=422 if errors else 200,
            kind=kind,
            v=given,
            e=errors,
            errors=forms.listed(errors, said),
            row=row,
            standing=standing,
            contacts=contacts,
            takes_contacts=not registry.is_display(kind)
            and model.capabilities.addresses == "contacts",
            options=optionforms.fields(model.Options, typed or (row.options if row else {}), said),
            stations=[("", "—"), *((s.code, s.name) for s in views.stations(session))],
        )
