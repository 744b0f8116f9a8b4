"""docs/rules.md is true: its tables list every variable, its example gives the plan it shows."""

import re
from datetime import UTC, datetime, timedelta

from hub.rules import variables
from hub.rules.engine import evaluate
from hub.rules.explanation import sentences
from hub.rules.language import Condition, Variables
from hub.rules.schema import MODELS
from hub.settings import PROJECT
from tests.hub.rules.rulefacts import facts, outlet, rules

PAGE = (PROJECT / "docs" / "rules.md").read_text()


def rows(declared: Variables) -> list[str]:
    made = []
    for name, variable in declared.declared.items():
        values = f": {', '.join(variable.values)}" if variable.values else ""
        made.append(f"| `{name}` | {variable.type} | {variable.doc}{values} |")
    return made


def table_under(title: str) -> list[str]:
    section = PAGE.partition(f"### {title}\n")[2].partition("\n## ")[0].partition("\n### ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_the_tables_list_every_variable_as_it_is() -> None:
    own = [row for row in rows(variables.INTAKE) if row.startswith("| `item.")]
    assert table_under("Variables of a plan") == rows(variables.PLAN)
    assert table_under("Variables of intake") == own
    own = [row for row in rows(variables.REMINDERS) if row.startswith("| `event.")]
    assert table_under("Variables of reminders") == own


def test_every_field_of_a_rule_is_explained() -> None:
    for model in MODELS.values():
        for field in model.model_fields:
            assert f"`{field}" in PAGE or f"{field}:" in PAGE, field


def test_the_worked_example_gives_the_plan_it_shows() -> None:
    now = datetime(2026, 3, 2, 21, 30, tzinfo=UTC)
    text, shown = re.findall(r"```(?:yaml|text)\n(.*?)```", PAGE, re.DOTALL)[:2]
    given = facts(
        outlet(1, "website").model_copy(update={"code": "site"}),
        outlet(2, longitude=5.889, latitude=45.239).model_copy(update={"code": "place"}),
        outlet(3, longitude=5.93, latitude=45.26).model_copy(update={"code": "gare"}),
        outlet(4, "push").model_copy(update={"code": "push"}),
        outlet(5, "sms").model_copy(update={"code": "sms"}),
        category="closure",
        severity="Moderate",
        station="voirie",
        area={"type": "Point", "coordinates": [5.89, 45.24]},
        now=now,
        expires=now + timedelta(days=2),
        quiet=("22:00", "07:00"),
    )
    lines = sentences(evaluate(rules(text), given, locale="en"), "en")
    assert [line.replace("\u00a0", " ") for line in lines] == shown.splitlines()


def test_the_conditions_to_copy_compile() -> None:
    section = PAGE.partition("| to ask | write |")[2].partition("\n\n")[0]
    conditions = re.findall(r"^\| [^|`]+ \| `([^`]+)` \|$", section, re.MULTILINE)
    assert len(conditions) == 7
    for text in conditions:
        Condition.compile(text, variables.PLAN)


def test_the_other_examples_are_files_of_rules() -> None:
    intake, reminders = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[1:]
    assert rules(intake).intake[0].then == "draft"
    assert rules(reminders).reminders[0].days == 1
