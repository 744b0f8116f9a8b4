"""The life of the draft and of the publication: makes revisions, audits in the same transaction.

A revision, its plan, its deliveries and the numbers of the displays are written together; nothing
is said before they are in the database.
"""

from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from hub import audit, clock, notices, outbox, planning
from hub.models import Authority, Publication, Revision, Station, StoredPlan
from hub.rules.plan import Plan
from hub.schemas import Content
from hub.vocabulary import (
    DRAFT_MOVES,
    PUBLICATION_MOVES,
    DraftState,
    EndedAs,
    MsgType,
    PublicationState,
    check_move,
    lane_of,
)

# A draft may be scheduled without an approval, where no rule asked for one then.
_PAST_APPROVAL: Final = (DraftState.APPROVED, DraftState.SCHEDULED)


class Refused(ValueError):
    """What was asked cannot be done now; `field` names the input, the text is for people."""

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = field, reason


class Held(Exception):
    """A rule wants an approver first; the draft is submitted and waits. `plan` says why."""

    def __init__(self, plan: Plan) -> None:
        super().__init__("; ".join(hold.reason for hold in plan.holds))
        self.plan = plan


def create(
    session: Session, actor: str, station: Station, content: Content, item_id: int | None = None
) -> Publication:
    """A new publication with its first draft."""
    publication = Publication(
        authority_id=station.authority_id,
        station_id=station.id or 0,
        draft=_stored(content),
        draft_by=actor,
        created_by=actor,
        item_id=item_id,
    )
    session.add(publication)
    session.flush()
    _note(session, publication, actor, "create")
    return publication


def edit(session: Session, publication: Publication, content: Content, actor: str) -> None:
    """Replace the open draft, or open the draft of the next revision."""
    if publication.state == PublicationState.ENDED:
        raise Refused("state", "This publication has ended; write a new one.")
    publication.draft = _stored(content)
    publication.draft_by = actor
    publication.draft_note = ""
    publication.approved_plan = None
    publication.approved_by = ""
    publication.draft_state = DraftState.WRITING
    publication.publish_at = None
    _set_wake(session, publication)
    _note(session, publication, actor, "edit")


def move_to(session: Session, publication: Publication, station: Station, actor: str) -> None:
    """Another station says it from the next revision on; who was told by the old one alone gets the
    withdrawal that the plan finds."""
    if publication.station_id != station.id:
        publication.station_id = station.id or 0
        _note(session, publication, actor, "move", station=station.code)


def submit(session: Session, publication: Publication, actor: str, note: str = "") -> None:
    """Ask for approval. Raises Refused where there is nothing to approve."""
    draft_of(publication)
    _move_draft(publication, DraftState.SUBMITTED)
    publication.draft_note = note
    _note(session, publication, actor, "submit")


def send_back(session: Session, publication: Publication, actor: str, note: str) -> None:
    """Return a submitted draft to its author, with the reason."""
    if not note.strip():
        raise Refused("note", "Say what has to change.")
    _move_draft(publication, DraftState.RETURNED)
    publication.draft_note = note
    _note(session, publication, actor, "return", note=note)


def approve(session: Session, publication: Publication, actor: str) -> Plan:
    """Approve a submitted draft: the text is frozen and the plan of now is kept beside it, so that
    a different plan at the moment of publishing is seen."""
    if actor == publication.draft_by:
        raise Refused("actor", "The author of a draft cannot approve it; ask a colleague.")
    _move_draft(publication, DraftState.APPROVED)
    plan = planning.compute(session, publication, draft_of(publication), clock.now())
    publication.approved_plan = plan.model_dump(mode="json")
    publication.approved_by = actor
    _note(session, publication, actor, "approve")
    return plan


def schedule(session: Session, publication: Publication, at: datetime, actor: str) -> None:
    """Make the draft live at `at`, to the second; a moment that has passed is refused."""
    if at <= clock.now():
        raise Refused("publish_at", "This moment has passed.")
    _, expires = notices.span(draft_of(publication), at)
    if expires <= at:
        raise Refused("publish_at", "The notice expires before it would be published.")
    plan = planning.compute(session, publication, draft_of(publication), clock.now())
    if plan.holds and publication.draft_state != DraftState.APPROVED:
        _move_draft(publication, DraftState.SUBMITTED)
        raise Held(plan)
    _move_draft(publication, DraftState.SCHEDULED)
    publication.publish_at = at
    _set_wake(session, publication)
    _note(session, publication, actor, "schedule", at=clock.rfc3339(at))


