"""Today: what is wrong now, what is live, what waits for a person."""

from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from sqlmodel import Session, col, select

from dashboards.base import i18n, labels
from dashboards.base.i18n import N_
from dashboards.office import views
from dashboards.office.session import SignedIn, language, show
from hub import db, health, incidents, panels
from hub.models import Delivery, DisplayRow, Outlet, Publication, Source
from hub.vocabulary import DeliveryState, DraftState, PublicationState, SourceHealth

router = APIRouter()

MOST = 20
MOST_WAITING, MOST_READ = 6, 60


@dataclass(frozen=True, slots=True)
class Wrong:
    """One thing that is wrong: what, why, and where to look."""

    what: str
    why: str
    url: str
    tone: str = "bad"


@router.get("/")
def home(request: Request, person: SignedIn) -> Response:
    said = language(request, person)
    with db.reading(person.scope) as session:
        live = session.exec(
            select(Publication)
            .where(Publication.state == PublicationState.LIVE)
            .order_by(col(Publication.changed).desc())
            .limit(MOST)
        ).all()
        waiting = session.exec(
            select(Publication)
            .where(
                col(Publication.draft_state).in_(
                    [DraftState.SUBMITTED, DraftState.RETURNED, DraftState.SCHEDULED]
                )
                | (
                    (Publication.draft_state == DraftState.WRITING)
                    & col(Publication.item_id).is_not(None)
                )
            )
            .where(col(Publication.draft).is_not(None))
            .order_by(col(Publication.changed).desc())
            .limit(MOST_READ)
        ).all()
        return show(
            request,
            person,
            "office/home.html",
            wrong=_of_hub(said) + _of_outlets(session, said) + _of_sources(session, said),
            live=views.cards(session, live, said, with_board=True),
            waiting=views.soonest(views.cards(session, waiting, said))[:MOST_WAITING],
        )


def _of_hub(said: str) -> list[Wrong]:
    title = i18n.gettext(said, N_("This hub is not well"))
    return [Wrong(title, labels.says(said, why), "/health") for why in health.health()["reasons"]]


def _of_outlets(session: Session, said: str) -> list[Wrong]:
    found = []
    rows = session.exec(
        select(Outlet, DisplayRow)
        .join(DisplayRow, col(DisplayRow.outlet_id) == Outlet.id)
        .where(col(Outlet.paused).is_(False), col(Outlet.hidden).is_(False))
        .where((DisplayRow.trouble != "") | (DisplayRow.presence == "lost"))
        .where(Outlet.kind != "panel")
    ).all()
    for standing in panels.listing(session):
        grave = [i for i in standing.open if incidents.is_alarm(i.kind)]
        if grave and not standing.outlet.paused:
            why = ", ".join(labels.says(said, incidents.says(i.kind)) for i in grave)
        elif standing.display.trouble and not standing.outlet.paused:
            why = standing.display.trouble
        else:
            continue
        found.append(Wrong(standing.outlet.name, why, f"/office/panels/{standing.outlet.code}"))
    for outlet, display in rows:
        why = display.trouble or labels.says(said, "the display is lost")
        found.append(Wrong(outlet.name, why, f"/office/outlets/{outlet.code}"))
    open_ends = session.exec(
        select(Delivery, Outlet.name)
        .join(Outlet, col(Outlet.id) == Delivery.outlet_id)
        .join(Publication, col(Publication.id) == Delivery.publication_id)
        .where(col(Delivery.state).in_([DeliveryState.UNCERTAIN, DeliveryState.FAILED]))
        .where(Publication.state == PublicationState.LIVE)
        .order_by(col(Delivery.id).desc())
        .limit(MOST)
    ).all()
    for delivery, name in open_ends:
        state = labels.word(said, "board", delivery.state)
        found.append(
            Wrong(
                f"{name} : {state}" if said == "fr" else f"{name}: {state}",
                labels.says(said, delivery.reason),
                f"/office/publications/{delivery.publication_id}",
                "warn" if delivery.state == DeliveryState.UNCERTAIN else "bad",
            )
        )
    return found


def _of_sources(session: Session, said: str) -> list[Wrong]:
    rows = session.exec(
        select(Source).where(Source.health == SourceHealth.FAILING, col(Source.paused).is_(False))
    ).all()
    return [Wrong(s.name, labels.says(said, s.error), f"/office/sources/{s.id}") for s in rows]
