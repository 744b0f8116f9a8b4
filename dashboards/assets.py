"""Files for the browser: our own and an allow-list of files of installed npm packages.

Every file is read once, kept with its gzip form, and addressed by the hash of its content, so a
browser keeps it for good: `/static/vendor/{hash}/{name}` each by itself (fonts outlive releases),
`/static/{hash of all}/{face}/{name}` for our own, together, so that modules and styles name each
other by relative paths. Without a hash a file is served too, to be asked for again each time.
"""

import gzip
import hashlib
import mimetypes
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

from fastapi import FastAPI, Request, Response

HERE: Final = Path(__file__).resolve().parent
PACKAGES: Final = HERE.parent / "node_modules"
FACES: Final = ("base", "office", "citizen")

_TEXT = "@fontsource-variable/atkinson-hyperlegible-next/files/atkinson-hyperlegible-next-"
_HEAD = "@fontsource-variable/bricolage-grotesque/files/bricolage-grotesque-"
VENDOR: Final[Mapping[str, str]] = {
    "htmx.js": "htmx.org/dist/htmx.min.js",
    "leaflet.js": "leaflet/dist/leaflet.js",
    "leaflet.css": "leaflet/dist/leaflet.css",
    "text.woff2": _TEXT + "latin-wght-normal.woff2",
    "text-ext.woff2": _TEXT + "latin-ext-wght-normal.woff2",
    "text-italic.woff2": _TEXT + "latin-wght-italic.woff2",
    "head.woff2": _HEAD + "latin-wght-normal.woff2",
    "head-ext.woff2": _HEAD + "latin-ext-wght-normal.woff2",
}

_TYPES: Final = {
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".woff2": "font/woff2",
    ".webmanifest": "application/manifest+json",
}
_FOREVER: Final = "public, max-age=31536000, immutable"
_HASH: Final = re.compile(r"^[0-9a-f]{12}/")


class AssetMissing(RuntimeError):
    """A file is not there; the text says how to install it."""


@dataclass(frozen=True, slots=True)
class Asset:
    body: bytes
    packed: bytes | None
    media_type: str
    hash: str


@dataclass(frozen=True, slots=True)
class Shelf:
    """`files` by name ("vendor/htmx.js", "office/board.js"); `release`: the hash of our own."""

    files: Mapping[str, Asset]
    release: str

    def url(self, name: str) -> str:
        if name.startswith("vendor/"):
            return f"/static/vendor/{self.files[name].hash}/{name.removeprefix('vendor/')}"
        self.files[name]
        return f"/static/{self.release}/{name}"


def url(name: str) -> str:
    """The lasting address of a file. Raises KeyError for a name that is not served."""
    return _shelf().url(name)


def read(name: str) -> bytes:
    """The bytes of a file as it is served."""
    return _shelf().files[name].body


def mount(app: FastAPI) -> None:
    """Serve `/static/…` on `app`. Raises AssetMissing when the packages are not installed."""
    _shelf()

    @app.get("/static/{path:path}", include_in_schema=False)
    async def static(path: str, request: Request) -> Response:
        return serve(path, request)


def serve(path: str, request: Request) -> Response:
    """The file at `path` below /static/, with or without its hash."""
    head, tail = (
        ("vendor/", path.removeprefix("vendor/")) if path.startswith("vendor/") else ("", path)
    )
    name, asked = head + _HASH.sub("", tail), _HASH.match(tail)
    asset = _shelf().files.get(name)
    if asset is None:
        return Response("Not found.", status_code=404, media_type="text/plain")
    return answer(asset, request, _FOREVER if asked and _fits(asked[0], name) else "no-cache")


def answer(asset: Asset, request: Request, caching: str) -> Response:
    """The bytes, gzipped where that is smaller and wanted; 304 where the browser has them."""
    headers = {
        "Cache-Control": caching,
        "ETag": f'"{asset.hash}"',
        "Vary": "Accept-Encoding",
        "X-Content-Type-Options": "nosniff",
    }
    if request.headers.get("if-none-match", "").removeprefix("W/") == f'"{asset.hash}"':
        return Response(status_code=304, headers=headers)
    body = asset.body
    if asset.packed and "gzip" in request.headers.get("accept-encoding", ""):
        body = asset.packed
        headers["Content-Encoding"] = "gzip"
    return Response(body, media_type=asset.media_type, headers=headers)


def asset_of(body: bytes, name: str) -> Asset:
    """`body` ready to be served under `name`'s type."""
    suffix = Path(name).suffix
    media_type = _TYPES.get(suffix) or mimetypes.guess_type(name)[0] or "application/octet-stream"
    packed = None
    if suffix in (".js", ".css", ".svg", ".webmanifest"):
        packed = gzip.compress(body, 9, mtime=0)
    return Asset(
        body, packed if packed and len(packed) < len(body) else None, media_type,
        hashlib.sha256(body).hexdigest()[:12],
    )  # fmt: skip


def _fits(asked: str, name: str) -> bool:
    """An old hash gets the new file, but must not keep it for good."""
    shelf = _shelf()
    now = shelf.files[name].hash if name.startswith("vendor/") else shelf.release
    return asked.rstrip("/") == now


@lru_cache(maxsize=1)
def _shelf() -> Shelf:
    files: dict[str, Asset] = {}
    for name, path in VENDOR.items():
        try:
            files[f"vendor/{name}"] = asset_of((PACKAGES / path).read_bytes(), name)
        except FileNotFoundError:
            raise AssetMissing(
                f"{path} is not installed: run `npm ci` (or `make`) in the project's folder."
            ) from None
    vendor = Shelf(files, "")
    own: dict[str, Asset] = {}
    for face in FACES:
        for path in sorted((HERE / face / "static").rglob("*")):
            if path.is_file():
                name = f"{face}/{path.relative_to(HERE / face / 'static').as_posix()}"
                own[name] = asset_of(_with_vendor(path, vendor), name)
    whole = hashlib.sha256("".join(a.hash for a in own.values()).encode()).hexdigest()[:12]
    return Shelf({**files, **own}, whole)


def _with_vendor(path: Path, vendor: Shelf) -> bytes:
    """Our styles name a package's file as url("vendor:NAME")."""
    body = path.read_bytes()
    if path.suffix != ".css":
        return body
    return re.sub(
        rb'url\("vendor:([^"]+)"\)',
        lambda found: f'url("{vendor.url("vendor/" + found[1].decode())}")'.encode(),
        body,
    )
