"""The roles of the running hub: up, web, worker, beat, panels; check and clock."""

import signal
import socket
import sys
import threading
from typing import Annotated

import typer

from hub import alive, clock, db, health, memos, migrate, registry, settings
from hub.cli.app import AsJson, app, say

_stop = threading.Event()


def until_told() -> threading.Event:
    """An event set by SIGTERM or SIGINT."""
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: _stop.set())
    return _stop


@app.command()
def up(
    demo: Annotated[bool, typer.Option("--demo", help="With a demo town and its outside.")] = False,
) -> None:
    """Everything on this machine: database, queue, broker, workers, beat, listener, web."""
    from hub.up import up as start

    sys.exit(start(demo=demo))


@app.command()
def web(workers: int = 1) -> None:
    """The web role: API and faces on HOST:PORT."""
    from granian.constants import Interfaces, Loops
    from granian.server import Server

    current = settings.get()
    Server(
        "hub.main:web",
        factory=True,
        address=current.host,
        port=current.port,
        interface=Interfaces.ASGI,
        workers=workers,
        loop=Loops.uvloop,
        log_access=False,
        websockets=False,
        respawn_failed_workers=True,
        backpressure=512,
    ).serve()


@app.command()
def worker(
    queues: Annotated[str, typer.Option(help="urgent,normal,bulk,ingest")] = "normal,bulk,ingest",
    name: Annotated[str, typer.Option(help="Unique on this instance; %h: the host.")] = "worker",
    concurrency: int = 1,
    nice: Annotated[int, typer.Option(help="Lower process priority, 0 to 19.")] = 0,
) -> None:
    """The worker role."""
    from hub import worker as role

    migrate.upgrade()
    role.run(queues, name.replace("%h", socket.gethostname()), concurrency, nice)


@app.command()
def beat() -> None:
    """The sweep: once a second, what is due or lost. One per instance."""
    from hub.dispatch import leases
    from hub.sweep import Sweeper
    from hub.worker import use_celery_for_nudges

    migrate.upgrade()
    leases.name_this_worker("beat")
    use_celery_for_nudges()
    stop = until_told()
    Sweeper().run(alive.signing("beat", stop.is_set))


@app.command()
def panels() -> None:
    """The listener role: hears what panels say. One per instance."""
    from hub import outlets, receipts

    migrate.upgrade()
    stop = until_told()
    kind = registry.channel("panel")
    listener = kind.listener(outlets.means())
    listener.listen(receipts.apply, alive.signing("panels", stop.is_set), receipts.authorities)


@app.command(name="migrate")
def migrate_now() -> None:
    """Bring the database to the present form; every role does so at its start, too."""
    migrate.upgrade()


@app.command()
def check(as_json: AsJson = False) -> None:
    """Settings, rules, database: is everything in order? Exits 1 when not."""
    from hub.rules import loading

    problems = []
    try:
        loading.check_all(settings.get().config)
    except loading.RulesError as error:
        problems += str(error).splitlines()
    migrate.upgrade()
    state = health.health()
    answer = {"ok": not problems, "problems": problems, "health": state}
    say(answer, as_json, "\n".join(problems) or "Settings, rules and database are in order.")
    raise typer.Exit(1 if problems else 0)


@app.command(name="clock")
def confirm_clock(
    confirm: Annotated[bool, typer.Option("--confirm", help="The time is right.")] = False,
    as_json: AsJson = False,
) -> None:
    """The hub's time; --confirm lets messengers start again after the clock was in doubt."""
    with db.writing(db.EVERYWHERE) as session:
        hold = memos.read(session, "clock.hold")
        held = bool(hold and hold.number)
        if confirm:
            memos.write(session, "clock.hold", 0)
            memos.write(session, "clock.latest", 0)
            held = False
    now = clock.rfc3339(clock.now())
    say({"time": now, "held": held}, as_json, f"{now}{'  messengers wait' if held else ''}")
