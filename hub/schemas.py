"""What people and programs give us: the content of a publication, validated field by field.

CAP code words are accepted in any case and kept in CAP's own. A flat `headline`, `description`,
`instruction`, `short` with an optional `language` is the short form of `texts` with one language.
"""

import re
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Any, ClassVar, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    field_validator,
    model_validator,
)

from hub import categories, geo
from hub.vocabulary import (
    Certainty,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

E = TypeVar("E", bound=StrEnum)


def _words(enum: type[E]) -> BeforeValidator:
    by_letters = {member.value.lower(): member for member in enum}

    def read(value: Any) -> Any:
        return by_letters.get(value.strip().lower(), value) if isinstance(value, str) else value

    return BeforeValidator(read)


# Control characters have no shape on any face; the bidirectional overrides and isolates (Unicode
# UAX 9) can make a sentence read backwards.
_UNSPEAKABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f\u202a-\u202e\u2066-\u2069]")


class Given(BaseModel):
    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    @field_validator("*", mode="after")
    @classmethod
    def _speakable(cls, value: Any) -> Any:
        if isinstance(value, str) and (found := _UNSPEAKABLE.search(value.replace("\r\n", "\n"))):
            raise ValueError(
                f"holds the invisible character U+{ord(found[0]):04X} at {found.start() + 1}"
            )
        return value


class TextIn(Given):
    """The words in one language. CAP advises 160 characters for a headline (3.2.2)."""

    headline: str = Field(min_length=1, max_length=160)
    description: str = Field("", max_length=8000)
    instruction: str = Field("", max_length=2000)
    short: str = Field("", max_length=120, description="A shorter headline for panels and SMS.")


class ImageIn(Given):
    """A picture at a public address, with its text for who cannot see it, per language."""

    url: str = Field(max_length=1000, pattern=r"^(https?://|/)")
    media_type: str = Field("image/jpeg", pattern=r"^image/(jpeg|png|webp|svg\+xml)$")
    alt: dict[str, str] = Field(min_length=1)


class Worded(Given):
    """What has `texts` by language. Its short form has the fields of one text (`flat`) beside the
    others, and `language`, French where that is left out."""

    flat: ClassVar[tuple[str, ...]] = ()

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, data: Any) -> Any:
        if not isinstance(data, dict) or "texts" in data or "headline" not in data:
            return data
        rest = {k: v for k, v in data.items() if k not in cls.flat and k != "language"}
        words = {k: data[k] for k in cls.flat if data.get(k) is not None}
        return rest | {"texts": {data.get("language") or "fr": words}}

    @field_validator("texts", check_fields=False)
    @classmethod
    def _languages(cls, value: dict[str, Any]) -> dict[str, Any]:
        for language in value:
            if not 2 <= len(language) <= 8 or not language.replace("-", "").isalnum():
                raise ValueError(f"{language!r} is not a language code such as fr, en or es")
        return value


class Content(Worded):
    """What is said, in CAP 1.2 words. `expires` may be left out: the category bounds it."""

    flat = tuple(TextIn.model_fields)

    category: str = "other"
    event: str = Field("", max_length=100)
    status: Annotated[Status, _words(Status)] = Status.ACTUAL
    scope: Annotated[Scope, _words(Scope)] = Scope.PUBLIC
    response_type: Annotated[ResponseType, _words(ResponseType)] = ResponseType.NONE
    severity: Annotated[Severity, _words(Severity)] = Severity.MINOR
    urgency: Annotated[Urgency, _words(Urgency)] = Urgency.EXPECTED
    certainty: Annotated[Certainty, _words(Certainty)] = Certainty.LIKELY
    effective: AwareDatetime | None = None
    onset: AwareDatetime | None = None
    expires: AwareDatetime | None = None
    texts: dict[str, TextIn] = Field(min_length=1, max_length=10)
    area: dict[str, Any] | None = None
    area_desc: str = Field("", max_length=200)
    images: list[ImageIn] = Field(default_factory=list, max_length=6)

    @field_validator("category", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, list) and len(value) == 1:
            value = value[0]  # CAP allows several; the first decides here
        return categories.get(value).key if isinstance(value, str) else value

    @field_validator("area")
    @classmethod
    def _sound(cls, value: dict[str, Any] | None) -> dict[str, Any] | None:
        if not value:
            return None
        geo.validate(value)
        return dict(geo.geometry_of(value))

    @field_validator("effective", "onset", "expires")
    @classmethod
    def _utc(cls, value: datetime | None) -> datetime | None:
        try:
            return value.astimezone(UTC) if value else None
        except OverflowError:
            raise ValueError("lies outside of the calendar") from None

    @model_validator(mode="after")
    def _order(self) -> "Content":
        for name in ("onset", "effective"):
            start = getattr(self, name)
            if start and self.expires and self.expires <= start:
                raise ValueError(f"expires: must come after {name}")
        return self
