"""Sections 2 and 5: who the panel is, and whether it takes, shows and acknowledges a plan."""

from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, NotApplicable, check, say
from channels.panels.conform.kit import Kit, Sent, describe

Proof = list[Message]


@check("birth", "2")
def birth(kit: Kit) -> Proof:
    """There, and as birth.json has it."""
    found = kit.wait(lambda m: m.leaf == "birth" and bool(m.payload), 0, kit.pace.answer)
    if found is None:
        raise Failed(say("retained", leaf="birth"), say("silence", s=kit.pace.answer))
    if found.problem:
        raise Failed(say("form", leaf="birth"), say("misfit", problem=found.problem), [found])
    return [found]


@check("birth-face", "2", must=False)
def birth_face(kit: Kit) -> Proof:
    """What a compiler needs: formats, and dots where pictures are drawn."""
    found = kit.birth
    formats = found["formats"] or []
    lacking = [] if "text" in formats or found["modes"] else ["formats"]
    if found["modes"]:
        lacking += [name for name in ("w_px", "h_px") if not found[name]]
    lacking += [name for name in ("serial", "fw", "glyphs", "clock") if found[name] is None]
    if lacking:
        raise Failed(say("fields", leaf="birth"), say("lacks", fields=", ".join(lacking)), [found])
    return [found]


@check("presence", "2")
def presence(kit: Kit) -> Proof:
    """Retained `ready` (or `alert`) of the session that the birth names."""
    kit.wait(lambda m: m.leaf == "presence", 0, kit.pace.answer)
    found = kit.bench.record.of("presence")[-1:]
    if not found:
        raise Failed(say("retained", leaf="presence"), say("silence", s=kit.pace.answer))
    last = found[-1]
    if last["state"] not in ("ready", "alert", "sleeping"):
        raise Failed(say("presence_ready"), say("presence_is", state=last["state"]), found)
    if last["session"] != kit.birth["session"]:
        raise Failed(
            say("same_session"),
            say("sessions", one=kit.birth["session"], other=last["session"]),
            [kit.birth, *found],
        )
    return found


@check("plan-stages", "5")
def plan_stages(kit: Kit) -> Proof:
    """received, verified, stored, displayed: each, in this order."""
    sent = kit.show([saying.item("first", saying.page("TEST", "1"))])
    kit.memo["first"] = sent
    kit.memo["good_rev"] = sent.rev
    kit.word(sent, "displayed")
    acks = kit.bench.record.of("ack", sent.since, ref=sent.rev)
    stages = [m["stage"] for m in acks]
    wanted = ["received", "verified", "stored", "displayed"]
    if stages != wanted:
        raise Failed(
            say("stages", stages=", ".join(wanted)),
            say("stages", stages=", ".join(map(str, stages)) or "—"),
            [*kit.said(sent), *acks],
        )
    return [*kit.said(sent), *acks]


@check("displayed", "5", spoils=("image",))
def displayed(kit: Kit) -> Proof:
    """`displayed` names item, publication, revision, and the hash of a page of the item."""
    sent = _first(kit)
    acks = kit.bench.record.of("ack", sent.since, ref=sent.rev, stage="displayed")
    if not acks:
        raise Failed(say("ack", stage="displayed", rev=sent.rev), say("nothing"), kit.said(sent))
    told = {name: acks[0][name] for name in ("item", "pub", "rev", "hash")}
    (item,) = sent.body["items"]
    wanted = {name: item[name] for name in ("item", "pub", "rev")}
    wanted["hash"] = item["pages"][0]["hash"]
    if told != wanted:
        raise Failed(say("values", values=wanted), say("values", values=told), acks)
    return acks


@check("shown", "5")
def shown(kit: Kit) -> Proof:
    """`shown` names plan, source, items and the page on the face."""
    sent = _first(kit)
    found = kit.bench.record.of("shown", sent.since, plan_rev=sent.rev)
    if not found:
        raise Failed(say("shown_plan", rev=sent.rev), say("nothing"), kit.said(sent))
    last = found[-1]
    (item,) = sent.body["items"]
    named = [(e.get("item"), e.get("pub"), e.get("rev")) for e in last["items"] or ()]
    page = last["page"] or {}
    good = (
        named == [(item["item"], item["pub"], item["rev"])]
        and last["source"] == "plan"
        and page.get("hash") == item["pages"][0]["hash"]
    )
    if not good:
        raise Failed(say("shown_item", item=item["item"]), describe(last), found)
    return found


