"""Which items of other sources an item belongs with: the same alert under the same identifier, or
the same event under another. Both end up in one publication, each row keeping where it came from.
"""

from collections import defaultdict
from collections.abc import Iterable

from sqlmodel import Session, col, select

from hub import items, registry
from hub.contracts import Item
from hub.intake import OPEN
from hub.likeness import same_place, same_title
from hub.models import ItemRow, Publication, Source
from hub.vocabulary import ItemState, MsgType, PublicationState

_CHUNK = 400


class Kin:
    """The rows of an authority's other sources, seen from one source. What a reading may need by
    identifier is asked for at once (`expect`); likeness is asked for one item at a time."""

    def __init__(self, session: Session, source: Source) -> None:
        self._session, self._source = session, source
        self._shares = _shares_ids(source.kind)
        self._by_id: defaultdict[str, list[ItemRow]] = defaultdict(list)
        self._names: dict[int, str] = {}

    def expect(self, external_ids: Iterable[str]) -> None:
        """Read the rows of other sources under these ids, if ids of this kind mean the same in all
        of them (CAP 1.2 section 3.2.1: unique with their sender)."""
        if not self._shares:
            return
        kinds = [k for k in registry.kinds("connectors") if _shares_ids(k)]
        wanted = sorted(set(external_ids))
        for n in range(0, len(wanted), _CHUNK):
            for row in self._session.exec(
                select(ItemRow)
                .join(Source, col(Source.id) == ItemRow.source_id)
                .where(
                    ItemRow.authority_id == self._source.authority_id,
                    ItemRow.source_id != self._source.id,
                    col(Source.kind).in_(kinds),
                    col(ItemRow.external_id).in_(wanted[n : n + _CHUNK]),
                )
                .order_by(col(ItemRow.id))
            ).all():
                self._by_id[row.external_id].append(row)

    def under(self, external_id: str) -> list[ItemRow]:
        """The rows of other sources with this id; `expect` must have named it."""
        return self._by_id.get(external_id, [])

    def like(self, item: Item) -> ItemRow | None:
        """The row of another source that tells of the same: same start, place and title; an open
        one, else one that its source cancelled."""
        if item.onset is None:
            return None
        found: ItemRow | None = None
        for row in self._session.exec(
            select(ItemRow)
            .where(
                ItemRow.authority_id == self._source.authority_id,
                ItemRow.source_id != self._source.id,
                ItemRow.starts == item.onset,
                col(ItemRow.state).in_([*(s.value for s in OPEN), ItemState.CLOSED.value]),
            )
            .order_by(col(ItemRow.id))
        ).all():
            if not row.body or not self.alike(item, row, when=True):
                continue
            if row.state in OPEN and self.live(row):
                return row
            if row.body.get("msg_type") == MsgType.CANCEL and row.missing_since is None:
                found = found or row
        return found

    def alike(self, item: Item, row: ItemRow, *, when: bool) -> bool:
        """Whether an item and a row tell of the same; `when`: at the same time, too."""
        other = items.from_json(row.body)
        if when and (other.onset != item.onset or other.all_day != item.all_day):
            return False
        if item.kind != other.kind or item.level != other.level:
            return False
        if item.kind == "notice" and item.category != other.category:
            return False
        if not same_place(item.place or item.area_desc, other.place or other.area_desc):
            return False
        ours = [text.headline for text in item.texts.values()]
        theirs = [text.headline for text in other.texts.values()]
        return any(same_title(one, two) for one in ours for two in theirs)

    def live(self, row: ItemRow) -> bool:
        """Whether what came of the row has not ended."""
        publication = self._session.get(Publication, row.publication_id)
        return publication is not None and publication.state != PublicationState.ENDED

    def of_publication(self, row: ItemRow) -> list[ItemRow]:
        """The other open rows that share its publication, oldest first."""
        if not row.publication_id:
            return []
        return list(
            self._session.exec(
                select(ItemRow)
                .where(
                    ItemRow.publication_id == row.publication_id,
                    ItemRow.id != row.id,
                    col(ItemRow.state).in_([s.value for s in OPEN]),
                )
                .order_by(col(ItemRow.id))
            ).all()
        )

    def leader(self, row: ItemRow) -> ItemRow | None:
        """The row whose words the publication follows; None where nothing came of it."""
        publication = self._session.get(Publication, row.publication_id)
        if publication is None or publication.item_id is None:
            return None
        return self._session.get(ItemRow, publication.item_id)

    def name_of(self, row: ItemRow) -> str:
        """The name of the row's source."""
        if row.source_id not in self._names:
            source = self._session.get(Source, row.source_id)
            self._names[row.source_id] = source.name if source else "?"
        return self._names[row.source_id]


def _shares_ids(kind: str) -> bool:
    try:
        return bool(getattr(registry.connector(kind), "shared_ids", False))
    except registry.UnknownKind:
        return False
