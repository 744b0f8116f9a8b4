"""What a panel may do on a real broker, with the project's own configuration of it, over TLS."""

import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import paho.mqtt.client as mqtt
import pytest
from paho.mqtt.enums import CallbackAPIVersion
from paho.mqtt.reasoncodes import ReasonCode

from channels.panels import conform, install
from channels.panels.install.enrol import password_line
from channels.panels.twin import Twin
from channels.panels.twin.link import Identity
from hub import clock
from tests.fakes.brokers import Guarded, until

WRITES = ("birth", "presence", "ack", "shown", "hb", "proof", "frame", "fault/pixel")
READS = ("plan", "cmd", "keys", f"image/{'h' * 43}")
MINE, OTHER = "villard-bonnot/mairie", "villard-bonnot/gare"
# The same panel code under another authority, and names that look alike to a careless pattern.
OTHERS = (OTHER, "froges/mairie", "villard-bonnot/mairie2", "villard/mairie")


@dataclass
class Site:
    broker: Guarded
    ca: install.Authority
    folder: Path

    def folder_of(self, name: str) -> Path:
        return self.folder / name.replace("/", "-")

    def enrol(self, name: str, *, password: bool = False) -> install.Enrolled:
        return enrolled(self.ca, name, self.folder_of(name), password=password)


def enrolled(
    ca: install.Authority, name: str, folder: Path, *, password: bool = False, request: bytes = b""
) -> install.Enrolled:
    authority, panel = name.split("/")
    place = install.Place(
        authority, "Commune", panel, "Panneau", "text-8x16", "localhost", 8883, b"k" * 32, "vb-1"
    )
    return install.enrol(place, ca, folder, clock.now(), password=password, request=request)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("rights")
    ca = install.Authority(folder / "ca", b"passphrase", clock.now())
    install.broker_files(ca, ["localhost", "127.0.0.1"], folder / "tls")
    line = enrolled(ca, "froges/ecole", folder / "froges-ecole", password=True).password_line
    broker = Guarded(folder, folder / "tls", f"{password_line('hub', 'hub')}\n{line}\n")
    broker.start()
    made = Site(broker, ca, folder)
    for name in (MINE, *OTHERS):
        made.enrol(name)
    yield made
    broker.stop()


@dataclass
class Peer:
    """A raw MQTT client: what the broker lets it do, and what reaches it."""

    client: mqtt.Client
    connected: list[str] = field(default_factory=list)
    heard: dict[str, bytes] = field(default_factory=dict)
    answers: dict[int, str] = field(default_factory=dict)

    def publish(self, topic: str, payload: bytes = b"x", *, retain: bool = False) -> str:
        """The broker's answer: Success, Not authorized."""
        mid = self.client.publish(topic, payload, qos=1, retain=retain).mid
        until(lambda: mid in self.answers, 60, f"an answer to {topic}")
        return self.answers[mid]

    def subscribe(self, *topics: str) -> None:
        mid = self.client.subscribe([(topic, 1) for topic in topics])[1]
        until(lambda: mid in self.answers, 60, "the subscription")

    def end(self) -> None:
        self.client.disconnect()
        self.client.loop_stop()


Connect = Callable[..., Peer]


@pytest.fixture
def connect(site: Site) -> Iterator[Connect]:
    peers: list[Peer] = []

    def one(name: str = "hub", *, port: int = 0, client_id: str = "", password: str = "",
            folder: Path | None = None, will: str = "") -> Peer:  # fmt: skip
        client = mqtt.Client(
            CallbackAPIVersion.VERSION2, client_id=client_id, protocol=mqtt.MQTTv5,
            reconnect_on_failure=False,
        )  # fmt: skip
        peer = Peer(client)
        if name == "hub":
            client.username_pw_set("hub", "hub")
            port = port or site.broker.port
        elif password:
            client.username_pw_set(name, password)
            client.tls_set(str(site.folder / "tls" / "ca.crt"))
            port = port or site.broker.password_port
        else:
            files = folder or site.folder_of(name)
            client.tls_set(
                str(files / "ca.crt"), str(files / "panel.crt"), str(files / "panel.key")
            )
            port = port or site.broker.tls_port
        if will:
            client.will_set(will, b"the last word", qos=1, retain=True)
        client.on_connect = lambda c, d, f, reason, p: peer.connected.append(str(reason))
        client.on_disconnect = lambda c, d, f, reason, p: peer.connected.append(f"end {reason}")
        client.on_subscribe = lambda c, d, mid, r, p: peer.answers.update({mid: "subscribed"})
        client.on_publish = lambda c, d, mid, reason, p: peer.answers.update({mid: said(reason)})
        client.on_message = lambda c, d, m: peer.heard.update({m.topic: bytes(m.payload)})
        client.connect("127.0.0.1", port, keepalive=60)
        client.loop_start()
        until(lambda: peer.connected, 60, f"{name} to connect")
        peers.append(peer)
        return peer

    yield one
    for peer in peers:
        peer.end()


