"""panel conform: an installer's acceptance of a panel, by itself or on the hub's own machine."""

import base64
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from sqlalchemy import update
from sqlmodel import col, select

from hub import accounts, clock, db, settings
from hub.cli.app import AsJson, Authority, fail, plain_errors, say
from hub.cli.panels import group
from hub.cli.roles import until_told
from hub.dispatch import displays, leases
from hub.models import DisplayRow, Outlet

BEAT_S = 5.0
FAILED = 1
BROKEN = 3
LINES = {
    "cut": "Cut the panel's line now (pull the plug of its modem); the kit sees it.",
    "mend": "Mend the line now.",
}


@group.command()
def conform(
    panel: Annotated[str, typer.Option(help="The panel's code.")],
    authority: Authority = "",
    broker: Annotated[str, typer.Option(help="mqtt(s)://user:pass@host:port; else ours.")] = "",
    key: Annotated[
        Path | None, typer.Option(help="Private key that signs (PEM, 32 bytes or base64url).")
    ] = None,
    key_id: Annotated[str, typer.Option(help="The name of that key.")] = "conform",
    test_key: Annotated[
        bool, typer.Option(help="A key made for this run: for a panel that has seen none yet.")
    ] = False,
    ca: Annotated[Path | None, typer.Option(help="Certificate of the broker's authority.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="The kit's own certificate.")] = None,
    private_key: Annotated[Path | None, typer.Option(help="Its private key.")] = None,
    client_id: Annotated[str, typer.Option(help="The panel's, if not the contract's.")] = "",
    quick: Annotated[bool, typer.Option(help="Leave the long checks out.")] = False,
    only: Annotated[list[str] | None, typer.Option(help="Only this check; again for more.")] = None,
    by_hand: Annotated[bool, typer.Option(help="A person cuts the line when asked.")] = False,
    language: Annotated[str, typer.Option(help="Of the report: fr, en, es.")] = "fr",
    out: Annotated[Path | None, typer.Option(help="Folder of the reports.")] = None,
    as_json: AsJson = False,
) -> None:
    """Try a panel against docs/panel-contract.md and write a dated report (HTML and JSON).

    Without --key the authority's own key on this hub signs; meanwhile the hub tells this panel
    nothing, and afterwards the panel shows again what it should. Exits 0 if the panel conforms, 1
    if it does not, 3 if the run did not come to its end.
    """
    kit = import_module("channels.panels.conform")
    outlet_id = 0
    if key or test_key:
        secret, town = _given(key, as_json), authority
        if not town:
            fail("Say which authority with --authority.", [], as_json)
    else:
        with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
            owner = accounts.authority_by_code(session, authority)
            secret, key_id = accounts.private_key(owner.signing_key), owner.key_id
            town = owner.code
            row = session.exec(
                select(Outlet).where(
                    Outlet.authority_id == owner.id, Outlet.code == panel, Outlet.kind == "panel"
                )
            ).first()
            outlet_id = row.id or 0 if row else 0
    unknown = sorted(set(only or ()) - {check.name for check in kit.CHECKS})
    if unknown:
        names = ", ".join(check.name for check in kit.CHECKS)
        fail(f"There is no check {', '.join(unknown)}; there are: {names}.", [], as_json)

    def told(row: dict[str, Any]) -> None:
        if not as_json:
            typer.echo(kit.text(row, language))

    asked = kit.Asked(
        login=kit.Login(
            broker or settings.get().mqtt, *(str(f or "") for f in (ca, certificate, private_key))
        ),
        authority=town,
        panel=panel,
        key=secret,
        key_id=key_id,
        client_id=client_id,
        quick=quick,
        only=tuple(only or ()),
        by_hand=(lambda step: typer.echo(LINES[step])) if by_hand else None,
        told=told,
        stop=until_told(),
    )
    try:
        with _holding(outlet_id, as_json):
            report = kit.run(asked)
    except kit.NoBroker as trouble:
        fail(f"The run could not begin: {trouble}", [], as_json, BROKEN)
    folder = out or settings.get().data / "conform"
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{report['began'][:19].replace(':', '').replace('-', '')}-{town}-{panel}"
    page, data = folder / f"{name}.html", folder / f"{name}.json"
    page.write_text(kit.html(report, language), "utf-8")
    data.write_text(json.dumps(report, ensure_ascii=False, indent=1, default=str), "utf-8")
    counts = report["counts"]
    words = (
        f"\n{counts['passed']} passed, {counts['failed']} failed, {counts['not_applicable']} not "
        f"applicable, {counts['not_run']} not run.\n{page}\n{data}"
    )
    say({**report, "html": str(page), "json": str(data)}, as_json, words)
    if report["trouble"]:
        raise typer.Exit(BROKEN)
    if not report["conforms"]:
        raise typer.Exit(FAILED)


def _given(path: Path | None, as_json: bool) -> bytes:
    """32 raw bytes of an Ed25519 private key, in whatever form it is kept; a new one without."""
    if path is None:
        return Ed25519PrivateKey.generate().private_bytes_raw()
    try:
        data = path.read_bytes()
    except OSError as error:
        fail(f"{path}: {error.strerror}.", [], as_json)
    if len(data) == 32:
        return data
    try:
        if data.startswith(b"-----"):
            loaded = load_pem_private_key(data, None)
            if isinstance(loaded, Ed25519PrivateKey):
                return loaded.private_bytes_raw()
        else:
            text = data.decode("ascii").strip()
            raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            if len(raw) == 32:
                return raw
    except (ValueError, TypeError):
        pass
    fail(f"{path} holds no Ed25519 private key (PEM, 32 bytes or base64url).", [], as_json)


@contextmanager
def _holding(outlet_id: int, as_json: bool) -> Iterator[None]:
    """Hold the display's lease, so that no worker tells the panel anything; then make it due."""
    if not outlet_id:
        yield
        return
    leases.name_this_worker("conform")
    with db.writing(db.EVERYWHERE) as session:
        ours = leases.claim(session, DisplayRow, outlet_id)
    if not ours:
        fail("The panel is being told something at this moment; try again.", [], as_json, BROKEN)
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_S):
            with db.writing(db.EVERYWHERE) as session:
                session.execute(
                    update(DisplayRow)
                    .where(col(DisplayRow.outlet_id) == outlet_id, _ours())
                    .values(beat=DisplayRow.beat + 1)
                )

    thread = threading.Thread(target=beat, name="lease", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
        with db.writing(db.EVERYWHERE) as session:
            session.execute(
                update(DisplayRow)
                .where(col(DisplayRow.outlet_id) == outlet_id, _ours())
                .values(lease="", reported_no=clock.unix_ms())
            )
            displays.due_again(session, outlet_id)


def _ours() -> Any:
    return col(DisplayRow.lease) == leases.me()
