"""Conditions: CEL behind a small interface, typed when loaded, bounded when asked.

Fields are declared one by one under their dotted name, so that `publication.sevrity` and
`publication.severity > 3` are errors with a line and a column when a file is loaded, not a silent
"no" in the night. CEL's evaluator answers an error as a value; only `True` itself counts here.

Cost. The evaluator stops long loops by itself (a budget of iterations) and refuses nesting over 32,
but not growth: `['x'].map(a, a + a)` twenty-two times in a row took 2.3 s and 1 GB. So `map` and a
loop inside a loop are refused when loaded, and texts are cut; what is left cannot grow.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

from cel_expr_python import cel

LONGEST_CONDITION = 2_000
LONGEST_TEXT = 20_000
LONGEST_LIST = 200

_TYPES: Mapping[str, Any] = {
    "text": cel.Type.STRING,
    "number": cel.Type.INT,
    "yes/no": cel.Type.BOOL,
    "moment": cel.Type.TIMESTAMP,
    "texts": cel.Type.List(cel.Type.STRING),
}
_WORDS = {
    "string": "text",
    "int": "a number",
    "double": "a number",
    "bool": "yes/no",
    "timestamp": "a moment",
    "duration": "a duration",
    "list(string)": "a list of texts",
}
_LOOPS = {"map", "filter", "all", "exists", "exists_one"}
_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*)
  | (?P<string>[rR][bB]?(?:'[^'\n]*'|"[^"\n]*")
      |[bB]?(?:'{3}(?:\\.|[^\\])*?'{3}|"{3}(?:\\.|[^\\])*?"{3}
      |'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*"))
  | (?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)
  | (?P<op>==|!=|<=|>=|&&|\|\||.)
    """,
    re.VERBOSE | re.DOTALL,
)
_ERROR = re.compile(r"ERROR: <input>:(\d+):(\d+): (.*?)(?=\n \||\nERROR|\Z)", re.DOTALL)


class Trouble(NamedTuple):
    """One problem of a condition; `offset` counts characters from the start of its text."""

    message: str
    offset: int


class ConditionError(ValueError):
    """A condition that cannot be used; `troubles` has every problem found."""

    def __init__(self, troubles: tuple[Trouble, ...]) -> None:
        super().__init__("; ".join(trouble.message for trouble in troubles))
        self.troubles = troubles


@dataclass(frozen=True, slots=True)
class Variable:
    """A field that conditions may look at. `type`: text, number, yes/no, moment, texts.
    `values`: all it can be, where it is an enumeration; literals beside it are checked."""

    type: str
    doc: str
    values: tuple[str, ...] = ()


class Bound(NamedTuple):
    """Values bound to variables, ready for any number of conditions."""

    activation: Any


class Variables:
    """A declared set of variables. Compare by identity; make one per process and keep it."""

    def __init__(self, declared: Mapping[str, Variable]) -> None:
        self.declared = dict(declared)

    @cached_property
    def env(self) -> Any:
        return cel.NewEnv(variables={name: _TYPES[v.type] for name, v in self.declared.items()})

    def bind(self, values: Mapping[str, Any]) -> Bound:
        """Bind flat `values` ("publication.severity": ...). What is missing or None gets the empty
        value of its type (a moment: 1970), so that no condition fails for want of a field."""
        return Bound(
            self.env.Activation(
                {name: _value(v.type, values.get(name)) for name, v in self.declared.items()}
            )
        )


class Answer(NamedTuple):
    """`holds` is True only where the condition is exactly true; `error` says what went wrong."""

    holds: bool
    error: str = ""


@dataclass(frozen=True, slots=True)
class Condition:
    text: str
    variables: Variables
    program: Any

    @staticmethod
    def compile(text: str, variables: Variables) -> "Condition":
        """The condition, compiled once a process. Raises ConditionError."""
        return _compile(text, variables)

    def ask(self, bound: Bound) -> Answer:
        try:
            value = self.program.eval(bound.activation).value()
        except RuntimeError as error:  # the budget of iterations is raised, the rest is returned
            return Answer(False, _plain(str(error)))
        if value is True or value is False:
            return Answer(value)
        return Answer(False, _plain(str(value)))

    def holds(self, bound: Bound) -> bool:
        return self.ask(bound).holds


@lru_cache(maxsize=4096)
def _compile(text: str, variables: Variables) -> Condition:
    if len(text) > LONGEST_CONDITION:
        raise ConditionError((Trouble(f"longer than {LONGEST_CONDITION} characters", 0),))
    if _sound(text) != text:
        raise ConditionError((Trouble("holds a character that is none (a lone surrogate)", 0),))
    if not text.strip():
        raise ConditionError((Trouble("empty", 0),))
    troubles = tuple(_lint(text, variables.declared))
    if troubles:
        raise ConditionError(troubles)
    try:
        program = variables.env.compile(text)
    except RuntimeError as error:
        raise ConditionError(tuple(_read(str(error), text, variables.declared))) from None
    kind = program.return_type()
    if kind != cel.Type.BOOL:
        word = _WORDS.get(str(kind).lower(), str(kind).lower())
        raise ConditionError((Trouble(f"this is {word}, not a yes or no", 0),))
    return Condition(text, variables, program)


