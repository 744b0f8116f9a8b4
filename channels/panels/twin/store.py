"""What a panel keeps through a power cut: its plan as signed, its keys, its session."""

import base64
import json
import os
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from channels.panels.twin import seal


@dataclass(frozen=True, slots=True)
class Kept:
    """`payload` are the exact signed bytes, empty before the first plan. `key` is the one given or
    first seen; `ring` is what a set of keys put in its place."""

    payload: bytes = b""
    jws: str = ""
    key: bytes = b""
    key_id: str = ""
    session: int = 0
    ring: tuple[seal.Key, ...] = ()
    keys_rev: int = 0

    @property
    def trusted(self) -> tuple[seal.Key, ...]:
        """Empty before the first key."""
        return self.ring or ((seal.Key(self.key_id, self.key),) if self.key else ())


class Store:
    """Small files, each replaced as a whole: half a plan never exists."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._path = folder / "panel.json"

    def read(self) -> Kept:
        """What was kept; an empty memory where the file is missing or damaged."""
        try:
            data: dict[str, Any] = json.loads(self._path.read_text("utf-8"))
            return Kept(
                payload=base64.b64decode(data["payload"]),
                jws=data["jws"],
                key=base64.b64decode(data["key"]),
                key_id=data["key_id"],
                session=data["session"],
                ring=tuple(_key(entry) for entry in data.get("ring", ())),
                keys_rev=data.get("keys_rev", 0),
            )
        except (OSError, ValueError, KeyError, TypeError):
            return Kept()

    def write(self, kept: Kept) -> None:
        """Durable when it returns: an acknowledgement "stored" must be true after a power cut."""
        data = {
            "payload": base64.b64encode(kept.payload).decode(),
            "jws": kept.jws,
            "key": base64.b64encode(kept.key).decode(),
            "key_id": kept.key_id,
            "session": kept.session,
            "ring": [
                [key.kid, seal.b64(key.raw), key.not_after.isoformat() if key.not_after else ""]
                for key in kept.ring
            ],
            "keys_rev": kept.keys_rev,
        }
        self._replace(self._path, json.dumps(data).encode())

    def note(self, name: str, value: Any) -> None:
        """Keep something small under a name of our own."""
        self._replace(self._folder / f"{name}.json", json.dumps(value).encode())

    def noted(self, name: str) -> Any:
        """None where there is nothing, or nothing readable."""
        try:
            return json.loads((self._folder / f"{name}.json").read_text("utf-8"))
        except (OSError, ValueError):
            return None

    def device_key(self) -> bytes:
        """The panel's own private key (32 bytes), made when first asked for."""
        path = self._folder / "device.key"
        try:
            raw = path.read_bytes()
        except OSError:
            raw = b""
        if len(raw) != 32:
            raw = seal.new_key()
            self._replace(path, raw)
        return raw

    def _replace(self, path: Path, data: bytes) -> None:
        partial = path.with_suffix(".new")
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, path)


def _key(entry: list[str]) -> seal.Key:
    kid, x, until = entry
    return seal.Key(
        kid, seal.unb64(x), datetime.fromisoformat(until).astimezone(UTC) if until else None
    )
