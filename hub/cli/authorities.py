"""authority create, member password: the first steps of a real hub, on the machine itself."""

import re
from typing import Annotated
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import typer
from sqlmodel import select

from hub import accounts, audit, db, migrate
from hub.cli.app import AsJson, app, fail, plain_errors, say
from hub.models import Authority, Member, Station
from hub.vocabulary import Role

authorities = typer.Typer(help="Authorities.", no_args_is_help=True)
members = typer.Typer(help="People who work for an authority.", no_args_is_help=True)
app.add_typer(authorities, name="authority")
app.add_typer(members, name="member")

CODE = r"^[a-z0-9][a-z0-9-]{0,40}$"


@authorities.command(name="create")
def create_authority(
    code: Annotated[str, typer.Argument(help="Small letters, digits, dashes: villard-bonnot.")],
    name: Annotated[str, typer.Argument(help="As citizens read it.")],
    admin: Annotated[str, typer.Option(help="E-mail address of its first administrator.")],
    station: Annotated[str, typer.Option(help="Public code of its first station.")],
    timezone: str = "Europe/Paris",
    language: Annotated[list[str] | None, typer.Option(help="The first is the main one.")] = None,
    insee: Annotated[str, typer.Option(help="INSEE code of a commune.")] = "",
    as_json: AsJson = False,
) -> None:
    """An authority with its signing key, first station and administrator; the password is shown
    this once."""
    if not re.fullmatch(CODE, code):
        reason = "small letters, digits and dashes, at most 41"
        fail("The code cannot be taken.", [{"field": "code", "reason": reason}], as_json)
    try:
        ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError):
        reason = f"{timezone} is no zone; write it like Europe/Paris"
        fail("The zone is not known.", [{"field": "timezone", "reason": reason}], as_json)
    migrate.upgrade()
    password = accounts.new_password()
    with plain_errors(as_json), db.writing(db.EVERYWHERE) as session:
        for field, row in (
            ("code", select(Authority.id).where(Authority.code == code)),
            ("station", select(Station.id).where(Station.code == station)),
            ("admin", select(Member.id).where(Member.email == admin.strip().lower())),
        ):
            if session.exec(row).first() is not None:
                reason = "is taken on this hub; nothing was made"
                fail("There is one already.", [{"field": field, "reason": reason}], as_json)
        made = accounts.create_authority(
            session, code, name, timezone=timezone, languages=language or ["fr"], insee=insee
        )
        session.add(Station(authority_id=made.id or 0, code=station, name=name))
        accounts.create_member(session, made, admin, admin.split("@")[0], password, list(Role))
        audit.note(session, made.id or 0, "cli", "create", f"authority:{code}")
    answer = {"authority": code, "station": station, "admin": admin, "password": password}
    say(answer, as_json, f"{name} is ready. First sign-in: {admin}, password {password}")


@members.command(name="password")
def reset_password(
    email: Annotated[str, typer.Argument(help="Whose.")], as_json: AsJson = False
) -> None:
    """A new password, shown this once; every session of that person ends."""
    password = accounts.new_password()
    with plain_errors(as_json), db.writing(db.EVERYWHERE) as session:
        member = session.exec(select(Member).where(Member.email == email.strip().lower())).first()
        if member is None:
            raise accounts.Unknown(f"Nobody here has the address {email}.")
        accounts.set_password(session, member, password)
        audit.note(session, member.authority_id, "cli", "password", f"member:{member.id}")
    say({"email": email, "password": password}, as_json, password)
