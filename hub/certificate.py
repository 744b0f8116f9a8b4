"""The certificate of diffusion: what every outlet really did with a publication, as far as there is
evidence, and where there is none. Sealed with the authority's key, readable without this hub.

A panel counts by what its face proved: from, to, plays, seconds lit; a dark face proves nothing, a
batch that never came is a gap. One that cannot prove (a gateway) counts by what it reported, and
the certificate says so. A messenger counts by what its operator accepted.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlmodel import Session, col, select

from hub import clock, proving, registry, sealing
from hub.models import (
    Authority,
    Carried,
    Delivery,
    DisplayRow,
    Outlet,
    PanelRow,
    Play,
    Publication,
    Receipt,
    Revision,
    Station,
    ToldPage,
)
from hub.vocabulary import DeliveryState

FORM: Final = "tambour.certificate/1"
_MOST_RECEIPTS: Final = 5_000


def sealed(session: Session, authority: Authority, publication_id: str) -> dict[str, Any]:
    """The certificate of a publication that went live, signed. Raises LookupError."""
    return sealing.seal(make(session, authority, publication_id, clock.now()), authority)


def make(
    session: Session, authority: Authority, publication_id: str, now: datetime
) -> dict[str, Any]:
    """All numbers are whole, all moments UTC. Raises LookupError where nothing went live."""
    publication = session.get(Publication, publication_id)
    if publication is None or not publication.revision_no:
        raise LookupError(publication_id)
    revisions = session.exec(
        select(Revision).where(Revision.publication_id == publication_id).order_by(col(Revision.no))
    ).all()
    station = session.get_one(Station, publication.station_id)
    first, last = revisions[0], revisions[-1]
    end = min(publication.ended_at or last.expires, last.expires, now)
    span = (first.sent, max(first.sent, end))
    return {
        "form": FORM,
        "issued": clock.rfc3339(now),
        "authority": {"code": authority.code, "name": authority.name, "insee": authority.insee},
        "publication": {
            "id": publication_id,
            "station": station.name,
            "state": publication.state,
            "ended_as": publication.ended_as,
            "from": clock.rfc3339(span[0]),
            "to": clock.rfc3339(span[1]),
            "revisions": [_revision(r) for r in revisions],
        },
        "displays": _displays(session, publication, span),
        "messengers": _messengers(session, publication_id),
    }


def _revision(revision: Revision) -> dict[str, Any]:
    return {
        "no": revision.no,
        "type": revision.msg_type,
        "severity": revision.severity,
        "sent": clock.rfc3339(revision.sent),
        "effective": clock.rfc3339(revision.effective),
        "expires": clock.rfc3339(revision.expires),
        "headlines": {
            language: text["headline"] for language, text in revision.content["texts"].items()
        },
    }


def _displays(
    session: Session, publication: Publication, span: tuple[datetime, datetime]
) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Carried, Outlet, DisplayRow, PanelRow)
        .join(Outlet, col(Outlet.id) == Carried.outlet_id)
        .join(DisplayRow, col(DisplayRow.outlet_id) == Carried.outlet_id)
        .join(PanelRow, col(PanelRow.outlet_id) == Carried.outlet_id, isouter=True)
        .where(Carried.publication_id == publication.id, col(Outlet.hidden).is_(False))
        .order_by(col(Outlet.id))
    ).all()
    plays: dict[int, list[Play]] = {}
    for play in session.exec(
        select(Play)
        .where(Play.publication_id == publication.id)
        .order_by(col(Play.day), col(Play.start), col(Play.hash))
    ):
        plays.setdefault(play.outlet_id, []).append(play)
    pages = {
        page.hash: page.page
        for page in session.exec(
            select(ToldPage).where(ToldPage.publication_id == publication.id)
        ).all()
    }
    done = {
        delivery.outlet_id: delivery
        for delivery in session.exec(
            select(Delivery)
            .where(Delivery.publication_id == publication.id, col(Delivery.first_at).is_not(None))
            .order_by(col(Delivery.revision_no).desc())
        )
    }
    found = []
    for carried, outlet, display, panel in rows:
        its = plays.get(outlet.id or 0, [])
        delivery = done.get(outlet.id or 0)
        one: dict[str, Any] = {
            "outlet": outlet.code,
            "name": outlet.name,
            "kind": outlet.kind,
            "first_shown": _text(delivery.first_at if delivery else None),
            "refused": carried.refused,
            "stored_at": carried.evidence.get("stored_at"),
        }
        if registry.in_sets(outlet.kind):
            one |= _proved(its, pages, panel, display, span)
            if not its:
                one["reported"] = _reported(session, outlet.id or 0, publication.id, span)
                one["evidence"] = "reported" if one["reported"] else "none"
        else:
            one["evidence"] = "stored"
            gone = one["first_shown"] and carried.shown_rev is None
            one["shown_until"] = _text(carried.since if gone else None)
        found.append(one)
    return found


def _proved(
    plays: Sequence[Play],
    pages: dict[str, dict[str, Any]],
    panel: PanelRow | None,
    display: DisplayRow,
    span: tuple[datetime, datetime],
) -> dict[str, Any]:
    """What the face of a panel proved of it, day by day and page by page."""
    lit = [play for play in plays if play.known]
    inferred = display.birth.get("proof") == "inferred" or any(p.inferred for p in plays)
    runs = panel.proved if panel else []
    return {
        "evidence": "inferred" if inferred else "measured",
        "model": str(display.birth.get("model", "")),
        "serial": str(display.birth.get("serial", "")),
        "sealed_by_device": bool(plays) and all(play.sealed for play in plays),
        "from": _text(min((p.start for p in lit), default=None)),
        "to": _text(max((p.end for p in lit), default=None)),
        "plays": sum(p.plays for p in lit),
        "seconds": round(sum(p.seconds for p in lit)),
        "dark_seconds": round(sum(p.dark_s for p in plays)),
        "days": [
            {
                "day": p.day,
                "revision": p.revision,
                "page": p.hash,
                "lines": list(pages.get(p.hash, {}).get("lines", ())),
                "from": clock.rfc3339(p.start),
                "to": clock.rfc3339(p.end),
                "plays": p.plays,
                "seconds": round(p.seconds),
                "dark_seconds": round(p.dark_s),
                "told": p.known,
            }
            for p in plays
        ],
        "gaps": _gaps(runs, span) if plays else [],
        "unproved_from": _tail(runs, span) if plays else None,
    }


def _gaps(runs: Sequence[Any], span: tuple[datetime, datetime]) -> list[dict[str, Any]]:
    return [
        {
            "from": clock.rfc3339(max(gap.start, span[0])),
            "to": clock.rfc3339(min(gap.end, span[1])),
            "batches": gap.last - gap.first + 1,
        }
        for gap in proving.gaps(runs)
        if gap.end > span[0] and gap.start < span[1]
    ]


def _tail(runs: Sequence[Any], span: tuple[datetime, datetime]) -> str | None:
    """From when on nothing has come yet, within the publication's time."""
    if not runs:
        return None
    last = max(datetime.fromisoformat(runs[-1][3]), span[0])
    # A batch is sent every quarter of an hour: what is younger is only on its way.
    return clock.rfc3339(last) if last < span[1] - timedelta(minutes=20) else None


