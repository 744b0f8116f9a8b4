"""Whom an audience holds, against the plain reading of its rules over every row, on both databases;
and that what the indexes say follows every change of a phone."""

import os
import random
from pathlib import Path
from typing import Any

import h3.api.basic_int as h3
import numpy as np
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlmodel import Session, select

from hub import audience, cells, clock, db, notices, subscribing
from hub.contracts import Notice
from hub.devices import Device, Gate
from hub.dispatch import hearing
from hub.models import Authority, Follow, FollowCell, Station, Subscription
from hub.rules.plan import Audience
from hub.subscribing import Wishes
from hub.vocabulary import SEVERITY_ORDER, Lane, Severity
from tests.conftest import start_instance
from tests.factories import content, station, town
from tests.fakes.push_service import FakePhone

LANCEY, BRIGNOUD = (45.236, 5.879), (45.257, 5.905)
HERE = h3.latlng_to_cell(*LANCEY, cells.RESOLUTION)
THERE = h3.latlng_to_cell(*BRIGNOUD, cells.RESOLUTION)
KEY = ec.derive_private_key(7, ec.SECP256R1())
AREA = {"type": "Point", "coordinates": [LANCEY[1], LANCEY[0]]}


@pytest.fixture
def here(hub_on_both: Path) -> Authority:
    database = os.environ.get("TAMBOUR_DATABASE_URL", "")
    more = {"TAMBOUR_DATABASE_URL": database} if database else {}
    start_instance(hub_on_both, TAMBOUR_TESTING="1", **more)
    made = town()
    with db.writing(made.id) as session:
        session.add(Station(authority_id=made.id, code="ECOLE", name="École"))
    return made


def follow(number: int, **wishes: Any) -> tuple[int, str]:
    """(id, token) of a phone."""
    phone = FakePhone(f"https://updates.push.services.mozilla.com/{number}", KEY, b"s" * 16)
    with db.writing(db.EVERYWHERE) as session:
        row, token = subscribing.create(
            session,
            Device(phone.endpoint, phone.p256dh, phone.auth),
            Wishes(**({"stations": ["VILLARD"]} | wishes)),
            Gate.of_settings(),
            "annonces.example",
        )
        return row.id or 0, token


def notice(session: Session, authority: Authority, **more: Any) -> Notice:
    said = content(**more)
    return notices.draft_notice(said, authority, station(session, authority), clock.now())


def found(authority: Authority, who: Audience, lane: Lane = Lane.NORMAL, **more: Any) -> list[int]:
    with db.reading(authority.id) as session:
        ids = audience.phones(session, authority.id, who, notice(session, authority, **more), lane)
    assert ids.dtype == np.int64
    return ids.tolist()


def test_any_audience_is_the_plain_reading_of_its_rules(here: Authority) -> None:
    """Forty phones of every sort, sixty audiences of every sort."""
    chance = random.Random(38547)
    codes, kinds = ["VILLARD", "ECOLE"], ["roadworks", "water", "school"]
    phones: dict[int, dict[str, Any]] = {}
    for number in range(40):
        wanted = {
            "stations": chance.sample(codes, chance.randint(1, 2)),
            "categories": chance.sample(kinds, chance.randint(0, 2)),
            "min_severity": chance.choice(["Unknown", "Minor", "Severe"]),
            "cells": [cells.name(c) for c in chance.sample([HERE, THERE], chance.randint(0, 2))],
        }
        phones[follow(number, **wanted)[0]] = wanted
    asleep = chance.sample(sorted(phones), 8)
    with db.writing(db.EVERYWHERE) as session:
        for sleeper in asleep:
            session.get_one(Subscription, sleeper).state = "dormant"
        session.flush()
        audience.set_reach(session, asleep, "dormant")
    cover = {HERE: 0.0, THERE: 3_200.0}  # metres from the area, roughly
    for _ in range(60):
        who = Audience(
            stations=frozenset(chance.sample(codes, chance.randint(1, 2))),
            everyone=chance.random() < 0.3,
            wishes=chance.random() < 0.7,
            within_m=chance.choice([None, None, 0.0, 5_000.0]),
        )
        lane = chance.choice(list(Lane))
        category, severity = chance.choice(kinds), chance.choice(list(Severity))
        area = chance.choice([AREA, None])

        def meant(number: int, wanted: dict[str, Any]) -> bool:
            urgent = lane is Lane.URGENT  # noqa: B023
            stations = set(codes if who.everyone else who.stations)  # noqa: B023
            if not stations & set(wanted["stations"]) or (number in asleep and not urgent):
                return False
            if who.within_m is not None and area and wanted["cells"]:  # noqa: B023
                near = [cover[cells.number(c)] <= who.within_m for c in wanted["cells"]]  # noqa: B023
                if not any(near):
                    return False
            least = SEVERITY_ORDER[Severity(wanted["min_severity"])]
            heavy = severity is Severity.UNKNOWN or SEVERITY_ORDER[severity] >= least  # noqa: B023
            wished = not who.wishes or not wanted["categories"] or category in wanted["categories"]  # noqa: B023
            return urgent or (heavy and wished)

        expected = [n for n, wanted in sorted(phones.items()) if meant(n, wanted)]
        given = found(here, who, lane, category=category, severity=severity, area=area)
        assert given == expected, (who, lane, category, severity)


