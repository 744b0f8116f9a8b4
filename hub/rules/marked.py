"""YAML with a place for every value, so that a problem names its line and column.

Safe and small on purpose: plain values only, no anchors (a file of 300 bytes can stand for
gigabytes), no tags, no key twice (YAML's own loader keeps the last in silence), no sexagesimal
numbers (18:00 is an hour here, not 1080) and no `no` that means false.
"""

import re
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

BIGGEST_FILE = 256 * 1024
_DEEPEST = 10
_TAGS = frozenset(
    f"tag:yaml.org,2002:{name}"
    for name in ("str", "int", "float", "bool", "null", "timestamp", "value", "map", "seq")
)

Path = tuple[str | int, ...]


class Problem(NamedTuple):
    """`line` and `column` count from 1."""

    line: int
    column: int
    message: str


@dataclass(slots=True)
class Marked:
    """Plain data, the node each value came from and the node of each key, by path."""

    data: Any = None
    values: dict[Path, yaml.Node] = field(default_factory=dict)
    keys: dict[Path, yaml.Node] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def place(self, path: Path, *, key: bool = False) -> tuple[int, int]:
        """Line and column of the value at `path` (of its key), else of the nearest parent."""
        while path:
            node = self.keys.get(path) if key else self.values.get(path)
            node = node or self.values.get(path)
            if node is not None:
                return node.start_mark.line + 1, node.start_mark.column + 1
            path = path[:-1]
        return 1, 1

    def place_within(self, path: Path, offset: int) -> tuple[int, int]:
        """Line and column of the character at `offset` of the text at `path`.

        The text as written and as read differ in white space only (folding, indentation), quotes
        aside: the same count of other characters leads to the same place.
        """
        node = self.values.get(path)
        if not isinstance(node, yaml.ScalarNode):
            return self.place(path)
        raw = (node.start_mark.buffer or "")[node.start_mark.index : node.end_mark.index]
        skip = 0
        if node.style in ("|", ">"):
            skip = raw.find("\n") + 1
        elif node.style in ("'", '"'):
            skip = 1
            if (node.style == '"' and "\\" in raw) or (node.style == "'" and "''" in raw[1:-1]):
                return self.place(path)
        dense = sum(1 for letter in node.value[:offset] if not letter.isspace())
        at, last = skip, skip
        while at < len(raw):
            if not raw[at].isspace():
                if dense == 0:
                    break
                dense -= 1
                last = at + 1
            at += 1
        else:
            at = last  # past the end: just after the last letter
        before = raw[:at]
        line = node.start_mark.line + before.count("\n")
        if "\n" in before:
            return line + 1, at - before.rfind("\n")
        return line + 1, node.start_mark.column + at + 1


class _Loader(yaml.SafeLoader):
    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            event = self.peek_event()  # type: ignore[no-untyped-call]
            raise yaml.MarkedYAMLError(
                problem="anchors and aliases are not used here", problem_mark=event.start_mark
            )
        return super().compose_node(parent, index)


def read(text: str, verbatim: frozenset[str] = frozenset()) -> Marked:
    """`text` as data with places. Values of the keys in `verbatim` stay text whatever they look
    like. Never raises: what is wrong is in `problems`."""
    marked = Marked()
    if len(text) > BIGGEST_FILE:
        marked.problems.append(Problem(1, 1, f"longer than {BIGGEST_FILE // 1024} KiB"))
        return marked
    try:
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        said = str(error.problem or error)
        if "mapping values are not allowed" in said:
            said = "a colon here: put the text in quotes, or under | on its own lines"
        marked.problems.append(Problem(*where, said))
    except yaml.YAMLError as error:
        place = getattr(error, "position", 0)
        before = text[: place if isinstance(place, int) else 0]
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        marked.problems.append(Problem(line, column, str(getattr(error, "reason", None) or error)))
    except RecursionError:
        marked.problems.append(Problem(1, 1, "nested too deeply"))
    else:
        if node is not None:
            marked.data = _plain(node, (), marked, verbatim)
    return marked


def _plain(node: yaml.Node, path: Path, marked: Marked, verbatim: frozenset[str]) -> Any:
    marked.values[path] = node
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if len(path) > _DEEPEST:
        marked.problems.append(Problem(line, column, "nested too deeply"))
        return None
    if node.tag not in _TAGS:
        marked.problems.append(Problem(line, column, f"tags such as {node.tag} are not used here"))
        return None
    if isinstance(node, yaml.SequenceNode):
        return [_plain(one, (*path, n), marked, verbatim) for n, one in enumerate(node.value)]
    if isinstance(node, yaml.MappingNode):
        return _mapping(node, path, marked, verbatim)
    raw = bool(path) and path[-1] in verbatim
    written = isinstance(node, yaml.ScalarNode) and node.style is not None  # quoted, or a block
    return node.value if raw or written else _scalar(node.value)


def _mapping(
    node: yaml.MappingNode, path: Path, marked: Marked, verbatim: frozenset[str]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in node.value:
        line, column = key.start_mark.line + 1, key.start_mark.column + 1
        if not isinstance(key, yaml.ScalarNode) or not key.value:
            marked.problems.append(Problem(line, column, "a key must be a word"))
            continue
        if key.value in made:
            first = marked.keys[(*path, key.value)].start_mark.line + 1
            said = f"'{key.value}' is already given on line {first}"
            marked.problems.append(Problem(line, column, said))
            continue
        marked.keys[(*path, key.value)] = key
        made[key.value] = _plain(value, (*path, key.value), marked, verbatim)
    return made


def _scalar(value: str) -> Any:
    if value in ("true", "false"):
        return value == "true"
    if value in ("", "~"):
        return None
    if re.fullmatch(r"-?\d{1,15}", value):
        return int(value)
    if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", value):
        return float(value)
    return value
