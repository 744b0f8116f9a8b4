"""Conditions: typed when compiled, bounded, and true only when exactly true."""

from datetime import UTC, datetime, timedelta

import pytest

from hub.rules import variables
from hub.rules.language import Condition, ConditionError

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def bound(**fields: object):  # type: ignore[no-untyped-def]
    return variables.PLAN.bind({"now": NOW} | {f"publication.{k}": v for k, v in fields.items()})


def holds(text: str, **fields: object) -> bool:
    return Condition.compile(text, variables.PLAN).holds(bound(**fields))


def troubles(text: str) -> list[tuple[str, str]]:
    """What is wrong, and the text from there on (12 characters)."""
    with pytest.raises(ConditionError) as caught:
        Condition.compile(text, variables.PLAN)
    return [(t.message, text[t.offset : t.offset + 12]) for t in caught.value.troubles]


def test_a_condition_reads_words_numbers_lists_and_moments() -> None:
    assert holds("publication.severity in ['Severe', 'Extreme']", severity="Severe")
    assert holds("publication.severity_rank >= 2", severity_rank=3)
    assert holds("publication.languages.exists(l, l == 'es')", languages=["fr", "es"])
    assert holds("publication.expires - now < duration('24h')", expires=NOW + timedelta(hours=3))
    assert holds("publication.headline.matches('(?i)\\\\beau\\\\b')", headline="Coupure d'eau")
    assert not holds("publication.has_area", has_area=None)


@pytest.mark.parametrize(
    ("text", "message", "at"),
    [
        (
            "publication.sevrity == 'Severe'",
            "there is no 'publication.sevrity'; did you mean 'publication.severity'?",
            ".sevrity == ",
        ),
        ("publication.revision > 'a'", "'>' does not go with a number and text", "> 'a'"),
        ("publication.severity", "this is text, not a yes or no", "publication."),
        ("publication == 3", "'publication' is a group of fields", "publication "),
        ("hour > 3 &&", "Syntax error: mismatched input the end", ""),
        ("foo(1)", "there is no 'foo'", "(1)"),
        ("has(publication.onset)", "has() is not needed", "has(publicat"),
        ("dyn(hour) == 'x'", "dyn() may not be used", "dyn(hour) =="),
        (
            "publication.severity == 'Sever'",
            "publication.severity is never 'Sever'; did you mean 'Severe'?",
            "'Sever'",
        ),
        (
            "hour > 3 && publication.msg_type in ['alert', 'cancle']",
            "publication.msg_type is never 'cancle'; did you mean 'cancel'?",
            "'cancle']",
        ),
        ("'actuel' == publication.status", "publication.status is never 'actuel'", "'actuel' == "),
        (
            "publication.severity >= 'Severe'",
            "publication.severity is a word without an order; use publication.severity_rank",
            ">= 'Severe'",
        ),
        ("", "empty", ""),
        ("true" + " || true" * 400, "longer than 2000 characters", "true || true"),
        ("(" * 40 + "true" + ")" * 40, "nested too deeply", "(((((((((((("),
    ],
)
def test_a_wrong_condition_is_refused_where_it_is_wrong(text: str, message: str, at: str) -> None:
    found = troubles(text)
    assert any(said.startswith(message) and place == at for said, place in found), found


def test_a_place_counts_characters_also_after_accents_pictures_and_lines() -> None:
    text = "'é😀' == publication.event ||\n  publication.x == 'a'"
    assert troubles(text)[0][1] == ".x == 'a'"


def test_all_problems_of_a_condition_are_told_at_once() -> None:
    found = troubles("publication.nope == 'a' || publication.nix == 'b'")
    assert [place for _, place in found] == [".nope == 'a'", ".nix == 'b'"]


@pytest.mark.parametrize(
    "bomb",
    [
        "['x'].map(a, a + a).map(a, a + a).size() > 0",
        "['x'].exists(a, [a + a].exists(b, [b + b].exists(c, c == '')))",
        "[1, 2].all(a, ([3]).filter(b, b > a) == [3])",
    ],
)
def test_a_condition_that_could_grow_without_end_is_refused(bomb: str) -> None:
    assert "may not be used" in troubles(bomb)[0][0]


def test_words_inside_texts_and_comments_are_not_taken_for_code() -> None:
    assert holds("publication.headline == 'map(dyn(has(' // .map(x, x)", headline="map(dyn(has(")
    assert holds("publication.languages.filter(l, l != '(').exists(l, l == ')')", languages=[")"])


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("1 / (hour - hour) == 1", "divide by zero"),
        ("publication.languages[9] == 'fr'", "index"),
        ("publication.headline.matches(publication.event)", "regular expression"),
        ("duration(publication.event) > duration('1h')", "Duration"),
    ],
)
def test_an_error_while_asking_is_not_true_and_is_told(text: str, error: str) -> None:
    answer = Condition.compile(text, variables.PLAN).ask(bound(event="(", languages=["fr"]))
    assert answer.holds is False
    assert error in answer.error


def test_a_hostile_pattern_and_a_long_text_end_soon() -> None:
    assert not holds("publication.description.matches('^(a+)+$')", description="a" * 19_000 + "b")


def test_what_is_missing_has_the_empty_value_of_its_type() -> None:
    assert holds(
        "publication.headline == '' && publication.revision == 0 && !publication.grave "
        "&& publication.languages.size() == 0 && publication.onset < now"
    )


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(TypeError, match="aware datetime"):
        bound(expires=datetime(2026, 3, 2))


def test_a_condition_is_compiled_once_a_process() -> None:
    one = Condition.compile("hour == 7", variables.PLAN)
    assert Condition.compile("hour == 7", variables.PLAN) is one
    assert Condition.compile("hour == 7", variables.INTAKE) is not one


def test_a_text_with_half_a_character_is_asked_all_the_same() -> None:
    assert holds("publication.headline.startsWith('Rue')", headline="Rue \ud800")
