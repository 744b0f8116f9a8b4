"""What citizens may read: public notices of stations, as rows laid out for a page."""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from dashboards.base import drawing
from hub import notices, synthetic
from hub.contracts import Notice
from hub.models import Authority, Publication, Revision, Station
from hub.vocabulary import SEVERITY_ORDER, Intent, PublicationState, Scope, Status

MOST_FOUND = 30


@dataclass(frozen=True, slots=True)
class Place:
    """A station and whose it is."""

    station: Station
    authority: Authority

    @property
    def url(self) -> str:
        return f"/s/{self.station.code}/"


@dataclass(frozen=True, slots=True)
class Told:
    """One publication with its revisions as citizens read them, the last one first."""

    notice: Notice
    history: Sequence[Notice]
    publication: Publication
    place: Place
    map: drawing.Drawing | None

    @property
    def ended(self) -> bool:
        return self.publication.state == PublicationState.ENDED


def find_station(session: Session, code: str) -> Place | None:
    """By its code, in any case of letters."""
    rows = session.exec(
        select(Station, Authority).join(Authority, col(Authority.id) == Station.authority_id)
    ).all()
    wanted = code.casefold()
    return next(
        (Place(s, a) for s, a in rows if s.code.casefold() == wanted and a.code != synthetic.CODE),
        None,
    )


def search(session: Session, words: str) -> list[Place]:
    """Stations whose name, code, commune or INSEE code holds every word; the shortest first."""
    wanted = _plain(words).split()
    rows = session.exec(
        select(Station, Authority)
        .join(Authority, col(Authority.id) == Station.authority_id)
        .where(Authority.code != synthetic.CODE)
    ).all()
    found = [
        Place(station, authority)
        for station, authority in rows
        if all(
            word in _plain(f"{station.name} {station.code} {authority.name} {authority.insee}")
            for word in wanted
        )
    ]
    return sorted(found, key=lambda p: (len(p.authority.name), p.station.id or 0))[:MOST_FOUND]


def current(session: Session, place: Place, now: datetime) -> list[Notice]:
    """Public notices of a station that are in force or announced, the gravest first."""
    rows = session.exec(
        select(Publication, Revision)
        .join(
            Revision,
            (col(Revision.publication_id) == Publication.id)
            & (col(Revision.no) == Publication.revision_no),
        )
        .where(Publication.station_id == place.station.id)
        .where(Publication.state == PublicationState.LIVE)
        .where(Revision.expires > now, Revision.status != Status.TEST)
    ).all()
    made = [
        notices.notice_of(revision, publication, place.authority, place.station, Intent.PUBLISH)
        for publication, revision in rows
    ]
    shown = [notice for notice in made if notice.scope is Scope.PUBLIC]
    return sorted(
        shown, key=lambda n: (-SEVERITY_ORDER[n.severity], -n.sent.timestamp(), n.publication)
    )


def told(session: Session, publication_id: str) -> Told | None:
    """A publication that was ever public, whatever became of it."""
    publication = session.get(Publication, publication_id)
    if publication is None or not publication.revision_no:
        return None
    station = session.get_one(Station, publication.station_id)
    authority = session.get_one(Authority, publication.authority_id)
    revisions = session.exec(
        select(Revision)
        .where(Revision.publication_id == publication.id)
        .order_by(col(Revision.no).desc())
    ).all()
    history = [
        notices.notice_of(row, publication, authority, station, Intent.PUBLISH) for row in revisions
    ]
    last = history[0]
    if last.scope is not Scope.PUBLIC or last.status is Status.TEST:
        return None
    return Told(
        last,
        history,
        publication,
        Place(station, authority),
        drawing.drawing_of(authority.territory, last.area) if last.area else None,
    )


def _plain(text: str) -> str:
    """Without accents, dashes and capitals: « Saint-Égrève » is found by "saint egreve"."""
    letters = unicodedata.normalize("NFKD", text.casefold().replace("œ", "oe"))
    return "".join(" " if c in "-'’" else c for c in letters if not unicodedata.combining(c))
