"""The agenda of an authority, written by its people: events made, changed, cancelled, taken out.

What sources list comes by hub.agenda_taking. An event is shown and given out, and said aloud only
by rule (hub.reminders, or intake's rules on the same item). Every change raises its `sequence` and
is followed by what was said of it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlmodel import Session

from hub import audit, clock, reminders
from hub.event_schema import EventIn
from hub.likeness import fold
from hub.models import Authority, Event, Station
from hub.publishing import Refused
from hub.vocabulary import EventState


def create(session: Session, actor: str, station: Station, given: EventIn) -> Event:
    """A new event, written by a person or another system."""
    authority = session.get_one(Authority, station.authority_id)
    starts, ends = span_of(given, authority.timezone)
    event = Event(
        authority_id=station.authority_id,
        station_id=station.id or 0,
        starts=starts,
        ends=ends,
        created_by=actor,
        created=clock.now(),
    )
    set_fields(event, _given(given, starts, ends))
    session.add(event)
    session.flush()
    audit.note(session, event.authority_id, actor, "create", f"event:{event.id}")
    return event


def edit(session: Session, event: Event, given: EventIn, actor: str, station: Station) -> None:
    """Replace what an event says. What a source brought is a person's from here on: the source can
    still cancel it, and no longer overwrites it."""
    authority = session.get_one(Authority, event.authority_id)
    starts, ends = span_of(given, authority.timezone)
    new = _given(given, starts, ends) | {"station_id": station.id or 0}
    changed = {name for name, value in new.items() if getattr(event, name) != value}
    if not changed:
        return
    event.edited = event.edited or event.created_by.startswith("source:")
    event.note = ""
    write(session, event, new)
    audit.note(
        session, event.authority_id, actor, "edit", f"event:{event.id}", fields=sorted(changed)
    )


def cancel(session: Session, event: Event, actor: str) -> None:
    """It does not take place; it stays in the agenda, struck out. Raises Refused."""
    if event.state != EventState.PLANNED:
        raise Refused("state", "Only a planned event can be cancelled.")
    _move(session, event, EventState.CANCELLED, actor, "cancel")


def restore(session: Session, event: Event, actor: str) -> None:
    """It takes place after all. Raises Refused."""
    if event.state == EventState.PLANNED:
        raise Refused("state", "This event is planned already.")
    _move(session, event, EventState.PLANNED, actor, "restore")


def withdraw(session: Session, event: Event, actor: str) -> None:
    """Take it out of the agenda: it was written by mistake. Calendars that copied it strike it
    out."""
    if event.state != EventState.WITHDRAWN:
        _move(session, event, EventState.WITHDRAWN, actor, "withdraw")


def span_of(given: EventIn, zone: str) -> tuple[datetime, datetime]:
    """(starts, ends) in UTC. Days are midnights of `zone`, the last one included."""
    if given.day:
        last = given.last_day or given.day
        return clock.midnight(given.day, zone), clock.midnight(last + timedelta(days=1), zone)
    starts = given.starts or clock.now()
    return starts.astimezone(UTC), (given.ends or starts).astimezone(UTC)


def _given(given: EventIn, starts: datetime, ends: datetime) -> dict[str, Any]:
    return {
        "category": given.category,
        "starts": starts,
        "ends": ends,
        "all_day": given.day is not None,
        "texts": {language: text.model_dump() for language, text in given.texts.items()},
        "place": given.place,
        "longitude": given.longitude,
        "latitude": given.latitude,
        "tags": given.tags,
        "link": given.link,
    }


def _move(session: Session, event: Event, to: EventState, actor: str, verb: str) -> None:
    event.edited = event.edited or event.created_by.startswith("source:")
    write(session, event, {"state": to})
    audit.note(session, event.authority_id, actor, verb, f"event:{event.id}")


def write(session: Session, event: Event, new: Mapping[str, Any]) -> None:
    """Set what differs; where anything does, a new sequence, and what was said of it follows."""
    changed = [name for name, value in new.items() if getattr(event, name) != value]
    session.add(event)
    if not changed:
        return
    set_fields(event, {name: new[name] for name in changed})
    event.sequence += 1
    session.flush()
    reminders.follow(session, event)


def set_fields(event: Event, new: Mapping[str, Any]) -> None:
    """Set fields, and what searches read of them."""
    for name, value in new.items():
        setattr(event, name, value)
    spoken = [str(value) for text in event.texts.values() for value in text.values()]
    event.words = fold(" ".join([*spoken, event.place, *event.tags]))
    event.tag_words = "|" + "|".join(fold(tag) for tag in event.tags) + "|"
    event.changed = clock.now()