def publish(session: Session, publication: Publication, actor: str) -> Revision:
    """Make the open draft the next revision, live at once.

    Raises Held when a rule wants an approver and nobody approved (the draft is then submitted),
    Refused when there is nothing to publish or it would already be over.
    """
    now = clock.now()
    content = draft_of(publication)
    effective, expires = notices.span(content, now)
    if expires <= now:
        raise Refused("expires", "This end has passed; nothing would be shown.")
    plan = planning.compute(session, publication, content, now)
    approved = publication.draft_state in _PAST_APPROVAL and publication.approved_by
    if plan.holds and not approved:
        if publication.draft_state != DraftState.SUBMITTED:
            _move_draft(publication, DraftState.SUBMITTED)
            _note(session, publication, actor, "hold", why=[h.reason for h in plan.holds])
        raise Held(plan)
    _move_draft(publication, DraftState.MADE)
    publication.state = check_move(
        PUBLICATION_MOVES, PublicationState(publication.state), PublicationState.LIVE
    )
    first = publication.revision_no == 0
    revision = _make(
        session,
        publication,
        content,
        msg_type=MsgType.ALERT if first else MsgType.UPDATE,
        effective=effective,
        expires=expires,
        actor=actor,
    )
    differs = _carry_out(session, publication, revision, plan)
    publication.draft = None
    publication.draft_state = None
    publication.publish_at = None
    publication.approved_plan = None
    publication.wake_at = expires
    _note(session, publication, actor, "publish", revision=revision.no, plan_differs=differs)
    return revision


def revise(session: Session, publication: Publication, content: Content, actor: str) -> Revision:
    """Edit and publish in one step."""
    edit(session, publication, content, actor)
    return publish(session, publication, actor)


def cancel(
    session: Session, publication: Publication, ended_as: EndedAs, actor: str, reason: str = ""
) -> Revision:
    """End a live publication before its time: `over` (all-clear) or `retracted` (was wrong).
    A cancel is a revision of its own and reaches at least everybody told."""
    if ended_as is EndedAs.EXPIRED:
        raise Refused("ended_as", "Only time expires a publication; use over or retracted.")
    if publication.state != PublicationState.LIVE:
        raise Refused("state", "Only a live publication can be cancelled.")
    now = clock.now()
    last = revision_of(session, publication)
    content = Content.model_validate(last.content)
    revision = _make(
        session,
        publication,
        content,
        msg_type=MsgType.CANCEL,
        effective=min(last.effective, now),
        # What withdraws must outlive the wait for a phone that comes back tomorrow.
        expires=max(last.expires, now + timedelta(hours=24)),
        actor=actor,
        ended_as=ended_as,
    )
    plan = planning.compute(session, publication, content, now, msg_type=MsgType.CANCEL)
    _carry_out(session, publication, revision, plan)
    _end(publication, ended_as, now)
    _note(session, publication, actor, "cancel", ended_as=ended_as, reason=reason)
    return revision


def expire(session: Session, publication: Publication) -> None:
    """Its time is over. No revision: everybody was told the end from the beginning."""
    outbox.expire(session, publication)
    _end(publication, EndedAs.EXPIRED, clock.now())
    _note(session, publication, "hub", "expire")


def discard(session: Session, publication: Publication, actor: str) -> None:
    """Drop the open draft; a publication that never went live ends unseen."""
    publication.draft = None
    publication.draft_state = None
    publication.publish_at = None
    if publication.state == PublicationState.NEW:
        publication.state = PublicationState.ENDED
        publication.ended_as = EndedAs.RETRACTED
        publication.ended_at = clock.now()
    _set_wake(session, publication)
    _note(session, publication, actor, "discard")


def draft_of(publication: Publication) -> Content:
    """The open draft. Raises Refused where there is none."""
    if not publication.draft:
        raise Refused("state", "There is no open draft; write one first.")
    return Content.model_validate(publication.draft)


def revision_of(session: Session, publication: Publication) -> Revision:
    """The last revision made."""
    return session.exec(
        select(Revision)
        .where(Revision.publication_id == publication.id)
        .order_by(col(Revision.no).desc())
        .limit(1)
    ).one()


