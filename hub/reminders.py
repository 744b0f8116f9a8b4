"""Reminders: events told before they begin, at the hours that the rules of an authority set.

`step` asks at each sweep which hours have come. A row in the table of reminders says that a rule
was heard for a station at one of its hours, so that neither a restart nor a second sweep says it
again. `follow` brings what was said up to date when an event changes afterwards.
"""

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import ValidationError
from sqlalchemy import delete
from sqlmodel import Session, col, select

from hub import accounts, audit, clock, db, publishing, reminder_words, settings
from hub.models import Authority, Event, Publication, Reminder, Station
from hub.rules import loading, variables
from hub.rules.ruleset import ReminderRule, RuleSet
from hub.rules.times import next_at
from hub.schemas import Content
from hub.source_words import say
from hub.vocabulary import EndedAs, EventState, PublicationState, Severity, Urgency

log = structlog.get_logger()

# A hub that was away at the hour still says it, until it helps nobody any more.
LATE: Final = timedelta(hours=12)
_KEPT: Final = timedelta(days=60)

Heard = set[tuple[int, str, str]]


def step(now: datetime | None = None, heard: Heard | None = None) -> int:
    """Say what is due; how many reminders were published. `heard` spares a caller that lives on
    the database for what it asked before; it decides nothing."""
    now = now or clock.now()
    heard = set() if heard is None else heard
    with db.reading(db.EVERYWHERE) as session:
        towns = session.exec(select(Authority).where(Authority.code != accounts.SYNTHETIC)).all()
    said = 0
    for town in towns:
        try:
            said += _hear_town(town, now, heard)
        except loading.RulesError:
            continue  # said where plans are made
        except Exception:  # one that cannot does not hold the others
            log.exception("reminders failed", authority=town.code)
    return said


def due_now(rules: RuleSet, zone: str, now: datetime) -> Iterator[tuple[ReminderRule, datetime]]:
    """The reminder rules whose hour has come within the last hours, with that hour."""
    for rule in rules.reminders:
        for back in (1, 0):
            day = clock.local(now, zone).date() - timedelta(days=back)
            if day.isoweekday() in rule.on:
                due = _at(day, rule, zone)
                if due <= now < due + LATE:
                    yield rule, due


def coming(rules: RuleSet, zone: str, now: datetime) -> list[tuple[ReminderRule, datetime]]:
    """Each reminder rule with its next hour, the soonest first."""
    found = []
    for rule in rules.reminders:
        today = clock.local(now, zone).date()
        days = (today + timedelta(days=n) for n in range(9))
        hours = (_at(day, rule, zone) for day in days if day.isoweekday() in rule.on)
        found += [(rule, due) for due in hours if due > now][:1]
    return sorted(found, key=lambda row: row[1])


def foresee(
    session: Session, authority: Authority, station: Station, rule: ReminderRule, due: datetime
) -> tuple[list[Event], Content | None]:
    """The events that a rule would name at an hour to come, and what it would say."""
    events = _events(session, authority, station, rule, due, due)
    return events, _content(authority, rule.title, events) if events else None


def follow(session: Session, event: Event) -> None:
    """An event changed: what was said of it says so too, in the same transaction. One that is
    cancelled is said cancelled; where all that were named are withdrawn, so is the reminder."""
    now = clock.now()
    for told in session.exec(
        select(Reminder).where(
            Reminder.authority_id == event.authority_id,
            Reminder.publication_id != "",
            col(Reminder.until) > now - timedelta(days=1),
        )
    ).all():
        if event.id in told.events:
            _bring_up_to_date(session, told, now)


def _at(day: date, rule: ReminderRule, zone: str) -> datetime:
    return next_at(rule.at, clock.midnight(day, zone), zone)


def _hear_town(town: Authority, now: datetime, heard: Heard) -> int:
    rules = loading.for_authority(settings.get().config, town.code)
    said = 0
    for rule, due in due_now(rules, town.timezone, now):
        occasion = clock.local(due, town.timezone).date().isoformat()
        key = (town.id or 0, rule.name, occasion)
        if key in heard:
            continue
        with db.writing(town.id or 0) as session:
            said += _hear(session, town, rule, occasion, due, now)
        heard.add(key)
    return said


def _hear(
    session: Session,
    authority: Authority,
    rule: ReminderRule,
    occasion: str,
    due: datetime,
    now: datetime,
) -> int:
    done = set(
        session.exec(
            select(Reminder.station_id).where(
                Reminder.rule == rule.name, Reminder.occasion == occasion
            )
        ).all()
    )
    stations = session.exec(select(Station).order_by(col(Station.id))).all()
    said = 0
    for station in stations:
        if station.id in done:
            continue
        events = _events(session, authority, station, rule, due, now)
        told = Reminder(
            authority_id=authority.id or 0,
            station_id=station.id or 0,
            rule=rule.name,
            occasion=occasion,
            due=due,
            until=max((event.ends for event in events), default=due) + timedelta(hours=1),
            events=[event.id for event in events],
            title=dict(rule.title),
        )
        session.add(told)
        session.flush()
        if events and _say(session, authority, station, rule, told, events):
            said += 1
    session.execute(delete(Reminder).where(col(Reminder.until) < now - _KEPT))
    return said


