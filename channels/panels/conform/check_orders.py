"""Commands (section 7) and sets of keys (section 4): once, in time, by the right key."""

import io
from datetime import timedelta
from typing import Final

from PIL import Image, UnidentifiedImageError

from channels.panels import jws
from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, NotApplicable, check, say
from channels.panels.conform.kit import Kit, Sent
from hub import clock

Proof = list[Message]
ORDERED: Final = ("cmd-done", "cmd-replay")


@check("cmd-done", "7")
def cmd_done(kit: Kit) -> Proof:
    """`resend_birth`: a birth, and `done`."""
    kit.claims("commands", "resend_birth")
    sent = kit.command(_order(kit, "resend_birth"))
    answer = kit.answered(sent, "done")
    found = kit.wait(lambda m: m.leaf == "birth", sent.since, kit.pace.answer)
    if found is None:
        raise Failed(say("birth_again"), say("silence", s=kit.pace.answer), [answer])
    kit.memo["ordered"] = sent
    return [*kit.said(sent), answer, found]


@check("cmd-replay", "7")
def cmd_replay(kit: Kit) -> Proof:
    """The same command again is refused."""
    kit.claims("commands", "resend_birth")
    first = kit.memo.get("ordered")
    if first is None:
        raise NotApplicable(say("no_command"))
    again = kit.command(first.body)
    return [*kit.said(again), kit.answered(again, "replay")]


@check("cmd-deadline", "7")
def cmd_deadline(kit: Kit) -> Proof:
    """After its deadline a command is not obeyed."""
    kit.claims("commands", "resend_birth")
    now = clock.now()
    sent = kit.command(
        _order(
            kit,
            "resend_birth",
            ts=clock.rfc3339(now - timedelta(seconds=90)),
            deadline=clock.rfc3339(now - timedelta(seconds=60)),
        )
    )
    return [*kit.said(sent), kit.answered(sent, "expired")]


@check("cmd-signature", "7")
def cmd_signature(kit: Kit) -> Proof:
    """A command by another key is refused."""
    kit.claims("commands")
    sent = kit.command(_order(kit, "resend_birth"), key=kit.other)
    return [*kit.said(sent), kit.answered(sent, "signature")]


@check("cmd-wrong-panel", "7")
def cmd_wrong_panel(kit: Kit) -> Proof:
    kit.claims("commands")
    body = saying.command(kit.authority, "another", "resend_birth")
    sent = kit.command(body)
    return [*kit.said(sent), kit.answered(sent, "wrong_panel")]


@check("cmd-unknown", "7")
def cmd_unknown(kit: Kit) -> Proof:
    """A word it does not know is refused as such, and harms nothing."""
    kit.claims("commands")
    sent = kit.command(_order(kit, "make_coffee"))
    return [*kit.said(sent), kit.answered(sent, "unsupported")]


@check("cmd-wants-nothing", "7")
def cmd_wants_nothing(kit: Kit) -> Proof:
    """After `reload` the plan is the same as before."""
    kit.claims("commands", "reload")
    before = kit.show([saying.item("wanted")])
    sent = kit.command(_order(kit, "reload"))
    answer = kit.answered(sent, "done")
    shown = [m for m in kit.look_again() if m.leaf == "shown"]
    if not shown or shown[-1]["plan_rev"] != before.rev:
        raise Failed(say("still", rev=before.rev), say("shown_other"), shown)
    return [answer, *shown]


@check("frame", "7", spoils=("frame-rate",))
def frame(kit: Kit) -> Proof:
    """`screenshot`: a PNG of the face with its hash, for that command."""
    kit.claims("commands", "screenshot")
    kit.show([saying.item("seen")])
    sent = kit.command(_order(kit, "screenshot"))
    kit.memo["screenshot"] = sent
    kit.answered(sent, "done")
    found = kit.wait(lambda m: m.leaf == "frame", sent.since, kit.pace.answer)
    if found is None:
        raise Failed(say("frame"), say("silence", s=kit.pace.answer), kit.said(sent))
    if found.problem:
        raise Failed(say("form", leaf="frame"), say("misfit", problem=found.problem), [found])
    if found.user.get("ref") != sent.body["id"]:
        raise Failed(
            say("frame_ref", ref=sent.body["id"]), say("names", rev=found.user.get("ref")), [found]
        )
    try:
        picture = Image.open(io.BytesIO(found.payload), formats=["PNG"])
        picture.load()
    except (UnidentifiedImageError, OSError, ValueError) as error:
        raise Failed(say("frame"), say("no_png"), [found]) from error
    size = (kit.birth["w_px"], kit.birth["h_px"])
    if None not in size and picture.size != size:
        raise Failed(
            say("size", w=size[0], h=size[1]),
            say("size", w=picture.width, h=picture.height),
            [found],
        )
    if found.user.get("hash") != saying.bitmap_hash(picture):
        raise Failed(
            say("values", values={"hash": saying.bitmap_hash(picture)}),
            say("values", values={"hash": found.user.get("hash")}),
            [found],
        )
    return [*kit.said(sent), found]


