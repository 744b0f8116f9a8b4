"""The panel's own clock."""

from datetime import datetime, timedelta

from hub import clock


class PanelClock:
    """The machine's, `offset_s` seconds off. `sure`: it can be trusted."""

    def __init__(self, offset_s: float = 0.0, *, sure: bool = True) -> None:
        self.offset_s, self.sure = offset_s, sure

    def now(self) -> datetime:
        """Aware, UTC."""
        return clock.now() - clock.offset() + timedelta(seconds=self.offset_s)

    def monotonic(self) -> float:
        """Seconds that never step."""
        return clock.monotonic()
