"""The fields of a file of rules, as they are written."""

from collections.abc import Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from hub.rules.times import hour_of

NEVER_RAISED = (
    "a rule may lower the lane, never raise it: the lane follows from severity and urgency"
)


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _worded(value: Any) -> Any:
    return {"fr": value} if isinstance(value, str) else value


class StrictText(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


_Word = Annotated[str, Field(min_length=1, max_length=80)]
_Words = Annotated[list[_Word], BeforeValidator(_listed), Field(min_length=1, max_length=500)]
_Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9-]{0,59}$")]
_Text = Annotated[str, Field(min_length=1, max_length=300)]
_Sentence = Annotated[
    dict[Literal["fr", "en", "es"], _Text], BeforeValidator(_worded), Field(min_length=1)
]


class ToText(StrictText):
    kind: _Words | None = None
    tag: _Words | None = None
    station: _Words | None = None
    outlet: _Words | None = None
    within_m: Annotated[float, Field(strict=False, gt=0, le=100_000)] | None = None

    @field_validator("kind")
    @classmethod
    def _known(cls, kinds: list[str] | None, info: ValidationInfo) -> list[str] | None:
        """The validation context holds the channel kinds there are, or None for any."""
        for kind in kinds or ():
            if info.context is not None and kind not in info.context:
                near = get_close_matches(kind, list(info.context), n=1)
                hint = f"did you mean '{near[0]}'?" if near else "known: " + ", ".join(info.context)
                raise ValueError(f"there is no channel kind '{kind}'; {hint}")
        return kinds

    @model_validator(mode="after")
    def _narrows(self) -> "ToText":
        if not self.model_fields_set:
            raise ValueError("name a kind, a tag, a station, an outlet or a distance")
        return self


class AudienceText(StrictText):
    stations: _Words | None = None
    everyone: bool = False
    wishes: bool = True
    within_m: Annotated[float, Field(strict=False, ge=0, le=100_000)] | None = None

    @model_validator(mode="after")
    def _either(self) -> "AudienceText":
        if self.everyone and self.stations:
            raise ValueError("everyone already holds the followers of stations")
        return self


class SendText(StrictText):
    to: ToText
    audience: AudienceText = AudienceText()
    at: str = "now"
    corrections: Literal["send", "silent", "urgent"] = "send"
    on_uncertain: Literal["hold", "repeat"] = "hold"

    @field_validator("at")
    @classmethod
    def _hour(cls, at: str) -> str:
        if at != "now":
            try:
                hour_of(at)
            except ValueError:
                raise ValueError("must be now or an hour such as 18:00") from None
        return at


class NamedText(StrictText):
    name: _Name


class RuleText(NamedText):
    title: _Sentence
    when: str | None = None
    unless: str | None = None
    send: list[SendText] = []
    hold: _Sentence | None = None
    stop: bool = False
    lane: Literal["normal", "bulk", "urgent"] | None = None

    @field_validator("lane")
    @classmethod
    def _lowers(cls, lane: str | None) -> str | None:
        if lane == "urgent":
            raise ValueError(NEVER_RAISED)
        return lane


class IntakeText(NamedText):
    when: str | None = None
    then: Literal["ignore", "agenda", "draft", "publish"]
    reason: _Sentence


class ReminderText(NamedText):
    title: _Sentence
    when: str | None = None
    every: Literal[
        "day", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"
    ]
    at: str
    days: Annotated[int, Field(ge=1, le=31)] = 1

    @field_validator("at")
    @classmethod
    def _hour(cls, at: str) -> str:
        try:
            hour_of(at)
        except ValueError:
            raise ValueError("must be an hour such as 18:00") from None
        return at


class FileText(StrictText):
    rules: Annotated[list[RuleText], Field(max_length=1000)] = []
    intake: Annotated[list[IntakeText], Field(max_length=1000)] = []
    reminders: Annotated[list[ReminderText], Field(max_length=50)] = []


MODELS: Mapping[tuple[str, ...], type[StrictText]] = {
    (): FileText,
    ("rules",): RuleText,
    ("rules", "send"): SendText,
    ("rules", "send", "to"): ToText,
    ("rules", "send", "audience"): AudienceText,
    ("intake",): IntakeText,
    ("reminders",): ReminderText,
}
