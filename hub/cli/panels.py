"""panel emulate: the twin of a panel, a real MQTT client with a face."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import accounts, db, settings
from hub.cli.app import Authority, app, plain_errors
from hub.cli.roles import until_told

group = typer.Typer(help="LED panels.", no_args_is_help=True)
app.add_typer(group, name="panel")


@group.command()
def emulate(
    panel: Annotated[str, typer.Option(help="The outlet's code.")],
    authority: Authority = "",
    model: Annotated[str, typer.Option(help="A model of config/panels/.")] = "text-8x16",
    broker: Annotated[str, typer.Option(help="mqtt://host:port; the hub's when left out.")] = "",
    store: Annotated[Path | None, typer.Option(help="Where the twin keeps its plan.")] = None,
    face_port: Annotated[int, typer.Option(help="Port of the page with its face; 0: none.")] = 0,
    at_once: Annotated[bool, typer.Option(help="Reconnect without a random wait.")] = False,
) -> None:
    """A panel in software: stores the signed plan, obeys it on its own clock, shows its face."""
    current = settings.get()
    with plain_errors(False), db.reading(db.EVERYWHERE) as session:
        owner = accounts.authority_by_code(session, authority)
        key = accounts.public_key(owner)
    face: Any = None
    if face_port:
        face = import_module("dashboards.panel").face_app
    import_module("channels.panels.twin").run(
        broker_url=broker or current.mqtt,
        authority=owner.code,
        panel=panel,
        model=model,
        store_dir=store or current.data / "twins" / panel,
        key=key,
        face_app=face,
        face_port=face_port,
        at_once=at_once,
        clock_offset=current.clock_offset,
        stop=until_told().is_set,
    )
