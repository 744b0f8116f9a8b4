"""Encryption at rest: phone numbers, outlet credentials, source passwords, signing keys.

AES-256-GCM under a key derived from the instance's secret (HKDF-SHA256, RFC 5869), a fresh 96-bit
nonce each time, the purpose as associated data: a value copied to another column does not open.
"""

import base64
import hashlib
import hmac
import os
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from hub import settings


class Unopenable(Exception):
    """The value was made under another secret or for another purpose, or was changed."""


@lru_cache(maxsize=8)
def _key(secret: bytes, info: bytes) -> bytes:
    return HKDF(algorithm=SHA256(), length=32, salt=None, info=info).derive(secret)


def seal(value: bytes | str, purpose: str) -> str:
    """Encrypted text that only `unseal` with the same purpose opens."""
    data = value.encode() if isinstance(value, str) else value
    nonce = os.urandom(12)
    box = AESGCM(_key(settings.get().secret(), b"tambour vault 1"))
    return base64.urlsafe_b64encode(nonce + box.encrypt(nonce, data, purpose.encode())).decode()


def unseal(sealed: str, purpose: str) -> bytes:
    """The value again. Raises Unopenable."""
    raw = base64.urlsafe_b64decode(sealed)
    box = AESGCM(_key(settings.get().secret(), b"tambour vault 1"))
    try:
        return box.decrypt(raw[:12], raw[12:], purpose.encode())
    except InvalidTag as error:
        raise Unopenable(f"{purpose}: sealed under another secret") from error


def fingerprint(value: str, purpose: str) -> str:
    """A keyed hash (HMAC-SHA256, hex) to find an encrypted value again without reading it."""
    key = _key(settings.get().secret(), b"tambour fingerprint 1")
    return hmac.new(key, f"{purpose}\0{value}".encode(), hashlib.sha256).hexdigest()


def base64url(raw: bytes) -> str:
    """Keys and signatures as they are written: base64url without padding (RFC 4648 section 5)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def hash_token(token: str) -> str:
    """SHA-256, hex: tokens have 256 random bits, a slow hash would add nothing."""
    return hashlib.sha256(token.encode()).hexdigest()
