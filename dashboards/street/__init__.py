"""The street: the demo's outside world, on one page.

It stands for what we do not own: an SMS operator's gateway (SMSEagle's JSON-RPC) and a social
network (Mastodon's REST API). It takes what Tambour really sends and shows it as people would read
it, on their telephones and in a timeline. It sends nothing to anybody.
"""

from pathlib import Path

from starlette.applications import Starlette

from dashboards.street.app import app_for
from dashboards.street.store import Store
from hub import settings

__all__ = ["Store", "app_for", "create_app"]


def create_app(file: Path | None = None) -> Starlette:
    """The street of this instance, kept in `file` (by default street.json in its data folder)."""
    return app_for(Store(file or settings.get().data / "street.json"))
