"""Sources: feeds that are read, how they are, what came, and what would come."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from pydantic import ValidationError

from dashboards.base import labels
from dashboards.office import forms, optionforms, views
from dashboards.office.compose import Typed
from dashboards.office.outlets import errors_of
from dashboards.office.session import Person, SignedIn, language, show
from hub import categories, db, registry
from hub.api import sources as api
from hub.api.problems import Problem

router = APIRouter(prefix="/sources")


@router.get("")
def index(request: Request, person: SignedIn) -> Response:
    with db.reading(person.scope) as session:
        return show(request, person, "office/sources.html", sources=api.listing(session))


@router.get("/try")
def paste(request: Request, person: SignedIn) -> Response:
    person.need("write")
    return show(request, person, "office/source_try.html", url="", e={}, errors=[], told=None)


@router.post("/try")
def tried(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    """What an address would bring, of whatever kind it is; keeps nothing."""
    person.need("write")
    url, told, errors = given.get("url", "").strip(), None, {}
    try:
        told = api.look(api.LookIn(url=url), person.caller)
    except (ValidationError, Problem) as refused:
        errors = errors_of(refused, language(request, person))
    return show(
        request,
        person,
        "office/source_try.html",
        status=422 if errors else 200,
        url=url,
        e=errors,
        errors=forms.listed(errors, language(request, person)),
        told=told,
    )


@router.get("/add")
def new(request: Request, person: SignedIn, kind: str = "ical", url: str = "") -> Response:
    person.need("configure")
    return _form(request, person, kind, {"intake": "draft", "url": url}, {})


@router.post("/add")
def add(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    """ "What would come" reads the feed and keeps nothing; "add" keeps the source."""
    person.need("configure")
    kind = given.get("kind", "")
    try:
        body = api.SourceIn.model_validate(_body(kind, given))
        if given.get("step") == "look":
            coming = api.test(body, person.caller)
            return _form(request, person, kind, given, {}, coming)
        made = api.create(body, person.caller)
    except (ValidationError, Problem) as refused:
        errors = errors_of(refused, language(request, person))
        return _form(request, person, kind, given, errors)
    return RedirectResponse(f"/office/sources/{made['id']}", 303)


@router.get("/{source_id}")
def read(request: Request, person: SignedIn, source_id: int, said: str = "") -> Response:
    row = api.read(source_id, person.caller)
    items = api.items(source_id, person.caller, limit=200)["items"]
    return show(
        request, person, "office/source.html", s=row, items=list(reversed(items)), said=said
    )


@router.post("/{source_id}")
def change(person: SignedIn, source_id: int, given: dict[str, str] = Typed) -> Response:
    """Poll now, pause, resume, another intake, or forget it."""
    page = f"/office/sources/{source_id}"
    match given.get("step"):
        case "poll":
            told = api.poll(source_id, person.caller)
            return RedirectResponse(f"{page}?{urlencode({'said': told['says']})}", 303)
        case "pause" | "resume" as step:
            api.change(source_id, api.SourceChange(paused=step == "pause"), person.caller)
        case "intake":
            body = api.SourceChange.model_validate({"intake": given.get("intake")})
            api.change(source_id, body, person.caller)
        case "delete":
            api.delete(source_id, person.caller)
            return RedirectResponse("/office/sources", 303)
    return RedirectResponse(page, 303)


# --- inside --------------------------------------------------------------------------------------


def _body(kind: str, given: Mapping[str, str]) -> dict[str, Any]:
    body: dict[str, Any] = {
        name: given.get(name, "") for name in ("name", "url", "category", "intake")
    }
    options = optionforms.read(registry.connector(kind).Options, given)
    return body | {"kind": kind, "station": given.get("station") or None, "options": options}


def _form(
    request: Request,
    person: Person,
    kind: str,
    given: Mapping[str, str],
    errors: forms.Errors,
    coming: dict[str, Any] | None = None,
) -> Response:
    said = language(request, person)
    typed = {k.removeprefix("options."): v for k, v in given.items() if k.startswith("options.")}
    filled = [
        field
        for field in optionforms.fields(registry.connector(kind).Options, typed, said)
        if field.name != "url"  # it has its own place in the form
    ]
    with db.reading(person.scope) as session:
        return show(
            request,
            person,
            "office/source_add.html",
            status=422 if errors else 200,
            kind=kind,
            kinds=[(k, labels.word(said, "kind", k)) for k in registry.kinds("connectors")],
            v=given,
            e=errors,
            errors=forms.listed(errors, said),
            options=filled,
            coming=coming,
            intakes=[
                (i, labels.word(said, "intake", i), "")
                for i in ("draft", "agenda", "publish", "ignore")
            ],
            categories=[
                ("", "—"),
                *((k, c.label(said)) for k, c in categories.everything().items()),
            ],
            stations=[(s.code, s.name) for s in views.stations(session)],
        )
