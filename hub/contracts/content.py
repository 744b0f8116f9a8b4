"""What is said (Notice) and how it would look (Rendering, Refusal)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeAlias

from hub.vocabulary import (
    Certainty,
    EndedAs,
    Intent,
    Lane,
    MsgType,
    ResponseType,
    Scope,
    Severity,
    Status,
    Urgency,
)

Json: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Text:
    """The words of a notice in one language. `short` is an optional wording for small faces
    (panels, SMS); where it is empty a face shortens the headline itself."""

    headline: str
    description: str = ""
    instruction: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Image:
    """A picture of a notice. `alt` maps language to alternative text; `url` is absolute, public."""

    url: str
    media_type: str
    alt: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Notice:
    """One revision of a publication, all an adapter may know of it. Times are aware UTC.

    `area` is a GeoJSON geometry (RFC 7946) or None; `area_desc` its name as people say it.
    `texts` maps a BCP 47 language to words and is never empty; use `text_in`.
    `references` are CAP references, each "sender,identifier,sent" (CAP 1.2 section 3.2.1).
    For a withdrawal the texts are those of the last revision; `ended_as` says how it ended and is
    None when the publication lives on but no longer concerns this outlet.
    """

    publication: str
    revision: int
    intent: Intent
    msg_type: MsgType
    status: Status
    scope: Scope
    sender: str
    authority: str
    authority_name: str
    station: str
    station_name: str
    timezone: str
    category: str
    cap_category: str
    category_labels: Mapping[str, str]
    event: str
    response_type: ResponseType
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    sent: datetime
    first_sent: datetime
    effective: datetime
    expires: datetime
    texts: Mapping[str, Text]
    url: str
    onset: datetime | None = None
    ended_as: EndedAs | None = None
    area: Json | None = None
    area_desc: str = ""
    references: tuple[str, ...] = ()
    images: tuple[Image, ...] = ()
    lane: Lane = Lane.NORMAL

    @property
    def identifier(self) -> str:
        """The CAP identifier: one per revision (CAP 1.2 section 3.2.1)."""
        return f"{self.publication}.{self.revision}"

    def text_in(self, locale: str) -> Text:
        """The words in `locale`, else in its base language, else in the first language given."""
        if locale in self.texts:
            return self.texts[locale]
        base = locale.partition("-")[0]
        return self.texts.get(base) or next(iter(self.texts.values()))


@dataclass(frozen=True, slots=True)
class Rendering:
    """What an outlet would say. `text` is readable as it is (lines of a panel, an SMS, a post);
    `facts` are the kind's own numbers and notes for the office, JSON-ready (segments, price, pages,
    folded letters); `warnings` are sentences a person should read before publishing."""

    text: str
    facts: Json = field(default_factory=dict)
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an outlet cannot say it: `field` names the input field, `reason` is a sentence,
    `what_would_fit` says what to change."""

    field: str
    reason: str
    what_would_fit: str = ""
