"""certificate: what a publication really showed, signed; and the check of one, offline."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from hub import accounts, certificate, db, sealing
from hub.cli.app import AsJson, Authority, app, fail, plain_errors, say
from hub.models import Publication

group = typer.Typer(help="Certificates of diffusion.", no_args_is_help=True)
app.add_typer(group, name="certificate")


@group.command()
def make(
    publication: Annotated[str, typer.Argument(help="The publication's id.")],
    out: Annotated[Path | None, typer.Option(help="Write it to this file.")] = None,
    authority: Authority = "",
    as_json: AsJson = False,
) -> None:
    """What every outlet did with a publication, signed with the authority's key."""
    with plain_errors(as_json), db.reading(db.EVERYWHERE) as session:
        found = session.get(Publication, publication)
        owner = accounts.authority_by_code(session, authority)
        if found is None or found.authority_id != owner.id:
            fail("There is no such publication here.", [], as_json)
        try:
            document = certificate.sealed(session, owner, publication)
        except LookupError:
            fail("This publication was never live: there is nothing to certify.", [], as_json)
    text = json.dumps(document, ensure_ascii=False, indent=1)
    if out is None:
        typer.echo(text)
        return
    out.write_text(text + "\n", encoding="utf-8")
    say({"file": str(out)}, as_json, f"Written to {out}.")


@group.command()
def verify(
    file: Annotated[Path, typer.Argument(help="A certificate as JSON.")],
    key: Annotated[str, typer.Option(help="The authority's public key, base64url.")] = "",
    as_json: AsJson = False,
) -> None:
    """Was it changed since it was signed, and by whom was it signed? Needs neither hub nor network.
    Exits 1 when it is not as it was signed."""
    sealed: Any
    try:
        sealed = json.loads(file.read_text("utf-8"))
        seal = sealing.check(sealed, key)
    except OSError as error:
        fail(f"The file cannot be read: {error.strerror}.", [], as_json)
    except (ValueError, RecursionError) as error:
        reason = str(error) if isinstance(error, sealing.Broken) else "The file is not JSON."
        fail(f"Not valid. {reason}", [], as_json)
    document = sealed["certificate"]
    owner = document.get("authority", {})
    answer = {
        "valid": True,
        "authority": owner.get("code", ""),
        "publication": document.get("publication", {}).get("id", ""),
        "issued": document.get("issued", ""),
        "key_id": seal.key_id,
        "key": seal.key,
        "key_checked": bool(key),
    }
    words = (
        f"Valid: signed by {owner.get('name', '?')} with the key {seal.key_id} ({seal.key}).\n"
        f"Publication {answer['publication']}, certificate of {answer['issued']}."
    )
    if not key:
        words += "\nCompare the key with the one the authority gives you, or pass it with --key."
    say(answer, as_json, words)
