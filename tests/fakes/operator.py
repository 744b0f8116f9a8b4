"""A fake SMS operator that speaks the SMSEagle gateway's JSON-RPC (`POST /jsonrpc/sms`, methods
`sms.send_sms`), over real sockets. It logs every message it took, by number, and can hold its
answer, refuse, break off, drip, redirect.

In a test: `with Operator() as operator: ... operator.url`. As a process of its own, for tests that
kill the sender: `python -m tests.fakes.operator PORT LOGFILE` (one JSON line a message; while the
file LOGFILE.hold exists, answers are held).
"""

import json
import sys
import threading
import time
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

TOKEN = "t0ken-of-the-town"


class Operator:
    """`log` holds (number, text) of each message taken, in order. Set `answer` to change what is
    said: "ok", "refuse" (200 with an error, as the gateway does), or a status such as "503".
    Clear `free` to hold every answer after the message is taken and logged."""

    def __init__(self, port: int = 0, log_file: Path | None = None) -> None:
        self.log: list[tuple[str, str]] = []
        self.calls: list[dict[str, Any]] = []
        self.answer = "ok"
        self.headers: dict[str, str] = {}
        self.body: bytes | None = None
        self.free = threading.Event()
        self.free.set()
        self.taken = threading.Event()
        self._log_file = log_file
        self._lock = threading.Lock()
        self._server = ThreadingHTTPServer(("127.0.0.1", port), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))

    @property
    def port(self) -> int:
        return int(self._server.server_address[1])

    @property
    def address(self) -> str:
        """The host:port that the address policy must let through."""
        return f"127.0.0.1:{self.port}"

    @property
    def url(self) -> str:
        """The operator as an Apprise URL, without a number."""
        return f"smseagle://{TOKEN}@{self.address}/"

    def counts(self) -> Counter[str]:
        """How many messages each number got."""
        with self._lock:
            return Counter(number for number, _ in self.log)

    def __enter__(self) -> "Operator":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def take(self, call: dict[str, Any]) -> tuple[int, bytes]:
        """What the gateway makes of one JSON-RPC call: status and body."""
        params = call.get("params", {})
        if params.get("access_token") != TOKEN:
            return 401, b'{"result": {"status": "error", "error_text": "Invalid access token"}}'
        if self.answer == "refuse":
            error = {"error_text": f"Invalid number {params.get('to')}", "status": "error"}
            return 200, json.dumps({"result": error}).encode()
        if self.answer != "ok":
            return int(self.answer), self.body if self.body is not None else b"{}"
        with self._lock:
            self.calls.append(call)
            for number in str(params["to"]).split(","):
                self.log.append((number, params["message"]))
                if self._log_file is not None:
                    with self._log_file.open("a") as out:
                        out.write(json.dumps([number, params["message"]]) + "\n")
            done = [{"message_id": str(4000 + len(self.log)), "status": "ok"}]
        self.taken.set()
        self._hold()
        return 200, self.body if self.body is not None else json.dumps({"result": done}).encode()

    def _hold(self) -> None:
        self.free.wait()
        while self._log_file and Path(f"{self._log_file}.hold").exists():
            time.sleep(0.02)

    def _handler(operator: "Operator") -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if self.path != "/jsonrpc/sms":
                    self.send_error(404)
                    return
                if operator.answer == "hang up":
                    self.close_connection = True
                    return
                status, body = operator.take(json.loads(raw))
                try:
                    self.send_response(status)
                    for name, value in operator.headers.items():
                        self.send_header(name, value)
                    self.send_header("Content-Type", "application/json")
                    self.send_header("Content-Length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True  # the sender gave up or was killed

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


if __name__ == "__main__":
    with Operator(int(sys.argv[1]), Path(sys.argv[2])):
        threading.Event().wait()
