"""Panels: where they stand, what each shows and will show, what is wrong; and the certificate of
what a publication really showed.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from fastapi import APIRouter, Request, Response
from sqlmodel import Session

from dashboards.base import drawing, led, pages
from dashboards.office import views
from dashboards.office.session import SignedIn, language, show
from hub import clock, db, panels
from hub.api import panels as api
from hub.api.problems import Problem
from hub.models import FrameRow

router = APIRouter()

_HOURS = 24
_WIDE, _ROW = 720, 22


@dataclass(frozen=True, slots=True)
class Bar:
    """When one publication is in the loop, in the units of the hours' drawing."""

    publication: str
    headline: str
    x: float
    width: float
    y: int
    alert: bool


@dataclass(frozen=True, slots=True)
class Hours:
    """The hours ahead as a drawing: bars, dark times, and a mark every three hours."""

    box: str
    height: int
    bars: Sequence[Bar]
    dark: Sequence[tuple[float, float]]
    marks: Sequence[tuple[float, str]]


@router.get("/panels")
def index(request: Request, person: SignedIn) -> Response:
    with db.reading(person.scope) as session:
        rows = panels.listing(session)
        points = [
            (r.outlet.longitude, r.outlet.latitude)
            if r.outlet.longitude is not None and r.outlet.latitude is not None
            else None
            for r in rows
        ]
        return show(
            request,
            person,
            "office/panels.html",
            rows=rows,
            map=drawing.map_of(person.authority.territory, points),
            age=_age(language(request, person)),
            wrong=sum(1 for r in rows if r.tone == "bad"),
        )


@router.get("/panels/{code}")
def read(request: Request, person: SignedIn, code: str) -> Response:
    with db.reading(person.scope) as session:
        whole = _whole(session, code)
        model = _model(whole)
        return show(
            request,
            person,
            "office/panel.html",
            p=whole,
            s=whole.standing,
            face=_face(whole, model),
            faces=[
                (item, [_drawn(page, model) for page in item["pages"]])
                for item in whole.outlook["items"]
            ],
            colour=model[2],
            hours=_hours(whole, person.zone),
            frame=whole.frame is not None,
            age=_age(language(request, person)),
            now=clock.now(),
        )


@router.get("/panels/{code}/frame.png")
def frame(person: SignedIn, code: str) -> Response:
    """The last picture that the panel took of its face."""
    with db.reading(person.scope) as session:
        rows = panels.listing(session, code)
        row = session.get(FrameRow, rows[0].outlet.id) if rows else None
        if row is None:
            raise Problem(404, "There is no picture of this panel.")
        # Bytes of a device: never anything but a picture.
        return Response(row.png, media_type="image/png", headers=pages.HEADERS)


@router.get("/publications/{publication_id}/certificate")
def certificate(request: Request, person: SignedIn, publication_id: str) -> Response:
    """What every outlet really did with it, to read and to print."""
    signed = api.signed(person.scope, publication_id)
    document = signed["certificate"]
    with db.reading(person.scope) as session:
        publication = views.find(session, publication_id)
        headline = views.headline(views.content_of(session, publication), language(request, person))
    return show(
        request,
        person,
        "office/certificate.html",
        d=document,
        headline=headline,
        signature=signed["signature"],
        age=_age(language(request, person)),
    )


@router.get("/publications/{publication_id}/certificate.json")
def certificate_file(person: SignedIn, publication_id: str) -> Response:
    """The same as a signed file."""
    signed = api.signed(person.scope, publication_id)
    text = json.dumps(signed, ensure_ascii=False, indent=1) + "\n"
    name = f"certificate-{publication_id}.json"
    return Response(
        text,
        media_type="application/json",
        headers={**pages.HEADERS, "Content-Disposition": f'attachment; filename="{name}"'},
    )


# --- inside --------------------------------------------------------------------------------------


def _whole(session: Session, code: str) -> panels.Whole:
    try:
        return panels.one(session, code)
    except LookupError:
        raise Problem(404, "There is no such panel here.") from None


def _model(whole: panels.Whole) -> tuple[int, int, str]:
    """Columns, lines and colour of the face, as the panel says or as the kind draws it."""
    birth = whole.standing.display.birth
    colour = str(birth.get("colour") or "amber")
    return int(birth.get("columns") or 0), int(birth.get("lines") or 0), colour


def _face(whole: panels.Whole, model: tuple[int, int, str]) -> tuple[led.Face | str, str] | None:
    """What is on the face now by its own word; None where nobody knows."""
    shown = whole.standing.panel.shown
    if not whole.page or shown.get("face_dark") or shown.get("dark"):
        return None
    exact = [page for item in whole.outlook["items"] for page in item["pages"]]
    page = next((p for p in exact if p["hash"] == whole.page.get("hash")), whole.page)
    return _drawn(page, model)


def _drawn(page: Mapping[str, Any], model: tuple[int, int, str]) -> tuple[led.Face | str, str]:
    """The face, and its words."""
    words = " ".join(str(line).strip() for line in page.get("lines", ())).strip()
    return led.face_of_page(page, *model[:2]), words


def _hours(whole: panels.Whole, zone: str) -> Hours:
    begin = clock.now()
    end = begin + timedelta(hours=_HOURS)

    def x(at: datetime) -> float:
        return round((at - begin) / (end - begin) * _WIDE, 1)

    items = [i for i in whole.outlook["items"] if i["first"] is not None]
    bars = [
        Bar(
            item["publication"],
            whole.headlines.get(item["publication"], item["publication"]),
            x(max(item["first"], begin)),
            max(x(min(item["last"], end)) - x(max(item["first"], begin)), 2),
            n * _ROW,
            item["kind"] == "alert",
        )
        for n, item in enumerate(items)
    ]
    first = clock.local(begin, zone).replace(minute=0, second=0, microsecond=0)
    marks = []
    for hour in range(1, _HOURS + 1):
        at = first.astimezone(begin.tzinfo) + timedelta(hours=hour)
        local = clock.local(at, zone)
        if local.hour % 3 == 0 and at < end:
            marks.append((x(at), local.strftime("%H:%M")))
    height = max(len(bars), 1) * _ROW + 18
    dark = [(x(max(a, begin)), max(x(min(b, end)) - x(max(a, begin)), 1))
            for a, b in whole.outlook["dark"]]  # fmt: skip
    return Hours(f"0 0 {_WIDE} {height}", height, bars, dark, marks)


def _age(said: str) -> Any:
    """A length of time in one unit: « 3 min », « 2 h », « 5 j »."""
    day = {"fr": "j", "es": "d"}.get(said, "d")

    def age(seconds: float | None) -> str:
        if seconds is None:
            return "–"
        for unit, size in ((day, 86_400), ("h", 3_600), ("min", 60)):
            if seconds >= size:
                return f"{int(seconds // size)}\u202f{unit}"
        return f"{int(seconds)}\u202fs"

    return age
