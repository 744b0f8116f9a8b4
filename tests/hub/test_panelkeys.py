"""The authority's key: changed, made void, and every panel told without a ladder."""

import json
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select
from typer.testing import CliRunner

from channels.panels import Panel, keys, wire
from channels.panels.twin import Twin
from hub import accounts, clock, db, outlets, panelkeys, receipts, vault
from hub.cli import app, panel_keys
from hub.contracts import KeySet, Means
from hub.dispatch import displays
from hub.guard import AddressPolicy
from hub.models import AuditEvent, Authority, DisplayRow, Outlet, RetiredKey
from tests import factories
from tests.conftest import start_instance
from tests.fakes import brokers
from tests.fakes.brokers import Broker, until

ADDED = panel_keys.group  # importing it adds the commands


@pytest.fixture
def town(hub_on_sqlite: Path) -> Authority:
    return factories.town()


def change(town: Authority, what: Callable[..., object], *words: object, **more: object) -> object:
    with db.writing(town.id or 0) as session:
        return what(session, session.get_one(Authority, town.id), *words, "test", **more)


def now_of(town: Authority) -> tuple[Authority, KeySet | None]:
    with db.reading(town.id or 0) as session:
        row = session.get_one(Authority, town.id)
        return row, panelkeys.key_set(session, row)


def test_a_key_that_never_changed_needs_no_set(town: Authority) -> None:
    assert now_of(town)[1] is None


def test_a_change_keeps_the_former_key_for_its_grace_and_signs_the_set_with_both(
    town: Authority,
) -> None:
    before, _ = now_of(town)
    change(town, panelkeys.rotate)
    after, told = now_of(town)
    assert after.key_id != before.key_id
    assert told is not None
    assert [key.key_id for key in told.keys] == [after.key_id, before.key_id]
    assert told.keys[0].until is None
    assert told.keys[1].until is not None
    assert told.keys[1].private == vault.unseal(before.signing_key, "signing-key")
    assert accounts.public_key(after) == told.keys[0].public


def test_numbers_of_sets_rise_and_never_fall_behind_the_clock(town: Authority) -> None:
    revs = []
    for _ in range(2):
        change(town, panelkeys.rotate)
        told = now_of(town)[1]
        assert told is not None
        revs.append(told.rev)
    assert revs[0] < revs[1]
    assert revs[0] >= clock.unix_ms() - 60_000


def test_a_stolen_key_is_replaced_first_and_only_says_its_own_end(town: Authority) -> None:
    before, _ = now_of(town)
    change(town, panelkeys.revoke, before.key_id)
    after, told = now_of(town)
    assert told is not None
    assert [key.key_id for key in told.keys] == [after.key_id]
    assert [key.key_id for key in told.leaving] == [before.key_id]
    with pytest.raises(panelkeys.UnknownKey, match=after.key_id):
        change(town, panelkeys.revoke, before.key_id)
    with pytest.raises(panelkeys.UnknownKey):
        change(town, panelkeys.revoke, "nobody")


def test_a_set_names_eight_keys_at_most(town: Authority) -> None:
    for _ in range(10):
        change(town, panelkeys.rotate)
    told = now_of(town)[1]
    assert told is not None
    assert len(told.keys) == panelkeys.MOST
    with db.reading(town.id or 0) as session:
        assert len(session.exec(select(RetiredKey)).all()) == 10


def test_every_panel_of_the_authority_is_due_and_nobody_elses(town: Authority) -> None:
    mine = factories.outlet(town, "panel", "mairie")
    other = factories.outlet(factories.town("froges"), "panel", "mairie")
    change(town, panelkeys.rotate)
    with db.reading(db.EVERYWHERE) as session:
        due = {row.outlet_id: row.due_at for row in session.exec(select(DisplayRow)).all()}
        events = [(e.verb, e.actor) for e in session.exec(select(AuditEvent)).all()]
    assert due[mine.id or 0] is not None
    assert due[other.id or 0] is None
    assert ("rotate_key", "test") in events


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["panel", *words])
    return done.exit_code, done.output


