"""Many panels in one thread: each works when its clock says so or its socket is ready."""

import selectors
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from hub import clock

if TYPE_CHECKING:
    from channels.panels.twin.panel import Twin

# The clock of a panel may be set from outside, and `stop` may be raised, at any moment.
LONGEST_S: Final = 0.25


class Fleet:
    """`run` drives them; they share nothing but the thread."""

    def __init__(self, twins: "Sequence[Twin]") -> None:
        self._twins = list(twins)
        self._watched: dict[int, tuple[Any, int]] = {}
        self._wanted = [0.0] * len(self._twins)

    def run(self, stop: Callable[[], bool]) -> None:
        """Blocks until `stop()`; then every panel says goodbye."""
        with selectors.DefaultSelector() as selector:
            while not stop():
                self._round(selector)
            for twin in self._twins:
                twin.leave()

    def _round(self, selector: selectors.BaseSelector) -> None:
        wait = max(0.0, min(min(self._wanted) - clock.monotonic(), LONGEST_S))
        for key, events in selector.select(wait):
            self._twins[key.data].link.ready(readable=bool(events & selectors.EVENT_READ))
            self._work(selector, key.data)
        now = clock.monotonic()
        for number, at in enumerate(self._wanted):
            if at <= now:
                self._work(selector, number)

    def _work(self, selector: selectors.BaseSelector, number: int) -> None:
        twin = self._twins[number]
        self._wanted[number] = clock.monotonic() + min(max(twin.work(), 0.001), LONGEST_S)
        # A closed socket leaves the selector before anybody else can get its number.
        socket = twin.link.socket
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if twin.link.wants_write else 0)
        before, mask = self._watched.get(number, (None, 0))
        if before is not None and before is not socket:
            selector.unregister(before)
            del self._watched[number]
            before = None
        if socket is None:
            return
        if before is None:
            selector.register(socket, wanted, number)
        elif mask != wanted:
            selector.modify(socket, wanted, number)
        self._watched[number] = (socket, wanted)