@check("frame-rate", "7")
def frame_rate(kit: Kit) -> Proof:
    """A second picture within a minute is refused: it would cost the month's data."""
    kit.claims("commands", "screenshot")
    first: Sent | None = kit.memo.get("screenshot")
    if first is None:
        raise NotApplicable(say("no_command"))
    sent = kit.command(_order(kit, "screenshot"))
    return [*kit.said(sent), kit.answered(sent, "busy")]


@check("keys-rotate", "4", spoils=("keys-revoke", "keys-replay"))
def keys_rotate(kit: Kit) -> Proof:
    """A new key, announced by the old one, is followed without a person at the panel."""
    _keyed(kit)
    rev = kit.next_rev()
    sent = _say_keys(kit, rev, [kit.own_key(), _new(kit)])
    found = _taken_keys(kit, sent, rev)
    kit.memo["keys"] = sent
    body = kit.plan([saying.item("new-key")])
    seal = jws.sign(saying.dump(body), kit.other, "conform-new")
    after = kit.say(body, seal=seal)
    kit.stored(after)
    return [*_heard(kit, sent), found, *kit.said(after), kit.shows(after, "new-key")]


@check("keys-replay", "4")
def keys_replay(kit: Kit) -> Proof:
    """An older set of keys, well signed, is refused."""
    first = _after_rotation(kit)
    rev = first.rev - 1
    sent = _say_keys(kit, rev, [kit.own_key()])
    return _refused_keys(kit, sent, rev, "replay")


@check("keys-signature", "4", spoils=("keys-revoke",))
def keys_signature(kit: Kit) -> Proof:
    """A set signed by a stranger is refused, though it names the stranger's key."""
    _keyed(kit)
    rev = kit.next_rev()
    stranger = bytes(range(100, 132))
    keys = [{"kid": "stranger", "x": jws.b64(jws.public_of(stranger))}]
    sent = _say_keys(kit, rev, keys, key=stranger, key_id="stranger")
    return _refused_keys(kit, sent, rev, "signature")


@check("keys-revoke", "4")
def keys_revoke(kit: Kit) -> Proof:
    """A key that the set no longer names signs nothing any more."""
    _after_rotation(kit)
    rev = kit.next_rev()
    sent = _say_keys(kit, rev, [kit.own_key()])
    _taken_keys(kit, sent, rev)
    kit.memo["keys back"] = True
    body = kit.plan([saying.item("bad")])
    late = kit.say(body, seal=jws.sign(saying.dump(body), kit.other, "conform-new"))
    return kit.refused(late, "signature")


def _order(kit: Kit, word: str, **more: str) -> saying.Body:
    return saying.command(kit.authority, kit.panel, word, **more)


def _keyed(kit: Kit) -> None:
    if kit.birth["keys_rev"] is None:
        raise NotApplicable(say("not_claimed", field="keys_rev", wanted=""))


def _after_rotation(kit: Kit) -> Sent:
    _keyed(kit)
    first = kit.memo.get("keys")
    if first is None:
        raise NotApplicable(say("no_keys"))
    return first  # type: ignore[no-any-return]


def _new(kit: Kit) -> saying.Body:
    return {"kid": "conform-new", "x": jws.b64(jws.public_of(kit.other))}


def _say_keys(
    kit: Kit, rev: int, keys: list[saying.Body], key: bytes = b"", key_id: str = ""
) -> Sent:
    body = saying.key_set(kit.authority, kit.panel, rev, keys)
    raw = saying.dump(body)
    since = kit.bench.record.mark()
    kit.memo["keys said"] = True
    kit.bench.publish("keys", raw, jws=kit.sign(raw, key, key_id))
    return Sent(rev, since, raw, body)


def _heard(kit: Kit, sent: Sent) -> Proof:
    return [m for m in kit.bench.record.of("keys", sent.since) if m.payload == sent.payload][:1]


def _keys_verdict(kit: Kit, sent: Sent, rev: int) -> Message:
    found = kit.wait(
        lambda m: m.leaf == "ack" and (m["keys_rev"], m["stage"]) in _last_words(rev),
        sent.since,
        kit.pace.answer,
    )
    if found is None:
        raise Failed(
            say("keys_answer", rev=rev), say("silence", s=kit.pace.answer), _heard(kit, sent)
        )
    return found


def _taken_keys(kit: Kit, sent: Sent, rev: int) -> Message:
    found = _keys_verdict(kit, sent, rev)
    if found["stage"] != "done":
        raise Failed(
            say("keys_taken", rev=rev),
            say("ack_reason", stage=found["stage"], reason=found["reason"]),
            [*_heard(kit, sent), found],
        )
    return found


def _refused_keys(kit: Kit, sent: Sent, rev: int, reason: str) -> Proof:
    found = _keys_verdict(kit, sent, rev)
    if found["stage"] != "rejected" or found["reason"] != reason:
        raise Failed(
            say("refusal", reason=reason),
            say("ack_reason", stage=found["stage"], reason=found["reason"]),
            [*_heard(kit, sent), found],
        )
    return [*_heard(kit, sent), found]


def _last_words(rev: int) -> set[tuple[int, str]]:
    """What a panel may say of a set: 0 where it does not trust what it cannot verify."""
    return {(rev, "done"), (rev, "rejected"), (0, "rejected")}
