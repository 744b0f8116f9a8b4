"""sources poll: read a source now."""

from importlib import import_module

import typer

from hub.cli.app import AsJson, app, fail, say
from hub.worker import use_celery_for_nudges

group = typer.Typer(help="Sources: agendas, warnings, news.", no_args_is_help=True)
app.add_typer(group, name="sources")


@group.command()
def poll(source_id: int, as_json: AsJson = False) -> None:
    """Read a source now and say what came."""
    use_celery_for_nudges()
    try:
        result = import_module("hub.polling").poll(source_id, force=True)
    except LookupError as error:
        fail(str(error), [], as_json)
    say(result.as_json(), as_json, result.says)
    raise typer.Exit(0 if result.ok else 1)
