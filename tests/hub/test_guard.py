"""What a user-supplied URL may reach."""

import pytest

from hub.guard import AddressPolicy, AddressRefused, parse_pairs

OPEN = AddressPolicy()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/",
        "http://127.1/",
        "http://0x7f.1/",
        "http://2130706433/",
        "http://[::1]/",
        "http://[::ffff:127.0.0.1]/",
        "http://[::ffff:7f00:1]/",
        "http://[64:ff9b::7f00:1]/",
        "http://[2002:7f00:1::]/",
        "http://169.254.169.254/latest",
        "http://10.0.0.1/",
        "http://192.168.1.1:8080/",
        "http://[fe80::1]/",
        "http://[fd00::1]/",
        "http://localhost/",
        "http://localhost./",
        "http://router.local./",
        "http://a.localhost/",
        "http://224.0.0.1/",
        "ftp://example.org/",
        "http://user:secret@example.org/",
        "http://",
        "http://example.org:0/",
        "http://exa mple.org/",
        "http://example.org/" + "a" * 2048,
    ],
)
def test_what_leads_inside_or_cannot_be_read_is_refused(url: str) -> None:
    with pytest.raises(AddressRefused):
        OPEN.check_url(url)


@pytest.mark.parametrize("url", ["https://example.org/feed", "http://8.8.8.8/", "https://é.fr/"])
def test_the_public_net_passes(url: str) -> None:
    assert OPEN.check_url(url).hostname


def test_an_exception_is_an_exact_pair_of_host_and_port() -> None:
    policy = AddressPolicy(parse_pairs(["127.0.0.1:9000"]))
    policy.check_url("http://127.0.0.1:9000/x")
    policy.check_address("127.0.0.1", 9000, "127.0.0.1")
    for url in ("http://127.0.0.1:9001/", "http://localhost:9000/", "http://127.0.0.1/"):
        with pytest.raises(AddressRefused):
            policy.check_url(url)


def test_a_name_that_resolves_inside_is_refused_at_the_connection() -> None:
    OPEN.check_url("http://rebinding.example.org/")
    for address in ("127.0.0.1", "::ffff:10.0.0.1", "fe80::1%eth0", "::7f00:1"):
        with pytest.raises(AddressRefused):
            OPEN.check_address("rebinding.example.org", 80, address)


@pytest.mark.parametrize("pair", ["localhost", "a:b", ":80", "a:0", "a:70000"])
def test_a_pair_that_is_none_is_named(pair: str) -> None:
    with pytest.raises(ValueError, match="is not host:port"):
        parse_pairs([pair])
