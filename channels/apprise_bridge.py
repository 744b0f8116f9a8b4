"""The one place that speaks through Apprise 2.2: every other network, and the SMS operators.

Apprise answers yes or no, and its services swallow what happened on the way. A promise needs more:
surely sent, surely not sent, refused, or not known; so each call runs inside `channels.watched` and
its outcome is read from the exchanges. One service and one target a call. Apprise's own retries,
waits, redirects, splitting and templates are off, and its log, which holds numbers and tokens, goes
nowhere.
"""

import logging
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, ClassVar, Final
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, field_validator

from channels import wire
from channels.answers import outcome_of
from channels.fitting import fit_many, within
from channels.watched import watch
from hub.contracts import (
    Capabilities,
    Health,
    Means,
    Message,
    NotConfigured,
    Notice,
    Outcome,
    PermanentFailure,
    Refusal,
    Rendering,
    StrictOptions,
    Target,
    Verdict,
)
from hub.guard import AddressRefused
from hub.vocabulary import Intent

_E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # ITU-T E.164 section 6.2.1
_SPACING: Final = re.compile(r"[\s().-]")
# Services that open connections of their own beside HTTP, where no address is checked.
_UNCHECKED: Final = frozenset({"nostr"})


@dataclass(frozen=True, slots=True)
class Service:
    """What an Apprise URL names: the service, and whether it takes telephone numbers."""

    name: str
    numbers: bool


def service_of(url: str) -> Service:
    """The service of an Apprise URL. Raises ValueError with a sentence that quotes no secret."""
    plugin = type(_instance(url, None))
    tokens = plugin.template_tokens
    numbers = any("phone" in name for name in tokens if tokens[name].get("map_to") == "targets")
    return Service(str(plugin.service_name), numbers)


class Bridge:
    """Says one text to one target of one service."""

    def __init__(self, url: SecretStr, means: Means) -> None:
        self._url, self._means = url.get_secret_value(), means

    def say(self, text: str, number: str | None = None) -> Outcome:
        """Send `text` as it is, to `number` (E.164) where the service takes numbers.

        `accepted`; `rejected` when the service refused it; `later` when surely nothing left;
        `uncertain` when it may have been taken. Raises NotConfigured when a person must act.
        """
        if number is not None:
            number = _SPACING.sub("", number)
        if number is not None and not _E164.fullmatch(number):
            # Some services read anything else as the name of a contact or of a group.
            return Outcome(Verdict.REJECTED, reason="Ce numéro n'est pas au format international.")
        apprise = _apprise()
        try:
            plugin = _instance(self._url, number)
        except ValueError as error:
            raise NotConfigured(str(error)) from None
        sender = apprise.Apprise(asset=plugin.asset)
        sender.add(plugin)
        with watch(self._means.policy, self._means.timeout) as exchanges:
            result = sender.notify(body=text, body_format=apprise.NotifyFormat.TEXT)
        return outcome_of(
            bool(result), exchanges, str(plugin.service_name), _secrets(self._url, number)
        )

    def check(self) -> Health:
        """Whether the URL is one, and its host answers where the URL names one. Sends nothing."""
        try:
            plugin = _instance(self._url, None)
        except ValueError as error:
            return Health(False, str(error))
        name = str(plugin.service_name)
        if "host" not in plugin.template_tokens or not plugin.host:
            return Health(True, f"{name} : l'adresse est lisible. L'envoi n'est pas essayé.")
        port = plugin.port or (443 if plugin.secure else 80)
        try:
            wire.connect(self._means.policy, plugin.host, port, self._means.timeout).close()
        except AddressRefused as error:
            return Health(False, f"{name} : cette adresse n'est pas permise. {error}")
        except OSError:
            return Health(False, f"{name} ne répond pas à l'adresse donnée.")
        return Health(True, f"{name} répond. L'envoi n'est pas essayé.")


