"""The conformance kit: our twin keeps the whole contract, wrong panels are told from right ones.

Here a handful of the wrong twins, all at once on one broker; `make conform-proof` tries all.
"""

import json
import re
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema_rs
import paho.mqtt.client as mqtt
import pytest

from channels.panels import conform, jws, paper
from channels.panels.conform import CHECKS, report, saying
from channels.panels.conform.bench import Bench, read
from channels.panels.conform.run import FAILED, NOT_APPLICABLE, NOT_RUN, PASSED
from channels.panels.twin import Twin
from tests.fakes.brokers import Broker, Mosquitto, until
from tests.fakes.conforming import FAST, PATIENT, WRONG, failures, proven, told, tried

# Faults that an answer shows; those that a silence or an hour shows are left to the full proof
# (`make conform-proof`), where nothing else runs beside it.
SAMPLE = ("displayed", "changed-byte", "replay", "keys-revoke")


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    """The reports on the right twin and on the sample, made side by side."""
    folder = tmp_path_factory.mktemp("conform")
    broker: Broker = Mosquitto(folder)
    broker.start()
    with pytest.MonkeyPatch.context() as patch:
        for (module, name), value in FAST.items():
            patch.setattr(module, name, value)
        with ThreadPoolExecutor(3) as pool:
            names = ("right", *SAMPLE)
            reports = pool.map(lambda n: tried(broker, folder, WRONG.get(n)), names)
            made = dict(zip(names, reports, strict=True))
    broker.stop()
    return made


def test_our_twin_keeps_every_line_of_the_contract(runs: dict[str, dict[str, Any]]) -> None:
    right = runs["right"]
    assert not failures(right), told(right)
    assert right["conforms"]
    assert right["restored"]
    assert right["counts"][PASSED] >= len(CHECKS) - 2
    passed = {row["check"] for row in right["checks"] if row["outcome"] != PASSED}
    assert passed <= {"sleep-until"}, passed


@pytest.mark.parametrize("name", SAMPLE)
def test_a_wrong_panel_fails_where_it_is_wrong_and_nowhere_else(
    runs: dict[str, dict[str, Any]], name: str
) -> None:
    assert proven(WRONG[name], runs[name]) == ""
    assert not runs[name]["conforms"]


def test_every_check_has_its_wrong_twin_and_every_wrong_twin_its_check() -> None:
    assert len(CHECKS) >= 30
    names = [check.name for check in CHECKS]
    assert len(set(names)) == len(names)
    assert set(WRONG) == set(names)
    assert all(set(check.spoils) <= set(names) - {check.name} for check in CHECKS)


def test_a_check_names_a_section_that_the_contract_has() -> None:
    page = (Path(conform.__file__).parents[3] / "docs" / "panel-contract.md").read_text("utf-8")
    sections = set(re.findall(r"^##+ (\d+(?:\.\d+)?)\.? ", page, re.M))
    assert {check.section for check in CHECKS} <= sections


def test_the_report_fits_its_schema(runs: dict[str, dict[str, Any]]) -> None:
    schema = json.loads((Path(conform.__file__).parent / "report.json").read_text("utf-8"))
    validator = jsonschema_rs.validator_for(schema)
    for name, made in runs.items():
        faults = [error.message for error in validator.iter_errors(json.loads(json.dumps(made)))]
        assert faults == [], name
    assert not validator.is_valid({"format": "another"})


@pytest.mark.parametrize("locale", paper.LOCALES)
def test_a_page_says_what_failed_in_each_language(
    runs: dict[str, dict[str, Any]], locale: str
) -> None:
    which = paper.LOCALES.index(locale)
    for name in ("right", "changed-byte"):
        page = conform.html(runs[name], locale)
        words = report.words()
        assert f'<html lang="{locale}">' in page
        assert words["page"]["good" if name == "right" else "bad"][which] in page
        assert "{" not in re.sub(r"<style>.*?</style>|<pre>.*?</pre>", "", page, flags=re.S)
        titles = [words["checks"][check.name][which] for check in CHECKS]
        assert all(title in page for title in titles)
        assert "http" not in page


def test_the_words_are_whole_in_three_languages() -> None:
    words = report.words()
    assert set(words["checks"]) == {check.name for check in CHECKS}
    for group in ("page", "outcomes", "groups", "checks", "phrases"):
        for key, said in words[group].items():
            assert len(said) == 3, key
            if not key.startswith("signed"):
                fields = [set(re.findall(r"\{(\w+)\}", text)) for text in said]
                assert fields[0] == fields[1] == fields[2], key
    source = "".join(path.read_text("utf-8") for path in Path(conform.__file__).parent.glob("*.py"))
    used = set(re.findall(r'say\(\s*"(\w+)"', source))
    assert used <= set(words["phrases"]), used - set(words["phrases"])


