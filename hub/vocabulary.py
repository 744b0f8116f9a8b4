"""The words of Tambour, as data: enumerations, their groupings and the tables of allowed moves.

Content words are those of CAP 1.2 (OASIS Common Alerting Protocol, section 3.2). `status`,
`msg_type` and `scope` are written in lower case here and capitalised on the CAP wire.
"""

from collections.abc import Mapping
from enum import StrEnum
from typing import Final, TypeVar


class Status(StrEnum):
    """Whether a notice is meant. Every outlet marks an exercise; connectors publish only actual."""

    ACTUAL = "actual"
    EXERCISE = "exercise"
    TEST = "test"


class MsgType(StrEnum):
    ALERT = "alert"
    UPDATE = "update"
    CANCEL = "cancel"


class Scope(StrEnum):
    PUBLIC = "public"
    RESTRICTED = "restricted"
    PRIVATE = "private"


class Severity(StrEnum):
    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class ResponseType(StrEnum):
    SHELTER = "Shelter"
    EVACUATE = "Evacuate"
    PREPARE = "Prepare"
    EXECUTE = "Execute"
    AVOID = "Avoid"
    MONITOR = "Monitor"
    ASSESS = "Assess"
    ALL_CLEAR = "AllClear"
    NONE = "None"


CAP_CATEGORIES: Final = (
    "Geo", "Met", "Safety", "Security", "Rescue", "Fire",
    "Health", "Env", "Transport", "Infra", "CBRNE", "Other",
)  # fmt: skip


class Role(StrEnum):
    """What a member (or a token) may do; `ON_DUTY` adds the right to publish Severe and Extreme."""

    AUTHOR = "author"
    APPROVER = "approver"
    ADMIN = "admin"
    ON_DUTY = "on-duty"


class Lane(StrEnum):
    URGENT = "urgent"
    NORMAL = "normal"
    BULK = "bulk"


LANE_ORDER: Final[Mapping[Lane, int]] = {Lane.URGENT: 0, Lane.NORMAL: 1, Lane.BULK: 2}
SEVERITY_ORDER: Final[Mapping[Severity, int]] = {
    Severity.UNKNOWN: 0,
    Severity.MINOR: 1,
    Severity.MODERATE: 2,
    Severity.SEVERE: 3,
    Severity.EXTREME: 4,
}
# What a colour of vigilance weighs here, whatever its source calls it: yellow is advice, orange is
# for everybody who follows, red waits for the person on duty and reaches all.
LEVEL_SEVERITY: Final[Mapping[str, Severity]] = {
    "green": Severity.MINOR,
    "yellow": Severity.MINOR,
    "orange": Severity.MODERATE,
    "red": Severity.SEVERE,
}
GRAVE: Final = frozenset({Severity.SEVERE, Severity.EXTREME})


def lane_of(severity: Severity, urgency: Urgency) -> Lane:
    """The lane of a notice, never a checkbox: a hand-set flag served ten templates in all at
    GOV.UK Notify and once slowed them down."""
    if severity in GRAVE and urgency in (Urgency.IMMEDIATE, Urgency.EXPECTED):
        return Lane.URGENT
    if severity in (Severity.MINOR, Severity.UNKNOWN) and urgency not in (
        Urgency.IMMEDIATE,
        Urgency.EXPECTED,
    ):
        return Lane.BULK
    return Lane.NORMAL


class PublicationState(StrEnum):
    NEW = "new"
    LIVE = "live"
    ENDED = "ended"


class EndedAs(StrEnum):
    """Why a publication ended. Different wording each; a retraction reaches all told."""

    EXPIRED = "expired"
    OVER = "over"
    RETRACTED = "retracted"


class DraftState(StrEnum):
    WRITING = "writing"
    SUBMITTED = "submitted"
    RETURNED = "returned"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    MADE = "made"


class Intent(StrEnum):
    """What a delivery does at its outlet."""

    PUBLISH = "publish"
    UPDATE = "update"
    WITHDRAW = "withdraw"


class DeliveryState(StrEnum):
    WAITING = "waiting"
    OPEN = "open"
    DONE = "done"
    FAILED = "failed"
    UNCERTAIN = "uncertain"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    SUPPRESSED = "suppressed"


class TargetState(StrEnum):
    """One address of a kind without idempotency (an SMS number, a social account)."""

    PENDING = "pending"
    SENDING = "sending"
    ACCEPTED = "accepted"
    GONE = "gone"
    REJECTED = "rejected"
    UNCERTAIN = "uncertain"


