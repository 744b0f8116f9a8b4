"""Sections 4 and 5: what must not be shown is refused, with the right word, and changes nothing."""

from channels.panels import jws
from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, NotApplicable, check, say
from channels.panels.conform.kit import Kit, Sent, names_of

Proof = list[Message]


@check("signature-other", "4", spoils=("signature-order", "refusals-change-nothing", "keys-revoke"))
def signature_other(kit: Kit) -> Proof:
    """By another key, that the header itself carries."""
    raw = _bad(kit)
    seal = jws.sign(saying.dump(raw), kit.other, kit.key_id)
    return kit.refused(kit.say(raw, seal=seal), "signature")


@check("signature-none", "4", spoils=("refusals-change-nothing",))
def signature_none(kit: Kit) -> Proof:
    return kit.refused(kit.say(_bad(kit), seal=""), "signature")


@check("signature-alg", "4", spoils=("refusals-change-nothing",))
def signature_alg(kit: Kit) -> Proof:
    """A header that says `alg: none` is no signature."""
    return kit.refused(kit.say(_bad(kit), seal=saying.unsigned_jws()), "signature")


@check("changed-byte", "4", spoils=("refusals-change-nothing",))
def changed_byte(kit: Kit) -> Proof:
    """One letter changed after signing, with a hash that fits it."""
    body = _bad(kit)
    signed = saying.dump(body)
    body["items"][0]["pages"] = [saying.page("TOST", "BAD")]
    return kit.refused(kit.say(body, seal=kit.sign(signed)), "signature")


@check("signature-order", "4")
def signature_order(kit: Kit) -> Proof:
    """The signature is looked at before what is signed."""
    body = kit.plan([saying.item("bad")], not_after=_past(), panel="another")
    return kit.refused(
        kit.say(body, seal=jws.sign(saying.dump(body), kit.other, kit.key_id)), "signature"
    )


@check("replay", "3", spoils=("refusals-change-nothing",))
def replay(kit: Kit) -> Proof:
    """An older number, well signed."""
    good = _good(kit)
    return kit.refused(kit.say(kit.plan(_items(), plan_rev=good.rev - 1)), "replay")


@check("replay-equal", "3", spoils=("refusals-change-nothing",))
def replay_equal(kit: Kit) -> Proof:
    """The number that is stored, with other content."""
    good = _good(kit)
    return kit.refused(kit.say(kit.plan(_items(), plan_rev=good.rev)), "replay")


@check("expired", "3", spoils=("refusals-change-nothing",))
def expired(kit: Kit) -> Proof:
    return kit.refused(kit.say(kit.plan(_items(), not_after=_past())), "expired")


@check("wrong-panel", "3", spoils=("refusals-change-nothing",))
def wrong_panel(kit: Kit) -> Proof:
    return kit.refused(kit.say(kit.plan(_items(), panel="another")), "wrong_panel")


@check("wrong-authority", "3", spoils=("refusals-change-nothing",))
def wrong_authority(kit: Kit) -> Proof:
    return kit.refused(kit.say(kit.plan(_items(), authority="another")), "wrong_panel")


@check("too-big", "5", spoils=("refusals-change-nothing",))
def too_big(kit: Kit) -> Proof:
    """One byte more than the panel says it takes."""
    most = int(kit.birth["max_bytes"])
    body = kit.plan(_items(), padding="")
    body["padding"] = "x" * (most + 1 - len(saying.dump(body)))
    return kit.refused(kit.say(body), "too_big")


@check("largest", "5", must=False)
def largest(kit: Kit) -> Proof:
    """Exactly as many bytes as it says it takes are taken."""
    most = int(kit.birth["max_bytes"])
    body = kit.plan([saying.item("large")], padding="")
    body["padding"] = "x" * (most - len(saying.dump(body)))
    sent = kit.say(body)
    found = kit.stored(sent)
    kit.memo["good"], kit.memo["good_rev"] = sent, sent.rev
    return [*kit.said(sent), found]


