"""What a browser gives us to reach it: an endpoint and two keys, checked before anything is kept.

The endpoint is an address that a stranger chose. It must pass the address policy, and it is known
only on the push hosts of the four browser makers, on those of the settings, and on the exceptions
of the policy.
"""

import base64
import binascii
from collections.abc import Collection
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec

from hub import settings
from hub.guard import AddressPolicy, AddressRefused

# The four browser makers. Each takes 443 only.
_HOSTS = frozenset(
    {"fcm.googleapis.com", "android.googleapis.com", "updates.push.services.mozilla.com"}
)
_HOST_ENDINGS = (".push.services.mozilla.com", ".push.apple.com", ".notify.windows.com")

_LONGEST_ENDPOINT = 1024


@dataclass(frozen=True, slots=True)
class Device:
    """What a browser's PushSubscription gives: endpoint and keys (base64url). `key` is the
    application server key it subscribed under; empty: the current one of the host name."""

    endpoint: str
    p256dh: str
    auth: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Gate:
    """Which endpoints are taken, and which of them without a confirmation."""

    policy: AddressPolicy
    extra_hosts: Collection[str] = ()

    @classmethod
    def of_settings(cls) -> "Gate":
        return cls(settings.get().policy, settings.get().extra_push_hosts)

    def host_of(self, endpoint: str) -> tuple[str, bool]:
        """(host, whether we know it). Raises AddressRefused."""
        if len(endpoint) > _LONGEST_ENDPOINT:
            raise AddressRefused(f"The endpoint is longer than {_LONGEST_ENDPOINT} characters.")
        if not endpoint.isascii() or "\\" in endpoint:
            raise AddressRefused("The endpoint holds a character that an address may not hold.")
        parts = self.policy.check_url(endpoint)
        host, port = parts.hostname or "", self.policy.port_of(parts)
        if not parts.path:
            raise AddressRefused("The endpoint has no path.")
        if self.policy.is_excepted(host, port):
            return host, True
        if parts.scheme != "https":
            raise AddressRefused("The endpoint must start with https://.")
        known = host in _HOSTS or host.endswith(_HOST_ENDINGS) or host in self.extra_hosts
        return host, known and port == 443


def check(device: Device, gate: Gate, errors: list[tuple[str, str]]) -> tuple[str, bool]:
    """(host, whether we know it); adds (field, reason) to `errors` for whatever is wrong."""
    host, known = "", False
    try:
        host, known = gate.host_of(device.endpoint)
    except AddressRefused as refusal:
        errors.append(("endpoint", str(refusal)))
    try:
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), _read(device.p256dh, 65))
    except ValueError:
        errors.append(("keys.p256dh", "It is not a point of P-256: 65 bytes in base64url."))
    try:
        _read(device.auth, 16)
    except ValueError:
        errors.append(("keys.auth", "It is not a secret of 16 bytes in base64url."))
    return host, known


def plain(text: str) -> str:
    """base64url as it is kept: without padding."""
    return text.strip().rstrip("=")


def to_base64(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _read(text: str, size: int) -> bytes:
    """The `size` bytes of base64url, padded or not. Raises ValueError."""
    text = plain(text)
    try:
        raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64url") from error
    if len(raw) != size:
        raise ValueError(f"{len(raw)} bytes")
    return raw
