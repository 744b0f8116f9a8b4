"""To which addresses a messenger may connect, and what it makes of a wait."""

import socket
from datetime import timedelta
from email.utils import format_datetime

import pytest

from channels import wire
from hub import clock
from hub.guard import AddressPolicy, AddressRefused

PUBLIC, INSIDE = "93.184.216.34", "10.0.0.7"


def resolves(monkeypatch: pytest.MonkeyPatch, *found: str) -> None:
    rows = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in found]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: rows)


def test_a_public_name_gives_its_addresses_once_each(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, PUBLIC, PUBLIC, "1.1.1.1")
    assert wire.addresses(AddressPolicy(), "sms.example.org", 443) == [PUBLIC, "1.1.1.1"]


def test_one_inside_address_among_public_ones_refuses_the_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolves(monkeypatch, PUBLIC, INSIDE)
    with pytest.raises(AddressRefused):
        wire.addresses(AddressPolicy(), "sms.example.org", 443)


@pytest.mark.parametrize("host", ["localhost", "hub.internal", "nas.local", "2130706433", "0x7f.1"])
def test_a_name_of_the_own_network_is_refused_whatever_it_resolves_to(
    monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    resolves(monkeypatch, PUBLIC)
    with pytest.raises(AddressRefused):
        wire.addresses(AddressPolicy(), host, 443)


def test_an_excepted_pair_is_let_through_and_no_other_port(monkeypatch: pytest.MonkeyPatch) -> None:
    resolves(monkeypatch, INSIDE)
    policy = AddressPolicy(frozenset({"gateway.town:8443"}))
    assert wire.addresses(policy, "gateway.town", 8443) == [INSIDE]
    with pytest.raises(AddressRefused):
        wire.addresses(policy, "gateway.town", 443)


def test_the_next_address_is_tried_where_one_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        resolves(monkeypatch, "127.0.0.2", "127.0.0.1")
        real = socket.socket
        policy = AddressPolicy(frozenset({f"sms.example.org:{port}"}))
        monkeypatch.setattr(socket, "create_connection", _plain(real))
        wire.connect(policy, "sms.example.org", port, 5).close()


def _plain(make: type[socket.socket]) -> object:
    """`socket.create_connection` resolves again; with the resolver faked, connect by hand."""

    def connect(address: tuple[str, int], timeout: float) -> socket.socket:
        made = make(socket.AF_INET, socket.SOCK_STREAM)
        try:
            made.connect(address)
        except OSError:
            made.close()
            raise
        return made

    return connect


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("17", 17.0), (" 0 ", 0.0), ("9999999", 86_400.0), ("", None), ("soon", None), ("-3", None)],
)
def test_retry_after_in_seconds(value: str, seconds: float | None) -> None:
    assert wire.retry_after(value) == seconds


def test_retry_after_as_a_date() -> None:
    later = format_datetime(clock.now() + timedelta(seconds=100), usegmt=True)
    assert 90 < (wire.retry_after(later) or 0) <= 100
    assert wire.retry_after("Thu, 01 Jan 2015 00:00:00 GMT") == 0.0
