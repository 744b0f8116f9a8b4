"""Where panels and hub meet on the broker (docs/panel-contract.md, section 2)."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

ROOT: Final = "tambour/1"
UP: Final = ("birth", "presence", "ack", "shown", "hb")
PLAN: Final = "plan"
CMD: Final = "cmd"
KEYS: Final = "keys"
IMAGE: Final = "image"  # image/{hash}
PROOF: Final = "proof"
FAULT: Final = "fault"  # fault/{code}
FRAME: Final = "frame"
HUB: Final = "hub"
DOWN: Final = (PLAN, CMD, KEYS)
EVIDENCE: Final = (PROOF, FRAME)
# One level of a topic: no wildcard, no separator, no "$" (MQTT 5 section 4.7).
_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")
# Of the leaves with one level more: what that level may be.
_NAMED: Final = {
    IMAGE: re.compile(r"[A-Za-z0-9_-]{43}"),
    FAULT: re.compile(r"[a-z][a-z0-9_]{0,31}"),
}


class BadName(ValueError):
    """An authority's or a panel's code, a hash or a fault's code cannot be a topic level."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed topic. `panel` is empty for the hub's beacon, where `leaf` is "hub". `name` is the
    hash of an image or the code of a fault."""

    authority: str
    panel: str
    leaf: str
    name: str = ""


def topic(authority: str, panel: str, leaf: str, name: str = "") -> str:
    """The topic of a panel's `leaf`; `name` for an image and a fault. Raises BadName."""
    if (leaf in _NAMED) != bool(name) or (name and not _NAMED[leaf].fullmatch(name)):
        raise BadName(f"{name!r} cannot be the last level of {leaf}")
    path = f"{ROOT}/{_level(authority)}/{_level(panel)}/{leaf}"
    return f"{path}/{name}" if name else path


def beacon(authority: str) -> str:
    """The retained topic by which an authority's hub shows that it is the only one."""
    return f"{ROOT}/{_level(authority)}/{HUB}"


def parse(text: str) -> Address | None:
    """What a topic speaks of; None for any topic that is not of this contract."""
    parts = text.split("/")
    if "/".join(parts[:2]) != ROOT or not all(_LEVEL.fullmatch(part) for part in parts[2:4]):
        return None
    match parts[2:]:
        case [authority, leaf] if leaf == HUB:
            return Address(authority, "", leaf)
        case [authority, panel, leaf] if leaf in UP or leaf in DOWN or leaf in EVIDENCE:
            return Address(authority, panel, leaf)
        case [authority, panel, leaf, name] if leaf in _NAMED and _NAMED[leaf].fullmatch(name):
            return Address(authority, panel, leaf, name)
    return None


def subscriptions(more: Sequence[str] = ()) -> list[str]:
    """What the hub listens to: the beacons, the five reports, the retained plans, and `more` of
    PROOF, FRAME, FAULT, CMD."""
    leaves = [f"{leaf}/+" if leaf in _NAMED else leaf for leaf in (*UP, PLAN, *more)]
    return [f"{ROOT}/+/{HUB}", *(f"{ROOT}/+/+/{leaf}" for leaf in leaves)]


def _level(code: str) -> str:
    if not _LEVEL.fullmatch(code):
        raise BadName(f"{code!r} cannot be a level of an MQTT topic")
    return code
