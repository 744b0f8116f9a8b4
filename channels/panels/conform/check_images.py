"""Section 3: pictures, named by their hash and said before the plan."""

from channels.panels.conform import saying
from channels.panels.conform.bench import Message
from channels.panels.conform.check import Failed, check, say
from channels.panels.conform.kit import Kit

Proof = list[Message]


@check("image", "3", spoils=("image-late",))
def image(kit: Kit) -> Proof:
    """A picture that is there is shown, and named by its hash."""
    name, png, page = _picture(kit, 1)
    kit.put_image(name, png)
    sent = kit.show([saying.item("picture", page)])
    found = kit.word(sent, "displayed")
    if found is None or found["hash"] != name:
        raise Failed(
            say("values", values={"hash": name}),
            say("values", values={"hash": found["hash"]}) if found else say("nothing"),
            [*kit.said(sent), *([found] if found else [])],
        )
    return [*kit.said(sent), found]


@check("image-late", "3")
def image_late(kit: Kit) -> Proof:
    """A picture that comes a moment after its plan is waited for."""
    name, png, page = _picture(kit, 2)
    sent = kit.say(kit.plan([saying.item("late", page)]))
    kit.settle(min(1.0, kit.pace.image / 4))
    kit.put_image(name, png)
    return [*kit.said(sent), kit.stored(sent)]


@check("image-missing", "5", spoils=("image-wrong", "proof-true"))
def image_missing(kit: Kit) -> Proof:
    """A picture that does not come is a reason to refuse the plan."""
    _, _, page = _picture(kit, 3)
    kit.show([saying.item("good")])
    sent = kit.say(kit.plan([saying.item("bad", page)]))
    kit.word(sent, "rejected", kit.pace.image + 2)
    return kit.refused(sent, "image_missing")


@check("image-wrong", "5", spoils=("image-missing", "proof-true"))
def image_wrong(kit: Kit) -> Proof:
    """A picture that is not the one of its name is not shown."""
    name, _, page = _picture(kit, 4)
    _, other, _ = _picture(kit, 5)
    kit.put_image(name, other)
    sent = kit.say(kit.plan([saying.item("bad", page)]))
    kit.word(sent, "rejected", kit.pace.image + 2)
    return kit.refused(sent, "image_missing", "hash_mismatch")


def _picture(kit: Kit, seed: int) -> tuple[str, bytes, saying.Body]:
    mode = str(kit.claims("modes", "1", "rgb")[0])
    width, height = int(kit.claims("w_px")), int(kit.claims("h_px"))
    name, png = saying.bitmap(width, height, mode, seed)
    return name, png, saying.image_page(name, width, height, mode)
