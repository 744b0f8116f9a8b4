"""panel keys, panel rotate-key, panel revoke-key: what panels trust."""

from datetime import timedelta
from typing import Annotated

import typer

from hub import accounts, db, panelkeys
from hub.cli.app import AsJson, Authority, fail, plain_errors, say
from hub.cli.panels import group


@group.command("keys")
def keys(authority: Authority = "", as_json: AsJson = False) -> None:
    """The keys under which this authority signs, and signed."""
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        owner = accounts.authority_by_code(session, authority)
        told = panelkeys.described(session, owner)
    lines = [
        f"{key['key']}  {key['state']}"
        + (f" until {key['until']:%Y-%m-%d %H:%M} UTC" if key["until"] else "")
        + f"\n  {key['public']}"
        for key in told
    ]
    say({"authority": owner.code, "keys": told}, as_json, "\n".join(lines))


@group.command("rotate-key")
def rotate_key(
    authority: Authority = "",
    grace_days: Annotated[
        int, typer.Option(min=0, max=365, help="Days for which plans under the old key hold.")
    ] = panelkeys.GRACE.days,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Sign with a new key from now on; panels follow by themselves."""
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        owner = accounts.authority_by_code(session, authority)
    _ask(f"Change the key under which {owner.name} signs for its panels?", yes or as_json)
    with db.writing(owner.id or 0) as session:
        row = accounts.authority_by_code(session, owner.code)
        name = panelkeys.rotate(session, row, "cli", grace=timedelta(days=grace_days))
    say({"key": name}, as_json, f"The key is {name} now. Every panel is being told.")


@group.command("revoke-key")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key's name, as `panel keys` shows it.")],
    authority: Authority = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Make a key void on every panel at once: it was stolen, or may be."""
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        owner = accounts.authority_by_code(session, authority)
    _ask(f"Make {key} void on every panel of {owner.name}, for ever?", yes or as_json)
    try:
        with db.writing(owner.id or 0) as session:
            row = accounts.authority_by_code(session, owner.code)
            panelkeys.revoke(session, row, key, "cli")
            now = row.key_id
    except panelkeys.UnknownKey as error:
        fail(str(error), [], as_json)
    say({"revoked": key, "key": now}, as_json, f"{key} is void. The key is {now}.")


def _ask(question: str, sure: bool) -> None:
    if not sure:
        typer.confirm(question, abort=True)
