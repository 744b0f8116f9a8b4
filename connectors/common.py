"""What the kinds that read one HTTP address share."""

from datetime import UTC, datetime
from typing import ClassVar, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from connectors.reasons import say
from hub.contracts import Fetch, Fetched, Json, NotModified, SourceUnreadable, StrictOptions


class SourceOptions(StrictOptions):
    """`url`, and unless a source says otherwise also `timezone`, `language` and `report_in`, are
    filled in from the source's row and its authority."""

    url: str = ""
    timezone: str = Field("Europe/Paris", description="Zone of hours written without one.")
    language: str = Field("fr", description="Language of texts that do not state theirs.")
    report_in: Literal["fr", "en", "es"] = Field("fr", description="Language of error reports.")

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        try:
            ZoneInfo(value)
        except (ZoneInfoNotFoundError, ValueError, OSError):
            raise ValueError(f"{value!r} is not a time zone such as Europe/Paris") from None
        return value


class HttpSource:
    """Fetching for the kinds whose source is one document at one address."""

    accept: ClassVar[str] = "*/*"
    what: ClassVar[str]

    def __init__(self, options: SourceOptions) -> None:
        self.url = options.url
        self.language = options.report_in

    def fetch(self, cursor: Json, fetch: Fetch) -> Fetched | NotModified:
        return fetch(self.url, cursor, accept=self.accept)

    def say(self, code: str, **values: object) -> str:
        return say(code, self.language, **values)

    def unreadable(self, code: str, where: str = "", **values: object) -> SourceUnreadable:
        return SourceUnreadable(self.say(code, **values), where)

    def not_ours(self, raw: bytes) -> SourceUnreadable:
        """The error for bytes of another kind: a web page is the usual mistake."""
        head = raw[:2000].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
        page = head.startswith(b"<") and (b"<html" in head or b"<!doctype html" in head)
        return self.unreadable("web-page" if page else "other-file", what=self.what)


def stamp(moment: datetime | None) -> str:
    """A version that sorts as text: 14 digits in UTC, or nothing."""
    return moment.astimezone(UTC).strftime("%Y%m%d%H%M%S") if moment else ""