@check("format-json", "5")
def format_json(kit: Kit) -> Proof:
    """Signed, and no JSON."""
    raw = b'{"v":1,"plan_rev":'
    return kit.refused(kit.say({"plan_rev": 0}, payload=raw), "format")


@check("format-field", "5", spoils=("refusals-change-nothing",))
def format_field(kit: Kit) -> Proof:
    """A field that must be there is not."""
    return kit.refused(kit.say(kit.plan(_items(), fallback=None)), "format")


@check("format-face", "5", spoils=("refusals-change-nothing", "proof-true"))
def format_face(kit: Kit) -> Proof:
    """A line one letter longer than the face."""
    columns = int(kit.birth["columns"])
    if columns >= 80:
        raise NotApplicable(say("too_wide"))
    page = saying.page("X" * (columns + 1))
    return kit.refused(kit.say(kit.plan([saying.item("bad", page)])), "format")


@check("memory", "5", spoils=("refusals-change-nothing",))
def memory(kit: Kit) -> Proof:
    """One item more than the panel says it keeps."""
    number = int(kit.birth["max_items"]) + 1
    items = [
        saying.item(f"{n}", saying.page("T"), start=None, end=None, pub=f"P{n}", item=f"i{n}")
        for n in range(number)
    ]
    body = kit.plan(items)
    if number > 200 or len(saying.dump(body)) > int(kit.birth["max_bytes"]):
        raise NotApplicable(say("too_many_to_say", number=number))
    return kit.refused(kit.say(body), "memory")


@check("too-many-pages", "5", spoils=("refusals-change-nothing",))
def too_many_pages(kit: Kit) -> Proof:
    number = int(kit.birth["max_pages"]) + 1
    if number > 9:
        raise NotApplicable(say("too_many_to_say", number=number))
    pages = [saying.page("T", str(n)) for n in range(number)]
    return kit.refused(kit.say(kit.plan([saying.item("bad", *pages)])), "too_many_pages")


@check("hash-mismatch", "5", spoils=("refusals-change-nothing",))
def hash_mismatch(kit: Kit) -> Proof:
    page = saying.page("TEST", "BAD") | {"hash": saying.page_hash(["TEST", "GOOD"])}
    return kit.refused(kit.say(kit.plan([saying.item("bad", page)])), "hash_mismatch")


@check("glyph-missing", "5", spoils=("refusals-change-nothing", "proof-true"))
def glyph_missing(kit: Kit) -> Proof:
    """A letter no municipal panel has: a character of Linear B."""
    page = saying.page("TEST", "\U00010000")
    return kit.refused(kit.say(kit.plan([saying.item("bad", page)])), "glyph_missing")


@check("refusals-change-nothing", "5")
def change_nothing(kit: Kit) -> Proof:
    """After all that, the good plan is still what is shown."""
    good = _good(kit)
    since = good.since
    seen = [m for m in kit.bench.record.of("shown", since) if m["plan_rev"] != good.rev]
    bad = [m for m in kit.bench.record.of("shown", since) if "bad" in names_of(m)]
    if seen or bad:
        raise Failed(say("still", rev=good.rev), say("shown_other"), [*seen, *bad])
    late = [m for m in kit.look_again() if m.leaf == "shown"]
    if not late or late[-1]["plan_rev"] != good.rev:
        raise Failed(say("still", rev=good.rev), say("shown_other"), late)
    return late


def _bad(kit: Kit) -> saying.Body:
    _good(kit)
    return kit.plan(_items())


def _items() -> list[saying.Body]:
    return [saying.item("bad", saying.page("TEST", "BAD"))]


def _past() -> str:
    return "2020-01-01T00:00:00Z"


def _good(kit: Kit) -> Sent:
    """The plan that is in force while wrong ones come."""
    good = kit.memo.get("good")
    if good is None or not kit.memo.get("refusing"):
        good = kit.show([saying.item("good", saying.page("TEST", "GOOD"))])
        kit.memo |= {"good": good, "good_rev": good.rev, "refusing": True}
    return good
