"""Write it once: the form, what they will see, and the steps of a draft."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import Session

from dashboards.base import i18n, labels
from dashboards.base.i18n import N_
from dashboards.office import forms, sights, views
from dashboards.office.forms import Form
from dashboards.office.session import Person, SignedIn, language, show
from hub import accounts, categories, db, publishing
from hub.models import Publication
from hub.schemas import Content
from hub.vocabulary import GRAVE, MoveRefused, Severity, Urgency

router = APIRouter()


async def typed(request: Request) -> dict[str, str]:
    """Every field of the form sent, by its name."""
    form = await request.form(max_files=0, max_fields=200)
    return {name: str(value) for name, value in form.items()}


Typed = Depends(typed)


@router.get("/compose")
def new(request: Request, person: SignedIn, station: str = "") -> Response:
    person.need("write")
    with db.reading(person.scope) as session:
        known = views.stations(session)
        first = station or (known[0].code if known else "")
        form = forms.empty(person.authority, first, person.exercise)
        return _page(request, person, session, form, None)


@router.get("/publications/{publication_id}/edit")
def edit(request: Request, person: SignedIn, publication_id: str) -> Response:
    """The open draft, or the draft of the next revision."""
    person.need("write")
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        station = next(s for s in views.stations(session) if s.id == publication.station_id)
        form = forms.of_content(views.content_of(session, publication), station.code, person.zone)
        form.content = Content.model_validate(views.content_of(session, publication))
        return _page(request, person, session, form, publication)


@router.post("/compose/sights")
def preview(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    """The part "what they will see", asked for while the form is filled in."""
    said = language(request, person)
    with db.reading(person.scope) as session:
        publication = (
            views.find(session, given["publication"]) if given.get("publication") else None
        )
        form = forms.read(given, person.authority, said)
        seen = _look(session, person, form, publication, said)
        return show(request, person, "office/sights.html", seen=seen, errors=form.listed(said))


@router.post("/compose")
def create(request: Request, person: SignedIn, given: dict[str, str] = Typed) -> Response:
    return _take(request, person, given, None)


@router.post("/publications/{publication_id}/edit")
def change(
    request: Request, person: SignedIn, publication_id: str, given: dict[str, str] = Typed
) -> Response:
    return _take(request, person, given, publication_id)


# --- inside --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Done:
    """Where the person is led; `wrong` by field when nothing was kept."""

    url: str = ""
    wrong: Mapping[str, str] | None = None


def _take(
    request: Request, person: Person, given: dict[str, str], publication_id: str | None
) -> Response:
    person.need("write")
    said = language(request, person)
    form = forms.read(given, person.authority, said)
    step = given.get("step", "draft")
    if form.content is not None and step != "look":
        done = _carry_out(person, form.content, given, publication_id, step, said)
        if not done.wrong:
            return RedirectResponse(done.url, 303)
        form.errors = dict(done.wrong)
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id) if publication_id else None
        return _page(request, person, session, form, publication, look=step == "look")


def _carry_out(
    person: Person,
    content: Content,
    given: Mapping[str, str],
    publication_id: str | None,
    step: str,
    said: str,
) -> Done:
    """Keep the draft and take the step asked for, in one transaction."""
    try:
        with db.writing(person.scope) as session:
            if publication_id:
                publication = views.find(session, publication_id)
                publishing.edit(session, publication, content, person.actor)
            else:
                station = accounts.station_of(session, person.scope, given.get("station"))
                publication = publishing.create(session, person.actor, station, content)
            return Done(_step(session, person, publication, content, given, step))
    except (publishing.Refused, MoveRefused, accounts.Unknown) as refused:
        return Done(wrong={getattr(refused, "field", "form"): labels.says(said, str(refused))})


def _step(
    session: Session,
    person: Person,
    publication: Publication,
    content: Content,
    given: Mapping[str, str],
    step: str,
) -> str:
    """The page to go to next. Raises Refused."""
    page = f"/office/publications/{publication.id}"
    try:
        match step:
            case "submit":
                publishing.submit(session, publication, person.actor)
            case "publish" if content.severity in GRAVE:
                # Nothing grave leaves with one click: the draft is kept, the next page states the
                # number of people and asks again.
                return f"{page}/confirm" if person.may("grave") else f"{page}?said=duty"
            case "publish":
                publishing.publish(session, publication, person.actor)
                return f"{page}?said=published"
            case "schedule":
                if content.severity in GRAVE:
                    person.need("grave")
                at = forms.moment_of(given.get("publish_at", ""), person.zone)
                if at is None:
                    raise publishing.Refused("publish_at", N_("Write a day and an hour."))
                publishing.schedule(session, publication, at, person.actor)
    except publishing.Held:
        return f"{page}?said=held"
    return page


def _look(
    session: Session, person: Person, form: Form, publication: Publication | None, said: str
) -> sights.Sights | None:
    if form.content is None:
        return None
    station = accounts.station_of(session, person.scope, form.values.get("station"))
    return sights.look(session, person.authority, station, form.content, publication, said)


def _page(
    request: Request,
    person: Person,
    session: Session,
    form: Form,
    publication: Publication | None,
    look: bool = False,
) -> Response:
    said = language(request, person)
    return show(
        request,
        person,
        "office/compose.html",
        status=422 if form.errors and not look else 200,
        form=form,
        v=form.values,
        e=form.errors,
        errors=form.listed(said),
        publication=publication,
        stations=[(s.code, s.name) for s in views.stations(session)],
        categories=[(key, c.label(said)) for key, c in categories.everything().items()],
        severities=_severities(person, said),
        urgencies=[
            (u.value, labels.word(said, "urgency", u))
            for u in (Urgency.IMMEDIATE, Urgency.EXPECTED, Urgency.FUTURE, Urgency.PAST)
        ],
        spoken=[
            (code, i18n.NAMES.get(code, code), bool(form.values.get(f"texts.{code}.headline")))
            for code in forms.languages_of(person.authority, form.values)
        ],
        territory=person.authority.territory,
        seen=_look(session, person, form, publication, said),
    )


def _severities(person: Person, said: str) -> list[tuple[Any, ...]]:
    """Grave ones are there for everybody, and can be chosen by whoever may publish or submit."""
    rows = []
    for severity in (Severity.MINOR, Severity.MODERATE, Severity.SEVERE, Severity.EXTREME):
        help_ = labels.word(said, "severity_help", severity)
        if severity in GRAVE and not person.may("grave"):
            needs = i18n.gettext(said, N_("A person on duty must publish it."))
            help_ = f"{help_} {needs}"
        rows.append((severity.value, labels.word(said, "severity", severity), help_))
    return rows
