"""The face's own log: one JSON line whenever what it shows changes. What decides a dispute."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 4_000_000
KEPT_FILES: Final = 4  # some weeks of a busy face


class Journal:
    """`face.jsonl`, with `face.1.jsonl` before it and so on."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._last: dict[str, Any] | None = None
        self._path = folder / "face.jsonl"
        try:
            self._size = self._path.stat().st_size
        except OSError:
            self._size = 0

    def note(self, now: datetime, **shown: Any) -> bool:
        """Writes `shown` under the time, to the millisecond, unless it says what the line before
        says. A full disk must not darken a face: False where the line could not be written."""
        if shown == self._last:
            return True
        at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        line = json.dumps({"at": at, **shown}, ensure_ascii=False, separators=(",", ":")) + "\n"
        try:
            if self._size > MAX_BYTES:
                self._turn()
            with open(self._path, "a", encoding="utf-8") as out:
                out.write(line)
        except OSError:
            return False
        self._size += len(line.encode())
        self._last = shown
        return True

    def lines(self) -> list[dict[str, Any]]:
        """Everything there is, the oldest first; a line cut by a power cut is left out."""
        paths = [self._older(n) for n in range(KEPT_FILES, 0, -1)] + [self._path]
        texts = [path.read_text("utf-8") for path in paths if path.is_file()]
        found = []
        for line in "".join(texts).splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return found

    def _turn(self) -> None:
        for number in range(KEPT_FILES - 1, 0, -1):
            if self._older(number).exists():
                self._older(number).replace(self._older(number + 1))
        self._path.replace(self._older(1))
        self._size = 0

    def _older(self, number: int) -> Path:
        return self._folder / f"face.{number}.jsonl"
