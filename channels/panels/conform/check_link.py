"""Sections 2 and 6: the will, sessions, the way back, and a broker that forgets.

The panel's connection is cut by connecting under its client id (MQTT 5 section 3.1.4), or by the
person at the panel where the broker does not allow that.
"""

from collections.abc import Callable
from dataclasses import dataclass

from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, NotApplicable, Phrase, check, say
from channels.panels.conform.kit import Kit, Sent, describe

Proof = list[Message]
Test = Callable[[Message], bool]
WILL_SEQ = 2**31 - 1


@check("forgotten-plan", "5")
def forgotten_plan(kit: Kit) -> Proof:
    """An empty message on `plan` is a broker that forgot, not a plan."""
    sent = kit.show([saying.item("kept")])
    since = kit.bench.record.mark()
    kit.bench.publish("plan", b"")
    kit.settle(kit.pace.settle)
    wrong = [
        m
        for m in kit.bench.record.of("shown", since)
        if m["plan_rev"] != sent.rev or not m["items"]
    ]
    wrong += kit.bench.record.of("ack", since, stage="rejected")
    if wrong:
        raise Failed(say("still", rev=sent.rev), _seen(wrong[0]), wrong)
    late = [m for m in kit.look_again() if m.leaf == "shown"]
    if not late or late[-1]["plan_rev"] != sent.rev or not late[-1]["items"]:
        raise Failed(say("still", rev=sent.rev), say("shown_other"), late)
    return [*kit.said(sent), *late]


@check("will", "2")
def will(kit: Kit) -> Proof:
    """When the line is cut the broker says `lost`, with the session and the highest number."""
    made = cut(kit)
    found = made.lost
    if found is None:
        raise Failed(say("will"), say("silence", s=kit.pace.settle))
    good = found["session"] == made.session and found["seq"] == WILL_SEQ
    if not good:
        raise Failed(
            say("will_numbers", session=made.session, seq=WILL_SEQ),
            say("numbers", session=found["session"], seq=found["seq"]),
            [found],
        )
    return [found]


@check("return", "6", spoils=("session-rises", "return-shown", "return-plan"))
def back(kit: Kit) -> Proof:
    """It comes back by itself, and says birth and presence anew."""
    made = cut(kit)
    lacking = [leaf for leaf in ("birth", "presence", "shown") if leaf not in made.back]
    if lacking:
        raise Failed(say("back"), say("lacks", fields=", ".join(lacking)), list(made.back.values()))
    return list(made.back.values())


@check("session-rises", "2", spoils=("will", "numbers", "calm"))
def session_rises(kit: Kit) -> Proof:
    """A connection later has a higher session."""
    made = cut(kit)
    birth = made.first("birth")
    if birth["session"] <= made.session:
        raise Failed(
            say("session_above", session=made.session),
            say("numbers", session=birth["session"], seq=birth["seq"]),
            [birth],
        )
    return [birth]


@check("return-plan", "6", spoils=("return-birth", "return-shown"))
def return_plan(kit: Kit) -> Proof:
    """A plan that was said while it was away is in force when it is back."""
    made = cut(kit)
    made.first("birth")
    sent = made.sent
    if sent is None:
        raise NotApplicable(say("not_cut"))
    kit.stored(sent)
    return [*kit.said(sent), kit.shows(sent, "while-away")]


@check("return-birth", "6", must=False)
def return_birth(kit: Kit) -> Proof:
    """The retained plan is taken before the birth, which names it."""
    made = cut(kit)
    birth = made.first("birth")
    if birth["plan_rev"] != made.rev:
        raise Failed(say("birth_names", rev=made.rev), say("names", rev=birth["plan_rev"]), [birth])
    return [birth]


@check("return-shown", "6", spoils=("return",))
def return_shown(kit: Kit) -> Proof:
    """Back without a new plan, it says again what it shows."""
    made = cut(kit, "again")
    made.first("birth")
    if "shown" not in made.back:
        raise Failed(
            say("shown_plan", rev=made.rev), say("silence", s=kit.pace.shown),
            list(made.back.values()),
        )  # fmt: skip
    shown = made.back["shown"]
    if shown["plan_rev"] != made.rev:
        raise Failed(say("shown_plan", rev=made.rev), describe(shown), [shown])
    return [shown]


@dataclass(frozen=True, slots=True)
class Cut:
    """A line that was cut: the session before, the will, what was said meanwhile (None: nothing),
    the plan that is wanted then, the first messages of the panel that came back."""

    session: int
    lost: Message | None
    sent: Sent | None
    rev: int
    back: dict[str, Message]

    def first(self, leaf: str) -> Message:
        if leaf not in self.back:
            raise NotApplicable(say("not_back"))
        return self.back[leaf]


def cut(kit: Kit, name: str = "cut") -> Cut:
    """Cut the line once under each name, and see what comes. Raises NotApplicable."""
    if name not in kit.memo:
        kit.memo[name] = None  # whatever happens, it is not tried twice
        kit.memo[name] = _do_cut(kit, again=name != "cut")
    made: Cut | None = kit.memo[name]
    if made is None:
        raise NotApplicable(say("not_cut"))
    return made


def _do_cut(kit: Kit, *, again: bool) -> Cut | None:
    before = cut(kit).rev if again else kit.show([saying.item("before")]).rev
    session = max((int(m["session"] or 0) for m in kit.bench.record.messages), default=0)
    since = kit.bench.record.mark()
    sent: list[Sent] = []

    lost: list[Message] = []

    def say_it() -> None:
        if not again:
            sent.append(kit.say(kit.plan([saying.item("while-away")])))

    def gone() -> bool:
        """Whether the panel's own connection ended; if so, it misses a plan."""
        if will := kit.wait(_is_lost, since, kit.pace.settle):
            lost.append(will)
        elif not kit.wait(_is_new(session), since, kit.pace.settle):
            return False
        say_it()
        return True

    for client_id in kit.client_ids:
        if kit.bench.take_over(client_id, gone):
            kit.client_ids = (client_id,)
            break
    else:
        if kit.by_hand is None:
            return None
        kit.by_hand("cut")
        if will := kit.wait(_is_lost, since, 300):
            lost.append(will)
        say_it()
        kit.by_hand("mend")
    back: dict[str, Message] = {}
    for leaf in ("birth", "presence", "shown"):
        seconds = kit.pace.shown if back else kit.pace.back
        found = kit.wait(_is_back(leaf, lost), since, seconds)
        if found is None:
            break
        back[leaf] = found
    return Cut(session, lost[0] if lost else None, *_said(sent, before), back)


def _said(sent: list[Sent], before: int) -> tuple[Sent | None, int]:
    return (sent[0], sent[0].rev) if sent else (None, before)


def _is_lost(message: Message) -> bool:
    return message.leaf == "presence" and message["state"] == "lost"


def _is_new(session: int) -> Test:
    return lambda m: m.leaf == "birth" and (m["session"] or 0) > session


def _is_back(leaf: str, lost: list[Message]) -> Test:
    after = lost[0].n if lost else -1
    return lambda m: m.n > after and m.leaf == leaf and m["state"] != "lost"


def _seen(message: Message) -> Phrase:
    if message.leaf == "shown":
        return describe(message)
    return say("ack_reason", stage=message["stage"], reason=message["reason"])
