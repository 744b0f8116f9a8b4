"""The guarded fetcher against a real web site that behaves well and badly."""

import gzip
import string
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from connectors.fetcher import Fetcher, Limits, _certificates
from connectors.reasons import REASONS, WHAT, say
from hub.contracts import Fetched, NotModified, SourceUnavailable
from hub.guard import AddressPolicy
from tests.fakes.feeds import Feeds
from tests.fakes.proxy import Proxy

BODY = b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n"


@pytest.fixture
def site() -> Iterator[Feeds]:
    with Feeds() as running:
        running.put("/agenda.ics", BODY, "text/calendar; charset=utf-8")
        yield running


@pytest.fixture
def fetch(site: Feeds) -> Fetcher:
    return fetcher(site)


def fetcher(site: Feeds, *pairs: str, resolve: tuple[str, ...] = (), **limits: float) -> Fetcher:
    policy = AddressPolicy(frozenset({site.pair, *pairs}))
    return Fetcher(policy, limits=Limits(**limits), resolve=resolve)  # type: ignore[arg-type]


def reason_of(fetch: Fetcher, url: str) -> str:
    with pytest.raises(SourceUnavailable) as caught:
        fetch(url, {})
    return caught.value.reason


def test_content_comes_with_its_media_type_and_a_cursor(site: Feeds, fetch: Fetcher) -> None:
    got = fetch(site.url("/agenda.ics"), {}, accept="text/calendar")
    assert isinstance(got, Fetched)
    assert (got.raw, got.media_type) == (BODY, "text/calendar")
    assert got.cursor["etag"]
    headers = site.asked[0][1]
    assert headers["Accept"] == "text/calendar"
    assert headers["User-Agent"].startswith("Tambour")


def test_what_has_not_changed_is_not_sent_again(site: Feeds, fetch: Fetcher) -> None:
    first = fetch(site.url("/agenda.ics"), {})
    again = fetch(site.url("/agenda.ics"), first.cursor)
    assert isinstance(again, NotModified)
    assert again.cursor == first.cursor
    site.put("/agenda.ics", BODY + b"X")
    changed = fetch(site.url("/agenda.ics"), first.cursor)
    assert isinstance(changed, Fetched)
    assert changed.raw == BODY + b"X"


def test_validators_go_only_to_the_address_that_gave_them(site: Feeds, fetch: Fetcher) -> None:
    site.redirect("/old", "/agenda.ics", 301)
    first = fetch(site.url("/old"), {})
    again = fetch(site.url("/old"), first.cursor)
    assert isinstance(again, NotModified)
    to_old, to_new = site.asked[2:]
    assert "If-None-Match" not in to_old[1]
    assert "If-None-Match" in to_new[1]


def test_a_key_goes_to_the_host_that_was_asked_and_to_no_other(site: Feeds) -> None:
    with Feeds() as other:
        other.put("/agenda.ics", BODY)
        site.redirect("/near", "/agenda.ics", 302)
        site.redirect("/far", other.url("/agenda.ics"), 302)
        fetch = fetcher(site, other.pair)
        for path in ("/near", "/far"):
            fetch(site.url(path), {}, headers={"apikey": "secret\r\nX-More: 1"})
        assert [headers.get("apikey") for _, headers in site.asked] == ["secret X-More: 1"] * 3
        assert "apikey" not in other.asked[0][1]


def test_a_304_nobody_asked_for_is_no_content(site: Feeds, fetch: Fetcher) -> None:
    site.status("/odd", 304)
    assert "304" in reason_of(fetch, site.url("/odd"))


def test_five_redirects_are_followed_and_six_are_not(site: Feeds, fetch: Fetcher) -> None:
    for step in range(6):
        site.redirect(f"/{step}", f"/{step + 1}" if step < 5 else "/agenda.ics", 307)
    assert fetch(site.url("/1"), {}).raw == BODY  # type: ignore[union-attr]
    assert reason_of(fetch, site.url("/0")) == say("too-many-redirects", count=5)


