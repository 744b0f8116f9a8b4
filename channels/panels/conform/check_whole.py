"""What holds for everything the panel said: forms, numbers, clock, heartbeat, proofs, faults."""

from datetime import datetime, timedelta
from itertools import pairwise

from channels.panels.conform.bench import UP, Message
from channels.panels.conform.check import Failed, NotApplicable, check, say
from channels.panels.conform.check_link import cut
from channels.panels.conform.kit import Kit
from hub import clock

Proof = list[Message]


@check("proof-batches", "5", slow=True, spoils=("proof-true",))
def proof_batches(kit: Kit) -> Proof:
    """Batches of proof come on return, numbered by one."""
    kit.claims("proof", "measured")
    if kit.birth["proof_batch"] is None:
        raise NotApplicable(say("not_claimed", field="proof_batch", wanted=""))
    found = kit.bench.record.of("proof") or _one_more_return(kit)
    if not found:
        raise Failed(say("proof"), say("nothing"))
    numbers: dict[int, Message] = {}
    for m in found:
        numbers.setdefault(int(m["batch"] or 0), m)
    ordered = sorted(numbers)
    gaps = [n for n in range(ordered[0], ordered[-1]) if n not in numbers]
    twice = [
        m
        for m in found
        if m.payload != numbers[int(m["batch"] or 0)].payload and _differs(m, numbers)
    ]
    if gaps or twice:
        raise Failed(
            say("gapless"), say("batches", batches=", ".join(str(m["batch"]) for m in found)), found
        )
    return found


@check("proof-true", "5")
def proof_true(kit: Kit) -> Proof:
    """Proofs name what the kit had shown, for no longer than it was wanted."""
    kit.claims("proof", "measured")
    found = [m for m in kit.bench.record.of("proof") if m["entries"]]
    ours = {
        (item["item"], page["hash"])
        for sent in kit.plans()
        for item in sent["items"]
        for page in item["pages"]
    }
    mine = [(m, e) for m in found for e in m["entries"] if (e.get("item"), e.get("hash")) in ours]
    if not mine:
        if kit.birth["proof_batch"] is None or not kit.bench.record.of("proof"):
            raise NotApplicable(say("no_proof"))
        raise Failed(say("proof_names"), say("nothing"), found)
    for m, entry in mine:
        seconds = float(entry["seconds"]) + float(entry.get("dark_s", 0))
        span = (_time(entry["to"]) - _time(entry["from"])).total_seconds()
        if seconds > span + 2:  # times are whole seconds
            raise Failed(say("proof_sums"), say("values", values=entry), [m])
    strangers = [
        (m, e)
        for m in found
        for e in m["entries"]
        if str(e.get("item", "")).startswith("conform-") and (e["item"], e.get("hash")) not in ours
    ]
    if strangers:
        raise Failed(say("proof_names"), say("values", values=strangers[0][1]), [strangers[0][0]])
    return [m for m, _ in mine]


@check("heartbeat", "2", slow=True)
def heartbeat(kit: Kit) -> Proof:
    """At least as often as the birth says; each minute where it says nothing."""
    period = kit.pace.heartbeat or float(kit.birth["heartbeat_s"] or 60)
    began = kit.bench.record.mark()
    beats = [m for m in kit.bench.record.of("hb") if m.body]
    if len(beats) < 2:
        kit.wait(lambda m: m.leaf == "hb", began, period * 1.5 + 2)
        kit.wait(lambda m: m.leaf == "hb", kit.bench.record.mark(), period * 1.5 + 2)
        beats = [m for m in kit.bench.record.of("hb") if m.body]
    if len(beats) < 2:
        raise Failed(say("beats", s=period), say("beats_seen", n=len(beats)), beats)
    pairs = pairwise(beats)
    gaps = [(b.at - a.at, b) for a, b in pairs if a["session"] == b["session"]]
    worst = max(gaps, default=(0.0, beats[-1]), key=lambda gap: gap[0])
    if worst[0] > period * 1.5 + 2:
        raise Failed(say("beats", s=period), say("late", s=f"{worst[0]:.0f}"), [worst[1]])
    return beats[-3:]


@check("forms", "2")
def forms(kit: Kit) -> Proof:
    """Every message fits its schema."""
    wrong = [m for m in kit.bench.record.messages if m.problem]
    if wrong:
        raise Failed(
            say("form", leaf=wrong[0].leaf), say("misfit", problem=wrong[0].problem), wrong[:5]
        )
    return []


