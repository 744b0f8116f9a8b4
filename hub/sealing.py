"""A JSON document sealed with an authority's key, to be checked without this hub.

The bytes that are signed: `PREFIX`, then the document with its keys sorted, no blanks between them,
UTF-8. The prefix keeps a seal of a document from being one of anything else the key signs.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)

from hub import accounts, vault
from hub.models import Authority

PREFIX: Final = b"tambour certificate 1\n"
ALGORITHM: Final = "Ed25519"


class Broken(ValueError):
    """The file is no sealed document, or was changed after it was sealed; the text says which."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Who sealed a document: the key's name and its public half (base64url, 32 bytes)."""

    key_id: str
    key: str


def canonical(document: Mapping[str, Any]) -> bytes:
    """The bytes that stand for a document. Numbers in it are whole."""
    text = json.dumps(
        document, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False
    )
    return PREFIX + text.encode()


def seal(document: Mapping[str, Any], authority: Authority) -> dict[str, Any]:
    """The document and its seal, as they are kept in a file."""
    secret = accounts.private_key(authority.signing_key)
    signature = Ed25519PrivateKey.from_private_bytes(secret).sign(canonical(document))
    return {
        "certificate": dict(document),
        "signature": {
            "alg": ALGORITHM,
            "kid": authority.key_id,
            "x": vault.base64url(accounts.public_half(secret)),
            "value": vault.base64url(signature),
        },
    }


def check(sealed: Any, key: str = "") -> Seal:
    """Who sealed it. `key`: the public key that it must be (base64url). Raises Broken."""
    try:
        document, signature = sealed["certificate"], sealed["signature"]
        given, value = str(signature["x"]), _unb64(str(signature["value"]))
        if signature["alg"] != ALGORITHM or not isinstance(document, dict):
            raise Broken("The file is no certificate of this form.")
        public = Ed25519PublicKey.from_public_bytes(_unb64(given))
        public.verify(value, canonical(document))
    except InvalidSignature as error:
        raise Broken("The content was changed after it was signed.") from error
    except Broken:
        raise
    except (KeyError, TypeError, ValueError, binascii.Error) as error:
        raise Broken("The file is no certificate of this form.") from error
    if key and key.rstrip("=") != given:
        raise Broken("It was signed with another key than the one you gave.")
    return Seal(str(signature.get("kid", "")), given)


def _unb64(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
