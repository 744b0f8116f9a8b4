"""The variables of conditions, as data, and how facts are bound to them.

docs/rules.md lists the same tables; a test holds it against them.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from hub import clock
from hub.rules.language import Bound, Variable, Variables
from hub.rules.plan import Facts
from hub.rules.times import in_window
from hub.vocabulary import (
    CAP_CATEGORIES,
    GRAVE,
    LEVEL_SEVERITY,
    SEVERITY_ORDER,
    Certainty,
    Lane,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

_CONTENT: Final = {
    "msg_type": Variable("text", "what the revision does", tuple(MsgType)),
    "status": Variable("text", "whether it is meant", tuple(Status)),
    "category": Variable("text", "key of the category: roadworks, water, event…"),
    "event": Variable("text", "what happens, in the author's words"),
    "response_type": Variable("text", "what people should do", tuple(ResponseType)),
    "severity": Variable("text", "how grave", tuple(Severity)),
    "severity_rank": Variable("number", "0 Unknown, 1 Minor, 2 Moderate, 3 Severe, 4 Extreme"),
    "grave": Variable("yes/no", "Severe or Extreme"),
    "urgency": Variable("text", "how soon", tuple(Urgency)),
    "certainty": Variable("text", "how sure", tuple(Certainty)),
    "headline": Variable("text", "the title, first language"),
    "description": Variable("text", "the body, first language"),
    "area_desc": Variable("text", "the place in words"),
    "has_area": Variable("yes/no", "whether an area is drawn"),
    "languages": Variable("texts", "languages it is written in"),
    "sent": Variable("moment", "when it was sent"),
    "effective": Variable("moment", "from when it may be shown"),
    "has_onset": Variable("yes/no", "whether the beginning of the event is known"),
    "onset": Variable("moment", "beginning of the event; effective where it is not known"),
    "expires": Variable("moment", "when it ends"),
}
_PUBLICATION: Final = {
    "identifier": Variable("text", "identifier of the publication"),
    "revision": Variable("number", "number of the revision, from 1"),
    "scope": Variable("text", "whom it is for", tuple(Scope)),
    "cap_category": Variable("text", "its CAP category", CAP_CATEGORIES),
    "lane": Variable("text", "how pressing", tuple(Lane)),
    "station": Variable("text", "code of the station that says it"),
    "instruction": Variable("text", "what to do, first language"),
    "created_by": Variable("text", "where it was written", ("office", "api", "source", "agenda")),
}
_ITEM: Final = {
    "external_id": Variable("text", "the source's own identifier"),
    "kind": Variable("text", "whether it is the entry of an agenda", ("notice", "event")),
    "level": Variable(
        "text", "colour of the source's level, if it has levels", tuple(LEVEL_SEVERITY)
    ),
    "tags": Variable("texts", "the source's own words for what it is about"),
    "place": Variable("text", "where it takes place, in the source's words"),
    "has_expires": Variable("yes/no", "whether the source says when it ends"),
    "all_day": Variable("yes/no", "an event without hours"),
    "link": Variable("text", "address of the entry"),
}
_EVENT: Final = {
    "category": Variable("text", "key of the category: event, culture, sport…"),
    "headline": Variable("text", "the title, first language"),
    "description": Variable("text", "the body, first language"),
    "place": Variable("text", "the place in words"),
    "tags": Variable("texts", "what it is about"),
    "station": Variable("text", "code of the station that lists it"),
    "all_day": Variable("yes/no", "an event without hours"),
    "repeats": Variable("yes/no", "one date of what repeats"),
    "by_hand": Variable("yes/no", "written here, not brought by a source"),
    "starts": Variable("moment", "its beginning"),
    "ends": Variable("moment", "its end"),
}
_AROUND: Final = {
    "authority.code": Variable("text", "code of the authority"),
    "authority.name": Variable("text", "name of the authority"),
    "authority.timezone": Variable("text", "its time zone"),
    "authority.languages": Variable("texts", "its languages"),
    "source.kind": Variable("text", "kind of the source; empty when a person wrote it"),
    "source.name": Variable("text", "name of the source"),
    "source.category": Variable("text", "category set on the source"),
    "now": Variable("moment", "the moment of the decision"),
    "date": Variable("text", "today in the authority's zone, as 2026-03-02"),
    "time": Variable("text", "the time in the authority's zone, as 08:31"),
    "hour": Variable("number", "the hour in the authority's zone, 0 to 23"),
    "minute": Variable("number", "the minute, 0 to 59"),
    "weekday": Variable("number", "the day in the authority's zone, 1 Monday to 7 Sunday"),
    "quiet": Variable("yes/no", "within the authority's quiet hours"),
}

PLAN: Final = Variables(
    {f"publication.{name}": v for name, v in (_PUBLICATION | _CONTENT).items()} | _AROUND
)
INTAKE: Final = Variables({f"item.{name}": v for name, v in (_ITEM | _CONTENT).items()} | _AROUND)


REMINDERS: Final = Variables({f"event.{name}": v for name, v in _EVENT.items()} | _AROUND)


def bind_event(
    event: Mapping[str, Any], authority: Mapping[str, Any], now: datetime, timezone: str
) -> Bound:
    """The variables of a reminder's condition."""
    named = {f"event.{name}": value for name, value in event.items()}
    return REMINDERS.bind(named | _around(authority, {}, now, timezone, None))


def bind_facts(facts: Facts) -> Bound:
    """The variables of a plan's conditions. `lane` and `msg_type` are those of the facts, and
    `has_area` follows the area, whatever the mapping says."""
    content = dict(facts.publication)
    content |= {"lane": facts.lane, "msg_type": facts.msg_type, "expires": facts.expires}
    content["has_area"] = facts.area is not None
    around = _around(facts.authority, facts.source, facts.now, facts.timezone, facts.quiet)
    return PLAN.bind(_content("publication", content) | around)


def bind_item(
    item: Mapping[str, Any],
    source: Mapping[str, Any],
    authority: Mapping[str, Any],
    now: datetime,
    timezone: str,
    quiet: tuple[str, str] | None = None,
) -> Bound:
    """The variables of an intake condition."""
    return INTAKE.bind(_content("item", item) | _around(authority, source, now, timezone, quiet))


def _content(group: str, content: Mapping[str, Any]) -> dict[str, Any]:
    severity = str(content.get("severity") or Severity.UNKNOWN)
    ranks = {str(one): rank for one, rank in SEVERITY_ORDER.items()}
    begins = content.get("onset")
    derived = {
        "severity_rank": ranks.get(severity, 0),
        "grave": severity in GRAVE,
        "has_onset": begins is not None,
        "onset": begins or content.get("effective"),
    }
    return {f"{group}.{name}": value for name, value in {**content, **derived}.items()}


def _around(
    authority: Mapping[str, Any],
    source: Mapping[str, Any],
    now: datetime,
    timezone: str,
    quiet: tuple[str, str] | None,
) -> dict[str, Any]:
    local = clock.local(now, timezone)
    try:
        resting = in_window(now, quiet, timezone)
    except ValueError:  # hours nobody can read do not apply; the plan has a note of it
        resting = False
    values: dict[str, Any] = {f"authority.{name}": value for name, value in authority.items()}
    values |= {f"source.{name}": value for name, value in source.items()}
    return values | {
        "now": now,
        "date": local.strftime("%Y-%m-%d"),
        "time": local.strftime("%H:%M"),
        "hour": local.hour,
        "minute": local.minute,
        "weekday": local.isoweekday(),
        "quiet": resting,
    }
