"""The encoder against the RFC's worked example and against another implementation."""

import http_ece
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import given
from hypothesis import strategies as st

from channels.push.encryption import (
    MAX_PLAINTEXT,
    BadKeys,
    encrypt,
    parse_receiver,
    unbase64,
)

# RFC 8291, appendix A.
PLAINTEXT = b"When I grow up, I want to be a watermelon"
UA_PUBLIC = (
    "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
)
UA_PRIVATE = "q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"
AS_PRIVATE = "yfWPiYE-n46HLnH0KqZOF1fJJU3MYrct3AELtAQ-oRw"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
SALT = "DGv6ra1nlYgDCS1FRnbzlw"
BODY = (
    "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27ml"
    "mlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBru3jl7A_yl95bQpu6cVPT"
    "pK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
)


def private(scalar: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(unbase64(scalar), "big"), ec.SECP256R1())


def test_the_worked_example_of_rfc_8291_comes_out_byte_for_byte() -> None:
    body = encrypt(
        PLAINTEXT,
        parse_receiver(UA_PUBLIC, AUTH),
        salt=unbase64(SALT),
        sender=private(AS_PRIVATE),
    )
    assert body == unbase64(BODY)


@given(st.binary(max_size=MAX_PLAINTEXT))
def test_another_implementation_reads_every_size(plaintext: bytes) -> None:
    body = encrypt(plaintext, parse_receiver(UA_PUBLIC, AUTH))
    read = http_ece.decrypt(
        body, private_key=private(UA_PRIVATE), auth_secret=unbase64(AUTH), version="aes128gcm"
    )
    assert read == plaintext


def test_the_longest_text_makes_the_longest_body_a_push_service_must_take() -> None:
    assert len(encrypt(b"x" * MAX_PLAINTEXT, parse_receiver(UA_PUBLIC, AUTH))) == 4096
    with pytest.raises(ValueError, match="3994 bytes do not fit"):
        encrypt(b"x" * (MAX_PLAINTEXT + 1), parse_receiver(UA_PUBLIC, AUTH))


def test_salt_and_key_are_fresh_for_every_message() -> None:
    receiver = parse_receiver(UA_PUBLIC, AUTH)
    bodies = [encrypt(PLAINTEXT, receiver) for _ in range(50)]
    assert len({body[:16] for body in bodies}) == 50
    assert len({body[21:86] for body in bodies}) == 50


OFF_THE_CURVE = UA_PUBLIC[:-6] + "AAAAAA"


@pytest.mark.parametrize(
    ("p256dh", "auth", "field", "says"),
    [
        ("é", AUTH, "p256dh", "not base64url"),
        ("", AUTH, "p256dh", "65 bytes"),
        (UA_PUBLIC[:40], AUTH, "p256dh", "65 bytes"),
        (OFF_THE_CURVE, AUTH, "p256dh", "not a point"),
        (UA_PUBLIC, "***", "auth", "not base64url"),
        (UA_PUBLIC, AUTH[:10], "auth", "7 bytes instead of 16"),
    ],
)
def test_bad_keys_are_named(p256dh: str, auth: str, field: str, says: str) -> None:
    with pytest.raises(BadKeys, match=says) as caught:
        parse_receiver(p256dh, auth)
    assert caught.value.field == field


def test_padded_keys_are_read_too() -> None:
    assert parse_receiver(UA_PUBLIC + "=", AUTH + "==").auth == unbase64(AUTH)
