"""The worked examples of the contract are what the code says, byte for byte."""

import json
from datetime import timedelta
from pathlib import Path

import jsonschema_rs
import pytest

from channels.panels import jws, reports
from channels.panels.textface import lines_hash
from channels.panels.twin import bitmap, checks, face, seal
from tests.channels.panels.examples import (
    AUTHORITY_KEY,
    BITMAP,
    DEVICE_KEY,
    LINES,
    SENT,
    examples,
)

DOCS = Path(__file__).parents[3] / "docs"
FILES = DOCS / "panel-examples"
PAGE = (DOCS / "panel-contract.md").read_text("utf-8")
TRUSTED = (seal.Key("vb-1", jws.public_of(AUTHORITY_KEY)),)


def read(name: str) -> bytes:
    return (FILES / name).read_bytes()


def test_the_files_are_what_the_code_makes(tmp_path: Path) -> None:
    made = examples(tmp_path)
    assert sorted(path.name for path in FILES.iterdir()) == sorted(made)
    for name, data in made.items():
        if name != "image.png":  # another zlib packs it otherwise
            assert read(name) == data, f"{name}: python -m tests.channels.panels.examples"


@pytest.mark.parametrize("name", ["plan.json", "plan.jws", "proof.json", "proof.jws"])
def test_the_page_holds_the_files(name: str) -> None:
    assert f"\n{read(name).decode()}\n```" in PAGE


def test_the_page_holds_the_hashes_and_sizes() -> None:
    assert f"\n{lines_hash(LINES)}\n" in PAGE
    assert f"\n{BITMAP.hash}\n" in PAGE
    assert f"The {len(read('plan.json'))} bytes of `plan.json`" in PAGE
    assert f"The {len(read('page.txt'))} bytes of `page.txt`" in PAGE
    assert read("authority.key.json").decode() in PAGE


def test_a_panel_takes_the_example() -> None:
    taken, key = checks.admit(
        read("plan.json"), read("plan.jws").decode(), face=face.load("text-8x16"),
        authority="villard-bonnot", panel="mairie", trusted=TRUSTED, stored_rev=0, now=SENT,
    )  # fmt: skip
    assert (taken.rev, key.kid) == (1772440260000, "vb-1")
    assert taken.items[0].pages[0].lines == LINES
    rev, ring = checks.admit_keys(
        read("keys.json"), read("keys.jws").decode(), authority="villard-bonnot",
        panel="mairie", trusted=TRUSTED, stored_rev=1, now=SENT,
    )  # fmt: skip
    assert (rev, [key.kid for key in ring]) == (2, ["vb-1", "vb-2"])
    name, command, _ = checks.admit_command(
        read("cmd.json"), read("cmd.jws").decode(), authority="villard-bonnot", panel="mairie",
        trusted=TRUSTED, done=(), now=SENT + timedelta(seconds=5),
    )  # fmt: skip
    assert (name, command) == ("01JCMD00000000000000000000", "screenshot")


def test_any_changed_byte_of_the_example_is_refused() -> None:
    payload, signed = read("plan.json"), read("plan.jws").decode()
    for place in range(0, len(payload), 7):
        other = bytearray(payload)
        other[place] ^= 1
        with pytest.raises(seal.BadSeal):
            seal.check(bytes(other), signed, TRUSTED, SENT)


def test_the_hub_reads_the_example_of_a_proof_and_its_signature() -> None:
    body = json.loads(read("proof.json"))
    schema = json.loads((reports.SCHEMAS / "proof.json").read_text("utf-8"))
    assert next(jsonschema_rs.validator_for(schema).iter_errors(body), None) is None
    jws.verify(read("proof.json"), read("proof.jws").decode(), jws.public_of(DEVICE_KEY))
    assert (body["entries"][0]["plays"], body["entries"][0]["seconds"]) == (50, 300)


def test_the_picture_of_the_example_has_its_hash() -> None:
    assert bitmap.read(read("image.png"), 96, 64) == BITMAP
