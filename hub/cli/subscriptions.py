"""subscriptions export, import: the phones of a hub, to take to another."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from hub import accounts, db, portable
from hub.cli.app import AsJson, app, fail, plain_errors, say

group = typer.Typer(help="The phones that follow: take them to another hub.", no_args_is_help=True)
app.add_typer(group, name="subscriptions")

Passphrase = Annotated[
    str,
    typer.Option(
        envvar="TAMBOUR_PASSPHRASE",
        prompt=True,
        hide_input=True,
        help="Seals the push identities; at least 12 characters.",
    ),
]


@group.command(name="export")
def export(
    file: Annotated[Path, typer.Argument(help="Where to; - for standard output.")],
    passphrase: Passphrase,
    authority: Annotated[str, typer.Option(help="Only followers of this authority.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write all phones with their push identities: JSON Lines, the identities encrypted."""
    with plain_errors(as_json):
        owner = None
        if authority:
            with db.reading(db.EVERYWHERE) as session:
                owner = accounts.authority_by_code(session, authority).id
        try:
            if str(file) == "-":
                portable.write(sys.stdout, passphrase, owner)
                return
            partial = file.with_name(f"{file.name}.part")
            with open(partial, "w", encoding="utf-8", opener=_private) as out:
                count = portable.write(out, passphrase, owner)
            partial.replace(file)
        except (portable.NotPortable, OSError) as error:
            fail(f"Nothing was exported: {error}", [], as_json)
    say({"exported": count, "file": str(file)}, as_json, f"{count} phones are in {file}.")


@group.command(name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="What an export wrote; - for standard input.")],
    passphrase: Passphrase,
    as_json: AsJson = False,
) -> None:
    """Take in phones of another hub; those that are here already stay as they are."""
    try:
        if str(file) == "-":
            report = portable.read(sys.stdin, passphrase)
        else:
            with open(file, encoding="utf-8") as lines:
                report = portable.read(lines, passphrase)
    except (portable.NotPortable, OSError, UnicodeDecodeError) as error:
        fail(f"The import ended: {error}", [], as_json)
    words = [
        f"{report.taken} phones taken with {report.follows} follows, {report.known} known before, "
        f"{report.refused_count} refused."
    ]
    words += [f"  line {line}: {reason}" for line, reason in report.refused[:20]]
    if report.unknown_stations:
        words.append(f"  Stations not here: {', '.join(sorted(report.unknown_stations)[:20])}.")
    say(report.as_json(), as_json, "\n".join(words))
    raise typer.Exit(1 if report.refused_count else 0)


def _private(path: str, flags: int) -> int:
    """Endpoints and keys are nobody else's to read."""
    return os.open(path, flags, 0o600)
