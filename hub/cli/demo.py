"""The demo's outside world: the street (operators and networks on loopback)."""

from importlib import import_module
from typing import Annotated

import typer

from hub.cli.app import app


@app.command(hidden=True)
def street(port: Annotated[int, typer.Option()] = 8090) -> None:
    """What a real SMS operator or network would have received, on a page."""
    import asyncio

    from granian.constants import Interfaces
    from granian.server.embed import Server

    made = import_module("dashboards.street").create_app()
    server = Server(made, address="127.0.0.1", port=port, interface=Interfaces.ASGI)
    asyncio.run(server.serve())