def _sound(text: str) -> str:
    """Without lone surrogates, which JSON lets through and the evaluator refuses."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _value(kind: str, value: Any) -> Any:
    if kind == "text":
        return "" if value is None else _sound(str(value)[:LONGEST_TEXT])
    if kind == "number":
        return int(value or 0)
    if kind == "yes/no":
        return value is True
    if kind == "texts":
        return [_sound(str(v)[:LONGEST_TEXT]) for v in list(value or ())[:LONGEST_LIST]]
    if value is None:
        return datetime(1970, 1, 1, tzinfo=UTC)
    if not isinstance(value, datetime) or value.tzinfo is None:
        raise TypeError(f"a moment must be an aware datetime, not {value!r}")
    return value.astimezone(UTC)


class _Token(NamedTuple):
    kind: str
    text: str
    offset: int


def _tokens(text: str) -> list[_Token]:
    found = []
    for match in _TOKEN.finditer(text):
        if match.lastgroup != "space":
            word = match.group()
            if match.lastgroup == "name":
                word = re.sub(r"\s+", "", word)
            found.append(_Token(str(match.lastgroup), word, match.start()))
    return found


def _lint(text: str, declared: Mapping[str, Variable]) -> Iterator[Trouble]:
    """What the type checker lets pass: growth, loops in loops, and misspelt literals."""
    tokens = [*_tokens(text), _Token("end", "", len(text))]
    inside: list[bool] = []
    for before, token in zip([tokens[-1], *tokens], tokens, strict=False):
        if token.kind != "op":
            continue
        if token.text == "(":
            called = before.text.rpartition(".")[2] if before.kind == "name" else ""
            if called == "has":
                yield Trouble("has() is not needed: every field has a value", before.offset)
            elif called in ("map", "dyn"):
                yield Trouble(f"{called}() may not be used in a condition", before.offset)
            elif called in _LOOPS and any(inside):
                yield Trouble(f"{called}() inside another loop may not be used", before.offset)
            inside.append(called in _LOOPS)
        elif token.text == ")" and inside:
            inside.pop()
    yield from _words(tokens, {name: v.values for name, v in declared.items() if v.values})


def check_words(text: str, allowed: Mapping[str, tuple[str, ...]]) -> None:
    """Hold literals beside variables against words known elsewhere (the categories of an
    installation). Raises ConditionError."""
    tokens = [*_tokens(text), _Token("end", "", len(text))]
    troubles = tuple(_words(tokens, {name: words for name, words in allowed.items() if words}))
    if troubles:
        raise ConditionError(troubles)


def _words(tokens: list[_Token], allowed: Mapping[str, tuple[str, ...]]) -> Iterator[Trouble]:
    for position, token in enumerate(tokens):
        if token.kind == "name" and token.text in allowed:
            yield from _literals(tokens, position, allowed[token.text])


def _literals(tokens: list[_Token], position: int, allowed: tuple[str, ...]) -> Iterator[Trouble]:
    name, operator = tokens[position], tokens[position + 1].text
    beside: list[_Token] = []
    if operator in ("<", "<=", ">", ">="):
        hint = f"; use {name.text}_rank" if name.text.endswith(".severity") else ""
        yield Trouble(f"{name.text} is a word without an order{hint}", tokens[position + 1].offset)
    elif operator in ("==", "!="):
        beside = tokens[position + 2 : position + 3]
    elif operator == "in" and tokens[position + 2].text == "[":
        for token in tokens[position + 3 :]:
            if token.text == "]":
                break
            beside.append(token)
    if position >= 2 and tokens[position - 1].text in ("==", "!="):
        beside.append(tokens[position - 2])
    for token in beside:
        word = token.text[1:-1]
        if token.kind == "string" and "\\" not in word and word not in allowed:
            hint = _meant(word, allowed) or "; it is one of " + ", ".join(allowed)
            yield Trouble(f"{name.text} is never '{word}'{hint}", token.offset)


def _read(error: str, text: str, declared: Mapping[str, Variable]) -> Iterator[Trouble]:
    """The compiler's report as troubles. Its columns count characters from 1."""
    lines = text.split("\n")
    found = False
    for line, column, message in _ERROR.findall(error):
        found = True
        before = sum(len(one) + 1 for one in lines[: int(line) - 1])
        yield Trouble(_friendly(message, declared), before + int(column) - 1)
    if not found:
        deep = "nested too deeply (at most 32 levels)"
        yield Trouble(deep if "recursion limit" in error else _plain(error), 0)


def _friendly(message: str, declared: Mapping[str, Variable]) -> str:
    message = message.removesuffix(" [INVALID_ARGUMENT]").strip()
    if match := re.match(r"undeclared reference to '([^']*)'", message):
        name = match.group(1)
        if any(known.startswith(f"{name}.") for known in declared):
            return f"'{name}' is a group of fields: write {name}. and the field's name"
        return f"there is no '{name}'{_meant(name, declared)}"
    if match := re.match(r"found no matching overload for '(.*?)' applied to '\((.*)\)'", message):
        operator = match.group(1).strip("_").replace("_", " ")
        kinds = [_WORDS.get(kind, kind) for kind in re.split(r", (?![^(]*\))", match.group(2))]
        return f"'{operator}' does not go with {' and '.join(kinds)}"
    message = message.replace("'<EOF>'", "the end")
    return message.partition(" expecting ")[0]


def _meant(word: str, known: Mapping[str, Variable] | tuple[str, ...]) -> str:
    near = get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{near[0]}'?" if near else ""


def _plain(error: str) -> str:
    return re.sub(r"^[A-Z_]+: ", "", error).partition(" [")[0].strip()[:200]
