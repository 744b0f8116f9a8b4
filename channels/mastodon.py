"""Mastodon: a post that is edited by an update and removed by the end.

https://docs.joinmastodon.org/methods/statuses/ — `POST`, `PUT` and `DELETE /api/v1/statuses`, with
`Idempotency-Key`: a repeat within the hour answers with the post already made. An edit and a
removal are repeatable by nature.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, ClassVar, Final, Literal
from urllib.parse import quote, urlsplit

import httpx2
from pydantic import Field, SecretStr, field_validator

from channels import wire
from channels.fitting import fit_many, within
from channels.wording import language, spoken
from hub import clock
from hub.contracts import (
    AdapterFailure,
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
    TemporaryFailure,
    Verdict,
)
from hub.guard import AddressRefused
from hub.vocabulary import Intent

_STATUSES: Final = "/api/v1/statuses"
_REMOVED: Final = {
    "fr": "Le message publié est supprimé.",
    "en": "The post is deleted.",
    "es": "El mensaje publicado se elimina.",
}
_NOTHING: Final = "Il n'y avait plus de message à retirer."
_URL: Final = re.compile(r"https?://\S+")
_URL_COUNTS: Final = "x" * 23


def count(text: str) -> int:
    """Characters as Mastodon counts them: any link is 23."""
    return len(_URL.sub(_URL_COUNTS, text))


class Mastodon:
    kind: ClassVar[str] = "mastodon"
    title: ClassVar[str] = "Mastodon"
    capabilities: ClassVar[Capabilities] = Capabilities(
        intents=frozenset(Intent), idempotent=True, addresses="outlet", max_batch=1
    )

    class Options(StrictOptions):
        """`instance`: its address, "https://social.example". `on_end`: what an end does to the
        post: "delete" it, or "edit" it into "Fin : ..."."""

        instance: str
        token: SecretStr
        limit: int = Field(500, ge=100, le=10_000)
        visibility: Literal["public", "unlisted", "private"] = "public"
        on_end: Literal["delete", "edit"] = "delete"

        @field_validator("instance")
        @classmethod
        def _origin(cls, value: str) -> str:
            parts = urlsplit(value)
            if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
                raise ValueError("L'adresse de l'instance s'écrit https://nom.")
            if parts.path not in ("", "/") or parts.query or parts.fragment:
                raise ValueError("L'adresse de l'instance s'arrête au nom : https://nom.")
            return value.rstrip("/")

    def __init__(self, options: "Mastodon.Options", means: Means) -> None:
        self._options, self._means = options, means
        self._http = wire.client(
            means.policy,
            means.timeout,
            base_url=options.instance,
            headers={
                "Authorization": f"Bearer {options.token.get_secret_value()}",
                "User-Agent": "Tambour",
            },
        )

    @staticmethod
    def preview(
        notices: Sequence[Notice], options: "Mastodon.Options", locale: str
    ) -> Rendering | Refusal:
        """Facts: characters (links as 23), limit, action ("post" | "edit" | "delete"), left_out
        and shortened (fields of the notice)."""
        intent = notices[0].intent
        if intent is Intent.WITHDRAW and options.on_end == "delete":
            return Rendering(_REMOVED[language(locale)], {"action": "delete"})
        fitted = fit_many(notices, locale, within(options.limit, count), lines=True)
        if isinstance(fitted, Refusal):
            return fitted
        facts = {
            "action": "post" if intent is Intent.PUBLISH else "edit",
            "characters": count(fitted.text),
            "limit": options.limit,
            "left_out": list(fitted.left_out),
            "shortened": list(fitted.shortened),
        }
        return Rendering(fitted.text, facts, fitted.warnings)

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        said = self.preview([replace(n, intent=intent) for n in notices], self._options, locale)
        if isinstance(said, Refusal):
            raise PermanentFailure(f"{said.reason} {said.what_would_fit}".strip())
        extra = {**said.facts, "language": language(spoken(notices[0], locale))}
        key = f"{notices[0].identifier}.{intent}"
        return Message(said.text, intent, key, lane=notices[0].lane, extra=extra)

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        return [self._send(message, target) for target in targets]

    def check(self) -> Health:
        """Asks the instance whose token this is; posts nothing."""
        try:
            answer, body = self._ask("GET", "/api/v1/accounts/verify_credentials")
        except AdapterFailure as failed:
            return Health(False, failed.reason)
        if answer.status_code != 200:
            return Health(False, f"Mastodon a répondu {answer.status_code}.")
        return Health(True, f"Mastodon répond ; le compte est @{_json(body).get('acct', '?')}.")

    def close(self) -> None:
        self._http.close()

    def _send(self, message: Message, target: Target) -> Outcome:
        post = f"{_STATUSES}/{quote(target.earlier_ref, safe='')}" if target.earlier_ref else ""
        try:
            if message.extra.get("action") == "delete":
                return self._delete(post)
            if message.intent is Intent.PUBLISH or not post:
                if message.intent is Intent.WITHDRAW:
                    return Outcome(Verdict.ACCEPTED, reason=_NOTHING)
                return self._post(message, target)
            answer, body = self._ask("PUT", post, json=self._form(message))
            if answer.status_code in (404, 410):
                if message.intent is Intent.WITHDRAW:
                    return Outcome(Verdict.ACCEPTED, reason=_NOTHING)
                made = self._post(message, target)
                return replace(made, reason="Le message d'avant n'existait plus : publié à neuf.")
            return self._made(answer, body)
        except TemporaryFailure as failed:  # with its key, each of these calls may be repeated
            return Outcome(Verdict.LATER, reason=failed.reason, retry_after=failed.retry_after)

    def _post(self, message: Message, target: Target) -> Outcome:
        headers = {"Idempotency-Key": target.key or message.key}
        answer, body = self._ask("POST", _STATUSES, json=self._form(message), headers=headers)
        return self._made(answer, body)

    def _delete(self, post: str) -> Outcome:
        if not post:
            return Outcome(Verdict.ACCEPTED, reason=_NOTHING)
        answer, body = self._ask("DELETE", post)
        if answer.status_code in (404, 410):
            return Outcome(Verdict.ACCEPTED, reason=_NOTHING)
        if answer.status_code != 200:
            raise PermanentFailure(_says(answer, body))
        return Outcome(Verdict.ACCEPTED)

    def _form(self, message: Message) -> dict[str, str]:
        form = {"status": str(message.body), "language": str(message.extra.get("language", "fr"))}
        if message.intent is Intent.PUBLISH:
            form["visibility"] = self._options.visibility
        return form

    @staticmethod
    def _made(answer: httpx2.Response, body: bytes) -> Outcome:
        ident = _json(body).get("id")
        if answer.status_code != 200:
            raise PermanentFailure(_says(answer, body))
        if not isinstance(ident, str) or not ident:
            raise TemporaryFailure("Mastodon a répondu sans dire quel message il a publié.")
        return Outcome(Verdict.ACCEPTED, ref=ident)

    def _ask(self, method: str, path: str, **options: Any) -> tuple[httpx2.Response, bytes]:
        """One call. Raises TemporaryFailure where asking again is right, NotConfigured where a
        person must act; other answers are returned."""
        try:
            answer, body = wire.ask(
                self._http, method, path, seconds=self._means.timeout, **options
            )
        except AddressRefused as refused:
            raise NotConfigured(f"L'adresse de l'instance n'est pas permise. {refused}") from None
        except (httpx2.HTTPError, wire.TooMuch) as error:
            raise TemporaryFailure("L'instance Mastodon ne répond pas.") from error
        status = answer.status_code
        if status in (401, 403):
            raise NotConfigured(f"{_says(answer, body)} Vérifiez le jeton et ses droits.")
        if 300 <= status < 400:
            raise NotConfigured("L'instance Mastodon a changé d'adresse ; elle n'est pas suivie.")
        if status == 429:
            raise TemporaryFailure("Mastodon demande d'attendre.", _reset(answer))
        if status >= 500:
            wait = wire.retry_after(answer.headers.get("Retry-After", ""))
            raise TemporaryFailure(f"L'instance Mastodon est en panne ({status}).", wait)
        return answer, body


def _reset(answer: httpx2.Response) -> float | None:
    """Seconds until the limit is lifted: X-RateLimit-Reset is an ISO 8601 moment."""
    try:
        moment = datetime.fromisoformat(answer.headers.get("X-RateLimit-Reset", ""))
    except ValueError:
        return wire.retry_after(answer.headers.get("Retry-After", ""))
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return min(max(0.0, (moment - clock.now()).total_seconds()), 86_400.0)


def _json(body: bytes) -> dict[str, Any]:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}


def _says(answer: httpx2.Response, body: bytes) -> str:
    words = str(_json(body).get("error", ""))[:200].rstrip(".")
    return f"Mastodon a répondu {answer.status_code}{' : ' if words else ''}{words}."
