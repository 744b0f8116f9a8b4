"""The command's frame: groups, the answer in words or as JSON, errors that say what to do."""

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Annotated, Any, NoReturn

import structlog
import typer
from pydantic import ValidationError
from rich.console import Console

from hub import settings

app = typer.Typer(
    help="Tambour: say it once, and have it said everywhere.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, highlight=False)
AsJson = Annotated[bool, typer.Option("--json", help="Answer as JSON on standard output.")]
Authority = Annotated[
    str,
    typer.Option(
        "--authority",
        envvar="TAMBOUR_AUTHORITY",
        help="The authority's code; not needed where there is only one.",
    ),
]


def say(answer: dict[str, Any], as_json: bool, words: str) -> None:
    """The answer: one JSON document, or a sentence for people."""
    typer.echo(json.dumps(answer, ensure_ascii=False, default=str) if as_json else words)


def fail(title: str, errors: list[dict[str, str]], as_json: bool, code: int = 1) -> NoReturn:
    """Say what was wrong, field by field, and leave with `code`."""
    if as_json:
        typer.echo(json.dumps({"title": title, "errors": errors}, ensure_ascii=False))
    console.print(title, style="bold", markup=False)
    for error in errors:
        console.print(f"  {error['field']}: {error['reason']}", markup=False)
    raise typer.Exit(code)


@contextmanager
def plain_errors(as_json: bool) -> Iterator[None]:
    """Turn what the verbs raise into words."""
    # Here: tables and the web framework take 2 s to import, and reading a file needs neither.
    from hub import accounts, outlets, publishing, registry
    from hub.api.problems import Problem, from_validation
    from hub.vocabulary import MoveRefused

    try:
        yield
    except ValidationError as error:
        fail(
            "The input cannot be taken; nothing was kept.", from_validation(error.errors()), as_json
        )
    except publishing.Refused as error:
        fail("That cannot be done.", [{"field": error.field, "reason": error.reason}], as_json)
    except (MoveRefused, accounts.Unknown, registry.UnknownKind) as error:
        fail(str(error), [], as_json)
    except outlets.OptionsRefused as error:
        fail(
            "The options cannot be taken.",
            [{"field": f, "reason": r} for f, r in error.errors],
            as_json,
        )
    except Problem as error:
        fail(error.title, error.errors, as_json)


# Each module registers its commands when it is imported.
COMMANDS = (
    "authorities",
    "certificates",
    "demo",
    "panel_compile",
    "panel_timeline",
    "panel_conform",
    "panel_enrol",
    "panel_keys",
    "panels",
    "roles",
    "samples",
    "sources",
    "subscriptions",
    "talking",
    "tokens",
)


def prepare() -> None:
    """Import every command, read the settings (every problem is said at once), set up the log."""
    # To read a file half of the program is enough, and half the time.
    alone = sys.argv[1:3] in (["sources", "read"], ["sources", "samples"])
    for name in ("samples", "sources") if alone else COMMANDS:
        import_module(f"hub.cli.{name}")
    try:
        level = settings.get().log.upper()
    except settings.SettingsError as error:
        console.print("[bold]These settings cannot be used:[/bold]")
        console.print(str(error), markup=False)
        sys.exit(2)
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
    )


def run() -> None:
    """Entry point of the command."""
    prepare()
    app()
