"""What the kinds that read one HTTP address share."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from types import MappingProxyType
from typing import Any, ClassVar, Final, Literal
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator

from connectors.plain import token
from connectors.reasons import say
from hub.contracts import Fetch, Fetched, Json, NotModified, SourceUnreadable, StrictOptions

# Items a reading may bring: beyond, memory and people are overrun; absence then counts for nothing.
MOST: Final = 5000


class Wrong(ValueError):
    """An entry is refused, or a part of it left out: a row of connectors.reasons, its values."""

    def __init__(self, code: str, **values: object) -> None:
        super().__init__(code)
        self.code, self.values = code, values


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
    """Fetching for the kinds whose source is one document at one address. `headers` (a key) go to
    that address alone."""

    accept: ClassVar[str] = "*/*"
    what: ClassVar[str]
    headers: Mapping[str, str] = MappingProxyType({})

    def __init__(self, options: SourceOptions) -> None:
        self.url = options.url
        self.language = options.report_in

    def fetch(self, cursor: Json, fetch: Fetch) -> Fetched | NotModified:
        return fetch(self.url, cursor, accept=self.accept, headers=self.headers)

    def say(self, code: str, **values: object) -> str:
        # What a stranger wrote is quoted on one line, without control letters.
        said = {k: token(v) if isinstance(v, str) else v for k, v in values.items()}
        return say(code, self.language, **said)

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


def moment(value: object, zone: ZoneInfo) -> datetime | None:
    """An ISO 8601 time in UTC, to the second; `zone` is that of a time written without one. None
    for nothing. Raises ValueError for what is no time between the years 1900 and 2200."""
    said = str(value if value is not None else "").strip()
    if not said:
        return None
    later = "T24:00" in said  # the end of a day (ISO 8601, XML Schema 3.2.7)
    found = datetime.fromisoformat(said.replace("T24:00", "T00:00").replace("/", "-"))
    if not 1900 <= found.year <= 2200:
        raise ValueError(said)
    aware = found if found.tzinfo else found.replace(tzinfo=zone)
    return aware.astimezone(UTC).replace(microsecond=0) + timedelta(days=later)


def moment_or_none(value: object, zone: ZoneInfo) -> datetime | None:
    """The same; None for what is no time, too."""
    try:
        return moment(value, zone)
    except ValueError:
        return None


def moment_of(row: Mapping[str, Any], name: str, zone: ZoneInfo) -> datetime | None:
    """`moment` of an entry's element. Raises Wrong, which names it."""
    try:
        return moment(row.get(name), zone)
    except ValueError:
        value = token(row.get(name))[:40]
        raise Wrong("element-wrong", element=name, value=value) from None


def mail_moment(said: str, zone: ZoneInfo) -> datetime | None:
    """The date of an RSS feed (RFC 5322 section 3.3) in UTC. "-0000" is UTC, and `zone` is that of
    a time written without any: never the machine's. Raises ValueError."""
    found = parsedate_to_datetime(said.strip())
    return moment(found.isoformat(), ZoneInfo("UTC") if said.rstrip().endswith("-0000") else zone)


def epoch(value: object) -> datetime | None:
    """Seconds, or milliseconds, since 1970; None for nothing. Raises ValueError."""
    if value in (None, "", 0):
        return None
    try:
        seconds = float(str(value))
        if seconds > 1e11:
            seconds /= 1000
        found = datetime.fromtimestamp(int(seconds), UTC)
    except OverflowError as error:
        raise ValueError(str(value)) from error
    if not 1900 <= found.year <= 2200:
        raise ValueError(str(value))
    return found
