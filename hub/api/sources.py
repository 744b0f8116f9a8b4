"""Sources of the authority: feeds that are read, and the items read from them."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Query, Response
from pydantic import Field
from sqlalchemy import delete as delete_from
from sqlalchemy import update
from sqlmodel import Session, col, func, select

from hub import (
    accounts,
    agenda_taking,
    audit,
    categories,
    clock,
    db,
    polling,
    registry,
    sources,
    trying,
)
from hub.api.deps import Calling
from hub.api.problems import Problem, wrong
from hub.contracts import SourceUnavailable
from hub.models import Authority, ItemRow, Publication, Source, Station
from hub.schemas import Given
from hub.vocabulary import SourceHealth

router = APIRouter(tags=["sources"])
Intake = Literal["ignore", "agenda", "draft", "publish"]
Interval = Annotated[int, Field(ge=60, le=86_400, description="Seconds between two readings.")]


class SourceIn(Given):
    name: str = Field(min_length=1, max_length=100)
    kind: str
    url: str = Field(min_length=1, max_length=2048)
    station: str | None = Field(None, description="Station code; the first one when left out.")
    category: str = Field("", description="Category of all its items; empty: their own.")
    intake: Intake = "draft"
    interval_s: Interval | None = Field(None, description="The kind's own when left out.")
    options: dict[str, Any] = Field(default_factory=dict)


class LookIn(Given):
    url: str = Field(min_length=1, max_length=2048)


class SourceChange(Given):
    name: str | None = Field(None, min_length=1, max_length=100)
    url: str | None = Field(None, min_length=1, max_length=2048)
    station: str | None = None
    category: str | None = None
    intake: Intake | None = None
    interval_s: Interval | None = None
    options: dict[str, Any] | None = None
    paused: bool | None = None


@router.get("/sources")
def index(caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        return {"sources": listing(session)}


@router.post("/sources", status_code=201)
def create(body: SourceIn, caller: Calling) -> dict[str, Any]:
    """A new source; it is read for the first time within seconds."""
    caller.need("configure")
    with db.writing(caller.authority_id) as session:
        row = _made(session, caller.authority_id, body)
        session.add(row)
        session.flush()
        audit.note(session, caller.authority_id, caller.actor, "create", f"source:{row.id}")
        return _one(session, row.id)


@router.post("/sources/test")
def test(body: SourceIn, caller: Calling) -> dict[str, Any]:
    """What such a source would bring, and what would become of it. Keeps nothing."""
    caller.need("configure")
    with db.reading(caller.authority_id) as session:
        row = _made(session, caller.authority_id, body)
        authority = session.get_one(Authority, caller.authority_id)
    try:
        parsed, rows = polling.dry_run(row, authority)
    except SourceUnavailable as error:
        raise wrong("url", error.reason) from error
    return {
        "title": parsed.title,
        "items": rows,
        "errors": [{"where": e.where, "reason": e.reason} for e in parsed.errors],
    }


@router.post("/sources/look")
def look(body: LookIn, caller: Calling) -> dict[str, Any]:
    """What an address gives, whatever its kind, and what would become of it. Keeps nothing."""
    caller.need("write")
    with db.reading(caller.authority_id) as session:
        authority = session.get_one(Authority, caller.authority_id)
    return trying.look(body.url, authority).as_json()


@router.get("/sources/kinds")
def kinds(caller: Calling) -> dict[str, Any]:
    """The kinds there are, each with the schema of its options."""
    found = {name: registry.connector(name) for name in registry.kinds("connectors")}
    return {
        "kinds": [
            {
                "kind": name,
                "title": kind.title,
                "interval_s": kind.default_interval_s,
                "options": kind.Options.model_json_schema(),
            }
            for name, kind in found.items()
        ]
    }


@router.get("/sources/{source_id}")
def read(source_id: int, caller: Calling) -> dict[str, Any]:
    with db.reading(caller.authority_id) as session:
        return _one(session, source_id)


@router.patch("/sources/{source_id}")
def change(source_id: int, body: SourceChange, caller: Calling) -> dict[str, Any]:
    """Change, pause or resume a source. Options given replace those of the same name; whatever
    decides what is read makes the next reading a full one."""
    caller.need("configure")
    given = body.model_dump(exclude_unset=True)
    with db.writing(caller.authority_id) as session:
        row = _find(session, source_id)
        if url := given.pop("url", None):
            row.url = _checked(url)
        if station := given.pop("station", None):
            row.station_id = _station_id(session, caller.authority_id, station)
        options = given.pop("options", None)
        if options is not None:
            row.options, row.secrets = _split(row.kind, row.options | options, row.secrets)
        if given.get("category"):
            given["category"] = _category(given["category"])
        for name, value in given.items():
            if value is not None:
                setattr(row, name, value)
        if body.model_fields_set & {"url", "options", "category", "intake", "station"}:
            row.cursor, row.content_hash = {}, ""
        if not row.paused:
            row.next_at = clock.now()
        audit.note(
            session,
            caller.authority_id,
            caller.actor,
            "change",
            f"source:{row.id}",
            fields=sorted(body.model_fields_set),
        )
        session.add(row)
        session.flush()
        return _one(session, source_id)


@router.delete("/sources/{source_id}", status_code=204)
def delete(source_id: int, caller: Calling) -> Response:
    """Forget a source and its items. What was published from it stays, as what a person wrote."""
    caller.need("configure")
    with db.writing(caller.authority_id) as session:
        row = _find(session, source_id)
        its = col(ItemRow.source_id) == row.id
        # By the database: an agenda of 10,000 dates is not read to be forgotten.
        session.execute(
            update(Publication)
            .where(col(Publication.item_id).in_(select(ItemRow.id).where(its)))
            .values(item_id=None)
            .execution_options(synchronize_session=False)
        )
        agenda_taking.forget_source(session, source_id)
        session.execute(
            delete_from(ItemRow).where(its).execution_options(synchronize_session=False)
        )
        session.delete(row)
        audit.note(
            session, caller.authority_id, caller.actor, "delete", f"source:{row.id}", name=row.name
        )
    return Response(status_code=204)


@router.post("/sources/{source_id}/poll")
def poll(source_id: int, caller: Calling) -> dict[str, Any]:
    """Read it now and say what came. A failure of the source is an answer, not an error."""
    caller.need("write")
    with db.reading(caller.authority_id) as session:
        _find(session, source_id)
    return polling.poll(source_id, force=True).as_json()


@router.get("/sources/{source_id}/items")
def items(
    source_id: int,
    caller: Calling,
    state: Literal["ignored", "listed", "drafted", "published", "closed"] | None = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
    after: int = 0,
) -> dict[str, Any]:
    """Items as last read, oldest first; `after` is the id of the last one of the page before."""
    with db.reading(caller.authority_id) as session:
        _find(session, source_id)
        statement = (
            select(ItemRow, Publication.state)
            .join(Publication, col(Publication.id) == ItemRow.publication_id, isouter=True)
            .where(ItemRow.source_id == source_id, col(ItemRow.id) > after)
            .order_by(col(ItemRow.id))
            .limit(limit)
        )
        if state:
            statement = statement.where(ItemRow.state == state)
        rows = session.exec(statement).all()
        also = _also(session, source_id, [r.publication_id for r, _ in rows if r.publication_id])
        return {
            "items": [
                _item(r, lives) | {"also": also.get(r.publication_id, [])} for r, lives in rows
            ]
        }


# --- inside --------------------------------------------------------------------------------------


def listing(session: Session, source_id: int | None = None) -> list[dict[str, Any]]:
    """Sources with how they stand."""
    statement = (
        select(Source, Station.code, func.count(col(ItemRow.id)))
        .join(Station, col(Station.id) == Source.station_id)
        .join(ItemRow, col(ItemRow.source_id) == Source.id, isouter=True)
        .group_by(col(Source.id), col(Station.code))
        .order_by(col(Source.id))
    )
    if source_id is not None:
        statement = statement.where(Source.id == source_id)
    return [
        {
            "id": row.id,
            "name": row.name,
            "kind": row.kind,
            "url": row.url,
            "station": station,
            "category": row.category,
            "intake": row.intake,
            "interval_s": row.interval_s,
            "options": row.options,
            "paused": row.paused,
            "health": SourceHealth.PAUSED if row.paused else row.health,
            "error": row.error,
            "entry_errors": row.entry_errors,
            "failures": row.failures,
            "last_try": _when(row.last_try),
            "last_good": _when(row.last_good),
            "next_at": _when(row.next_at),
            "items": count,
        }
        for row, station, count in session.exec(statement).all()
    ]


def _also(session: Session, source_id: int, publications: list[str]) -> dict[str, list[str]]:
    """The other sources that bring the same, by publication."""
    found: dict[str, list[str]] = {}
    for publication, name in session.exec(
        select(ItemRow.publication_id, Source.name)
        .join(Source, col(Source.id) == ItemRow.source_id)
        .where(col(ItemRow.publication_id).in_(publications), ItemRow.source_id != source_id)
        .order_by(col(Source.id))
        .distinct()
    ).all():
        found.setdefault(publication, []).append(name)
    return found


def _item(row: ItemRow, lives: str | None) -> dict[str, Any]:
    return {
        "id": row.id,
        "external_id": row.external_id,
        "version": row.version,
        "state": row.state,
        "reason": row.reason,
        "rule": row.rule,
        "headline": row.headline,
        "starts": _when(row.starts),
        "ends": _when(row.ends),
        "publication": row.publication_id or None,
        "publication_state": lives,
        "first_seen": _when(row.first_seen),
        "last_seen": _when(row.last_seen),
        "missing_since": _when(row.missing_since),
    }


def _made(session: Session, authority_id: int, body: SourceIn) -> Source:
    """The row of a request, every field checked; not yet added."""
    kind = registry.connector(body.kind)
    options, secrets = _split(body.kind, body.options)
    return Source(
        authority_id=authority_id,
        name=body.name,
        kind=body.kind,
        url=_checked(body.url),
        station_id=_station_id(session, authority_id, body.station),
        options=options,
        secrets=secrets,
        category=_category(body.category) if body.category else "",
        intake=body.intake,
        interval_s=body.interval_s or kind.default_interval_s,
        next_at=clock.now(),
    )


def _checked(url: str) -> str:
    try:
        return sources.check_url(url)
    except sources.SourceRefused as error:
        raise _problem(error) from error


def _split(kind: str, options: dict[str, Any], sealed: str = "") -> tuple[dict[str, Any], str]:
    try:
        return sources.split_options(kind, options, sealed)
    except sources.SourceRefused as error:
        raise _problem(error) from error


def _problem(error: sources.SourceRefused) -> Problem:
    return Problem(
        422,
        "The source cannot be taken.",
        "Nothing was kept. Correct the fields below and send it again.",
        [{"field": field, "reason": reason} for field, reason in error.errors],
    )


def _station_id(session: Session, authority_id: int, code: str | None) -> int:
    return accounts.station_of(session, authority_id, code).id or 0


def _category(key: str) -> str:
    try:
        return categories.get(key).key
    except categories.UnknownCategory as error:
        raise wrong("category", str(error)) from error


def _find(session: Session, source_id: int) -> Source:
    row = session.exec(select(Source).where(Source.id == source_id)).first()
    if row is None:
        raise Problem(404, "There is no such source here.")
    return row


def _one(session: Session, source_id: int | None) -> dict[str, Any]:
    rows = listing(session, source_id or 0)
    if not rows:
        raise Problem(404, "There is no such source here.")
    return rows[0]


def _when(moment: Any) -> str | None:
    return clock.rfc3339(moment) if moment else None
