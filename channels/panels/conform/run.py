"""One run of the kit: every check in order, then the panel gets back what it had."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog

from channels.panels.conform import saying
from channels.panels.conform.bench import Bench, Login, Message, NoBroker
from channels.panels.conform.check import CHECKS, Check, Failed, NotApplicable, Phrase, say
from channels.panels.conform.kit import Interrupted, Kit, Pace, properties, short
from hub import clock

log = structlog.get_logger()

VERSION: Final = "1"
PASSED: Final = "passed"
FAILED: Final = "failed"
NOT_APPLICABLE: Final = "not_applicable"
NOT_RUN: Final = "not_run"
EVIDENCE: Final = 8
# What follows from a panel that never said who it is, or never took a plan.
FIRST: Final = "birth"


@dataclass(frozen=True, slots=True)
class Asked:
    """Which panel is tried and how. `key`: 32 bytes that sign for the authority (the hub's own, or
    a test key for a panel that has seen none). `client_id`: the panel's, where it is not the one of
    the contract. `by_hand` is called with `cut` and `mend` when a person has to cut the line."""

    login: Login
    authority: str
    panel: str
    key: bytes = field(repr=False)
    key_id: str = "conform"
    client_id: str = ""
    quick: bool = False
    only: Sequence[str] = ()
    pace: Pace = field(default_factory=Pace)
    by_hand: Callable[[str], None] | None = None
    told: Callable[[dict[str, Any]], None] | None = None
    stop: threading.Event = field(default_factory=threading.Event)


def run(asked: Asked) -> dict[str, Any]:
    """The report, as report.json has it. Raises NoBroker; never leaves the panel without its plan
    where the broker is there."""
    began = clock.now()
    bench = Bench(asked.login, asked.authority, asked.panel)
    bench.open()
    ids = (f"{asked.authority}/{asked.panel}", f"panel-{asked.authority}-{asked.panel}")
    kit = Kit(
        bench,
        asked.authority,
        asked.panel,
        asked.key,
        asked.key_id,
        asked.pace,
        (asked.client_id,) if asked.client_id else ids,
        asked.stop,
        asked.by_hand,
    )
    rows: list[dict[str, Any]] = []
    trouble = ""
    restored = False
    try:
        bench.record.wait(lambda m: m.leaf == "birth", 0, asked.pace.settle)
        kit.memo["began"] = bench.record.mark()
        trouble = _all(asked, kit, rows)
    finally:
        kit.stopped = threading.Event()  # who stops the run wants the panel's own plan back, too
        try:
            restored = trouble != "second_hub" and _restore(kit)
        except Interrupted:
            trouble = "second_hub"
        except (NoBroker, KeyboardInterrupt) as problem:
            log.warning("plan not restored", reason=str(problem))
        bench.close()
    return _report(asked, kit, rows, began, trouble, restored)


def chosen(quick: bool, only: Sequence[str]) -> list[Check]:
    return [c for c in CHECKS if (not only or c.name in (*only, FIRST)) and not (quick and c.slow)]


def _all(asked: Asked, kit: Kit, rows: list[dict[str, Any]]) -> str:
    """Run the checks; why it ended before the last one, or nothing."""
    trouble = ""
    wanted = chosen(asked.quick, asked.only)
    for check in CHECKS:
        if asked.only and check not in wanted:
            continue
        if trouble or check not in wanted:
            why = say(trouble) if trouble else say("quick")
            row = _row(check, NOT_RUN, None, None, (), 0.0, why)
        else:
            row, trouble = _one(check, kit)
        rows.append(row)
        if asked.told:
            asked.told(row)
    return trouble


def _one(check: Check, kit: Kit) -> tuple[dict[str, Any], str]:
    began = clock.monotonic()

    def row(
        outcome: str,
        expected: Phrase | None = None,
        observed: Phrase | None = None,
        evidence: Sequence[Message] = (),
        why: Phrase | None = None,
    ) -> dict[str, Any]:
        return _row(check, outcome, expected, observed, evidence, clock.monotonic() - began, why)

    try:
        proof = check.run(kit)
    except Failed as failed:
        made = row(FAILED, failed.expected, failed.observed, failed.evidence)
        return made, "no_birth" if check.name == FIRST else ""
    except NotApplicable as reason:
        return row(NOT_APPLICABLE, why=reason.why), ""
    except Interrupted:
        return row(NOT_RUN, why=say("second_hub")), "second_hub"
    except KeyboardInterrupt:
        return row(NOT_RUN, why=say("stopped")), "stopped"
    except NoBroker:
        return row(NOT_RUN, why=say("broker_gone")), "broker_gone"
    except (KeyError, TypeError, ValueError, AttributeError) as bug:
        # A payload of a form that no check foresaw: the panel's fault, and never the kit's end.
        log.warning("check could not read an answer", check=check.name, exc_info=True)
        return row(FAILED, say("readable"), say("unreadable", what=type(bug).__name__)), ""
    return row(PASSED, evidence=proof or ()), ""


def _row(
    check: Check,
    outcome: str,
    expected: Phrase | None,
    observed: Phrase | None,
    evidence: Sequence[Message],
    seconds: float,
    why: Phrase | None,
) -> dict[str, Any]:
    return {
        "check": check.name,
        "section": check.section,
        "severity": "must" if check.must else "should",
        "outcome": outcome,
        "expected": _phrase(expected),
        "observed": _phrase(observed),
        "why": _phrase(why),
        "seconds": round(seconds, 2),
        "evidence": [_evidence(m) for m in list(evidence)[:EVIDENCE]],
    }


def _phrase(phrase: Phrase | None) -> dict[str, Any] | None:
    return {"key": phrase.key, "values": phrase.values} if phrase else None


def _evidence(message: Message) -> dict[str, Any]:
    name = f"{message.leaf}/{message.name}" if message.name else message.leaf
    return {
        "at": clock.rfc3339(message.when),
        "topic": name,
        "retained": message.retained,
        "payload": short(message),
        "properties": properties(message),
    }


def _restore(kit: Kit) -> bool:
    """Say again what the panel had before, under a new number; take our pictures away."""
    messages = kit.bench.record.messages
    before = next((m for m in messages if m.leaf == "plan" and m.retained and m.body), None)
    if kit.memo.get("keys said"):
        if not kit.memo.get("keys back") and kit.memo.get("keys"):
            rev = kit.next_rev()
            raw = saying.dump(saying.key_set(kit.authority, kit.panel, rev, [kit.own_key()]))
            kit.bench.publish("keys", raw, jws=kit.sign(raw))
        old = next((m for m in messages if m.leaf == "keys" and m.retained and m.payload), None)
        kit.bench.publish(
            "keys", old.payload if old else b"", jws=old.user.get("jws", "") if old else ""
        )
    if kit.ours:
        body = dict(before.body or {}) if before else kit.plan([])
        rev = kit.next_rev()
        body |= {"plan_rev": rev, "id": f"{body.get('id', 'conform')}-again"[:100]}
        if not before:
            body["not_after"] = clock.rfc3339(clock.now() + timedelta(days=1))
        body["ts"] = clock.rfc3339(clock.now())
        sent = kit.say(body)
        taken = kit.wait(
            lambda m: m.leaf == "ack" and m["ref"] == rev and m["stage"] in ("stored", "rejected"),
            sent.since,
            kit.pace.answer,
        )
        restored = taken is not None and taken["stage"] == "stored"
    else:
        restored = True
    kept = {m.name for m in messages if m.leaf == "image" and m.retained and m.payload}
    for name in sorted(kit.images - kept):
        kit.bench.publish(f"image/{name}", b"")
    return restored


def _report(
    asked: Asked,
    kit: Kit,
    rows: list[dict[str, Any]],
    began: Any,
    trouble: str,
    restored: bool,
) -> dict[str, Any]:
    counts = {
        outcome: sum(row["outcome"] == outcome for row in rows)
        for outcome in (PASSED, FAILED, NOT_APPLICABLE, NOT_RUN)
    }
    failed = [row for row in rows if row["outcome"] == FAILED]
    conforms = not trouble and not any(row["severity"] == "must" for row in failed)
    births = [m.body for m in kit.bench.record.of("birth") if m.body]
    return {
        "v": 1,
        "kit": VERSION,
        "contract": 1,
        "began": clock.rfc3339(began),
        "ended": clock.rfc3339(clock.now()),
        "broker": asked.login.place,
        "authority": asked.authority,
        "panel": asked.panel,
        "quick": asked.quick,
        "conforms": conforms,
        "trouble": trouble,
        "restored": restored,
        "counts": counts,
        "messages": len(kit.bench.record.messages),
        "birth": dict(births[-1]) if births else None,
        "checks": rows,
    }
