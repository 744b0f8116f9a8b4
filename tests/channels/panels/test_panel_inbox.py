"""What comes down beside plans, and the order in which a panel refuses: no broker needed."""

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.panels import jws
from channels.panels.textface import lines_hash
from channels.panels.twin import Twin, bitmap
from channels.panels.twin.link import Down
from channels.panels.twin.seal import b64
from tests.channels.panels.conftest import KEY, OTHER_KEY, DrivenClock
from tests.channels.panels.test_panel_week import MONDAY, a_body, alone, item, page, stamp, tell

BOX = bitmap.Bitmap("1", 16, 8, bytes.fromhex("ffff" + "8001" * 6 + "ffff"))


@pytest.fixture
def hour(monkeypatch: pytest.MonkeyPatch) -> DrivenClock:
    monkeypatch.setattr("os.fsync", lambda _number: None)
    return DrivenClock(MONDAY)


@pytest.fixture
def twin(hour: DrivenClock, tmp_path: Path) -> Twin:
    return alone(tmp_path / "panel", hour, "matrix-96x64")


def last(twin: Twin) -> dict[str, Any]:
    return twin.mouth.acks[-1]


def picture(image: bitmap.Bitmap = BOX, **more: Any) -> dict[str, Any]:
    values = {"image": image.hash, "hash": image.hash, "width": image.width,
              "height": image.height, "mode": image.mode, "hold_ms": 6000}  # fmt: skip
    return values | more


def put(twin: Twin, name: str, payload: bytes) -> None:
    twin._on_down(Down(f"image/{name}", payload, ""))


def order(twin: Twin, word: str, key: bytes = KEY, **more: Any) -> dict[str, Any]:
    now = twin.clock.now()
    body = {
        "v": 1, "id": f"order-{word}-1", "ts": stamp(now), "authority": "villard-bonnot",
        "panel": "mairie", "cmd": word, "deadline": stamp(now + timedelta(seconds=30)),
    }  # fmt: skip
    payload = json.dumps(body | more).encode()
    twin._on_down(Down("cmd", payload, jws.sign(payload, key, "vb-1")))
    return last(twin)


def ring(twin: Twin, rev: int, *keys: bytes, by: bytes = KEY, **more: Any) -> dict[str, Any]:
    body = {
        "v": 1, "id": f"keys-{rev}", "ts": stamp(twin.clock.now()), "authority": "villard-bonnot",
        "panel": "mairie", "keys_rev": rev,
        "keys": [{"kid": f"k{n}", "x": b64(jws.public_of(k))} | more for n, k in enumerate(keys)],
    }  # fmt: skip
    payload = json.dumps(body).encode()
    twin._on_down(Down("keys", payload, jws.sign(payload, by, "vb-1")))
    return last(twin)


# The order of refusals


def test_of_several_faults_the_first_of_the_contract_is_named(twin: Twin) -> None:
    tell(twin, a_body(10, item("good")))
    bad_page = {"lines": ["Ω"], "hold_ms": 6000, "hash": "A" * 43}
    wrong: dict[str, Any] = {
        "panel": "gare", "plan_rev": 9, "not_after": stamp(MONDAY - timedelta(days=1)),
        "items": [item(f"n{n}", *[bad_page] * (4 if n == 40 else 1)) for n in range(41)],
        "tz": "Nowhere/At-All", "night": [{"off": "01:00", "on": "02:00", "except": []}],
    }  # fmt: skip
    cures: list[tuple[str, Callable[[dict[str, Any]], Any]]] = [
        ("too_big", lambda b: setattr(twin, "face", _large(twin))),
        ("signature", lambda b: None),
        ("format", lambda b: b.update(tz="Europe/Paris")),
        ("wrong_panel", lambda b: b.update(panel="mairie")),
        ("replay", lambda b: b.update(plan_rev=11)),
        ("expired", lambda b: b.update(not_after=stamp(MONDAY + timedelta(days=1)))),
        ("memory", lambda b: b.update(items=b["items"][-1:])),
        ("too_many_pages", lambda b: b["items"][0].update(pages=[bad_page])),
        ("hash_mismatch", lambda b: bad_page.update(hash=lines_hash(["Ω"]))),
        ("glyph_missing", lambda b: b["items"][0].update(pages=[picture()])),
    ]
    body = a_body(9) | wrong
    key = OTHER_KEY
    for reason, cure in cures:
        tell(twin, body, key)
        assert (last(twin)["stage"], last(twin)["reason"]) == ("rejected", reason)
        assert twin.state()["plan_rev"] == 10
        cure(body)
        key = KEY if reason == "signature" else key
    tell(twin, body, key)
    assert last(twin)["stage"] == "verified"  # and now it waits for its picture


