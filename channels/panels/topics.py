"""Where panels and hub meet on the broker (docs/panel-contract.md, section 2)."""

import re
from dataclasses import dataclass
from typing import Final

ROOT: Final = "tambour/1"
UP: Final = ("birth", "presence", "ack", "shown", "hb")
PLAN: Final = "plan"
HUB: Final = "hub"
# One level of a topic: no wildcard, no separator, no "$" (MQTT 5 section 4.7).
_LEVEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,62}")


class BadName(ValueError):
    """An authority's or a panel's code cannot be a topic level."""


@dataclass(frozen=True, slots=True)
class Address:
    """A parsed topic. `panel` is empty for the hub's beacon, where `leaf` is "hub"."""

    authority: str
    panel: str
    leaf: str


def topic(authority: str, panel: str, leaf: str) -> str:
    """The topic of a panel's `leaf`. Raises BadName."""
    return f"{ROOT}/{_level(authority)}/{_level(panel)}/{leaf}"


def beacon(authority: str) -> str:
    """The retained topic by which an authority's hub shows that it is the only one."""
    return f"{ROOT}/{_level(authority)}/{HUB}"


def parse(text: str) -> Address | None:
    """What a topic speaks of; None for any topic that is not of this contract."""
    parts = text.split("/")
    if "/".join(parts[:2]) != ROOT or not all(_LEVEL.fullmatch(part) for part in parts[2:]):
        return None
    match parts[2:]:
        case [authority, leaf] if leaf == HUB:
            return Address(authority, "", leaf)
        case [authority, panel, leaf] if leaf == PLAN or leaf in UP:
            return Address(authority, panel, leaf)
    return None


def subscriptions() -> list[str]:
    """What the hub listens to."""
    return [f"{ROOT}/+/{HUB}", *(f"{ROOT}/+/+/{leaf}" for leaf in (*UP, PLAN))]


def _level(code: str) -> str:
    if not _LEVEL.fullmatch(code):
        raise BadName(f"{code!r} cannot be a level of an MQTT topic")
    return code
