"""From a draft to its plan, and to what every outlet would say: the facts for the rules, gathered.

`compute` is what publishing carries out; `dry_run` adds previews and refusals and writes nothing.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select as columns
from sqlmodel import Session, col, select

from hub import categories, clock, notices, outlets, reach, registry, settings
from hub.contracts import Notice, Refusal, Rendering
from hub.models import (
    Authority,
    Delivery,
    ItemRow,
    Outlet,
    Publication,
    Source,
    Station,
)
from hub.rules import engine, loading
from hub.rules.plan import Facts, OutletFacts, Plan, Told
from hub.schemas import Content
from hub.vocabulary import LANE_ORDER, DeliveryState, Intent, Lane, MsgType, lane_of


@dataclass(frozen=True, slots=True)
class Preview:
    """What one routed outlet would say, or why it cannot."""

    outlet_id: int
    outlet: str
    name: str
    kind: str
    says: Rendering | Refusal


@dataclass(frozen=True, slots=True)
class DryRun:
    plan: Plan
    previews: tuple[Preview, ...]
    notice: Notice
    reach: dict[str, int]

    @property
    def refusals(self) -> list[Preview]:
        return [p for p in self.previews if isinstance(p.says, Refusal)]


def compute(
    session: Session,
    publication: Publication,
    content: Content,
    now: datetime,
    *,
    msg_type: MsgType | None = None,
    locale: str = "fr",
) -> Plan:
    """The plan for the next revision of `publication`, against what earlier revisions left."""
    authority = session.get_one(Authority, publication.authority_id)
    station = session.get_one(Station, publication.station_id)
    source = _source_of(session, publication)
    if msg_type is None:
        msg_type = MsgType.ALERT if publication.revision_no == 0 else MsgType.UPDATE
    told = told_by(session, publication.id)
    return _evaluate(
        session,
        authority,
        station,
        content,
        now,
        msg_type,
        told,
        source,
        locale,
        publication.id,
        publication.revision_no + 1,
        publication.created_by,
    )


def dry_run(
    session: Session,
    authority: Authority,
    station: Station,
    content: Content,
    *,
    publication: Publication | None = None,
    locale: str = "fr",
) -> DryRun:
    """Plan and previews for a draft. Reads only."""
    now = clock.now()
    if publication:
        plan = compute(session, publication, content, now, locale=locale)
        number = publication.revision_no + 1
    else:
        plan = _evaluate(
            session, authority, station, content, now, MsgType.ALERT, (), None, locale, "", 1, ""
        )
        number = 1
    notice = notices.draft_notice(content, authority, station, now, revision=number)
    rows = {
        o.id: o
        for o in session.exec(
            select(Outlet).where(col(Outlet.id).in_([r.outlet_id for r in plan.routes]))
        ).all()
    }
    previews = tuple(
        Preview(
            outlet_id=route.outlet_id,
            outlet=route.outlet,
            name=rows[route.outlet_id].name,
            kind=route.kind,
            says=outlets.preview(rows[route.outlet_id], [notice], authority.languages[0]),
        )
        for route in plan.routes
        if route.intent is not Intent.WITHDRAW
    )
    counts = reach.of_plan(session, authority.id or 0, plan, notice)
    return DryRun(plan, previews, notice, counts)


def told_by(session: Session, publication_id: str) -> tuple[Told, ...]:
    """Outlets that earlier revisions of the publication reached: a display that is to carry it, a
    messenger that began to speak. A waiting or suppressed delivery told nobody."""
    told: dict[int, Told] = {}
    rows = session.execute(
        columns(
            col(Delivery.outlet_id),
            col(Delivery.revision_no),
            col(Delivery.kind),
            col(Delivery.lane),
            col(Delivery.intent),
            col(Delivery.opened_at),
            col(Delivery.state),
        )
        .where(col(Delivery.publication_id) == publication_id)
        .order_by(col(Delivery.revision_no))
    ).all()
    for outlet_id, revision, kind, lane, intent, opened, state in rows:
        if state == DeliveryState.SUPPRESSED:
            continue
        if intent == Intent.WITHDRAW:
            told.pop(outlet_id, None)
        elif opened or registry.is_display(kind):
            known = told.get(outlet_id)
            lanes = (Lane(lane), known.lane if known else Lane.BULK)
            told[outlet_id] = Told(
                outlet_id=outlet_id,
                revision=revision,
                lane=min(lanes, key=LANE_ORDER.__getitem__),
            )
    return tuple(told[key] for key in sorted(told))


def _source_of(session: Session, publication: Publication) -> Source | None:
    if publication.item_id is None:
        return None
    item = session.get(ItemRow, publication.item_id)
    return session.get(Source, item.source_id) if item else None


def _evaluate(
    session: Session,
    authority: Authority,
    station: Station,
    content: Content,
    now: datetime,
    msg_type: MsgType,
    told: tuple[Told, ...],
    source: Source | None,
    locale: str,
    identifier: str,
    number: int,
    created_by: str,
) -> Plan:
    stations = {
        s.id: s.code
        for s in session.exec(select(Station).where(Station.authority_id == authority.id)).all()
    }
    rows = session.exec(
        select(Outlet)
        .where(Outlet.authority_id == authority.id, col(Outlet.hidden).is_(False))
        .order_by(col(Outlet.id))
    ).all()
    effective, expires = notices.span(content, now)
    words = content.texts.get(authority.languages[0]) or next(iter(content.texts.values()))
    lane = lane_of(content.severity, content.urgency)
    moments: dict[str, Any] = {"sent": now, "effective": effective, "expires": expires}
    if content.onset:
        moments["onset"] = content.onset
    facts = Facts(
        publication={
            "identifier": identifier,
            "revision": number,
            "msg_type": msg_type.value,
            "status": content.status.value,
            "scope": content.scope.value,
            "category": content.category,
            "cap_category": categories.get(content.category).cap,
            "event": content.event,
            "response_type": content.response_type.value,
            "severity": content.severity.value,
            "urgency": content.urgency.value,
            "certainty": content.certainty.value,
            "lane": lane.value,
            "station": station.code,
            "headline": words.headline,
            "description": words.description,
            "instruction": words.instruction,
            "area_desc": content.area_desc,
            "has_area": content.area is not None,
            "languages": sorted(content.texts),
            "created_by": "source" if source else _written(created_by),
        }
        | moments,
        authority=authority.facts(),
        source={"kind": source.kind, "name": source.name, "category": source.category}
        if source
        else {},
        outlets=tuple(
            OutletFacts(
                id=row.id or 0,
                code=row.code,
                name=row.name,
                kind=row.kind,
                tags=frozenset(row.tags),
                station=stations.get(row.station_id, ""),
                longitude=row.longitude,
                latitude=row.latitude,
                paused=row.paused,
            )
            for row in rows
        ),
        told=told,
        area=content.area,
        msg_type=msg_type,
        lane=lane,
        expires=expires,
        now=now,
        timezone=authority.timezone,
        quiet=authority.quiet_hours(),
    )
    rules = loading.for_authority(settings.get().config, authority.code)
    return engine.evaluate(rules, facts, locale=locale)


def plan_json(run: DryRun) -> dict[str, Any]:
    """A dry run as the API and the command line give it."""
    return {
        "plan": run.plan.model_dump(mode="json"),
        "reach": {"outlets": run.reach, **reach.summary(run.reach)},
        "previews": [
            {
                "outlet": p.outlet,
                "name": p.name,
                "kind": p.kind,
                **(
                    {
                        "text": p.says.text,
                        "facts": json.loads(json.dumps(dict(p.says.facts), default=str)),
                        "warnings": list(p.says.warnings),
                    }
                    if isinstance(p.says, Rendering)
                    else {
                        "refusal": {
                            "field": p.says.field,
                            "reason": p.says.reason,
                            "what_would_fit": p.says.what_would_fit,
                        }
                    }
                ),
            }
            for p in run.previews
        ],
    }


def _written(actor: str) -> str:
    """Where a publication was written, by the actor that made it (`agenda:eve`, `token:3`)."""
    kinds = {"token": "api", "agenda": "agenda"}
    return kinds.get(actor.partition(":")[0], "office")
