"""Who signed: a verifier of its own, after RFC 7515 appendix F and RFC 8037."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

# A set of keys is signed by each key that a panel may still hold: eight at most.
MOST_SEALS: Final = 8


class BadSeal(ValueError):
    """No signature, not by a trusted key, or over other bytes."""


@dataclass(frozen=True, slots=True)
class Key:
    """A public key (32 raw bytes) that is trusted until `not_after`; None: for ever."""

    kid: str
    raw: bytes
    not_after: datetime | None = None


def check(payload: bytes, jws: str, trusted: Sequence[Key], now: datetime) -> Key:
    """The key under which `jws` signs `payload`: header..signature, or several with a space
    between them, of which one will do. Without any trusted key the one in the header is taken.
    Raises BadSeal."""
    seals = jws.split(" ")[:MOST_SEALS]
    for one in seals[:-1]:
        try:
            return _check_one(payload, one, trusted, now)
        except BadSeal:
            continue
    return _check_one(payload, seals[-1], trusted, now)


def _check_one(payload: bytes, jws: str, trusted: Sequence[Key], now: datetime) -> Key:
    header, dots, signature = jws.partition("..")
    try:
        fields = json.loads(unb64(header))
        if not dots or fields.get("alg") not in ("EdDSA", "Ed25519") or "crit" in fields:
            raise BadSeal("algorithm")
        kid = str(fields.get("kid", ""))
        keys = list(trusted) or [Key(kid, unb64(fields["jwk"]["x"]))]
        signed = header.encode() + b"." + base64.urlsafe_b64encode(payload).rstrip(b"=")
        raw = unb64(signature)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BadSeal("not a detached JWS") from error
    for key in keys:
        if key.not_after is not None and key.not_after <= now:
            continue
        try:
            Ed25519PublicKey.from_public_bytes(key.raw).verify(raw, signed)
        except (InvalidSignature, ValueError):
            continue
        return Key(key.kid or kid, key.raw, key.not_after)
    raise BadSeal("not signed by a trusted key")


def sign(payload: bytes, private_key: bytes, kid: str) -> str:
    """The panel's own signature under a proof: `header..signature`."""
    header = b64(json.dumps({"alg": "EdDSA", "kid": kid}, separators=(",", ":")).encode())
    signed = f"{header}.{b64(payload)}".encode()
    return f"{header}..{b64(Ed25519PrivateKey.from_private_bytes(private_key).sign(signed))}"


def new_key() -> bytes:
    """32 raw bytes of a new private key."""
    return Ed25519PrivateKey.generate().private_bytes_raw()


def public_of(private_key: bytes) -> bytes:
    public = Ed25519PrivateKey.from_private_bytes(private_key).public_key()
    return public.public_bytes(Encoding.Raw, PublicFormat.Raw)


def b64(raw: bytes) -> str:
    """base64url without padding."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def unb64(text: str) -> bytes:
    """Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
