"""sources poll: read a source now. sources read: try a connector on a file or an address."""

import json
from datetime import datetime
from importlib import import_module
from typing import Annotated, Any, NoReturn
from zoneinfo import ZoneInfo

import typer

from hub.cli.app import AsJson, app, fail, say

group = typer.Typer(help="Sources: agendas, warnings, news.", no_args_is_help=True)
app.add_typer(group, name="sources")


@group.command()
def poll(source_id: int, as_json: AsJson = False) -> None:
    """Read a source now and say what came."""
    import_module("hub.worker").use_celery_for_nudges()
    try:
        result = import_module("hub.polling").poll(source_id, force=True)
    except LookupError as error:
        fail(str(error), [], as_json)
    say(result.as_json(), as_json, result.says)
    raise typer.Exit(0 if result.ok else 1)


@group.command()
def read(
    kind: Annotated[str, typer.Argument(help="Kind of source: ical, rss, cap…")],
    place: Annotated[str, typer.Argument(metavar="FILE|URL", help="A file, or an address.")],
    at: Annotated[str, typer.Option(help="The moment to judge at (RFC 3339); now.")] = "",
    authority: Annotated[
        str, typer.Option(help="Code of the authority whose territory, zone and rules apply.")
    ] = "",
    option: Annotated[
        list[str] | None,
        typer.Option("--option", "-o", help="An option of the kind: days_ahead=400."),
    ] = None,
    intake: Annotated[
        str, typer.Option(help="Setting of the source: ignore, agenda, draft or publish.")
    ] = "draft",
    category: Annotated[str, typer.Option(help="Category of all its entries.")] = "",
    after: Annotated[
        list[str] | None,
        typer.Option(help="A file read before this one; may be given several times."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """What a connector makes of a file or an address, and what would become of each entry.

    Changes nothing. Leaves with 0 when it was read, 1 when entries were refused, 2 when it cannot
    be read at all.
    """
    trying = import_module("hub.trying")
    if intake not in ("ignore", "agenda", "draft", "publish"):
        _wrong("--intake", "ignore, agenda, draft or publish", as_json)
    owner, moment = judged(authority, at, as_json)
    outcome = trying.read(
        kind,
        place,
        at=moment,
        authority=owner,
        options=_options(option or [], as_json),
        intake=intake,
        category=category,
        after=after or [],
    )
    answer = outcome.as_json()
    say(answer, as_json, "\n".join(_lines(answer)))
    raise typer.Exit(outcome.code)


def judged(authority: str, at: str, as_json: bool) -> tuple[Any, datetime | None]:
    """For which authority and at which moment to judge; None: nobody in particular, now. Leaves
    with 2 where one of them is none."""
    owner = None
    if authority:
        try:
            owner = import_module("hub.trying").authority_of(authority)
        except LookupError as error:
            _wrong("--authority", str(error), as_json)
    zone = owner.timezone if owner else "Europe/Paris"
    return owner, _moment(at, zone, as_json) if at else None


def _moment(text: str, zone: str, as_json: bool) -> datetime:
    """A moment; without an offset it is of the authority's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        _wrong("--at", f"{text!r} is not a moment such as 2026-03-02T08:00:00Z", as_json)
    return moment if moment.tzinfo else moment.replace(tzinfo=ZoneInfo(zone))


def _options(given: list[str], as_json: bool) -> dict[str, Any]:
    """name=value pairs; a value that is JSON is taken as such."""
    made: dict[str, Any] = {}
    for pair in given:
        name, found, value = pair.partition("=")
        if not found:
            _wrong("--option", f"{pair!r} is not name=value", as_json)
        try:
            made[name] = json.loads(value)
        except json.JSONDecodeError:
            made[name] = value
    return made


def _wrong(field: str, reason: str, as_json: bool) -> NoReturn:
    fail("Not understood.", [{"field": field, "reason": reason}], as_json, 2)


def _lines(answer: dict[str, Any]) -> list[str]:
    """For people: a line an item, then what was refused."""
    if answer["error"]:
        where = f" ({answer['error']['where']})" if answer["error"]["where"] else ""
        return [f"{answer['error']['reason']}{where}"]
    would = ", ".join(f"{n} {do}" for do, n in sorted(answer["would"].items())) or "nothing to do"
    title = f" “{answer['title']}”" if answer["title"] else ""
    lines = [f"{answer['kind']}{title}: {answer['count']} entries at {answer['at']}: {would}"]
    for item in answer["items"]:
        texts = next(iter(item["texts"].values()), {"headline": item["id"]})
        when = " – ".join(t for t in (item["starts_local"], item["ends_local"]) if t)
        lines.append(f"{item['would']['do']:8} {when or 'undated'}  {texts['headline']}")
        lines.append(f"         {item['id']}: {item['would']['reason']}".rstrip(": "))
    lines += [f"refused  {e['where']}: {e['reason']}" for e in answer["errors"]]
    lines += answer["notes"]
    return lines
