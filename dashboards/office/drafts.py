"""Drafts that wait for a person: of sources, of colleagues, one's own."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Form, Request, Response
from fastapi.responses import RedirectResponse
from sqlmodel import col, select

from dashboards.office import views
from dashboards.office.session import SignedIn, language, show
from hub import db, publishing
from hub.models import Publication
from hub.vocabulary import GRAVE, PublicationState

router = APIRouter(prefix="/drafts")

MOST = 100


@router.get("")
def index(request: Request, person: SignedIn) -> Response:
    said = language(request, person)
    with db.reading(person.scope) as session:
        rows = session.exec(
            select(Publication)
            .where(col(Publication.draft_state).is_not(None))
            .where(col(Publication.draft).is_not(None))
            .where(Publication.state != PublicationState.ENDED)
            .order_by(col(Publication.changed).desc())
            .limit(MOST)
        ).all()
        cards = views.cards(session, rows, said)
        return show(
            request,
            person,
            "office/drafts.html",
            of_sources=views.soonest([card for card in cards if card.from_source]),
            of_people=[card for card in cards if not card.from_source],
            grave=GRAVE,
        )


@router.post("/{publication_id}")
def settle(person: SignedIn, publication_id: str, step: Annotated[str, Form()] = "") -> Response:
    """Accept a source's draft as it is, or ignore it."""
    person.need("write")
    page = f"/office/publications/{publication_id}"
    with db.writing(person.scope) as session:
        publication = views.find(session, publication_id)
        if step == "ignore":
            publishing.discard(session, publication, person.actor)
            return RedirectResponse("/office/drafts", 303)
        if (publication.draft or {}).get("severity") in GRAVE:
            return RedirectResponse(f"{page}/confirm" if person.may("grave") else page, 303)
        try:
            publishing.publish(session, publication, person.actor)
        except publishing.Held:
            return RedirectResponse(f"{page}?said=held", 303)
        except publishing.Refused as refused:
            session.rollback()
            return RedirectResponse(f"{page}?{urlencode({'wrong': str(refused)})}", 303)
    return RedirectResponse(f"{page}?said=published", 303)
