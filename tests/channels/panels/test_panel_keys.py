"""Sets of keys on the panel's side: who may announce them, what they replace, what is void then."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from channels.panels import jws
from channels.panels.conform import saying
from channels.panels.twin import Twin
from hub import clock

OLD, NEW, NEWER, STRANGER = (bytes([n]) * 32 for n in (1, 2, 3, 4))
NAMES = {OLD: "vb-1", NEW: "vb-2", NEWER: "vb-3", STRANGER: "vb-1"}


class Held:
    """A panel without a broker: what it is told, and what it would say."""

    def __init__(self, folder: Path, key: bytes = OLD) -> None:
        self.folder = folder
        self.twin = Twin(
            "mqtt://127.0.0.1:1", "vb", "mairie", "text-8x16", folder,
            key=jws.public_of(key) if key else b"",
        )  # fmt: skip
        self.rev = 0

    def keys(self, rev: int, keys: Sequence[bytes | tuple[bytes, datetime]], *by: bytes,
             **more: Any) -> dict[str, Any]:  # fmt: skip
        """Tell it a set signed by these; its answer."""
        entries = []
        for entry in keys:
            key, until = entry if isinstance(entry, tuple) else (entry, None)
            told: dict[str, Any] = {"kid": NAMES[key], "x": jws.b64(jws.public_of(key))}
            entries.append(told | ({"not_after": clock.rfc3339(until)} if until else {}))
        raw = saying.dump(saying.key_set("vb", "mairie", rev, entries) | more)
        answer = self._tell(self.twin.inbox.keys, raw, *by)
        about_keys = [a for a in self.twin.mouth.acks if a.get("keys_rev") == rev]
        return about_keys[-1] if answer else {}

    def plan(self, by: bytes, *, rev: int = 0) -> dict[str, Any]:
        self.rev = rev or self.rev + 1
        body = saying.plan(
            authority="vb", panel="mairie", plan_rev=self.rev, items=[saying.item("notice")]
        )
        return self._tell(self.twin.inbox.plan, saying.dump(body), by)

    def _tell(self, hear: Any, raw: bytes, *by: bytes) -> dict[str, Any]:
        before = len(self.twin.mouth.acks)
        hear(raw, " ".join(jws.sign(raw, key, NAMES[key]) for key in by))
        words = [a for a in self.twin.mouth.acks[before:] if a["stage"] != "superseded"]
        return words[-1] if words else {}


@pytest.fixture
def panel(tmp_path: Path) -> Held:
    return Held(tmp_path)


def test_a_new_key_is_announced_by_the_old_one_and_both_hold_for_the_grace(panel: Held) -> None:
    assert panel.plan(NEW)["reason"] == "signature"
    grace = clock.now() + timedelta(days=30)
    assert panel.keys(1, [NEW, (OLD, grace)], OLD) == {
        "ref": None, "stage": "done", "keys_rev": 1,
    }  # fmt: skip
    assert panel.plan(NEW)["stage"] == "stored"
    assert panel.plan(OLD)["stage"] == "stored"
    panel.twin.clock.offset_s = timedelta(days=31).total_seconds()
    assert panel.plan(OLD)["reason"] == "signature"


def test_keys_survive_a_power_cut(panel: Held) -> None:
    panel.keys(1, [NEW], OLD)
    again = Held(panel.folder)  # its maker gave it the old key, which is in the set no more
    assert again.plan(OLD, rev=10)["reason"] == "signature"
    assert again.plan(NEW, rev=11)["stage"] == "stored"


def test_a_set_by_a_stranger_or_changed_on_its_way_is_refused_and_named(panel: Held) -> None:
    answer = panel.keys(7, [STRANGER], STRANGER)
    assert (answer["stage"], answer["reason"], answer["keys_rev"]) == ("rejected", "signature", 7)
    raw = saying.dump(saying.key_set("vb", "mairie", 8, [{"kid": "a", "x": "A" * 43}]))
    panel.twin.inbox.keys(raw.replace(b'"kid":"a"', b'"kid":"b"'), jws.sign(raw, OLD, "vb-1"))
    assert panel.twin.mouth.acks[-1]["reason"] == "signature"
    assert panel.plan(OLD)["stage"] == "stored"


def test_an_older_set_is_a_replay_and_the_same_one_is_passed_over(panel: Held) -> None:
    panel.keys(5, [OLD, NEW], OLD)
    assert panel.keys(4, [OLD], OLD)["reason"] == "replay"
    assert panel.keys(5, [OLD, NEW], OLD) == {}
    assert panel.plan(NEW)["stage"] == "stored"


def test_a_set_for_another_panel_is_refused(panel: Held) -> None:
    assert panel.keys(1, [NEW], OLD, panel="gare")["reason"] == "wrong_panel"
    assert panel.keys(1, [NEW], OLD, authority="froges")["reason"] == "wrong_panel"


def test_a_revoked_key_signs_nothing_more_and_its_plan_is_void_at_once(panel: Held) -> None:
    panel.keys(1, [OLD, NEW], OLD)
    panel.plan(NEW, rev=2**50)  # a thief's, with a number that no hub reaches
    assert panel.keys(2, [OLD], OLD)["stage"] == "done"
    assert panel.twin.state()["items"] == []
    assert panel.plan(NEW, rev=2**50 + 1)["reason"] == "signature"
    assert panel.keys(3, [NEW], NEW)["reason"] == "signature"
    assert panel.plan(OLD, rev=20)["stage"] == "stored"


def test_a_panel_that_slept_through_two_changes_follows_by_any_key_it_holds(panel: Held) -> None:
    assert panel.keys(9, [NEWER], NEWER, NEW)["reason"] == "signature"
    assert panel.keys(9, [NEWER], NEWER, NEW, OLD)["stage"] == "done"
    assert panel.plan(NEWER)["stage"] == "stored"


def test_a_plan_that_came_before_its_key_is_taken_when_the_key_comes(panel: Held) -> None:
    assert panel.plan(NEW)["reason"] == "signature"
    panel.keys(1, [NEW], OLD)
    stages = [a["stage"] for a in panel.twin.mouth.acks]
    assert stages[-3:] == ["received", "verified", "stored"]


def test_a_hub_restored_from_before_the_change_is_heard_again(panel: Held) -> None:
    """Its key's time for plans is over, but it may announce itself anew."""
    panel.keys(1, [NEW, (OLD, clock.now() - timedelta(days=1))], OLD)
    assert panel.plan(OLD)["reason"] == "signature"
    assert panel.keys(2, [OLD], OLD)["stage"] == "done"
    assert panel.plan(OLD)["stage"] == "stored"


def test_a_set_of_nothing_but_dead_keys_is_refused(panel: Held) -> None:
    past = clock.now() - timedelta(days=1)
    assert panel.keys(1, [(NEW, past)], OLD)["reason"] == "expired"
    assert panel.plan(OLD)["stage"] == "stored"


@pytest.mark.parametrize("raw", [b"{", b"[]", b"x" * 5000, b'{"keys_rev":"9"}', b'{"keys_rev":-1}'])
def test_nonsense_on_the_topic_of_keys_changes_nothing(panel: Held, raw: bytes) -> None:
    panel.twin.inbox.keys(raw, jws.sign(raw, OLD, "vb-1"))
    assert panel.twin.mouth.acks[-1]["stage"] == "rejected"
    assert panel.plan(OLD)["stage"] == "stored"
