"""Detached JSON Web Signatures with Ed25519 over exact bytes.

RFC 7515 appendix F (detached content), RFC 8037 (OKP keys, alg EdDSA). The header carries the
public key beside its id, so that a panel can pin the first one it sees; a panel that has pinned one
looks at nothing in the header but `alg`.
"""

import base64
import json
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

_ALGORITHMS = ("EdDSA", "Ed25519")  # RFC 8037; RFC 9864 gives the second name


class BadSignature(ValueError):
    """The text is no detached JWS, or does not fit the bytes and the key."""


def sign(payload: bytes, private_key: bytes, key_id: str) -> str:
    """`header..signature` for `payload`. `private_key`: 32 raw bytes."""
    key, header = _signer(private_key, key_id)
    signature = key.sign(header + b"." + base64.urlsafe_b64encode(payload).rstrip(b"="))
    return f"{header.decode()}..{b64(signature)}"


def verify(payload: bytes, jws: str, public_key: bytes, key_id: str = "") -> None:
    """Returns if `jws` signs `payload` under `public_key` (32 raw bytes), and names `key_id` where
    one is given. Raises BadSignature."""
    header, dot, signature = jws.partition("..")
    if not dot:
        raise BadSignature("not a detached JWS")
    fields = _fields(header)
    if key_id and fields.get("kid") != key_id:
        raise BadSignature(f"signed under the key {fields.get('kid')!r}")
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(
            unb64(signature), f"{header}.{b64(payload)}".encode()
        )
    except (InvalidSignature, ValueError) as error:
        raise BadSignature("the signature does not fit the bytes") from error


def public_of(private_key: bytes) -> bytes:
    """The 32 raw bytes of the public half."""
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def b64(raw: bytes) -> str:
    """base64url without padding (RFC 7515 section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)


def _fields(header: str) -> dict[str, object]:
    try:
        fields = json.loads(unb64(header))
    except ValueError as error:
        raise BadSignature("the JWS header cannot be read") from error
    if not isinstance(fields, dict) or fields.get("alg") not in _ALGORITHMS or "crit" in fields:
        raise BadSignature("the JWS header names no algorithm of this contract")
    return fields


@lru_cache(maxsize=1024)
def _signer(private_key: bytes, key_id: str) -> tuple[Ed25519PrivateKey, bytes]:
    key = Ed25519PrivateKey.from_private_bytes(private_key)
    fields = {
        "alg": "EdDSA",
        "jwk": {"crv": "Ed25519", "kty": "OKP", "x": b64(public_of(private_key))},
        "kid": key_id,
    }
    text = json.dumps(fields, separators=(",", ":"), sort_keys=True)
    return key, b64(text.encode()).encode()