def wake(session: Session, publication: Publication) -> None:
    """What the sweep does when `wake_at` has come: go live, or end."""
    now = clock.now()
    if publication.draft_state == DraftState.SCHEDULED and (publication.publish_at or now) <= now:
        try:
            publish(session, publication, "hub")
        except Refused as refusal:
            publication.draft_state = DraftState.WRITING
            publication.draft_note = refusal.reason
            _set_wake(session, publication)
            _note(session, publication, "hub", "schedule missed", why=refusal.reason)
    elif publication.state == PublicationState.LIVE:
        if revision_of(session, publication).expires <= now:
            expire(session, publication)
        else:
            _set_wake(session, publication)
    else:
        publication.wake_at = None


def hold_scheduled(session: Session, publication_id: str) -> None:
    """The hour came, and by the rules of now an approver is needed: it waits, and says so."""
    publication = session.get_one(Publication, publication_id)
    _move_draft(publication, DraftState.SUBMITTED)
    publication.publish_at = None
    publication.draft_note = "A rule asks for an approval that was not given."
    _set_wake(session, publication)
    _note(session, publication, "hub", "hold")


# --- inside --------------------------------------------------------------------------------------


def _stored(content: Content) -> dict[str, Any]:
    return content.model_dump(mode="json")


def _move_draft(publication: Publication, to: DraftState) -> None:
    was = DraftState(publication.draft_state or DraftState.WRITING)
    publication.draft_state = check_move(DRAFT_MOVES, was, to)
    publication.changed = clock.now()


def _make(
    session: Session,
    publication: Publication,
    content: Content,
    *,
    msg_type: MsgType,
    effective: datetime,
    expires: datetime,
    actor: str,
    ended_as: EndedAs | None = None,
) -> Revision:
    authority = session.get_one(Authority, publication.authority_id)
    sender = notices.sender_of(authority)
    earlier = session.exec(
        select(Revision.no, Revision.sent)
        .where(Revision.publication_id == publication.id)
        .order_by(col(Revision.no))
    ).all()
    lane = lane_of(content.severity, content.urgency)
    revision = Revision(
        authority_id=publication.authority_id,
        publication_id=publication.id,
        no=publication.revision_no + 1,
        msg_type=msg_type,
        status=content.status,
        severity=content.severity,
        category=content.category,
        lane=lane,
        content=_stored(content),
        sent=clock.now().replace(microsecond=0),  # CAP times have no fraction
        effective=effective,
        onset=content.onset,
        expires=expires,
        ended_as=ended_as,
        references=[
            notices.reference(sender, f"{publication.id}.{no}", sent) for no, sent in earlier
        ],
        made_by=actor,
    )
    session.add(revision)
    publication.revision_no = revision.no
    publication.first_sent = publication.first_sent or revision.sent
    publication.changed = clock.now()
    session.flush()
    return revision


def _carry_out(session: Session, publication: Publication, revision: Revision, plan: Plan) -> bool:
    """Store the plan and its promises. True when it differs from the plan that was approved."""
    body = plan.model_dump(mode="json")
    approved = publication.approved_plan
    differs = bool(approved) and approved != body
    session.add(
        StoredPlan(
            authority_id=publication.authority_id,
            revision_id=revision.id or 0,
            body=body,
            differs_from_approved=differs,
        )
    )
    revision.lane = plan.lane
    outbox.promise(session, publication, revision, plan)
    return differs


def _end(publication: Publication, ended_as: EndedAs, now: datetime) -> None:
    publication.state = check_move(
        PUBLICATION_MOVES, PublicationState(publication.state), PublicationState.ENDED
    )
    publication.ended_as = ended_as
    publication.ended_at = now
    publication.draft = None
    publication.draft_state = None
    publication.wake_at = None
    publication.changed = now


def _set_wake(session: Session, publication: Publication) -> None:
    moments = [publication.publish_at] if publication.publish_at else []
    if publication.state == PublicationState.LIVE:
        moments.append(revision_of(session, publication).expires)
    publication.wake_at = min(moments) if moments else None
    publication.changed = clock.now()


def _note(session: Session, publication: Publication, actor: str, verb: str, **detail: Any) -> None:
    session.add(publication)
    audit.note(
        session, publication.authority_id, actor, verb, f"publication:{publication.id}", **detail
    )
