"""Many panels in one thread: each works when its clock says so or its socket is ready."""

import selectors
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from hub import clock

if TYPE_CHECKING:
    from channels.panels.twin.panel import Twin

# The clock of a panel may be set from outside, and `stop` may be raised, at any moment.
LONGEST_S: Final = 0.25


@dataclass(frozen=True, slots=True)
class _Watched:
    socket: Any
    file: int
    events: int


class Fleet:
    """`run` drives them; they share nothing but the thread."""

    def __init__(self, twins: "Sequence[Twin]") -> None:
        self._twins = list(twins)
        self._watched: dict[int, _Watched] = {}
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
        self._watch(selector, number)

    def _watch(self, selector: selectors.BaseSelector, number: int) -> None:
        """Have the selector watch this twin's socket, as it is now. A socket may have been closed
        at any moment, and its number be another twin's already."""
        link = self._twins[number].link
        socket = link.socket
        wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if link.wants_write else 0)
        before = self._watched.get(number)
        if before is not None and before.socket is not socket:
            self._forget(selector, number)
            before = None
        if socket is None or socket.fileno() < 0:
            return
        file = socket.fileno()
        if before is None:
            stale = [n for n, other in self._watched.items() if other.file == file]
            for other in stale:
                self._forget(selector, other)
            selector.register(file, wanted, number)
        elif before.events != wanted:
            selector.modify(file, wanted, number)
        self._watched[number] = _Watched(socket, file, wanted)

    def _forget(self, selector: selectors.BaseSelector, number: int) -> None:
        selector.unregister(self._watched.pop(number).file)