def test_a_report_holds_no_secret_of_the_broker(runs: dict[str, dict[str, Any]]) -> None:
    login = conform.Login("mqtts://hub:geheim@mqtt.example.org:8883")
    assert login.place == "mqtts://mqtt.example.org:8883"
    assert "geheim" not in repr(login.place)
    text = json.dumps(runs["right"])
    assert jws.b64(bytes(range(32))) not in text


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    made: Broker = Mosquitto(tmp_path)
    made.start()
    yield made
    made.stop()


def asked(broker: Broker, **more: Any) -> conform.Asked:
    brisk = conform.Pace(answer=1.0, shown=1.0, back=1.0, soon=1.0, settle=0.2)
    return conform.Asked(
        conform.Login(broker.url), "villard-bonnot", "mairie", bytes(32), pace=brisk, **more
    )


def test_a_panel_that_is_not_there_fails_at_once_and_nothing_is_left_behind(
    broker: Broker,
) -> None:
    made = conform.run(asked(broker))
    outcomes = {row["outcome"] for row in made["checks"]}
    assert made["trouble"] == "no_birth"
    assert failures(made) == {"birth"}
    assert outcomes == {FAILED, NOT_RUN}
    assert "no_birth" not in conform.html(made, "fr")
    late = conform.run(asked(broker, only=["birth"]))
    assert late["messages"] == 0  # no plan of the kit's is kept by the broker


def speaking(broker: Broker) -> Bench:
    """Another's voice, which has said the birth of a panel that is not there."""
    other = Bench(conform.Login(broker.url), "villard-bonnot", "mairie")
    other.open()
    birth = {
        "v": 1, "ts": "2026-03-02T08:31:07Z", "session": 1, "seq": 1, "contract": 1, "model": "m",
        "columns": 16, "lines": 8, "max_pages": 3, "max_items": 9, "max_bytes": 4096, "plan_rev": 0,
    }  # fmt: skip
    other.publish("birth", saying.dump(birth))
    return other


def test_a_hub_that_speaks_meanwhile_ends_the_run_and_is_named(
    broker: Broker, tmp_path: Path
) -> None:
    """The first check that waits sees the other's plan."""
    other = speaking(broker)
    spoken: list[str] = []

    def speak(row: dict[str, Any]) -> None:
        if not spoken:
            other.publish("plan", b'{"plan_rev":9}')
            spoken.append(row["check"])

    made = conform.run(asked(broker, told=speak))
    other.close()
    assert made["trouble"] == "second_hub"
    assert not made["conforms"]
    assert not made["restored"]
    assert "un autre serveur parle au panneau" in conform.html(made, "fr")


def test_a_hub_that_speaks_at_the_very_end_is_named_too(broker: Broker) -> None:
    other = speaking(broker)

    def speak(row: dict[str, Any]) -> None:
        if row["check"] == "plan-stages":
            other.publish("plan", b'{"plan_rev":9}')

    made = conform.run(asked(broker, only=["plan-stages"], told=speak))
    other.close()
    assert made["trouble"] == "second_hub"
    assert not made["restored"]


def test_a_run_that_is_stopped_gives_the_panel_its_plan_back(
    broker: Broker, tmp_path: Path
) -> None:
    twin = Twin(broker.url, "villard-bonnot", "mairie", "text-8x16", tmp_path, at_once=True)
    over, stop = threading.Event(), threading.Event()
    thread = threading.Thread(target=twin.run, args=(over.is_set,), daemon=True)
    thread.start()
    until(lambda: twin.state()["online"], 60, "the twin to connect")
    mine = asked(broker, only=["plan-stages", "superseded"], told=lambda _: stop.set(), stop=stop)
    made = conform.run(replace(mine, pace=PATIENT))
    over.set()
    thread.join(20)
    assert made["trouble"] == "stopped"
    assert made["restored"]
    assert twin.state()["items"] == []  # what it had before: nothing


@pytest.mark.parametrize("faults", [b'["\\ud800"]', b"[" * 900 + b"]" * 900, b"1e999", b"{"])
def test_no_payload_ends_the_kit(faults: bytes) -> None:
    said = mqtt.MQTTMessage(topic=b"tambour/1/vb/p/hb")
    said.payload = b'{"faults":' + faults + b"}"
    assert read(0, said, "tambour/1/vb/p").problem


def test_a_broker_that_is_away_or_refuses_is_said_in_words(broker: Broker) -> None:
    broker.stop()
    with pytest.raises(conform.NoBroker, match="cannot be reached"):
        conform.run(asked(broker))
    with pytest.raises(conform.NoBroker, match="mqtt://host:port"):
        conform.run(conform.Asked(conform.Login("http://x"), "a", "b", bytes(32)))


def test_a_quick_run_leaves_the_long_checks_out() -> None:
    from channels.panels.conform.run import chosen

    slow = {check.name for check in CHECKS if check.slow}
    assert slow >= {"heartbeat", "proof-batches"}
    assert {c.name for c in CHECKS} - {c.name for c in chosen(True, ())} == slow
    assert [c.name for c in chosen(False, ["will"])] == ["birth", "will"]


__all__ = ["NOT_APPLICABLE"]
