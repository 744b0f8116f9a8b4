"""Sections 3 and 6: the panel obeys its own clock, the windows, the night and what preempts."""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, NotApplicable, check, say
from channels.panels.conform.kit import Kit, Sent, describe, names_of
from hub import clock

Proof = list[Message]
# Half a day from Paris: a panel that uses a zone of its own is seen at once.
FAR: str = "Pacific/Auckland"


@check("item-start", "3")
def item_start(kit: Kit) -> Proof:
    """Not before its start, and then by itself."""
    sent, start, _ = _timed(kit)
    early = [
        m
        for m in kit.bench.record.of("shown", sent.since, plan_rev=sent.rev)
        if "later" in names_of(m) and _ts(m) < start - timedelta(seconds=kit.pace.clock)
    ]
    if early:
        raise Failed(say("not_before", at=clock.rfc3339(start)), describe(early[0]), early)
    found = kit.wait_shown(
        sent, lambda m: "later" in names_of(m), say("starts", at=clock.rfc3339(start))
    )
    return [*kit.said(sent), found]


@check("item-end", "6", spoils=("expired-said", "never-late"))
def item_end(kit: Kit) -> Proof:
    """Gone at its end, without a word from the hub."""
    sent, _, end = _timed(kit)
    found = kit.wait_shown(
        sent,
        lambda m: "brief" not in names_of(m) and _ts(m) >= end - timedelta(seconds=kit.pace.clock),
        say("ends", at=clock.rfc3339(end)),
    )
    return [*kit.said(sent), found]


@check("expired-said", "5")
def expired_said(kit: Kit) -> Proof:
    """`expired` names the item, and comes when it ends."""
    sent, _, end = _timed(kit)
    found = kit.wait(
        lambda m: (
            m.leaf == "ack" and m["stage"] == "expired" and m["item"] == "conform-brief"
            and m["ref"] == sent.rev
        ),
        sent.since,
        kit.pace.answer,
    )  # fmt: skip
    if found is None:
        raise Failed(
            say("ack_item", stage="expired", item="conform-brief"),
            say("silence", s=kit.pace.answer),
            kit.said(sent),
        )
    late = (_ts(found) - end).total_seconds()
    if not -kit.pace.clock <= late <= kit.pace.clock + 1:
        raise Failed(say("ends", at=clock.rfc3339(end)), say("late", s=f"{late:.1f}"), [found])
    return [found]


@check("plan-void", "6")
def plan_void(kit: Kit) -> Proof:
    """At `not_after` the whole plan is void, undated items too."""
    end = clock.now() + timedelta(seconds=kit.pace.soon)
    sent = kit.show([saying.item("undated", start=None, end=None)], not_after=clock.rfc3339(end))
    found = kit.wait_shown(
        sent,
        lambda m: m["source"] == "fallback" and not names_of(m),
        say("void", at=clock.rfc3339(end)),
    )
    return [*kit.said(sent), found]


@check("undated", "3")
def undated(kit: Kit) -> Proof:
    """Without start and end an item is in force as long as the plan is."""
    sent = kit.show([saying.item("undated", start=None, end=None)])
    return [*kit.said(sent), kit.shows(sent, "undated")]


@check("empty", "6")
def empty(kit: Kit) -> Proof:
    """A plan without items is obeyed, and is no fallback."""
    kit.show([saying.item("filled")])
    sent = kit.show([])
    found = kit.shows(sent)
    if found["source"] != "plan":
        raise Failed(say("source", source="plan"), describe(found), [found])
    return [*kit.said(sent), found]


@check("windows", "3", spoils=("windows-zone", "windows-days"))
def windows(kit: Kit) -> Proof:
    """Inside its hours shown, outside not."""
    return _windowed(kit, saying.ZONE, _around(saying.ZONE), _later(saying.ZONE))


@check("windows-zone", "3")
def windows_zone(kit: Kit) -> Proof:
    """The hours are those of the plan's zone, not of the panel."""
    return _windowed(kit, FAR, _around(FAR), _around(saying.ZONE))


@check("windows-days", "3")
def windows_days(kit: Kit) -> Proof:
    """The days are ISO weekdays on which a window begins."""
    today = _local(saying.ZONE).isoweekday()
    near = {(today + n - 1) % 7 + 1 for n in (-1, 0, 1)}
    days = "".join(str(day) for day in range(1, 8) if day not in near)
    other = {"days": days, "from": "00:00", "to": "00:00"}
    return _windowed(kit, saying.ZONE, _around(saying.ZONE), other)


@check("preempt", "3")
def preempt(kit: Kit) -> Proof:
    """While something preempts, the others wait."""
    sent, _ = _preempted(kit)
    return [*kit.said(sent), kit.shows(sent, "alert", held=("calm",))]


