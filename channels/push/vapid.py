"""Who sends: the signed VAPID header (RFC 8292), kept for hours.

Signing costs 88 us, nearly as much as encrypting, and the header is the same for every message from
one identity to one push service. A header lives twelve hours (the RFC allows 24) and is renewed
after six, so that a clock some hours wrong on either side refuses nothing.
"""

import base64
import json
from functools import lru_cache
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from channels.push.encryption import unbase64
from hub import clock

LIFETIME_S: Final = 12 * 3600
RENEW_S: Final = 6 * 3600

_HEADER: Final = b'{"typ":"JWT","alg":"ES256"}'


class BadIdentity(ValueError):
    """A push identity whose private key cannot be read."""


@lru_cache(maxsize=256)
def _signing_key(private_key: str) -> ec.EllipticCurvePrivateKey:
    try:
        return ec.derive_private_key(int.from_bytes(unbase64(private_key), "big"), ec.SECP256R1())
    except ValueError as error:
        raise BadIdentity("The private key of the push identity cannot be read.") from error


def _base64(raw: bytes) -> bytes:
    return base64.urlsafe_b64encode(raw).rstrip(b"=")


def sign(origin: str, public_key: str, private_key: str, contact: str, now: float) -> str:
    """The value of Authorization for `origin` ("https://host[:port]"), valid from `now` (Unix
    seconds) for twelve hours. Keys are base64url: 65-byte point, 32-byte scalar. Raises
    BadIdentity."""
    claims = {"aud": origin, "exp": int(now) + LIFETIME_S, "sub": contact}
    signed = _base64(_HEADER) + b"." + _base64(json.dumps(claims, separators=(",", ":")).encode())
    r, s = decode_dss_signature(_signing_key(private_key).sign(signed, ec.ECDSA(SHA256())))
    signature = _base64(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    return f"vapid t={(signed + b'.' + signature).decode()},k={public_key}"


class Headers:
    """VAPID headers of one contact, by origin and identity."""

    def __init__(self, contact: str) -> None:
        self._contact = contact
        self._made: dict[tuple[str, str], tuple[float, str]] = {}

    def get(self, origin: str, public_key: str, private_key: str) -> str:
        """The header to send now. Raises BadIdentity."""
        now = clock.now().timestamp()
        made_at, header = self._made.get((origin, public_key), (0.0, ""))
        if not 0 <= now - made_at < RENEW_S:
            header = sign(origin, public_key, private_key, self._contact, now)
            self._made[origin, public_key] = (now, header)
        return header
