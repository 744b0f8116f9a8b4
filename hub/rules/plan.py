"""What goes into the rules and what comes out: facts and plan. Value objects only.

A plan is stored as JSON beside its revision and shown to people before anything leaves, so every
route carries the rules that made it and a reason in a sentence, and what was left out says why.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from hub.vocabulary import Intent, Lane, MsgType


class Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class OutletFacts(Frozen):
    """An outlet as the rules see it. `longitude`, `latitude` in degrees (WGS 84)."""

    id: int
    code: str
    name: str
    kind: str
    tags: frozenset[str] = frozenset()
    station: str = ""
    longitude: float | None = None
    latitude: float | None = None
    paused: bool = False


class Told(Frozen):
    """An outlet that an earlier revision reached: it carries it, or somebody there was told.
    `lane` is the most pressing lane in which it was told."""

    outlet_id: int
    revision: int
    lane: Lane


class Audience(Frozen):
    """Whom a phone or contact outlet addresses. Two audiences of one outlet are joined by union.

    `stations`: followers of these station codes. `everyone`: followers of any station of the
    authority. `wishes` False: wished categories do not filter (urgent never filters). `within_m`:
    of the phones that chose cells, those that chose one at most so many metres from the
    publication's area; None: all. `also`: further audiences whose distance is another.
    """

    stations: frozenset[str] = frozenset()
    everyone: bool = False
    wishes: bool = True
    within_m: float | None = None
    also: tuple["Audience", ...] = ()


class Route(Frozen):
    """One outlet, for whom, when, how urgently, and why.

    `corrections`: what a kind that cannot edit does on update and withdraw: "send" a fresh message
    or stay "silent". `on_uncertain`: "hold" for a person or "repeat". `suppressed`: the reason
    why it is kept on the board but never sent (quiet hours past expiry).
    """

    outlet_id: int
    outlet: str
    kind: str
    intent: Intent
    lane: Lane
    audience: Audience = Audience()
    not_before: datetime | None = None
    corrections: str = "send"
    on_uncertain: str = "hold"
    rules: tuple[str, ...] = ()
    reasons: tuple[str, ...] = ()
    suppressed: str = ""


class LeftOut(Frozen):
    """An outlet that gets nothing, and the sentence that says why."""

    outlet_id: int
    outlet: str
    kind: str
    reason: str
    rule: str = ""


class Hold(Frozen):
    """Why the publication waits for an approver."""

    rule: str
    reason: str


class Plan(Frozen):
    """The whole result for one revision."""

    lane: Lane
    routes: tuple[Route, ...] = ()
    left_out: tuple[LeftOut, ...] = ()
    holds: tuple[Hold, ...] = ()
    notes: tuple[str, ...] = ()

    def route_to(self, outlet_id: int) -> Route | None:
        return next((r for r in self.routes if r.outlet_id == outlet_id), None)


class Facts(Frozen):
    """All the rules may look at. `publication`, `authority` and `source` are the CEL variables of
    docs/rules.md, plain JSON values and aware datetimes; `now` in UTC.

    `publication`: identifier, revision (int), msg_type, status, scope, category, cap_category,
    event, response_type, severity, urgency, certainty, lane, station, headline, description,
    instruction, area_desc, has_area (bool), languages (list), sent, effective, onset (may be
    absent), expires (timestamps), created_by ("office" | "api" | "source" | "agenda").
    `authority`: code, name, timezone, languages. `source`: kind, name, category; {} when a person
    wrote it. `area` is the GeoJSON geometry. `quiet` is the authority's pair of local hours
    ("22:00", "07:00") or None.
    """

    publication: Mapping[str, Any]
    authority: Mapping[str, Any]
    source: Mapping[str, Any] = Field(default_factory=dict)
    outlets: tuple[OutletFacts, ...] = ()
    told: tuple[Told, ...] = ()
    area: Mapping[str, Any] | None = None
    msg_type: MsgType = MsgType.ALERT
    lane: Lane = Lane.NORMAL
    expires: datetime
    now: datetime
    timezone: str = "Europe/Paris"
    quiet: tuple[str, str] | None = None
