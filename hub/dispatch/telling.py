"""What displays shall show, read for many of them at once: the number of queries does not grow with
their number, and a notice that many carry is made once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from sqlalchemy import select as core_select
from sqlmodel import Session, col, select

from hub import notices, panelkeys, registry, vault
from hub.contracts import KeySet, Notice, OutletView
from hub.dispatch.among import among
from hub.models import (
    Authority,
    Carried,
    Delivery,
    Outlet,
    Publication,
    Revision,
    Station,
)
from hub.vocabulary import Intent

TOMBSTONES = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Told:
    """As much of an outlet as telling it needs. The whole row, made an object by the mapper, would
    be a quarter of what a panel costs."""

    id: int
    authority_id: int
    station_id: int | None
    code: str
    name: str
    kind: str
    options: dict[str, Any]
    secrets: str
    longitude: float | None
    latitude: float | None


@dataclass(frozen=True, slots=True)
class Telling:
    """What one display is about to be told, under which numbers. `lease` is of one claim alone: who
    claims again, be it the same process, has another."""

    outlet: Told
    view: OutletView
    wanted_no: int
    notices: tuple[Notice, ...]
    ended: tuple[Notice, ...]
    revisions: Mapping[str, int]
    lease: str = ""
    attempt_id: int = 0


@dataclass(frozen=True, slots=True)
class Opened:
    """The numbers under which a claimed display is about to be told."""

    say_no: int = 0
    wanted_no: int = 0
    lease: str = ""
    attempt_id: int = 0
    images: tuple[str, ...] = ()


_NONE = Opened()


def read(
    session: Session,
    outlet_ids: Sequence[int],
    now: datetime,
    opened: Mapping[int, Opened] = MappingProxyType({}),
) -> dict[int, Telling]:
    """All that each outlet shall show now, newest first; and what ended in the last 30 days, but
    for kinds that are told in sets: they have no tombstones."""
    columns: Any = [getattr(Outlet, name) for name in Told.__slots__]
    rows = session.execute(core_select(*columns).where(among(col(Outlet.id), outlet_ids)))
    outlets = sorted((Told(*row) for row in rows), key=lambda outlet: outlet.id)
    places = _Places(session, {outlet.authority_id for outlet in outlets})
    carried = _live(session, outlet_ids, now, places)
    alone = [outlet.id for outlet in outlets if not registry.in_sets(outlet.kind)]
    ended = _ended(session, alone, now, places) if alone else {}
    told = {}
    revisions: dict[tuple[int, ...], Mapping[str, int]] = {}
    for outlet in outlets:
        key = outlet.id
        live = tuple(carried.get(key, ()))
        same = tuple(map(id, live))  # a town's panels carry the same: one mapping for all of them
        if same not in revisions:
            revisions[same] = {n.publication: n.revision for n in live}
        numbers = opened.get(key, _NONE)
        told[key] = Telling(
            outlet=outlet,
            view=places.view(outlet, numbers),
            wanted_no=numbers.wanted_no,
            notices=live,
            ended=tuple(ended.get(key, ())),
            revisions=revisions[same],
            lease=numbers.lease,
            attempt_id=numbers.attempt_id,
        )
    return told


class _Places:
    """The authorities of a set and their stations; a signing key is opened once each."""

    def __init__(self, session: Session, ids: Iterable[int]) -> None:
        known = list(ids)
        self._authorities = {
            a.id: a
            for a in session.exec(select(Authority).where(col(Authority.id).in_(known))).all()
        }
        self._stations = {
            s.id: s
            for s in session.exec(select(Station).where(col(Station.authority_id).in_(known))).all()
        }
        self._session = session
        self._keys: dict[int, bytes] = {}
        self._sets: dict[int, KeySet | None] = {}

    def notice(
        self,
        revision: Revision,
        publication: Publication,
        intent: Intent,
        hour: datetime | None = None,
    ) -> Notice:
        authority = self._authorities[publication.authority_id]
        station = self._stations[publication.station_id]
        return notices.notice_of(revision, publication, authority, station, intent, hour)

    def view(self, outlet: Told, numbers: Opened) -> OutletView:
        authority = self._authorities[outlet.authority_id]
        station = self._stations.get(outlet.station_id)
        return OutletView(
            id=outlet.id,
            code=outlet.code,
            name=outlet.name,
            authority=authority.code,
            authority_name=authority.name,
            timezone=authority.timezone,
            languages=tuple(authority.languages),
            say_no=numbers.say_no,
            images=numbers.images,
            station=station.code if station else "",
            signing_key=self._key(authority),
            key_id=authority.key_id,
            longitude=outlet.longitude,
            latitude=outlet.latitude,
            key_set=self._key_set(authority),
        )

    def _key_set(self, authority: Authority) -> KeySet | None:
        """Only an authority that has changed its key has one: no query for the others."""
        owner = authority.id or 0
        if authority.keys_rev and owner not in self._sets:
            self._sets[owner] = panelkeys.key_set(self._session, authority)
        return self._sets.get(owner)

    def _key(self, authority: Authority) -> bytes:
        if not authority.signing_key:
            return b""
        owner = authority.id or 0
        if owner not in self._keys:
            self._keys[owner] = vault.unseal(authority.signing_key, "signing-key")
        return self._keys[owner]


def _live(
    session: Session, outlet_ids: Sequence[int], now: datetime, places: _Places
) -> dict[int, list[Notice]]:
    # The hour of the route is read alone: a whole route for each panel would be most of the work.
    hour: Any = col(Delivery.route)["not_before"].as_string()
    rows = session.execute(
        select(Carried.outlet_id, Revision.id, hour)
        .join(
            Revision,
            (col(Revision.publication_id) == Carried.publication_id)
            & (col(Revision.no) == Carried.wanted_rev),
        )
        .join(
            Delivery,
            (col(Delivery.revision_id) == Revision.id)
            & (col(Delivery.outlet_id) == Carried.outlet_id),
            isouter=True,
        )
        .where(among(col(Carried.outlet_id), outlet_ids), Revision.expires > now)
        .order_by(col(Revision.sent).desc(), col(Revision.publication_id).desc())
    ).all()
    known = _revisions(session, {revision_id for _, revision_id, _ in rows})
    made: dict[tuple[int, str | None], Notice] = {}
    found: dict[int, list[Notice]] = {}
    for outlet_id, revision_id, text in rows:
        key = (revision_id, text)
        if key not in made:
            revision, publication = known[revision_id]
            intent = Intent.PUBLISH if revision.no == 1 else Intent.UPDATE
            at = datetime.fromisoformat(text) if text else None
            made[key] = places.notice(revision, publication, intent, at)
        found.setdefault(outlet_id, []).append(made[key])
    return found


def _ended(
    session: Session, outlet_ids: Sequence[int], now: datetime, places: _Places
) -> dict[int, list[Notice]]:
    rows = session.execute(
        select(Carried.outlet_id, Revision.id)
        .join(Publication, col(Publication.id) == Carried.publication_id)
        .join(
            Revision,
            (col(Revision.publication_id) == Carried.publication_id)
            & (col(Revision.no) == Publication.revision_no),
        )
        .where(
            among(col(Carried.outlet_id), outlet_ids),
            col(Carried.ended_at) > now - TOMBSTONES,
            col(Revision.ended_as).is_not(None),
        )
        .order_by(col(Revision.sent).desc(), col(Publication.id).desc())
    ).all()
    known = _revisions(session, {revision_id for _, revision_id in rows})
    made = {key: places.notice(*pair, Intent.WITHDRAW) for key, pair in known.items()}
    found: dict[int, list[Notice]] = {}
    for outlet_id, revision_id in rows:
        found.setdefault(outlet_id, []).append(made[revision_id])
    return found


def _revisions(
    session: Session, ids: Iterable[int | None]
) -> dict[int | None, tuple[Revision, Publication]]:
    rows = session.exec(
        select(Revision, Publication)
        .join(Publication, col(Publication.id) == Revision.publication_id)
        .where(col(Revision.id).in_(list(ids)))
    ).all()
    return {revision.id: (revision, publication) for revision, publication in rows}
