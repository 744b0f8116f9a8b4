"""A fake Mastodon instance: the part of its REST API that posts, edits and removes statuses, over
real sockets. https://docs.joinmastodon.org/methods/statuses/

`Idempotency-Key` as Mastodon has it: the same key from the same account answers with the status it
made the first time, for one hour.
"""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

TOKEN = "mastodon-access-token"
LIMIT = 500


class Instance:
    """`statuses` by id (text, language, visibility, edits); `deleted` ids. Set `answer` to a pair
    (status, body) to have every call answered so; clear `free` to hold answers once the work is
    done."""

    def __init__(self) -> None:
        self.statuses: dict[str, dict[str, Any]] = {}
        self.deleted: list[str] = []
        self.requests: list[tuple[str, str, dict[str, str]]] = []
        self.answer: tuple[int, Any] | None = None
        self.headers: dict[str, str] = {}
        self.free = threading.Event()
        self.free.set()
        self._keys: dict[str, str] = {}
        self._next = 112_000
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._server.server_address[1]}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"

    def __enter__(self) -> "Instance":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def forget_keys(self) -> None:
        """As after the hour for which Mastodon remembers them."""
        self._keys.clear()

    def work(
        self, method: str, path: str, headers: dict[str, str], form: dict[str, str]
    ) -> tuple[int, Any]:
        self.requests.append((method, path, form))
        if headers.get("authorization") != f"Bearer {TOKEN}":
            return 401, {"error": "The access token is invalid"}
        if self.answer is not None:
            return self.answer
        if (method, path) == ("GET", "/api/v1/accounts/verify_credentials"):
            return 200, {"id": "1", "username": "mairie", "acct": "mairie"}
        if (method, path) == ("POST", "/api/v1/statuses"):
            return self._post(headers.get("idempotency-key", ""), form)
        prefix, _, ident = path.rpartition("/")
        if prefix != "/api/v1/statuses" or ident not in self.statuses:
            return 404, {"error": "Record not found"}
        if method == "DELETE":
            self.deleted.append(ident)
            return 200, self.statuses.pop(ident)
        if method == "PUT":
            refused = self._refused(form)
            if refused:
                return refused
            status = self.statuses[ident]
            status["edits"] = [*status["edits"], status["text"]]
            status.update(text=form["status"], language=form.get("language"))
            return 200, status
        return 200, self.statuses[ident]

    def _post(self, key: str, form: dict[str, str]) -> tuple[int, Any]:
        if key and key in self._keys:
            return 200, self.statuses.get(self._keys[key], {"id": self._keys[key]})
        refused = self._refused(form)
        if refused:
            return refused
        self._next += 1
        ident = str(self._next)
        self.statuses[ident] = {
            "id": ident,
            "text": form["status"],
            "language": form.get("language"),
            "visibility": form.get("visibility", "public"),
            "edits": [],
        }
        if key:
            self._keys[key] = ident
        return 200, self.statuses[ident]

    @staticmethod
    def _refused(form: dict[str, str]) -> tuple[int, Any] | None:
        if not form.get("status"):
            return 422, {"error": "Validation failed: Text can't be blank"}
        if len(form["status"]) > LIMIT:
            return 422, {"error": f"Validation failed: Text limit of {LIMIT} characters exceeded"}
        return None

    def _handler(instance: "Instance") -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _serve(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "json" in self.headers.get("Content-Type", ""):
                    form = json.loads(raw)
                else:
                    form = {k: v[0] for k, v in parse_qs(raw.decode()).items()}
                headers = {k.lower(): v for k, v in self.headers.items()}
                status, body = instance.work(self.command, self.path, headers, form)
                instance.free.wait()
                data = body if isinstance(body, bytes) else json.dumps(body).encode()
                try:
                    self.send_response(status)
                    for name, value in instance.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(data)))
                    self.end_headers()
                    self.wfile.write(data)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = _serve

            def log_message(self, *_: Any) -> None:
                pass

        return Handler