def said(reason: ReasonCode) -> str:
    """A message that nobody waits for was taken, too (reason 16)."""
    return str(reason) if reason.is_failure else "Success"


def topics(name: str, leaves: tuple[str, ...]) -> list[str]:
    return [f"tambour/1/{name}/{leaf}" for leaf in leaves]


def test_a_panel_writes_its_own_reports_and_nothing_else(site: Site, connect: Connect) -> None:
    panel = connect(MINE)
    assert {t: panel.publish(t) for t in topics(MINE, WRITES)} == dict.fromkeys(
        topics(MINE, WRITES), "Success"
    )
    forbidden = [
        *topics(MINE, READS),  # a plan is the hub's word
        f"tambour/1/{MINE}",
        f"tambour/1/{MINE}/other",
        f"tambour/1/{MINE}/fault/a/b",
        "tambour/1/villard-bonnot/hub",
        "tambour/1/hub",
        "else",
    ]
    forbidden += topics(OTHER, (*WRITES, *READS))
    for name in OTHERS:
        forbidden += topics(name, ("birth", "plan"))
    # mosquitto 2.0.11 answers, and then ends the connection: a new one for each.
    answers = {topic: connect(MINE).publish(topic) for topic in forbidden}
    assert answers == dict.fromkeys(forbidden, "Not authorized")


def test_nothing_of_another_panel_reaches_it_however_it_asks(site: Site, connect: Connect) -> None:
    hub, panel = connect(), connect(MINE)
    for name in (MINE, *OTHERS):
        for topic in topics(name, (*READS, *WRITES)):
            assert hub.publish(topic, b"before", retain=True) == "Success"
    panel.subscribe(
        "#", "tambour/#", "tambour/1/#", "tambour/1/+/mairie/plan", "tambour/1/villard-bonnot/#",
        "+/+/+/+/+", "$share/all/tambour/1/#", *topics(OTHER, (*READS, *WRITES)),
    )  # fmt: skip
    for name in (*OTHERS, MINE):
        for topic in topics(name, (*WRITES, *READS)):
            hub.publish(topic, b"after", retain=True)
    until(lambda: panel.heard.get(topics(MINE, READS)[-1]) == b"after", 60, "its own last topic")
    assert sorted(panel.heard) == sorted(topics(MINE, READS))


def test_a_will_and_a_retained_word_go_to_its_own_topics_only(site: Site, connect: Connect) -> None:
    hub = connect()
    hub.subscribe("tambour/1/#")
    for name, leaf in ((OTHER, "presence"), (MINE, "plan"), (MINE, "presence")):
        peer = connect(MINE, will=f"tambour/1/{name}/{leaf}")
        peer.client.socket().close()  # no goodbye: the broker says the will
        until(lambda peer=peer: len(peer.connected) > 1, 60, "the line to be cut")
    mine = f"tambour/1/{MINE}/presence"
    until(lambda: hub.heard.get(mine) == b"the last word", 60, "its own will")
    assert b"the last word" not in [
        hub.heard.get(f"tambour/1/{OTHER}/presence"),
        hub.heard.get(f"tambour/1/{MINE}/plan"),
    ]


def test_a_panel_cannot_end_anothers_connection_by_its_name(site: Site, connect: Connect) -> None:
    victim = connect(OTHER)
    connect(MINE, client_id=OTHER)
    assert victim.publish(f"tambour/1/{OTHER}/birth") == "Success"
    assert victim.connected == ["Success"]


