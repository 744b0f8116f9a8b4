"""publish, cancel, board, plan: the same verbs as the API, on the machine itself."""

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import accounts, board, db, planning, publishing
from hub.api.publications import PublicationIn, bring_to, describe, find
from hub.cli.app import AsJson, Authority, app, fail, plain_errors, say
from hub.models import Publication
from hub.schemas import Content
from hub.vocabulary import EndedAs
from hub.worker import use_celery_for_nudges

ACTOR = "cli"
_BESIDE = ("station", "state", "publish_at", "publication")
File = Annotated[Path, typer.Argument(help="A publication as the API takes it, JSON; - for stdin.")]


def read_file(file: Path, as_json: bool) -> dict[str, Any]:
    """The JSON object in the file. Exits 2 with line and column when it is not one."""
    try:
        text = sys.stdin.read() if str(file) == "-" else file.read_text(encoding="utf-8")
        data = json.loads(text)
    except OSError as error:
        fail(f"The file cannot be read: {error}", [], as_json, 2)
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        fail("The file is not JSON.", [{"field": where, "reason": error.msg}], as_json, 2)
    if not isinstance(data, dict):
        fail("The file must hold one JSON object.", [], as_json, 2)
    return data


@app.command()
def publish(
    file: File,
    authority: Authority = "",
    draft: Annotated[bool, typer.Option("--draft", help="Keep it as a draft.")] = False,
    as_json: AsJson = False,
) -> None:
    """Say something now; or what the file's `state` says: draft, submitted, scheduled."""
    data = read_file(file, as_json)
    use_celery_for_nudges()
    with plain_errors(as_json):
        given = PublicationIn.model_validate({"state": "live"} | data)
        with db.reading(db.EVERYWHERE) as session:
            owner = accounts.authority_by_code(session, authority)
        with db.writing(owner.id or 0) as session:
            station = accounts.station_of(session, owner.id or 0, given.station)
            publication = publishing.create(session, ACTOR, station, given.content())
            state = "draft" if draft else given.state
            held = bring_to(session, publication, ACTOR, state, given.publish_at)
            answer = describe(session, publication)
    routes = (answer["plan"] or {}).get("routes", [])
    stands = answer["draft_state"] or answer["state"]
    words = f"{answer['id']} revision {answer['revision']}: {stands}, {len(routes)} outlets"
    say(answer | ({"held": held} if held else {}), as_json, "\n".join([words, *held]))


@app.command()
def cancel(
    publication: Annotated[str, typer.Argument(help="Its id.")],
    ended_as: Annotated[str, typer.Option("--as", help="over or retracted")] = "over",
    reason: str = "",
    as_json: AsJson = False,
) -> None:
    """End a publication everywhere."""
    use_celery_for_nudges()
    with plain_errors(as_json):
        if ended_as not in ("over", "retracted"):
            fail("Not understood.", [{"field": "--as", "reason": "over or retracted"}], as_json, 2)
        with db.writing(_owner(publication)) as session:
            row = find(session, publication)
            publishing.cancel(session, row, EndedAs(ended_as), ACTOR, reason)
            answer = describe(session, row)
    say(answer, as_json, f"{publication}: ended as {ended_as}")


@app.command(name="board")
def show_board(
    publication: Annotated[str, typer.Argument(help="Its id.")], as_json: AsJson = False
) -> None:
    """For every outlet, what is wanted and what is shown."""
    with plain_errors(as_json), db.reading(_owner(publication)) as session:
        row = find(session, publication)
        rows = board.rows(session, publication)
    lines = [
        f"{'✓' if r.ok else '·'} {r.name:32} {r.kind:9} "
        f"wanted {r.wanted_revision or '-'}  shown {r.shown_revision or '-'}  {r.state} {r.reason}"
        for r in rows
    ]
    answer = {
        "publication": publication,
        "state": row.state,
        "ok": all(r.ok for r in rows),
        "rows": [r.as_json() for r in rows],
    }
    say(answer, as_json, "\n".join(lines) or "No outlet is concerned.")


@app.command()
def plan(file: File, authority: Authority = "", as_json: AsJson = False) -> None:
    """A dry run: who would get it, why, and what each outlet would say."""
    data = read_file(file, as_json)
    with plain_errors(as_json):
        content = Content.model_validate({k: v for k, v in data.items() if k not in _BESIDE})
        with db.reading(db.EVERYWHERE) as session:
            owner = accounts.authority_by_code(session, authority)
            station = accounts.station_of(session, owner.id or 0, data.get("station"))
            run = planning.dry_run(session, owner, station, content)
    answer = planning.plan_json(run)
    lines = [f"lane {run.plan.lane}"]
    lines += [f"→ {r.outlet}: {'; '.join(r.reasons)}" for r in run.plan.routes]
    lines += [f"  {left.outlet}: {left.reason}" for left in run.plan.left_out]
    lines += [f"! {p.outlet}: {p.says.reason}" for p in run.refusals]  # type: ignore[union-attr]
    say(answer, as_json, "\n".join(lines))


def _owner(publication_id: str) -> int:
    with db.reading(db.EVERYWHERE) as session:
        row = session.get(Publication, publication_id)
    if row is None:
        raise accounts.Unknown(f"There is no publication {publication_id}.")
    return row.authority_id