def test_two_distances_are_a_union_and_neither_widens_the_other(here: Authority) -> None:
    near, _ = follow(1, cells=[cells.name(HERE)])
    far, _ = follow(2, cells=[cells.name(THERE)])
    school, _ = follow(3, stations=["ECOLE"], cells=[cells.name(THERE)])
    follow(4, stations=["ECOLE"], categories=["water"], cells=[cells.name(THERE)])
    both = Audience(
        stations=frozenset({"VILLARD"}),
        within_m=0.0,
        also=(Audience(stations=frozenset({"ECOLE"})),),
    )
    assert found(here, both, area=AREA) == [near, school]
    assert far not in found(here, both, area=AREA)


def test_another_authority_is_never_in_it(here: Authority) -> None:
    froges = town("froges")
    follow(1, stations=["FROGES"])
    mine, _ = follow(2)
    assert found(here, Audience(everyone=True)) == [mine]
    assert found(here, Audience(stations=frozenset({"FROGES"}))) == []
    assert len(found(froges, Audience(everyone=True))) == 1


def test_the_indexes_follow_every_change(here: Authority) -> None:
    number, token = follow(1, categories=["water"], cells=[cells.name(HERE)])

    def change(**wishes: Any) -> None:
        with db.writing(db.EVERYWHERE) as session:
            subscribing.change(
                session, token, Wishes(**wishes), Gate.of_settings(), "annonces.example"
            )

    near = Audience(everyone=True, within_m=0.0)
    assert found(here, near, area=AREA) == []
    assert found(here, near, area=AREA, category="water") == [number]
    change(categories=[])
    assert found(here, near, area=AREA) == [number]
    change(cells=[cells.name(THERE)])
    assert found(here, near, area=AREA) == []
    change(cells=[])
    assert found(here, near, area=AREA) == [number]
    change(min_severity="Severe")
    assert found(here, near, area=AREA, severity="Minor") == []
    change(min_severity="Unknown", stations=["ECOLE"])
    assert found(here, Audience(stations=frozenset({"VILLARD"}))) == []
    with db.writing(db.EVERYWHERE) as session:
        row = session.get_one(Subscription, number)
        row.failures, row.failing_since = 30, clock.now().replace(year=2020)
        session.flush()
        hearing.bad_news(session, [number])
    assert found(here, near) == []
    assert found(here, near, Lane.URGENT) == [number]
    with db.writing(db.EVERYWHERE) as session:
        hearing.good_news(session, [number])
    assert found(here, near) == [number]
    with db.writing(db.EVERYWHERE) as session:
        subscribing.remove(session, token)
        session.flush()
        assert session.exec(select(Follow)).all() == session.exec(select(FollowCell)).all() == []


def test_a_category_keeps_its_bit_and_a_sixty_third_shares_the_last(here: Authority) -> None:
    with db.writing(db.EVERYWHERE) as session:
        first = audience.mask(session, ["water"])
        masks = [audience.mask(session, [f"kind-{n}"]) for n in range(70)]
        assert audience.mask(session, ["water"]) == first
        assert masks[-1] == masks[-2] == 1 << 61
        assert len(set(masks)) == 61
        assert audience.mask(session, []) == 0
