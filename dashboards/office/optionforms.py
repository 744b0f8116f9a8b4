"""A form for any kind's Options, read from its JSON schema: kinds of other packages get one too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from dashboards.base import labels
from dashboards.office import forms


@dataclass(frozen=True, slots=True)
class Field:
    """`shape`: text, number, yes, list (between commas; blanks within an entry are kept), choice
    or secret. `value` as it is typed."""

    name: str
    label: str
    shape: str
    value: str
    hint: str = ""
    choices: tuple[str, ...] = ()

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return [(choice, choice) for choice in self.choices]


def fields(model: type[Any], known: Mapping[str, Any], said: str = "fr") -> list[Field]:
    """The fields of a pydantic model, filled with what is known; secrets stay empty."""
    schema = model.model_json_schema()
    made = []
    for name, given in schema.get("properties", {}).items():
        one = _resolved(given, schema)
        shape = _shape(one)
        value = known.get(name, one.get("default"))
        made.append(
            Field(
                name=name,
                label=labels.word(said, "option", name).replace("_", " "),
                shape=shape,
                value="" if shape == "secret" else _typed(value, shape),
                hint="" if name in labels.WORDS["option"] else str(given.get("description") or ""),
                choices=tuple(str(c) for c in one.get("enum", ())),
            )
        )
    return made


def read(model: type[Any], given: Mapping[str, str]) -> dict[str, Any]:
    """Options as JSON values from `options.NAME` of a form; what is left empty is left out."""
    options: dict[str, Any] = {}
    for field in fields(model, {}):
        text = given.get(f"options.{field.name}", "").strip()
        if field.shape == "yes":
            options[field.name] = bool(text)
        elif not text:
            continue
        elif field.shape == "list":
            options[field.name] = forms.split_entries(text)
        elif field.shape == "number":
            options[field.name] = _number(text)
        else:
            options[field.name] = text
    return options


def _resolved(given: Mapping[str, Any], schema: Mapping[str, Any]) -> Mapping[str, Any]:
    """Through $ref and "or nothing" to the part that says what it is."""
    if "$ref" in given:
        return {**schema["$defs"][given["$ref"].rsplit("/", 1)[1]], **given}
    for option in given.get("anyOf", ()):
        if option.get("type") != "null":
            return {**_resolved(option, schema), "default": given.get("default")}
    return given


def _shape(one: Mapping[str, Any]) -> str:
    if one.get("format") == "password" or one.get("writeOnly"):
        return "secret"
    if one.get("enum"):
        return "choice"
    return {"boolean": "yes", "integer": "number", "number": "number", "array": "list"}.get(
        str(one.get("type")), "text"
    )


def _typed(value: Any, shape: str) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value  # as it was typed and refused
    if shape == "list":
        return ", ".join(map(str, value))
    return ("yes" if value else "") if shape == "yes" else str(value)


def _number(text: str) -> Any:
    plain = text.replace(",", ".")
    try:
        return int(plain) if plain.lstrip("-").isdigit() else float(plain)
    except ValueError:
        return text  # the kind says what is wrong with it