def _large(twin: Twin) -> Any:
    from dataclasses import replace

    return replace(twin.face, max_bytes=65_536)


# Bitmaps


def test_a_picture_is_drawn_in_the_middle_dot_by_dot(twin: Twin) -> None:
    put(twin, BOX.hash, BOX.png())
    tell(twin, a_body(1, item("box", picture(lines=["not drawn"]))))
    rows = twin.state()["dots"]
    assert twin.state()["page"]["hash"] == BOX.hash
    assert rows[28][40:56] == "#" * 16
    assert rows[29][40:56] == "#" + "." * 14 + "#"
    assert sum(row.count("#") for row in rows) == 16 * 2 + 6 * 2


def test_a_plan_waits_ten_seconds_for_its_picture(twin: Twin, hour: DrivenClock) -> None:
    tell(twin, a_body(1, item("box", picture())))
    assert [a["stage"] for a in twin.mouth.acks] == ["received", "verified"]
    hour.go(9.9)
    twin.work()
    put(twin, BOX.hash, BOX.png())
    assert last(twin)["stage"] == "stored"
    assert twin.state()["plan_rev"] == 1


def test_a_picture_that_does_not_come_is_missed_by_name(twin: Twin, hour: DrivenClock) -> None:
    tell(twin, a_body(1, item("box", picture())))
    hour.go(10)
    twin.work()
    assert (last(twin)["reason"], last(twin)["detail"]) == ("image_missing", BOX.hash)
    assert twin.state()["plan_rev"] == 0


def test_a_newer_plan_does_not_wait_behind_one_without_its_picture(twin: Twin) -> None:
    tell(twin, a_body(1, item("box", picture())))
    tell(twin, a_body(2, item("words")))
    assert twin.state()["plan_rev"] == 2
    assert {"ref": 1, "stage": "superseded"} in twin.mouth.acks
    tell(twin, a_body(1, item("other")))
    assert last(twin)["reason"] == "replay"


@pytest.mark.parametrize(
    "payload",
    [b"x", b"\x89PNG\r\n\x1a\n", BOX.png()[:-30], bitmap.Bitmap("1", 8, 1, b"\xff").png(),
     bitmap.Bitmap("1", 200, 1, b"\xff" * 25).png(), b"x" * 300_000],
    ids=["no picture", "a head", "cut", "another", "too wide", "too large"],
)  # fmt: skip
def test_what_is_not_the_picture_is_not_kept_and_is_a_fault(twin: Twin, payload: bytes) -> None:
    put(twin, BOX.hash, payload)
    assert twin.display.images.names() == []
    assert twin.faults.codes == ["image"]
    put(twin, BOX.hash, BOX.png())
    assert twin.faults.codes == []


def test_an_emptied_topic_drops_only_what_no_plan_names(twin: Twin) -> None:
    other = bitmap.Bitmap("1", 8, 1, b"\xaa")
    for image in (BOX, other):
        put(twin, image.hash, image.png())
    tell(twin, a_body(1, item("box", picture())))
    for image in (BOX, other):
        put(twin, image.hash, b"")
    assert twin.display.images.names() == [BOX.hash]


def test_pictures_outlive_a_power_cut_and_a_broker_that_forgot(
    twin: Twin, hour: DrivenClock, tmp_path: Path
) -> None:
    put(twin, BOX.hash, BOX.png())
    tell(twin, a_body(1, item("box", picture())))
    again = alone(tmp_path / "panel", hour, "matrix-96x64")
    assert sum(row.count("#") for row in again.state()["dots"]) == 44
    tell(again, a_body(2, item("box", picture())))
    assert again.state()["plan_rev"] == 2


