"""The push kind: phones and browsers that follow a station (RFC 8030, 8291, 8292)."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from math import ceil
from typing import Any, ClassVar, Final

import pycurl
from pydantic import Field

from channels.push import payload, sending
from channels.push.encryption import MAX_PLAINTEXT, BadKeys, encrypt, parse_receiver
from channels.push.sending import Answer, Request, Sender, origin_of
from channels.push.vapid import BadIdentity, Headers
from hub import clock
from hub.contracts import (
    Capabilities,
    Health,
    Means,
    Message,
    Notice,
    Outcome,
    PermanentFailure,
    Refusal,
    Rendering,
    StrictOptions,
    Target,
    Verdict,
)
from hub.vocabulary import Intent, Lane

# A reason that begins so is about the host, not the phone: it refuses our identity. The dispatcher
# stops the host until a person has looked.
HOST_REFUSES_US: Final = "host-refuses-us: "

URGENCY: Final[Mapping[Lane, str]] = {
    Lane.URGENT: "high",
    Lane.NORMAL: "normal",
    Lane.BULK: "low",
}  # RFC 8030 section 5.3
# A phone that was told must hear that it is over even when it was off meanwhile.
_WITHDRAWAL_TTL: Final = timedelta(days=3)
_ACCEPTED: Final = Outcome(Verdict.ACCEPTED)
_LONGEST_WAIT_S: Final = 6 * 3600
# What most phones show of an open notification before they cut it.
_VISIBLE: Final = 240


class PushOptions(StrictOptions):
    """`ttl_cap_s`: how long a push service may keep a message (28 days is the most that all take).
    `in_flight`: requests at a time to one push service. `ca_file`: instead of the machine's."""

    ttl_cap_s: int = Field(28 * 24 * 3600, ge=0, le=28 * 24 * 3600)
    in_flight: int = Field(128, ge=1, le=500)
    contact: str = Field("", pattern=r"^$|^mailto:\S+@\S+$|^https://\S+$")
    ca_file: str = ""