@pytest.mark.parametrize(
    "target",
    [
        "http://127.0.0.1:{other}/agenda.ics",
        "http://localhost:{other}/agenda.ics",
        "http://[::1]:{other}/agenda.ics",
        "http://[::ffff:127.0.0.1]:{port}/agenda.ics",
        "http://[::127.0.0.1]:{port}/agenda.ics",
        "http://[64:ff9b::7f00:1]:{port}/agenda.ics",
        "http://0x7f.1:{port}/agenda.ics",
        "http://2130706433:{port}/agenda.ics",
        "http://0.0.0.0:{port}/agenda.ics",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/agenda.ics",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/x",
        "http://user:password@127.0.0.1:{port}/agenda.ics",
    ],
)
def test_a_redirect_inside_is_refused_before_anything_is_sent(site: Feeds, target: str) -> None:
    with Feeds() as inner:
        inner.put("/agenda.ics", b"secret")
        site.redirect("/out", target.format(port=site.port, other=inner.port))
        reason = reason_of(fetcher(site), site.url("/out"))
        assert inner.asked == []
    assert [path for path, _ in site.asked] == ["/out"]
    assert "réseau privé" in reason or "utilisable" in reason
    assert "password" not in reason


def test_a_name_that_resolves_inside_is_refused_at_the_socket(site: Feeds) -> None:
    inside = (f"agenda.example.org:{site.port}:127.0.0.1",)
    fetch = fetcher(site, resolve=inside)
    reason = reason_of(fetch, site.url("/agenda.ics", host="agenda.example.org"))
    assert reason == say("address-refused", host="agenda.example.org")
    assert site.asked == []


def test_a_second_look_up_that_leads_inside_is_refused_too(site: Feeds) -> None:
    """The first hop's name is let through, the second hop's name turns out to be this machine."""
    names = (f"good.example.org:{site.port}:127.0.0.1", f"bad.example.org:{site.port}:127.0.0.1")
    fetch = fetcher(site, f"good.example.org:{site.port}", resolve=names)
    site.redirect("/out", site.url("/agenda.ics", host="bad.example.org"))
    reason = reason_of(fetch, site.url("/out", host="good.example.org"))
    assert reason == say("address-refused", host="bad.example.org")
    assert [path for path, _ in site.asked] == ["/out"]


def test_webcal_is_https_and_does_not_fall_back_to_http(site: Feeds) -> None:
    reason = reason_of(fetcher(site), f"webcal://127.0.0.1:{site.port}/agenda.ics")
    assert reason == say("certificate", host="127.0.0.1")


@pytest.fixture
def certificate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A self-signed certificate for 127.0.0.1 that this process trusts."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    begins = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(begins)
        .not_valid_after(begins + timedelta(days=9))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, SHA256())
    )
    path = tmp_path / "site.pem"
    path.write_bytes(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        + made.public_bytes(Encoding.PEM)
    )
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    _certificates.cache_clear()
    yield path
    _certificates.cache_clear()


def test_a_redirect_from_https_to_http_is_not_followed(site: Feeds, certificate: Path) -> None:
    with Feeds(certificate) as secure:
        secure.put("/agenda.ics", BODY)
        secure.redirect("/out", site.url("/agenda.ics"))
        fetch = fetcher(site, secure.pair)
        assert fetch(secure.url("/agenda.ics"), {}).raw == BODY  # type: ignore[union-attr]
        assert reason_of(fetch, secure.url("/out")) == say("downgrade")
    assert site.asked == []


