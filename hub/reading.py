"""A good reading of a source, carried out in the caller's one transaction.

Each item has its own savepoint, so that one that cannot be taken does not spoil its neighbours.
Nothing is closed by a reading that failed: those never come here. An item that another source has
too joins its publication; the authority's row is locked meanwhile, so that two readings at once do
not make two of one.
"""

import hashlib
import json
from datetime import datetime
from functools import partial

import structlog
from sqlmodel import Session, and_, col, or_, select

from hub import agenda_taking, items, publishing
from hub.contracts import Item, Parsed
from hub.endings import THERE, Endings, Tally
from hub.intake import OPEN, Fate, Known, Verdict, calm, decide, judge, seal, too_late
from hub.item_content import content_of, ends
from hub.models import EventOrigin, ItemRow, Publication, Source
from hub.schemas import Content
from hub.source_words import say
from hub.vocabulary import EndedAs, ItemState, MsgType, PublicationState
from hub.whereabouts import locate

log = structlog.get_logger()


def take_in(session: Session, source: Source, parsed: Parsed, now: datetime) -> Tally:
    """Carry out what was read."""
    reading = _Reading(session, source, now)
    tally = reading.carry_out(parsed)
    left = {i for i, row in reading.rows.items() if row.state == ItemState.IGNORED}
    agenda_taking.take_in(session, source, parsed, now, left)
    return tally


def confirm(session: Session, source: Source, now: datetime) -> Tally:
    """A good reading without anything new: what was missing before is missing still."""
    if nothing_waits(session, source, now):
        return Tally()
    agenda_taking.confirm(session, source, now)
    return _Reading(session, source, now).confirm()


def nothing_waits(session: Session, source: Source, now: datetime) -> bool:
    """Whether a good reading without anything new changes nothing: nearly always, and an agenda of
    10,000 entries is not loaded to find that out."""
    missing = select(EventOrigin.id).where(
        EventOrigin.source_id == source.id, col(EventOrigin.missing_since).is_not(None)
    )
    waiting = select(ItemRow.id).where(
        ItemRow.source_id == source.id,
        col(ItemRow.state).in_([s.value for s in THERE]),
        or_(
            col(ItemRow.missing_since).is_not(None),
            and_(ItemRow.state == ItemState.DRAFTED, col(ItemRow.ends) <= now),
        ),
    )
    return not session.execute(select(or_(missing.exists(), waiting.exists()))).scalar()


def known_of(row: ItemRow | None) -> Known | None:
    """What `judge` needs of a row."""
    if row is None:
        return None
    gone = row.state == ItemState.CLOSED and row.missing_since is not None
    return Known(row.version, row.hash, ItemState(row.state), gone, row.held)


