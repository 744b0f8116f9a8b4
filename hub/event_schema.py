"""What people and programs give us for the agenda, validated field by field."""

from datetime import date, timedelta
from typing import Final

from pydantic import AwareDatetime, Field, field_validator, model_validator

from hub import categories
from hub.schemas import Given, Worded

_YEARS: Final = (1900, 2999)
_LONGEST: Final = timedelta(days=400)


class EventText(Given):
    headline: str = Field(min_length=1, max_length=160)
    description: str = Field("", max_length=8000)


class EventIn(Worded):
    """An entry of the agenda: `starts` and `ends`, or `day` and `last_day` for whole days."""

    flat = tuple(EventText.model_fields)

    category: str = "event"
    texts: dict[str, EventText] = Field(min_length=1, max_length=10)
    starts: AwareDatetime | None = None
    ends: AwareDatetime | None = None
    day: date | None = None
    last_day: date | None = None
    place: str = Field("", max_length=200)
    longitude: float | None = Field(None, ge=-180, le=180)
    latitude: float | None = Field(None, ge=-90, le=90)
    tags: list[str] = Field(default_factory=list, max_length=12)
    link: str = Field("", max_length=1000, pattern=r"^(https?://[^\s<>\"]+)?$")

    @field_validator("category")
    @classmethod
    def _known(cls, value: str) -> str:
        return categories.get(value).key

    @field_validator("tags")
    @classmethod
    def _plain(cls, value: list[str]) -> list[str]:
        tags = list(dict.fromkeys(" ".join(tag.split()) for tag in value if tag.strip()))
        if long := next((tag for tag in tags if len(tag) > 60), None):
            raise ValueError(f"{long[:20]}… is longer than 60 letters")
        return tags

    @model_validator(mode="after")
    def _order(self) -> "EventIn":
        for name in ("starts", "ends", "day", "last_day"):
            value = getattr(self, name)
            if value and not _YEARS[0] <= value.year <= _YEARS[1]:
                raise ValueError(f"{name}: a year from {_YEARS[0]} to {_YEARS[1]}")
        if (self.starts is None) == (self.day is None):
            raise ValueError("starts: give a start, or a day for what lasts whole days")
        if self.starts and self.ends and self.ends < self.starts:
            raise ValueError("ends: must not come before starts")
        if self.day and self.last_day and self.last_day < self.day:
            raise ValueError("last_day: must not come before day")
        lasts = (self.ends or self.starts) - self.starts if self.starts else timedelta()
        if self.day and self.last_day:
            lasts = self.last_day - self.day
        if lasts > _LONGEST:
            raise ValueError(f"ends: an event lasts {_LONGEST.days} days at most")
        if (self.longitude is None) != (self.latitude is None):
            raise ValueError("latitude: give both latitude and longitude, or neither")
        return self