def test_a_certificate_that_is_not_trusted_is_refused(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    _certificates.cache_clear()
    with Feeds(certificate) as secure:
        secure.put("/agenda.ics", BODY)
        reason = reason_of(fetcher(secure), secure.url("/agenda.ics"))
        assert reason == say("certificate", host="127.0.0.1")
        assert secure.asked == []


def test_proxies_of_the_environment_are_not_used(
    site: Feeds, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Feeds() as proxy:
        for name in ("http_proxy", "all_proxy", "HTTP_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        assert fetcher(site)(site.url("/agenda.ics"), {}).raw == BODY  # type: ignore[union-attr]
        assert proxy.asked == []


def test_compressed_content_is_unpacked(site: Feeds, fetch: Fetcher) -> None:
    site.gzip("/packed", BODY * 1000)
    assert fetch(site.url("/packed"), {}).raw == BODY * 1000  # type: ignore[union-attr]


def test_a_gzip_bomb_stops_at_the_limit(site: Feeds) -> None:
    site.bomb("/bomb", 60_000_000)
    reason = reason_of(fetcher(site, size=1_000_000), site.url("/bomb"))
    assert reason == say("too-big", megabytes=1.0)


def test_a_bomb_in_a_bomb_stops_as_well(site: Feeds) -> None:
    twice = gzip.compress(gzip.compress(bytes(30_000_000)))
    site.status("/twice", 200, twice, Content_Encoding="gzip, gzip")
    assert reason_of(fetcher(site, size=1_000_000), site.url("/twice"))


def test_a_byte_a_second_ends_in_bounded_time(site: Feeds) -> None:
    site.drip("/drip")
    site.silent("/silent")
    for path in ("/drip", "/silent"):
        reason = reason_of(fetcher(site, seconds=1.5), site.url(path))
        assert reason == say("too-slow", host="127.0.0.1", seconds=2)


def test_the_time_is_for_all_hops_together(site: Feeds) -> None:
    site.redirect("/hop", "/drip")
    site.drip("/drip")
    fetch = fetcher(site, seconds=60, slow_seconds=1, slow_bytes=50)
    assert "lentement" in reason_of(fetch, site.url("/hop"))


def test_an_answer_that_is_cut_off_is_not_content(site: Feeds, fetch: Fetcher) -> None:
    site.cut("/cut", BODY, len(BODY) + 50)
    assert reason_of(fetch, site.url("/cut")) == say("cut-off", host="127.0.0.1")


@pytest.mark.parametrize(("status", "body"), [(200, b""), (200, b" \r\n"), (204, b"")])
def test_an_empty_answer_is_told_apart(
    site: Feeds, fetch: Fetcher, status: int, body: bytes
) -> None:
    site.status("/empty", status, body)
    assert reason_of(fetch, site.url("/empty")) == say("empty", host="127.0.0.1")


@pytest.mark.parametrize(
    ("status", "code"),
    [(404, "not-found"), (410, "not-found"), (401, "forbidden"), (403, "forbidden"),
     (429, "too-many-requests"), (500, "server-error"), (503, "server-error"),
     (418, "unexpected-status")],
)  # fmt: skip
def test_each_status_has_its_sentence(site: Feeds, fetch: Fetcher, status: int, code: str) -> None:
    site.status("/it", status, b"<html>no</html>")
    assert reason_of(fetch, site.url("/it")) == say(code, host="127.0.0.1", status=status)


def test_how_long_to_wait_is_passed_on(site: Feeds, fetch: Fetcher) -> None:
    later = datetime.now(UTC) + timedelta(minutes=10)
    for value, least, most in (("120", 120, 120), (format_datetime(later, True), 500, 600),
                               ("99999999", 86_400, 86_400), ("soon", None, None)):  # fmt: skip
        site.status("/busy", 503, Retry_After=value)
        with pytest.raises(SourceUnavailable) as caught:
            fetch(site.url("/busy"), {})
        if least is None:
            assert caught.value.retry_after is None
        else:
            assert caught.value.retry_after is not None
            assert least <= caught.value.retry_after <= (most or 0)


def test_a_site_that_is_not_there_is_named(site: Feeds) -> None:
    with Feeds() as gone:
        pair, url = gone.pair, gone.url("/x")
    assert reason_of(fetcher(site, pair), url) == say("no-connection", host="127.0.0.1")
    unknown = "http://nowhere.invalid/agenda.ics"
    assert reason_of(fetcher(site), unknown) == say("unknown-host", host="nowhere.invalid")


def test_letters_outside_ascii_in_an_address_are_sent_encoded(site: Feeds, fetch: Fetcher) -> None:
    site.redirect("/out", "/mairie/été 2026.ics?q=é")
    site.put("/mairie/%C3%A9t%C3%A9%202026.ics", BODY)
    assert fetch(site.url("/out"), {}).raw == BODY  # type: ignore[union-attr]


def test_every_reason_is_written_in_three_languages_with_the_same_values() -> None:
    def names(text: str) -> set[str]:
        return {field for _, field, _, _ in string.Formatter().parse(text) if field}

    for code, sentences in REASONS.items():
        assert len(set(sentences)) == len(sentences) == 3, code
        assert len({frozenset(names(s)) for s in sentences}) == 1, code
    assert all(len(set(words)) == 3 for words in WHAT.values())
    assert say("empty", "en", host="x").startswith("The site x")
    assert say("empty", "de", host="x") == say("empty", "fr", host="x")


# 30 MB of zeros: RFC 7932 packs them into 53 bytes.
_BROTLI_BOMB = bytes.fromhex(
    "cbffff3ff82700e2b14020f7fe8fffff7ff04f00c4611180eefd1fffffffe09f0088c30200ddfbbffc1b4ec23f01"
    "108705003abb49"
)


def test_brotli_is_unpacked_within_the_same_bound(site: Feeds, fetch: Fetcher) -> None:
    site.status("/small", 200, _BROTLI_BOMB, Content_Encoding="br")
    wide = fetcher(site, size=31_000_000)
    with pytest.raises(SourceUnavailable):
        fetcher(site, size=1_000_000)(site.url("/small"), {})
    assert "br" in site.asked[0][1]["Accept-Encoding"]
    got = wide(site.url("/small"), {})
    assert isinstance(got, Fetched)
    assert got.raw == bytes(30_000_000)


def test_a_redirect_that_sends_without_end_is_stopped(site: Feeds) -> None:
    site.status("/out", 302, bytes(3_000_000), Location="/agenda.ics")
    assert reason_of(fetcher(site, size=1_000_000), site.url("/out")) == say(
        "too-big", megabytes=1.0
    )


@pytest.mark.parametrize(
    "host",
    ["127.1", "0177.0.0.1", "0x7f000001", "2130706433", "[::1]", "[::ffff:127.0.0.1]",
     "[::ffff:7f00:1]", "[0:0:0:0:0:ffff:127.0.0.1]", "localhost", "localhost.", "LOCALHOST",
     "0", "0.0.0.0", "①②⑦.0.0.1", "127。0。0。1", "[fe80::1]", "[fc00::1]", "169.254.169.254"],
)  # fmt: skip
def test_every_spelling_of_this_machine_is_refused(site: Feeds, host: str) -> None:
    policy = AddressPolicy()
    with pytest.raises(SourceUnavailable):
        Fetcher(policy)(f"http://{host}:{site.port}/agenda.ics", {})
    assert site.asked == []


class TestThroughAProxy:
    """The proxy is a real one, that tunnels to whatever address it is told."""

    @pytest.fixture
    def proxy(self) -> Iterator[Proxy]:
        with Proxy() as running:
            yield running

    def through(self, proxy: Proxy, site: Feeds, *resolve: str, allow: str = "") -> Fetcher:
        policy = AddressPolicy(frozenset({allow} if allow else ()))
        return Fetcher(policy, resolve=resolve, proxy=proxy.url)

    def test_a_site_is_reached_at_the_address_that_was_checked(
        self, proxy: Proxy, site: Feeds
    ) -> None:
        proxy.sends("93.184.216.34", site.port)
        fetch = self.through(proxy, site, "agenda.example.org:80:93.184.216.34")
        got = fetch("http://agenda.example.org/agenda.ics", {})
        assert isinstance(got, Fetched)
        assert got.raw == BODY
        assert proxy.asked == ["93.184.216.34:80"]
        assert site.asked[0][1]["Host"] == "agenda.example.org"

    def test_a_name_that_leads_inside_is_not_even_asked_for(
        self, proxy: Proxy, site: Feeds
    ) -> None:
        fetch = self.through(proxy, site, "agenda.example.org:80:10.0.0.7")
        reason = reason_of(fetch, "http://agenda.example.org/agenda.ics")
        assert reason == say("address-refused", host="agenda.example.org")
        for url in (f"http://127.1:{site.port}/", "http://[::ffff:127.0.0.1]/"):
            assert reason_of(fetch, url)
        assert proxy.asked == []

    def test_the_machines_own_feeds_go_past_it(self, proxy: Proxy, site: Feeds) -> None:
        fetch = self.through(proxy, site, allow=site.pair)
        assert isinstance(fetch(site.url("/agenda.ics"), {}), Fetched)
        assert proxy.asked == []

    def test_a_proxy_that_is_not_there_is_named(self, site: Feeds) -> None:
        with Proxy() as gone:
            url = gone.url
        fetch = Fetcher(AddressPolicy(), resolve=("a.example.org:80:93.184.216.34",), proxy=url)
        assert reason_of(fetch, "http://a.example.org/") == say("proxy", host="a.example.org")
