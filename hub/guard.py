"""The address policy: what a user-supplied URL may reach. Pure: it resolves nothing itself.

A URL that a person or a browser gives us (a source, a push endpoint, a webhook) must never make the
hub speak to its own machine or its own network. The policy is asked twice: for the URL, and for
every address its host resolves to, at the moment of the connection; the socket then goes to exactly
that address, so a second look-up cannot change the answer (DNS rebinding).
"""

import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

_NUMERIC_HOST = re.compile(r"^(0x[0-9a-f]*|[0-9]+)(\.(0x[0-9a-f]*|[0-9]+))*\.?$", re.IGNORECASE)
# IPv6 ranges that carry an IPv4 address inside: NAT64 (RFC 6052, RFC 8215).
_NAT64 = (ipaddress.ip_network("64:ff9b::/96"), ipaddress.ip_network("64:ff9b:1::/48"))


class AddressRefused(ValueError):
    """A URL or an address that the policy does not let through; the text is fit for the sender."""


@dataclass(frozen=True, slots=True)
class AddressPolicy:
    """Public unicast addresses over http or https; beside them the exact `host:port` pairs of
    `allow_private` (TAMBOUR_ALLOW_PRIVATE), compared as written in the URL."""

    allow_private: frozenset[str] = field(default_factory=frozenset)
    schemes: frozenset[str] = frozenset({"http", "https"})

    def check_url(self, url: str) -> SplitResult:
        """The split URL, if its form and a literal address in it are acceptable.

        Raises AddressRefused. A name still has to pass `check_address` once resolved.
        """
        if len(url) > 2048:
            raise AddressRefused("The address is longer than 2048 characters.")
        if any(ord(c) <= 32 or ord(c) == 127 for c in url):
            raise AddressRefused("The address holds a space or a control character.")
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise AddressRefused(f"The address cannot be read: {error}.") from error
        if parts.scheme not in self.schemes:
            raise AddressRefused(
                f"The address must start with {' or '.join(sorted(self.schemes))}://."
            )
        if parts.username or parts.password:
            raise AddressRefused("The address must not hold a user name or a password.")
        host = (parts.hostname or "").rstrip(".")  # "localhost." is localhost
        if not host:
            raise AddressRefused("The address names no host.")
        if port == 0:
            raise AddressRefused("The address names port 0.")
        if self.is_excepted(host, self.port_of(parts)):
            return parts
        if host == "localhost" or host.endswith((".localhost", ".local", ".internal")):
            raise AddressRefused(f"{host} is on this machine or its own network.")
        try:
            literal = ipaddress.ip_address(host)
        except ValueError:
            if _NUMERIC_HOST.match(host):
                # 127.1, 0x7f.1, 2130706433: libc reads them as addresses, people do not.
                raise AddressRefused(f"{host} is not a plain host name or address.") from None
            return parts
        self._check_ip(literal)
        return parts

    @staticmethod
    def port_of(parts: SplitResult) -> int:
        return parts.port or (443 if parts.scheme in ("https", "wss", "mqtts") else 80)

    def is_excepted(self, host: str, port: int) -> bool:
        return f"{host}:{port}" in self.allow_private or f"[{host}]:{port}" in self.allow_private

    def check_address(self, host: str, port: int, address: str) -> None:
        """Raises AddressRefused unless a connection for `host:port` may go to `address`."""
        if self.is_excepted(host, port):
            return
        self._check_ip(ipaddress.ip_address(address.partition("%")[0]))

    @staticmethod
    def _check_ip(ip: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
        inner = _unwrapped(ip)
        if inner.is_multicast or not inner.is_global:
            raise AddressRefused(f"{ip} is not a public address.")


def _unwrapped(
    ip: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside a mapped, 6to4, Teredo or NAT64 one; else the address itself."""
    if isinstance(ip, ipaddress.IPv4Address):
        return ip
    if ip.ipv4_mapped:
        return ip.ipv4_mapped
    if ip.sixtofour:
        return ip.sixtofour
    if ip.teredo:
        return ip.teredo[1]
    if any(ip in net for net in _NAT64) or int(ip) >> 32 == 0:
        return ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip


def parse_pairs(pairs: Iterable[str]) -> frozenset[str]:
    """Exact host:port pairs from a setting; raises ValueError naming the one that is not a pair."""
    kept = set()
    for pair in pairs:
        host, _, port = pair.strip().rpartition(":")
        if not host or not port.isdigit() or not 0 < int(port) < 65536:
            raise ValueError(f"{pair!r} is not host:port")
        kept.add(f"{host}:{int(port)}")
    return frozenset(kept)
