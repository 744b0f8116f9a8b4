"""A picture for a matrix: raw rows, their hash by the contract, a PNG for the wire and the eye."""

import hashlib
import struct
import zlib
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from channels.panels.jws import b64

Mode: TypeAlias = Literal["1", "rgb"]
_SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"


@dataclass(frozen=True, slots=True)
class Bitmap:
    """`rows`: the raw rows one after the other. Mode "1" has one bit a dot, most significant bit
    first, each row padded to whole bytes, 1 is lit; mode "rgb" three bytes a dot."""

    mode: Mode
    width: int
    height: int
    rows: bytes

    @property
    def stride(self) -> int:
        """Bytes of a row."""
        return self.width * 3 if self.mode == "rgb" else (self.width + 7) // 8

    @property
    def hash(self) -> str:
        """base64url(SHA-256("{mode} {width}x{height}\\n" + rows)): docs/panel-contract.md."""
        head = f"{self.mode} {self.width}x{self.height}\n".encode()
        return b64(hashlib.sha256(head + self.rows).digest())

    def png(self) -> bytes:
        """One PNG dot a dot (PNG, third edition, sections 5 and 11). The same bitmap gives the same
        bytes under the same zlib."""
        depth, colour = (8, 2) if self.mode == "rgb" else (1, 0)
        head = struct.pack(">IIBBBBB", self.width, self.height, depth, colour, 0, 0, 0)
        step = self.stride
        filtered = b"".join(
            b"\x00" + self.rows[at : at + step] for at in range(0, len(self.rows), step)
        )
        chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(filtered, 9)), (b"IEND", b""))
        return _SIGNATURE + b"".join(_chunk(kind, body) for kind, body in chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
