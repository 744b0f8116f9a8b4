"""Publications: say it, change it, end it, and see where it stands."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query
from fastapi.responses import JSONResponse
from pydantic import AwareDatetime, Field, ValidationError
from sqlmodel import Session, col, select

from hub import accounts, board, clock, db, publishing, settings
from hub.api.deps import Caller, Calling
from hub.api.idempotency import once
from hub.api.problems import Problem, from_validation, wrong
from hub.dispatch import messengers
from hub.models import AuditEvent, Delivery, Publication, Revision, Station, StoredPlan
from hub.schemas import Content, Given
from hub.vocabulary import GRAVE, EndedAs, Severity

router = APIRouter(tags=["publications"])
Key = Annotated[str | None, Header(alias="Idempotency-Key")]


class PublicationIn(Content):
    """A publication: its content, the station that speaks, and what to do with it."""

    station: str | None = Field(None, description="Station code; the first one when left out.")
    state: Literal["draft", "submitted", "scheduled", "live"] = "draft"
    publish_at: AwareDatetime | None = None

    def content(self) -> Content:
        return Content.model_validate(
            self.model_dump(exclude={"station", "state", "publish_at"}, exclude_unset=True)
        )


class CancelIn(Given):
    ended_as: Literal["over", "retracted"] = "over"
    reason: str = Field("", max_length=500)


class NoteIn(Given):
    note: str = Field("", max_length=500)


class ScheduleIn(Given):
    publish_at: AwareDatetime


@router.post("/publications", status_code=201)
def create(body: PublicationIn, caller: Calling, key: Key = None) -> JSONResponse:
    """Say something. With `"state": "live"` it is published at once; the answer has the plan."""
    caller.need("write")
    content = body.content()

    def work(session: Session) -> tuple[int, dict[str, Any]]:
        station = accounts.station_of(session, caller.authority_id, body.station)
        publication = publishing.create(session, caller.actor, station, content)
        _need_right_for(caller, body.state, content)
        held = bring_to(session, publication, caller.actor, body.state, body.publish_at)
        answer = describe(session, publication)
        return (202 if held else 201), answer | ({"held": held} if held else {})

    return once(caller.authority_id, key, body, work)


@router.get("/publications")
def index(
    caller: Calling,
    state: Literal["new", "live", "ended"] | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    before: str | None = None,
) -> dict[str, Any]:
    """Newest first; `before` is the id of the last one of the page before."""
    with db.reading(caller.authority_id) as session:
        statement = select(Publication).order_by(col(Publication.id).desc()).limit(limit)
        if state:
            statement = statement.where(Publication.state == state)
        if before:
            statement = statement.where(Publication.id < before)
        rows = session.exec(statement).all()
        stations = {s.id: s.code for s in session.exec(select(Station)).all()}
        return {"publications": [_short(row, stations[row.station_id]) for row in rows]}


@router.get("/publications/{publication_id}")
def read(publication_id: str, caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        publication = find(session, publication_id)
        answer = describe(session, publication)
        answer["revisions"] = [
            {
                "revision": row.no,
                "msg_type": row.msg_type,
                "sent": clock.rfc3339(row.sent),
                "effective": clock.rfc3339(row.effective),
                "expires": clock.rfc3339(row.expires),
                "ended_as": row.ended_as,
                "references": row.references,
                "content": row.content,
            }
            for row in session.exec(
                select(Revision)
                .where(Revision.publication_id == publication.id)
                .order_by(col(Revision.no))
            ).all()
        ]
        return answer


@router.post("/publications/{publication_id}/revisions", status_code=201)
def revise(
    publication_id: str, body: dict[str, Any], caller: Calling, key: Key = None
) -> JSONResponse:
    """Say it anew. Fields that are left out stay as in the last revision (or in the open draft);
    `state` is "live" unless "draft", "submitted" or "scheduled" is asked."""
    caller.need("write")
    given = dict(body)
    state = given.pop("state", "live")
    moment = given.pop("publish_at", None)
    code = given.pop("station", None)
    if state not in ("draft", "submitted", "scheduled", "live"):
        raise wrong("state", "must be draft, submitted, scheduled or live")

    def work(session: Session) -> tuple[int, dict[str, Any]]:
        publication = find(session, publication_id)
        content = _merged(session, publication, given)
        if code is not None:
            speaker = accounts.station_of(session, caller.authority_id, code)
            publishing.move_to(session, publication, speaker, caller.actor)
        publishing.edit(session, publication, content, caller.actor)
        _need_right_for(caller, state, content)
        held = bring_to(session, publication, caller.actor, state, _moment(moment))
        answer = describe(session, publication)
        return (202 if held else 201), answer | ({"held": held} if held else {})

    return once(caller.authority_id, key, body, work)


@router.post("/publications/{publication_id}/cancel")
def cancel(publication_id: str, body: CancelIn, caller: Calling, key: Key = None) -> JSONResponse:
    """End it before its time: over (all-clear) or retracted (was wrong)."""
    caller.need("write")

    def work(session: Session) -> tuple[int, dict[str, Any]]:
        publication = find(session, publication_id)
        publishing.cancel(session, publication, EndedAs(body.ended_as), caller.actor, body.reason)
        return 200, describe(session, publication)

    return once(caller.authority_id, key, body, work)


@router.post("/publications/{publication_id}/{step}")
def move(
    publication_id: str,
    step: Literal["publish", "submit", "approve", "return", "discard"],
    caller: Calling,
    body: NoteIn | None = None,
    key: Key = None,
) -> JSONResponse:
    """The steps of a draft: publish, submit, approve, return (with a note), discard."""
    caller.need("approve" if step in ("approve", "return") else "write")
    note = body.note if body else ""

    def work(session: Session) -> tuple[int, dict[str, Any]]:
        publication = find(session, publication_id)
        held: list[str] = []
        match step:
            case "publish":
                _need_right(caller, publishing.draft_of(publication))
                held = _publish(session, publication, caller.actor)
            case "submit":
                publishing.submit(session, publication, caller.actor, note)
            case "approve":
                publishing.approve(session, publication, caller.actor)
            case "return":
                publishing.send_back(session, publication, caller.actor, note)
            case "discard":
                publishing.discard(session, publication, caller.actor)
        answer = describe(session, publication)
        return (202 if held else 200), answer | ({"held": held} if held else {})

    return once(caller.authority_id, key, {"step": step, "note": note}, work)


@router.get("/publications/{publication_id}/board")
def its_board(publication_id: str, caller: Calling) -> dict[str, Any]:
    """For every outlet, what is wanted and what is shown."""
    with db.reading(caller.authority_id) as session:
        publication = find(session, publication_id)
        rows = board.rows(session, publication.id)
        return {
            "publication": publication.id,
            "state": publication.state,
            "ended_as": publication.ended_as,
            "revision": publication.revision_no,
            "ok": all(row.ok for row in rows),
            "rows": [row.as_json() for row in rows],
        }


@router.get("/publications/{publication_id}/audit")
def its_audit(publication_id: str, caller: Calling) -> dict[str, Any]:
    """Who did what to it."""
    with db.reading(caller.authority_id) as session:
        find(session, publication_id)
        rows = session.exec(
            select(AuditEvent)
            .where(AuditEvent.object == f"publication:{publication_id}")
            .order_by(col(AuditEvent.id))
        ).all()
        return {
            "events": [
                {"at": clock.rfc3339(r.at), "actor": r.actor, "verb": r.verb, "detail": r.detail}
                for r in rows
            ]
        }


@router.post("/deliveries/{delivery_id}/resend")
def resend(delivery_id: int, caller: Calling) -> dict[str, Any]:
    """Ask again for the targets of a delivery whose fate is uncertain. They may be told twice."""
    caller.need("write")
    with db.writing(caller.authority_id) as session:
        delivery = session.get(Delivery, delivery_id)
        if delivery is None:
            raise Problem(404, "There is no such delivery.")
        return {"resent": messengers.resend(session, delivery, caller.actor)}


# --- inside --------------------------------------------------------------------------------------


def find(session: Session, publication_id: str) -> Publication:
    publication = session.get(Publication, publication_id)
    if publication is None:
        raise Problem(404, "There is no such publication here.")
    return publication


def describe(session: Session, publication: Publication) -> dict[str, Any]:
    """The publication as the API tells it, with the plan of its last revision."""
    station = session.get_one(Station, publication.station_id)
    answer = _short(publication, station.code)
    answer["url"] = f"{settings.get().url}/p/{publication.id}"
    answer["draft"] = publication.draft
    answer["draft_note"] = publication.draft_note
    if publication.publish_at:
        answer["publish_at"] = clock.rfc3339(publication.publish_at)
    if publication.revision_no:
        session.flush()
        last = publishing.revision_of(session, publication)
        plan = session.exec(select(StoredPlan).where(StoredPlan.revision_id == last.id)).first()
        answer["content"] = last.content
        answer["msg_type"] = last.msg_type
        answer["effective"] = clock.rfc3339(last.effective)
        answer["expires"] = clock.rfc3339(last.expires)
        answer["plan"] = plan.body if plan else None
    return answer


def _short(publication: Publication, station: str) -> dict[str, Any]:
    return {
        "id": publication.id,
        "revision": publication.revision_no,
        "state": publication.state,
        "ended_as": publication.ended_as,
        "draft_state": publication.draft_state,
        "station": station,
        "created": clock.rfc3339(publication.created),
        "changed": clock.rfc3339(publication.changed),
        "plan": None,
    }


def bring_to(
    session: Session, publication: Publication, actor: str, state: str, moment: datetime | None
) -> list[str]:
    """Take a fresh draft where its author wants it; the reasons of a hold, if a rule holds it."""
    match state:
        case "submitted":
            publishing.submit(session, publication, actor)
        case "scheduled":
            if moment is None:
                raise wrong("publish_at", "needed when the state is scheduled")
            try:
                publishing.schedule(session, publication, moment, actor)
            except publishing.Held as held:
                return [hold.reason for hold in held.plan.holds]
        case "live":
            return _publish(session, publication, actor)
    return []


def _publish(session: Session, publication: Publication, actor: str) -> list[str]:
    try:
        publishing.publish(session, publication, actor)
    except publishing.Held as held:
        return [hold.reason for hold in held.plan.holds]
    return []


def _need_right_for(caller: Caller, state: str, content: Content) -> None:
    if state in ("scheduled", "live"):
        _need_right(caller, content)


def _need_right(caller: Caller, content: Content) -> None:
    if content.severity in GRAVE and not caller.may("grave"):
        raise Problem(
            403,
            "Severe and Extreme need the role on-duty.",
            "The draft was not kept. Submit it for approval, or ask the person on duty.",
            [{"field": "severity", "reason": f"{Severity(content.severity)} needs a right"}],
        )


def _moment(value: Any) -> datetime | None:
    if value is None:
        return None
    try:
        return ScheduleIn.model_validate({"publish_at": value}).publish_at
    except ValidationError as error:
        raise Problem(
            422, "The request cannot be taken.", errors=from_validation(error.errors())
        ) from error


def _merged(session: Session, publication: Publication, given: dict[str, Any]) -> Content:
    """What is given, over the open draft or the last revision. A flat headline, description or
    instruction changes the text of its language."""
    known = publication.draft
    if not known:
        if not publication.revision_no:
            raise publishing.Refused("state", "This publication has ended; write a new one.")
        known = publishing.revision_of(session, publication).content
    words = {k: v for k, v in given.items() if k in Content.flat}
    merged = known | {k: v for k, v in given.items() if k not in (*Content.flat, "language")}
    texts = merged["texts"]
    language = str(given.get("language") or next(iter(known["texts"])))
    # What is no object of texts is left to the validation, which names it.
    if words and isinstance(texts, dict) and isinstance(texts.get(language, {}), dict):
        merged["texts"] = texts | {language: texts.get(language, {}) | words}
    try:
        return Content.model_validate(merged)
    except ValidationError as error:
        raise Problem(
            422, "The request cannot be taken.", errors=from_validation(error.errors())
        ) from error
