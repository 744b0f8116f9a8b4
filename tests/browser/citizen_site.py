"""The whole web role on a socket of its own, for a browser to visit."""

import asyncio
import socket
import threading
from pathlib import Path
from typing import Any

from granian.constants import Interfaces
from granian.server.embed import Server

from hub import db, publishing
from hub.models import Authority, Publication
from hub.vocabulary import EndedAs
from tests.browser.marionette import wait_for
from tests.conftest import start_instance
from tests.factories import content, outlet, station, town
from tests.working import work_all


class CitizenSite:
    """Villard-Bonnot with a website and a push outlet. `say`, `revise` and `end` do what the office
    does and what the workers would."""

    def __init__(self, data: Path, **variables: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        start_instance(
            data, TAMBOUR_TESTING="1", HOST="127.0.0.1", PORT=str(self.port), **variables
        )
        self.url = f"http://127.0.0.1:{self.port}"
        self.authority: Authority = town(languages=["fr", "en"])
        for kind in ("website", "push"):
            outlet(self.authority, kind)
        work_all()
        self.open()

    def open(self) -> None:
        """Answer again after `close`, at the same address."""
        from hub.web import make_app

        self._server = Server(
            make_app(), address="127.0.0.1", port=self.port, interface=Interfaces.ASGI
        )
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(
            target=lambda: self._loop.run_until_complete(self._server.serve())
        )
        self._thread.start()
        wait_for(self._answers, 30, "the web role")

    def close(self) -> None:
        """As a network that is gone: nothing answers any more."""
        self._loop.call_soon_threadsafe(self._server.stop)
        self._thread.join()
        self._loop.close()

    def _answers(self) -> bool:
        with socket.socket() as probe:
            probe.settimeout(0.5)
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def say(self, headline: str = "Rue des Brûlis fermée", **more: Any) -> str:
        with db.writing(self.authority.id or 0) as session:
            row = publishing.create(
                session, "test", station(session, self.authority), content(headline, **more)
            )
            publishing.publish(session, row, "test")
        work_all()
        return row.id

    def revise(self, publication: str, headline: str, **more: Any) -> None:
        with db.writing(self.authority.id or 0) as session:
            row = session.get_one(Publication, publication)
            publishing.edit(session, row, content(headline, **more), "test")
            publishing.publish(session, row, "test")
        work_all()

    def end(self, publication: str, ended_as: EndedAs) -> None:
        with db.writing(self.authority.id or 0) as session:
            publishing.cancel(session, session.get_one(Publication, publication), ended_as, "test")
        work_all()
