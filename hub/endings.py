"""How what came of a source's items ends: cancelled, replaced, gone from the source, over.

One message may end another that came before it, comes after it, or came from another source.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Final

import structlog
from pydantic import ValidationError
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session, select

from hub import items, publishing, settings
from hub.contracts import Item, Parsed
from hub.intake import OPEN, seal
from hub.kinship import Kin
from hub.models import Authority, ItemRow, Publication, Source, Station
from hub.rules import loading
from hub.source_words import say
from hub.vocabulary import EndedAs, ItemState, PublicationState

log = structlog.get_logger()

# States that a source's silence or cancel may still end.
THERE: Final = OPEN | {ItemState.LISTED}


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
    joined: int = 0
    notes: list[str] = field(default_factory=list)


class Endings:
    """The rows of one source during a reading, and those of other sources they belong with."""

    def __init__(self, session: Session, source: Source, now: datetime) -> None:
        self.session, self.source, self.now = session, source, now
        # FOR NO KEY UPDATE on PostgreSQL; SQLite has one writer anyway.
        self.authority = session.get_one(
            Authority, source.authority_id, with_for_update={"key_share": True}
        )
        self.station = session.get_one(Station, source.station_id)
        self.language = self.authority.languages[0][:2]
        self.actor = f"source:{source.id}"
        self.rules = loading.for_authority(settings.get().config, self.authority.code)
        self.tally = Tally()
        self.kin = Kin(session, source)
        self.rows = {
            row.external_id: row
            for row in session.exec(select(ItemRow).where(ItemRow.source_id == source.id)).all()
        }

    def new_row(self, external_id: str, version: str) -> ItemRow:
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

    def guarded(self, row: ItemRow, work: Callable[[], None]) -> None:
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

    def known(self, external_id: str) -> list[ItemRow]:
        """The rows under an identifier, this source's first."""
        own = self.rows.get(external_id)
        return ([own] if own else []) + self.kin.under(external_id)

    def head(self, row: ItemRow) -> ItemRow | None:
        """The open row at the end of the chain that a row is part of."""
        if row.state in OPEN:
            return row
        leader = self.kin.leader(row) if row.publication_id else None
        return leader if leader is not None and leader.state in OPEN else None

    def end(self, row: ItemRow, reason: str, *, told: bool) -> None:
        """Close the row. `told`: its source says that it is over, which ends what came of it, for
        the other sources that have it too; else it is only not there any more, and another source
        that still has it goes on with it."""
        mates = self.kin.of_publication(row) if row.state in OPEN else []
        if row.state in THERE:
            self.tally.closed += 1
        was_open = row.state in OPEN
        row.state, row.reason = ItemState.CLOSED, reason
        if not was_open:
            return
        publication = self.session.get(Publication, row.publication_id)
        if publication is None:
            return
        name = self.source.name
        if mates and not told:
            if publication.item_id == row.id:
                heir = mates[0]
                publication.item_id, heir.said = heir.id, row.said
                heir.reason = say("taken-over", self.language, source=name)
                self.session.add(heir)
            return
        for mate in mates:
            mate.state = ItemState.CLOSED
            mate.reason = say("cancelled-there", self.language, source=name)
            self.session.add(mate)
        if publication.state == PublicationState.LIVE:
            publishing.cancel(self.session, publication, EndedAs.OVER, self.actor, reason)
        elif publication.state == PublicationState.NEW:
            publishing.discard(self.session, publication, self.actor)

    def lose(self, row: ItemRow) -> None:
        self.end(row, say("gone", self.language), told=False)

    def end_what_is_cancelled(self, parsed: Parsed) -> None:
        """Before anything is taken: in one file a cancel may stand before what it cancels. Sealed,
        also where it is not known yet: an alert that comes after its own cancel is not news."""
        why = say("cancelled", self.language)
        for item in parsed.items:
            for ended in item.cancels:
                if ended == item.external_id:
                    continue
                known = self.known(ended)
                for row in known:
                    target = row if row.state in THERE else self.head(row)
                    if target is not None and (target is row or target.version <= item.version):
                        self.guarded(target, partial(self.end, target, why, told=True))
                        target.version = seal(max(item.version, target.version))
                    row.version = max(row.version, seal(item.version))
                    self.session.add(row)
                if not known:
                    self._seal_unknown(ended, item)
            for replaced in item.supersedes:
                if replaced != item.external_id and not self.known(replaced):
                    self._seal_unknown(replaced, item)

    def _seal_unknown(self, external_id: str, by: Item) -> ItemRow:
        row = self.new_row(external_id, seal(by.version))
        row.state, row.reason = ItemState.CLOSED, say("ended-before-read", self.language)
        return row

    def replace(self, external_id: str, row: ItemRow, item: Item) -> None:
        """End what an update replaces, apart from what it goes on with; both lead to its
        publication, so that a cancel that names only the first message finds the last."""
        why = say("replaced", self.language, by=item.external_id)
        for known in self.known(external_id):
            if known.state in THERE and known.publication_id != row.publication_id:
                self.guarded(known, partial(self.end, known, why, told=True))
                if ended := self.session.get(Publication, known.publication_id):
                    ended.item_id = row.id
            elif known.state in THERE:
                known.state, known.reason = ItemState.CLOSED, why
            if row.state in OPEN:
                known.publication_id = known.publication_id or row.publication_id
            known.version = max(known.version, seal(item.version))
            self.session.add(known)

    def look_for_missing(self, parsed: Parsed) -> None:
        """Absence closes at the second good reading without it; an entry that could not be read is
        not absent, nor is one whose time is over."""
        if not parsed.complete:
            return
        seen = {item.external_id for item in parsed.items}
        broken = {error.where for error in parsed.errors}
        for external_id, row in list(self.rows.items()):
            if row.state not in THERE or external_id in seen:
                continue
            if external_id in broken or external_id.partition("#")[0] in broken:
                continue
            if row.ends and row.ends <= self.now:
                continue
            if row.missing_since is None:
                row.missing_since = self.now
                continue
            self.guarded(row, partial(self.lose, row))

    def clear_past_drafts(self) -> None:
        """A draft nobody published in time only stands in the way."""
        for row in self.rows.values():
            if row.state == ItemState.DRAFTED and row.ends and row.ends <= self.now:
                publication = self.session.get(Publication, row.publication_id)
                if publication and publication.state == PublicationState.NEW:
                    self.end(row, say("past", self.language), told=False)
