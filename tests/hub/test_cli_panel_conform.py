"""The conformance kit from the command line, on a hub that goes on living meanwhile."""

import base64
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from typer.testing import CliRunner

from channels.panels import wire
from channels.panels.twin import Twin
from hub import db
from hub.cli import app, panel_conform
from hub.dispatch import displays
from hub.models import Authority, DisplayRow, Outlet
from tests import factories
from tests.conftest import start_instance
from tests.fakes import brokers
from tests.fakes.brokers import Broker, until

ADDED = panel_conform.group  # importing it adds the commands


@pytest.fixture
def broker(hub_on_sqlite: Path, tmp_path: Path) -> Iterator[Broker]:
    for made in brokers.running("mosquitto", tmp_path):
        start_instance(hub_on_sqlite, TAMBOUR_MQTT_URL=made.url)
        yield made
    wire.close_all()


@pytest.fixture
def town(broker: Broker) -> Authority:
    return factories.town()


@pytest.fixture
def panel(town: Authority) -> Outlet:
    return factories.outlet(town, "panel", "mairie", {"model": "text-8x16"})


@pytest.fixture
def twin(town: Authority, broker: Broker, tmp_path: Path) -> Iterator[Twin]:
    made = Twin(broker.url, town.code, "mairie", "text-8x16", tmp_path / "twin", at_once=True)
    stop = threading.Event()
    thread = threading.Thread(target=made.run, args=(stop.is_set,))
    thread.start()
    until(lambda: made.state()["online"], 60, "the twin to connect")
    yield made
    stop.set()
    thread.join(20)


def run(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["panel", "conform", "--panel", "mairie", *words])
    return done.exit_code, done.output


def row_of(panel: Outlet) -> DisplayRow:
    with db.reading(db.EVERYWHERE) as session:
        return session.get_one(DisplayRow, panel.id)


def tell(panel: Outlet) -> bool:
    with db.writing(db.EVERYWHERE) as session:
        displays.due_again(session, panel.id or 0)
    return displays.work(panel.id or 0)


def test_the_hub_is_silent_meanwhile_and_says_its_plan_again_afterwards(
    panel: Outlet, twin: Twin, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert tell(panel)
    until(lambda: twin.state()["plan_rev"] == row_of(panel).say_no, 60, "the hub's plan")
    before = row_of(panel)
    told: list[bool] = []
    kit = panel_conform.import_module("channels.panels.conform")
    monkeypatch.setattr(
        kit, "text", lambda row, _lang: told.append(tell(panel)) or str(row["check"])
    )
    code, said = run("--only", "plan-stages", "--only", "replay", "--out", str(tmp_path / "out"))
    assert code == 0, said
    assert told == [False] * 3  # a worker asked after each check, and was not let in
    after = row_of(panel)
    assert after.lease == ""
    assert after.due_at is not None
    assert displays.work(panel.id or 0)
    until(lambda: twin.state()["plan_rev"] == row_of(panel).say_no, 60, "the hub's plan again")
    assert row_of(panel).say_no > before.say_no
    (page,) = (tmp_path / "out").glob("*.html")
    report = json.loads(page.with_suffix(".json").read_text())
    assert [row["check"] for row in report["checks"]] == ["birth", "plan-stages", "replay"]
    assert report["restored"]
    assert "Le panneau respecte le contrat" in page.read_text()


def test_a_panel_that_does_not_say_what_it_is_ends_the_run(broker: Broker, tmp_path: Path) -> None:
    """Its birth is empty; a key file needs no authority of this hub."""
    (tmp_path / "key").write_bytes(bytes(32))
    publisher = wire.Publisher(broker.url, "maker", 5)
    publisher.publish([wire.Outgoing("tambour/1/essai/mairie/birth", b"{}", {})])
    publisher.close()
    code, said = run(
        "--authority", "essai", "--key", str(tmp_path / "key"), "--only", "birth", "--json",
        "--out", str(tmp_path),
    )  # fmt: skip
    assert code == panel_conform.BROKEN
    report = json.loads(said)
    assert report["trouble"] == "no_birth"
    assert Path(report["html"]).is_file()


def test_a_broker_that_is_away_and_a_wrong_check_are_said_in_words(
    panel: Outlet, tmp_path: Path
) -> None:
    code, said = run("--broker", "mqtt://127.0.0.1:1", "--test-key", "--authority", "a")
    assert code == panel_conform.BROKEN
    assert "cannot be reached" in said
    code, said = run("--only", "coffee")
    assert code == 1
    assert "signature-other" in said
    assert row_of(panel).lease == ""


def test_a_key_is_read_in_every_form_it_is_kept_in(tmp_path: Path) -> None:
    key = Ed25519PrivateKey.generate()
    raw = key.private_bytes_raw()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    text = base64.urlsafe_b64encode(raw).rstrip(b"=") + b"\n"
    for form in (raw, pem, text):
        (tmp_path / "key").write_bytes(form)
        assert panel_conform._given(tmp_path / "key", False) == raw
    (tmp_path / "key").write_text("no key")
    code, said = run("--authority", "a", "--key", str(tmp_path / "key"))
    assert code == 1
    assert "holds no Ed25519 private key" in " ".join(said.split())
