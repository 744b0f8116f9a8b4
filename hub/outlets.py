"""Outlets as the hub handles them: their options validated by their kind, secrets sealed, adapters
built once per process and rebuilt when the outlet changes."""

import json
import os
import secrets as random
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from pydantic import SecretStr, ValidationError

from hub import registry, settings, stopping, vault
from hub.contracts import Means, NotConfigured, Notice, Refusal, Rendering
from hub.models import Outlet

BOOT = random.token_hex(8)


class OfKind(Protocol):
    """What an adapter is built from: an outlet, or as much of its row."""

    @property
    def id(self) -> int | None: ...
    @property
    def code(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def options(self) -> dict[str, Any]: ...
    @property
    def secrets(self) -> str: ...


class OptionsRefused(ValueError):
    """`errors` is a list of (field, reason) in words."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors))
        self.errors = errors


@lru_cache(maxsize=1)
def means() -> Means:
    """What this instance gives its adapters."""
    now = settings.get()
    return Means(
        base_url=now.url,
        policy=now.policy,
        broker_url=now.mqtt,
        instance=now.name,
        boot=BOOT,
        contact=now.contact,
        stopping=stopping.asked,
    )


def split_options(kind: str, given: dict[str, Any]) -> tuple[dict[str, Any], str]:
    """(open options, sealed secrets) of what a person gave, validated by the kind.

    Raises OptionsRefused or registry.UnknownKind.
    """
    model = registry.channel(kind).Options
    try:
        options = model.model_validate(given)
    except ValidationError as error:
        raise OptionsRefused(
            [("options." + ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        ) from error
    hidden = {
        name: value.get_secret_value()
        for name, value in options
        if isinstance(value, SecretStr) and value.get_secret_value()
    }
    shown = options.model_dump(mode="json", exclude=set(hidden), exclude_defaults=True)
    return shown, vault.seal(json.dumps(hidden), "outlet") if hidden else ""


def options_given(outlet: OfKind) -> dict[str, Any]:
    """The options as a person gave them, secrets included; never leaves the process."""
    hidden = json.loads(vault.unseal(outlet.secrets, "outlet")) if outlet.secrets else {}
    return outlet.options | hidden


def options_of(outlet: OfKind) -> Any:
    """The kind's Options, secrets included. Raises NotConfigured."""
    try:
        return registry.channel(outlet.kind).Options.model_validate(options_given(outlet))
    except ValidationError as error:
        wrong = ", ".join(".".join(map(str, e["loc"])) for e in error.errors())
        raise NotConfigured(f"Outlet {outlet.code}: check its options ({wrong}).") from error


def preview(outlet: Outlet, notices: Sequence[Notice], locale: str) -> Rendering | Refusal:
    """What the outlet would say; a missing option is a refusal like another."""
    try:
        says: Rendering | Refusal = registry.channel(outlet.kind).preview(
            notices, options_of(outlet), locale
        )
    except NotConfigured as trouble:
        return Refusal("options", trouble.reason, "Complete the outlet's options.")
    return says


_adapters: dict[tuple[int, int | None], tuple[tuple[Any, ...], Any]] = {}


def adapter(outlet: OfKind) -> Any:
    """The outlet's adapter in this process: built after fork, rebuilt when its options change."""
    key = (os.getpid(), outlet.id)
    state = (outlet.kind, outlet.options, outlet.secrets)
    known = _adapters.get(key)
    if known and known[0] == state:
        return known[1]
    if known:
        del _adapters[key]  # first: what follows may fail, and nobody must be given a closed one
        known[1].close()
    made = registry.channel(outlet.kind)(options_of(outlet), means())
    _adapters[key] = (state, made)
    return made


def close_all() -> None:
    for key in [k for k in _adapters if k[0] == os.getpid()]:
        _adapters.pop(key)[1].close()
