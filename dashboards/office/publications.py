"""One publication: what it says, where it stands on every outlet, and how it goes on."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse, StreamingResponse
from sqlmodel import Session, col, select

from dashboards.base import drawing, labels
from dashboards.office import sights, views
from dashboards.office.session import Person, SignedIn, language, person_of, show
from hub import board, categories, clock, db, publishing
from hub.api import publications as api
from hub.models import AuditEvent, Member, Outlet, Publication, Revision, Station, StoredPlan
from hub.rules.plan import Plan
from hub.schemas import Content
from hub.vocabulary import GRAVE, EndedAs, MoveRefused, PublicationState

router = APIRouter(prefix="/publications")

PAGE = 40
# A display confirms within seconds; the board must not lag behind it by more than one.
LOOK_EVERY_S = 0.7
KEEP_ALIVE_S = 15


@router.get("")
def index(request: Request, person: SignedIn, state: str = "", before: str = "") -> Response:
    said = language(request, person)
    with db.reading(person.scope) as session:
        statement = select(Publication).order_by(col(Publication.id).desc()).limit(PAGE + 1)
        if state in set(PublicationState):
            statement = statement.where(Publication.state == state)
        if before:
            statement = statement.where(Publication.id < before)
        rows = session.exec(statement).all()
        return show(
            request,
            person,
            "office/publications.html",
            cards=views.cards(session, rows[:PAGE], said),
            more=rows[PAGE - 1].id if len(rows) > PAGE else "",
            state=state,
        )


@router.get("/{publication_id}")
def read(
    request: Request, person: SignedIn, publication_id: str, said: str = "", wrong: str = ""
) -> Response:
    spoken = language(request, person)
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        return show(
            request,
            person,
            "office/publication.html",
            said=said,
            wrong=labels.says(spoken, wrong),
            **_details(session, person, publication, spoken),
        )


@router.get("/{publication_id}/board")
def its_board(request: Request, person: SignedIn, publication_id: str) -> Response:
    """The rows of the board alone."""
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        return show(
            request, person, "office/board.html", **_board(session, publication), p=publication
        )


@router.get("/{publication_id}/events")
async def events(request: Request, publication_id: str) -> StreamingResponse:
    """The board's rows as they change (server-sent events, HTML Living Standard section 9.2)."""
    person = await run_in_threadpool(person_of, request)

    async def stream() -> AsyncIterator[str]:
        shown, quiet = "", 0.0
        yield "retry: 2000\n\n"
        while True:
            answer = await run_in_threadpool(its_board, request, person, publication_id)
            body = bytes(answer.body).decode()
            digest = hashlib.sha256(body.encode()).hexdigest()
            if digest != shown:
                shown, quiet = digest, 0.0
                data = "\n".join(f"data: {line}" for line in body.splitlines() if line.strip())
                yield f"event: board\n{data}\n\n"
            elif quiet >= KEEP_ALIVE_S:
                quiet = 0.0
                yield ": still here\n\n"
            poller = getattr(request.app.state, "poller", None)
            if poller is not None and poller.stopped:
                return
            await asyncio.sleep(LOOK_EVERY_S)
            quiet += LOOK_EVERY_S

    return StreamingResponse(
        stream(),
        media_type="text/event-stream",
        headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"},
    )


@router.get("/{publication_id}/confirm")
def confirm(request: Request, person: SignedIn, publication_id: str) -> Response:
    """Before something grave leaves: whom it reaches, in words."""
    person.need("grave")
    spoken = language(request, person)
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        if not publication.draft:
            return RedirectResponse(f"/office/publications/{publication_id}", 303)
        return show(
            request,
            person,
            "office/confirm.html",
            **_details(session, person, publication, spoken),
        )


@router.post("/{publication_id}/step")
def step(
    request: Request,
    person: SignedIn,
    publication_id: str,
    step: Annotated[str, Form()],
    note: Annotated[str, Form()] = "",
    confirmed: Annotated[str, Form()] = "",
) -> Response:
    """The steps of a draft: publish, submit, approve, return, discard."""
    person.need("approve" if step in ("approve", "return") else "write")
    page = f"/office/publications/{publication_id}"
    try:
        with db.writing(person.scope) as session:
            publication = views.find(session, publication_id)
            match step:
                case "publish":
                    content = Content.model_validate(publication.draft or {"texts": {}})
                    if content.severity in GRAVE:
                        person.need("grave")
                        if not confirmed:
                            return RedirectResponse(f"{page}/confirm", 303)
                    said = _publish(session, publication, person.actor)
                    return RedirectResponse(f"{page}?said={said}", 303)
                case "submit":
                    publishing.submit(session, publication, person.actor, note)
                case "approve":
                    publishing.approve(session, publication, person.actor)
                case "return":
                    publishing.send_back(session, publication, person.actor, note)
                case "discard":
                    publishing.discard(session, publication, person.actor)
                    return RedirectResponse("/office/drafts", 303)
    except (publishing.Refused, MoveRefused) as refused:
        return _again(request, person, publication_id, str(refused))
    return RedirectResponse(page, 303)


