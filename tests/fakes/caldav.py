"""A real CalDAV server (Radicale) on a free port, with one account and its calendars.

`with CalDavServer(folder) as server:`, then `server.calendar("agenda")` and
`server.put("agenda", "a.ics", ics)`. `server.asked` holds (method, path) of every request.
"""

import http.client
import threading
from base64 import b64encode
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import radicale
from radicale import config

USER, PASSWORD = "mairie", "secret"


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        pass


class CalDavServer:
    def __init__(self, folder: Path) -> None:
        users = folder / "users"
        users.write_text(f"{USER}:{PASSWORD}\n")
        settings = config.load()
        settings.update(
            {
                "auth": {"type": "htpasswd", "htpasswd_filename": str(users),
                         "htpasswd_encryption": "plain", "delay": "0"},
                "storage": {"filesystem_folder": str(folder / "store")},
                "logging": {"level": "critical"},
            },
            "test",
        )  # fmt: skip
        application = radicale.Application(settings)
        self.asked: list[tuple[str, str]] = []

        def heard(environ: dict[str, Any], start_response: Any) -> Any:
            self.asked.append((environ["REQUEST_METHOD"], environ["PATH_INFO"]))
            return application(environ, start_response)

        self._server: WSGIServer = make_server("127.0.0.1", 0, heard, handler_class=_Quiet)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    def __enter__(self) -> "CalDavServer":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def pair(self) -> str:
        return f"127.0.0.1:{self._server.server_port}"

    def url(self, path: str = "/") -> str:
        return f"http://{self.pair}{path}"

    def calendar(self, name: str, title: str = "") -> None:
        body = (
            '<c:mkcalendar xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:set><d:prop>'
            f"<d:displayname>{title or name}</d:displayname></d:prop></d:set></c:mkcalendar>"
        )
        self._ask("MKCALENDAR", f"/{USER}/{name}/", body)

    def put(self, calendar: str, name: str, ics: str) -> None:
        self._ask("PUT", f"/{USER}/{calendar}/{name}", ics)

    def delete(self, calendar: str, name: str) -> None:
        self._ask("DELETE", f"/{USER}/{calendar}/{name}", "")

    def _ask(self, method: str, path: str, body: str) -> None:
        signed = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        connection = http.client.HTTPConnection("127.0.0.1", self._server.server_port, timeout=60)
        headers = {"Authorization": f"Basic {signed}", "Content-Type": "text/calendar"}
        connection.request(method, path, body.encode(), headers)
        answer = connection.getresponse()
        said = answer.read()
        connection.close()
        assert answer.status < 300, (method, path, answer.status, said)