def test_the_command_asks_first_and_shows_no_private_half(town: Authority) -> None:
    before, _ = now_of(town)
    assert run("rotate-key")[0] == 1  # nobody answered
    assert now_of(town)[0].key_id == before.key_id
    code, said = run("rotate-key", "--yes", "--grace-days", "2")
    assert code == 0
    assert now_of(town)[0].key_id in said
    assert run("revoke-key", "nobody", "--yes")[0] == 1
    code, said = run("keys", "--json")
    told = json.loads(said)["keys"]
    assert [key["state"] for key in told] == ["current", "grace"]
    assert run("revoke-key", before.key_id, "--yes")[0] == 0
    code, said = run("keys")
    assert "revoked" in said
    private = vault.unseal(before.signing_key, "signing-key")
    assert private.hex() not in said
    assert keys.jws.b64(private) not in said


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Broker]:
    yield from brokers.running("mosquitto", tmp_path)
    wire.close_all()


def test_panels_follow_a_change_and_a_revocation_without_a_person(
    hub_on_sqlite: Path, mosquitto: Broker, tmp_path: Path
) -> None:
    """Dispatcher, wire, broker, listener and twin are the real ones; one twin sleeps through it."""
    start_instance(hub_on_sqlite, TAMBOUR_MQTT_URL=mosquitto.url)
    town = factories.town()
    panels = [factories.outlet(town, "panel", code) for code in ("mairie", "gare")]
    stop, awake = threading.Event(), threading.Event()
    first = now_of(town)[0]
    twins = [
        Twin(mosquitto.url, town.code, panel.code, "text-8x16", tmp_path / panel.code, at_once=True)
        for panel in panels
    ]
    means = Means(
        base_url="http://127.0.0.1", policy=AddressPolicy(), broker_url=mosquitto.url, boot="b1"
    )
    listener = Panel.listener(means)
    threads = [
        threading.Thread(target=twins[0].run, args=(stop.is_set,)),
        threading.Thread(target=twins[1].run, args=(lambda: stop.is_set() or awake.is_set(),)),
        threading.Thread(target=listener.listen, args=(receipts.apply, stop.is_set)),
    ]
    for thread in threads:
        thread.start()

    def tell() -> None:
        with db.writing(db.EVERYWHERE) as session:
            for panel in panels:
                displays.due_again(session, panel.id or 0)
        for panel in panels:
            displays.work(panel.id or 0)

    def row(panel: Outlet) -> DisplayRow:
        with db.reading(db.EVERYWHERE) as session:
            return session.get_one(DisplayRow, panel.id)

    def follows(twin: Twin, panel: Outlet, key: str) -> bool:
        return bool(twin.state()["key"] == key and twin.state()["plan_rev"] == row(panel).say_no)

    try:
        tell()
        for twin, panel in zip(twins, panels, strict=True):
            until(lambda t=twin, p=panel: follows(t, p, first.key_id), 90, "the first key")
        awake.set()  # the second one is in a cupboard from here on
        threads[1].join(20)
        change(town, panelkeys.rotate, grace=timedelta(days=1))
        tell()
        until(lambda: follows(twins[0], panels[0], now_of(town)[0].key_id), 90, "the new key")
        change(town, panelkeys.revoke, now_of(town)[0].key_id)
        tell()
        last = now_of(town)[0].key_id
        until(lambda: follows(twins[0], panels[0], last), 90, "the last key")
        threads[1] = threading.Thread(target=twins[1].run, args=(stop.is_set,))
        threads[1].start()
        until(lambda: follows(twins[1], panels[1], last), 90, "the one that slept")
        until(lambda: row(panels[0]).birth.get("key"), 90, "its birth")
        assert row(panels[0]).trouble == ""
    finally:
        stop.set()
        for thread in threads:
            thread.join(20)
        outlets.close_all()
