"""What a panel keeps through a power cut: its plan as signed, the pinned key, its session."""

import base64
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Kept:
    """`payload` are the exact signed bytes, empty before the first plan."""

    payload: bytes = b""
    jws: str = ""
    key: bytes = b""
    key_id: str = ""
    session: int = 0


class Store:
    """One file, replaced as a whole: half a plan never exists."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
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
        }
        partial = self._path.with_suffix(".new")
        with open(partial, "w", encoding="utf-8") as out:
            json.dump(data, out)
            out.flush()
            os.fsync(out.fileno())
        os.replace(partial, self._path)
