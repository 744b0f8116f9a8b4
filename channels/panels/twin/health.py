"""How the panel is: what its heartbeat says, and the faults it tells of one by one."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from channels.panels.twin.store import Store
from hub import clock

DAY: Final = (7, 21)  # local hours of full light; a photocell would say
SEVERITIES: Final = ("info", "warning", "error", "critical")


@dataclass(slots=True)
class Health:
    """What sensors and modem would say; set by who plays with the twin. `brightness` None: by the
    hour, as a photocell would have it."""

    temp_c: float = 24.0
    humidity: float = 45.0
    volts: float = 24.1
    rssi: int = -71
    rat: str = "4g"
    brightness: int | None = None
    clock_offset_ms: int = 0
    month: str = ""
    month_bytes: int = 0

    def light(self, local: datetime) -> int:
        """Per cent."""
        if self.brightness is not None:
            return self.brightness
        return 80 if DAY[0] <= local.hour < DAY[1] else 25

    def count(self, now: datetime, size: int) -> None:
        """`size` bytes went over the modem."""
        month = now.strftime("%Y-%m")
        if month != self.month:
            self.month, self.month_bytes = month, 0
        self.month_bytes += size

    def body(self, local: datetime) -> dict[str, Any]:
        """The sensors' part of a heartbeat."""
        return {
            "temp_c": self.temp_c,
            "humidity": self.humidity,
            "volts": self.volts,
            "ambient": 8000 if DAY[0] <= local.hour < DAY[1] else 5,
            "brightness": self.light(local),
            "rssi": self.rssi,
            "rat": self.rat,
            "data_month_kb": self.month_bytes // 1024,
            "clock_offset_ms": self.clock_offset_ms,
        }


class Faults:
    """The faults there are, by code, and those whose end the broker has not heard of yet. The codes
    outlive a power cut: a fault that is gone afterwards must not stay on the broker for ever."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._standing: dict[str, dict[str, Any]] = {}
        self._said: set[str] = set(store.noted("faults") or ())
        self._mids: dict[str, int] = {}  # 0: to be said

        for code in self._said:
            self._mids[code] = 0

    @property
    def codes(self) -> list[str]:
        return sorted(self._standing)

    @property
    def alarming(self) -> bool:
        """Whether one of them makes the panel's presence `alert`."""
        return any(f["severity"] in ("error", "critical") for f in self._standing.values())

    def raise_(
        self, code: str, severity: str, now: datetime, detail: str = "", **more: Any
    ) -> None:
        """Idempotent; a change of severity or detail is said again under the first time."""
        old = self._standing.get(code)
        first = old["first_seen"] if old else clock.rfc3339(now)
        new = {"code": code, "severity": severity, "first_seen": first, **more}
        if detail:
            new["detail"] = detail[:400]
        if new != old:
            self._standing[code] = new
            self._mids[code] = 0
            self._note(self._said | {code})

    def clear(self, code: str) -> None:
        if self._standing.pop(code, None) is not None:
            self._mids[code] = 0

    def say_all_again(self) -> None:
        """A new connection: the broker may have forgotten."""
        for code in (*self._standing, *self._said):
            self._mids[code] = 0

    def send(self, publish: Callable[[str, dict[str, Any] | None], int]) -> None:
        """`publish(leaf, body)` for what is to be said; None for the body of a fault that ended."""
        for code, mid in list(self._mids.items()):
            if not mid:
                self._mids[code] = publish(f"fault/{code}", self._standing.get(code))

    def confirmed(self, mids: dict[int, int]) -> None:
        """The broker took these messages."""
        for code, mid in list(self._mids.items()):
            if mid and mid in mids:
                del self._mids[code]
                del mids[mid]
                if code not in self._standing:
                    self._note(self._said - {code})

    def __iter__(self) -> Iterator[dict[str, Any]]:
        return iter(list(self._standing.values()))

    def _note(self, codes: set[str]) -> None:
        if codes != self._said:
            self._said = codes
            try:
                self._store.note("faults", sorted(codes))
            except OSError:
                return  # the storage is what is at fault, most likely
