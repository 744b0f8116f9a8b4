"""The signed header, verified by another implementation."""

import datetime as dt
import json

import pytest
from py_vapid import Vapid02

from channels.push.encryption import unbase64
from channels.push.vapid import BadIdentity, Headers, sign
from tests.channels.push.conftest import NOW

ORIGIN = "https://push.example"


def claims_of(header: str) -> dict[str, object]:
    token = header.removeprefix("vapid t=").partition(",")[0]
    claims: dict[str, object] = json.loads(unbase64(token.split(".")[1]))
    return claims


def test_another_implementation_verifies_the_header(identity: dict[str, str]) -> None:
    header = sign(ORIGIN, contact="mailto:mairie@example.org", now=1_772_440_267, **identity)
    assert Vapid02.verify(header)
    assert claims_of(header) == {
        "aud": ORIGIN,
        "exp": 1_772_440_267 + 12 * 3600,
        "sub": "mailto:mairie@example.org",
    }
    assert header.endswith(f",k={identity['public_key']}")


def test_a_header_is_kept_for_hours_then_signed_anew(
    identity: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    now = NOW
    monkeypatch.setattr("hub.clock.now", lambda: now)
    headers = Headers("mailto:mairie@example.org")
    first = headers.get(ORIGIN, **identity)
    now = NOW + dt.timedelta(hours=5, minutes=59)
    assert headers.get(ORIGIN, **identity) is first
    now = NOW + dt.timedelta(hours=6)
    second = headers.get(ORIGIN, **identity)
    assert second != first
    assert claims_of(second)["exp"] == int(now.timestamp()) + 12 * 3600


def test_a_clock_set_back_signs_anew(
    identity: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a header from a wrong future would be refused for as long as the clock was wrong."""
    headers = Headers("mailto:mairie@example.org")
    monkeypatch.setattr("hub.clock.now", lambda: NOW + dt.timedelta(days=400))
    headers.get(ORIGIN, **identity)
    monkeypatch.setattr("hub.clock.now", lambda: NOW)
    assert claims_of(headers.get(ORIGIN, **identity))["exp"] == int(NOW.timestamp()) + 12 * 3600


def test_each_origin_has_its_own_header(identity: dict[str, str]) -> None:
    headers = Headers("mailto:mairie@example.org")
    assert claims_of(headers.get("https://a.example", **identity))["aud"] == "https://a.example"
    assert claims_of(headers.get("https://b.example", **identity))["aud"] == "https://b.example"


@pytest.mark.parametrize("scalar", ["AAAA", "not base64!", "_" * 43])
def test_a_private_key_that_is_none_is_refused(identity: dict[str, str], scalar: str) -> None:
    with pytest.raises(BadIdentity):
        sign(ORIGIN, identity["public_key"], scalar, "mailto:mairie@example.org", 0)
