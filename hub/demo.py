"""The demo town: what config/demo/villard-bonnot.yaml describes, and the processes around it.

Seeding again changes nothing a person made; it only follows the addresses of the demo's own street
and feeds, whose ports may have moved since the last start.
"""

from pathlib import Path
from typing import Any

import yaml
from sqlmodel import Session, select

from hub import accounts, clock, db, outbox, outlets, registry, settings, up
from hub.api.outlets import add_numbers
from hub.embedded import feeds, ports
from hub.embedded.process import Service
from hub.models import Authority, Member, Outlet, Source, Station
from hub.vocabulary import Role

FILE = Path("demo") / "villard-bonnot.yaml"
TWINS = (("place-mairie", "face1"), ("gare-lancey", "face2"))


def seed(at: dict[str, int], told: bool) -> list[str] | None:
    """Write what is missing. `at`: ports by name (feeds, street).

    Returns the lines of the first sign-in if the password is new: it is, until `told` says that
    somebody saw it.
    """
    town = _read(at)
    with db.writing(db.EVERYWHERE) as session:
        wanted = town["authority"]
        found = session.exec(select(Authority).where(Authority.code == wanted["code"])).first()
        authority = found or accounts.create_authority(session, **wanted)
        authority_id = authority.id or 0
    with db.writing(authority_id) as session:
        for row in town["stations"]:
            if not session.exec(select(Station).where(Station.code == row["code"])).first():
                session.add(Station(authority_id=authority_id, **row))
        session.flush()
        stations = {s.code: s.id or 0 for s in session.exec(select(Station)).all()}
        for row in town["outlets"]:
            _outlet(session, authority_id, stations, dict(row))
        for row in town["sources"]:
            _source(session, authority_id, stations, dict(row))
        return _member(session, authority, town["member"], told)


def _read(at: dict[str, int]) -> dict[str, Any]:
    text = (settings.get().config / FILE).read_text("utf-8")
    for name in ("feeds", "street"):
        text = text.replace("{" + name + "}", f"127.0.0.1:{at[name]}")
    town: dict[str, Any] = yaml.safe_load(text)
    return town


def _outlet(
    session: Session, authority_id: int, stations: dict[str, int], row: dict[str, Any]
) -> None:
    contacts: dict[str, list[str]] = row.pop("contacts", {})
    station = row.pop("station", None)
    options, sealed = outlets.split_options(row["kind"], row.pop("options", {}))
    outlet = session.exec(select(Outlet).where(Outlet.code == row["code"])).first()
    if outlet is None:
        outlet = Outlet(
            authority_id=authority_id,
            station_id=stations[station] if station else None,
            options=options,
            secrets=sealed,
            **row,
        )
        session.add(outlet)
        session.flush()
        if registry.is_display(outlet.kind):
            outbox.welcome(session, outlet)
        for language, numbers in contacts.items():
            add_numbers(session, outlet, numbers, language)
    elif outlet.kind in ("sms", "mastodon"):
        outlet.options, outlet.secrets = options, sealed
        session.add(outlet)


def _source(
    session: Session, authority_id: int, stations: dict[str, int], row: dict[str, Any]
) -> None:
    station = stations[row.pop("station")]
    source = session.exec(select(Source).where(Source.name == row["name"])).first()
    if source is None:
        session.add(
            Source(authority_id=authority_id, station_id=station, next_at=clock.now(), **row)
        )
    elif source.url != row["url"]:
        source.url, source.next_at = row["url"], clock.now()
        session.add(source)


def _member(
    session: Session, authority: Authority, row: dict[str, Any], told: bool
) -> list[str] | None:
    member = session.exec(select(Member).where(Member.email == row["email"])).first()
    if member is not None and (told or member.last_seen is not None):
        return None
    password = accounts.new_password()
    if member is None:
        roles = [Role(name) for name in row["roles"]]
        accounts.create_member(session, authority, row["email"], row["name"], password, roles)
    else:  # the start before was ended before anybody saw its password
        accounts.set_password(session, member, password)
    return [f"address   {row['email']}", f"password  {password}"]


def services(at: dict[str, int]) -> list[Service]:
    """The outside world on loopback: feeds, the street, two twins with their faces."""

    def answers(port: int) -> bool:
        return ports.answers("127.0.0.1", port)

    town = _read(at)
    models = {row["code"]: row.get("options", {}).get("model") for row in town["outlets"]}
    twins = [
        up.of_ours(
            f"twin-{panel}",
            *("panel", "emulate", "--authority", town["authority"]["code"], "--panel", panel),
            *("--model", models[panel], "--face-port", str(at[face]), "--at-once"),
            ready=lambda _log, port=at[face]: answers(port),
            title=models[panel],
        )
        for panel, face in TWINS
    ]
    return [
        Service(
            "feeds",
            ("tambour", "feeds", str(at["feeds"])),
            call=lambda: feeds.main(at["feeds"]),
            ready=lambda _log: answers(at["feeds"]),
            title="agenda and alerts",
        ),
        up.of_ours(
            "street",
            *("street", "--port", str(at["street"])),
            ready=lambda _log: answers(at["street"]),
            title="operators, networks",
        ),
        *twins,
    ]
