"""The Vigilance of Météo-France in its four shapes."""

import json
from typing import Any

import pytest
from pydantic import ValidationError

from connectors.reasons import say
from connectors.vigilance import Vigilance, VigilanceOptions
from connectors.vigilance_words import PHENOMENA, headline, instruction
from hub.contracts import Fetched, NotModified, SourceUnreadable
from hub.vocabulary import ResponseType, Severity, Urgency
from tests.connectors.reading import by_id, only, raw_of, read, utc


def carte(**changes: Any) -> bytes:
    document = json.loads(raw_of("vigilance", "carte.json"))
    document["product"].update(changes)
    return json.dumps(document).encode()


def test_the_map_gives_an_item_for_each_department_hazard_and_day() -> None:
    parsed = read("vigilance", "carte.json")
    assert (parsed.errors, parsed.complete) == ((), True)
    assert {i.external_id: i.level for i in parsed.items} == {
        "38-3-2026-03-12": "orange",
        "3310-9-2026-03-12": "yellow",
        "38-4-2026-03-12": "yellow",
        "38-3-2026-03-13": "yellow",
    }
    today = by_id(parsed)["38-3-2026-03-12"]
    assert (today.severity, today.urgency, today.response_type) == (
        Severity.SEVERE, Urgency.EXPECTED, ResponseType.PREPARE,
    )  # fmt: skip
    assert today.geocodes == {"department": ("38",)}
    assert by_id(parsed)["38-3-2026-03-13"].urgency is Urgency.FUTURE
    assert by_id(parsed)["38-4-2026-03-12"].category == "flood"


def test_an_orange_hazard_lasts_while_it_is_orange_and_says_what_to_do() -> None:
    item = by_id(read("vigilance", "carte.json"))["38-3-2026-03-12"]
    assert (item.onset, item.expires) == (utc("2026-03-12T17:00"), utc("2026-03-12T21:00"))
    assert list(item.texts) == ["fr", "en", "es"]
    assert item.texts["fr"].headline == "Vigilance orange orages en Isère"
    assert item.texts["fr"].description == "Jeudi 12 mars, de 18 h à 22 h."
    assert "à l'abri" in item.texts["fr"].instruction
    assert item.texts["en"].headline == "Orange warning for thunderstorms: Isère"
    assert item.texts["en"].description == "Thursday 12 March, from 18:00 to 22:00."
    assert item.texts["es"].headline == "Aviso naranja por tormentas: Isère"


def test_tomorrows_item_is_todays_on_the_next_morning() -> None:
    tomorrow = by_id(read("vigilance", "carte.json"))["38-3-2026-03-13"]
    document = json.loads(raw_of("vigilance", "carte.json"))
    product = document["product"]
    product["update_time"] = "2026-03-13T05:00:00Z"
    product["periods"] = [product["periods"][1] | {
        "echeance": "J", "begin_validity_time": "2026-03-13T05:00:00Z",
    }]  # fmt: skip
    again = only(read("vigilance", json.dumps(document).encode()))
    assert again.external_id == tomorrow.external_id
    assert again.version > tomorrow.version


def test_chosen_departments_are_read_with_their_green() -> None:
    parsed = read("vigilance", "carte.json", departments=["38"])
    levels = {i.external_id: i.level for i in parsed.items}
    assert levels["38-1-2026-03-12"] == "green"
    assert "3310-9-2026-03-12" not in levels
    green = by_id(parsed)["38-1-2026-03-12"]
    assert green.response_type is ResponseType.ALL_CLEAR
    assert green.texts["fr"].headline == "Pas de vigilance vent violent en Isère"
    with pytest.raises(ValidationError):
        VigilanceOptions(departments=["Isère"])
    # Where nobody chose, it is the authority's own.
    assert read("vigilance", "carte.json", insee="38547") == parsed
    assert len(read("vigilance", "carte.json", insee="38547", departments=["33"]).items) == 1


def test_the_mobile_service_names_green_hazards_too() -> None:
    parsed = read("vigilance", "mobile_current.json")
    assert {i.external_id: i.level for i in parsed.items} == {
        "38-3": "orange", "38-6": "yellow", "38-1": "green",
    }  # fmt: skip
    assert parsed.items[0].expires == utc("2026-03-13T15:00")


