"""From YAML files to rules. Every problem at once, each with its place.

`config/rules/commune.yaml` is the set of every authority without one of its own;
`config/rules/<authority code>.yaml` replaces it as a whole. docs/rules.md explains each field.
"""

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hub import registry
from hub.rules import variables
from hub.rules.language import Condition, ConditionError, Variables, check_words
from hub.rules.marked import Marked, Problem, read
from hub.rules.marked import Path as Loc
from hub.rules.ruleset import OWN, IntakeRule, ReminderRule, Rule, RuleSet, Send, Sentence, To
from hub.rules.schema import MODELS, NEVER_RAISED, FileText, SendText
from hub.rules.times import hour_of
from hub.vocabulary import Lane

DEFAULT = "commune"
_SUBJECT = {"rules": "publication", "intake": "item", "reminders": "event"}
_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_CODE = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class RulesError(ValueError):
    """Files of rules that cannot be used. The text has one line per problem,
    `file:line:column: message`; `problems` has them by file, in the order of the text."""

    def __init__(self, problems: Mapping[str, Collection[Problem]]) -> None:
        self.problems = {file: tuple(sorted(set(found))) for file, found in problems.items()}
        super().__init__(
            "\n".join(
                f"{file}:{p.line}:{p.column}: {p.message}"
                for file, found in self.problems.items()
                for p in found
            )
        )


Words = Collection[str] | None
"""Words that a file may use; None: any."""


def parse(text: str, file: str, kinds: Words = None, categories: Words = None) -> RuleSet:
    """The rules of one file. `kinds`: the channel kinds there are; `categories`: those of the
    installation. Raises RulesError with every problem of the file."""
    marked = read(text, verbatim=frozenset({"when", "unless"}))
    problems = list(marked.problems)
    data = marked.data
    made: RuleSet | None = None
    if isinstance(data, dict) and data:
        try:
            read_file: FileText | None = FileText.model_validate(data, context=kinds)
        except ValidationError as error:
            read_file = None
            problems += [_told(marked, entry) for entry in error.errors()]
        programs = _conditions(marked, data, categories, problems)
        _check(marked, data, problems)
        if read_file is not None:
            made = _build(marked, read_file, programs, Path(file).stem)
    elif not problems:
        problems.append(Problem(1, 1, "a file of rules begins with rules: or intake:"))
    if problems or made is None:
        raise RulesError({file: problems})
    return made


def load(path: Path, kinds: Words = None, categories: Words = None) -> RuleSet:
    """`parse` of a file. Raises RulesError, also where it cannot be read."""
    try:
        text = path.read_bytes().decode()
    except OSError as error:
        raise RulesError({str(path): [Problem(1, 1, f"cannot be read: {error}")]}) from None
    except UnicodeDecodeError as error:
        raise RulesError({str(path): [Problem(1, 1, f"is not UTF-8: {error}")]}) from None
    return parse(text, str(path), kinds, categories)


_loaded: dict[Path, tuple[tuple[int, int], RuleSet]] = {}


def file_for(config: Path, code: str) -> Path:
    """The file in force for an authority."""
    own = config / "rules" / f"{code}.yaml"
    if _CODE.fullmatch(code) and own.is_file():
        return own
    return config / "rules" / f"{DEFAULT}.yaml"


def for_authority(config: Path, code: str) -> RuleSet:
    """The rules of an authority; read again when its file changes.

    A file that breaks while the hub runs must not silence it: the last good rules stay in force,
    with `problems` saying so. Raises RulesError where there were none yet.
    """
    path = file_for(config, code)
    try:
        stat = path.stat()
        stamp = (stat.st_mtime_ns, stat.st_size)
    except OSError:
        stamp = (0, 0)
    held = _loaded.get(path)
    if held and held[0] == stamp:
        return held[1]
    try:
        rules = load(path, registry.kinds("channels"))
    except RulesError as error:
        if held is None:
            raise
        rules = replace(held[1], problems=tuple(str(error).splitlines()))
    _loaded[path] = (stamp, rules)
    return rules


def check_all(config: Path) -> None:
    """Read every file of rules. Raises RulesError with the problems of all of them.

    Stricter than `for_authority`: a category that config/categories.yaml does not have (or no
    longer has) is a problem here, and no reason to stay silent in the middle of a day.
    """
    problems: dict[str, Collection[Problem]] = {}
    categories = categories_of(config)
    files = {config / "rules" / f"{DEFAULT}.yaml", *(config / "rules").glob("*.yaml")}
    for path in sorted(files):
        try:
            load(path, registry.kinds("channels"), categories)
        except RulesError as error:
            problems |= error.problems
    if problems:
        raise RulesError(problems)


def categories_of(config: Path) -> Words:
    """The categories of a configuration folder; None where it lists none."""
    path = config / "categories.yaml"
    return tuple(read(path.read_text()).data or ()) if path.is_file() else None


def _told(marked: Marked, entry: Any) -> Problem:
    """A pydantic error as a problem with its place."""
    where: Loc = entry["loc"]
    words = tuple(word for word in where if isinstance(word, str))
    kind, message = entry["type"], str(entry["msg"])
    if kind == "extra_forbidden":
        model = MODELS.get(words[:-1], FileText)
        near = get_close_matches(words[-1], list(model.model_fields), n=1)
        hint = f"did you mean '{near[0]}'?" if near else "known: " + ", ".join(model.model_fields)
        return Problem(
            *marked.place(where, key=True), f"there is no field '{words[-1]}' here; {hint}"
        )
    if where and where[-1] == "[key]":
        return Problem(*marked.place(where[:-1], key=True), "a language is fr, en or es")
    if kind == "missing":
        return Problem(*marked.place(where[:-1]), f"'{words[-1]}' is missing")
    if kind == "string_pattern_mismatch":
        message = "small letters, digits and dashes only"
    if kind == "model_type":
        message = "must have fields"
    message = message.removeprefix("Value error, ").replace("Input should be", "must be")
    return Problem(*marked.place(where), f"{words[-1] if words else 'file'}: {message}")


