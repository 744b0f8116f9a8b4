"""A source of a small town, by hand: what readings make of it, without fetching or parsing."""

from datetime import datetime

from sqlmodel import select

from hub import accounts, clock, db, publishing
from hub.contracts import Parsed
from hub.endings import Tally
from hub.models import Authority, ItemRow, Publication, Source
from hub.reading import take_in
from tests.fakes.items import cancel, item, reading


class Feed:
    """One source of a small town, and what readings make of it."""

    def __init__(
        self,
        authority: Authority,
        intake: str = "publish",
        name: str = "Vigilance",
        kind: str = "cap",
        station: str | None = None,
    ) -> None:
        self.authority = authority
        self.now = clock.now()
        with db.writing(authority.id or 0) as session:
            self.source = Source(
                authority_id=authority.id or 0,
                name=name,
                kind=kind,
                url="https://x.example/",
                station_id=accounts.station_of(session, authority.id or 0, station).id or 0,
                intake=intake,
            )
            session.add(self.source)

    def reads(self, *found: object, complete: bool = True, **more: object) -> Tally:
        parsed = reading(*found, complete=complete, **more)  # type: ignore[arg-type]
        return self.takes(parsed)

    def takes(self, parsed: Parsed, now: datetime | None = None) -> Tally:
        with db.writing(self.authority.id or 0) as session:
            source = session.get_one(Source, self.source.id)
            return take_in(session, source, parsed, now or self.now)

    def item(self, external_id: str = "a", **more: object) -> object:
        return item(external_id, **{"now": self.now} | more)

    def cancel(self, of: str, external_id: str = "z") -> object:
        return cancel(of, external_id, now=self.now)

    def row(self, external_id: str = "a") -> ItemRow:
        with db.reading(self.authority.id or 0) as session:
            return session.exec(
                select(ItemRow).where(
                    ItemRow.external_id == external_id, ItemRow.source_id == self.source.id
                )
            ).one()

    def publication(self, external_id: str = "a") -> Publication:
        with db.reading(self.authority.id or 0) as session:
            return session.get_one(Publication, self.row(external_id).publication_id)

    def headline(self, external_id: str = "a") -> str:
        """The words as they are live."""
        with db.reading(self.authority.id or 0) as session:
            publication = session.get_one(Publication, self.row(external_id).publication_id)
            revision = publishing.revision_of(session, publication)
            return str(revision.content["texts"]["fr"]["headline"])