@check("numbers", "2")
def numbers(kit: Kit) -> Proof:
    """(session, seq) rises with every message."""
    last: Message | None = None
    for m in _told(kit):
        if m.leaf == "presence" and m["state"] == "lost":
            continue
        if last and (m["session"], m["seq"]) <= (last["session"], last["seq"]):
            raise Failed(
                say("numbers_above", session=last["session"], seq=last["seq"]),
                say("numbers", session=m["session"], seq=m["seq"]),
                [last, m],
            )
        last = m
    return []


@check("clock", "1")
def panel_clock(kit: Kit) -> Proof:
    """The panel's clock is right within a second; two with the way of the message."""
    kit.claims("clock")
    if not (kit.birth["clock"] or {}).get("sure"):
        raise NotApplicable(say("clock_unsure"))
    late = [(m, (m.when - _time(m["ts"])).total_seconds()) for m in _told(kit) if _is_prompt(m)]
    wrong = [(m, s) for m, s in late if not -kit.pace.clock <= s <= kit.pace.clock + 3]
    if wrong:
        m, s = max(wrong, key=lambda pair: abs(pair[1]))
        raise Failed(say("clock"), say("clock_off", s=f"{-s:.1f}"), [m])
    return []


@check("calm", "5", must=False)
def calm(kit: Kit) -> Proof:
    """`shown` comes on a change and not with every page: a modem pays for each."""
    last: Message | None = None
    for m in kit.bench.record.of("shown"):
        if m.retained or not m.body:
            continue
        same = last is not None and all(
            m[name] == last[name]
            for name in ("session", "plan_rev", "source", "dark", "face_dark", "items")
        )
        if same and last is not None and not _asked(kit, last, m):
            raise Failed(say("calm"), say("shown_twice"), [last, m])
        last = m
    return []


@check("fault-form", "2")
def fault_form(kit: Kit) -> Proof:
    """A fault is retained under its own code."""
    found = [m for m in kit.bench.record.of("fault") if m.payload]
    if not found:
        raise NotApplicable(say("none_seen", leaf="fault"))
    for m in found:
        if m.problem:
            raise Failed(say("form", leaf="fault"), say("misfit", problem=m.problem), [m])
        if m["code"] != m.name:
            raise Failed(
                say("values", values={"code": m.name}),
                say("values", values={"code": m["code"]}),
                [m],
            )
    return found


@check("sleep-until", "2")
def sleep_until(kit: Kit) -> Proof:
    """Who sleeps says until when."""
    found = kit.bench.record.of("presence", state="sleeping")
    if not found:
        raise NotApplicable(say("none_seen", leaf="presence sleeping"))
    for m in found:
        if m["until"] is None:
            raise Failed(say("sleep_until"), say("lacks", fields="until"), [m])
    return found


@check("never-late", "6")
def never_late(kit: Kit) -> Proof:
    """In all the time, no report named an item after its end."""
    ends = {
        (sent["plan_rev"], item["item"]): _time(item["end"])
        for sent in kit.plans()
        for item in sent["items"]
        if "end" in item
    }
    for m in kit.bench.record.of("shown"):
        for entry in m["items"] or ():
            end = ends.get((m["plan_rev"], entry.get("item")))
            if end and _time(m["ts"]) > end + timedelta(seconds=kit.pace.clock):
                raise Failed(say("ends", at=clock.rfc3339(end)), say("shown_late"), [m])
    return []


def _one_more_return(kit: Kit) -> Proof:
    """A batch that is too young is not closed by a return: wait, and cut the line once more."""
    began = kit.bench.record.messages[0].at
    kit.settle(max(0.0, kit.pace.batch - (clock.monotonic() - began)))
    cut(kit, "for proof")
    kit.wait(lambda m: m.leaf == "proof", 0, kit.pace.answer)
    return kit.bench.record.of("proof")


def _told(kit: Kit) -> Proof:
    """What the panel said while the kit listened."""
    return [
        m
        for m in kit.bench.record.messages
        if m.leaf in UP and m.leaf != "frame" and m.body and not m.retained and not m.problem
    ]


def _asked(kit: Kit, one: Message, other: Message) -> bool:
    """Whether a command made the panel say it again, or somebody else's picture appeared."""
    between = kit.bench.record.messages[one.n : other.n]
    return any(m.leaf in ("cmd", "fault") for m in between) or one["hash"] != other["hash"]


def _is_prompt(message: Message) -> bool:
    """Proofs and acknowledgements may have waited for the line; a will was written before."""
    return message.leaf in ("shown", "hb", "birth")


def _differs(message: Message, numbers: dict[int, Message]) -> bool:
    return bool(message["entries"] != numbers[int(message["batch"] or 0)]["entries"])


def _time(text: object) -> datetime:
    return datetime.fromisoformat(str(text))
