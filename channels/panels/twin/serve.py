"""`tambour panel emulate`: a twin or a fleet, and beside it a page with the faces."""

import asyncio
import resource
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from channels.panels.twin.clocks import PanelClock
from channels.panels.twin.fleet import Fleet
from channels.panels.twin.link import Identity
from channels.panels.twin.panel import Twin


def run(
    broker_url: str,
    authority: str,
    panel: str,
    model: str,
    store_dir: Path,
    *,
    key: bytes = b"",
    face_app: Callable[..., Any] | None = None,
    face_port: int = 0,
    at_once: bool = False,
    clock_offset: float = 0.0,
    clock_sure: bool = True,
    identity: Identity | None = None,
    client_id: str = "",
    heartbeat_s: int = 60,
    count: int = 1,
    stop: Callable[[], bool],
) -> None:
    """Blocks until `stop()`.

    `key`: the authority's public key (32 raw bytes), or b"" to trust the first one seen.
    `face_app` makes an ASGI application of the twins, served on 127.0.0.1:`face_port`.
    `clock_offset`: seconds between the panel's clock and the machine's. `count`: more than one
    makes a fleet, its panels named `panel`-001 and so on, each with a folder in `store_dir`.
    """
    names = [panel] if count == 1 else [f"{panel}-{n:03d}" for n in range(1, count + 1)]
    if count > 1:
        _allow_files(count * 8)
    twins = [
        Twin(
            broker_url,
            authority,
            name,
            model,
            store_dir if count == 1 else store_dir / name,
            key=key,
            panel_clock=PanelClock(clock_offset, sure=clock_sure),
            at_once=at_once,
            identity=identity,
            client_id=client_id if count == 1 else "",
            heartbeat_s=heartbeat_s,
        )
        for name in names
    ]
    fleet = Fleet(twins)
    if face_app is None or not face_port:
        fleet.run(stop)
        return
    page = _Page(face_app(*twins), face_port)
    page.start()
    try:
        fleet.run(stop)
    finally:
        page.stop()


def _allow_files(wanted: int) -> None:
    """Each panel has a socket, two files and what its MQTT client opens."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if 0 <= soft < wanted:
        most = wanted if hard < 0 else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


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
