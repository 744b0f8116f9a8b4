"""A good reading of a source, carried out in the caller's one transaction.

Each item has its own savepoint, so that one that cannot be taken does not spoil its neighbours.
Nothing is closed by a reading that failed: those never come here.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from hub import agenda, items, publishing, settings
from hub.contracts import Item, Parsed
from hub.intake import MOST_AT_FIRST, OPEN, Fate, Known, Verdict, decide, judge
from hub.item_content import content_of, ends
from hub.models import Authority, ItemRow, Publication, Source, Station
from hub.rules import loading
from hub.schemas import Content
from hub.source_words import say
from hub.vocabulary import EndedAs, ItemState, PublicationState

log = structlog.get_logger()

# Above every version a source can write: what is sealed never comes back.
_SEALED: Final = "~"


@dataclass(slots=True)
class Tally:
    """What a reading did, counted in items; `notes` are sentences for people."""

    items: int = 0
    new: int = 0
    drafted: int = 0
    published: int = 0
    updated: int = 0
    closed: int = 0
    ignored: int = 0
    listed: int = 0
    notes: list[str] = field(default_factory=list)


def take_in(session: Session, source: Source, parsed: Parsed, now: datetime) -> Tally:
    """Carry out what was read."""
    reading = _Reading(session, source, now)
    tally = reading.carry_out(parsed)
    left = {i for i, row in reading.rows.items() if row.state == ItemState.IGNORED}
    agenda.take_in(session, source, parsed, now, left)
    return tally


def confirm(session: Session, source: Source, now: datetime) -> Tally:
    """A good reading without anything new: what was missing before is missing still."""
    agenda.confirm(session, source, now)
    return _Reading(session, source, now).confirm()


def known_of(row: ItemRow | None) -> Known | None:
    """What `judge` needs of a row."""
    if row is None:
        return None
    gone = row.state == ItemState.CLOSED and row.missing_since is not None
    return Known(row.version, row.hash, ItemState(row.state), gone)


class _Reading:
    def __init__(self, session: Session, source: Source, now: datetime) -> None:
        self.session, self.source, self.now = session, source, now
        self.authority = session.get_one(Authority, source.authority_id)
        self.station = session.get_one(Station, source.station_id)
        self.language = self.authority.languages[0][:2]
        self.actor = f"source:{source.id}"
        self.rules = loading.for_authority(settings.get().config, self.authority.code)
        self.tally = Tally()
        self.rows = {
            row.external_id: row
            for row in session.exec(select(ItemRow).where(ItemRow.source_id == source.id)).all()
        }

    def carry_out(self, parsed: Parsed) -> Tally:
        self.tally.items = len(parsed.items)
        first = not any(row.state != ItemState.IGNORED for row in self.rows.values())
        before = set(self.rows)
        for item in parsed.items:
            for ended in item.cancels:
                if ended != item.external_id:
                    self._end_other(ended, say("cancelled", self.language))
        judged = [(item, *self._ask(item)) for item in parsed.items]
        # What comes anew in a storm goes out; what would leave all at once because the source or a
        # rule is new waits for a person.
        flood = {
            item.external_id
            for item, verdict, ruling in judged
            if verdict.fate is Fate.TAKE
            and ruling is not None
            and ruling.fate is Fate.PUBLISH
            and (first or item.external_id in before)
        }
        if len(flood) <= MOST_AT_FIRST:
            flood = set()
        else:
            self.tally.notes.append(say("all-at-once", self.language, count=len(flood)))
        for item, verdict, ruling in judged:
            if ruling and item.external_id in flood:
                ruling = replace(ruling, fate=Fate.DRAFT, reason=self.tally.notes[0])
            self._carry_out(item, verdict, ruling)
        self._look_for_missing(parsed)
        self._clear_past_drafts()
        return self.tally

    def confirm(self) -> Tally:
        gone = say("gone", self.language)
        for row in self.rows.values():
            if row.state in OPEN and row.missing_since:
                self._guarded(row, partial(self._end, row, gone))
        self._clear_past_drafts()
        return self.tally

    def _ask(self, item: Item) -> tuple[Verdict, Verdict | None]:
        """(what judge says, what the rules say where they are asked)."""
        known = known_of(self.rows.get(item.external_id))
        verdict = judge(item, items.fingerprint(item), known, self.now, self.language)
        if verdict.fate not in (Fate.TAKE, Fate.UPDATE):
            return verdict, None
        return verdict, decide(item, self.source, self.authority, self.rules, self.now)

    def _carry_out(self, item: Item, verdict: Verdict, ruling: Verdict | None) -> None:
        row = self.rows.get(item.external_id)
        if verdict.fate is Fate.SKIP and row:
            row.last_seen = self.now
            if row.state in OPEN:
                row.missing_since = None
            row.version = max(row.version, item.version)
            return
        if row is None:
            row = self._new_row(item.external_id, item.version)
            self.tally.new += 1
        self._guarded(row, partial(self._apply, row, item, verdict, ruling))

    def _guarded(self, row: ItemRow, work: Callable[[], None]) -> None:
        try:
            with self.session.begin_nested():
                work()
            return
        except DBAPIError:
            raise
        except (publishing.Refused, ValidationError) as error:
            why = str(error) if isinstance(error, publishing.Refused) else items.first_error(error)
        except Exception:
            log.exception("item not taken", source=self.source.id, item=row.external_id)
            why = say("unexpected", self.language)
        if row.state not in OPEN:
            row.state = ItemState.IGNORED
            self.tally.ignored += 1
        row.reason = say("refused", self.language, why=why)
        row.last_seen = self.now

    def _apply(self, row: ItemRow, item: Item, verdict: Verdict, ruling: Verdict | None) -> None:
        heritage = self._heritage(row, item, verdict)
        before = items.from_json(heritage.body) if heritage and heritage.body else None
        self._remember(row, item)
        for replaced in item.supersedes:
            if self.rows.get(replaced) is not heritage:
                self._end_other(replaced, say("replaced", self.language, by=item.external_id))
        if verdict.fate is Fate.END:
            self._end(row, verdict.reason)
        elif heritage and before and ruling:
            self._update(row, heritage, before, item, ruling)
        elif ruling is None or ruling.fate is Fate.IGNORE:
            chosen = ruling or verdict
            row.state, row.reason, row.rule = ItemState.IGNORED, chosen.reason, chosen.rule
            self.tally.ignored += 1
        elif ruling.fate is Fate.AGENDA:
            row.state, row.reason, row.rule = ItemState.LISTED, ruling.reason, ruling.rule
            self.tally.listed += 1
        else:
            self._create(row, item, ruling)

    def _heritage(self, row: ItemRow, item: Item, verdict: Verdict) -> ItemRow | None:
        """The row whose publication this item goes on with: its own, or the one it replaces."""
        if verdict.fate is Fate.UPDATE:
            return row
        if verdict.fate is Fate.TAKE:
            for replaced in item.supersedes:
                known = self.rows.get(replaced)
                if known is not None and known.state in OPEN and known is not row:
                    return known
        return None

    def _create(self, row: ItemRow, item: Item, ruling: Verdict) -> None:
        content = content_of(item, self.source)
        publication = publishing.create(self.session, self.actor, self.station, content, row.id)
        row.publication_id = publication.id
        row.state, row.reason, row.rule = ItemState.DRAFTED, ruling.reason, ruling.rule
        if ruling.fate is Fate.PUBLISH:
            self._publish(row, publication)
        if row.state == ItemState.PUBLISHED:
            self.tally.published += 1
        else:
            self.tally.drafted += 1

    def _publish(self, row: ItemRow, publication: Publication) -> None:
        try:
            publishing.publish(self.session, publication, self.actor)
            row.state = ItemState.PUBLISHED
        except publishing.Held as held:
            row.reason = say("held", self.language, why=str(held))

    def _update(
        self, row: ItemRow, heritage: ItemRow, before: Item, item: Item, ruling: Verdict
    ) -> None:
        publication = self.session.get_one(Publication, heritage.publication_id)
        if heritage is not row:
            row.publication_id, publication.item_id = publication.id, row.id
            row.state, row.rule = heritage.state, ruling.rule
            heritage.state, heritage.version = ItemState.CLOSED, _SEALED
            heritage.reason = say("replaced", self.language, by=item.external_id)
            self.session.add(heritage)
        if publication.state == PublicationState.ENDED:
            if publication.ended_as == EndedAs.EXPIRED:
                self._create(row, item, ruling)  # the source gives it more time
            else:
                row.state, row.version = ItemState.CLOSED, _SEALED
                row.reason = say("ended-here", self.language)
            return
        self.tally.updated += 1
        content = content_of(item, self.source)
        live = publication.state == PublicationState.LIVE
        rewritten = self._words(publication) != content_of(before, self.source).texts
        if rewritten and (not live or publication.draft):
            row.reason = say("edited-here", self.language)
            return
        publishing.edit(self.session, publication, content, self.actor)
        if rewritten:
            publication.draft_note = row.reason = say("edited-here", self.language)
        elif ruling.fate is Fate.PUBLISH:
            self._publish(row, publication)
        elif live:
            row.reason = say("update-waits", self.language)

    def _words(self, publication: Publication) -> object:
        """The texts as they stand here: of the open draft, else of what is live."""
        stored = publication.draft
        if not stored:
            stored = publishing.revision_of(self.session, publication).content
        return Content.model_validate(stored).texts

    def _end(self, row: ItemRow, reason: str) -> None:
        """Close the row; a live publication ends as over, a draft is withdrawn."""
        if row.state in OPEN:
            self.tally.closed += 1
            publication = self.session.get(Publication, row.publication_id)
            if publication and publication.state == PublicationState.LIVE:
                publishing.cancel(self.session, publication, EndedAs.OVER, self.actor, reason)
            elif publication and publication.state == PublicationState.NEW:
                publishing.discard(self.session, publication, self.actor)
        row.state, row.reason = ItemState.CLOSED, reason

    def _end_other(self, external_id: str, reason: str) -> None:
        """End what another item cancels or replaces. Sealed, also where it is not known yet: an
        alert that comes after its own cancel is not news."""
        row = self.rows.get(external_id)
        if row is None:
            row = self._new_row(external_id, _SEALED)
            row.state, row.reason = ItemState.CLOSED, say("ended-before-read", self.language)
            return
        self._guarded(row, partial(self._end, row, reason))
        row.version = _SEALED

    def _look_for_missing(self, parsed: Parsed) -> None:
        """Absence closes at the second good reading without it; an entry that could not be read is
        not absent, nor is one whose time is over."""
        if not parsed.complete:
            return
        seen = {item.external_id for item in parsed.items}
        broken = {error.where for error in parsed.errors}
        for external_id, row in self.rows.items():
            if row.state not in OPEN or external_id in seen:
                continue
            if external_id in broken or external_id.partition("#")[0] in broken:
                continue
            if row.ends and row.ends <= self.now:
                continue
            if row.missing_since is None:
                row.missing_since = self.now
                continue
            self._guarded(row, partial(self._end, row, say("gone", self.language)))

    def _clear_past_drafts(self) -> None:
        """A draft nobody published in time only stands in the way."""
        for row in self.rows.values():
            if row.state == ItemState.DRAFTED and row.ends and row.ends <= self.now:
                publication = self.session.get(Publication, row.publication_id)
                if publication and publication.state == PublicationState.NEW:
                    self._end(row, say("past", self.language))

    def _new_row(self, external_id: str, version: str) -> ItemRow:
        row = ItemRow(
            authority_id=self.source.authority_id,
            source_id=self.source.id or 0,
            external_id=external_id,
            version=version,
            hash="",
            state=ItemState.IGNORED,
            first_seen=self.now,
            last_seen=self.now,
        )
        self.session.add(row)
        self.session.flush()
        self.rows[external_id] = row
        return row

    def _remember(self, row: ItemRow, item: Item) -> None:
        row.version, row.hash = item.version, items.fingerprint(item)
        row.headline = items.headline_of(item, self.language)
        row.starts, row.ends = item.onset or item.effective, ends(item)
        row.body = items.to_json(item)
        row.last_seen, row.missing_since = self.now, None
