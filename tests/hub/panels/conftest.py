"""A town with one panel that was told a notice, and what that panel reports, made by hand."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from hub import clock, db, publishing, receipts
from hub.contracts import Report, ReportStage, Said
from hub.dispatch import displays
from hub.models import Authority, Carried, DisplayRow, Incident, Outlet, PanelRow, Publication
from tests.factories import content, outlet, station, town

SESSION = 1_770_000_000


class Spoken:
    """One panel's voice: reports in the order of its session."""

    def __init__(self, here: Authority, panel: Outlet) -> None:
        self.here, self.panel = here, panel
        self.session, self.seq = SESSION, 0

    def report(self, kind: ReportStage, /, *, at: datetime | None = None, **body: Any) -> Report:
        self.seq += 1
        session, seq = body.pop("session", self.session), body.pop("seq", self.seq)
        named = body.get("ref", body.get("plan_rev"))
        raw, seal = body.pop("raw", b""), body.pop("seal", "")
        if kind is ReportStage.FAULT and body.get("over"):
            session = seq = 0
        return Report(
            self.here.code,
            self.panel.code,
            kind,
            at or clock.now(),
            say_no=named if isinstance(named, int) else None,
            session=session,
            seq=seq,
            body=body,
            raw=raw,
            seal=seal,
        )

    def say(self, kind: ReportStage, /, **more: Any) -> None:
        assert receipts.apply([self.report(kind, **more)]) == 1

    def shows(self, **more: Any) -> None:
        """What the panel would say that shows all it was told."""
        row = self.row()
        pages: dict[str, list[str]] = row.evidence.get("pages", {})
        first = next(iter(pages.values()), [None])[0]
        body: dict[str, Any] = {
            "plan_rev": row.say_no,
            "source": "plan",
            "items": [
                {"item": f"it-{p}", "pub": p, "rev": self.carried(p).said_rev} for p in pages
            ],
            "hash": first,
            "page": {"item": "it", "index": 0, "hash": first} if first else None,
        }
        self.say(ReportStage.SHOWN, **{**body, **more})

    def row(self) -> DisplayRow:
        with db.reading(db.EVERYWHERE) as session:
            return session.get_one(DisplayRow, self.panel.id)

    def state(self) -> PanelRow:
        with db.reading(db.EVERYWHERE) as session:
            return session.get_one(PanelRow, self.panel.id)

    def carried(self, publication: str) -> Carried:
        with db.reading(db.EVERYWHERE) as session:
            return session.get_one(Carried, (self.panel.id, publication))

    def incidents(self) -> dict[str, dict[str, Any]]:
        """Those open now."""
        with db.reading(db.EVERYWHERE) as session:
            rows = session.exec(select(Incident).where(Incident.outlet_id == self.panel.id)).all()
        return {row.kind: row.detail for row in rows if row.closed is None}

    def history(self) -> list[tuple[str, bool]]:
        """Every incident there was, and whether it is over."""
        with db.reading(db.EVERYWHERE) as session:
            rows = session.exec(select(Incident).order_by(Incident.id)).all()  # type: ignore[arg-type]
        return [(row.kind, row.closed is not None) for row in rows]


def tell(outlet_ids: Iterable[int | None]) -> None:
    """What a worker does with a broker that takes everything: the plan is made, nothing leaves."""
    from channels.panels import plan
    from hub import outlets

    ids = displays.claim_set([i or 0 for i in outlet_ids])
    told = []
    maker = plan.Maker()
    for telling in displays.open_set(ids):
        options = outlets.adapter(telling.outlet).options
        face = plan_model(options.model)
        made = maker.make(telling.view, telling.notices, face, clock.now())
        told.append(
            (
                telling,
                Said(
                    shown=False,
                    refused=made.refused,
                    next_change_at=made.next_change_at,
                    pages=made.pages,
                    evidence=made.evidence,
                ),
            )
        )
    displays.close_set(told)


def plan_model(name: str) -> Any:
    from channels.panels import model

    return model.load(name)


def publish(here: Authority, headline: str = "Rue des Brûlis fermée", **more: Any) -> Publication:
    with db.writing(here.id) as session:
        made = publishing.create(session, "test", station(session, here), content(headline, **more))
        publishing.publish(session, made, "test")
    return made


@pytest.fixture
def here(hub_on_sqlite: Path) -> Authority:
    return town()


@pytest.fixture
def panel(here: Authority) -> Spoken:
    return Spoken(here, outlet(here, "panel"))


@pytest.fixture
def told(here: Authority, panel: Spoken) -> Publication:
    """A notice that the panel was told."""
    made = publish(here)
    tell([panel.panel.id])
    return made


class Hand:
    """The hour, which stands still until a test moves it."""

    def __init__(self) -> None:
        self.now = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)

    def on(self, **more: float) -> datetime:
        self.now += timedelta(**more)
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    made = Hand()
    monkeypatch.setattr(clock, "now", lambda: made.now)
    return made
