"""token create, token revoke: without a password on the machine itself."""

from typing import Annotated

import typer

from hub import accounts, clock, db, migrate
from hub.cli.app import AsJson, Authority, app, fail, plain_errors, say
from hub.models import ApiToken
from hub.vocabulary import Role

group = typer.Typer(help="API tokens.", no_args_is_help=True)
app.add_typer(group, name="token")


@group.command()
def create(
    role: Annotated[list[Role], typer.Option(help="May be given more than once.")],
    authority: Authority = "",
    name: str = "command line",
    as_json: AsJson = False,
) -> None:
    """Make a token; it is shown this once."""
    migrate.upgrade()
    with plain_errors(as_json):
        with db.reading(db.EVERYWHERE) as session:
            owner = accounts.authority_by_code(session, authority)
        with db.writing(owner.id or 0) as session:
            row, token = accounts.create_token(session, owner, name, role, "cli")
    answer = {"id": row.id, "token": token, "authority": owner.code, "roles": row.roles}
    say(answer, as_json, token)


@group.command()
def revoke(token_id: int, as_json: AsJson = False) -> None:
    """Make a token useless at once."""
    with db.writing(db.EVERYWHERE) as session:
        row = session.get(ApiToken, token_id)
        if row is None:
            fail(f"There is no token {token_id}.", [], as_json)
        row.revoked = clock.now()
        session.add(row)
    say({"id": token_id, "revoked": True}, as_json, f"Token {token_id} is revoked.")
