"""The measures are listed, have one shape, and the page follows from the file. No time is asserted:
that is what `make bench` is for."""

from pathlib import Path

import pytest

from tests.benchmarks import run
from tests.benchmarks.measure import KEYS, jain, percentile, row, take_turns

MACHINE = {
    "cores": 2,
    "load": 0.1,
    "processor": "a processor",
    "python": "3.11.7",
    "system": "Linux 6",
    "date": "2026-03-02",
}


def test_every_measure_is_listed_and_says_what_it_is() -> None:
    assert {
        "audience",
        "fanout",
        "growth",
        "herd",
        "lanes",
        "panels",
        "plan",
        "push",
        "said",
        "shelf",
    } <= set(run.names())
    for name in run.names():
        module = run.module(name)
        assert callable(module.run)
        assert module.__doc__.partition("\n")[0].endswith(".")


def test_a_row_has_its_keys_and_its_ratios() -> None:
    made = row("said", "s", ours=0.5, peer=2.0, limit=0.123456, conditions="quiet")
    assert tuple(made) == KEYS
    assert (made["ratio_to_peer"], made["ratio_to_limit"], made["limit"]) == (0.25, 4.05, 0.123)
    alone = row("said", "answers/s", ours=12345.6, limit=24691.2, conditions="quiet")
    assert (alone["ours"], alone["peer"], alone["ratio_to_peer"]) == (12346, None, None)


def test_works_take_turns_and_the_first_round_does_not_count() -> None:
    seen: list[str] = []
    medians = take_turns(lambda: seen.append("a"), lambda: seen.append("b"), rounds=2, warm=1)
    assert "".join(seen) == "ababab"
    assert len(medians) == 2


def test_one_measure_is_kept_beside_the_others_and_the_page_shows_both(tmp_path: Path) -> None:
    path = tmp_path / "var" / "bench.json"
    older = row("push: encrypt", "messages/s", ours=4000, peer=500, limit=5000, conditions="old")
    newer = row("push: encrypt", "messages/s", ours=4400, peer=500, limit=5500, conditions="new")
    said = row("said: POST to Firefox", "s", ours=0.5, limit=0.05, conditions="median of 5")
    run.keep(path, "push", MACHINE, [older])
    run.keep(path, "said", MACHINE, [said])
    run.keep(path, "push", MACHINE, [newer])
    text = run.page(run.kept(path))
    assert "| push: encrypt | 4,400 | 500 | 5,500 | messages/s | 8.8 × | 0.8 × |" in text
    assert "| said: POST to Firefox | 0.5 | – | 0.05 | s | – | 10.0 × |" in text
    assert "- push: encrypt: new" in text
    assert "2 cores (a processor), Linux 6, Python 3.11.7, 2026-03-02" in text
    assert "old" not in text.partition("- push: encrypt: ")[2].partition("\n")[0]


def test_a_measure_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run.main(["pusch"])
    said = capsys.readouterr().err
    assert "no measure pusch" in said
    assert "push" in said


def test_what_is_shared_evenly_has_an_index_of_one() -> None:
    assert jain([5, 5, 5, 5]) == 1
    assert jain([9, 0, 0]) == pytest.approx(1 / 3)
    assert percentile([5, 1, 4, 2, 3], 95) == 5
    assert percentile([5, 1, 4, 2, 3], 60) == 3
    assert percentile(list(range(1, 201)), 95) == 190