@check("shown-retained", "2", spoils=("presence",))
def shown_retained(kit: Kit) -> Proof:
    """Birth, presence and shown wait on the broker for a hub that comes later."""
    _first(kit)
    late = kit.look_again()
    lacking = [
        leaf for leaf in ("birth", "presence", "shown") if not any(m.leaf == leaf for m in late)
    ]
    if lacking:
        raise Failed(
            say("retained", leaf="birth, presence, shown"),
            say("not_retained", leaf=", ".join(lacking)),
        )
    wrong = [m for m in late if m.leaf in ("ack", "hb", "proof", "frame")]
    if wrong:
        raise Failed(
            say("not_kept"), say("is_retained", leaf=", ".join(sorted({m.leaf for m in wrong}))),
            wrong,
        )  # fmt: skip
    return [m for m in late if m.leaf in ("birth", "presence", "shown")]


@check("superseded", "5")
def superseded(kit: Kit) -> Proof:
    """The plan before says goodbye once the new one is stored."""
    before = _first(kit)
    sent = kit.show([saying.item("second", saying.page("TEST", "2"))])
    kit.memo["good"], kit.memo["good_rev"] = sent, sent.rev
    found = kit.wait(
        lambda m: m.leaf == "ack" and m["stage"] == "superseded" and m["ref"] == before.rev,
        sent.since,
        kit.pace.answer,
    )
    if found is None:
        raise Failed(
            say("ack", stage="superseded", rev=before.rev),
            say("silence", s=kit.pace.answer),
            kit.said(sent),
        )
    return [*kit.said(sent), found]


@check("update", "3")
def update(kit: Kit) -> Proof:
    """A new revision replaces the old one under the same item."""
    kit.show([saying.item("news", saying.page("TEST", "OLD"))])
    sent = kit.show([saying.item("news", saying.page("TEST", "NEW"), rev=2)])
    found = kit.wait_shown(
        sent,
        lambda m: [e.get("rev") for e in m["items"] or ()] == [2],
        say("items_rev", item="news", rev=2),
    )
    return [*kit.said(sent), found]


@check("cancel", "3")
def cancel(kit: Kit) -> Proof:
    """What the next plan does not name is gone."""
    kit.show([saying.item("stays"), saying.item("goes")])
    sent = kit.show([saying.item("stays")])
    return [*kit.said(sent), kit.shows(sent, "stays")]


@check("repeat", "5")
def repeat(kit: Kit) -> Proof:
    """The same bytes again are no replay and change nothing."""
    sent = kit.show([saying.item("again")])
    since = kit.bench.record.mark()
    kit.bench.publish("plan", sent.payload, jws=kit.sign(sent.payload))
    # What comes after it is answered after it: nothing has to be waited for in vain.
    then = kit.show([saying.item("after")])
    words = [
        m
        for m in kit.bench.record.of("ack", since, ref=sent.rev)
        if m["stage"] in ("rejected", "stored", "received", "displayed")
    ]
    if words:
        raise Failed(say("ignored"), say("ack", stage=words[0]["stage"], rev=sent.rev), words)
    return kit.said(then)


@check("unknown-fields", "3")
def unknown_fields(kit: Kit) -> Proof:
    """What this version does not name is ignored: later versions grow by it."""
    page = saying.page("TEST", "PLUS", effect="none")
    item = saying.item("plus", page, future={"a": [1]})
    sent = kit.say(kit.plan([item], future="2", brightness_policy={"mode": "photocell"}))
    kit.stored(sent)
    return [*kit.said(sent), kit.shows(sent, "plus")]


def _first(kit: Kit) -> Sent:
    sent = kit.memo.get("first")
    if sent is None:
        raise NotApplicable(say("no_first_plan"))
    return sent  # type: ignore[no-any-return]