def test_two_devices_with_one_identity_end_each_other(site: Site, connect: Connect) -> None:
    first = connect(MINE, client_id="one")
    second = connect(MINE, client_id="two")
    until(lambda: len(first.connected) > 1, 60, "the first to be ended")
    assert second.publish(f"tambour/1/{MINE}/birth") == "Success"


def test_without_a_certificate_of_ours_there_is_no_connection(site: Site, tmp_path: Path) -> None:
    stranger = install.Authority(tmp_path / "ca", b"p", clock.now())
    enrolled(stranger, MINE, tmp_path / "files")
    for files in (None, tmp_path / "files"):
        context = ssl.create_default_context(cafile=str(site.folder / "tls" / "ca.crt"))
        if files:
            context.load_cert_chain(files / "panel.crt", files / "panel.key")
        assert not _connects(site, context)


def test_an_expelled_panel_stays_out_and_the_others_come_in(site: Site, connect: Connect) -> None:
    name = "villard-bonnot/volee"
    site.enrol(name)
    assert connect(name).publish(f"tambour/1/{name}/birth") == "Success"
    thief = site.folder_of(name).rename(site.folder / "thief")
    assert site.ca.expel(name) == 1
    install.broker_files(site.ca, (), site.folder / "tls")
    site.broker.reload()

    def refused() -> bool:
        context = ssl.create_default_context(cafile=str(site.folder / "tls" / "ca.crt"))
        context.load_cert_chain(thief / "panel.crt", thief / "panel.key")
        return not _connects(site, context)

    until(refused, 60, "the broker to read the list")
    assert connect(MINE).publish(f"tambour/1/{MINE}/birth") == "Success"
    # Enrolled anew, the same name comes in with its new certificate.
    site.enrol(name)
    assert connect(name).publish(f"tambour/1/{name}/birth") == "Success"


def test_a_password_gives_the_same_rights_as_a_certificate(site: Site, connect: Connect) -> None:
    name = "froges/ecole"
    word = (site.folder / "froges-ecole" / "panel.password").read_text()
    panel = connect(name, password=word)
    assert panel.publish(f"tambour/1/{name}/birth") == "Success"
    assert panel.publish(f"tambour/1/{MINE}/birth") == "Not authorized"
    assert connect(name, password="wrong").connected[0] == "Not authorized"


def test_an_enrolled_panel_keeps_the_contract_within_these_rights(
    site: Site, tmp_path: Path
) -> None:
    """Our twin by the enrolment's own files; the kit cuts its line by its name on the broker."""
    name = "villard-bonnot/essai"
    site.enrol(name)
    files = site.folder_of(name)
    twin = Twin(
        f"mqtts://localhost:{site.broker.tls_port}", "villard-bonnot", "essai", "matrix-96x64",
        tmp_path, at_once=True,
        identity=Identity(files / "ca.crt", files / "panel.crt", files / "panel.key"),
    )  # fmt: skip
    stop = threading.Event()
    thread = threading.Thread(target=twin.run, args=(stop.is_set,))
    thread.start()
    try:
        until(lambda: twin.state()["online"], 60, "the twin to connect")
        only = ("plan-stages", "image", "cmd-done", "frame", "keys-rotate", "keys-revoke", "will",
                "return", "return-plan", "forms")  # fmt: skip
        login = conform.Login(site.broker.hub_url)
        report = conform.run(
            conform.Asked(login, "villard-bonnot", "essai", b"k" * 32, "vb-1", only=only)
        )
    finally:
        stop.set()
        thread.join(20)
    outcomes = {row["check"]: row["outcome"] for row in report["checks"]}
    assert outcomes == dict.fromkeys(("birth", *only), "passed")
    assert "hub:hub" not in str(report)


def _connects(site: Site, context: ssl.SSLContext) -> bool:
    """Whether the broker answers a CONNECT of MQTT 5 under this context."""
    connect = bytes.fromhex("10100004") + b"MQTT" + bytes.fromhex("0502000000") + b"\0\3abc"
    with socket.create_connection(("127.0.0.1", site.broker.tls_port), 10) as raw:
        try:
            with context.wrap_socket(raw, server_hostname="localhost") as line:
                line.sendall(connect)
                end = time.monotonic() + 10
                while time.monotonic() < end:
                    got = line.recv(64)
                    return got[:1] == b"\x20"
        except OSError:
            return False
    return False
