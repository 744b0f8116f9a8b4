"""The phones of one hub, taken to another: a push of the new one reaches them under the identity
they were made with."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from hub import audience, db, migrate, portable, publishing, subscribing
from hub.cli.app import app, prepare
from hub.devices import Device, Gate
from hub.models import Authority, Follow, FollowCell, PushIdentity, Subscription
from hub.rules.plan import Audience
from hub.subscribing import Wishes
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.fakes.push_service import FakePhone, PushService
from tests.hub.test_audience import HERE, notice
from tests.working import work_all

WORDS = "une phrase assez longue"


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as made:
        yield made


@pytest.fixture
def phones(hub_on_sqlite: Path, service: PushService) -> list[tuple[FakePhone, str]]:
    """Five phones of the old hub and their tokens."""
    start_instance(hub_on_sqlite, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=service.pair)
    town()
    return [
        follow(service.phone(), categories=["water"] if n == 1 else None, cells=cells_of(n))
        for n in range(5)
    ]


def cells_of(number: int) -> list[str]:
    return [f"{HERE:x}"] if number == 2 else []


def follow(phone: FakePhone, **wishes: Any) -> tuple[FakePhone, str]:
    with db.writing(db.EVERYWHERE) as session:
        _, token = subscribing.create(
            session,
            Device(phone.endpoint, phone.p256dh, phone.auth),
            Wishes(stations=["VILLARD"], **wishes),
            Gate.of_settings(),
            "annonces.example",
        )
    return phone, token


def exported(authority_id: int | None = None) -> str:
    out = io.StringIO()
    portable.write(out, WORDS, authority_id)
    return out.getvalue()


def move(folder: Path, service: PushService) -> Authority:
    """An empty hub elsewhere, of the same town."""
    start_instance(folder, TAMBOUR_TESTING="1", TAMBOUR_ALLOW_PRIVATE=service.pair)
    migrate.upgrade()
    made = town()
    outlet(made, "push")
    return made


def take(text: str) -> portable.Report:
    return portable.read(io.StringIO(text), WORDS)


def everything(table: Any) -> list[Any]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(table).order_by(table.id)).all())


def test_a_push_of_the_new_hub_reaches_them_under_their_old_identity(
    phones: list[tuple[FakePhone, str]], service: PushService, tmp_path: Path
) -> None:
    file = exported()
    keys = {row.public_key for row in everything(PushIdentity)}
    here = move(tmp_path / "new", service)
    report = take(file)
    assert (report.taken, report.follows, report.refused) == (5, 5, [])
    with db.writing(here.id) as session:
        said = publishing.create(session, "t", station(session, here), content())
        publishing.publish(session, said, "t")
    work_all()
    for number, (phone, _) in enumerate(phones):
        told = service.messages(phone)
        assert len(told) == (0 if number == 1 else 1)  # the second only wished for water
    assert {r.headers["authorization"].rpartition("k=")[2] for r in service.received} == keys
    with db.reading(db.EVERYWHERE) as session:
        row = subscribing.find(session, phones[2][1])  # its token is good here, too
        assert row.cells == cells_of(2)
        near = Audience(everyone=True, within_m=0.0)
        area = {"type": "Point", "coordinates": [5.0, 45.0]}
        found = audience.phones(session, here.id, near, notice(session, here, area=area), "normal")
        assert row.id not in found.tolist()
    assert len(everything(Follow)) == len(everything(Subscription)) == 5
    with db.reading(db.EVERYWHERE) as session:
        assert len(session.exec(select(FollowCell)).all()) == 5


def test_reading_it_again_changes_nothing(
    phones: list[tuple[FakePhone, str]], service: PushService, tmp_path: Path
) -> None:
    file = exported()
    move(tmp_path / "new", service)
    take(file)
    before = everything(Subscription), everything(Follow), everything(PushIdentity)
    report = take(file)
    assert (report.taken, report.known, report.refused_count) == (0, 5, 0)
    assert (everything(Subscription), everything(Follow), everything(PushIdentity)) == before


def test_no_private_key_is_in_the_open(phones: list[tuple[FakePhone, str]]) -> None:
    file = exported()
    head, *lines = [json.loads(line) for line in file.splitlines()]
    assert set(head) == {"format", "version", "created", "identities"}
    assert head["identities"]["cipher"] == "AES-256-GCM"
    for row in everything(PushIdentity):
        assert row.private_key not in file
    assert len(lines) == 5
    with pytest.raises(portable.NotPortable, match="passphrase"):
        portable.read(io.StringIO(file), "une autre phrase")
    with pytest.raises(portable.NotPortable, match="12"):
        portable.write(io.StringIO(), "court")


def test_wrong_lines_are_named_and_the_others_taken(
    phones: list[tuple[FakePhone, str]], service: PushService, tmp_path: Path
) -> None:
    head, *lines = exported().splitlines()
    wrong = [
        lines[0][:50],
        json.dumps(json.loads(lines[0]) | {"endpoint": "http://10.0.0.1/x"}),
        json.dumps(json.loads(lines[0]) | {"p256dh": "AAAA"}),
        json.dumps(json.loads(lines[0]) | {"identity": 99}),
        json.dumps(json.loads(lines[0]) | {"cells": ["8a1fb46622dffff"]}),
        json.dumps(json.loads(lines[0]) | {"token_hash": "x"}),
        "[1]",
        "x" * 20_000,
        json.dumps(json.loads(lines[1]) | {"endpoint": json.loads(lines[1])["endpoint"] + "2"}),
    ]
    ghost = json.dumps(
        json.loads(lines[4]) | {"follows": [{"station": "NOWHERE", "categories": []}]}
    )
    move(tmp_path / "new", service)
    report = take("\n".join([head, *lines[:4], *wrong, "", ghost]) + "\n")
    assert (report.taken, report.refused_count) == (5, len(wrong))
    assert [line for line, _ in report.refused] == list(range(6, 6 + len(wrong)))
    assert report.unknown_stations == {"NOWHERE"}
    assert len(everything(Follow)) == 4


@pytest.mark.parametrize(
    "head",
    [
        "",
        "{}",
        "not json",
        '{"format": "tambour-subscriptions", "version": 2}',
        '{"format": "tambour-subscriptions", "version": 1}',
        '{"format": "tambour-subscriptions", "version": 1, "identities": {"kdf": "scrypt", '
        '"n": 1073741824, "r": 8, "p": 1, "salt": "AA==", "nonce": "AA==", "sealed": "AA=="}}',
    ],
)
def test_what_is_no_such_file_is_refused_whole(hub_on_sqlite: Path, head: str) -> None:
    with pytest.raises(portable.NotPortable):
        take(f"{head}\n{{}}\n")
    assert everything(PushIdentity) == []


def test_only_the_followers_of_one_authority(
    phones: list[tuple[FakePhone, str]], service: PushService
) -> None:
    froges = town("froges")
    assert len(exported(froges.id).splitlines()) == 1
    with db.writing(db.EVERYWHERE) as session:
        wishes = Wishes(stations=["VILLARD", "FROGES"])
        subscribing.change(session, phones[0][1], wishes, Gate.of_settings(), "annonces.example")
    lines = exported(froges.id).splitlines()[1:]
    assert [json.loads(line)["follows"] for line in lines] == [
        [{"station": "FROGES", "categories": []}]
    ]


def test_the_commands_write_a_private_file_and_read_it(
    phones: list[tuple[FakePhone, str]], service: PushService, tmp_path: Path
) -> None:
    prepare()
    file = tmp_path / "phones.jsonl"
    run = CliRunner(env={"TAMBOUR_PASSPHRASE": WORDS})
    done = run.invoke(app, ["subscriptions", "export", str(file), "--json"])
    assert json.loads(done.stdout)["exported"] == 5, done.output
    assert file.stat().st_mode & 0o777 == 0o600
    move(tmp_path / "new", service)
    done = run.invoke(app, ["subscriptions", "import", str(file), "--json"])
    assert (done.exit_code, json.loads(done.stdout)["taken"]) == (0, 5)
    done = run.invoke(app, ["subscriptions", "import", str(tmp_path / "no.jsonl"), "--json"])
    assert done.exit_code == 1
