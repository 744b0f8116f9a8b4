"""The first steps of a real hub, typed on the machine."""

import json
from pathlib import Path

from sqlmodel import select
from typer.testing import CliRunner

from hub import accounts, db
from hub.cli import app, authorities
from hub.models import Authority, Member, Station

ADDED = authorities.authorities  # importing it adds the commands


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, list(words))
    return done.exit_code, done.output


def create(code: str = "froges", **changed: str) -> tuple[int, str]:
    options = {"admin": "mairie@froges.example", "station": "FROGES"} | changed
    flags = [word for name, value in options.items() for word in (f"--{name}", value)]
    return run("authority", "create", code, "Froges", *flags, "--json")


def test_an_authority_starts_with_a_key_a_station_and_an_administrator(hub_on_sqlite: Path) -> None:
    code, said = create()
    assert code == 0
    answer = json.loads(said)
    with db.writing(db.EVERYWHERE) as session:
        town = accounts.authority_by_code(session, "froges")
        assert len(accounts.public_key(town)) == 32
        assert session.exec(select(Station.code)).all() == ["FROGES"]
        member = accounts.sign_in(session, "mairie@froges.example", answer["password"])
    assert member is not None
    assert set(member.roles) == {"admin", "author", "approver", "on-duty"}


def test_what_is_taken_is_named_and_nothing_is_made(hub_on_sqlite: Path) -> None:
    create()
    code, said = create("froges-2", station="FROGES-2")
    assert code == 1
    assert '"field": "admin"' in said
    with db.reading(db.EVERYWHERE) as session:
        assert session.exec(select(Authority.code)).all() == ["froges"]


def test_a_wrong_code_or_zone_is_refused(hub_on_sqlite: Path) -> None:
    assert create("Froges!")[0] == 1
    code, said = create(timezone="Europe/Froges")
    assert code == 1
    assert "Europe/Paris" in said


def test_a_new_password_ends_every_session(hub_on_sqlite: Path) -> None:
    old = json.loads(create()[1])["password"]
    code, said = run("member", "password", "Mairie@froges.example", "--json")
    assert code == 0
    with db.writing(db.EVERYWHERE) as session:
        assert session.exec(select(Member.epoch)).one() == 1
        assert accounts.sign_in(session, "mairie@froges.example", old) is None
        new = json.loads(said)["password"]
        assert accounts.sign_in(session, "mairie@froges.example", new) is not None
    assert run("member", "password", "nobody@froges.example")[0] == 1
