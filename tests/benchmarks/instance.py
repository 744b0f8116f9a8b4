"""A whole instance as a town would run it: `tambour up --demo` in a process of its own."""

import http.client
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.fakes.brokers import free_port

ROOT = Path(__file__).parents[2]
TOWN = "villard-bonnot"
READY_S = 60


class Instance:
    """`with Instance(TAMBOUR_MQTT_URL=…) as hub:` a demo town on a free port and in a new folder;
    ready when the supervisor says so and both twins have been heard."""

    def __init__(self, **variables: str) -> None:
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="tambour-bench-"))
        kept = {k: v for k, v in os.environ.items() if not k.startswith("TAMBOUR_")}
        self.env = {**kept, "PORT": str(self.port), "TAMBOUR_DATA": str(self.folder), **variables}
        self.env["HOST"] = "127.0.0.1"
        self._out = (self.folder / "up.log").open("wb")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "hub.main", "up", "--demo"],
            cwd=ROOT,
            env=self.env,
            stdout=self._out,
            stderr=self._out,
            start_new_session=True,
        )

    def __enter__(self) -> "Instance":
        try:
            self.wait(lambda: "\nReady." in self._said(), "tambour up")
            command = ["token", "create", "--authority", TOWN, "--role", "admin", "--json"]
            given = subprocess.run(
                [sys.executable, "-m", "hub.main", *command],
                cwd=ROOT, env=self.env, check=True, capture_output=True,
            )  # fmt: skip
            self.headers = {"Authorization": f"Bearer {json.loads(given.stdout)['token']}"}
            self.http = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
            self.wait(self._twins_are_there, "the twins")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self._out.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def broker(self) -> str:
        """The broker's address, as the instance gave it to its own processes."""
        kept = json.loads((self.folder / "run.json").read_text())
        return str(kept["settings"]["mqtt_url"])

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """The answer's JSON. Raises AssertionError with the problem's words."""
        headers, sent = dict(self.headers), None
        if body is not None:
            headers["Content-Type"], sent = "application/json", json.dumps(body).encode()
        self.http.request(method, path, sent, headers)
        answer = self.http.getresponse()
        text = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text.decode()}"
        return json.loads(text)

    def get(self, path: str) -> bytes:
        self.http.request("GET", path)
        return self.http.getresponse().read()

    def board(self, publication: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = self.ask("GET", f"/api/v1/publications/{publication}/board")[
            "rows"
        ]
        return rows

    def wait(self, true: Any, what: str, limit: float = READY_S) -> None:
        end = time.monotonic() + limit
        while not true():
            if self.process.poll() is not None or time.monotonic() > end:
                raise RuntimeError(f"waited in vain for {what}:\n{self._said()[-2000:]}")
            time.sleep(0.05)

    def _twins_are_there(self) -> bool:
        outlets = self.ask("GET", "/api/v1/outlets")["outlets"]
        displays = [o["display"] for o in outlets if o["kind"] == "panel"]
        return all(d["presence"] == "ready" for d in displays)

    def _said(self) -> str:
        return (self.folder / "up.log").read_text(errors="replace")
