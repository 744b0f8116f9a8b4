"""A source's settings: validated by its kind, secrets sealed, and as the connector gets them."""

import json
import re
from importlib import import_module
from typing import Any, Final

from pydantic import SecretStr, ValidationError

from hub import registry, settings, vault
from hub.contracts import Fetch
from hub.guard import AddressRefused
from hub.models import Authority, Source

FETCHER: Final = "connectors.fetcher:Fetcher"


class SourceRefused(ValueError):
    """`errors` is a list of (field, reason) in words."""

    def __init__(self, errors: list[tuple[str, str]]) -> None:
        super().__init__("; ".join(f"{field}: {reason}" for field, reason in errors))
        self.errors = errors


def check_url(url: str) -> str:
    """The address as it is kept: webcal becomes https. The policy is asked again at each fetch, for
    every address its host has then. Raises SourceRefused naming `url`."""
    plain = re.sub(r"^webcals?://", "https://", url.strip(), flags=re.IGNORECASE)
    try:
        settings.get().policy.check_url(plain)
    except AddressRefused as error:
        raise SourceRefused([("url", str(error))]) from error
    return plain


def split_options(kind: str, given: dict[str, Any], sealed: str = "") -> tuple[dict[str, Any], str]:
    """(open options, sealed secrets) of what a person gave; `sealed` holds the secrets of before,
    kept where none is given anew.

    Raises SourceRefused or registry.UnknownKind.
    """
    given = _unsealed(sealed) | given
    if "url" in given:
        raise SourceRefused([("options.url", "Write the address in url.")])
    model = registry.connector(kind).Options
    try:
        options = model.model_validate(given)
    except ValidationError as error:
        raise SourceRefused(
            [("options." + ".".join(map(str, e["loc"])), e["msg"]) for e in error.errors()]
        ) from error
    hidden = {
        name: value.get_secret_value()
        for name, value in options
        if isinstance(value, SecretStr) and value.get_secret_value()
    }
    kept = options.model_dump(mode="json", exclude=set(hidden), exclude_unset=True)
    return kept, vault.seal(json.dumps(hidden), "source") if hidden else ""


def options_of(source: Source, authority: Authority) -> dict[str, Any]:
    """What the connector is given, as JSON values; secrets included, never to be shown. Zone and
    languages are the authority's where the source states none."""
    filled = filled_options(source.kind, authority, source.url)
    return filled | source.options | _unsealed(source.secrets)


def guarded_fetcher(language: str) -> Fetch:
    """The one way out, with the policy and the proxy of the settings; `language` is that of its
    reasons."""
    module, _, name = FETCHER.partition(":")
    here = settings.get()
    proxy = here.proxy.get_secret_value()
    made: Fetch = getattr(import_module(module), name)(here.policy, language, proxy=proxy)
    return made


def filled_options(kind: str, authority: Authority, url: str) -> dict[str, Any]:
    """What a connector of this kind is told of its surroundings, where it asks for it."""
    known = registry.connector(kind).Options.model_fields
    language = authority.languages[0]
    filled = {
        "url": url,
        "timezone": authority.timezone,
        "language": language,
        "report_in": language if language in ("fr", "en", "es") else "fr",
        "insee": authority.insee,
    }
    return {k: v for k, v in filled.items() if k in known}


def _unsealed(sealed: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(vault.unseal(sealed, "source")) if sealed else {}
    return found
