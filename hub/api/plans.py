"""A dry run: who would get it, why, and what each outlet would say. Changes nothing."""

from typing import Any

from fastapi import APIRouter
from pydantic import Field

from hub import accounts, db, planning
from hub.api.deps import Calling
from hub.api.publications import find
from hub.models import Authority
from hub.schemas import Content

router = APIRouter(tags=["plans"])


class PlanIn(Content):
    station: str | None = None
    publication: str | None = Field(None, description="Plan it as this one's next revision.")
    state: str | None = Field(None, description="Ignored: a publication's file can be sent as is.")
    publish_at: str | None = None


@router.post("/plans")
def dry_run(body: PlanIn, caller: Calling, locale: str = "fr") -> dict[str, Any]:
    """The plan, previews and refusals for a content."""
    content = Content.model_validate(
        body.model_dump(
            exclude={"station", "publication", "state", "publish_at"}, exclude_unset=True
        )
    )
    with db.reading(caller.authority_id) as session:
        authority = session.get_one(Authority, caller.authority_id)
        station = accounts.station_of(session, caller.authority_id, body.station)
        publication = find(session, body.publication) if body.publication else None
        run = planning.dry_run(
            session, authority, station, content, publication=publication, locale=locale
        )
    return planning.plan_json(run)
