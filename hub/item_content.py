"""An item of a source as the content of a publication: bounded, classed, never without an end."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Final

from pydantic import ValidationError

from hub import categories
from hub.contracts import Item, Text
from hub.item_wording import worded
from hub.models import Authority, Source
from hub.schemas import Content
from hub.vocabulary import LEVEL_SEVERITY, SEVERITY_ORDER, Severity
from hub.whereabouts import Where

# An entry that states a moment and no length counts as an hour.
_MOMENT: Final = timedelta(hours=1)
_LONGEST: Final = {"headline": 160, "description": 8000, "instruction": 2000, "short": 120}


def category_of(item: Item, source: Source) -> str:
    """The source's own category when one is set, else the item's where we know it."""
    if source.category:
        return source.category
    return item.category if item.category in categories.everything() else "other"


def severity_of(item: Item) -> Severity:
    """The item's own, or what its colour weighs here: MeteoAlarm calls yellow Moderate, which would
    ring on every phone. Red keeps an Extreme."""
    weighs = LEVEL_SEVERITY.get(item.level)
    if weighs is None:
        return item.severity
    if item.level == "red":
        return max(weighs, item.severity, key=SEVERITY_ORDER.__getitem__)
    return weighs


def ends(item: Item) -> datetime | None:
    """When the item is over; None when the source does not say."""
    if item.expires is None:
        return None
    if item.onset and item.expires <= item.onset:
        return item.onset + _MOMENT
    return item.expires


def content_of(
    item: Item, source: Source, authority: Authority | None = None, where: Where | None = None
) -> Content:
    """The content of the item, with the words of the templates where an authority is given, drawn
    with the area of `where`. An area that is no sound geometry is left out, its name stays.

    Raises pydantic.ValidationError for what cannot be said at all.
    """
    over = ends(item)
    effective = item.effective
    if effective and over and effective >= over:
        effective = None
    area = where.area if where else item.area
    texts = item.texts
    if authority is not None:
        texts = worded(item, category_of(item, source), source.name, authority)
    given: dict[str, Any] = {
        "category": category_of(item, source),
        "event": _clip(item.event, 100),
        "status": item.status,
        "response_type": item.response_type,
        "severity": severity_of(item),
        "urgency": item.urgency,
        "certainty": item.certainty,
        "effective": effective,
        "onset": item.onset,
        "expires": over,
        "texts": _texts(texts, item.link),
        "area": dict(area) if area else None,
        "area_desc": _clip(item.area_desc or item.place, 200),
    }
    try:
        return Content.model_validate(given)
    except ValidationError as error:
        if not any(e["loc"][:1] == ("area",) for e in error.errors()):
            raise
        return Content.model_validate(given | {"area": None})


def _texts(texts: Mapping[str, Text], link: str) -> dict[str, dict[str, str]]:
    """Words by language. A feed says fr-FR or fr-CA, a reader asks for fr: the first of a language
    gets its plain name."""
    made: dict[str, dict[str, str]] = {}
    for named, text in list(texts.items())[:10]:
        base = named.partition("-")[0].lower()
        language = named if base in made else base
        words = {name: _clip(getattr(text, name), longest) for name, longest in _LONGEST.items()}
        if link and link not in words["description"]:
            room = _LONGEST["description"] - len(link) - 2
            words["description"] = f"{_clip(words['description'], room)}\n\n{link}".strip()
        made[language] = words
    return made


def _clip(text: str, longest: int) -> str:
    """At most `longest` characters, ended between words."""
    if len(text) <= longest:
        return text
    kept = text[:longest].rpartition(" ")[0] or text[: longest - 1]
    return kept.rstrip(" ,;:.") + "…"