class _Reading(Endings):
    def carry_out(self, parsed: Parsed) -> Tally:
        self.tally.items = len(parsed.items)
        first = not any(row.state != ItemState.IGNORED for row in self.rows.values())
        before = set(self.rows)
        self.kin.expect(i for item in parsed.items
                        for i in (item.external_id, *item.cancels, *item.supersedes))  # fmt: skip
        self.end_what_is_cancelled(parsed)
        judged = [(item, *self._ask(item)) for item in parsed.items]
        # What comes anew in a storm goes out; what would leave all at once because the source or a
        # rule is new waits for a person.
        held, notes = calm(
            [
                (item, ruling)
                for item, verdict, ruling in judged
                if verdict.fate is Fate.TAKE and ruling and (first or item.external_id in before)
            ],
            self.language,
        )
        self.tally.notes += notes
        for item, verdict, ruling in judged:
            self._carry_out(item, verdict, ruling, held.get(item.external_id))
        self.look_for_missing(parsed)
        self.clear_past_drafts()
        if self.tally.joined:
            self.tally.notes.append(say("joined", self.language, count=self.tally.joined))
        return self.tally

    def confirm(self) -> Tally:
        for row in list(self.rows.values()):
            if row.state in THERE and row.missing_since:
                self.guarded(row, partial(self.lose, row))
        self.clear_past_drafts()
        return self.tally

    def _ask(self, item: Item) -> tuple[Verdict, Verdict | None]:
        """(what judge says, what the rules say where they are asked)."""
        known = known_of(self.rows.get(item.external_id))
        print_ = items.fingerprint(item)
        verdict = judge(item, print_, known, self.now, self.language)
        if verdict.fate not in (Fate.TAKE, Fate.UPDATE):
            return verdict, None
        where = locate(item, self.authority)
        verdict = judge(item, print_, known, self.now, self.language, where)
        if verdict.fate not in (Fate.TAKE, Fate.UPDATE):
            return verdict, None
        return verdict, decide(item, self.source, self.authority, self.rules, self.now)

    def _carry_out(
        self, item: Item, verdict: Verdict, ruling: Verdict | None, held: Verdict | None
    ) -> None:
        row = self.rows.get(item.external_id)
        if verdict.fate is Fate.SKIP and row:
            row.last_seen = self.now
            if row.state in THERE:
                row.missing_since = None
            row.version = max(row.version, item.version)
            return
        if row is None:
            row = self.new_row(item.external_id, item.version)
            self.tally.new += 1
        row.held = held is not None and held.fate is Fate.AGENDA
        self.guarded(row, partial(self._apply, row, item, verdict, held or ruling))

    def _apply(self, row: ItemRow, item: Item, verdict: Verdict, ruling: Verdict | None) -> None:
        if verdict.fate is Fate.TAKE and self._is_late(item):
            self._remember(row, item)
            row.state, row.reason = ItemState.CLOSED, say("ended-before-read", self.language)
            row.version = seal(item.version)
            return
        heritage = self._heritage(row, item, verdict)
        before = items.from_json(heritage.body) if heritage and heritage.body else None
        self._remember(row, item)
        if verdict.fate is Fate.END:
            leader = self.kin.leader(row)
            told = item.msg_type is MsgType.CANCEL or leader is None or leader is row
            self.end(row, verdict.reason, told=told)
        elif heritage and before and ruling:
            self._update(row, heritage, before, item, ruling)
        elif ruling is None or ruling.fate is Fate.IGNORE:
            self._leave(row, ItemState.IGNORED, ruling or verdict)
        elif ruling.fate is Fate.AGENDA:
            self._leave(row, ItemState.LISTED, ruling)
        elif not self._join(row, item, ruling):
            self._create(row, item, ruling)
        for replaced in item.supersedes:
            if replaced != item.external_id:
                self.replace(replaced, row, item)

    def _leave(self, row: ItemRow, state: ItemState, why: Verdict) -> None:
        row.state, row.reason, row.rule = state, why.reason, why.rule
        if state is ItemState.LISTED:
            self.tally.listed += 1
        else:
            self.tally.ignored += 1

    def _is_late(self, item: Item) -> bool:
        """Whether it, or all it could change, was ended before it came."""
        if any(r.version.startswith(seal("")) for r in self.kin.under(item.external_id)):
            return True
        about = [r.version for i in item.supersedes for r in self.known(i)]
        return too_late(item, *about)

    def _heritage(self, row: ItemRow, item: Item, verdict: Verdict) -> ItemRow | None:
        """The row whose publication this item goes on with: its own, or the one it replaces, or
        where that one was replaced already, the one that came of it."""
        if verdict.fate is Fate.UPDATE:
            return row
        if verdict.fate is not Fate.TAKE:
            return None
        # The same message from another source has gone on with it: this row joins that one.
        if any(r.state in OPEN for r in self.kin.under(item.external_id)):
            return None
        for replaced in item.supersedes:
            for known in self.known(replaced):
                head = self.head(known)
                if head is not None and head is not row and head.version <= item.version:
                    return head
        return None

    def _join(self, row: ItemRow, item: Item, ruling: Verdict) -> bool:
        """Whether another source has said it: the row then shares that publication, or is left
        aside where the other source has cancelled it."""
        same = next((r for r in self.kin.under(item.external_id) if r.state in OPEN), None)
        other = same or self.kin.like(item)
        if other is None:
            return False
        name = self.kin.name_of(other)
        if other.state not in OPEN:
            why = say("cancelled-there", self.language, source=name)
            self._leave(row, ItemState.IGNORED, Verdict(Fate.IGNORE, why))
            return True
        row.publication_id, row.state, row.said = other.publication_id, other.state, other.said
        row.reason, row.rule = say("same-as", self.language, source=name), ruling.rule
        self.tally.joined += 1
        publication = self.session.get_one(Publication, row.publication_id)
        waits = publication.state == PublicationState.NEW and publication.draft_by != self.actor
        if ruling.fate is Fate.PUBLISH and waits and self._is_ours(publication):
            publication.item_id = row.id
            self._publish(row, publication)
            for mate in self.kin.of_publication(row):
                mate.state = row.state
        return True

    def _is_ours(self, publication: Publication) -> bool:
        """Whether no person has taken the draft in hand."""
        return publication.draft_by.startswith("source:") and publication.draft_state == "writing"

    def _create(self, row: ItemRow, item: Item, ruling: Verdict) -> None:
        content = self._content(item)
        publication = publishing.create(self.session, self.actor, self.station, content, row.id)
        row.publication_id, row.said = publication.id, _print(content)
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
        leader = self.kin.leader(heritage)
        if leader is not None and leader is not heritage and not self._leads(item, leader):
            if not self.kin.alike(item, leader, when=False):
                row.publication_id, row.said = "", ""
                self._create(row, item, ruling)  # it is something else now
            return
        if heritage is not row:
            row.publication_id, row.state, row.rule = publication.id, heritage.state, ruling.rule
            heritage.state, heritage.version = ItemState.CLOSED, seal(item.version)
            heritage.reason = say("replaced", self.language, by=item.external_id)
            self.session.add(heritage)
        row.said, publication.item_id = heritage.said or (leader.said if leader else ""), row.id
        if publication.state == PublicationState.ENDED:
            if publication.ended_as == EndedAs.EXPIRED:
                self._create(row, item, ruling)  # the source gives it more time
            else:
                row.state, row.version = ItemState.CLOSED, seal(item.version)
                row.reason = say("ended-here", self.language)
            return
        content, stands = self._content(item), self._content_now(publication)
        if content == stands:
            return
        self.tally.updated += 1
        live = publication.state == PublicationState.LIVE
        said = row.said or _print(self._content(before))
        rewritten = _print(stands) != said
        if rewritten and (not live or publication.draft):
            row.reason = say("edited-here", self.language)
            return
        publishing.edit(self.session, publication, content, self.actor)
        if rewritten:
            publication.draft_note = row.reason = say("edited-here", self.language)
            return
        row.said = _print(content)
        if ruling.fate is Fate.PUBLISH:
            self._publish(row, publication)
        elif live:
            row.reason = say("update-waits", self.language)

    def _leads(self, item: Item, leader: ItemRow) -> bool:
        """Whether a change of a row that only shares the publication changes it: a newer version of
        the same message, or a new hour of what is otherwise the same."""
        if leader.external_id == item.external_id and self.kin.under(item.external_id):
            return item.version > leader.version
        return self.kin.alike(item, leader, when=False) and not self.kin.alike(
            item, leader, when=True
        )

    def _content(self, item: Item) -> Content:
        return content_of(item, self.source, self.authority, locate(item, self.authority))

    def _content_now(self, publication: Publication) -> Content:
        """What stands here: the open draft, else what is live."""
        stored = publication.draft
        if not stored and publication.revision_no:
            stored = publishing.revision_of(self.session, publication).content
        return Content.model_validate(stored)

    def _remember(self, row: ItemRow, item: Item) -> None:
        row.version, row.hash = item.version, items.fingerprint(item)
        row.headline = items.headline_of(item, self.language)
        row.starts, row.ends = item.onset or item.effective, ends(item)
        row.body = items.to_json(item)
        row.last_seen, row.missing_since = self.now, None


def _print(content: Content) -> str:
    """Fingerprint of the words, to see whether a person has changed them since."""
    texts = {language: text.model_dump() for language, text in content.texts.items()}
    return hashlib.sha256(json.dumps(texts, sort_keys=True).encode()).hexdigest()[:20]
