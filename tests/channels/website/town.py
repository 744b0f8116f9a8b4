"""Villard-Bonnot as the website kind sees it: notices, the outlet and what it was given."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from channels.website import Website, WebsiteOptions
from hub.contracts import Means, Notice, OutletView, Said, Text
from hub.guard import AddressPolicy
from hub.vocabulary import (
    Certainty,
    EndedAs,
    Intent,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

NOW = datetime(2026, 3, 2, 8, 30, tzinfo=UTC)
BASE = "https://villard-bonnot.example"
MEANS = Means(base_url=BASE, policy=AddressPolicy())
OUTLET = OutletView(
    id=7,
    code="site",
    name="Site de la mairie",
    authority="villard-bonnot",
    authority_name="Villard-Bonnot",
    timezone="Europe/Paris",
    languages=("fr", "en"),
    say_no=1,
    station="mairie",
)

TEXTS: Mapping[str, Text] = {
    "fr": Text(
        "Rue de la République fermée",
        "La chaussée s’est affaissée devant le n° 12.\n\nLes bus 12 & 15 passent par le quai.",
        "Prenez la déviation <avenue de la Gare>.",
    ),
    "en": Text("Rue de la République closed", "The road has sunk.", "Follow the diversion."),
}
SQUARE = {
    "type": "Polygon",
    "coordinates": [[[5.88, 45.23], [5.9, 45.23], [5.9, 45.25], [5.88, 45.25], [5.88, 45.23]]],
}


def notice(publication: str = "01K0ROAD", **changes: Any) -> Notice:
    base = Notice(
        publication=publication,
        revision=1,
        intent=Intent.PUBLISH,
        msg_type=MsgType.ALERT,
        status=Status.ACTUAL,
        scope=Scope.PUBLIC,
        sender="villard-bonnot@villard-bonnot.example",
        authority="villard-bonnot",
        authority_name="Villard-Bonnot",
        station="mairie",
        station_name="Mairie de Villard-Bonnot",
        timezone="Europe/Paris",
        category="roadworks",
        cap_category="Transport",
        category_labels={"fr": "Travaux", "en": "Roadworks", "es": "Obras"},
        event="Route fermée",
        response_type=ResponseType.AVOID,
        severity=Severity.MODERATE,
        urgency=Urgency.IMMEDIATE,
        certainty=Certainty.OBSERVED,
        sent=NOW - timedelta(hours=1),
        first_sent=NOW - timedelta(hours=1),
        effective=NOW - timedelta(hours=1),
        expires=NOW + timedelta(days=2),
        texts=TEXTS,
        url=f"{BASE}/p/{publication}",
        area=SQUARE,
        area_desc="Centre de Villard-Bonnot",
    )
    return replace(base, **changes)


def reference(of: Notice) -> str:
    return f"{of.sender},{of.identifier},{of.sent:%Y-%m-%dT%H:%M:%S}Z"


def updated(of: Notice, **changes: Any) -> Notice:
    """The next revision, five minutes later."""
    return replace(
        of,
        **{
            "revision": of.revision + 1,
            "msg_type": MsgType.UPDATE,
            "intent": Intent.UPDATE,
            "sent": of.sent + timedelta(minutes=5),
            "references": (*of.references, reference(of)),
            **changes,
        },
    )


def cancelled(of: Notice, ended_as: EndedAs = EndedAs.OVER, **changes: Any) -> Notice:
    """The revision that ends it, five minutes later."""
    fields = {"msg_type": MsgType.CANCEL, "intent": Intent.WITHDRAW, "ended_as": ended_as}
    return updated(of, **{**fields, **changes})


def show(
    *notices: Notice,
    ended: tuple[Notice, ...] = (),
    now: datetime = NOW,
    options: WebsiteOptions | None = None,
    outlet: OutletView = OUTLET,
) -> Said:
    return Website(options or WebsiteOptions(), MEANS).show(outlet, notices, ended, now)


def body(said: Said, name: str) -> bytes:
    """The document at `name` under the station; fails when it is not there."""
    path = f"/s/mairie/{name}"
    return next(document.body for document in said.documents if document.path == path)


def paths(said: Said) -> set[str]:
    return {document.path.removeprefix("/s/mairie/") for document in said.documents}
