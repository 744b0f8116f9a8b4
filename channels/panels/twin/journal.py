"""The face's own log: one JSON line whenever what it shows changes. What decides a dispute."""

import json
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path
from typing import Any, Final

MAX_BYTES: Final = 4_000_000
KEPT_FILES: Final = 4  # some weeks of a busy face


class Lines:
    """A file that only grows, kept open: replacing one each minute costs a disk 5 ms each time."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._out: FileIO | None = None
        self.size = path.stat().st_size if path.is_file() else 0

    def add(self, body: dict[str, Any]) -> None:
        """One JSON line; raises OSError."""
        if self._out is None:
            self._out = FileIO(self.path, "ab")
        line = json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        self._out.write(line)
        self.size += len(line)

    def clear(self) -> None:
        """Begin anew; raises OSError."""
        self.close()
        self._out, self.size = FileIO(self.path, "wb"), 0

    def read(self) -> list[dict[str, Any]]:
        """Every line that can be read; one cut by a power cut is left out."""
        try:
            text = self.path.read_text("utf-8", "replace")
        except OSError:
            return []
        found = []
        for line in text.splitlines():
            try:
                found.append(json.loads(line))
            except ValueError:
                continue
        return [body for body in found if isinstance(body, dict)]

    def close(self) -> None:
        if self._out is not None:
            self._out.close()
        self._out = None


class Journal:
    """`face.jsonl`, with `face.1.jsonl` before it and so on."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._last: dict[str, Any] | None = None
        self._lines = Lines(folder / "face.jsonl")

    def note(self, now: datetime, **shown: Any) -> bool:
        """Writes `shown` under the time, to the millisecond, unless it says what the line before
        says. A full disk must not darken a face: False where the line could not be written."""
        if shown == self._last:
            return True
        at = now.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        try:
            if self._lines.size > MAX_BYTES:
                self._turn()
            self._lines.add({"at": at, **shown})
        except OSError:
            return False
        self._last = shown
        return True

    def lines(self) -> list[dict[str, Any]]:
        """Everything there is, the oldest first."""
        older = [Lines(self._older(n)) for n in range(KEPT_FILES, 0, -1)]
        return [line for lines in (*older, self._lines) for line in lines.read()]

    def close(self) -> None:
        """Until the next `note`."""
        self._lines.close()

    def _turn(self) -> None:
        self._lines.close()
        for number in range(KEPT_FILES - 1, 0, -1):
            if self._older(number).exists():
                self._older(number).replace(self._older(number + 1))
        self._lines.path.replace(self._older(1))
        self._lines.clear()

    def _older(self, number: int) -> Path:
        return self._folder / f"face.{number}.jsonl"
