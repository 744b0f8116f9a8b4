"""Bitmaps: the PNG of `image/{hash}` as raw rows, their hash, and the panel's store of them."""

import hashlib
import io
import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from PIL import Image, UnidentifiedImageError

from channels.panels.twin.seal import b64

MAX_SIDE: Final = 4096
_MODES: Final = {"1": "1", "rgb": "RGB"}


class BadImage(ValueError):
    """Bytes that are no picture of the contract; the text says why."""


@dataclass(frozen=True, slots=True)
class Bitmap:
    """Mode "1": one bit a dot, rows padded to bytes, most significant bit first, 1 is lit; mode
    "rgb": three bytes a dot."""

    mode: str
    width: int
    height: int
    rows: bytes

    @property
    def hash(self) -> str:
        head = f"{self.mode} {self.width}x{self.height}\n".encode()
        return b64(hashlib.sha256(head + self.rows).digest())

    def picture(self) -> Image.Image:
        return Image.frombytes(_MODES[self.mode], (self.width, self.height), self.rows)

    def png(self) -> bytes:
        """One pixel a dot."""
        out = io.BytesIO()
        self.picture().save(out, "PNG", optimize=True)
        return out.getvalue()


def of_picture(picture: Image.Image) -> Bitmap:
    """A Pillow image of mode "1" or "RGB"."""
    mode = "1" if picture.mode == "1" else "rgb"
    return Bitmap(mode, picture.width, picture.height, picture.tobytes())


def read(png: bytes, max_width: int, max_height: int) -> Bitmap:
    """A PNG of one bit grey or of eight bit RGB, no larger than the face. Raises BadImage."""
    try:
        with Image.open(io.BytesIO(png), formats=["PNG"]) as picture:
            # The size stands in the first bytes: looked at before anything is unpacked.
            if picture.width > max_width or picture.height > max_height:
                raise BadImage(f"{picture.width}x{picture.height} is larger than the face")
            if picture.mode not in ("1", "RGB"):
                raise BadImage("neither one bit grey nor RGB")
            picture.load()
            return of_picture(picture)
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        if isinstance(error, BadImage):
            raise
        raise BadImage("not a PNG") from error


class Images:
    """The bitmaps on disk, one file each, at most `most`; those that a plan names are kept."""

    def __init__(self, folder: Path, width: int, height: int, most: int) -> None:
        self._folder, self._size, self._most = folder, (width, height), most
        self._seen: dict[str, Bitmap] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._seen or self._path(name).is_file()

    def names(self) -> list[str]:
        """The hashes there are, the oldest first."""
        if not self._folder.is_dir():
            return []
        files = sorted(self._folder.glob("*.png"), key=lambda path: path.stat().st_mtime_ns)
        return [path.stem for path in files]

    def get(self, name: str) -> Bitmap | None:
        """None where it is missing, or is not what its name says (a damaged disk)."""
        if name not in self._seen:
            try:
                found = read(self._path(name).read_bytes(), *self._size)
            except (OSError, BadImage):
                return None
            if found.hash != name:
                return None
            self._seen[name] = found
        return self._seen[name]

    def put(self, name: str, png: bytes, keep: Collection[str]) -> None:
        """Raises BadImage, OSError."""
        found = read(png, *self._size)
        if found.hash != name:
            raise BadImage("its hash is not its name")
        self._folder.mkdir(parents=True, exist_ok=True)
        partial = self._path(name).with_suffix(".new")
        with open(partial, "wb") as out:
            out.write(png)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, self._path(name))
        self._seen[name] = found
        spare = [other for other in self.names() if other not in keep and other != name]
        for other in spare[: max(0, len(spare) + len(keep) + 1 - self._most)]:
            self.drop(other)

    def drop(self, name: str) -> None:
        self._seen.pop(name, None)
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.png"
