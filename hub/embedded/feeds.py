"""The demo town's own feeds, served on the loopback address.

The files of config/demo/feeds hold `{day+3}` (20260305) and `{date-1}` (2026-03-01), counted from
today, so that the agenda always lies ahead.
"""

import hashlib
import re
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from hub import clock

FOLDER = Path(__file__).resolve().parents[2] / "config" / "demo" / "feeds"
TYPES = {".ics": "text/calendar; charset=utf-8", ".cap": "application/cap+xml"}
_PLACE = re.compile(r"\{(day|date)([+-]\d+)\}")


def render(text: str, now: datetime) -> str:
    """The text with its days filled in, counted from `now`."""

    def day(match: re.Match[str]) -> str:
        moment = now + timedelta(days=int(match[2]))
        return moment.strftime("%Y%m%d" if match[1] == "day" else "%Y-%m-%d")

    return _PLACE.sub(day, text)


class Handler(BaseHTTPRequestHandler):
    """GET of one of the files, with an ETag."""

    def do_GET(self) -> None:
        name = self.path.lstrip("/").partition("?")[0]
        path = FOLDER / name
        if path.suffix not in TYPES or path.parent != FOLDER or not path.is_file():
            self.send_error(404)
            return
        local = clock.local(clock.now(), "Europe/Paris")
        text = render(path.read_text("utf-8"), local)
        if path.suffix == ".ics":
            text = "\r\n".join(text.splitlines()) + "\r\n"
        body = text.encode()
        etag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
        if self.headers.get("If-None-Match") == etag:
            self.send_response(304)
            self.send_header("ETag", etag)
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Type", TYPES[path.suffix])
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", etag)
        self.end_headers()
        self.wfile.write(body)


def main(port: int) -> None:
    ThreadingHTTPServer(("127.0.0.1", port), Handler).serve_forever()
