"""The agenda of an authority: what its sources list and what its people write, kept as events.

An event is shown and given out, and said aloud only by rule (hub.reminders, or intake's rules on
the same item). Every change raises its `sequence` and is followed by what was said of it.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, select

from hub import audit, clock, items, reminders
from hub.contracts import Item, Parsed
from hub.event_schema import EventIn
from hub.item_content import category_of
from hub.likeness import fold, same_place, same_title
from hub.models import Authority, Event, EventOrigin, Source, Station
from hub.publishing import Refused
from hub.source_words import say
from hub.vocabulary import EventState, MsgType, Status

# What ended before is history: a first reading does not fill the agenda with it.
_PAST: Final = timedelta(days=1)
_LONGEST: Final = {"headline": 160, "description": 8000, "place": 200, "tag": 60}
_MOST_TAGS: Final = 12


# --- from a source -------------------------------------------------------------------------------


def take_in(
    session: Session,
    source: Source,
    parsed: Parsed,
    now: datetime,
    refused: Iterable[str] = (),
) -> None:
    """A good reading of a source: its events written, changed, cancelled; absence counts at the
    second complete reading. `refused` are the ids that intake left aside."""
    known = _origins(session, source)
    left = set(refused)
    for item in parsed.items:
        if item.kind == "event" and item.status is Status.ACTUAL and item.external_id not in left:
            upsert(session, source, item, now, known)
    if not parsed.complete:
        return
    seen = {item.external_id for item in parsed.items}
    broken = {error.where for error in parsed.errors}
    for external_id, (origin, event) in known.items():
        if external_id in seen or origin.gone or event.ends <= now:
            continue
        if external_id in broken or external_id.partition("#")[0] in broken:
            continue
        _miss(session, origin, event, now)


def confirm(session: Session, source: Source, now: datetime) -> None:
    """A good reading without anything new: what was missing before is missing still."""
    for origin, event in _origins(session, source).values():
        if origin.missing_since and not origin.gone and event.ends > now:
            _miss(session, origin, event, now)


def upsert(
    session: Session,
    source: Source,
    item: Item,
    now: datetime,
    known: dict[str, tuple[EventOrigin, Event]] | None = None,
) -> Event | None:
    """The event of an item of kind "event", written or brought up to date; None for one that is
    over and was not known. `known` is what the caller read of the source already."""
    if known is None:
        known = _origins(session, source)
    origin, event = known.get(item.external_id, (None, None))
    starts = item.onset or item.effective or item.sent or now
    ends = max(starts, item.expires or starts)
    if origin is None or event is None:
        if ends < now - _PAST:
            return None
        origin, event = _welcome(session, source, item, starts, ends)
        known[item.external_id] = (origin, event)
    elif item.version < origin.version:
        return event  # a cache gave an older state
    was_away, origin.missing_since, origin.gone = origin.gone, None, False
    hash_ = items.fingerprint(item)
    if origin.hash == hash_ and not was_away:
        return event
    origin.version, origin.hash, origin.link = item.version, hash_, item.link
    session.add(origin)
    _follow_source(session, source, item, event, origin, starts, ends)
    return event


def forget_source(session: Session, source_id: int) -> None:
    """The source is no longer read here: what it brought stays, as what a person wrote."""
    for origin in session.exec(select(EventOrigin).where(EventOrigin.source_id == source_id)).all():
        origin.source_id = None
        session.add(origin)


def _origins(session: Session, source: Source) -> dict[str, tuple[EventOrigin, Event]]:
    rows = session.exec(
        select(EventOrigin, Event)
        .join(Event, col(Event.id) == EventOrigin.event_id)
        .where(EventOrigin.source_id == source.id)
    ).all()
    return {origin.external_id: (origin, event) for origin, event in rows}


def _welcome(
    session: Session, source: Source, item: Item, starts: datetime, ends: datetime
) -> tuple[EventOrigin, Event]:
    """A new origin: of an event that another source lists already, or of a new one."""
    event = _same(session, source, item, starts)
    if event is None:
        event = Event(
            authority_id=source.authority_id,
            station_id=source.station_id,
            starts=starts,
            ends=ends,
            created_by=f"source:{source.id}",
            created=clock.now(),
            sequence=-1,  # the first content makes it 0
        )
        session.add(event)
        session.flush()
    origin = EventOrigin(
        authority_id=source.authority_id,
        event_id=event.id,
        source_id=source.id,
        source_name=source.name,
        external_id=item.external_id,
    )
    session.add(origin)
    session.flush()
    return origin, event


def _same(session: Session, source: Source, item: Item, starts: datetime) -> Event | None:
    """The event that another source lists for the same hour, place and title."""
    titles = [text.headline for text in item.texts.values()]
    for event in session.exec(
        select(Event)
        .where(
            Event.authority_id == source.authority_id,
            Event.starts == starts,
            Event.all_day == item.all_day,
            Event.state != EventState.WITHDRAWN,
        )
        .order_by(col(Event.id))
    ).all():
        ours = [str(text["headline"]) for text in event.texts.values()]
        if not same_place(event.place, item.place or item.area_desc):
            continue
        if not any(same_title(one, other) for one in ours for other in titles):
            continue
        listed = session.exec(
            select(EventOrigin.source_id).where(EventOrigin.event_id == event.id)
        ).all()
        if source.id not in listed:  # one source that lists two means two
            return event
    return None


def _follow_source(
    session: Session,
    source: Source,
    item: Item,
    event: Event,
    origin: EventOrigin,
    starts: datetime,
    ends: datetime,
) -> None:
    """What the source says now, on the event. The first source that lists it decides the words; a
    person's words stay; a cancel of any source that lists it counts."""
    first = session.exec(
        select(EventOrigin)
        .where(EventOrigin.event_id == event.id, EventOrigin.gone == False)  # noqa: E712
        .order_by(col(EventOrigin.id))
    ).first()
    leads = first is None or first.id == origin.id
    new: dict[str, Any] = {}
    if leads and event.edited:
        authority = session.get_one(Authority, event.authority_id)
        event.note = say("edited-here", authority.languages[0][:2])
        session.add(event)
    elif leads and event.created_by.startswith("source:"):
        new = _content_of(item, source, starts, ends)
    cancelled = item.msg_type is MsgType.CANCEL
    if cancelled:
        new["state"] = EventState.CANCELLED
    elif leads and event.state != EventState.PLANNED and not event.edited:
        new["state"] = EventState.PLANNED
    _write(session, event, new)


