"""The page for installers, the schemas and the AsyncAPI file say what the code does."""

import json
import re
from pathlib import Path

import jsonschema_rs
import pytest
import yaml

from channels.panels import reports, topics
from channels.panels.plan import FALLBACK
from channels.panels.twin import checks
from tests.channels.panels.test_panel_plan import body, make
from tests.fakes.notices import water_cut

SCHEMAS = reports.SCHEMAS
PAGE = (Path(__file__).parents[3] / "docs" / "panel-contract.md").read_text("utf-8")
NAMED = {topics.IMAGE: "image/{hash}", topics.FAULT: "fault/{code}"}
LEAVES = (*topics.UP, *topics.DOWN, *topics.EVIDENCE, topics.FAULT, topics.HUB)


@pytest.mark.parametrize("leaf", LEAVES)
def test_each_topic_has_a_valid_schema_and_a_row(leaf: str) -> None:
    schema = json.loads((SCHEMAS / f"{leaf}.json").read_text("utf-8"))
    jsonschema_rs.meta.validate(schema)
    assert f"`{leaf}.json`" in PAGE


def test_the_asyncapi_file_names_our_topics_and_schemas() -> None:
    described = yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text("utf-8"))
    addresses = {channel["address"] for channel in described["channels"].values()}
    prefix = "tambour/1/{authority}"
    assert addresses == {f"{prefix}/hub"} | {
        f"{prefix}/{{panel}}/{NAMED.get(leaf, leaf)}"
        for leaf in (*LEAVES, topics.IMAGE)
        if leaf != topics.HUB
    }
    for channel in described["channels"].values():
        for message in channel["messages"].values():
            named = [
                message[part].get("$ref") for part in ("payload", "headers") if part in message
            ]
            assert all((SCHEMAS / name).exists() for name in named if name)
            assert any(named) or message["contentType"] == "image/png" or "jws" in str(message)


def test_the_example_of_the_page_is_a_plan() -> None:
    example = re.search(r"```json\n(.*?)```", PAGE, re.DOTALL)
    assert example
    plan = json.loads(example.group(1))
    assert next(checks.validator("plan").iter_errors(plan), None) is None
    made = body(make(water_cut()))
    assert set(plan) == set(made)
    assert set(plan["items"][0]) >= set(made["items"][0])
    assert plan["fallback"] == FALLBACK


def test_every_stage_and_reason_of_the_schema_is_explained() -> None:
    ack = json.loads((SCHEMAS / "ack.json").read_text("utf-8"))["properties"]
    for word in (*ack["stage"]["enum"], *ack["reason"]["enum"]):
        assert f"`{word}`" in PAGE


def test_the_reasons_come_in_the_order_the_twin_checks() -> None:
    rows = re.findall(r"^\| `(\w+)` \|", PAGE[PAGE.index("Checks in this order") :], re.MULTILINE)
    source = Path(checks.__file__).read_text("utf-8")
    said = ["too_big", "signature", "format", "wrong_panel", "replay", "expired"]
    assert rows[:6] == said
    assert rows[6:10] == ["memory", "too_many_pages", "hash_mismatch", "glyph_missing"]
    assert all(f'"{reason}"' in source for reason in rows[:10])