class Social:
    """Any network that Apprise knows: one post for each revision, no edit and no removal."""

    kind: ClassVar[str] = "social"
    title: ClassVar[str] = "Réseau social ou messagerie (Apprise)"
    capabilities: ClassVar[Capabilities] = Capabilities(
        intents=frozenset({Intent.PUBLISH}), idempotent=False, addresses="outlet", max_batch=1
    )

    class Options(StrictOptions):
        """`url`: an Apprise URL, target included; `limit`: characters of one message."""

        url: SecretStr
        limit: int = Field(500, ge=80, le=10_000)

        @field_validator("url")
        @classmethod
        def _known(cls, url: SecretStr) -> SecretStr:
            service_of(url.get_secret_value())
            return url

    def __init__(self, options: "Social.Options", means: Means) -> None:
        self._options = options
        self._bridge = Bridge(options.url, means)

    @staticmethod
    def preview(
        notices: Sequence[Notice], options: "Social.Options", locale: str
    ) -> Rendering | Refusal:
        fitted = fit_many(notices, locale, within(options.limit), lines=True)
        if isinstance(fitted, Refusal):
            return fitted
        facts = {
            "characters": len(fitted.text),
            "limit": options.limit,
            "left_out": list(fitted.left_out),
            "shortened": list(fitted.shortened),
        }
        return Rendering(fitted.text, facts, fitted.warnings)

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        said = self.preview([replace(n, intent=intent) for n in notices], self._options, locale)
        if isinstance(said, Refusal):
            raise PermanentFailure(f"{said.reason} {said.what_would_fit}".strip())
        key = f"{notices[0].identifier}.{intent}"
        return Message(said.text, intent, key, lane=notices[0].lane, extra=said.facts)

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        return [self._bridge.say(str(message.body)) for _ in targets]

    def check(self) -> Health:
        return self._bridge.check()

    def close(self) -> None:
        """Nothing is held between two calls."""


@lru_cache(maxsize=1)
def _apprise() -> Any:
    """The library, imported when first needed (0.7 s), its log cut off: at INFO it names every
    number it sent to, and urllib3 at DEBUG the path, where many services carry the token."""
    import apprise

    logging.getLogger("apprise").disabled = True
    logging.getLogger("urllib3").setLevel(logging.ERROR)
    return apprise


def _instance(url: str, number: str | None) -> Any:
    """A fresh service object for one call. Raises ValueError; the text quotes nothing secret."""
    apprise = _apprise()
    from apprise.plugins import url_to_dict

    asset = apprise.AppriseAsset(
        app_id="Tambour", app_desc="Tambour", app_url="",
        async_mode=False, service_timeout=0, http_redirects=False,
        interpret_escapes=False, storage_mode="memory",
        default_service_retry=0, default_service_wait=0.0,
    )  # fmt: skip
    parsed = url_to_dict(url, secure_logging=True)  # type: ignore[no-untyped-call]
    if not parsed:
        raise ValueError("Cette adresse n'est pas une adresse Apprise, ou elle est incomplète.")
    if number is not None:
        parsed["targets"] = [number]
    try:
        made = apprise.Apprise.instantiate(parsed, asset=asset, suppress_exceptions=False)
    except Exception:  # services raise TypeError, ValueError and their own, all with the secret
        made = None
    if made is None:
        raise ValueError(f"{parsed['schema']}:// : il manque une partie de l'adresse Apprise.")
    over_http = any("requests" in vars(sys.modules[c.__module__]) for c in type(made).__mro__)
    if not over_http or parsed["schema"] in _UNCHECKED:
        raise ValueError(f"{parsed['schema']}:// ne passe pas par HTTP : ce service est exclu.")
    # What the URL's own parameters may have switched on again: ?retry, ?optional, ?overflow ...
    made.retry, made.wait, made.optional, made.redirects = 0, 0.0, False, False
    made.overflow_mode = apprise.OverflowMode.UPSTREAM
    made.request_rate_per_sec = 0
    return made


def _secrets(url: str, number: str | None) -> frozenset[str]:
    """Parts of the URL, and the number, that an answer may echo and a reason must not show."""
    parts = urlsplit(url)
    pieces = [parts.username, parts.password, number, number and number.lstrip("+")]
    pieces += parts.path.split("/") + [value for _, _, value in _pairs(parts.query)]
    return frozenset(unquote(p) for p in pieces if p and len(p) >= 4)


def _pairs(query: str) -> list[tuple[str, str, str]]:
    return [pair.partition("=") for pair in query.split("&")]
