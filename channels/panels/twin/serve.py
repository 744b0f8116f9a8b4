"""`tambour panel emulate`: a twin, and beside it a page with its face."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.panel import Twin


def run(
    broker_url: str,
    authority: str,
    panel: str,
    model: str,
    store_dir: Path,
    *,
    key: bytes = b"",
    face_app: Callable[[Twin], Any] | None = None,
    face_port: int = 0,
    at_once: bool = False,
    clock_offset: float = 0.0,
    stop: Callable[[], bool],
) -> None:
    """Blocks until `stop()`.

    `key`: the authority's public key (32 raw bytes), or b"" to trust the first one seen.
    `face_app` makes an ASGI application of the twin, served on 127.0.0.1:`face_port`.
    `clock_offset`: seconds between the panel's clock and the machine's.
    """
    twin = Twin(
        broker_url,
        authority,
        panel,
        model,
        store_dir,
        key=key,
        panel_clock=PanelClock(clock_offset),
        at_once=at_once,
    )
    if face_app is None or not face_port:
        twin.run(stop)
        return
    page = _Page(face_app(twin), face_port)
    page.start()
    try:
        twin.run(stop)
    finally:
        page.stop()


class _Page:
    """A web server in a thread with an event loop of its own."""

    def __init__(self, app: Any, port: int) -> None:
        self._app, self._port = app, port
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._server: Server | None = None
        self._thread = threading.Thread(target=self._serve, name="face", daemon=True)

    def start(self) -> None:
        self._thread.start()
        self._ready.wait(10)

    def stop(self) -> None:
        if self._loop is not None and self._server is not None:
            self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join(5)

    def _serve(self) -> None:
        async def main() -> None:
            self._loop = asyncio.get_running_loop()
            self._server = Server(
                self._app,
                address="127.0.0.1",
                port=self._port,
                interface=Interfaces.ASGI,
                log_enabled=False,
                websockets=False,
            )
            self._ready.set()
            await self._server.serve()

        asyncio.run(main())
