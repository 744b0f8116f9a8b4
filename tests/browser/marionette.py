"""A real Firefox, driven over Marionette's socket: no geckodriver, no Selenium.

The protocol (Firefox source, docs/testing/marionette/Protocol): frames "LENGTH:JSON"; the browser
first says who it is; a command is [0, id, name, parameters], an answer [1, id, error, result].
"""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

_NAMES = ("firefox-esr", "firefox")

# What a fresh profile would ask, fetch or tell by itself.
_QUIET: Mapping[str, Any] = {
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.aboutwelcome.enabled": False,
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "browser.startup.page": 0,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "remote.prefs.recommended": True,
    "toolkit.telemetry.reportingpolicy.firstRun": False,
}


class BrowserMissing(RuntimeError):
    """No Firefox on this machine."""


class ScriptFailed(AssertionError):
    """A command or a script in the page failed; the text is the browser's."""


def push_preferences(socket_url: str) -> dict[str, Any]:
    """Let the browser receive pushes from a service of our own, in the clear."""
    return {
        "dom.push.serverURL": socket_url,
        "dom.push.testing.allowInsecureServerURL": True,
        "dom.push.connection.enabled": True,
        "dom.push.userAgentID": "",
        # A headless desktop has no notification daemon; the built-in one keeps what is shown.
        "alerts.useSystemBackend": False,
        "permissions.default.desktop-notification": 1,
        "dom.webnotifications.requireuserinteraction": False,
    }


class Firefox:
    """`with Firefox(preferences) as browser:` a headless browser with a profile of its own."""

    def __init__(self, preferences: Mapping[str, Any] | None = None, patience: float = 60) -> None:
        program = next(filter(None, map(shutil.which, _NAMES)), None)
        if program is None:
            raise BrowserMissing("Install Firefox to run this test: apt install firefox-esr")
        self._patience = patience
        self._count = 0
        self._buffer = b""
        self._folder = Path(tempfile.mkdtemp(prefix="tambour-firefox-"))
        profile = self._folder / "profile"
        profile.mkdir()
        lines = {**_QUIET, **(preferences or {}), "marionette.port": 0}
        (profile / "user.js").write_text(
            "".join(f"user_pref({json.dumps(k)}, {json.dumps(v)});\n" for k, v in lines.items())
        )
        self._log = (self._folder / "log").open("wb")
        self._process = subprocess.Popen(
            [
                program, "--headless", "--marionette", "--remote-allow-system-access",
                "--no-remote", "--profile", str(profile),
            ],
            stdout=self._log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "HOME": str(self._folder), "MOZ_DISABLE_CONTENT_SANDBOX": "1"},
            start_new_session=True,
        )  # fmt: skip
        try:
            self._socket = self._connect(profile / "MarionetteActivePort")
            self._read()  # who it is
            self.command("WebDriver:NewSession", {"pageLoadStrategy": "normal"})
            milliseconds = int(patience * 1000)
            self.command(
                "WebDriver:SetTimeouts", {"script": milliseconds, "pageLoad": milliseconds}
            )
        except BaseException:
            self._kill()
            raise

    def __enter__(self) -> "Firefox":
        return self

    def __exit__(self, *_: object) -> None:
        self.quit()

    def quit(self) -> None:
        """Ask it to leave, then make sure: the whole process group and its folder are gone."""
        try:
            self.command("Marionette:Quit", {"flags": ["eForceQuit"]})
            self._process.wait(10)
        except (OSError, ScriptFailed, subprocess.TimeoutExpired):
            pass
        finally:
            self._socket.close()
            self._kill()

    def navigate(self, url: str) -> None:
        self.command("WebDriver:Navigate", {"url": url})

    def execute(self, script: str, *arguments: Any) -> Any:
        """The value that the body of a function returns in the page; promises are awaited."""
        return self._script(f"return (async () => {{{script}}}).apply(null, arguments)", arguments)

    def execute_in_browser(self, script: str, *arguments: Any) -> Any:
        """The same with the browser's own rights (`Services` and the like)."""
        self.command("Marionette:SetContext", {"value": "chrome"})
        try:
            return self.execute(script, *arguments)
        finally:
            self.command("Marionette:SetContext", {"value": "content"})

    def wait_for(self, script: str, *arguments: Any, seconds: float = 20) -> Any:
        """The first truthy value of `execute`, asked again and again."""
        return wait_for(lambda: self.execute(script, *arguments), seconds, script)

    def click(self, selector: str) -> None:
        """A click as a person does it, which browsers demand before they ask for permissions."""
        found = self.command("WebDriver:FindElement", {"using": "css selector", "value": selector})
        element = next(iter(found["value"].values()))
        self.command("WebDriver:ElementClick", {"id": element})

    def screenshot(self) -> str:
        """The visible page, a PNG in base64."""
        return str(self.command("WebDriver:TakeScreenshot", {"full": False})["value"])

    def command(self, name: str, parameters: Mapping[str, Any]) -> Any:
        """Raises ScriptFailed with the browser's words."""
        self._count += 1
        frame = json.dumps([0, self._count, name, parameters]).encode()
        self._socket.sendall(b"%d:%s" % (len(frame), frame))
        while True:
            _, number, error, result = self._read()
            if number == self._count:
                break
        if error is not None:
            raise ScriptFailed(f"{error['error']}: {error['message']}")
        return result

    def _script(self, script: str, arguments: tuple[Any, ...]) -> Any:
        body = {"script": script, "args": list(arguments), "newSandbox": False}
        return self.command("WebDriver:ExecuteScript", body)["value"]

    def _connect(self, port_file: Path) -> socket.socket:
        def port() -> int | None:
            if self._process.poll() is not None:
                raise RuntimeError(f"Firefox left at once: {self._said()}")
            return int(port_file.read_text() or 0) if port_file.exists() else None

        there = wait_for(port, self._patience, "the browser's port")
        made = socket.create_connection(("127.0.0.1", there), timeout=self._patience)
        made.settimeout(self._patience + 5)
        return made

    def _read(self) -> Any:
        while b":" not in self._buffer:
            self._fill()
        size, _, self._buffer = self._buffer.partition(b":")
        while len(self._buffer) < int(size):
            self._fill()
        frame, self._buffer = self._buffer[: int(size)], self._buffer[int(size) :]
        return json.loads(frame)

    def _fill(self) -> None:
        data = self._socket.recv(65536)
        if not data:
            raise ConnectionError("the browser closed the connection")
        self._buffer += data

    def _said(self) -> str:
        self._log.flush()
        return (self._folder / "log").read_text(errors="replace")[-500:]

    def _kill(self) -> None:
        # The group is ours alone (start_new_session): no other browser is in it.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(10)
        self._log.close()
        shutil.rmtree(self._folder, ignore_errors=True)


def wait_for(ask: Callable[[], Any], seconds: float, what: str) -> Any:
    """The first truthy answer, asked every 50 ms. Raises TimeoutError."""
    deadline = time.monotonic() + seconds
    while True:
        found = ask()
        if found:
            return found
        if time.monotonic() > deadline:
            raise TimeoutError(f"not seen within {seconds} s: {what}")
        time.sleep(0.05)
