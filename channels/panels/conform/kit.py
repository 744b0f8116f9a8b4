"""The kit as the checks see it: it says things as the hub would, and waits for answers."""

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from channels.panels import jws
from channels.panels.conform import saying
from channels.panels.conform.bench import Bench, Message
from channels.panels.conform.check import Failed, NotApplicable, Phrase, say
from channels.panels.conform.saying import Body
from hub import clock


class Interrupted(Exception):
    """Another hub speaks to the panel: nothing that is seen from here on means anything."""


@dataclass(frozen=True, slots=True)
class Pace:
    """How long to wait, in seconds. `answer`: for what the contract wants at once over a modem
    link; `shown`: for a report that may be 10 s late; `back`: for a panel that reconnects after its
    random wait; `soon`: how far ahead the kit sets ends and starts; `image`: the contract's 10 s;
    `settle`: for what is there already, or must not come; `batch`: how old a batch of proof has to
    be to be closed by a return."""

    answer: float = 20.0
    shown: float = 25.0
    back: float = 150.0
    soon: float = 5.0
    image: float = 10.0
    clock: float = 2.0
    settle: float = 2.0
    batch: float = 65.0
    heartbeat: float = 0.0  # instead of what the birth says; 0: as it says


@dataclass(frozen=True, slots=True)
class Sent:
    """What was said, and where the record stood before it."""

    rev: int
    since: int
    payload: bytes
    body: Body


