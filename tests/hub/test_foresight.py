"""What intake would do, told without doing it: reading after reading of one source."""

from datetime import timedelta
from typing import Any

import pytest

from hub.foresight import Foresight, full
from hub.intake import Fate
from hub.models import Authority, Source
from hub.vocabulary import MsgType, Severity
from tests.fakes.items import NOW, cancel, item, reading

TOWN = Authority(code="villard-bonnot", name="Villard-Bonnot", insee="38547", languages=["fr"])


@pytest.fixture
def seen() -> Foresight:
    return Foresight(source("publish"), TOWN)


def source(intake: str) -> Source:
    return Source(authority_id=0, name="F", kind="cap", url="", station_id=0, intake=intake)


def fates(seen: Foresight, *items: Any) -> list[Fate]:
    return [told.fate for _, _, told in seen.reading(reading(*items), NOW)]


def update(external_id: str, *of: str, **more: Any) -> Any:
    return item(external_id, msg_type=MsgType.UPDATE, supersedes=of, **more)


def test_an_alert_its_update_and_its_cancel_in_order(seen: Foresight) -> None:
    assert fates(seen, item("a", version="1")) == [Fate.PUBLISH]
    assert fates(seen, item("a", version="1")) == [Fate.SKIP]
    assert fates(seen, update("u", "a", version="2", headline="Plus fort")) == [Fate.UPDATE]
    assert fates(seen, item("a", version="1")) == [Fate.SKIP]
    assert fates(seen, cancel("u", "c", version="3")) == [Fate.END]
    assert fates(seen, update("u", "a", version="2", headline="Plus fort")) == [Fate.SKIP]


def test_out_of_order_the_late_ones_are_no_news(seen: Foresight) -> None:
    assert fates(seen, update("u", "a", version="2")) == [Fate.PUBLISH]
    assert fates(seen, item("a", version="1")) == [Fate.SKIP]
    assert fates(seen, cancel("x", "c", version="3")) == [Fate.END]
    assert fates(seen, item("x", version="1")) == [Fate.SKIP]


def test_in_one_reading_the_order_of_the_file_does_not_matter(seen: Foresight) -> None:
    assert fates(seen, item("a"), update("u", "a", version="2")) == [Fate.SKIP, Fate.PUBLISH]
    assert fates(seen, item("b"), cancel("b", "c", version="2")) == [Fate.SKIP, Fate.END]


def test_a_flood_is_held_back_and_said(seen: Foresight) -> None:
    assert set(fates(seen, *[item(str(n)) for n in range(6)])) == {Fate.DRAFT}
    assert seen.notes


def test_a_first_import_of_an_agenda_stays_in_the_agenda() -> None:
    agenda = Foresight(source("draft"), TOWN)
    many = [
        item(str(n), kind="event", category="event", onset=NOW + timedelta(hours=9))
        for n in range(500)
    ]
    assert set(fates(agenda, *many)) == {Fate.AGENDA}
    assert "500" in agenda.notes[0]
    assert set(fates(agenda, *many)) == {Fate.SKIP}
    new = item("new", kind="event", category="event", onset=NOW + timedelta(hours=9))
    assert fates(agenda, *many, new)[-1] is Fate.DRAFT


def test_colours_decide_whatever_the_source_calls_their_severity(seen: Foresight) -> None:
    orange = item("38:vent", level="orange", severity=Severity.SEVERE)
    (_, where, told), = seen.reading(reading(orange), NOW)  # fmt: skip
    assert told.fate is Fate.PUBLISH
    answer = full(orange, where, told, seen.source, TOWN)
    assert (answer["severity"], answer["weighs"]) == ("Severe", "Moderate")
    assert answer["would"]["content"]["severity"] == "Moderate"
    green = item("38:vent", level="green", version="2")
    assert fates(seen, green) == [Fate.END]
    assert fates(seen, item("38:neige", level="green")) == [Fate.IGNORE]


def test_what_left_the_territory_ends(seen: Foresight) -> None:
    assert fates(seen, item("a", area_desc="Isère")) == [Fate.PUBLISH]
    assert fates(seen, item("a", version="2", area_desc="Savoie")) == [Fate.END]
    assert fates(seen, item("b", area_desc="Savoie")) == [Fate.IGNORE]
