"""A small certificate authority of the hub's own, for the broker and for panels.

One key, on disk under a passphrase, signs three things: the broker's certificate, one certificate a
panel, and the list of those that are void (RFC 5280). EC P-256 throughout: the modems of panels
verify it in milliseconds, and every TLS library of the last ten years has it.
"""

import ipaddress
import json
import os
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

# A panel hangs for 6 to 14 years; what ends a certificate early is the list of void ones.
PANEL_YEARS: Final = 15
SERVER_YEARS: Final = 5
CA_YEARS: Final = 30
# A list that runs out would lock every panel out: mosquitto refuses all once it is too old.
LIST_YEARS: Final = 20
# A machine in a cabinet may start with a clock that is some days behind.
BACKDATED: Final = timedelta(days=30)
LONGEST_NAME: Final = 64  # RFC 5280, ub-common-name


class NameTooLong(ValueError):
    """The codes of authority and panel do not fit the name of a certificate."""


class BadRequest(ValueError):
    """The panel's own certificate request cannot be signed."""


class Authority:
    """The certificate authority in `folder`, made when it is first asked for."""

    def __init__(self, folder: Path, passphrase: bytes, now: datetime) -> None:
        self.folder, self._now = folder, now
        self._key_file, self._cert_file = folder / "ca.key", folder / "ca.crt"
        self._issued_file = folder / "issued.json"
        if not self._key_file.exists():
            self._make(passphrase)
        key = serialization.load_pem_private_key(self._key_file.read_bytes(), passphrase)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self.certificate = x509.load_pem_x509_certificate(self._cert_file.read_bytes())

    @property
    def pem(self) -> bytes:
        """Its certificate: what a panel and the broker trust."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex()

    def panel(self, name: str) -> tuple[bytes, bytes]:
        """(private key, certificate) as PEM for the panel `authority/panel`; earlier certificates
        of that name are void from the next list on. Raises NameTooLong."""
        key = ec.generate_private_key(ec.SECP256R1())
        return _key_pem(key), self._panel_certificate(name, key.public_key())

    def sign_request(self, name: str, request: bytes) -> bytes:
        """A certificate for a key that never left the panel. The name in the request is not looked
        at: who asks for another panel's gets its own. Raises BadRequest, NameTooLong."""
        try:
            asked = x509.load_pem_x509_csr(request)
            if not asked.is_signature_valid:
                raise BadRequest("the request is not signed by its own key")
            key = asked.public_key()
        except ValueError as error:
            raise BadRequest("this is not a certificate request in PEM") from error
        if not isinstance(key, ec.EllipticCurvePublicKey):
            raise BadRequest("the key of the request is not of an elliptic curve (use prime256v1)")
        return self._panel_certificate(name, key)

    def server(self, hosts: Sequence[str]) -> tuple[bytes, bytes]:
        """(private key, certificate) as PEM for the broker under these names and addresses."""
        key = ec.generate_private_key(ec.SECP256R1())
        names: list[x509.GeneralName] = []
        for host in hosts:
            try:
                names.append(x509.IPAddress(ipaddress.ip_address(host)))
            except ValueError:
                names.append(x509.DNSName(host))
        builder = self._builder(hosts[0][:LONGEST_NAME], key.public_key(), SERVER_YEARS)
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])
        return _key_pem(key), self._signed(builder.add_extension(usage, critical=False))

    def expel(self, name: str) -> int:
        """Make every certificate of a panel void; how many there were."""
        rows = self._issued()
        hit = [row for row in rows if row["name"] == name and not row["void"]]
        for row in hit:
            row["void"] = self._now.isoformat()
        self._keep_issued(rows)
        return len(hit)

    def void_list(self) -> bytes:
        """The list of void certificates (CRL) as PEM, for the broker."""
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.certificate.subject)
            .last_update(self._now - timedelta(hours=1))
            .next_update(self._now + timedelta(days=365 * LIST_YEARS))
        )
        for row in self._issued():
            if row["void"]:
                entry = x509.RevokedCertificateBuilder().serial_number(int(row["serial"], 16))
                when = datetime.fromisoformat(row["void"])
                builder = builder.add_revoked_certificate(entry.revocation_date(when).build())
        signed = builder.sign(self._key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)

    def _make(self, passphrase: bytes) -> None:
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        key = ec.generate_private_key(ec.SECP256R1())
        name = _name("Tambour panels")
        builder = (
            _dated(self._now, CA_YEARS)
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(sign=True), critical=True)
            .add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        )
        certificate = builder.sign(key, hashes.SHA256())
        sealing = serialization.BestAvailableEncryption(passphrase)
        private(self._key_file, key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, sealing))
        public(self._cert_file, certificate.public_bytes(_PEM))

    def _panel_certificate(self, name: str, key: ec.EllipticCurvePublicKey) -> bytes:
        if len(name) > LONGEST_NAME:
            raise NameTooLong(
                f"{name!r} has {len(name)} letters and a certificate takes {LONGEST_NAME}: "
                "give the panel a shorter code, or a password"
            )
        builder = self._builder(name, key, PANEL_YEARS)
        usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
        pem = self._signed(builder.add_extension(usage, critical=False))
        serial = x509.load_pem_x509_certificate(pem).serial_number
        self.expel(name)
        row = {"name": name, "serial": f"{serial:x}", "made": self._now.isoformat(), "void": ""}
        self._keep_issued([*self._issued(), row])
        return pem

    def _builder(
        self, name: str, key: ec.EllipticCurvePublicKey, years: int
    ) -> x509.CertificateBuilder:
        ours = self._key.public_key()
        return (
            _dated(self._now, years)
            .subject_name(_name(name))
            .issuer_name(self.certificate.subject)
            .public_key(key)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(sign=False), critical=True)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ours), critical=False)
        )

    def _signed(self, builder: x509.CertificateBuilder) -> bytes:
        return builder.sign(self._key, hashes.SHA256()).public_bytes(_PEM)

    def _issued(self) -> list[dict[str, Any]]:
        if not self._issued_file.exists():
            return []
        rows: list[dict[str, Any]] = json.loads(self._issued_file.read_text("utf-8"))
        return rows

    def _keep_issued(self, rows: list[dict[str, Any]]) -> None:
        private(self._issued_file, json.dumps(rows, indent=1).encode())


_PEM: Final = serialization.Encoding.PEM


def private(path: Path, data: bytes) -> None:
    """Write a file that only its owner reads, whole or not at all."""
    _put(path, data, 0o600)


def public(path: Path, data: bytes) -> None:
    _put(path, data, 0o644)


def _put(path: Path, data: bytes, mode: int) -> None:
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
        out.write(data)
        out.flush()
        os.fsync(out.fileno())
    os.replace(partial, path)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _dated(now: datetime, years: int) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + timedelta(days=365 * years))
    )


def _usage(*, sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign,
        key_cert_sign=sign,
        crl_sign=sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(_PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
