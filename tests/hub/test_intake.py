"""The decisions about an item: what an earlier reading left, what the rules say."""

import re
import string
from datetime import timedelta

import pytest

from hub.contracts import Text
from hub.intake import Fate, Known, Verdict, decide, judge
from hub.item_content import content_of, ends
from hub.items import fingerprint
from hub.models import Authority, Source
from hub.rules import loading
from hub.settings import PROJECT
from hub.source_words import SENTENCES, say
from hub.vocabulary import ItemState, MsgType, Severity, Status, Urgency
from tests.fakes.items import NOW, item

TOWN = Authority(code="villard-bonnot", name="Villard-Bonnot", languages=["fr"])
RULES = loading.for_authority(PROJECT / "config", "villard-bonnot")
DAY = timedelta(days=1)


def source(**more: str) -> Source:
    return Source(
        authority_id=1, name="Météo", kind="cap", url="", station_id=1, **{"intake": "draft"} | more
    )


def known(state: ItemState, version: str = "1", hash_: str = "h", gone: bool = False) -> Known:
    return Known(version, hash_, state, gone)


def fate(one: object, before: Known | None = None, hash_: str = "h") -> Fate:
    return judge(one, hash_, before, NOW, "fr").fate  # type: ignore[arg-type]


def test_a_new_item_is_taken_to_the_rules() -> None:
    assert judge(item(), "h", None, NOW, "fr") == Verdict(Fate.TAKE)


@pytest.mark.parametrize("status", [Status.TEST, Status.EXERCISE])
def test_tests_and_exercises_are_left_aside_with_the_reason(status: Status) -> None:
    assert judge(item(status=status), "h", None, NOW, "fr") == Verdict(Fate.IGNORE, say("test"))


def test_what_is_over_or_old_is_left_aside() -> None:
    assert fate(item(expires=NOW)) is Fate.IGNORE
    assert fate(item(expires=None, sent=NOW - 8 * DAY)) is Fate.IGNORE
    assert fate(item(expires=None, sent=NOW - 6 * DAY)) is Fate.TAKE
    assert fate(item(expires=None, sent=None)) is Fate.TAKE
    assert fate(item(expires=NOW + DAY, sent=NOW - 30 * DAY)) is Fate.TAKE


@pytest.mark.parametrize("state", [ItemState.DRAFTED, ItemState.PUBLISHED, ItemState.CLOSED])
def test_the_same_words_again_change_nothing(state: ItemState) -> None:
    assert fate(item(), known(state)) is Fate.SKIP
    assert fate(item(version="2"), known(state)) is Fate.SKIP


def test_an_older_version_never_replaces_a_newer_one() -> None:
    assert fate(item(version="1"), known(ItemState.PUBLISHED, "2"), "other") is Fate.SKIP


def test_new_words_update_what_is_open_and_take_what_was_closed() -> None:
    assert fate(item(), known(ItemState.PUBLISHED), "other") is Fate.UPDATE
    assert fate(item(), known(ItemState.DRAFTED), "other") is Fate.UPDATE
    assert fate(item(version="2"), known(ItemState.CLOSED), "other") is Fate.TAKE


def test_what_was_left_aside_is_asked_again_and_what_went_missing_may_come_back() -> None:
    assert fate(item(), known(ItemState.IGNORED)) is Fate.TAKE
    assert fate(item(), known(ItemState.CLOSED, gone=True)) is Fate.TAKE


def test_a_cancel_or_an_end_in_the_past_ends_it() -> None:
    gone = item(msg_type=MsgType.CANCEL, cancels=("a",))
    assert fate(gone, known(ItemState.PUBLISHED), "other") is Fate.END
    assert fate(item(expires=NOW), known(ItemState.PUBLISHED), "other") is Fate.END


def test_the_rules_decide_and_the_sources_setting_is_the_fallback() -> None:
    grave = decide(item(severity=Severity.SEVERE), source(intake="publish"), TOWN, RULES, NOW)
    assert (grave.fate, grave.rule) == (Fate.DRAFT, "alerte-grave")
    assert "relit" in grave.reason
    for setting in ("ignore", "draft", "publish"):
        made = decide(item(), source(intake=setting), TOWN, RULES, NOW)
        assert (made.fate, made.rule) == (Fate(setting), "")


def test_what_calls_itself_past_waits_for_a_person() -> None:
    made = decide(item(urgency=Urgency.PAST), source(intake="publish"), TOWN, RULES, NOW)
    assert made.fate is Fate.DRAFT


def test_only_words_times_and_place_count_as_a_change() -> None:
    base = fingerprint(item())
    assert fingerprint(item(version="2", sent=NOW + DAY, link="https://x.example")) == base
    for other in (
        item(headline="Vent très fort"),
        item(expires=NOW + 2 * DAY),
        item(area_desc="Lancey"),
        item(severity=Severity.SEVERE),
    ):
        assert fingerprint(other) != base


def test_an_item_becomes_content_within_its_bounds() -> None:
    long = item(
        headline="Très long " * 40,
        description="mot " * 4000,
        area_desc="Ici; " * 100,
        link="https://x.example/1",
    )
    content = content_of(long, source())
    assert len(content.texts["fr"].headline) <= 160
    assert content.texts["fr"].headline.endswith("long…")
    assert content.texts["fr"].description.endswith("…\n\nhttps://x.example/1")
    assert len(content.texts["fr"].description) <= 8000
    assert len(content.area_desc) <= 200
    assert content.category == "weather"
    assert content_of(item(), source(category="sport")).category == "sport"
    assert content_of(item(category="dance"), source()).category == "other"


def test_an_entry_without_length_counts_as_an_hour() -> None:
    moment = item(onset=NOW, expires=NOW)
    assert ends(moment) == NOW + timedelta(hours=1)
    assert content_of(moment, source()).expires == NOW + timedelta(hours=1)


def test_an_area_that_is_no_geometry_is_left_out_not_the_alert() -> None:
    crossed = [[[5.8, 45.2], [5.9, 45.3], [5.9, 45.2], [5.8, 45.3], [5.8, 45.2]]]
    content = content_of(item(area={"type": "Polygon", "coordinates": crossed}), source())
    assert content.area is None


def test_words_in_several_languages_are_found_by_who_reads_them() -> None:
    both = item(
        texts={
            "fr-CA": Text("Vent"),
            "en-GB": Text("Wind"),
            "en-US": Text("Windy"),
            "es": Text("V"),
        }
    )
    assert {k: t.headline for k, t in content_of(both, source()).texts.items()} == {
        "fr": "Vent",
        "en": "Wind",
        "en-US": "Windy",
        "es": "V",
    }


def test_every_sentence_is_written_in_three_languages_with_the_same_values() -> None:
    for key, sentences in SENTENCES.items():
        assert len(set(sentences)) == 3, key
        values = [
            {name for _, name, _, _ in string.Formatter().parse(s) if name} for s in sentences
        ]
        assert values[0] == values[1] == values[2], key
        assert not [s for s in sentences if re.search(r"[!?]$", s)]