def _events(
    session: Session,
    authority: Authority,
    station: Station,
    rule: ReminderRule,
    due: datetime,
    now: datetime,
) -> list[Event]:
    """The planned events of the days the rule covers, known at its hour and not yet begun."""
    zone = authority.timezone
    first = clock.local(due, zone).date() + timedelta(days=1)
    last = first + timedelta(days=rule.days)
    begin, end = clock.midnight(first, zone), clock.midnight(last, zone)
    found = session.exec(
        select(Event)
        .where(
            Event.station_id == station.id,
            Event.state == EventState.PLANNED,
            col(Event.starts) >= begin,
            col(Event.starts) < end,
            col(Event.created) <= due,
            col(Event.ends) > now,
        )
        .order_by(col(Event.starts), col(Event.id))
    ).all()
    return [
        event
        for event in found
        if (event.starts > now or event.all_day) and _wanted(rule, event, authority, station, due)
    ]


def _wanted(
    rule: ReminderRule, event: Event, authority: Authority, station: Station, due: datetime
) -> bool:
    if rule.when is None:
        return True
    words = reminder_words.words_of(event, authority.languages[0])
    answer = rule.when.ask(
        variables.bind_event(
            {
                "category": event.category,
                "headline": words["headline"],
                "description": words.get("description", ""),
                "place": event.place,
                "tags": event.tags,
                "station": station.code,
                "all_day": event.all_day,
                "repeats": bool(event.series),
                "by_hand": not event.created_by.startswith("source:"),
                "starts": event.starts,
                "ends": event.ends,
            },
            authority.facts(),
            due,
            authority.timezone,
        )
    )
    if answer.error:
        log.warning("reminder condition failed", rule=rule.name, error=answer.error)
    return answer.holds


def _content(
    authority: Authority, title: Any, events: Sequence[Event], latest: datetime | None = None
) -> Content:
    """`latest` bounds it: what is put off by three months is not shown for three months."""
    onset: datetime | None
    onset, expires = reminder_words.span(events)
    if latest and expires > latest:
        expires = latest
        onset = onset if onset and onset < latest else None
    named: dict[str, str] = dict(title)
    url = f"{settings.get().url}/agenda"
    texts = reminder_words.texts(events, authority.languages, authority.timezone, url)
    body: dict[str, Any] = {
        "category": events[0].category if len({e.category for e in events}) == 1 else "event",
        "event": (named.get(authority.languages[0]) or next(iter(named.values())))[:100],
        "severity": Severity.MINOR,
        "urgency": Urgency.FUTURE,
        "onset": onset,
        "expires": expires,
        "texts": texts,
        "area_desc": events[0].place if len(events) == 1 else "",
    }
    if len(events) == 1 and events[0].longitude is not None:
        point = [events[0].longitude, events[0].latitude]
        body["area"] = {"type": "Point", "coordinates": point}
    return Content.model_validate(body)


def _say(
    session: Session,
    authority: Authority,
    station: Station,
    rule: ReminderRule,
    told: Reminder,
    events: Sequence[Event],
) -> bool:
    """Publish it by the rules, as anything else. Held for an approval, it waits like a draft."""
    actor = f"agenda:{rule.name}"
    try:
        with session.begin_nested():
            content = _content(authority, rule.title, events)
            publication = publishing.create(session, actor, station, content)
            told.publication_id, told.said = publication.id, _mark(content)
            audit.note(
                session,
                authority.id or 0,
                actor,
                "remind",
                f"publication:{publication.id}",
                rule=rule.name,
                events=told.events,
            )
    except ValidationError:
        log.exception("reminder cannot be said", rule=rule.name, station=station.code)
        return False
    try:
        publishing.publish(session, publication, actor)
    except (publishing.Held, publishing.Refused) as why:
        log.info("reminder waits", rule=rule.name, why=str(why))
        return False
    return True


def _bring_up_to_date(session: Session, told: Reminder, now: datetime) -> None:
    publication = session.get(Publication, told.publication_id)
    if publication is None or publication.state == PublicationState.ENDED:
        return
    authority = session.get_one(Authority, told.authority_id)
    found = session.exec(select(Event).where(col(Event.id).in_(told.events))).all()
    events = [event for event in found if event.state != EventState.WITHDRAWN]
    events.sort(key=lambda event: (event.starts, event.id))
    actor = publication.created_by
    live = publication.state == PublicationState.LIVE
    if not events or reminder_words.span(events)[1] <= now:
        if live:
            ended = EndedAs.RETRACTED if not events else EndedAs.OVER
            publishing.cancel(session, publication, ended, actor)
        else:
            publishing.discard(session, publication, actor)
        return
    content = _content(authority, told.title, events, max(told.until, now) + timedelta(days=1))
    mark = _mark(content)
    if mark == told.said:
        return
    stands = publication.draft or (
        publishing.revision_of(session, publication).content if live else None
    )
    rewritten = stands is not None and _mark(Content.model_validate(stands)) != told.said
    told.said = mark
    session.add(told)
    publishing.edit(session, publication, content, actor)
    if rewritten:  # a person changed the reminder: what the agenda now says waits for one
        publication.draft_note = say("edited-here", authority.languages[0][:2])
        return
    if live:
        try:
            publishing.publish(session, publication, actor)
        except (publishing.Held, publishing.Refused) as why:
            log.info("reminder's update waits", why=str(why))


def _mark(content: Content) -> str:
    body = content.model_dump(mode="json", include={"texts", "onset", "expires", "area_desc"})
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
