"""Rows laid out for people: what the office's templates read."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from hub import board, categories, publishing
from hub.api.problems import Problem
from hub.models import ItemRow, Publication, Source, Station
from hub.schemas import Content
from hub.vocabulary import PublicationState


@dataclass(frozen=True, slots=True)
class Card:
    """One publication in a list. `green` of `outlets` show what is wanted."""

    id: str
    headline: str
    category: str
    severity: str
    status: str
    state: str
    draft_state: str | None
    note: str
    station: str
    starts: datetime | None
    expires: datetime | None
    publish_at: datetime | None
    changed: datetime
    ended_as: str | None
    from_source: bool
    green: int = 0
    outlets: int = 0


def find(session: Session, publication_id: str) -> Publication:
    """Raises Problem (404)."""
    publication = session.get(Publication, publication_id)
    if publication is None:
        raise Problem(404, "There is no such publication here.")
    return publication


def stations(session: Session) -> Sequence[Station]:
    """The authority's stations, the first made first."""
    return session.exec(select(Station).order_by(col(Station.id))).all()


def content_of(session: Session, publication: Publication) -> dict[str, Any]:
    """The open draft, else the last revision, as JSON."""
    if publication.draft:
        return publication.draft
    if publication.revision_no:
        return publishing.revision_of(session, publication).content
    return Content.model_validate({"headline": "—"}).model_dump(mode="json")


def cards(
    session: Session, rows: Sequence[Publication], language: str, with_board: bool = False
) -> list[Card]:
    names = {station.id: station.name for station in stations(session)}
    return [_card(session, row, names, language, with_board) for row in rows]


def soonest(rows: Sequence[Card]) -> list[Card]:
    """What starts first, first; what names no start before all others: it waits already."""
    return sorted(rows, key=lambda card: card.starts.timestamp() if card.starts else 0)


def _card(
    session: Session,
    row: Publication,
    names: dict[int | None, str],
    language: str,
    with_board: bool,
) -> Card:
    live = row.state == PublicationState.LIVE
    last = publishing.revision_of(session, row) if row.revision_no else None
    content = last.content if last and not row.draft else content_of(session, row)
    standing = board.rows(session, row.id) if with_board and row.revision_no else []
    return Card(
        id=row.id,
        headline=headline(content, language),
        category=categories.get(content["category"]).label(language),
        severity=content["severity"],
        status=content["status"],
        state=row.state,
        draft_state=row.draft_state if row.draft else None,
        note=row.draft_note,
        station=names.get(row.station_id, ""),
        starts=datetime.fromisoformat(content["onset"]) if content.get("onset") else None,
        expires=last.expires if last and live else None,
        publish_at=row.publish_at,
        changed=row.changed,
        ended_as=row.ended_as,
        from_source=row.item_id is not None,
        green=sum(1 for line in standing if line.ok),
        outlets=len(standing),
    )


def headline(content: dict[str, Any], language: str) -> str:
    texts = content["texts"]
    words = texts.get(language) or next(iter(texts.values()))
    return str(words["headline"])


def source_of(session: Session, publication: Publication) -> tuple[Source, ItemRow] | None:
    """The source and the item a draft came from."""
    if publication.item_id is None:
        return None
    item = session.get(ItemRow, publication.item_id)
    source = session.get(Source, item.source_id) if item else None
    return (source, item) if source and item else None