def _content_of(item: Item, source: Source, starts: datetime, ends: datetime) -> dict[str, Any]:
    texts: dict[str, dict[str, str]] = {}
    for named, text in list(item.texts.items())[:10]:
        base = named.partition("-")[0].lower()
        texts[named if base in texts else base] = {
            "headline": _clip(text.headline, _LONGEST["headline"]),
            "description": _clip(text.description, _LONGEST["description"]),
        }
    tags = dict.fromkeys(_clip(tag, _LONGEST["tag"]) for tag in item.tags if tag.strip())
    new: dict[str, Any] = {
        "station_id": source.station_id,
        "category": category_of(item, source),
        "starts": starts.astimezone(UTC),
        "ends": ends.astimezone(UTC),
        "all_day": item.all_day,
        "texts": texts,
        "place": _clip(item.place or item.area_desc, _LONGEST["place"]),
        "tags": list(tags)[:_MOST_TAGS],
        "link": item.link[:1000],
        "series": item.series,
        "longitude": None,
        "latitude": None,
    }
    if item.area and item.area.get("type") == "Point":
        new["longitude"], new["latitude"] = item.area["coordinates"][:2]
    return new


def _clip(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[: longest - 1].rstrip() + "…"


def _miss(session: Session, origin: EventOrigin, event: Event, now: datetime) -> None:
    """Absent: noted the first time, gone the second; an event that no source lists any more, and no
    person wrote, is withdrawn."""
    session.add(origin)
    if origin.missing_since is None:
        origin.missing_since = now
        return
    origin.gone = True
    session.flush()
    others = session.exec(
        select(EventOrigin.id).where(
            EventOrigin.event_id == event.id,
            EventOrigin.gone == False,  # noqa: E712
        )
    ).first()
    by_source = event.created_by.startswith("source:")
    if others is None and by_source and event.state == EventState.PLANNED:
        authority = session.get_one(Authority, event.authority_id)
        event.note = say("gone", authority.languages[0][:2])
        _write(session, event, {"state": EventState.WITHDRAWN})


# --- by hand -------------------------------------------------------------------------------------


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
        sequence=-1,
    )
    session.add(event)
    _write(session, event, _given(given, starts, ends))
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
    _write(session, event, new)
    audit.note(
        session, event.authority_id, actor, "edit", f"event:{event.id}", fields=sorted(changed)
    )


def cancel(session: Session, event: Event, actor: str) -> None:
    """It does not take place; it stays in the agenda, struck out. Raises Refused."""
    _move(session, event, EventState.PLANNED, EventState.CANCELLED, actor, "cancel")


def restore(session: Session, event: Event, actor: str) -> None:
    """It takes place after all. Raises Refused."""
    if event.state == EventState.PLANNED:
        raise Refused("state", "This event is planned already.")
    event.edited = event.edited or event.created_by.startswith("source:")
    _write(session, event, {"state": EventState.PLANNED})
    audit.note(session, event.authority_id, actor, "restore", f"event:{event.id}")


def withdraw(session: Session, event: Event, actor: str) -> None:
    """Take it out of the agenda: it was written by mistake. Calendars that copied it strike it
    out."""
    if event.state == EventState.WITHDRAWN:
        return
    event.edited = event.edited or event.created_by.startswith("source:")
    _write(session, event, {"state": EventState.WITHDRAWN})
    audit.note(session, event.authority_id, actor, "withdraw", f"event:{event.id}")


def span_of(given: EventIn, zone: str) -> tuple[datetime, datetime]:
    """(starts, ends) in UTC. Days are midnights of `zone`, the last one included."""
    if given.day:
        last = given.last_day or given.day
        return _midnight(given.day, zone), _midnight(last + timedelta(days=1), zone)
    starts = given.starts or clock.now()
    return starts.astimezone(UTC), (given.ends or starts).astimezone(UTC)


def _midnight(day: date, zone: str) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)).astimezone(UTC)


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


def _move(
    session: Session, event: Event, was: EventState, to: EventState, actor: str, verb: str
) -> None:
    if event.state != was:
        raise Refused("state", "Only a planned event can be cancelled.")
    event.edited = event.edited or event.created_by.startswith("source:")
    _write(session, event, {"state": to})
    audit.note(session, event.authority_id, actor, verb, f"event:{event.id}")


def _write(session: Session, event: Event, new: Mapping[str, Any]) -> None:
    """Set what differs; where anything does, a new sequence, and what was said of it follows."""
    changed = [name for name, value in new.items() if getattr(event, name) != value]
    session.add(event)
    if not changed and event.sequence >= 0:
        return
    for name in changed:
        setattr(event, name, new[name])
    spoken = [str(value) for text in event.texts.values() for value in text.values()]
    event.words = fold(" ".join([*spoken, event.place, *event.tags]))
    event.tag_words = "|" + "|".join(fold(tag) for tag in event.tags) + "|"
    event.sequence += 1
    event.changed = clock.now()
    session.flush()
    if event.sequence:
        reminders.follow(session, event)