def test_the_full_bulletin_gives_hours_consequences_and_advice() -> None:
    item = only(read("vigilance", "mobile_full.json"))
    assert (item.onset, item.expires) == (utc("2026-03-12T17:00"), utc("2026-03-12T21:00"))
    assert item.texts["fr"].description.endswith("Des dégâts sont à craindre.")
    assert item.texts["fr"].instruction.startswith("Mettez-vous à l'abri.")
    assert "shelter" in item.texts["en"].instruction


def test_bulletins_are_read_by_department_and_say_nothing_twice() -> None:
    item = only(read("vigilance", "textes.json"))
    assert (item.external_id, item.level) == ("bulletin-38", "orange")
    text = item.texts["fr"]
    assert text.headline == "Bulletin de vigilance (orange) : Isère"
    assert text.description == "Faits nouveaux : Des orages violents sont attendus ce soir."
    assert item.expires == utc("2026-03-13T23:00")


def test_what_is_odd_is_named_and_the_rest_is_read() -> None:
    parsed = read("vigilance", "broken_entries.json")
    assert [i.external_id for i in parsed.items] == ["38-3-2026-03-12", "38-3-2026-03-13"]
    assert [e.where for e in parsed.errors] == [
        "38-42-2026-03-12", "38-1-2026-03-12", "période 1", "73-5-2026-03-12", "période 3",
    ]  # fmt: skip
    assert parsed.errors[0].reason == say("element-wrong", element="phenomenon_id", value="42")


def test_what_stood_in_a_period_that_cannot_be_read_is_not_over() -> None:
    assert not read("vigilance", "broken_entries.json").complete
    periods = json.loads(raw_of("vigilance", "carte.json"))["product"]["periods"]
    del periods[1]["begin_validity_time"]
    parsed = read("vigilance", carte(periods=periods))
    assert {i.external_id[-10:] for i in parsed.items} == {"2026-03-12"}
    assert not parsed.complete
    periods[0]["timelaps"]["domain_ids"][0]["phenomenon_items"][0]["phenomenon_id"] = "42"
    assert read("vigilance", carte(periods=periods[:1])).complete  # this one has a name


@pytest.mark.parametrize("update", [None, "", "hier", 12, {"a": 1}])
def test_a_map_without_a_readable_time_is_refused(update: Any) -> None:
    with pytest.raises(SourceUnreadable):
        read("vigilance", carte(update_time=update))


@pytest.mark.parametrize("periods", [[], [None], [{}], [{"timelaps": []}], ["J"], [[]]])
def test_odd_periods_break_nothing(periods: Any) -> None:
    assert read("vigilance", carte(periods=periods)).items == ()


def test_the_key_is_sent_to_the_portal() -> None:
    sent: list[dict[str, str]] = []

    def fetch(url: str, cursor: Any, **asked: Any) -> Fetched | NotModified:
        sent.append(dict(asked.get("headers", {})))
        return NotModified({})

    Vigilance(VigilanceOptions(key="secret")).fetch({}, fetch)
    assert sent == [{"apikey": "secret"}]


def test_every_hazard_has_words_in_three_languages() -> None:
    for code in PHENOMENA:
        for level in ("yellow", "orange", "red"):
            said = {headline(code, level, "en Isère", "Isère", x) for x in ("fr", "en", "es")}
            advice = {instruction(code, level, x) for x in ("fr", "en", "es")}
            assert len(said) == len(advice) == 3
            assert all(said)
            assert all(advice)


def test_a_country_gives_its_departments_and_is_none_itself() -> None:
    inner = [
        {"domain_id": "38", "phenomenons_max_colors": [
            {"phenomenon_id": "3", "phenomenon_max_color_id": 3}]},
        {"domain_id": "73", "phenomenons_items": [
            {"phenomenon_id": 8, "phenomenon_max_color_id": 2}]},
    ]  # fmt: skip
    raw = {"update_time": 1773327600, "end_validity_time": 1773414000, "domain_id": "france"}
    whole = raw | {"phenomenons_max_colors": [], "subdomains_phenomenons_max_color": inner}
    parsed = read("vigilance", json.dumps(whole).encode())
    assert {i.external_id: i.level for i in parsed.items} == {"38-3": "orange", "73-8": "yellow"}
    assert parsed.items[0].expires == utc("2026-03-13T15:00")
