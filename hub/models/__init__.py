"""The tables, one module an aggregate. `from hub.models import Publication`."""

from hub.models.audit import AuditEvent, IdempotencyKey, Memo
from hub.models.authority import ApiToken, Authority, Contact, Member, Outlet, Station
from hub.models.delivery import (
    Attempt,
    Breaker,
    Carried,
    Delivery,
    DisplayRow,
    Receipt,
    Shard,
    ShelfRow,
    TargetRow,
    Turn,
)
from hub.models.event import Event, EventOrigin, Reminder
from hub.models.keys import RetiredKey
from hub.models.panel import FrameRow, Incident, PanelRow, Play, ToldPage
from hub.models.publication import Publication, Revision, StoredPlan
from hub.models.source import ItemRow, Source
from hub.models.subscription import Follow, FollowCell, PushIdentity, Subscription

__all__ = [
    "ApiToken",
    "Attempt",
    "AuditEvent",
    "Authority",
    "Breaker",
    "Carried",
    "Contact",
    "Delivery",
    "DisplayRow",
    "Event",
    "EventOrigin",
    "Follow",
    "FollowCell",
    "FrameRow",
    "IdempotencyKey",
    "Incident",
    "ItemRow",
    "Member",
    "Memo",
    "Outlet",
    "PanelRow",
    "Play",
    "Publication",
    "PushIdentity",
    "Receipt",
    "Reminder",
    "RetiredKey",
    "Revision",
    "Shard",
    "ShelfRow",
    "Source",
    "Station",
    "StoredPlan",
    "Subscription",
    "TargetRow",
    "ToldPage",
    "Turn",
]