@router.get("/{publication_id}/end")
def ask_end(request: Request, person: SignedIn, publication_id: str) -> Response:
    person.need("write")
    spoken = language(request, person)
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        return show(
            request, person, "office/end.html", wrong="",
            **_details(session, person, publication, spoken),
        )  # fmt: skip


@router.post("/{publication_id}/end")
def end(
    request: Request,
    person: SignedIn,
    publication_id: str,
    ended_as: Annotated[str, Form()] = "",
    reason: Annotated[str, Form()] = "",
) -> Response:
    """End it before its time: over (all-clear) or retracted (it was wrong)."""
    person.need("write")
    if ended_as not in (EndedAs.OVER, EndedAs.RETRACTED):
        return ask_end(request, person, publication_id)
    try:
        with db.writing(person.scope) as session:
            publication = views.find(session, publication_id)
            publishing.cancel(
                session, publication, EndedAs(ended_as), person.actor, reason.strip()[:500]
            )
    except (publishing.Refused, MoveRefused) as refused:
        return _again(request, person, publication_id, str(refused))
    return RedirectResponse(f"/office/publications/{publication_id}?said=ended", 303)


@router.post("/{publication_id}/resend/{delivery_id}")
def resend(person: SignedIn, publication_id: str, delivery_id: int) -> Response:
    """Ask again for what is uncertain; those people may be told twice, and the button says so."""
    api.resend(delivery_id, person.caller)
    return RedirectResponse(f"/office/publications/{publication_id}?said=resent", 303)


# --- inside --------------------------------------------------------------------------------------


def _publish(session: Session, publication: Publication, actor: str) -> str:
    """ "published", or "held" when a rule wants an approver first."""
    try:
        publishing.publish(session, publication, actor)
    except publishing.Held:
        return "held"
    return "published"


def _again(request: Request, person: Person, publication_id: str, reason: str) -> Response:
    spoken = language(request, person)
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        return show(
            request, person, "office/publication.html", status=409, said="",
            wrong=labels.says(spoken, reason), **_details(session, person, publication, spoken),
        )  # fmt: skip


def _details(
    session: Session, person: Person, publication: Publication, spoken: str
) -> dict[str, Any]:
    content = Content.model_validate(views.content_of(session, publication))
    station = session.get_one(Station, publication.station_id)
    revisions = session.exec(
        select(Revision)
        .where(Revision.publication_id == publication.id)
        .order_by(col(Revision.no).desc())
    ).all()
    plan = None
    if revisions:
        stored = session.exec(
            select(StoredPlan).where(StoredPlan.revision_id == revisions[0].id)
        ).first()
        plan = Plan.model_validate(stored.body) if stored else None
    seen = None
    if publication.draft:
        seen = sights.look(session, person.authority, station, content, publication, spoken)
    return {
        "p": publication,
        "content": content,
        "texts": content.texts,
        "headline": views.headline(content.model_dump(), spoken),
        "category": categories.get(content.category).label(spoken),
        "station": station,
        "revisions": revisions,
        "plan": plan,
        "seen": seen,
        "map": drawing.drawing_of(person.authority.territory, content.area),
        "history": _history(session, publication),
        "names": {o.code: o.name for o in session.exec(select(Outlet)).all()},
        "source": views.source_of(session, publication),
        "is_author": publication.draft_by == person.actor,
        "grave": content.severity in GRAVE,
        "now": clock.now(),
        **_board(session, publication),
    }


def _board(session: Session, publication: Publication) -> dict[str, Any]:
    rows = board.rows(session, publication.id) if publication.revision_no else []
    return {"rows": rows, "green": sum(1 for row in rows if row.ok)}


def _history(session: Session, publication: Publication) -> list[tuple[AuditEvent, str]]:
    """Who did what to it, the latest first."""
    events = session.exec(
        select(AuditEvent)
        .where(AuditEvent.object == f"publication:{publication.id}")
        .order_by(col(AuditEvent.id).desc())
    ).all()
    members = {f"member:{m.id}": m.name for m in session.exec(select(Member)).all()}
    return [(event, members.get(event.actor, event.actor)) for event in events]