@dataclass
class Kit:
    """`key`: the 32 bytes that sign for the authority. `other`: a key the panel does not know."""

    bench: Bench
    authority: str
    panel: str
    key: bytes
    key_id: str
    pace: Pace
    client_ids: tuple[str, ...]
    stopped: threading.Event
    by_hand: Callable[[str], None] | None = None
    other: bytes = bytes(range(200, 232))
    rev: int = 0
    ours: set[bytes] = field(default_factory=set)
    memo: dict[str, Any] = field(default_factory=dict)
    images: set[str] = field(default_factory=set)

    @property
    def birth(self) -> Message:
        """The last one. Raises NotApplicable where there is none."""
        births = [m for m in self.bench.record.of("birth") if m.body]
        if not births:
            raise NotApplicable(say("no_birth"))
        return births[-1]

    def claims(self, field_name: str, *wanted: Any) -> Any:
        """What the birth says under this name, if it is (or holds) one of `wanted`."""
        value = self.birth[field_name]
        held = value if isinstance(value, list) else [value]
        if not value or (wanted and not set(wanted) & set(held)):
            raise NotApplicable(say("not_claimed", field=field_name, wanted=", ".join(wanted)))
        return value

    # What it says

    def next_rev(self) -> int:
        """Above all the panel ever reported and all the kit ever said."""
        known = [
            value
            for leaf, name in (("birth", "plan_rev"), ("shown", "plan_rev"), ("plan", "plan_rev"))
            for m in self.bench.record.of(leaf)
            if isinstance(value := m[name], int)
        ]
        self.rev = max(self.rev + 1, clock.unix_ms(), *[n + 1 for n in known], 1)
        return self.rev

    def sign(self, payload: bytes, key: bytes = b"", key_id: str = "") -> str:
        return jws.sign(payload, key or self.key, key_id or self.key_id)

    def own_key(self) -> Body:
        """The authority's public key as a set of keys names it."""
        return {"kid": self.key_id, "x": jws.b64(jws.public_of(self.key))}

    def plan(self, items: Sequence[Body], **more: Any) -> Body:
        """A plan under the next number, not yet said."""
        rev = more.pop("plan_rev", None) or self.next_rev()
        names = {"authority": self.authority, "panel": self.panel} | more
        return saying.plan(plan_rev=rev, items=items, **names)

    def say(self, body: Body, *, seal: str | None = None, payload: bytes | None = None) -> Sent:
        """Publish a plan, signed unless `seal` says otherwise."""
        self._alone()
        raw = saying.dump(body) if payload is None else payload
        since = self.bench.record.mark()
        self.ours.add(raw)
        self.bench.publish("plan", raw, jws=self.sign(raw) if seal is None else seal)
        return Sent(int(body.get("plan_rev", 0)), since, raw, body)

    def show(self, items: Sequence[Body], **more: Any) -> Sent:
        """Say a plan and wait until the panel reports it. Raises Failed."""
        sent = self.say(self.plan(items, **more))
        self.stored(sent)
        self.wait_shown(sent)
        return sent

    def stored(self, sent: Sent) -> Message:
        """Wait for the acknowledgement `stored`. Raises Failed."""
        answer = self._verdict(sent.since, sent.rev)
        wanted = say("ack", stage="stored", rev=sent.rev)
        if answer is None:
            raise Failed(wanted, say("silence", s=self.pace.answer), self.said(sent))
        if answer["stage"] != "stored":
            seen = say("ack_reason", stage=answer["stage"], reason=answer["reason"])
            raise Failed(wanted, seen, [*self.said(sent), answer])
        return answer

    def refused(self, sent: Sent, *reasons: str) -> list[Message]:
        """Wait for `rejected` with one of the reasons, nothing of it shown. Raises Failed."""
        wanted = say("refusal", reason=" / ".join(reasons))
        answer = self._verdict(sent.since, sent.rev)
        if answer is None:
            raise Failed(wanted, say("silence", s=self.pace.answer), self.said(sent))
        proof = [*self.said(sent), answer]
        if answer["stage"] != "rejected":
            raise Failed(wanted, say("ack", stage=answer["stage"], rev=answer["ref"]), proof)
        if answer["reason"] not in reasons:
            raise Failed(wanted, say("refusal", reason=answer["reason"]), proof)
        shown = self.bench.record.of("shown", sent.since, plan_rev=sent.rev)
        if shown and sent.rev != self.memo.get("good_rev"):
            raise Failed(wanted, say("shown_refused", rev=sent.rev), [*proof, *shown])
        return proof

    def command(self, body: Body, *, key: bytes = b"", seal: str | None = None) -> Sent:
        """Publish a command."""
        self._alone()
        raw = saying.dump(body)
        since = self.bench.record.mark()
        signature = self.sign(raw, key) if seal is None else seal
        self.bench.publish("cmd", raw, jws=signature, retain=False, expiry_s=60)
        return Sent(0, since, raw, body)

    def answered(self, sent: Sent, *stages: str) -> Message:
        """The last word of the panel on a command: `done` or `rejected`. Raises Failed."""
        name = sent.body["id"]
        answer = self.wait(
            lambda m: m.leaf == "ack" and m["cmd"] == name and m["stage"] in ("done", "rejected"),
            sent.since,
            self.pace.answer,
        )
        wanted = say("ack_cmd", stage=" / ".join(stages))
        if answer is None:
            raise Failed(wanted, say("silence", s=self.pace.answer), self.said(sent))
        word = answer["stage"] if answer["stage"] == "done" else answer["reason"]
        if word not in stages:
            raise Failed(wanted, say("ack_cmd", stage=word), [*self.said(sent), answer])
        return answer

    # What it waits for

    def wait(self, what: Callable[[Message], bool], since: int, seconds: float) -> Message | None:
        """The first such message, or None. Raises Interrupted."""
        end = clock.monotonic() + seconds
        while True:
            self._alone()
            if self.stopped.is_set():
                raise KeyboardInterrupt
            left = end - clock.monotonic()
            found = self.bench.record.wait(what, since, max(0.0, min(left, 1.0)))
            if found or left <= 0:
                return found

    def word(self, sent: Sent, stage: str, seconds: float = 0.0) -> Message | None:
        """The acknowledgement of a plan with this stage, or None after `seconds` (0: `answer`)."""
        return self.wait(
            lambda m: m.leaf == "ack" and m["ref"] == sent.rev and m["stage"] == stage,
            sent.since,
            seconds or self.pace.answer,
        )

    def wait_shown(
        self,
        sent: Sent,
        true: Callable[[Message], bool] | None = None,
        wanted: Phrase | None = None,
    ) -> Message:
        """Wait for `shown` of a plan, for which `true` holds. Raises Failed."""

        def right(m: Message) -> bool:
            return m.leaf == "shown" and m["plan_rev"] == sent.rev and (true is None or true(m))

        found = self.wait(right, sent.since, self.pace.shown)
        if found is None:
            last = self.bench.record.of("shown", sent.since)[-1:]
            seen = describe(last[0]) if last else say("silence", s=self.pace.shown)
            raise Failed(wanted or say("shown_plan", rev=sent.rev), seen, [*self.said(sent), *last])
        return found

    def shows(self, sent: Sent, *names: str, held: Sequence[str] = ()) -> Message:
        """Wait until exactly these items (without `conform-`) are shown, and `held` wait."""
        wanted = say("items", items=_listed(names), held=_listed(held))
        return self.wait_shown(
            sent,
            lambda m: names_of(m) == set(names) and set(held) <= names_of(m, held=True),
            wanted,
        )

    def look_again(self) -> list[Message]:
        """What the broker keeps for a newcomer: a second connection, for a moment."""
        other = Bench(self.bench.login, self.authority, self.panel)
        other.open()
        try:
            for leaf in ("birth", "presence", "shown"):
                other.record.wait(lambda m, leaf=leaf: m.leaf == leaf, 0, self.pace.settle)  # type: ignore[misc]
            other.record.wait(lambda _m: False, other.record.mark(), 0.2)  # what should not be
        finally:
            other.close()
        return [m for m in other.record.messages if m.retained]

    def said(self, sent: Sent) -> list[Message]:
        """The kit's own message as the broker gave it back: evidence."""
        return [m for m in self.bench.record.messages[sent.since :] if m.payload == sent.payload][
            :1
        ]

    def plans(self) -> list[Body]:
        """Every plan the kit said that was JSON."""
        return [
            dict(m.body) for m in self.bench.record.of("plan") if m.body and m.payload in self.ours
        ]

    def put_image(self, name: str, png: bytes) -> None:
        """Publish a picture, retained; it is taken away at the end."""
        self.images.add(name)
        self.bench.publish(f"image/{name}", png)

    def settle(self, seconds: float) -> None:
        """Let time pass for what must not happen. Raises Interrupted."""
        self.wait(lambda _m: False, self.bench.record.mark(), seconds)

    def _verdict(self, since: int, rev: int) -> Message | None:
        """`stored` or `rejected`, for this number or for a plan whose number cannot be read."""

        def final(m: Message) -> bool:
            about_plan = m.leaf == "ack" and m["cmd"] is None and m["keys_rev"] is None
            return about_plan and m["ref"] in (rev, None) and m["stage"] in ("stored", "rejected")

        return self.wait(final, since, self.pace.answer)

    def _alone(self) -> None:
        for message in self.bench.record.of("plan", self.memo.get("began", 0)):
            if not message.retained and message.payload and message.payload not in self.ours:
                raise Interrupted


def names_of(shown: Message, *, held: bool = False) -> set[str]:
    """The items a `shown` names, without the kit's own prefix; `held`: those that wait."""
    return {
        str(entry.get("item", "")).removeprefix("conform-")
        for entry in shown["items"] or ()
        if isinstance(entry, dict) and bool(entry.get("held")) == held
    }


def describe(shown: Message) -> Phrase:
    """A `shown` in words."""
    return say(
        "shown_seen",
        rev=shown["plan_rev"],
        source=shown["source"],
        items=_listed(names_of(shown)),
        held=_listed(names_of(shown, held=True)),
        dark=bool(shown["dark"]),
    )


def short(message: Message, most: int = 1200) -> str:
    """A payload for a report."""
    if message.leaf in ("frame", "image"):
        return f"PNG, {len(message.payload)} bytes"
    text = message.payload.decode("utf-8", "replace")
    return text if len(text) <= most else f"{text[:most]}…"


def properties(message: Message) -> str:
    return json.dumps(dict(message.user), ensure_ascii=False) if message.user else ""


def _listed(names: Sequence[str] | set[str]) -> str:
    return ", ".join(sorted(names)) or "—"
