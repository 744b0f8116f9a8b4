"""SMS to a list of numbers, through any operator that Apprise knows.

A telephone cannot take back what it showed: an update or a withdrawal is a message of its own,
worded as a correction, where the route says so. Numbers go to the operator one at a time.
"""

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import ClassVar

from pydantic import Field, SecretStr, field_validator

from channels.apprise_bridge import Bridge, service_of
from channels.fitting import fit_many
from channels.gsm7 import encode_plan
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
)
from hub.vocabulary import Intent


class Sms:
    kind: ClassVar[str] = "sms"
    title: ClassVar[str] = "SMS"
    capabilities: ClassVar[Capabilities] = Capabilities(
        intents=frozenset({Intent.PUBLISH}), idempotent=False, addresses="contacts", max_batch=1
    )

    class Options(StrictOptions):
        """`url`: the operator as an Apprise URL, without a number. `price_per_segment` in euros.
        `sender`: signs the text instead of the station's name."""

        url: SecretStr
        price_per_segment: Decimal = Field(Decimal(0), ge=0, le=10, max_digits=6)
        max_segments: int = Field(3, ge=1, le=10)
        sender: str = Field("", max_length=40)
        link: bool = True

        @field_validator("url")
        @classmethod
        def _takes_numbers(cls, url: SecretStr) -> SecretStr:
            service = service_of(url.get_secret_value())
            if not service.numbers:
                raise ValueError(f"{service.name} n'envoie pas à des numéros de téléphone.")
            return url

    def __init__(self, options: "Sms.Options", means: Means) -> None:
        self._options = options
        self._bridge = Bridge(options.url, means)

    @staticmethod
    def preview(
        notices: Sequence[Notice], options: "Sms.Options", locale: str
    ) -> Rendering | Refusal:
        """Facts: encoding, segments, septets (code units), price_per_recipient (euros, as text),
        folded (pairs), left_out and shortened (fields of the notice)."""
        fitted = fit_many(
            notices,
            locale,
            lambda text: encode_plan(text).over(options.max_segments),
            who=options.sender,
            link=options.link,
            brief=True,
        )
        if isinstance(fitted, Refusal):
            return fitted
        sms = encode_plan(fitted.text)
        facts = {
            "encoding": sms.encoding,
            "segments": sms.segments,
            "septets": sms.septets,
            "price_per_recipient": str(options.price_per_segment * sms.segments),
            "folded": [list(pair) for pair in sms.folded],
            "left_out": list(fitted.left_out),
            "shortened": list(fitted.shortened),
        }
        warnings = list(fitted.warnings)
        letters = [f"{a} → {b}" for a, b in sms.folded if a.isalpha() and b]
        if letters:
            warnings.append(f"Lettres absentes de l'alphabet SMS : {', '.join(letters)}.")
        dropped = [a for a, b in sms.folded if not b]
        if dropped:
            warnings.append(f"Signes retirés, sans équivalent en SMS : {' '.join(dropped)}")
        if sms.encoding == "ucs2":
            warnings.append(
                "Ce texte contient des lettres qu'aucun SMS court ne porte : "
                "70 signes par segment au lieu de 160."
            )
        if sms.segments > 1:
            warnings.append(f"{sms.segments} segments : chaque destinataire compte autant de SMS.")
        return Rendering(sms.text, facts, tuple(warnings))

    def render(self, notices: Sequence[Notice], intent: Intent, locale: str) -> Message:
        said = self.preview([replace(n, intent=intent) for n in notices], self._options, locale)
        if isinstance(said, Refusal):
            raise PermanentFailure(f"{said.reason} {said.what_would_fit}".strip())
        key = f"{notices[0].identifier}.{intent}"
        return Message(said.text, intent, key, lane=notices[0].lane, extra=said.facts)

    def send(self, message: Message, targets: Sequence[Target]) -> list[Outcome]:
        return [self._bridge.say(str(message.body), target.address) for target in targets]

    def check(self) -> Health:
        return self._bridge.check()

    def close(self) -> None:
        """Nothing is held between two calls."""
