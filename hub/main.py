"""The composition root: `hub.main:cli`, `hub.main:web`, `hub.main:celery`."""

import sys
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from starlette.types import ASGIApp


def web() -> "ASGIApp":
    """The web role's application (an ASGI factory)."""
    from hub.web import make_app

    return make_app()


def cli() -> None:
    """The `tambour` command. `up` starts queue and broker before the rest is imported (3 s)."""
    if sys.argv[1:] in (["up"], ["up", "--demo"]):
        from hub.up import up

        sys.exit(up(demo="--demo" in sys.argv))
    from hub.cli import run

    run()


def __getattr__(name: str) -> Any:
    """`celery` is made when asked for: the command line need not pay for it (0.2 s)."""
    if name == "celery":
        from hub.worker import app

        return app()
    raise AttributeError(name)


if __name__ == "__main__":
    cli()
