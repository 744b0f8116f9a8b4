"""What every measure shares: taking turns, medians, the shape of a row."""

import math
import statistics
import time
from collections.abc import Callable, Sequence
from typing import Any

ROUNDS = 5

KEYS = (
    "name", "ours", "peer", "limit", "unit", "ratio_to_peer", "ratio_to_limit", "conditions",
)  # fmt: skip


def row(
    name: str,
    unit: str,
    *,
    ours: float,
    limit: float,
    peer: float | None = None,
    conditions: str,
) -> dict[str, Any]:
    """One figure beside its peer (None: nobody else does this) and its limit: the least that the
    same bytes could take. The unit says whether more is better (`…/s`) or less."""
    return {
        "name": name,
        "ours": figure(ours),
        "peer": None if peer is None else figure(peer),
        "limit": figure(limit),
        "unit": unit,
        "ratio_to_peer": round(ours / peer, 2) if peer else None,
        "ratio_to_limit": round(ours / limit, 2),
        "conditions": conditions,
    }


def figure(value: float) -> float:
    """Three digits that mean something; whole numbers from a hundred up."""
    return round(value) if value >= 100 else float(f"{value:.3g}")


def seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def take_turns(*works: Callable[[], object], rounds: int = ROUNDS, warm: int = 1) -> list[float]:
    """Median seconds of each. They take turns in every round, so that a busy machine slows all of
    them alike; the first `warm` rounds do not count."""
    taken: list[list[float]] = [[] for _ in works]
    for number in range(rounds + warm):
        for each, work in zip(taken, works, strict=True):
            spent = seconds(work)
            if number >= warm:
                each.append(spent)
    return [statistics.median(each) for each in taken]


def spread(values: Sequence[float], digits: int = 2) -> str:
    """For the conditions: how many and the worst, where less is better."""
    return f"median of {len(values)}, worst {max(values):.{digits}f}"


def jain(shares: Sequence[float]) -> float:
    """How evenly something is shared (Jain, Chiu and Hawe, 1984): 1 when all get the same, 1/n when
    one gets it all."""
    total = sum(shares)
    return total * total / (len(shares) * sum(x * x for x in shares)) if total else 0.0


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that `share` percent of them do not exceed."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * share / 100) - 1)]