def _reported(
    session: Session, outlet_id: int, publication_id: str, span: tuple[datetime, datetime]
) -> list[dict[str, Any]]:
    """Times between two of a panel's own reports, the first of which named the publication."""
    rows = session.exec(
        select(Receipt)
        .where(
            Receipt.outlet_id == outlet_id,
            Receipt.stage == "shown",
            Receipt.at >= span[0],
            Receipt.at <= span[1] + timedelta(minutes=10),
        )
        .order_by(col(Receipt.id))
        .limit(_MOST_RECEIPTS)
    ).all()
    found: list[dict[str, Any]] = []
    begun: tuple[datetime, int] | None = None
    for row in rows:
        dark = row.evidence.get("face_dark") or row.evidence.get("dark")
        revision = next(
            (
                item.get("rev")
                for item in row.evidence.get("items", ())
                if item.get("pub") == publication_id and not item.get("held") and not dark
            ),
            None,
        )
        if begun and revision != begun[1]:
            found.append(_interval(begun, row.at))
            begun = None
        if revision is not None and begun is None:
            begun = (row.at, revision)
    if begun:
        found.append(_interval(begun, None))
    return found


def _interval(begun: tuple[datetime, int], end: datetime | None) -> dict[str, Any]:
    return {"revision": begun[1], "from": clock.rfc3339(begun[0]), "to": _text(end)}


def _messengers(session: Session, publication_id: str) -> list[dict[str, Any]]:
    rows = session.exec(
        select(Delivery, Outlet)
        .join(Outlet, col(Outlet.id) == Delivery.outlet_id)
        .where(
            Delivery.publication_id == publication_id,
            col(Outlet.hidden).is_(False),
            Delivery.state != DeliveryState.SUPPRESSED,
        )
        .order_by(col(Delivery.id))
    ).all()
    return [
        {
            "outlet": outlet.code,
            "name": outlet.name,
            "kind": outlet.kind,
            "revision": delivery.revision_no,
            "intent": delivery.intent,
            "state": delivery.state,
            "evidence": "accepted",
            "total": delivery.total,
            "accepted": delivery.accepted,
            "gone": delivery.gone,
            "rejected": delivery.rejected,
            "uncertain": delivery.uncertain,
            "from": _text(delivery.first_at),
            "to": _text(delivery.closed_at),
        }
        for delivery, outlet in rows
        if not registry.is_display(outlet.kind)
    ]


def _text(at: datetime | None) -> str | None:
    return clock.rfc3339(at) if at else None
