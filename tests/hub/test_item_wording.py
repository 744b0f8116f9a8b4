"""What an item of a source says, its own words first, the town's templates where it has none."""

from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlmodel import select

from hub import db
from hub.contracts import Text
from hub.item_content import content_of
from hub.item_wording import Wordings, fill, worded
from hub.models import Authority, Delivery, Source
from hub.vocabulary import Intent, MsgType, PublicationState, Severity
from tests.factories import outlet, town
from tests.fakes.items import item
from tests.hub.town_feed import Feed

TOWN = Authority(code="villard-bonnot", name="Villard-Bonnot", languages=["fr", "en"])
SOURCE = Source(authority_id=1, name="Météo", kind="cap", url="", station_id=1)


def test_the_sources_own_words_come_first() -> None:
    own = {"fr": Text("Vent violent", "Rafales à 120 km/h.", "Restez chez vous.", "Vent 120")}
    assert worded(item(level="orange", texts=own), "weather", "Météo", TOWN) == own


def test_orange_without_advice_gets_the_towns() -> None:
    made = worded(item(level="orange"), "flood", "Vigicrues", TOWN)["fr"]
    assert made.headline == "Vent fort"
    assert made.instruction.startswith("Éloignez-vous des cours d'eau")
    assert made.short == "Vigilance orange Crue et inondation"


def test_yellow_has_a_short_line_for_the_panel() -> None:
    assert worded(item(level="yellow"), "weather", "M", TOWN)["fr"].short == "Vigilance jaune Météo"


def test_what_has_no_level_keeps_its_words() -> None:
    assert worded(item(), "weather", "Météo", TOWN) == dict(item().texts)


def test_an_alert_in_a_language_nobody_reads_here_is_introduced_in_ours() -> None:
    german = {"de": Text("Sturm", "Böen bis 120 km/h.")}
    made = worded(
        item(level="orange", texts=german, area_desc="Isère"), "weather", "MeteoAlarm", TOWN
    )
    assert list(made) == ["fr", "de"]
    assert made["fr"].headline == "Vigilance orange : Météo, Isère"
    assert made["fr"].description == "Böen bis 120 km/h."
    assert made["de"].headline == "Sturm"
    plain = worded(item(texts=german), "other", "Radio", TOWN)["fr"]
    assert plain.headline == "Information"
    assert "Sturm. Böen" in plain.description


def test_a_part_in_brackets_goes_with_what_it_lacks() -> None:
    assert fill("A[ de {place}] {headline}", {"headline": "x"}) == "A x"
    assert fill("A[ de {place}] {headline}", {"headline": "x", "place": "L"}) == "A de L x"


@pytest.mark.parametrize(
    "template",
    [
        {"name": "a", "when": {"colour": "red"}},
        {"name": "a", "when": {}, "fr": {"title": "x"}},
        {"name": "a", "when": {}, "fr": {"headline": "{nothing}"}},
    ],
)
def test_a_template_that_says_nonsense_is_named(template: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Wordings.model_validate({"levels": {}, "templates": [template]})


def test_a_place_in_words_is_the_place_of_the_notice() -> None:
    assert content_of(item(place="Espace Bergès"), SOURCE, TOWN).area_desc == "Espace Bergès"


def test_orange_is_told_yellow_is_a_line_on_the_panel_green_ends_it(hub_on_sqlite: Path) -> None:
    authority = town()
    outlet(authority, "panel", options={"model": "text-8x16"})
    outlet(authority, "push")
    outlet(authority, "website")
    feed = Feed(authority)

    def level(colour: str, version: str) -> set[str]:
        """The kinds of outlet that the revision is meant for."""
        told = feed.item("38:vent", level=colour, version=version, severity=Severity.SEVERE,
                         headline=f"Vent {colour}")  # fmt: skip
        feed.reads(told)
        with db.reading(authority.id or 0) as session:
            number = feed.publication("38:vent").revision_no
            rows = session.exec(select(Delivery).where(Delivery.revision_no == number)).all()
            return {r.kind for r in rows if r.intent != Intent.WITHDRAW}

    assert level("yellow", "1") == {"panel", "website"}
    assert level("orange", "2") == {"panel", "push", "website"}
    assert feed.publication("38:vent").state == PublicationState.LIVE
    level("green", "3")
    ended = feed.publication("38:vent")
    assert (ended.state, ended.ended_as) == (PublicationState.ENDED, "over")
    with db.reading(authority.id or 0) as session:
        last = session.exec(select(Delivery).where(Delivery.revision_no == 3)).all()
        assert {d.kind for d in last} >= {"panel", "website"}
    assert feed.row("38:vent").body["msg_type"] == MsgType.ALERT
