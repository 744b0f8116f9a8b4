"""PUBLISH under QoS 1 and its acknowledgements, straight on the socket of an open connection.

paho opens the connection, with its TLS, login and properties, and closes it; a batch of plans does
not pass through its queues, which cost 80 µs a message, three times what signing it costs. MQTT 5,
sections 1.5, 3.3 and 3.4.
"""

import select
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any, Final

from hub import clock

PUBACK, DISCONNECT = 0x40, 0xE0
# Written at once: few calls, and little that lies here when the broker goes away.
CHUNK: Final = 65_536


def packet(topic: str, payload: bytes, mid: int, properties: bytes, *, retain: bool) -> bytes:
    """A PUBLISH packet. `properties`: packed, without their length."""
    name = topic.encode()
    head = b"".join(
        (
            len(name).to_bytes(2, "big"),
            name,
            mid.to_bytes(2, "big"),
            number(len(properties)),
            properties,
        )
    )
    first = b"\x33" if retain else b"\x32"
    return b"".join((first, number(len(head) + len(payload)), head, payload))


def number(value: int) -> bytes:
    """A variable byte integer (section 1.5.5)."""
    out = bytearray()
    while True:
        value, digit = divmod(value, 128)
        out.append(digit | 128 if value else digit)
        if not value:
            return bytes(out)


def user_properties(pairs: Mapping[str, str], expiry_s: int | None = None) -> bytes:
    """User properties (section 3.3.2.3.7) and the expiry of the message (3.3.2.3.3)."""
    kept = b"" if expiry_s is None else b"\x02" + expiry_s.to_bytes(4, "big")
    return kept + b"".join(b"\x26" + _utf8(k) + _utf8(v) for k, v in pairs.items())


def packets(buffer: bytearray) -> Iterator[tuple[int, bytes]]:
    """Whole packets (first byte, body), taken from the front of the buffer."""
    start = 0
    while True:
        end, length, shift = start + 1, 0, 0
        while end < len(buffer):
            digit = buffer[end]
            length |= (digit & 127) << shift
            end, shift = end + 1, shift + 7
            if digit < 128:
                break
        else:
            break
        if shift > 28 or len(buffer) < end + length:
            break
        yield buffer[start], bytes(buffer[end : end + length])
        start = end + length
    del buffer[:start]


class Pipe:
    """An open connection's socket. Raises OSError when it is gone or takes nothing for `timeout`
    seconds."""

    def __init__(self, sock: Any, timeout: float) -> None:
        self._sock: socket.socket = sock
        self._sock.settimeout(timeout)
        # Small ends of a batch would else wait 40 ms for the other side's delayed acknowledgement,
        # and its answers for ours.
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._out: list[bytes] = []
        self._waiting = 0
        self._in = bytearray()

    def put(self, data: bytes) -> None:
        self._out.append(data)
        self._waiting += len(data)
        if self._waiting >= CHUNK:
            self.flush()

    def flush(self) -> None:
        if self._out:
            data, self._out, self._waiting = b"".join(self._out), [], 0
            self._sock.sendall(data)

    def read(self, wait: float) -> list[tuple[int, bytes]]:
        """What came within `wait` seconds. Raises ConnectionError when the other side closed."""
        self.flush()
        self._answer_at_once()
        pending = isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()
        if not pending and not select.select([self._sock], [], [], max(wait, 0.0))[0]:
            return []
        try:
            data = self._sock.recv(CHUNK)
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return []
        if not data:
            raise ConnectionError("closed by the broker")
        self._in += data
        return list(packets(self._in))

    def _answer_at_once(self) -> None:
        if hasattr(socket, "TCP_QUICKACK"):  # Linux; it wears off
            self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)

    def release(self) -> None:
        """Back to the form in which the connection's owner keeps it."""
        with suppress(OSError):  # closed already
            self._sock.setblocking(False)


def left(until: float) -> float:
    return max(until - clock.monotonic(), 0.0)


def _utf8(text: str) -> bytes:
    raw = text.encode()
    return len(raw).to_bytes(2, "big") + raw
