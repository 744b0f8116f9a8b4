"""panel enrol, panel expel, panel broker: who a panel is on the broker, and who the broker is."""

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from sqlmodel import Session, select

from hub import accounts, audit, clock, db, settings, vault
from hub.cli.app import AsJson, Authority, fail, plain_errors, say
from hub.cli.panels import group
from hub.models import Authority as Town
from hub.models import Outlet

FOLDER = "panel-ca"
Panel = Annotated[str, typer.Option(help="The outlet's code.")]
BrokerFolder = Annotated[
    Path | None, typer.Option("--broker-folder", help="The tls folder of the broker.")
]
RELOAD = (
    "Have the broker read them: docker compose kill -s HUP mosquitto, or systemctl reload mosquitto"
)


@group.command()
def enrol(
    panel: Panel,
    host: Annotated[str, typer.Option(help="Name or address under which panels reach the broker.")],
    authority: Authority = "",
    port: Annotated[int, typer.Option(min=1, max=65535)] = 8883,
    out: Annotated[Path | None, typer.Option(help="Where the panel's files go.")] = None,
    request: Annotated[
        Path | None, typer.Option(help="The panel's own certificate request (CSR, PEM).")
    ] = None,
    password: Annotated[bool, typer.Option(help="A password instead of a certificate.")] = False,
    passwords: Annotated[
        Path | None, typer.Option(help="The broker's password file: the panel is added there.")
    ] = None,
    secret_on_sheet: Annotated[
        bool, typer.Option(help="Put the password into the QR code: destroy that sheet.")
    ] = False,
    language: Annotated[str, typer.Option(help="Of the sheet: fr, en, es.")] = "",
    broker_folder: BrokerFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make the files of a panel and the sheet for its installer. A panel enrolled before gets a new
    identity, and its old one is void."""
    install = _install()
    if password and request:
        fail("A panel has either a request or a password.", [], as_json)
    if secret_on_sheet and not password:
        fail("Only a password can be on the sheet: a private key is too large.", [], as_json)
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        town = accounts.authority_by_code(session, authority)
        outlet = _outlet(session, town, panel, as_json)
        place = install.Place(
            authority=town.code,
            authority_name=town.name,
            panel=outlet.code,
            panel_name=outlet.name,
            model=str(outlet.options.get("model", "text-8x16")),
            host=host,
            port=port,
            key=accounts.public_key(town),
            key_id=town.key_id,
        )
        locale = language or (town.languages[0] if town.languages else "fr")
    folder = out or settings.get().data / "panels" / town.code / outlet.code
    ca = _ca(install)
    try:
        asked = request.read_bytes() if request else b""
        made = install.enrol(
            place, ca, folder, clock.now(), locale=locale, request=asked, password=password,
            secret_on_sheet=secret_on_sheet,
        )  # fmt: skip
        line = folder / "password-line"
        if made.password_line and passwords:
            _replace_line(passwords, made.name, made.password_line)
        elif made.password_line:
            _private(line, made.password_line + "\n")
        if broker_folder:
            install.broker_files(ca, (), broker_folder)
    except (install.NameTooLong, install.BadRequest) as refused:
        fail(str(refused), [], as_json)
    except OSError as trouble:
        fail(f"{trouble.filename}: {trouble.strerror}. Nothing else was changed.", [], as_json)
    with db.writing(town.id or 0) as session:
        way = "password" if password else "request" if request else "certificate"
        audit.note(session, town.id or 0, "cli", "enrol", f"outlet:{panel}", way=way, host=host)
    steps = _steps(made, passwords, line, broker_folder)
    answer = {"name": made.name, "folder": str(folder), "do": steps,
              "files": [file.name for file in made.files]}  # fmt: skip
    words = [f"{made.name} is enrolled. Its files are in {folder}:"]
    words += [f"  {file.name}" for file in made.files]
    words += ["Then:", *(f"  {step}" for step in steps)]
    say(answer, as_json, "\n".join(words))


@group.command()
def expel(
    panel: Panel,
    authority: Authority = "",
    broker_folder: BrokerFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a panel's certificates void: it was stolen, sold or replaced."""
    install = _install()
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        town = accounts.authority_by_code(session, authority)
    ca = _ca(install)
    number = ca.expel(install.identity(town.code, panel))
    target = broker_folder or settings.get().data / "panels" / "broker"
    install.broker_files(ca, (), target)
    with db.writing(town.id or 0) as session:
        audit.note(session, town.id or 0, "cli", "expel", f"outlet:{panel}", certificates=number)
    words = (
        f"{number} certificate(s) of {town.code}/{panel} are void. The new list is "
        f"{target / 'void.pem'}.\n{RELOAD}.\n"
        "A password is taken away in the broker's password file."
    )
    say({"expelled": number, "list": str(target / "void.pem"), "do": [RELOAD]}, as_json, words)


@group.command()
def broker(
    host: Annotated[list[str], typer.Option(help="Names and addresses of the broker.")],
    out: Annotated[Path | None, typer.Option(help="The tls folder of the broker.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make the broker's certificate, and the list of panels that are void."""
    install = _install()
    target = out or settings.get().data / "panels" / "broker"
    files = install.broker_files(_ca(install), host, target)
    steps = [
        f"Only the broker may read {target / 'server.key'}: chown it to the broker's user "
        "(1883 in the container of docker-compose.yml).",
        "Uncomment the listener in config/mosquitto/mosquitto.conf and the ports in "
        "docker-compose.yml, and start the broker again.",
    ]
    answer = {"folder": str(target), "files": [f.name for f in files], "do": steps}
    say(answer, as_json, "\n".join([f"The broker's files are in {target}. Then:", *steps]))


def _install() -> Any:
    return import_module("channels.panels.install")


def _ca(install: Any) -> Any:
    passphrase = vault.fingerprint("passphrase", "panel-ca").encode()
    return install.Authority(settings.get().data / FOLDER, passphrase, clock.now())


def _outlet(session: Session, town: Town, code: str, as_json: bool) -> Outlet:
    rows = session.exec(
        select(Outlet).where(Outlet.authority_id == town.id, Outlet.kind == "panel")
    ).all()
    for row in rows:
        if row.code == code:
            return row
    known = ", ".join(row.code for row in rows[:20]) or "none yet"
    fail(f"{town.code} has no panel {code!r}; there are: {known}.", [], as_json)


def _steps(made: Any, passwords: Path | None, line: Path, broker_folder: Path | None) -> list[str]:
    steps = ["Print sheet.html, and give the folder to the installer on a USB stick."]
    if made.password_line and passwords:
        steps.append(f"{RELOAD} ({passwords} has the panel now).")
    elif made.password_line:
        steps.append(f"Append {line} to the broker's password file. {RELOAD}.")
    elif broker_folder:
        steps.append(f"{RELOAD}, if the panel had been enrolled before.")
    else:
        steps.append("Nothing to do on the broker: its rights go by the name in the certificate.")
    return steps


def _replace_line(path: Path, name: str, line: str) -> None:
    """A user's line in a password file, in place: the broker may hold the file as a mount."""
    old = path.read_text("utf-8").splitlines() if path.exists() else []
    kept = [text for text in old if text.partition(":")[0] != name]
    with open(path, "r+" if path.exists() else "w", encoding="utf-8") as out:
        out.write("\n".join([*kept, line]) + "\n")
        out.truncate()


def _private(path: Path, text: str) -> None:
    path.touch(mode=0o600)
    path.write_text(text, "utf-8")