class ItemState(StrEnum):
    """What intake made of an item of a source. A listed one is in the agenda and nowhere else."""

    IGNORED = "ignored"
    LISTED = "listed"
    DRAFTED = "drafted"
    PUBLISHED = "published"
    CLOSED = "closed"


class EventState(StrEnum):
    """An entry of the agenda. A cancelled one is still shown, struck out; a withdrawn one (its
    source no longer lists it, or it was a mistake) is not. What is past follows from the clock."""

    PLANNED = "planned"
    CANCELLED = "cancelled"
    WITHDRAWN = "withdrawn"


class SourceHealth(StrEnum):
    NEW = "new"
    GOOD = "good"
    FAILING = "failing"
    PAUSED = "paused"


PUBLICATION_MOVES: Final[Mapping[PublicationState, frozenset[PublicationState]]] = {
    PublicationState.NEW: frozenset({PublicationState.LIVE}),
    PublicationState.LIVE: frozenset({PublicationState.LIVE, PublicationState.ENDED}),
    PublicationState.ENDED: frozenset(),
}

DRAFT_MOVES: Final[Mapping[DraftState, frozenset[DraftState]]] = {
    DraftState.WRITING: frozenset(
        {DraftState.SUBMITTED, DraftState.SCHEDULED, DraftState.MADE, DraftState.APPROVED}
    ),
    DraftState.SUBMITTED: frozenset({DraftState.RETURNED, DraftState.APPROVED}),
    DraftState.RETURNED: frozenset({DraftState.SUBMITTED, DraftState.WRITING}),
    DraftState.APPROVED: frozenset({DraftState.SCHEDULED, DraftState.MADE, DraftState.WRITING}),
    # Submitted: at its hour a rule asks for an approval that nobody gave.
    DraftState.SCHEDULED: frozenset({DraftState.MADE, DraftState.WRITING, DraftState.SUBMITTED}),
    DraftState.MADE: frozenset(),
}

DELIVERY_MOVES: Final[Mapping[DeliveryState, frozenset[DeliveryState]]] = {
    DeliveryState.WAITING: frozenset(
        {
            DeliveryState.OPEN,
            DeliveryState.EXPIRED,
            DeliveryState.SUPERSEDED,
            DeliveryState.SUPPRESSED,
        }
    ),
    DeliveryState.OPEN: frozenset(
        {
            DeliveryState.WAITING,  # a temporary failure goes back to wait
            DeliveryState.DONE,
            DeliveryState.FAILED,
            DeliveryState.UNCERTAIN,
            DeliveryState.EXPIRED,
            DeliveryState.SUPERSEDED,
        }
    ),
    DeliveryState.UNCERTAIN: frozenset(
        {DeliveryState.DONE, DeliveryState.OPEN, DeliveryState.FAILED}
    ),
    DeliveryState.DONE: frozenset({DeliveryState.WAITING}),  # its time is over: take the post away
    DeliveryState.FAILED: frozenset({DeliveryState.OPEN}),  # a person asks again
    DeliveryState.EXPIRED: frozenset(),
    DeliveryState.SUPERSEDED: frozenset(),
    DeliveryState.SUPPRESSED: frozenset(),
}

TARGET_MOVES: Final[Mapping[TargetState, frozenset[TargetState]]] = {
    TargetState.PENDING: frozenset({TargetState.SENDING}),
    TargetState.SENDING: frozenset(
        {
            TargetState.PENDING,  # a temporary failure, surely not sent
            TargetState.ACCEPTED,
            TargetState.GONE,
            TargetState.REJECTED,
            TargetState.UNCERTAIN,
        }
    ),
    TargetState.UNCERTAIN: frozenset({TargetState.PENDING, TargetState.ACCEPTED}),
    TargetState.ACCEPTED: frozenset(),
    TargetState.GONE: frozenset(),
    TargetState.REJECTED: frozenset(),
}

DELIVERY_OVER: Final = frozenset(
    {
        DeliveryState.DONE,
        DeliveryState.FAILED,
        DeliveryState.UNCERTAIN,
        DeliveryState.EXPIRED,
        DeliveryState.SUPERSEDED,
        DeliveryState.SUPPRESSED,
    }
)


class MoveRefused(ValueError):
    """A state was asked to go where its table does not lead."""

    def __init__(self, was: StrEnum, to: StrEnum) -> None:
        super().__init__(f"{type(was).__name__} cannot go from {was} to {to}")
        self.was, self.to = was, to


S = TypeVar("S", bound=StrEnum)


def check_move(moves: Mapping[S, frozenset[S]], was: S, to: S) -> S:
    """`to`, if the table leads there from `was`; else raises MoveRefused."""
    if to not in moves[was]:
        raise MoveRefused(was, to)
    return to
