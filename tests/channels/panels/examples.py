"""The worked examples of docs/panel-contract.md, byte for byte.

    python -m tests.channels.panels.examples docs/panel-examples

writes them anew; test_panel_examples.py holds page, files and code together. Made with the hub's
code where the hub says it, with the twin's where a panel does. The keys are no secret.
"""

import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from channels.panels import jws, plan
from channels.panels.textface import lines_hash
from channels.panels.twin.bitmap import Bitmap
from channels.panels.twin.link import dump
from channels.panels.twin.proofs import Proofs
from channels.panels.twin.seal import b64, public_of, sign

AUTHORITY_KEY: Final = bytes(range(32))
DEVICE_KEY: Final = bytes(range(32, 64))
LINES: Final = ("COUPURE D'EAU", "RUE DU VERCORS", "MARDI 3 MARS DE", "7H À 11H")
BITMAP: Final = Bitmap("1", 10, 3, bytes.fromhex("ffc08040ffc0"))
SENT: Final = datetime(2026, 3, 2, 8, 31, tzinfo=UTC)


def examples(folder: Path) -> dict[str, bytes]:
    """Name of the file: its bytes. `folder` is for the panel's memory."""
    made = {
        "plan.json": dump(_plan()),
        "cmd.json": dump(_command()),
        "keys.json": dump(_keys()),
        "proof.json": dump(_proof(folder)),
        "page.txt": "\n".join(LINES).encode(),
        "image.png": BITMAP.png(),
    }
    for name in ("plan", "cmd", "keys"):
        seal = jws.sign(made[f"{name}.json"], AUTHORITY_KEY, "vb-1")
        made[f"{name}.jws"] = seal.encode()
    made["proof.jws"] = sign(made["proof.json"], DEVICE_KEY, "panel-0815-1").encode()
    made["authority.key.json"] = _public(AUTHORITY_KEY, "vb-1")
    made["panel.key.json"] = _public(DEVICE_KEY, "panel-0815-1")
    return made


def _plan() -> dict[str, Any]:
    return {
        "v": 1,
        "id": "mairie-1772440260000",
        "ts": "2026-03-02T08:31:00Z",
        "authority": "villard-bonnot",
        "panel": "mairie",
        "plan_rev": 1772440260000,
        "not_after": "2026-03-03T10:00:00Z",
        "tz": "Europe/Paris",
        "items": [
            {
                "item": "it-5b1c3e9d20",
                "pub": "01JWATER0000000000000000AA",
                "rev": 1,
                "kind": "closure",
                "priority": 130,
                "activation": "queue",
                "start": "2026-03-02T08:31:00Z",
                "end": "2026-03-03T10:00:00Z",
                "windows": [{"days": "1234567", "from": "06:00", "to": "22:00"}],
                "min_plays_h": 12,
                "pages": [{"lines": list(LINES), "hold_ms": 6000, "hash": lines_hash(LINES)}],
            }
        ],
        "fallback": plan.FALLBACK,
        "night": [{"off": "01:00", "on": "06:00", "except": ["alert"]}],
    }


def _command() -> dict[str, Any]:
    return {
        "v": 1,
        "id": "01JCMD00000000000000000000",
        "ts": "2026-03-02T08:31:00Z",
        "authority": "villard-bonnot",
        "panel": "mairie",
        "cmd": "screenshot",
        "deadline": "2026-03-02T08:32:00Z",
    }


def _keys() -> dict[str, Any]:
    return {
        "v": 1,
        "id": "mairie-keys-2",
        "ts": "2026-03-02T08:31:00Z",
        "authority": "villard-bonnot",
        "panel": "mairie",
        "keys_rev": 2,
        "keys": [
            {
                "kid": "vb-1",
                "x": b64(public_of(AUTHORITY_KEY)),
                "not_after": "2026-04-01T00:00:00Z",
            },
            {"kid": "vb-2", "x": b64(public_of(bytes(range(64, 96))))},
        ],
    }


def _proof(folder: Path) -> dict[str, Any]:
    """A quarter of an hour in which the page stood for 6 seconds, 50 times."""
    proofs = Proofs(folder, SENT)
    subject = ("it-5b1c3e9d20", "01JWATER0000000000000000AA", 1, lines_hash(LINES))
    for turn in range(100):
        shown = subject if turn % 2 == 0 else None
        at = 9.0 * turn if turn % 2 == 0 else 9.0 * turn - 3
        proofs.note(shown, lit=True, fresh=shown is not None, at=at, rev=1772440260000,
                    now=SENT + timedelta(seconds=at))  # fmt: skip
    proofs.close(SENT + timedelta(minutes=15), 900.0, 1772440260000)
    proofs.stop()
    body = proofs.body(1)
    assert body is not None
    return {"v": 1, "ts": "2026-03-02T08:46:00Z", "session": 1772440200, "seq": 57, **body}


def _public(key: bytes, kid: str) -> bytes:
    fields = {"crv": "Ed25519", "kid": kid, "kty": "OKP", "x": b64(public_of(key))}
    return json.dumps(fields, separators=(",", ":")).encode()


if __name__ == "__main__":
    import tempfile

    target = Path(sys.argv[1])
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as memory:
        for name, data in examples(Path(memory)).items():
            (target / name).write_bytes(data)
