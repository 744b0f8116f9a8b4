"""panel emulate: the twin of a panel, a real MQTT client with a face."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import accounts, db, settings
from hub.cli.app import Authority, app, fail, plain_errors
from hub.cli.roles import until_told

group = typer.Typer(help="LED panels.", no_args_is_help=True)
app.add_typer(group, name="panel")


@group.command()
def emulate(
    panel: Annotated[str, typer.Option(help="The outlet's code.")] = "",
    authority: Authority = "",
    model: Annotated[str, typer.Option(help="A model of config/panels/.")] = "text-8x16",
    broker: Annotated[str, typer.Option(help="mqtt://host:port; the hub's when left out.")] = "",
    store: Annotated[Path | None, typer.Option(help="Where the twin keeps its plan.")] = None,
    face_port: Annotated[int, typer.Option(help="Port of the page with its face; 0: none.")] = 0,
    at_once: Annotated[bool, typer.Option(help="Reconnect without a random wait.")] = False,
    enrolment: Annotated[
        Path | None, typer.Option(help="The folder made by `panel enrol`: who the panel is.")
    ] = None,
    heartbeat: Annotated[int, typer.Option(min=10, max=3600, help="Seconds.")] = 60,
    count: Annotated[int, typer.Option(min=1, max=1000, help="A fleet: panel-001 to N.")] = 1,
    clock_unsure: Annotated[bool, typer.Option(help="A clock that is not to be trusted.")] = False,
) -> None:
    """A panel in software: stores the signed plan, obeys it on its own clock, shows its face."""
    current = settings.get()
    twin = import_module("channels.panels.twin")
    who: dict[str, Any]
    if enrolment:
        try:
            found = twin.enrolled.read(enrolment)
        except ValueError as error:
            fail(str(error), [], False)
        who = {
            "broker_url": broker or found.broker_url,
            "authority": found.authority,
            "panel": found.panel,
            "model": found.model,
            "key": found.key,
            "identity": found.identity,
            "client_id": found.client_id,
        }
    else:
        if not panel:
            fail("Give --panel, or --enrolment.", [], False)
        with plain_errors(False), db.reading(db.EVERYWHERE) as session:
            owner = accounts.authority_by_code(session, authority)
            key = accounts.public_key(owner)
        who = {
            "broker_url": broker or current.mqtt,
            "authority": owner.code,
            "panel": panel,
            "model": model,
            "key": key,
        }
    try:
        import_module("channels.panels.twin.face").load(who["model"])
    except ValueError as error:
        fail(str(error), [], False)
    twin.run(
        **who,
        store_dir=store or current.data / "twins" / who["panel"],
        face_app=import_module("dashboards.panel").face_app if face_port else None,
        face_port=face_port,
        at_once=at_once,
        clock_offset=current.clock_offset,
        clock_sure=not clock_unsure,
        heartbeat_s=heartbeat,
        count=count,
        stop=until_told().is_set,
    )