def _conditions(
    marked: Marked, data: dict[str, Any], categories: Words, problems: list[Problem]
) -> dict[Loc, Condition]:
    """Every condition compiled, by path; also where other parts of the file are wrong."""
    made: dict[Loc, Condition] = {}
    groups: tuple[tuple[str, tuple[str, ...], Variables], ...] = (
        ("rules", ("when", "unless"), variables.PLAN),
        ("intake", ("when",), variables.INTAKE),
        ("reminders", ("when",), variables.REMINDERS),
    )
    for section, fields, declared in groups:
        entries = data.get(section)
        for n, entry in enumerate(entries if isinstance(entries, list) else []):
            for name in fields:
                text = entry.get(name) if isinstance(entry, dict) else None
                if not isinstance(text, str):
                    continue
                path: Loc = (section, n, name)
                words = {f"{_SUBJECT[section]}.category": tuple(categories or ())}
                try:
                    check_words(text, words)
                    made[path] = Condition.compile(text, declared)
                except ConditionError as error:
                    problems += [
                        Problem(*marked.place_within(path, t.offset), f"{name}: {t.message}")
                        for t in error.troubles
                    ]
    return made


def _check(marked: Marked, data: dict[str, Any], problems: list[Problem]) -> None:
    """What no single field can tell; also where other parts of the file are wrong."""
    for section in ("rules", "intake", "reminders"):
        entries = data.get(section)
        seen: dict[str, int] = {}
        for n, entry in enumerate(entries if isinstance(entries, list) else []):
            name = entry.get("name") if isinstance(entry, dict) else None
            if not isinstance(name, str):
                continue
            if name in seen:
                message = f"the name '{name}' is taken on line {seen[name]}"
                problems.append(Problem(*marked.place((section, n, "name")), message))
            seen.setdefault(name, marked.place((section, n))[0])
            if section == "rules":
                last = n == len(entries or ()) - 1
                problems += [
                    Problem(*marked.place(("rules", n, *path)), message)
                    for path, message in _at_odds(entry, last)
                ]


def _at_odds(rule: dict[str, Any], last: bool) -> Iterator[tuple[Loc, str]]:
    """Fields of a rule that make no sense together, and where."""
    if not any(rule.get(field) for field in ("send", "hold", "stop", "lane")):
        yield (), "this rule does nothing: give it send, hold, stop or lane"
    always = rule.get("when") is None and rule.get("unless") is None
    if rule.get("stop") is True and always and not last:
        yield ("stop",), "stops always: no rule after it would ever be asked"
    if rule.get("lane") == "normal" and _bulk_only(str(rule.get("when") or "")):
        yield ("lane",), NEVER_RAISED


def _bulk_only(when: str) -> bool:
    """Whether a condition can only hold in the bulk lane, as far as its text shows."""
    return "||" not in when and bool(re.search(r"publication\.lane\s*==\s*['\"]bulk['\"]", when))


def _build(marked: Marked, file: FileText, programs: dict[Loc, Condition], name: str) -> RuleSet:
    return RuleSet(
        name=name,
        rules=tuple(
            Rule(
                name=rule.name,
                title=_sentence(rule.title),
                when=programs.get(("rules", n, "when")),
                unless=programs.get(("rules", n, "unless")),
                send=tuple(_send(send) for send in rule.send),
                hold=_sentence(rule.hold) if rule.hold else None,
                stop=rule.stop,
                lane=Lane(rule.lane) if rule.lane else None,
                line=marked.place(("rules", n))[0],
            )
            for n, rule in enumerate(file.rules)
        ),
        intake=tuple(
            IntakeRule(
                name=rule.name,
                when=programs.get(("intake", n, "when")),
                then=rule.then,
                reason=_sentence(rule.reason),
                line=marked.place(("intake", n))[0],
            )
            for n, rule in enumerate(file.intake)
        ),
        reminders=tuple(
            ReminderRule(
                name=rule.name,
                title=_sentence(rule.title),
                when=programs.get(("reminders", n, "when")),
                on=frozenset(range(1, 8) if rule.every == "day" else {_DAYS.index(rule.every) + 1}),
                at=hour_of(rule.at),
                days=rule.days,
                line=marked.place(("reminders", n))[0],
            )
            for n, rule in enumerate(file.reminders)
        ),
    )


def _sentence(written: Mapping[Any, str]) -> Sentence:
    return {str(language): text for language, text in written.items()}


def _send(send: SendText) -> Send:
    audience = send.audience
    stations = frozenset(audience.stations or ({} if audience.everyone else {OWN}))
    return Send(
        to=To(
            kinds=frozenset(send.to.kind or ()),
            tags=frozenset(send.to.tag or ()),
            stations=frozenset(send.to.station or ()),
            outlets=frozenset(send.to.outlet or ()),
            within_m=send.to.within_m,
        ),
        stations=stations,
        everyone=audience.everyone,
        wishes=audience.wishes,
        near_m=audience.within_m,
        at=None if send.at == "now" else hour_of(send.at),
        corrections=send.corrections,
        on_uncertain=send.on_uncertain,
    )
