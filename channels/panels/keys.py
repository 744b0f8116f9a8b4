"""The set of keys a panel shall trust, as a message (docs/panel-contract.md, section 4)."""

import orjson

from channels.panels import jws, topics, wire
from hub import clock
from hub.contracts import OutletView


def outgoing(view: OutletView) -> wire.Outgoing | None:
    """The retained message on `keys`, the same bytes for the same set; None without a set.

    Signed by every key that a panel may still hold, a space between two signatures. Raises
    topics.BadName.
    """
    told = view.key_set
    if told is None:
        return None
    keys = [
        {"kid": key.key_id, "x": jws.b64(key.public)}
        | ({"not_after": clock.rfc3339(key.until)} if key.until else {})
        for key in told.keys
    ]
    body = {
        "authority": view.authority,
        "id": f"{view.code}-keys-{told.rev}",
        "keys": keys,
        "keys_rev": told.rev,
        "panel": view.code,
        "ts": clock.rfc3339(told.made),
        "v": 1,
    }
    payload = orjson.dumps(body, option=orjson.OPT_SORT_KEYS)
    seals = [jws.sign(payload, key.private, key.key_id) for key in (*told.keys, *told.leaving)]
    topic = topics.topic(view.authority, view.code, topics.KEYS)
    return wire.Outgoing(topic, payload, {"jws": " ".join(seals)})
