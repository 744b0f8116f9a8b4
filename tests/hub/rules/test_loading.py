"""Files of rules: every problem at once, each with the place where it is in the file."""

import os
from pathlib import Path
from typing import Any

import pytest

from hub.rules import loading
from hub.rules.loading import RulesError
from hub.rules.ruleset import OWN
from hub.vocabulary import Lane

HEAD = "rules:\n  - name: essai\n    title: Essai\n"


def problems(text: str, **known: Any) -> list[str]:
    with pytest.raises(RulesError) as caught:
        loading.parse(text, "x.yaml", **known)
    return str(caught.value).splitlines()


def test_a_full_rule_is_read_as_written() -> None:
    found = loading.parse(
        HEAD
        + """    when: publication.grave
    unless: hour < 6
    send:
      - to: {kind: [panel, website], tag: nord, station: own, outlet: place, within_m: 800}
        audience: {stations: [ecole, own], wishes: false}
        at: 18:00
        corrections: urgent
        on_uncertain: repeat
    hold: {fr: À relire, en: To be read}
    stop: true
    lane: bulk
""",
        "ville.yaml",
    )
    rule = found.rules[0]
    send = rule.send[0]
    assert (found.name, rule.name, rule.line, rule.title) == (
        "ville",
        "essai",
        2,
        {"fr": "Essai"},
    )
    assert (send.to.kinds, send.to.tags) == ({"panel", "website"}, {"nord"})
    assert (send.to.stations, send.to.outlets, send.to.within_m) == ({OWN}, {"place"}, 800)
    assert (send.stations, send.wishes, send.everyone) == ({"ecole", OWN}, False, False)
    assert (send.at.hour, send.corrections, send.on_uncertain) == (18, "urgent", "repeat")
    assert rule.hold == {"fr": "À relire", "en": "To be read"}
    assert rule.stop
    assert rule.lane == Lane.BULK


def test_who_sends_without_an_audience_means_followers_of_the_own_station() -> None:
    send = loading.parse(HEAD + "    send: [{to: {kind: push}}]", "x.yaml").rules[0].send[0]
    assert (send.stations, send.everyone, send.wishes) == ({OWN}, False, True)


def test_every_problem_is_told_at_once_in_the_order_of_the_file() -> None:
    assert problems(
        """\
rules:
  - name: a
    title: x
    when: publication.sevrity == 'Severe'
    send:
      - to: {kind: panle, withn_m: 3}
  - name: a
    titel: x
    lane: urgent
    lane: bulk
  - name: B
    title: {de: x}
    when: ["x"]
    send:
      - {to: {}, at: 25:00, audience: {everyone: yes}}
intak: 3
""",
        kinds=["panel", "sms"],
    ) == [
        "x.yaml:4:22: when: there is no 'publication.sevrity'; "
        "did you mean 'publication.severity'?",
        "x.yaml:6:20: kind: there is no channel kind 'panle'; did you mean 'panel'?",
        "x.yaml:6:27: there is no field 'withn_m' here; did you mean 'within_m'?",
        "x.yaml:7:5: 'title' is missing",
        "x.yaml:7:11: the name 'a' is taken on line 2",
        "x.yaml:8:5: there is no field 'titel' here; did you mean 'title'?",
        "x.yaml:9:11: lane: a rule may lower the lane, never raise it: "
        "the lane follows from severity and urgency",
        "x.yaml:10:5: 'lane' is already given on line 9",
        "x.yaml:11:11: name: small letters, digits and dashes only",
        "x.yaml:12:13: a language is fr, en or es",
        "x.yaml:13:11: when: must be a valid string",
        "x.yaml:15:14: to: name a kind, a tag, a station, an outlet or a distance",
        "x.yaml:15:22: at: must be now or an hour such as 18:00",
        "x.yaml:15:50: everyone: must be a valid boolean",
        "x.yaml:16:1: there is no field 'intak' here; did you mean 'intake'?",
    ]


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("    when: hour > 3 && publication.x", "4:34"),
        ("    when:    'hour > 3 && publication.x'", "4:38"),
        ('    when: "hour > 3 && publication.x"', "4:35"),
        ("    when: hour > 3 &&\n       publication.x", "5:19"),
        ("    when: |\n      hour > 3 &&\n\n        publication.x", "7:20"),
        ("    when: >-\n      hour > 3\n      && publication.x", "6:21"),
        ("    when: |2-\n      hour > 3 &&\n      publication.x", "6:18"),
    ],
)
def test_the_column_of_a_wrong_condition_is_that_of_the_file(written: str, place: str) -> None:
    """The compiler points at the dot of `publication.x`."""
    assert problems(HEAD + written + "\n    stop: true\n")[0].startswith(f"x.yaml:{place}: when: ")


