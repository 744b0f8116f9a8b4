"""What a source lists, taken into the agenda: events written, changed, cancelled, withdrawn.

The first source that lists an event decides its words; a person's words stay; absence counts at the
second complete reading.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import update
from sqlmodel import Session, col, select

from hub import agenda, clock, items
from hub.contracts import Item, Parsed
from hub.item_content import category_of
from hub.likeness import same_place, same_title
from hub.models import Authority, Event, EventOrigin, Source
from hub.source_words import say
from hub.vocabulary import EventState, MsgType, Status

# What ended before is history: a first reading does not fill the agenda with it.
_PAST: Final = timedelta(days=1)
_LONGEST: Final = {"headline": 160, "description": 8000, "place": 200, "tag": 60}
_MOST_TAGS: Final = 12


def take_in(
    session: Session,
    source: Source,
    parsed: Parsed,
    now: datetime,
    refused: Iterable[str] = (),
) -> None:
    """A good reading of a source: its events written, changed, cancelled; absence counts at the
    second complete reading. `refused` are the ids that intake left aside."""
    taking = _Taking(session, source, now)
    left = set(refused)
    for item in parsed.items:
        if item.kind == "event" and item.status is Status.ACTUAL and item.external_id not in left:
            taking.upsert(item)
    taking.store()
    if not parsed.complete:
        return
    seen = {item.external_id for item in parsed.items}
    broken = {error.where for error in parsed.errors}
    for external_id, (origin, event) in taking.known.items():
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


def upsert(session: Session, source: Source, item: Item, now: datetime) -> Event | None:
    """The event of an item of kind "event", written or brought up to date; None for one that is
    over and was not known."""
    taking = _Taking(session, source, now)
    event = taking.upsert(item)
    taking.store()
    return event


class _Taking:
    """One reading of one source. What is new is written at its end, in two statements: an agenda of
    1,500 dates took six seconds when each was written by itself."""

    def __init__(self, session: Session, source: Source, now: datetime) -> None:
        self.session, self.source, self.now = session, source, now
        self.known = _origins(session, source)
        self._new: list[tuple[EventOrigin, Event]] = []
        self._others: dict[tuple[datetime, bool], list[Event]] | None = None

    def upsert(self, item: Item) -> Event | None:
        starts = item.onset or item.effective or item.sent or self.now
        ends = max(starts, item.expires or starts)
        hash_ = items.fingerprint(item)
        if item.external_id not in self.known:
            if ends < self.now - _PAST:
                return None
            return self._welcome(item, hash_, starts, ends)
        origin, event = self.known[item.external_id]
        if item.version < origin.version:
            return event  # a cache gave an older state
        was_away, origin.missing_since, origin.gone = origin.gone, None, False
        if origin.hash == hash_ and not was_away:
            return event
        self.store()
        origin.version, origin.hash, origin.link = item.version, hash_, item.link
        self.session.add(origin)
        _follow_source(self.session, self.source, item, event, origin, starts, ends)
        return event

    def store(self) -> None:
        """Write what is new: events first, their origins refer to them."""
        new, self._new = self._new, []
        if new:
            self.session.add_all([event for _, event in new])
            self.session.flush()
            self.session.add_all([origin for origin, _ in new])
            self.session.flush()

    def _welcome(self, item: Item, hash_: str, starts: datetime, ends: datetime) -> Event:
        """A new origin: of an event that another source lists already, or of a new one."""
        source = self.source
        event = self._same(item, starts)
        origin = EventOrigin(
            authority_id=source.authority_id,
            event_id=event.id if event else "",
            source_id=source.id,
            source_name=source.name,
            external_id=item.external_id,
            version=item.version,
            hash=hash_,
            link=item.link,
        )
        if event is not None:
            self.session.add(origin)
            self.session.flush()
            _follow_source(self.session, source, item, event, origin, starts, ends)
        else:
            new = _content_of(item, source, starts, ends)
            if item.msg_type is MsgType.CANCEL:
                new["state"] = EventState.CANCELLED
            event = Event(
                authority_id=source.authority_id,
                station_id=source.station_id,
                starts=starts,
                ends=ends,
                created_by=f"source:{source.id}",
                created=clock.now(),
            )
            origin.event_id = event.id
            agenda.set_fields(event, new)
            self._new.append((origin, event))
        self.known[item.external_id] = (origin, event)
        return event

    def _same(self, item: Item, starts: datetime) -> Event | None:
        """The event that another source lists for the same hour, place and title. One source that
        lists two means two."""
        if self._others is None:
            self._others = self._of_others()
        titles = [text.headline for text in item.texts.values()]
        alike = self._others.get((starts.astimezone(UTC), item.all_day), [])
        for event in alike:
            ours = [str(text["headline"]) for text in event.texts.values()]
            if same_place(event.place, item.place or item.area_desc) and any(
                same_title(one, other) for one in ours for other in titles
            ):
                alike.remove(event)
                return event
        return None

    def _of_others(self) -> dict[tuple[datetime, bool], list[Event]]:
        """What is to come and this source does not list yet, by its start."""
        ours = select(EventOrigin.event_id).where(EventOrigin.source_id == self.source.id)
        found: dict[tuple[datetime, bool], list[Event]] = {}
        for event in self.session.exec(
            select(Event)
            .where(
                Event.authority_id == self.source.authority_id,
                Event.state != EventState.WITHDRAWN,
                col(Event.ends) >= self.now - _PAST,
                col(Event.id).not_in(ours),
            )
            .order_by(col(Event.id))
        ).all():
            found.setdefault((event.starts.astimezone(UTC), event.all_day), []).append(event)
        return found


def forget_source(session: Session, source_id: int) -> None:
    """The source is no longer read here: what it brought stays, as what a person wrote."""
    session.execute(
        update(EventOrigin)
        .where(col(EventOrigin.source_id) == source_id)
        .values(source_id=None)
        .execution_options(synchronize_session=False)
    )


def _origins(session: Session, source: Source) -> dict[str, tuple[EventOrigin, Event]]:
    rows = session.exec(
        select(EventOrigin, Event)
        .join(Event, col(Event.id) == EventOrigin.event_id)
        .where(EventOrigin.source_id == source.id)
    ).all()
    return {origin.external_id: (origin, event) for origin, event in rows}


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
    agenda.write(session, event, new)


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
        agenda.write(session, event, {"state": EventState.WITHDRAWN})
