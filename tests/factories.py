"""Plain makers of rows for tests: a small town with a few outlets."""

from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from hub import accounts, clock, db, outlets, registry
from hub.models import Authority, DisplayRow, Outlet, Station
from hub.schemas import Content

FAR = timedelta(hours=6)


def town(code: str = "villard-bonnot", **more: Any) -> Authority:
    """An authority with one station named like it."""
    with db.writing(db.EVERYWHERE) as session:
        authority = accounts.create_authority(session, code, code.title(), **more)
        session.add(
            Station(authority_id=authority.id, code=code.split("-")[0].upper(), name="Mairie")
        )
    return authority


def outlet(
    authority: Authority,
    kind: str,
    code: str | None = None,
    options: Any = None,
    station: str | None = None,
    **more: Any,
) -> Outlet:
    """An outlet of a kind, of a station by its code or of the authority's first."""
    open_options, secrets = outlets.split_options(kind, options or {})
    with db.writing(authority.id) as session:
        row = Outlet(
            authority_id=authority.id,
            code=code or kind,
            name=code or kind,
            kind=kind,
            station_id=accounts.station_of(session, authority.id, station).id,
            options=open_options,
            secrets=secrets,
            **more,
        )
        session.add(row)
        session.flush()
        if registry.is_display(kind):
            session.add(DisplayRow(outlet_id=row.id, authority_id=authority.id))
    return row


def station(session: Session, authority: Authority) -> Station:
    return accounts.station_of(session, authority.id, None)


def content(headline: str = "Rue des Brûlis fermée", **more: Any) -> Content:
    """Roadworks that end in six hours."""
    now: datetime = more.pop("now", None) or clock.now()
    return Content.model_validate(
        {
            "category": "roadworks",
            "headline": headline,
            "instruction": "Suivez la déviation par l'avenue Foch.",
            "area_desc": "Rue des Brûlis",
            "expires": now + FAR,
        }
        | more
    )