def test_a_condition_with_escapes_is_located_at_its_beginning() -> None:
    line = HEAD + '    when: "publication.event == \\"a\\" && publication.x"\n    stop: true\n'
    assert problems(line)[0].startswith("x.yaml:4:11: when: there is no 'publication.x'")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "1:1: a file of rules begins with rules: or intake:"),
        ("- a", "1:1: a file of rules begins with rules: or intake:"),
        ("rules: {}", "1:8: rules: must be a valid list"),
        ("rules: *x", "1:8: anchors and aliases are not used here"),
        ("rules: !!python/object/apply:os.system ['id']", "1:8: tags such as"),
        ("rules: [", "1:9: expected the node content"),
        ("rules:\n  - name: a: b", "2:12: a colon here: put the text in quotes"),
        ("rules: \x07", "1:8: special characters are not allowed"),
        ("[" * 3000, "1:1: nested too deeply"),
        ("rules: " + "[" * 20 + "]" * 20, "nested too deeply"),
        ("#" * (256 * 1024 + 1), "1:1: longer than 256 KiB"),
        (HEAD, "2:5: this rule does nothing"),
        (HEAD + "    stop: true\n  - {name: b, title: b, stop: true}", "4:11: stops always"),
        (HEAD + "    when: publication.lane == 'bulk'\n    lane: normal", "5:11: a rule may lower"),
        (
            HEAD + "    send: [{to: {kind: push}, audience: {everyone: true, stations: own}}]",
            "4:41: audience: everyone already holds",
        ),
        ("intake: [{name: a, then: forward, reason: x}]", "1:26: then: must be 'ignore'"),
        (HEAD + "    when: item.grave\n    stop: true", "4:15: when: there is no 'item.grave'"),
    ],
)
def test_a_file_that_cannot_be_used_says_where_and_why(text: str, problem: str) -> None:
    found = problems(text)
    assert any(problem in line for line in found), found


def test_a_misspelt_category_is_found_where_the_categories_are_known() -> None:
    text = HEAD + "    when: publication.category == 'raodworks'\n    stop: true"
    loading.parse(text, "x.yaml")
    assert problems(text, categories=("roadworks", "water")) == [
        "x.yaml:4:35: when: publication.category is never 'raodworks'; did you mean 'roadworks'?"
    ]


def write(path: Path, text: str, stamp: int) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    os.utime(path, ns=(stamp, stamp))


GOOD = HEAD + "    send: [{to: {kind: panel}}]\n"


def test_a_town_with_its_own_file_has_its_own_rules(tmp_path: Path) -> None:
    write(tmp_path / "rules/commune.yaml", GOOD, 1)
    write(tmp_path / "rules/froges.yaml", GOOD.replace("essai", "propre"), 1)
    assert loading.for_authority(tmp_path, "froges").rules[0].name == "propre"
    assert loading.for_authority(tmp_path, "villard-bonnot").rules[0].name == "essai"


@pytest.mark.parametrize("code", ["../rules/froges", "", ".", "FROGES"])
def test_a_code_never_leads_out_of_the_folder(tmp_path: Path, code: str) -> None:
    write(tmp_path / "rules/froges.yaml", GOOD, 1)
    assert loading.file_for(tmp_path, code) == tmp_path / "rules/commune.yaml"


def test_a_changed_file_is_read_again_and_an_unchanged_one_is_not(tmp_path: Path) -> None:
    write(tmp_path / "rules/commune.yaml", GOOD, 1)
    first = loading.for_authority(tmp_path, "a")
    assert loading.for_authority(tmp_path, "b") is first
    write(tmp_path / "rules/commune.yaml", GOOD.replace("essai", "autre"), 2)
    assert loading.for_authority(tmp_path, "a").rules[0].name == "autre"


def test_a_file_that_breaks_leaves_the_last_good_rules_in_force(tmp_path: Path) -> None:
    path = tmp_path / "rules/commune.yaml"
    write(path, GOOD, 1)
    loading.for_authority(tmp_path, "a")
    write(path, GOOD.replace("panel", "panle"), 2)
    kept = loading.for_authority(tmp_path, "a")
    assert kept.rules[0].name == "essai"
    assert kept.problems[0].startswith(f"{path}:4:24: kind: there is no channel kind 'panle'")
    path.unlink()
    assert "cannot be read" in loading.for_authority(tmp_path, "a").problems[0]
    write(path, GOOD, 3)
    assert loading.for_authority(tmp_path, "a").problems == ()


def test_a_file_that_was_never_good_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(RulesError, match="cannot be read"):
        loading.for_authority(tmp_path, "a")
    write(tmp_path / "rules/commune.yaml", "rules: 3", 1)
    with pytest.raises(RulesError, match="must be a valid list"):
        loading.for_authority(tmp_path, "a")


def test_the_check_reads_every_file_and_tells_the_problems_of_all(tmp_path: Path) -> None:
    write(tmp_path / "rules/commune.yaml", GOOD, 1)
    loading.check_all(tmp_path)
    write(tmp_path / "rules/a.yaml", "rules: 3", 1)
    (tmp_path / "rules/b.yaml").write_bytes(b"rules: \xff")
    with pytest.raises(RulesError) as caught:
        loading.check_all(tmp_path)
    first, second = str(caught.value).splitlines()
    assert first.startswith(f"{tmp_path}/rules/a.yaml:1:8: ")
    assert second.startswith(f"{tmp_path}/rules/b.yaml:1:1: is not UTF-8")
