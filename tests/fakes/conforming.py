"""The kit against a twin on a real broker, at a pace for tests and for the full proof."""

import threading
from pathlib import Path
from typing import Any, Final

from channels.panels import conform
from channels.panels.conform import CHECKS, Pace
from channels.panels.twin import inbox, mouth
from tests.fakes import wrong_answers, wrong_orders
from tests.fakes.brokers import Broker, until
from tests.fakes.wrong_twins import KEY, KEY_ID, WRONG, Tried, Wrong

FILLED: Final = (wrong_answers, wrong_orders)  # importing them fills WRONG
SPOILS: Final = {check.name: set(check.spoils) for check in CHECKS}
# What the contract has in tens of seconds, for everybody in this process.
FAST: Final = {
    (mouth, "SHOWN_EVERY_S"): 0.1,
    (mouth, "SHORTEST_BATCH_S"): 0.5,
    (inbox, "IMAGES_WITHIN_S"): 1.0,
}
# Answers come within milliseconds; the rest is for a loaded machine. A silence costs it whole.
PATIENT: Final = Pace(
    answer=30, shown=30, back=60, soon=3.0, image=1.0, settle=0.6, batch=1.0, heartbeat=1.0
)
BRISK: Final = Pace(
    answer=4, shown=4, back=20, soon=2.0, image=1.0, settle=0.6, batch=1.0, heartbeat=1.0
)


def tried(
    broker: Broker, folder: Path, wrong: Wrong | None, pace: Pace = PATIENT
) -> dict[str, Any]:
    """The report of the kit on one twin."""
    panel = wrong.fails if wrong else "right"
    twin = Tried(broker.url, panel, folder / panel, wrong)
    twin.mouth._heartbeat_s = 0.5  # type: ignore[assignment]
    stop = threading.Event()
    thread = threading.Thread(target=twin.run, args=(stop.is_set,), daemon=True)
    thread.start()
    try:
        until(lambda: twin.state()["online"], 60, f"{panel} to connect")
        return conform.run(
            conform.Asked(
                conform.Login(broker.url), "villard-bonnot", panel, KEY, KEY_ID, pace=pace
            )
        )
    finally:
        stop.set()
        thread.join(20)


def failures(report: dict[str, Any]) -> set[str]:
    return {row["check"] for row in report["checks"] if row["outcome"] == "failed"}


def told(report: dict[str, Any]) -> str:
    """The failures in words, to be read when a test gives up."""
    rows = [row for row in report["checks"] if row["outcome"] == "failed"]
    return "\n".join([report["trouble"], *(conform.text(row) for row in rows)])


def proven(wrong: Wrong, report: dict[str, Any]) -> str:
    """Empty where the kit saw the fault and no other; else what went wrong with the proof."""
    seen = failures(report)
    lines = []
    if wrong.fails not in seen:
        lines.append(f"{wrong.fails}: not seen")
    if stray := seen - {wrong.fails} - SPOILS[wrong.fails]:
        lines.append(f"{wrong.fails}: {', '.join(sorted(stray))} failed, too")
    return "\n".join([*lines, told(report)]) if lines else ""


__all__ = ["BRISK", "FAST", "PATIENT", "WRONG", "failures", "proven", "told", "tried"]
