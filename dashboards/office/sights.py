"""What they will see: a dry run laid out for the office, outlet by outlet, with every reason."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlmodel import Session, select

from dashboards.base import led
from hub import planning, reach, registry
from hub.contracts import Refusal, Rendering
from hub.models import Authority, Outlet, Publication, Station
from hub.planning import DryRun, Preview
from hub.rules.plan import Plan, Route
from hub.schemas import Content


@dataclass(frozen=True, slots=True)
class Sight:
    """One outlet of the plan: its route and what it would say, or why it cannot."""

    name: str
    kind: str
    route: Route
    people: int | None
    text: str = ""
    title: str = ""
    facts: Mapping[str, Any] | None = None
    warnings: Sequence[str] = ()
    refusal: Refusal | None = None
    faces: Sequence[tuple[led.Face | str, str]] = ()


@dataclass(frozen=True, slots=True)
class Sights:
    plan: Plan
    sights: Sequence[Sight]
    people: int
    magnitude: str
    displays: int
    left_out: Sequence[tuple[str, str]]

    @property
    def refusals(self) -> int:
        return sum(1 for sight in self.sights if sight.refusal)


def look(
    session: Session,
    authority: Authority,
    station: Station,
    content: Content,
    publication: Publication | None,
    language: str,
) -> Sights:
    """Plan and previews; reads only."""
    run = planning.dry_run(
        session, authority, station, content, publication=publication, locale=language
    )
    total = reach.summary(run.reach)
    names = {outlet.code: outlet.name for outlet in session.exec(select(Outlet)).all()}
    return Sights(
        plan=run.plan,
        sights=[_sight(run, route) for route in run.plan.routes],
        people=int(total["people"]),
        magnitude=str(total["magnitude"]),
        displays=sum(1 for route in run.plan.routes if registry.is_display(route.kind)),
        left_out=[(names.get(out.outlet, out.outlet), out.reason) for out in run.plan.left_out],
    )


def _sight(run: DryRun, route: Route) -> Sight:
    preview = next((p for p in run.previews if p.outlet_id == route.outlet_id), None)
    people = run.reach.get(route.outlet)
    if preview is None:
        return Sight(route.outlet, route.kind, route, people)
    says = preview.says
    if isinstance(says, Refusal):
        return Sight(preview.name, route.kind, route, people, refusal=says)
    title, text = says.text, says.text
    if route.kind == "push":
        title, _, text = says.text.partition("\n")
    return Sight(
        preview.name,
        route.kind,
        route,
        people,
        text=text.strip(),
        title=title,
        facts=dict(says.facts),
        warnings=says.warnings,
        faces=_faces(preview, says),
    )


def _faces(preview: Preview, says: Rendering) -> list[tuple[led.Face | str, str]]:
    """The pages of a panel as dots, or as a picture in colours, each with its words."""
    facts = says.facts
    if preview.kind != "panel" or not facts.get("pages"):
        return []
    columns, lines = int(facts.get("columns") or 0), int(facts.get("lines") or 0)
    return [
        (
            led.face_of_page(page, columns, lines),
            " ".join(str(line).strip() for line in page["lines"]).strip(),
        )
        for page in facts["pages"]
    ]
