"""The folder that `tambour panel enrol` made: all that a panel needs to know, and who it is."""

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from channels.panels.twin.link import Identity
from channels.panels.twin.seal import unb64


class NotEnrolled(ValueError):
    """The folder does not hold what an enrolment makes; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Enrolled:
    """`broker_url` holds the password where there is one; `key` is the authority's, 32 bytes."""

    broker_url: str = field(repr=False)
    client_id: str
    authority: str
    panel: str
    model: str
    key: bytes
    identity: Identity


def read(folder: Path) -> Enrolled:
    """Raises NotEnrolled."""
    try:
        data: dict[str, Any] = json.loads((folder / "panel.json").read_text("utf-8"))
        url = str(data["broker"])
        if "username" in data:
            word = (folder / data["password_file"]).read_text("utf-8").strip()
            scheme, _, rest = url.partition("://")
            url = f"{scheme}://{quote(data['username'], safe='')}:{quote(word, safe='')}@{rest}"
        return Enrolled(
            broker_url=url,
            client_id=data["client_id"],
            authority=data["authority"],
            panel=data["panel"],
            model=data["model"],
            key=unb64(data["authority_key"]),
            identity=Identity(
                folder / data["ca"],
                _file(folder, data.get("certificate")),
                _file(folder, data.get("private_key")),
            ),
        )
    except OSError as error:
        raise NotEnrolled(f"{error.filename} cannot be read") from error
    except (ValueError, KeyError, TypeError) as error:
        raise NotEnrolled(f"{folder / 'panel.json'} is not what `panel enrol` makes") from error


def _file(folder: Path, name: str | None) -> Path | None:
    return folder / name if name else None
