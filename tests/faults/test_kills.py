"""kill -9 of each process in turn, in the middle of its work: after its restart the displays are
as wanted, no number is told twice, and who may not have been told is named.

The operator holds its answers where a test says so: the message is taken, the sender hears nothing.
"""

from collections import Counter
from typing import Any

from tests.scenarios.instance import Town, until
from tests.scenarios.seeding import NUMBERS, PANELS


def told(town: Town, word: str) -> Counter[str]:
    return Counter(number for number, _ in town.texted(word))


def sms(town: Town, said: dict[str, Any]) -> dict[str, Any]:
    return town.board(said)["sms"]


def displays_right(town: Town, said: dict[str, Any], revision: int) -> None:
    until(
        lambda: all(town.shows(panel, said) == [revision] for panel in PANELS),
        f"revision {revision} on both panels",
    )
    board = town.board(said)
    until(
        lambda: all(
            row["ok"] for row in town.board(said).values() if row["kind"] in ("panel", "website")
        ),
        f"the displays to be as wanted: {board}",
    )


def test_a_worker_killed_while_the_operator_holds_its_answer(town: Town) -> None:
    """One number was in flight: it is uncertain and named, nobody is told twice, and after a person
    resends nobody is missing."""
    town.operator.taken.clear()
    town.operator.free.clear()
    said = town.say("Crue de l'Isère", severity="Severe", urgency="Immediate")
    assert town.operator.taken.wait(30)
    again = town.kill("worker-urgent")
    town.operator.free.set()
    again()
    until(lambda: sms(town, said)["state"] == "uncertain", "the sms to be settled")
    row = sms(town, said)
    assert (row["ok"], row["evidence"]["uncertain"], row["reason"]) == (False, 1, "1 uncertain")
    assert row["evidence"]["accepted"] == len(NUMBERS) - 1
    assert max(told(town, "Crue").values()) == 1
    displays_right(town, said, 1)
    assert town.call("POST", f"/deliveries/{row['delivery']}/resend") == {"resent": 1}
    town.settled(said, 1)
    assert set(told(town, "Crue")) == set(NUMBERS)


def test_the_queue_emptied_and_killed(town: Town) -> None:
    """Nudges are lost; the rows are not."""
    with town.frozen("worker-urgent", "worker-rest"):
        said = town.say("Avalanche de neige", severity="Severe", urgency="Immediate")
        town.queue.flushall()
    town.settled(said, 1)
    with town.frozen("worker-urgent", "worker-rest"):
        town.revise(said, headline="Avalanche de neige, route coupée")
        again = town.kill("queue")
    again()
    town.settled(said, 2)
    displays_right(town, said, 2)
    for word in ("Avalanche", "coupée"):
        assert set(told(town, word)) == set(NUMBERS)
    assert max(told(town, "coupée").values()) == 1
    assert max(told(town, "Avalanche").values()) == 2  # a message and its correction


def test_the_broker_comes_back_and_has_forgotten_every_plan(town: Town) -> None:
    said = town.say("Chantier rue du Vercors")
    town.settled(said, 1)
    before = {panel: town.face(panel)["plan_rev"] for panel in PANELS}
    town.broker.stop()
    town.revise(said, headline="Chantier rue du Vercors, passage fermé")
    town.broker.start()
    town.settled(said, 2)
    displays_right(town, said, 2)
    assert all(town.face(panel)["plan_rev"] > before[panel] for panel in PANELS)
    # Forgotten in the middle of nothing: no change asks for a plan, the listener finds it missing.
    before = {panel: town.face(panel)["plan_rev"] for panel in PANELS}
    town.broker.restart()
    until(
        lambda: all(town.face(panel)["plan_rev"] > before[panel] for panel in PANELS),
        "the plans to be said again",
    )
    displays_right(town, said, 2)


def test_the_listener_killed_while_panels_report(town: Town) -> None:
    again = town.kill("panels")
    said = town.say("Fibre coupée à Lancey", category="infra")
    until(lambda: all(town.shows(panel, said) == [1] for panel in PANELS), "both panels")
    again()
    town.settled(said, 1)


def test_beat_killed_before_a_publication_wakes(town: Town) -> None:
    again = town.kill("beat")
    said = town.say("Borne réparée")
    again()
    town.settled(said, 1)
    displays_right(town, said, 1)


def test_the_web_killed_right_after_its_answer(town: Town) -> None:
    said = town.say("Gué fermé", severity="Severe", urgency="Immediate")
    again = town.kill("web")
    again()
    town.settled(said, 1)
    town.reads("/s/VILLARD/feed.json", "Gué fermé")
    displays_right(town, said, 1)
    assert told(town, "Gué") == Counter(NUMBERS)


def test_every_role_killed_at_once(town: Town) -> None:
    with town.frozen("worker-urgent", "worker-rest"):
        said = town.say("Sirène d'essai", severity="Severe", urgency="Immediate")
        again = town.kill("worker-urgent", "worker-rest", "beat", "panels", "web", "queue")
    again()
    until(lambda: sms(town, said)["state"] in ("done", "uncertain"), "the sms to be settled")
    displays_right(town, said, 1)
    assert max(told(town, "Sirène").values()) == 1
    row = sms(town, said)
    missing = len(NUMBERS) - len(told(town, "Sirène"))
    assert missing <= row["evidence"]["uncertain"] <= 1
