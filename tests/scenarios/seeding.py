"""The small town of the scenarios: two panels, a site, phones, an account, an SMS list."""

import os
from pathlib import Path

from sqlmodel import select

from hub import accounts, db
from hub.api.outlets import add_numbers
from hub.models import Authority, Station
from hub.vocabulary import Role
from tests.factories import outlet
from tests.fakes.mastodon import TOKEN

AUTHORITY = "villard-bonnot"
STATIONS = {"VILLARD": "Mairie de Villard-Bonnot", "TRAVAUX": "Voirie et travaux"}
PLACES = {"place-mairie": (5.8921, 45.2407), "gare-lancey": (5.8774, 45.2333)}
PANELS = {"place-mairie": "text-8x16", "gare-lancey": "text-6x20"}
NUMBERS = [f"+3363998{n:04d}" for n in (11, 27, 143)]


def seed(data: Path) -> None:
    """Write the town into the database of this process's instance, once."""
    with db.writing(db.EVERYWHERE) as session:
        if session.exec(select(Authority).where(Authority.code == AUTHORITY)).first():
            return
        town = accounts.create_authority(session, AUTHORITY, "Villard-Bonnot")
        for code, name in STATIONS.items():
            session.add(Station(authority_id=town.id or 0, code=code, name=name))
        _, token = accounts.create_token(session, town, "tests", [Role.ADMIN], "test")
    for panel, model in PANELS.items():
        longitude, latitude = PLACES[panel]
        outlet(
            town, "panel", panel, {"model": model}, longitude=longitude, latitude=latitude
        )  # fmt: skip
    outlet(town, "website", "site")
    outlet(town, "push", "telephones")
    social = {"instance": os.environ["TOWN_MASTODON"], "token": TOKEN}
    outlet(town, "mastodon", "mastodon", social)
    sms = outlet(town, "sms", "sms", {"url": os.environ["TOWN_SMS"]})
    with db.writing(town.id or 0) as session:
        add_numbers(session, sms, NUMBERS, "fr")
    (data / "token").write_text(token)
