import base64
import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

from channels.push import Push, PushOptions
from hub.contracts import Means, Notice, Target, Text
from hub.guard import AddressPolicy
from hub.vocabulary import (
    Certainty,
    Intent,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)
from tests.fakes.push_service import FakePhone, PushService

NOW = dt.datetime(2026, 3, 2, 8, 31, 7, tzinfo=dt.UTC)

Tell = Callable[..., Notice]


@pytest.fixture
def tell() -> Tell:
    """A notice of Villard-Bonnot; what a test cares about is given by name."""
    base = Notice(
        publication="01JNB2Z6W0QX4T8M5R7V9C3E1D",
        revision=1,
        intent=Intent.PUBLISH,
        msg_type=MsgType.ALERT,
        status=Status.ACTUAL,
        scope=Scope.PUBLIC,
        sender="villard-bonnot@annonces.example",
        authority="villard-bonnot",
        authority_name="Ville de Villard-Bonnot",
        station="mairie",
        station_name="Mairie de Villard-Bonnot",
        timezone="Europe/Paris",
        category="traffic",
        cap_category="Transport",
        category_labels={"fr": "Circulation", "en": "Traffic", "es": "Circulación"},
        event="Route barrée",
        response_type=ResponseType.AVOID,
        severity=Severity.MODERATE,
        urgency=Urgency.IMMEDIATE,
        certainty=Certainty.OBSERVED,
        sent=NOW,
        first_sent=NOW,
        effective=NOW,
        expires=NOW + dt.timedelta(hours=3),
        texts={
            "fr": Text(
                "Rue de la Paix barrée",
                "Une conduite d'eau a cédé devant l'école.",
                "Passez par l'avenue Aristide-Bergès.",
            ),
            "en": Text("Rue de la Paix closed", "A water main burst.", "Use avenue Bergès."),
        },
        url="https://annonces.example/p/01JNB2Z6W0QX4T8M5R7V9C3E1D",
        area_desc="Brignoud",
    )
    return lambda **given: replace(base, **given)


@pytest.fixture
def at_noon(monkeypatch: pytest.MonkeyPatch) -> dt.datetime:
    """The hub's clock stands at NOW."""
    monkeypatch.setattr("hub.clock.now", lambda: NOW)
    return NOW


@pytest.fixture
def service() -> Iterator[PushService]:
    with PushService() as running:
        yield running


def _base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


@pytest.fixture(scope="session")
def identity() -> dict[str, str]:
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    scalar = key.private_numbers().private_value.to_bytes(32, "big")
    return {"public_key": _base64(point), "private_key": _base64(scalar)}


@pytest.fixture
def target(identity: dict[str, str]) -> Callable[..., Target]:
    def make(phone: FakePhone, language: str = "fr", **other: Any) -> Target:
        keys = {"p256dh": phone.p256dh, "auth": phone.auth}
        extra = {**keys, "identity": identity, "language": language, **other}
        return Target(key=phone.endpoint, address=phone.endpoint, extra=extra)

    return make


@pytest.fixture
def push(service: PushService) -> Iterator[Push]:
    """The adapter, allowed to reach the fake service and nothing else of this machine."""
    made = Push(PushOptions(), Means("https://annonces.example", allowing(service), timeout=1.0))
    yield made
    made.close()


def allowing(service: PushService) -> AddressPolicy:
    return AddressPolicy(frozenset({service.pair}))


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate of 127.0.0.1 that signs itself: (chain, key), PEM files."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push service of the tests")])
    today = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(today - dt.timedelta(days=1))
        .not_valid_after(today + dt.timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), False
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    folder = tmp_path_factory.mktemp("tls")
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(Encoding.PEM))
    secret.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return chain, secret
