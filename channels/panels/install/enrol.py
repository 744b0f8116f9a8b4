"""The files of one panel and of the broker, and what a person still has to do with them."""

import base64
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from channels.panels import topics
from channels.panels.install import sheet
from channels.panels.install.ca import Authority, private, public

ROUNDS: Final = 101  # of PBKDF2, as mosquitto_passwd does


@dataclass(frozen=True, slots=True)
class Place:
    """Which panel, for whom, and where it connects. `key`: the authority's public key, 32 bytes."""

    authority: str
    authority_name: str
    panel: str
    panel_name: str
    model: str
    host: str
    port: int
    key: bytes
    key_id: str

    @property
    def name(self) -> str:
        return identity(self.authority, self.panel)

    @property
    def prefix(self) -> str:
        return f"{topics.ROOT}/{self.name}/"

    @property
    def broker(self) -> str:
        return f"mqtts://{self.host}:{self.port}"

    @property
    def key_text(self) -> str:
        """base64url without padding: 43 letters."""
        return base64.urlsafe_b64encode(self.key).rstrip(b"=").decode()


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`files` are what was written; `password_line` goes into the broker's password file and is
    empty where the panel has a certificate."""

    folder: Path
    files: tuple[Path, ...]
    name: str
    password_line: str = field(default="", repr=False)


def identity(authority: str, panel: str) -> str:
    """The name under which the broker knows a panel: `authority/panel`. Raises topics.BadName."""
    return topics.topic(authority, panel, "x").removeprefix(f"{topics.ROOT}/").removesuffix("/x")


def enrol(
    place: Place,
    ca: Authority,
    folder: Path,
    now: datetime,
    *,
    locale: str = "fr",
    request: bytes = b"",
    password: bool = False,
    secret_on_sheet: bool = False,
) -> Enrolled:
    """Make the identity of a panel, write its files into `folder`, and make the certificates of an
    earlier one void.

    By default a key and a certificate; `request` (PEM) signs the panel's own key instead;
    `password` makes a password for a panel that has no client certificates. The sheet holds no
    secret, but for the password where `secret_on_sheet` asks for it. Raises what `Authority` does.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    os.chmod(folder, 0o700)
    files: list[Path] = []

    def put(name: str, data: bytes, *, secret: bool = False) -> None:
        (private if secret else public)(folder / name, data)
        files.append(folder / name)

    settings = _settings(place)
    word = line = ""
    if password:
        ca.expel(place.name)
        word = secrets.token_urlsafe(24)
        line = password_line(place.name, word)
        settings |= {"username": place.name, "password_file": "panel.password"}
        put("panel.password", word.encode(), secret=True)
    elif request:
        put("panel.crt", ca.sign_request(place.name, request))
        settings |= {"certificate": "panel.crt"}
    else:
        key, certificate = ca.panel(place.name)
        put("panel.key", key, secret=True)
        put("panel.crt", certificate)
        settings |= {"certificate": "panel.crt", "private_key": "panel.key"}
    put("ca.crt", ca.pem)
    put("panel.json", json.dumps(settings, indent=2, ensure_ascii=False).encode())
    shown = word if secret_on_sheet else ""
    page = sheet.page(
        place, qr_text(place, ca.fingerprint, shown), ca.fingerprint, now, locale,
        way="password" if password else "request" if request else "certificate", secret=bool(shown),
    )  # fmt: skip
    put("sheet.html", page.encode(), secret=bool(shown))
    return Enrolled(folder, tuple(files), place.name, line)


def broker_files(ca: Authority, hosts: Sequence[str], folder: Path) -> tuple[Path, ...]:
    """A new certificate of the broker for `hosts` (names or addresses; without any the one there is
    stays), the authority's and the list of void panels, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    if hosts:
        key, certificate = ca.server(hosts)
        private(folder / "server.key", key)
        public(folder / "server.crt", certificate)
    public(folder / "ca.crt", ca.pem)
    public(folder / "void.pem", ca.void_list())
    return tuple(folder / name for name in ("server.key", "server.crt", "ca.crt", "void.pem"))


def qr_text(place: Place, fingerprint: str, secret: str = "") -> str:
    """What the QR code says: all a panel needs but its private key; `s` only where asked for."""
    said = {
        "b": place.broker,
        "n": place.name,
        "k": place.key_text,
        "i": place.key_id,
        "ca": fingerprint,
    }
    return "tambour-panel:1?" + urlencode(said | ({"s": secret} if secret else {}), safe="/:")


def password_line(name: str, password: str) -> str:
    """A line of mosquitto's password file: $7$, rounds, salt, PBKDF2-HMAC-SHA512 of 64 bytes."""
    salt = os.urandom(12)
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, ROUNDS, 64)
    b64 = [base64.b64encode(part).decode() for part in (salt, digest)]
    return f"{name}:$7${ROUNDS}${b64[0]}${b64[1]}"


def _settings(place: Place) -> dict[str, Any]:
    return {
        "contract": 1,
        "broker": place.broker,
        # The broker of config/mosquitto puts the certificate's name in its place; others keep it,
        # and not all of them take a slash.
        "client_id": f"panel-{place.authority}-{place.panel}",
        "prefix": place.prefix,
        "authority": place.authority,
        "panel": place.panel,
        "model": place.model,
        "ca": "ca.crt",
        "authority_key": place.key_text,
        "authority_key_id": place.key_id,
    }