def test_a_picture_that_the_disk_lost_is_dark_and_proved_dark(
    twin: Twin, hour: DrivenClock, tmp_path: Path
) -> None:
    put(twin, BOX.hash, BOX.png())
    tell(twin, a_body(1, item("box", picture())))
    (tmp_path / "panel" / "images" / f"{BOX.hash}.png").write_bytes(b"rust")
    again = alone(tmp_path / "panel", hour, "matrix-96x64")
    assert again.state()["face_dark"] is True
    assert [a for a in again.mouth.acks if a["stage"] == "displayed"] == []


def test_only_what_no_plan_names_makes_room(twin: Twin) -> None:
    from dataclasses import replace

    twin.display.images._most = 3
    twin.face = replace(twin.face, max_images=3)
    put(twin, BOX.hash, BOX.png())
    tell(twin, a_body(1, item("box", picture())))
    others = [bitmap.Bitmap("1", 8, 1, bytes([n])) for n in range(1, 6)]
    for image in others:
        put(twin, image.hash, image.png())
    kept = twin.display.images.names()
    assert len(kept) == 3
    assert {BOX.hash, others[-1].hash} <= set(kept)


# Commands


def test_a_command_is_done_once(twin: Twin, hour: DrivenClock, tmp_path: Path) -> None:
    tell(twin, a_body(1, item("words")))
    done = order(twin, "reload")
    assert (done["stage"], done["cmd"], done["ref"]) == ("done", "order-reload-1", None)
    assert order(twin, "reload")["reason"] == "replay"
    again = alone(tmp_path / "panel", hour, "matrix-96x64")  # a power cut between the two
    assert order(again, "reload")["reason"] == "replay"
    assert again.state()["plan_rev"] == 1


@pytest.mark.parametrize(
    ("reason", "more"),
    [
        ("wrong_panel", {"panel": "gare"}),
        ("format", {"deadline": "2026-03-02T09:30:00Z"}),
        ("expired", {"ts": "2026-03-02T08:20:00Z", "deadline": "2026-03-02T08:21:00Z"}),
        ("expired", {"ts": "2026-03-02T08:29:00Z", "deadline": "2026-03-02T08:30:00Z"}),
        ("expired", {"ts": "2026-03-02T08:40:00Z", "deadline": "2026-03-02T08:40:30Z"}),
        ("unsupported", {"cmd": "reboot"}),
        ("format", {"id": "short"}),
        ("signature", {"key": OTHER_KEY}),
        ("too_big", {"note": "x" * 5000}),
    ],
)
def test_a_wrong_command_is_refused_by_name(twin: Twin, reason: str, more: dict[str, Any]) -> None:
    tell(twin, a_body(1, item("words")))
    refused = order(twin, "resend_birth", **more)
    assert (refused["stage"], refused["reason"]) == ("rejected", reason)


def test_a_panel_without_a_key_or_a_sure_clock_obeys_no_command(twin: Twin) -> None:
    assert order(twin, "resend_birth")["reason"] == "signature"
    tell(twin, a_body(1, item("words")))
    twin.clock.sure = False
    assert order(twin, "resend_birth")["reason"] == "clock_unsure"
    twin.clock.sure = True
    twin.display.local = True
    assert order(twin, "resend_birth")["reason"] == "local_mode"


def test_a_test_pattern_is_no_proof_and_waits_for_an_alert(twin: Twin, hour: DrivenClock) -> None:
    tell(twin, a_body(1, item("words")))
    twin.work()
    assert order(twin, "test_pattern")["stage"] == "done"
    state = twin.state()
    assert (state["source"], state["page"], state["items"][0]["item"]) == ("cmd", None, "words")
    hour.go(10)
    assert twin.state()["source"] == "plan"
    tell(twin, a_body(2, item("flood", activation="preempt", priority=220, kind="alert")))
    assert order(twin, "test_pattern", id="another-one")["reason"] == "busy"


