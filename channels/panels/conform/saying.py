"""What the kit says to a panel: plans, commands and sets of keys, right ones and wrong ones."""

import hashlib
import io
import json
import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

from PIL import Image

from channels.panels import jws
from hub import clock

Body = dict[str, Any]
FALLBACK: Final = {
    "comm_loss_min": 360,
    "on_comm_loss": "dated_items",
    "on_empty": "clock",
    "on_power_recovery": "resume_if_clock_ok",
}
ZONE: Final = "Europe/Paris"


def dump(body: Body) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode()


def page_hash(lines: Sequence[str]) -> str:
    return jws.b64(hashlib.sha256("\n".join(lines).encode()).digest())


def page(*lines: str, hold_ms: int = 3000, **more: Any) -> Body:
    """A text page with its right hash."""
    return {"lines": list(lines), "hold_ms": hold_ms, "hash": page_hash(lines)} | more


def item(name: str, *pages: Body, **more: Any) -> Body:
    """An item in force for an hour from now. `end=None` and the like leave a field out."""
    now = clock.now()
    body: Body = {
        "item": f"conform-{name}",
        "pub": f"CONFORM-{name.upper()}",
        "rev": 1,
        "kind": "info",
        "priority": 40,
        "activation": "queue",
        "start": clock.rfc3339(now - timedelta(minutes=1)),
        "end": clock.rfc3339(now + timedelta(hours=1)),
        "pages": list(pages) or [page("TEST", name.upper()[:6])],
    }
    return {key: value for key, value in (body | more).items() if value is not None}


def plan(*, authority: str, panel: str, plan_rev: int, items: Sequence[Body], **more: Any) -> Body:
    """A whole plan for an hour. Fields given as None are left out."""
    now = clock.now()
    body: Body = {
        "v": 1,
        "id": f"conform-{plan_rev}",
        "ts": clock.rfc3339(now),
        "authority": authority,
        "panel": panel,
        "plan_rev": plan_rev,
        "not_after": clock.rfc3339(now + timedelta(hours=1)),
        "tz": ZONE,
        "items": list(items),
        "fallback": FALLBACK,
        "night": [],
    }
    return {key: value for key, value in (body | more).items() if value is not None}


def command(authority: str, panel: str, word: str, **more: Any) -> Body:
    """A command for the next 30 s, under an id of its own."""
    now = clock.now()
    body: Body = {
        "v": 1,
        "id": f"conform-{random.getrandbits(64):016x}",
        "ts": clock.rfc3339(now),
        "authority": authority,
        "panel": panel,
        "cmd": word,
        "deadline": clock.rfc3339(now + timedelta(seconds=30)),
    }
    return body | more


def key_set(authority: str, panel: str, rev: int, keys: Sequence[Body]) -> Body:
    return {
        "v": 1,
        "id": f"conform-keys-{rev}",
        "ts": clock.rfc3339(clock.now()),
        "authority": authority,
        "panel": panel,
        "keys_rev": rev,
        "keys": list(keys),
    }


def unsigned_jws() -> str:
    """A header that claims `alg: none`, with an empty signature."""
    header = jws.b64(b'{"alg":"none","kid":"conform"}')
    return f"{header}.."


def bitmap(width: int, height: int, mode: str, seed: int) -> tuple[str, bytes]:
    """(hash, PNG) of a picture that no other seed gives: a border, and dots of its own."""
    dice = random.Random(seed)
    image = Image.new("1" if mode == "1" else "RGB", (width, height))
    on: Any = 1 if mode == "1" else (255, 176, 0)
    for x in range(width):
        image.putpixel((x, 0), on)
        image.putpixel((x, height - 1), on)
    for _ in range(40):
        image.putpixel((dice.randrange(width), dice.randrange(height)), on)
    out = io.BytesIO()
    image.save(out, "PNG", optimize=True)
    return bitmap_hash(image), out.getvalue()


def bitmap_hash(image: Image.Image) -> str:
    """SHA-256 of `{mode} {width}x{height}` and a line feed and the raw rows (contract, section 3):
    one bit a dot, or three bytes."""
    mode = "1" if image.mode in ("1", "L") else "rgb"
    raw = image.convert("1" if mode == "1" else "RGB", dither=Image.Dither.NONE)
    head = f"{mode} {image.width}x{image.height}\n".encode()
    return jws.b64(hashlib.sha256(head + raw.tobytes()).digest())


def image_page(name: str, width: int, height: int, mode: str) -> Body:
    return {
        "image": name, "hash": name, "width": width, "height": height, "mode": mode,
        "hold_ms": 5000,
    }  # fmt: skip
