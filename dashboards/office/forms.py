"""From what a person typed to Content, and from what is wrong with it to sentences by its field."""

import json
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from pydantic import ValidationError

from dashboards.base import i18n, labels, pages
from dashboards.base.drawing import circle
from dashboards.base.i18n import N_
from hub.api.problems import Problem, from_validation
from hub.models import Authority
from hub.schemas import Content
from hub.vocabulary import Certainty, ResponseType, Severity, Status, Urgency

WORDS: Final = ("headline", "description", "instruction", "short")
_CHOICES: Final = ("category", "severity", "urgency", "certainty", "response_type", "status")

# What pydantic says by its type (pydantic.dev, "Validation errors"), in words of ours.
_SAYS: Final[Mapping[str, str]] = {
    "missing": N_("This is needed."),
    "string_too_short": N_("This is needed."),
    "too_short": N_("This is needed."),
    "string_too_long": N_("At most %(max_length)s letters."),
    "enum": N_("Choose one of the list."),
    "datetime_from_date_parsing": N_("Write a day and an hour."),
    "datetime_parsing": N_("Write a day and an hour."),
    "float_parsing": N_("Write a number."),
    "int_parsing": N_("Write a number."),
    "greater_than_equal": N_("At least %(ge)s."),
    "less_than_equal": N_("At most %(le)s."),
    "string_pattern_mismatch": N_("Use small letters, digits and dashes only."),
    "bool_parsing": N_("Choose yes or no."),
}

Errors = dict[str, str]


@dataclass(slots=True)
class Form:
    """What is in the form: `values` as typed (times local), `errors` by field, `content` when it
    can be taken. Texts are `texts.fr.headline` and so on."""

    values: dict[str, str]
    errors: Errors = field(default_factory=dict)
    content: Content | None = None

    def listed(self, language: str) -> list[tuple[str, str, str]]:
        return listed(self.errors, language)


def read(given: Mapping[str, Any], authority: Authority, language: str) -> Form:
    """A form as it was sent."""
    form = Form({k: str(v).strip() for k, v in given.items() if isinstance(v, str)})
    values = form.values
    body: dict[str, Any] = {name: values[name] for name in _CHOICES if values.get(name)}
    body["area_desc"] = values.get("area_desc", "")
    texts: dict[str, dict[str, str]] = {}
    for spoken in languages_of(authority, values):
        words = {name: values.get(f"texts.{spoken}.{name}", "") for name in WORDS}
        if any(words.values()):
            texts[spoken] = words
    body["texts"] = texts or {authority.languages[0]: dict.fromkeys(WORDS, "")}
    for name in ("onset", "expires"):
        if values.get(name):
            moment = moment_of(values[name], authority.timezone)
            if moment is None:
                form.errors[name] = i18n.gettext(language, N_("Write a day and an hour."))
            else:
                body[name] = moment
    _read_area(form, body, language)
    try:
        content = Content.model_validate(body)
    except ValidationError as error:
        form.errors = {**errors_of(error, language), **form.errors}
    else:
        form.content = None if form.errors else content
    return form


def of_content(content: Mapping[str, Any], station: str, zone: str) -> Form:
    """A form filled with a stored draft or revision."""
    values = {name: str(content.get(name) or "") for name in (*_CHOICES, "area_desc")}
    values["station"] = station
    for spoken, words in content["texts"].items():
        for name in WORDS:
            values[f"texts.{spoken}.{name}"] = words.get(name, "")
    for name in ("onset", "expires"):
        if content.get(name):
            at = datetime.fromisoformat(str(content[name]))
            values[name] = pages.local_input(at, zone)
    if content.get("area"):
        values["area"] = json.dumps(content["area"])
    return Form(values)


def empty(authority: Authority, station: str, exercise: bool) -> Form:
    return Form(
        {
            "station": station,
            "category": "other",
            "severity": Severity.MINOR,
            "urgency": Urgency.EXPECTED,
            "certainty": Certainty.OBSERVED,
            "response_type": ResponseType.NONE,
            "status": Status.EXERCISE if exercise else Status.ACTUAL,
        }
    )


def languages_of(authority: Authority, values: Mapping[str, str]) -> list[str]:
    """Languages of the tabs: the authority's, ours, and any other the text already has."""
    written = [name.split(".")[1] for name in values if name.startswith("texts.")]
    return list(dict.fromkeys([*authority.languages, *i18n.LANGUAGES, *written]))


def moment_of(text: str, zone: str) -> datetime | None:
    """The UTC moment of an input of type datetime-local, or None."""
    try:
        return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    except (ValueError, OverflowError):  # a year half typed: 0001 lies before the calendar in UTC
        return None


def _read_area(form: Form, body: dict[str, Any], language: str) -> None:
    """A drawn geometry, or a circle given in numbers: the way without a map."""
    numbers = [form.values.get(f"area_{n}", "") for n in ("latitude", "longitude", "radius")]
    if any(numbers):
        try:
            latitude, longitude, radius = (float(n.replace(",", ".")) for n in numbers)
        except ValueError:
            latitude = longitude = radius = math.nan
        if abs(latitude) <= 85 and abs(longitude) <= 180 and 0 < radius <= 100_000:
            body["area"] = circle(longitude, latitude, radius)
            form.values["area"] = json.dumps(body["area"])
        else:
            form.errors["area"] = i18n.gettext(
                language,
                N_("Give latitude and longitude in degrees, and a radius of 1 to 100000 metres."),
            )
    elif form.values.get("area"):
        try:
            body["area"] = json.loads(form.values["area"])
        except ValueError:
            form.errors["area"] = i18n.gettext(language, N_("The drawn area cannot be read."))


def errors_of(error: ValidationError, language: str) -> Errors:
    """field → sentence in `language`."""
    found: Errors = {}
    raw = error.errors()
    for row, told in zip(raw, from_validation(raw), strict=True):
        pattern = _SAYS.get(row["type"])
        if pattern:
            reason = i18n.gettext(language, pattern, **{**row.get("ctx", {})})
        else:
            cause = row.get("ctx", {}).get("error")
            own_words = getattr(cause, "says", None)
            reason = own_words(language) if own_words else labels.says(language, told["reason"])
        found.setdefault(told["field"], reason)
    return found


def errors_of_problem(problem: Problem, language: str) -> Errors:
    """The fields of a problem document, or its title for the whole form."""
    rows = {row["field"]: labels.says(language, row["reason"]) for row in problem.errors}
    return rows or {"form": labels.says(language, problem.detail or problem.title)}


def listed(errors: Errors, language: str) -> list[tuple[str, str, str]]:
    """(id of the field, its label, what is wrong) for the summary at the top."""
    return [(name.replace(".", "-"), _label(name, language), why) for name, why in errors.items()]


def _label(name: str, language: str) -> str:
    parts = name.split(".")
    label = labels.word(language, "field", parts[-1] if parts[0] == "texts" else parts[0])
    if parts[0] == "options" and len(parts) > 1:
        return f"{label}, {labels.word(language, 'option', parts[1])}"
    return f"{label} ({parts[1]})" if parts[0] == "texts" and len(parts) > 2 else label


def split_words(text: str) -> list[str]:
    """Words between commas, spaces or lines."""
    return [word for word in text.replace(",", " ").split() if word]


def split_entries(text: str) -> list[str]:
    """What stands between commas or lines, blanks within it kept."""
    return list(lines(text.replace(",", "\n")))


def lines(text: str) -> Iterable[str]:
    return (line.strip() for line in text.splitlines() if line.strip())