def test_one_frame_a_minute(twin: Twin, hour: DrivenClock) -> None:
    tell(twin, a_body(1, item("words")))
    assert order(twin, "screenshot")["stage"] == "done"
    assert order(twin, "screenshot", id="second-shot")["reason"] == "busy"
    hour.go(60)
    assert order(twin, "screenshot", id="third-shot")["stage"] == "done"


# Keys


def test_a_new_key_is_followed_and_the_old_one_revoked(twin: Twin, tmp_path: Path) -> None:
    tell(twin, a_body(10, item("words")))
    assert ring(twin, 1, KEY, OTHER_KEY)["stage"] == "done"
    tell(twin, a_body(11, item("words")), OTHER_KEY)
    assert twin.state()["plan_rev"] == 11
    assert ring(twin, 2, OTHER_KEY)["stage"] == "done"
    assert twin.state()["plan_rev"] == 11
    tell(twin, a_body(12, item("words")), KEY)
    assert last(twin)["reason"] == "signature"
    kept = alone(tmp_path / "panel", DrivenClock(MONDAY), "matrix-96x64")
    tell(kept, a_body(12, item("words")), KEY)
    assert last(kept)["reason"] == "signature"


def test_a_plan_under_a_revoked_key_is_void_and_its_number_no_longer_counts(twin: Twin) -> None:
    tell(twin, a_body(2**53 - 1, item("taken")))
    assert ring(twin, 1, OTHER_KEY)["stage"] == "done"
    assert twin.state()["items"] == []
    assert twin.state()["source"] == "fallback"
    tell(twin, a_body(5, item("ours")), OTHER_KEY)
    assert twin.state()["plan_rev"] == 5


def test_wrong_sets_of_keys_are_refused_by_name(twin: Twin) -> None:
    tell(twin, a_body(1, item("words")))
    assert ring(twin, 5, KEY)["stage"] == "done"
    for refused, reason in (
        (ring(twin, 5, OTHER_KEY), "replay"),
        (ring(twin, 4, KEY), "replay"),
        (ring(twin, 6, OTHER_KEY, by=OTHER_KEY), "signature"),
        (ring(twin, 7, KEY, not_after="2026-02-31T00:00:00Z"), "format"),
        (ring(twin, 8, KEY, not_after="2020-01-01T00:00:00Z"), "expired"),
    ):
        assert (refused["stage"], refused["reason"]) == ("rejected", reason)
    count = len(twin.mouth.acks)
    ring(twin, 8, KEY, not_after="2020-01-01T00:00:00Z")  # the retained set comes again
    assert len(twin.mouth.acks) == count


def test_a_key_ends_at_its_hour(twin: Twin, hour: DrivenClock) -> None:
    tell(twin, a_body(1, item("words")))
    ring(twin, 1, KEY, not_after=stamp(MONDAY + timedelta(hours=1)))
    hour.go(3600)
    tell(twin, a_body(2, item("words")))
    assert last(twin)["reason"] == "signature"


# Life


def test_a_fault_is_said_until_it_is_taken_and_ends_after_a_power_cut(
    twin: Twin, hour: DrivenClock, tmp_path: Path
) -> None:
    said: list[tuple[str, Any]] = []

    def publish(leaf: str, body: dict[str, Any] | None) -> int:
        said.append((leaf, body and body["severity"]))
        return len(said)

    twin.faults.raise_("door", "error", hour.at, "open")
    assert twin.faults.alarming
    twin.faults.send(publish)
    twin.faults.confirmed({1: 0})
    twin.faults.send(publish)
    assert said == [("fault/door", "error")]
    again = alone(tmp_path / "panel", hour, "matrix-96x64")
    again.faults.send(publish)
    assert said[1:] == [("fault/door", None)]


def test_a_full_disk_is_a_fault_and_the_face_goes_on(
    twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    tell(twin, a_body(1, item("words", page("Mots"))))

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.replace", full)
    tell(twin, a_body(2, item("more")))
    assert (last(twin)["stage"], last(twin)["reason"]) == ("rejected", "memory")
    twin.display.close_batch()
    twin.work()
    assert twin.faults.codes == ["storage"]
    assert twin.state()["lines"] == ["Mots"]
