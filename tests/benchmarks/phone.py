"""A citizen's browser: a real Firefox that subscribed through our script and the hub's API."""

import http.client
import http.server
import threading
from pathlib import Path
from typing import Any

from tests.browser.marionette import Firefox, push_preferences
from tests.fakes.push_service import PushService

STATIC = Path(__file__).parents[2] / "dashboards" / "citizen" / "static"
PAGE = b"""<!doctype html><html lang="fr"><title>Suivre</title>
<script type="module">import * as push from "/push.js"; window.push = push;</script>
<button onclick="push.subscribe({stations: ['VILLARD'], language: 'fr'})
    .then((s) => window.said = s, (e) => window.said = {code: e.code})">Suivre</button>"""
SEEN = """
const registration = await navigator.serviceWorker.ready;
const end = Date.now() + 20000;
while (Date.now() < end) {
    const all = await registration.getNotifications();
    if (all.some((n) => n.title === arguments[0])) return true;
    await new Promise((go) => setTimeout(go, 5));
}
return false;
"""
KEYS = """
const registration = await navigator.serviceWorker.ready;
return (await registration.pushManager.getSubscription()).toJSON();
"""


class Phone:
    """`subscription` is what the browser gave the hub: endpoint and keys."""

    def __init__(self, service: PushService, hub_port: int) -> None:
        self._site = _Site(hub_port)
        self.browser = Firefox(push_preferences(service.socket_url))
        self.browser.navigate(f"http://127.0.0.1:{self._site.server_address[1]}/")
        self.browser.wait_for("return Boolean(window.push)")
        self.browser.click("button")
        said = self.browser.wait_for("return window.said")
        assert said["code"] == "on", said
        self.subscription: dict[str, Any] = self.browser.execute(KEYS)

    def __enter__(self) -> "Phone":
        return self

    def __exit__(self, *_: object) -> None:
        self.browser.quit()
        self._site.shutdown()
        self._site.server_close()

    def wait_for(self, title: str) -> None:
        """Until a notification has this title; looked at every 5 ms inside the page."""
        assert self.browser.execute(SEEN, title), f"no notification: {title}"


class _Site(http.server.ThreadingHTTPServer):
    """A page with a button, our two scripts, and the hub's API behind the same origin."""

    daemon_threads = True

    def __init__(self, hub_port: int) -> None:
        super().__init__(("127.0.0.1", 0), _Visit)
        self.hub_port = hub_port
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, *_: Any) -> None:
        """A browser that leaves breaks its idle connections off."""


class _Visit(http.server.BaseHTTPRequestHandler):
    server: _Site
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        name = self.path.partition("?")[0].lstrip("/")
        if name.startswith("api/"):
            self._pass_on()
        elif name in ("sw.js", "push.js"):
            self._answer(200, (STATIC / name).read_bytes(), "text/javascript")
        else:
            self._answer(200, PAGE, "text/html; charset=utf-8")

    def _pass_on(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        kept = ("authorization", "content-type")
        headers = {k: v for k, v in self.headers.items() if k.lower() in kept}
        hub = http.client.HTTPConnection("127.0.0.1", self.server.hub_port, timeout=30)
        hub.request(self.command, self.path, body, headers)
        answer = hub.getresponse()
        self._answer(answer.status, answer.read(), answer.headers.get("content-type", ""))

    do_POST = do_PATCH = _pass_on

    def _answer(self, status: int, body: bytes, media_type: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", media_type)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        pass
