"""What faces prove they showed: batches, each counted once, in whatever order they come.

A panel numbers its batches without a gap and keeps them until the broker has them, so a week
offline arrives later and lands on its own days; a number that never comes is a gap, and is shown.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import case
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import Session, col, select

from hub import clock, registry
from hub.contracts import Report
from hub.incidents import Incidents
from hub.models import Authority, DisplayRow, Outlet, PanelRow, Play, ToldPage

# Runs kept apart; beyond, the oldest holes are closed up.
_MOST_RUNS: Final = 200
# An entry cannot have been played longer than it lasted, nor after it was heard of.
_SLACK: Final = timedelta(minutes=2)
Run = list[Any]


@dataclass(frozen=True, slots=True)
class Batch:
    """A batch of proof with whom it speaks of."""

    outlet: Outlet
    row: DisplayRow
    panel: PanelRow
    report: Report


@dataclass(frozen=True, slots=True)
class Gap:
    """Batches that never came: nothing is known of this time."""

    first: int
    last: int
    start: datetime
    end: datetime


def gaps(proved: Sequence[Run]) -> list[Gap]:
    """The holes between the runs of a panel."""
    return [
        Gap(before[1] + 1, after[0] - 1, _at(before[3]), _at(after[2]))
        for before, after in pairwise(proved)
    ]


def has(proved: Sequence[Run], number: int) -> bool:
    return any(first <= number <= last for first, last, _, _ in proved)


def with_batch(proved: Sequence[Run], number: int, start: str, end: str) -> list[Run]:
    """The runs with one more batch; neighbours grow together."""
    runs: list[Run] = []
    for run in sorted([*map(list, proved), [number, number, start, end]], key=lambda r: int(r[0])):
        if runs and runs[-1][1] + 1 >= run[0]:
            runs[-1][1] = max(runs[-1][1], run[1])
            runs[-1][3] = max(runs[-1][3], run[3])
        else:
            runs.append(run)
    while len(runs) > _MOST_RUNS:
        runs[0] = [runs[0][0], runs[1][1], runs[0][2], runs[1][3]]
        del runs[1]
    return runs


def after_birth(proved: list[Run], birth: Mapping[str, Any]) -> list[Run]:
    """A panel that counts its next batch from an older number lost its memory, or is another
    device: its batches are new ones."""
    following = birth.get("proof_batch")
    return [] if following and proved and int(following) <= int(proved[-1][1]) else proved


def write(session: Session, batches: Sequence[Batch], incidents: Incidents) -> None:
    """Count every batch that was not counted before."""
    fresh = [batch for batch in batches if _take(batch)]
    if not fresh:
        return
    zones = _zones(session, {batch.outlet.authority_id for batch in fresh})
    told = _told(session, fresh)
    plays: dict[tuple[Any, ...], dict[str, Any]] = {}
    for batch in fresh:
        report, row = batch.report, batch.row
        strange = ""
        for entry in report.body.get("entries", ()):
            known = (str(entry["pub"]), int(entry["rev"]), str(entry["hash"])) in told
            strange = strange or ("" if known else str(entry["hash"]))
            _add(plays, batch, entry, zones[row.authority_id], known)
        if strange:
            incidents.begin(
                row.authority_id, row.outlet_id, "proof_unknown", report.received, hash=strange
            )
        else:
            incidents.over(row.outlet_id, "proof_unknown", report.received)
        if gaps(batch.panel.proved):
            incidents.begin(
                row.authority_id, row.outlet_id, "proof_gap", report.received,
                batches=sum(gap.last - gap.first + 1 for gap in gaps(batch.panel.proved)),
            )  # fmt: skip
        else:
            incidents.over(row.outlet_id, "proof_gap", report.received)
        session.add(batch.panel)
    if plays:
        _upsert(session, list(plays.values()))


def _take(batch: Batch) -> bool:
    """False for a batch that was counted before."""
    body, panel = batch.report.body, batch.panel
    number = int(body["batch"])
    if has(panel.proved, number):
        return False
    entries = body.get("entries", ())
    start = body.get("from") or min((e["from"] for e in entries), default=body["ts"])
    end = body.get("to") or max((e["to"] for e in entries), default=body["ts"])
    panel.proved = with_batch(panel.proved, number, _text(start), _text(end))
    panel.proved_at = batch.report.received
    return True


def _add(
    plays: dict[tuple[Any, ...], dict[str, Any]],
    batch: Batch,
    entry: dict[str, Any],
    zone: ZoneInfo,
    known: bool,
) -> None:
    limit = batch.report.received + _SLACK
    start, end = min(_at(entry["from"]), limit), min(_at(entry["to"]), limit)
    end = max(start, end)
    room = (end - start).total_seconds() + _SLACK.total_seconds()
    lit, dark = float(entry["seconds"]), float(entry.get("dark_s") or 0)
    key = (
        batch.row.outlet_id, str(entry["pub"]), int(entry["rev"]), str(entry["hash"]),
        start.astimezone(zone).date().isoformat(),
    )  # fmt: skip
    play = plays.get(key)
    if play is None:
        play = plays[key] = dict(
            zip(("outlet_id", "publication_id", "revision", "hash", "day"), key, strict=True)
        )
        play |= {
            "authority_id": batch.row.authority_id, "start": start, "end": end, "plays": 0,
            "seconds": 0.0, "dark_s": 0.0, "known": known, "sealed": _sealed(batch),
            "inferred": batch.row.birth.get("proof") == "inferred",
        }  # fmt: skip
    play["start"], play["end"] = min(play["start"], start), max(play["end"], end)
    play["plays"] += int(entry["plays"])
    play["seconds"] += min(lit, room)
    play["dark_s"] += min(dark, room)


def _sealed(batch: Batch) -> bool:
    """Whether the device signed the batch with the key that it is known by."""
    if not batch.report.seal:
        return False
    key = str(batch.outlet.options.get("device_key") or "")
    key = key or str((batch.row.birth.get("device_key") or {}).get("x") or "")
    kind = registry.channel(batch.outlet.kind)
    return bool(key) and bool(kind.sealed(batch.report.raw, batch.report.seal, key))


def _upsert(session: Session, rows: list[dict[str, Any]]) -> None:
    insert: Any
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    rows.sort(key=lambda r: (r["outlet_id"], r["publication_id"], r["revision"], r["hash"]))
    statement = insert(Play)
    new = statement.excluded
    start, end = col(Play.start), col(Play.end)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["outlet_id", "publication_id", "revision", "hash", "day"],
            set_={
                "start": case((new.start < start, new.start), else_=start),
                "end": case((new.end > end, new.end), else_=end),
                "plays": col(Play.plays) + new.plays,
                "seconds": col(Play.seconds) + new.seconds,
                "dark_s": col(Play.dark_s) + new.dark_s,
                "known": col(Play.known) & new.known,
                "sealed": col(Play.sealed) & new.sealed,
                "inferred": col(Play.inferred) | new.inferred,
            },
        ),
        rows,
    )


def _told(session: Session, batches: Sequence[Batch]) -> set[tuple[str, int, str]]:
    named = {str(e["hash"]) for b in batches for e in b.report.body.get("entries", ())}
    if not named:
        return set()
    rows = session.exec(
        select(ToldPage.publication_id, ToldPage.revision, ToldPage.hash).where(
            col(ToldPage.hash).in_(sorted(named))
        )
    )
    return {(publication, revision, key) for publication, revision, key in rows}


def _zones(session: Session, ids: set[int]) -> dict[int, ZoneInfo]:
    rows = session.exec(
        select(Authority.id, Authority.timezone).where(col(Authority.id).in_(sorted(ids)))
    )
    return {key or 0: ZoneInfo(zone) for key, zone in rows}


def _at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _text(text: str) -> str:
    """RFC 3339 in one form, so that texts compare as moments do."""
    return clock.rfc3339(_at(text))
