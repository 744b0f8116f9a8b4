"""The least that a fan-out takes: HTTP/2 over TLS, no guard, no outcomes, no ledger. The limit."""

import hmac
import os

import pycurl
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat


def encrypt(text: bytes, point: bytes, auth: bytes) -> bytes:
    salt, sender = os.urandom(16), ec.generate_private_key(ec.SECP256R1())
    receiver = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
    own = sender.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    mixed = hmac.digest(auth, sender.exchange(ec.ECDH(), receiver), "sha256")
    ikm = hmac.digest(mixed, b"WebPush: info\0" + point + own + b"\1", "sha256")
    prk = hmac.digest(salt, ikm, "sha256")
    key = hmac.digest(prk, b"Content-Encoding: aes128gcm\0\1", "sha256")[:16]
    nonce = hmac.digest(prk, b"Content-Encoding: nonce\0\1", "sha256")[:12]
    return salt + b"\0\0\x10\0\x41" + own + AESGCM(key).encrypt(nonce, text + b"\2", None)


def send(urls, make, headers, ca):  # type: ignore[no-untyped-def]
    multi, idle, left, flying = pycurl.CurlMulti(), [pycurl.Curl() for _ in range(64)], len(urls), 0
    for curl in idle:
        curl.setopt(pycurl.HTTPHEADER, headers)
        curl.setopt(pycurl.CAINFO, ca)
        curl.setopt(pycurl.PIPEWAIT, 1)
    while left or flying:
        for _ in range(min(left, len(idle), 4)):
            left, flying, curl = left - 1, flying + 1, idle.pop()
            curl.setopt(pycurl.URL, urls[left])
            curl.setopt(pycurl.POSTFIELDS, make())
            multi.add_handle(curl)
        multi.perform() if left and idle else (multi.select(1.0), multi.perform())
        for curl in multi.info_read()[1]:
            multi.remove_handle(curl)
            idle.append(curl)
            flying -= 1
