"""panel compile: what a panel would show of a publication. Needs no running hub and no database."""

import dataclasses
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from hub import clock
from hub.api.problems import from_validation
from hub.api.publications import PublicationIn
from hub.cli.app import AsJson, fail, say
from hub.cli.panels import group
from hub.cli.talking import File, read_file
from hub.contracts import Notice, Refusal
from hub.models import Authority, Station
from hub.notices import draft_notice

_USAGE = 2


@group.command("compile")
def compile_(
    file: File,
    model: Annotated[str, typer.Option(help="A model of config/panels/.")] = "text-8x16",
    as_json: AsJson = False,
    png: Annotated[
        Path | None, typer.Option(help="Draw the pages side by side into this file.")
    ] = None,
    scale: Annotated[
        int, typer.Option(min=1, max=20, help="Pixels a dot of --png; 1: the bare dots.")
    ] = 5,
    page: Annotated[int | None, typer.Option(min=1, help="Draw this page only.")] = None,
    languages: Annotated[
        str, typer.Option(help="In this order, e.g. fr,en; the publication's first when left out.")
    ] = "",
    hold_ms: Annotated[
        int | None, typer.Option(min=1000, max=60000, help="Least time of a page.")
    ] = None,
    says: Annotated[str, typer.Option(help="Who says it, where there is room.")] = "",
    timezone: Annotated[str, typer.Option(help="The zone of days and hours.")] = "Europe/Paris",
    locale: Annotated[str, typer.Option(help="Language of refusals: fr, en, es.")] = "fr",
    at: Annotated[str, typer.Option(help="As if now were this moment (RFC 3339).")] = "",
) -> None:
    """The pages of a publication on a panel, or why it cannot be shown.

    Exits 1 when it is refused, 2 when the question cannot be understood.
    """
    models = import_module("channels.panels.model")
    try:
        face = models.load(model)
    except models.UnknownModel as error:
        fail("No such model.", [{"field": "--model", "reason": str(error)}], as_json, _USAGE)
    now = moment_of(at, timezone, as_json)
    notice = notice_of(read_file(file, as_json), says, timezone, now, as_json)
    spoken = tuple(part.strip() for part in languages.split(",") if part.strip())
    done = import_module("channels.panels.compiler").compile_notice(
        notice, face, spoken or (next(iter(notice.texts)),), hold_ms or face.hold_ms, locale
    )
    if isinstance(done, Refusal):
        said = {"model": face.name, "fits": False, "refused": dataclasses.asdict(done)}
        say(said, as_json, f"{done.field}: {done.reason}\n{done.what_would_fit}".strip())
        raise typer.Exit(1)
    if page is not None and page > len(done.pages):
        reason = f"there are {len(done.pages)} pages"
        fail("No such page.", [{"field": "--page", "reason": reason}], as_json, _USAGE)
    if png is not None:
        chosen = done.pages if page is None else done.pages[page - 1 : page]
        drawn = import_module("channels.panels.picture").picture(chosen, face, scale)
        try:
            png.write_bytes(drawn)
        except OSError as error:
            fail("The picture cannot be written.", [{"field": "--png", "reason": str(error)}],
                 as_json, _USAGE)  # fmt: skip
    answer = {
        "model": face.name,
        "fits": True,
        "pages": [_page(each) for each in done.pages],
        "level": done.level.name.lower(),
        "left_out": list(done.left_out),
        "warnings": list(done.warnings),
    }
    frames = (_framed(each.lines, face.columns) for each in done.pages)
    say(answer, as_json, "\n".join([*frames, *done.warnings]))


def moment_of(at: str, timezone: str, as_json: bool) -> datetime:
    """RFC 3339 or now. Leaves with 2 where the moment or the zone is none."""
    try:
        now = datetime.fromisoformat(at) if at else clock.now()
        if now.tzinfo is None:
            raise ValueError(f"{at} has no zone: write {at}Z")
        clock.local(now, timezone)
    except (ValueError, OSError, KeyError) as error:
        problem = {"field": "--at, --timezone", "reason": str(error)}
        fail("Not understood.", [problem], as_json, _USAGE)
    return now


def notice_of(
    data: dict[str, Any],
    says: str,
    timezone: str,
    now: datetime,
    as_json: bool,
    publication: str = "0" * 26,
) -> Notice:
    """The notice that a publication would be, said by `says`. Leaves with 2 where it is none."""
    try:
        given = PublicationIn.model_validate(data)
    except ValidationError as error:
        problems = from_validation(error.errors())
        fail("The publication cannot be taken.", problems, as_json, _USAGE)
    content = given.content()
    town = Authority(code="authority", name=says, timezone=timezone, languages=[*content.texts])
    station = Station(authority_id=0, code=given.station or "", name=says)
    return draft_notice(content, town, station, now, publication=publication)


def _page(page: Any) -> dict[str, Any]:
    said = {
        "lines": list(page.lines),
        "hold_ms": page.hold_ms,
        "reading_ms": page.reading_ms,
        "units": list(page.units),
        "hash": page.hash,
    }
    bitmap = page.bitmap
    if bitmap is not None:
        said["bitmap"] = {
            "mode": bitmap.mode, "width": bitmap.width, "height": bitmap.height,
            "png_bytes": len(bitmap.png()),
        }  # fmt: skip
    return said


def _framed(lines: tuple[str, ...], columns: int) -> str:
    width = max(columns, *map(len, lines))
    rule = "+" + "-" * width + "+"
    return "\n".join([rule, *(f"|{line.center(width)}|" for line in lines), rule])