class Push:
    """Every phone of an outlet is a target; its address is its endpoint.

    `Target.extra`: p256dh and auth (base64url), `identity` {public_key, private_key} (base64url:
    65-byte point, 32-byte scalar), `language`. Repeating does no harm: a phone replaces by tag, a
    push service by Topic; so a time-out is asked again rather than uncertain.
    """

    kind: ClassVar[str] = "push"
    title: ClassVar[str] = "Notifications push"
    Options: ClassVar[type[StrictOptions]] = PushOptions
    capabilities: ClassVar[Capabilities] = Capabilities(
        intents=frozenset(Intent), idempotent=True, addresses="subscriptions", max_batch=2000
    )

    def __init__(self, options: PushOptions, means: Means) -> None:
        self._options, self._means = options, means
        self._headers = Headers(options.contact or means.contact or _contact(means.base_url))
        self._sender: Sender | None = None
        self._refusing: dict[str, int] = {}

    @staticmethod
    def preview(notices: Sequence[Notice], options: Any, locale: str) -> Rendering | Refusal:
        """The notification as a phone shows it. Facts: `bytes`, `limit`, `title`, `languages`."""
        made = payload.compose(notices, notices[0].intent, locale)
        if isinstance(made, Refusal):
            return made
        warnings = []
        if "description" in made.shortened or (
            "description" in made.left_out and len(notices) == 1
        ):
            warnings.append(
                "Le descriptif est abrégé sur les téléphones ; la page le donne entier."
            )
        if "headline" in made.shortened:
            warnings.append("Le titre est raccourci sur les téléphones.")
        if len(made.text) > _VISIBLE:
            warnings.append(
                f"Un téléphone montre environ {_VISIBLE} caractères sur {len(made.text)} ; "
                "la suite se lit en ouvrant la notification."
            )
        facts = {
            "title": made.title,
            "bytes": len(made.body),
            "limit": payload.MAX_PAYLOAD,
            "languages": list(payload.languages_of(notices)),
        }
        return Rendering(f"{made.title}\n{made.text}", facts, tuple(warnings))

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        """One body for each language of the notices in `extra["bodies"]`, that of `locale` as
        `body`; `extra` also holds `topic` and `urgency`."""
        bodies = {
            language: self._compose(notices, intent, language).body
            for language in payload.languages_of(notices)
        }
        made = self._compose(notices, intent, locale)
        lane = min((n.lane for n in notices), key=list(Lane).index)
        return Message(
            body=made.body,
            intent=intent,
            key=f"{notices[0].identifier}.{intent}",
            title=made.title,
            ttl_s=self._ttl(notices, intent),
            lane=lane,
            extra={
                "bodies": bodies,
                "topic": payload.topic_of(notices),
                "urgency": URGENCY[lane],
            },
        )

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        """One outcome per target. LATER: the push service surely or probably has not taken it.
        Raises PermanentFailure when the message itself cannot be sent to anybody."""
        default = message.body.encode() if isinstance(message.body, str) else message.body
        bodies: Mapping[str, bytes] = message.extra.get("bodies", {})
        if max(map(len, (default, *bodies.values()))) > MAX_PLAINTEXT:
            raise PermanentFailure("The message is too long for a push service.")
        fixed = [
            "Content-Encoding: aes128gcm",
            "Content-Type: application/octet-stream",
            f"TTL: {message.ttl_s}",
            f"Urgency: {message.extra.get('urgency', URGENCY[message.lane])}",
        ]
        if message.extra.get("topic"):
            fixed.append(f"Topic: {message.extra['topic']}")
        headers: dict[tuple[str, str], list[str]] = {}
        broken: dict[int, str] = {}

        def make(n: int, origin: str) -> Request | None:
            extra = targets[n].extra
            try:
                identity = extra["identity"]
                public = identity["public_key"]
                lines = headers.get((origin, public))
                if lines is None:
                    vapid = self._headers.get(origin, public, identity["private_key"])
                    lines = headers[origin, public] = [*fixed, f"Authorization: {vapid}"]
                receiver = parse_receiver(extra["p256dh"], extra["auth"])
            except (BadKeys, BadIdentity) as trouble:
                broken[n] = str(trouble)
                return None
            except KeyError as missing:
                broken[n] = f"The subscription lacks {missing}."
                return None
            language = extra.get("language", "")
            body = bodies.get(language) or bodies.get(language.partition("-")[0]) or default
            return Request(encrypt(body, receiver), lines)

        answers = self._wire().send([t.address for t in targets], make)
        return [
            Outcome(Verdict.REJECTED, reason=broken[n])
            if n in broken
            else self._outcome(targets[n].address, answer)
            for n, answer in enumerate(answers)
        ]

    def check(self) -> Health:
        """No single other side to ask: what this process needs, and who refused us lately."""
        if self._refusing:
            hosts = ", ".join(sorted(self._refusing))
            return Health(False, f"Le service push refuse notre identité : {hosts}.")
        if not pycurl.version_info()[4] & pycurl.VERSION_HTTP2:
            return Health(
                True, "Prêt, mais libcurl ne parle pas HTTP/2 : les envois sont plus lents."
            )
        return Health(True, "Prêt à envoyer.")

    def close(self) -> None:
        if self._sender is not None:
            sending.give_back(self._sender)
            self._sender = None

    def _wire(self) -> Sender:
        if self._sender is None:
            self._sender = sending.shared(
                self._means.policy,
                timeout=self._means.timeout,
                per_host=self._options.in_flight,
                ca_file=self._options.ca_file,
                stopping=self._means.stopping,
            )
        return self._sender

    @staticmethod
    def _compose(notices: Sequence[Notice], intent: Intent, locale: str) -> payload.Composed:
        made = payload.compose(notices, intent, locale)
        if isinstance(made, Refusal):
            raise PermanentFailure(f"{made.reason} {made.what_would_fit}")
        return made

    def _ttl(self, notices: Sequence[Notice], intent: Intent) -> int:
        left = max(n.expires for n in notices) - clock.now()
        if intent is Intent.WITHDRAW:
            left = max(left, _WITHDRAWAL_TTL)
        elif left <= timedelta():
            raise PermanentFailure("The notice has expired.")
        return min(ceil(left.total_seconds()), self._options.ttl_cap_s)

    def _outcome(self, endpoint: str, answer: Answer) -> Outcome:
        if answer.refused:
            return Outcome(Verdict.REJECTED, reason=f"The address is refused: {answer.error}")
        status = answer.status
        if 200 <= status < 300 and not self._refusing:
            return _ACCEPTED
        host = _host_of(endpoint)
        if 200 <= status < 300:
            self._refusing.pop(host, None)
            return _ACCEPTED
        if status in (404, 410):
            return Outcome(Verdict.GONE, reason=f"{host} answered {status}")
        if status in (401, 403):
            self._refusing[host] = status
            said = f": {answer.text}" if answer.text else ""
            return Outcome(
                Verdict.REJECTED, reason=f"{HOST_REFUSES_US}{host} answered {status}{said}"
            )
        # 406 is how Windows asks to slow down; the others are plain HTTP for "not now".
        if answer.held or status in (0, 406, 408, 425, 429) or status >= 500:
            wait = answer.retry_after
            said = answer.error or f"answered {status}"
            return Outcome(
                Verdict.LATER,
                reason=f"{host}: {said}",
                retry_after=min(wait, _LONGEST_WAIT_S) if wait else None,
            )
        said = f": {answer.text}" if answer.text else ""
        return Outcome(Verdict.REJECTED, reason=f"{host} answered {status}{said}")


def _host_of(endpoint: str) -> str:
    """Host and port: all of an endpoint that may be written anywhere."""
    return origin_of(endpoint).partition("//")[2]


def _contact(base_url: str) -> str:
    """Apple and Mozilla want a mailto: or https: contact (RFC 8292 section 2.1)."""
    return base_url if base_url.startswith("https://") else "mailto:tambour@example.org"
