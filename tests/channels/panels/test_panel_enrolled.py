"""A panel from nothing but the files its installer got; and a fleet in one thread."""

import threading
from pathlib import Path

import pytest
from cryptography import x509

from channels.panels import install
from channels.panels.twin import enrolled, run
from hub import clock
from tests.channels.panels.conftest import now_cut, say
from tests.fakes.brokers import Broker, until

PLACE = install.Place("villard-bonnot", "Commune", "mairie", "Panneau", "text-6x20",
                      "localhost", 8883, b"k" * 32, "vb-1")  # fmt: skip


@pytest.fixture
def ca(tmp_path: Path) -> install.Authority:
    return install.Authority(tmp_path / "ca", b"a passphrase", clock.now())


@pytest.mark.parametrize("password", [False, True])
def test_the_files_of_an_enrolment_are_enough(
    tmp_path: Path, ca: install.Authority, password: bool
) -> None:
    install.enrol(PLACE, ca, tmp_path / "files", clock.now(), password=password)
    found = enrolled.read(tmp_path / "files")
    assert (found.authority, found.panel, found.model) == ("villard-bonnot", "mairie", "text-6x20")
    assert found.key == b"k" * 32
    assert found.client_id == "panel-villard-bonnot-mairie"
    assert found.identity.ca == tmp_path / "files" / "ca.crt"
    assert (found.identity.cert is None) is password
    assert found.broker_url.startswith(
        "mqtts://villard-bonnot%2Fmairie:" if password else "mqtts://localhost:8883"
    )
    assert found.broker_url not in repr(found)


@pytest.mark.parametrize("password", [False, True])
def test_an_enrolment_makes_an_earlier_certificate_void(
    tmp_path: Path, ca: install.Authority, password: bool
) -> None:
    install.enrol(PLACE, ca, tmp_path / "old", clock.now())
    old = x509.load_pem_x509_certificate((tmp_path / "old" / "panel.crt").read_bytes())
    install.enrol(PLACE, ca, tmp_path / "new", clock.now(), password=password)
    void = x509.load_pem_x509_crl(ca.void_list())
    assert [row.serial_number for row in void] == [old.serial_number]


def test_other_folders_are_refused_with_words(tmp_path: Path) -> None:
    with pytest.raises(enrolled.NotEnrolled, match="cannot be read"):
        enrolled.read(tmp_path)
    (tmp_path / "panel.json").write_text("{}")
    with pytest.raises(enrolled.NotEnrolled, match="panel enrol"):
        enrolled.read(tmp_path)


def test_a_fleet_is_told_and_each_keeps_its_own(mosquitto: Broker, tmp_path: Path) -> None:
    stop = threading.Event()
    thread = threading.Thread(
        target=run,
        args=(mosquitto.url, "villard-bonnot", "mairie", "text-8x16", tmp_path),
        kwargs={"count": 12, "at_once": True, "stop": stop.is_set},
    )
    thread.start()
    names = [f"mairie-{n:03d}" for n in range(1, 13)]
    for name in names:
        say(mosquitto, 10, now_cut(), code=name)
    logs = [tmp_path / name / "face.jsonl" for name in names]
    until(
        lambda: all(log.exists() and "COUPURE" in log.read_text("utf-8") for log in logs),
        60, "every face",
    )  # fmt: skip
    stop.set()
    thread.join(20)
    assert not thread.is_alive()
