"""Said once, it is everywhere; changed, nobody has both; over, it is nowhere."""

import json
from datetime import datetime
from typing import Any

from tests.scenarios.instance import Town, around, in_, until
from tests.scenarios.seeding import NUMBERS, PANELS, PLACES

FEEDS = ("feed.json", "feed.rss", "feed.atom")
MESSENGERS = ("worker-urgent", "worker-rest", "worker-bulk", "beat")


def listed(town: Town, publication: dict[str, Any], feed: str) -> bool:
    return publication["id"] in town.text(f"/s/VILLARD/{feed}")


def nowhere(town: Town, publication: dict[str, Any], word: str) -> None:
    """Neither on a panel, nor on the page, nor in a feed that a reader follows."""

    def clean() -> bool:
        return not any(town.shows(panel, publication) for panel in PANELS) and not any(
            word in town.text(f"/s/VILLARD/{feed}") for feed in (*FEEDS, "page.html")
        )

    until(clean, f"{word} to be nowhere")


def test_one_post_is_everywhere_and_each_change_replaces_it(town: Town) -> None:
    """The phone of the roadworks is told as long as it concerns everybody, then that it is over for
    it; so is the panel that the new area leaves."""
    phone, _ = town.follow("VILLARD")
    other, _ = town.follow("TRAVAUX")
    said = town.say("Pont de Brignoud fermé", severity="Severe", urgency="Immediate")
    assert said["revision"] == 1
    board = town.settled(said, 1)
    assert set(board) == {*PANELS, "site", "telephones", "mastodon", "sms"}
    assert {row["shown_revision"] for row in board.values()} == {1}
    for panel in PANELS:
        assert town.shows(panel, said) == [1]
    (item,) = [
        i
        for i in json.loads(town.reads("/s/VILLARD/feed.json", said["id"]))["items"]
        if said["id"] in i["id"] + i["url"]
    ]
    assert "Pont de Brignoud fermé" in item["title"]
    for one in (phone, other):
        (told,) = town.heard(one, said)
        assert "Pont de Brignoud fermé" in told["title"] + told["body"]
    assert sorted(number for number, _ in town.texted("Brignoud")) == sorted(NUMBERS)
    (post,) = [i for i, s in town.mastodon.statuses.items() if "Brignoud" in s["text"]]

    town.revise(said, headline="Pont de Brignoud rouvert aux piétons")
    board = town.settled(said, 2)
    assert {row["shown_revision"] for row in board.values()} == {2}
    for panel in PANELS:
        assert town.shows(panel, said) == [2]
    for feed in FEEDS:
        town.reads(f"/s/VILLARD/{feed}", "rouvert aux piétons", without="Brignoud fermé")
    assert [m["revision"] for m in town.heard(phone, said)] == [1, 2]
    assert len({m["tag"] for m in town.heard(phone, said)}) == 1
    posts = [s for s in town.mastodon.statuses.values() if "Brignoud" in s["text"]]
    assert ["piétons" in s["text"] for s in posts] == [True]
    assert "piétons" in town.mastodon.statuses[post]["text"]
    corrected = town.texted("piétons")
    assert sorted(number for number, _ in corrected) == sorted(NUMBERS)
    assert all("Mise à jour" in text for _, text in corrected)

    west, south = PLACES["gare-lancey"]
    town.revise(
        said,
        headline="Pont de Brignoud, circulation alternée",
        severity="Minor",
        area=around(west - 0.012, south),
    )
    board = town.settled(said, 3)
    assert board["place-mairie"]["shown_revision"] is None
    assert town.shows("place-mairie", said) == []
    assert town.shows("gare-lancey", said) == [3]
    assert [m["intent"] for m in town.heard(other, said)] == ["publish", "update", "withdraw"]
    assert [m["intent"] for m in town.heard(phone, said)] == ["publish", "update", "update"]
    assert len(town.texted("Brignoud")) == 9
    assert len(town.texted("ne vous concerne plus")) + len(town.texted("Ne vous concerne")) == 3

    town.cancel(said, "over")
    town.settled(said, None)
    nowhere(town, said, "Brignoud")
    town.reads("/s/VILLARD/feed.cap", said["id"])
    last = town.heard(phone, said)[-1]
    assert last["intent"] == "withdraw"
    assert "terminé" in (last["title"] + last["body"]).lower()
    assert post in town.mastodon.deleted
    assert [m["intent"] for m in town.heard(other, said)][-1] == "withdraw"
    assert len(town.heard(other, said)) == 3
    assert len(town.texted("Brignoud")) == 9


def test_what_was_wrong_is_taken_back_from_everybody_told(town: Town) -> None:
    phone, _ = town.follow("VILLARD")
    said = town.say("Eau impropre rue du Vercors", category="water", severity="Severe")
    town.settled(said, 1)
    town.cancel(said, "retracted")
    town.settled(said, None)
    nowhere(town, said, "Vercors")
    first, last = town.heard(phone, said)
    assert (first["intent"], last["intent"]) == ("publish", "withdraw")
    assert "erroné" in last["title"] + last["body"]
    texts = [text for _, text in town.texted("Vercors")]
    assert len(texts) == 6
    assert sum("erroné" in text for text in texts) == 3
    calendar = town.text("/s/VILLARD/feed.ics").replace("\r\n ", "")
    (event,) = [e for e in calendar.split("BEGIN:VEVENT") if said["id"] in e]
    assert "STATUS:CANCELLED" in event
    assert "SEQUENCE:1" in event
    town.reads("/s/VILLARD/feed.cap", f"{said['id']}.2<", "msgType>Cancel<", f",{said['id']}.1,")


def test_expiry_alone_clears_every_place_and_cancels_nothing(town: Town) -> None:
    said = town.say("Benne enlevée place de la gare", expires=in_(seconds=8))
    until(lambda: [town.shows(p, said) for p in PANELS] == [[1], [1]], "both panels")
    town.settled(said, None)
    nowhere(town, said, "Benne")
    assert "Benne" not in town.text("/s/VILLARD/feed.cap")
    assert "Benne" not in town.text("/s/VILLARD/feed.ics")
    assert town.call("GET", f"/publications/{said['id']}")["revision"] == 1


def test_expiry_holds_while_workers_and_beat_stand_still(town: Town) -> None:
    said = town.say("Feux éteints avenue Foch", expires=in_(seconds=8))
    until(lambda: [town.shows(p, said) for p in PANELS] == [[1], [1]], "both panels")
    until(lambda: listed(town, said, "feed.json"), "the feed")
    with town.frozen(*MESSENGERS):
        nowhere(town, said, "Foch")
        assert town.call("GET", f"/publications/{said['id']}")["state"] == "live"
    town.settled(said, None)


def test_what_is_scheduled_goes_live_at_its_moment_and_not_before(town: Town) -> None:
    town.text("/s/VILLARD/feed.json")  # a new town's feed takes a moment to be there at all
    moment = in_(seconds=6)
    said = town.say("Marché déplacé dimanche", state="scheduled", publish_at=moment)
    assert (said["state"], said["revision"]) == ("new", 0)
    assert not listed(town, said, "feed.json")
    town.settled(said, 1)
    found = town.call("GET", f"/publications/{said['id']}")
    sent = datetime.fromisoformat(found["revisions"][0]["sent"])
    late = (sent - datetime.fromisoformat(moment).replace(microsecond=0)).total_seconds()
    assert 0 <= late <= 15
