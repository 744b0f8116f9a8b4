"""What a limited text says first, what it leaves out, and what it never does."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.fitting import Fitted, fit, fit_many, within
from channels.wording import when_words
from hub.contracts import Notice, Refusal, Text
from hub.vocabulary import EndedAs, Intent, Status
from tests.fakes.notices import water_cut

WHERE, INSTRUCTION = "rue du Vercors", "Faites une réserve d’eau la veille."
WHEN = "Mardi 3 mars 7\u00a0h\u00a0–\u00a011\u00a0h"


def fitted(notice: Notice, limit: int, locale: str = "fr", **how: bool) -> Fitted:
    result = fit(notice, locale, within(limit), **how)
    assert isinstance(result, Fitted)
    return result


def test_with_room_everything_is_said_in_order() -> None:
    said = fitted(water_cut(), 500)
    assert said.text == (
        "Coupure d’eau dans le centre de Lancey, rue du Vercors. "
        "Mardi 3 mars 7\u00a0h\u00a0–\u00a011\u00a0h. Faites une réserve d’eau la veille. "
        "Le service des eaux remplace une vanne à l’angle de la rue du Vercors. "
        "L’eau peut rester trouble une heure après la remise en service. "
        "Mairie de Villard-Bonnot. https://mairie.example/p/01JWATER"
    )
    assert (said.left_out, said.shortened, said.warnings) == ((), (), ())


def test_paragraphs_where_the_face_has_them() -> None:
    blocks = fitted(water_cut(), 500, lines=True).text.split("\n\n")
    assert blocks[0] == f"Coupure d’eau dans le centre de Lancey, rue du Vercors\n{WHEN}"
    assert blocks[1] == INSTRUCTION
    assert blocks[-1] == "Mairie de Villard-Bonnot\nhttps://mairie.example/p/01JWATER"


def test_the_description_is_shortened_between_words_before_anything_is_left_out() -> None:
    said = fitted(water_cut(), 260)
    assert said.shortened == ("description",)
    assert said.left_out == ()
    cut = said.text.partition("la veille. ")[2].partition("… ")[0]
    assert water_cut().texts["fr"].description.startswith(cut + " ")
    assert said.text.endswith("… Mairie de Villard-Bonnot. https://mairie.example/p/01JWATER")


def test_then_the_description_the_link_and_the_signature_go_in_this_order() -> None:
    steps = [fitted(water_cut(), limit).left_out for limit in (190, 155, 125)]
    assert steps == [
        ("description",),
        ("description", "url"),
        ("description", "url", "station_name"),
    ]


def test_then_the_short_wording_replaces_the_headline() -> None:
    notice = water_cut(texts={"fr": Text("Coupure d’eau dans le centre de Lancey",
                                         "", INSTRUCTION, "Coupure d’eau")})  # fmt: skip
    said = fitted(notice, 95)
    assert said.text == f"Coupure d’eau, {WHERE}. {WHEN}. {INSTRUCTION}"
    assert said.shortened == ("headline",)
    assert "Le titre est raccourci." in said.warnings


def test_at_last_the_headline_is_cut_between_words() -> None:
    said = fitted(water_cut(), 112)
    assert said.text.startswith("Coupure d’eau dans le centre de…, rue du Vercors. ")
    assert WHEN in said.text
    assert said.text.endswith(INSTRUCTION)


@given(st.integers(1, 520), st.sampled_from(["fr", "en", "es"]), st.booleans(), st.booleans())
def test_whatever_the_limit_the_essentials_are_whole_or_the_notice_is_refused(
    limit: int, locale: str, brief: bool, lines: bool
) -> None:
    notice = water_cut(status=Status.EXERCISE)
    result = fit(notice, locale, within(limit), brief=brief, lines=lines)
    if isinstance(result, Refusal):
        assert limit < 130
        assert result.field in ("instruction", "headline", "area_desc")
    else:
        assert len(result.text) <= limit
        assert result.text.startswith("[EXERCICE] Coupure d’eau")
        assert WHERE in result.text
        assert "Mardi 3 mars 7\u00a0h" in result.text
        assert INSTRUCTION in result.text
        assert "  " not in result.text


def test_a_refusal_names_the_field_and_how_many_characters_are_too_many() -> None:
    long = "Faites bouillir l’eau avant de la boire, de cuisiner ou de vous laver les dents."
    notice = water_cut(texts={"fr": Text("Eau non potable", "", long)})
    bare = f"Eau non potable, {WHERE}. {WHEN}. {long}"
    result = fit(notice, "fr", within(len(bare) - 12))
    assert isinstance(result, Refusal)
    assert result.field == "instruction"
    assert "12 caractères de trop" in result.reason
    assert "12" in result.what_would_fit
    assert isinstance(fit(notice, "fr", within(len(bare))), Fitted)


def test_a_headline_too_long_for_its_place_is_refused_with_the_way_out() -> None:
    notice = water_cut(texts={"fr": Text("Interruption " * 20)}, area_desc="")
    result = fit(notice, "fr", within(20))
    assert isinstance(result, Refusal)
    assert result.field == "headline"
    assert "short" in result.what_would_fit


def test_a_place_already_in_the_headline_is_not_said_twice() -> None:
    notice = water_cut(texts={"fr": Text("Coupure d’eau Rue du Vercors")})
    assert fitted(notice, 500).text.startswith("Coupure d’eau Rue du Vercors. Mardi")


@pytest.mark.parametrize(
    ("status", "locale", "mark"),
    [
        (Status.EXERCISE, "fr", "[EXERCICE] "),
        (Status.EXERCISE, "en", "[EXERCISE] "),
        (Status.EXERCISE, "es", "[EJERCICIO] "),
        (Status.TEST, "fr", "[TEST] "),
        (Status.TEST, "es-MX", "[PRUEBA] "),
    ],
)
def test_an_exercise_is_marked_first_in_every_language(
    status: Status, locale: str, mark: str
) -> None:
    text = {locale.partition("-")[0]: Text("Séisme", "", "Sortez.")}
    assert fitted(water_cut(status=status, texts=text), 500, locale).text.startswith(mark + "Séis")


@pytest.mark.parametrize(
    ("intent", "ended", "locale", "opening"),
    [
        (Intent.UPDATE, None, "fr", "Mise à jour\u00a0: "),
        (Intent.UPDATE, None, "en", "Update: "),
        (Intent.UPDATE, None, "es", "Actualización: "),
        (Intent.WITHDRAW, EndedAs.OVER, "fr", "Fin\u00a0: "),
        (Intent.WITHDRAW, EndedAs.OVER, "en", "Over: "),
        (Intent.WITHDRAW, EndedAs.OVER, "es", "Fin: "),
        (Intent.WITHDRAW, EndedAs.RETRACTED, "fr", "Annulé, information erronée\u00a0: "),
        (Intent.WITHDRAW, EndedAs.RETRACTED, "en", "Cancelled, this was wrong: "),
        (Intent.WITHDRAW, EndedAs.RETRACTED, "es", "Anulado, información errónea: "),
        (Intent.WITHDRAW, EndedAs.EXPIRED, "fr", "Terminé\u00a0: "),
        (Intent.WITHDRAW, EndedAs.EXPIRED, "en", "Ended: "),
        (Intent.WITHDRAW, EndedAs.EXPIRED, "es", "Terminado: "),
        (Intent.WITHDRAW, None, "fr", "Ne vous concerne plus\u00a0: "),
        (Intent.WITHDRAW, None, "en", "No longer concerns you: "),
        (Intent.WITHDRAW, None, "es", "Ya no le concierne: "),
    ],
)
def test_a_correction_opens_with_what_it_corrects(
    intent: Intent, ended: EndedAs | None, locale: str, opening: str
) -> None:
    texts = {"fr": Text("Eau"), "en": Text("Water"), "es": Text("Agua")}
    notice = water_cut(intent=intent, ended_as=ended, texts=texts)
    assert fitted(notice, 500, locale).text.startswith(opening + texts[locale].headline)


def test_what_is_over_repeats_neither_the_instruction_nor_the_time() -> None:
    notice = water_cut(intent=Intent.WITHDRAW, ended_as=EndedAs.OVER)
    said = fitted(notice, 500).text
    assert INSTRUCTION not in said
    assert "mars" not in said
    assert said.startswith(
        "Fin\u00a0: Coupure d’eau dans le centre de Lancey, rue du Vercors. Mair"
    )


def test_fixed_words_follow_the_language_of_the_text_when_nobody_translated_it() -> None:
    said = fitted(water_cut(intent=Intent.UPDATE), 500, "en").text
    assert said.startswith("Mise à jour\u00a0: ")
    assert "Mardi 3 mars" in said


def at(day: int, hour: int, minute: int = 0, month: int = 3, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("onset", "expires", "fr"),
    [
        (at(3, 6), at(3, 10), "Mardi 3 mars 7\u00a0h\u00a0–\u00a011\u00a0h"),
        (at(3, 6, 30), at(3, 10), "Mardi 3 mars 7\u00a0h\u00a030\u00a0–\u00a011\u00a0h"),
        (at(3, 19), at(4, 4), "Du mardi 3 mars 20\u00a0h au mercredi 4 mars 5\u00a0h"),
        (None, at(3, 10), "Jusqu'au mardi 3 mars 11\u00a0h"),
        (at(1, 6), at(3, 10), "Jusqu'au mardi 3 mars 11\u00a0h"),
        (at(2, 23), at(3, 23), "Mardi 3 mars"),
        (at(2, 23), at(3, 22, 59), "Mardi 3 mars"),
        (at(2, 23), at(6, 23), "Du mardi 3 mars au vendredi 6 mars"),
        (at(28, 23, month=2), at(5, 23), "Jusqu'au jeudi 5 mars"),
        (at(31, 22), at(1, 22, month=4), "Mercredi 1er avril"),
        (None, at(5, 9, month=1, year=2027), "Jusqu'au mardi 5 janvier 2027 10\u00a0h"),
        # The clocks go forward on 29 March 2026: 01:00 UTC reads 3 h, no longer 2 h.
        (at(29, 0), at(29, 1), "Dimanche 29 mars 1\u00a0h\u00a0–\u00a03\u00a0h"),
    ],
)  # fmt: skip
def test_times_are_said_as_people_do(onset: datetime | None, expires: datetime, fr: str) -> None:
    assert when_words(water_cut(onset=onset, expires=expires), "fr") == fr


def test_times_are_said_in_english_and_spanish_too() -> None:
    one, two = water_cut(), water_cut(expires=at(4, 4))
    assert when_words(one, "en") == "Tuesday 3 March, 7:00–11:00"
    assert when_words(one, "es") == "Martes 3 de marzo de 7:00 a 11:00"
    assert when_words(two, "en") == "From Tuesday 3 March, 7:00 to Wednesday 4 March, 5:00"
    assert when_words(two, "es") == (
        "Del martes 3 de marzo a las 7:00 al miércoles 4 de marzo a las 5:00"
    )


def test_the_hours_are_those_of_the_authority() -> None:
    assert "3\u00a0h\u00a0–\u00a07\u00a0h" in when_words(
        water_cut(timezone="America/Cayenne"), "fr"
    )


def test_a_digest_names_every_notice_on_its_own_line() -> None:
    second = replace(water_cut(), texts={"fr": Text("Marché déplacé")}, area_desc="place du 8-Mai")
    said = fit_many([water_cut(), second], "fr", within(500))
    assert isinstance(said, Fitted)
    assert said.text.split("\n") == [
        f"- Coupure d’eau dans le centre de Lancey, rue du Vercors. {WHEN}.",
        f"- Marché déplacé, place du 8-Mai. {WHEN}.",
        "Mairie de Villard-Bonnot",
    ]


def test_a_digest_that_does_not_hold_is_refused_with_the_number_that_would() -> None:
    result = fit_many([water_cut()] * 5, "fr", within(260))
    assert isinstance(result, Refusal)
    assert result.field == "notices"
    assert result.what_would_fit == "Au plus 3 avis par message."
