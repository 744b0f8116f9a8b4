"""The agenda searched: by words, days, station, tag, category; accents and capitals aside."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from hub import clock, synthetic
from hub.likeness import fold
from hub.models import Authority, Event, EventOrigin, Station
from hub.vocabulary import EventState

MOST: Final = 200
SHOWN: Final = (EventState.PLANNED, EventState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Asked:
    """What is looked for; empty fields do not narrow. `first` and `last` are days, both included,
    in `zone`. `before` and `after` go on from a page: its last (starts, id)."""

    words: str = ""
    first: date | None = None
    last: date | None = None
    zone: str = "Europe/Paris"
    stations: tuple[str, ...] = ()
    authority: str = ""
    tag: str = ""
    category: str = ""
    states: tuple[str, ...] = SHOWN
    limit: int = 50
    after: tuple[datetime, str] | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """An event, the station that lists it and its authority."""

    event: Event
    station: Station
    authority: Authority


def search(session: Session, asked: Asked) -> tuple[list[Found], bool]:
    """What is asked for, the soonest first, and whether there is more. What lasts is found on each
    of its days."""
    limit = max(1, min(asked.limit, MOST))
    query: Any = (
        select(Event, Station, Authority)
        .join(Station, col(Station.id) == Event.station_id)
        .join(Authority, col(Authority.id) == Event.authority_id)
        .where(Authority.code != synthetic.CODE, col(Event.state).in_(asked.states))
    )
    for word in fold(asked.words).split()[:10]:
        query = query.where(col(Event.words).contains(word, autoescape=True))
    if asked.tag and (tag := fold(asked.tag)):
        query = query.where(col(Event.tag_words).contains(f"|{tag}|", autoescape=True))
    if asked.category:
        query = query.where(Event.category == asked.category)
    if asked.stations:
        query = query.where(col(Station.code).in_(asked.stations))
    if asked.authority:
        query = query.where(Authority.code == asked.authority)
    if asked.first:
        begin = clock.midnight(asked.first, asked.zone)
        # What takes no time counts at its moment; what ended at midnight is over.
        query = query.where((col(Event.ends) > begin) | (col(Event.starts) >= begin))
    if asked.last and asked.last < date.max:
        end = clock.midnight(asked.last + timedelta(days=1), asked.zone)
        query = query.where(col(Event.starts) < end)
    if asked.after:
        starts, id_ = asked.after
        query = query.where(
            (col(Event.starts) > starts) | ((col(Event.starts) == starts) & (col(Event.id) > id_))
        )
    query = query.order_by(col(Event.starts), col(Event.id)).limit(limit + 1)
    rows = [Found(*row) for row in session.exec(query).all()]
    return rows[:limit], len(rows) > limit


def find(session: Session, event_id: str) -> Found | None:
    """One event by its id, in whatever state."""
    row = session.exec(
        select(Event, Station, Authority)
        .join(Station, col(Station.id) == Event.station_id)
        .join(Authority, col(Authority.id) == Event.authority_id)
        .where(Event.id == event_id)
    ).first()
    return Found(*row) if row else None


def origins(session: Session, event: Event) -> Sequence[EventOrigin]:
    """The sources that list it, the first first."""
    return session.exec(
        select(EventOrigin).where(EventOrigin.event_id == event.id).order_by(col(EventOrigin.id))
    ).all()


def tags(session: Session, now: datetime, authority: str = "", most: int = 30) -> list[str]:
    """The tags of what is to come, the most used first."""
    query = (
        select(Event.tags)
        .join(Authority, col(Authority.id) == Event.authority_id)
        .where(col(Event.ends) > now, Event.state == EventState.PLANNED, Event.tag_words != "||")
        .order_by(col(Event.starts))
        .limit(2000)
    )
    if authority:
        query = query.where(Authority.code == authority)
    count: dict[str, int] = {}
    written: dict[str, str] = {}
    for row in session.exec(query).all():
        for tag in row:
            key = fold(tag)
            written.setdefault(key, tag)
            count[key] = count.get(key, 0) + 1
    ranked = sorted(count, key=lambda key: (-count[key], key))
    return [written[key] for key in ranked[:most]]