@check("resume", "3", spoils=())
def resume(kit: Kit) -> Proof:
    """When it ends, the others come back by themselves."""
    sent, end = _preempted(kit)
    found = kit.wait_shown(
        sent,
        lambda m: names_of(m) == {"calm"} and _ts(m) >= end - timedelta(seconds=kit.pace.clock),
        say("items", items="calm", held="—"),
    )
    return [*kit.said(sent), found]


@check("night", "3", spoils=("night-except",))
def night(kit: Kit) -> Proof:
    """Dark in the night's hours, and said so."""
    sent = kit.show([saying.item("evening")], night=_night([]))
    found = kit.wait_shown(
        sent, lambda m: bool(m["dark"]) and "evening" not in names_of(m), say("dark")
    )
    return [*kit.said(sent), found]


@check("night-except", "3")
def night_except(kit: Kit) -> Proof:
    """What the night excepts stays lit."""
    sent = kit.show(
        [saying.item("waits"), saying.item("siren", kind="alert", priority=200)],
        night=_night(["alert"]),
    )
    found = kit.wait_shown(
        sent,
        lambda m: not m["dark"] and names_of(m) == {"siren"},
        say("items", items="siren", held="waits"),
    )
    return [*kit.said(sent), found]


@check("night-over", "3")
def night_over(kit: Kit) -> Proof:
    """Outside the night's hours the face is lit."""
    hour = _local(saying.ZONE)
    off, on = hour + timedelta(hours=2), hour + timedelta(hours=4)
    dark = [{"off": f"{off:%H:%M}", "on": f"{on:%H:%M}", "except": []}]
    sent = kit.show([saying.item("daylight")], night=dark)
    found = kit.wait_shown(
        sent, lambda m: not m["dark"] and names_of(m) == {"daylight"}, say("lit")
    )
    return [*kit.said(sent), found]


def _timed(kit: Kit) -> tuple[Sent, datetime, datetime]:
    """One plan for start, end and the word `expired`: said once."""
    if "timed" not in kit.memo:
        start = clock.now() + timedelta(seconds=kit.pace.soon)
        end = start + timedelta(seconds=kit.pace.soon / 2)
        sent = kit.show(
            [
                saying.item("stays"),
                saying.item("later", start=clock.rfc3339(start)),
                saying.item("brief", end=clock.rfc3339(end)),
            ]
        )
        if not {"stays", "brief"} <= names_of(
            kit.wait_shown(
                sent, lambda m: "brief" in names_of(m), say("items", items="brief", held="—")
            )
        ):
            raise NotApplicable(say("too_slow"))
        kit.memo["timed"] = (sent, start, end)
    return kit.memo["timed"]  # type: ignore[no-any-return]


def _preempted(kit: Kit) -> tuple[Sent, datetime]:
    if "preempted" not in kit.memo:
        end = clock.now() + timedelta(seconds=kit.pace.soon)
        alert = saying.item(
            "alert", activation="preempt", kind="alert", priority=200, end=clock.rfc3339(end)
        )
        kit.memo["preempted"] = (kit.say(kit.plan([saying.item("calm"), alert])), end)
    return kit.memo["preempted"]  # type: ignore[no-any-return]


def _windowed(kit: Kit, zone: str, inside: Any, outside: Any) -> Proof:
    sent = kit.show(
        [saying.item("open", windows=[inside]), saying.item("shut", windows=[outside])], tz=zone
    )
    found = kit.wait_shown(
        sent,
        lambda m: names_of(m) == {"open"},
        say("items", items="open", held="—"),
    )
    return [*kit.said(sent), found]


def _around(zone: str) -> dict[str, str]:
    """A window of two hours around now: past midnight it belongs to the day before."""
    now = _local(zone)
    begin, end = now - timedelta(hours=1), now + timedelta(hours=1)
    return {"days": str(begin.isoweekday()), "from": f"{begin:%H:%M}", "to": f"{end:%H:%M}"}


def _later(zone: str) -> dict[str, str]:
    now = _local(zone)
    begin, end = now + timedelta(hours=3), now + timedelta(hours=5)
    return {"days": "1234567", "from": f"{begin:%H:%M}", "to": f"{end:%H:%M}"}


def _night(kinds: list[str]) -> list[dict[str, Any]]:
    window = _around(saying.ZONE)
    return [{"off": window["from"], "on": window["to"], "except": kinds}]


def _local(zone: str) -> datetime:
    return clock.now().astimezone(ZoneInfo(zone))


def _ts(message: Message) -> datetime:
    return datetime.fromisoformat(str(message["ts"]))
