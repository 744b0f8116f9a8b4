"""Whatever is handed in: a clear error of the right kind, or a usable answer."""

from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from hub import geo
from hub.rules import variables
from hub.rules.language import Condition, ConditionError
from hub.rules.loading import RulesError
from tests.hub.rules.rulefacts import facts, rules

PIECES = (
    "publication.severity", "publication.headline", "publication.languages", "hour", "now",
    "'Severe'", "'", '"', "3", "==", "in", "[", "]", "(", ")", "&&", "||", "!", "<", "+", "/", "?",
    ":", ".", ",", "exists", "map", "matches", "duration", "'1h'", "\n", "//", "é", "😀", "\\",
    "true", "r'", "\x00", "\ud800",
)  # fmt: skip
YAML_PIECES = (
    "rules:", "intake:", "\n", "\n  ", "\n    ", "- ", "name: a", "title: b", "when: ", "send: ",
    "to: ", "{", "}", "[", "]", "kind: panel", "|", ">-", "'", '"', "#", "&a", "*a", "!!int", "? ",
    ": ", "stop: true", "hour > 3", "at: 18:00", "\t", "\x07", "<<: ", "---\n", "%", "é", "0x1f",
    "reason: x", "then: draft", "lane: bulk",
)  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map(" ".join))
@example("publication.severity ==")
@example("publication.severity in [")
@example("== publication.severity")
def test_any_text_is_a_condition_or_a_condition_error(text: str) -> None:
    bound = variables.bind_facts(facts())
    try:
        answer = Condition.compile(text, variables.PLAN).ask(bound)
    except ConditionError as error:
        troubles = error.troubles
    else:
        troubles = ()
        assert answer.holds in (True, False)
    assert all(0 <= t.offset <= len(text) and t.message for t in troubles)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(YAML_PIECES), max_size=25).map("".join) | st.text(max_size=80))
def test_any_text_is_a_file_of_rules_or_a_rules_error(text: str) -> None:
    try:
        rules(text)
    except RulesError as error:
        found = error.problems["rules.yaml"]
    else:
        return
    assert found
    assert all(1 <= p.line <= text.count("\n") + 2 and p.column >= 1 for p in found)


anything: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["type", "coordinates", "geometry"]), inner, max_size=3)
    ),
    max_leaves=12,
)
positions = st.lists(st.floats(-200, 200) | st.integers(-200, 200), min_size=1, max_size=4)
shapes = st.builds(
    lambda kind, coordinates: {"type": kind, "coordinates": coordinates},
    st.sampled_from([*geo._DEPTH, "Feature"]),
    anything | positions | st.lists(positions) | st.lists(st.lists(positions)),
)


@settings(max_examples=300, deadline=None)
@given(anything | shapes)
def test_any_json_is_an_area_or_a_geo_error(area: Any) -> None:
    try:
        geo.validate(area)
    except geo.GeoError as error:
        said = [error.says(locale) for locale in ("fr", "en", "es")]
    else:
        said = [str(geo.distances_m(area, [geo.centre(area)])[0])]
    assert all(said)
