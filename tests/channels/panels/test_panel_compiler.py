"""A notice becomes pages that say all that matters, or is refused with the exact reason."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from channels.panels import model
from channels.panels.compiler import Compiled, compile_notice
from channels.panels.letters import GLUE, fold, plain
from channels.panels.lexicon import Level, shorten
from channels.panels.when import when
from channels.panels.wrapping import TooLong, wrap
from hub.contracts import Notice, Refusal, Text
from hub.vocabulary import ResponseType, Status
from tests.fakes.notices import water_cut

NARROW = model.load("text-8x16")
PLAIN = model.load("text-6x20")
MATRIX = model.load("matrix-96x64")


def compiled(notice: Notice, face: model.Model = NARROW, *languages: str) -> Compiled:
    done = compile_notice(notice, face, languages or ("fr",), 6000, "fr")
    assert isinstance(done, Compiled), done
    return done


def refused(notice: Notice, face: model.Model = NARROW) -> Refusal:
    done = compile_notice(notice, face, ("fr",), 6000, "fr")
    assert isinstance(done, Refusal), done
    return done


def lines(done: Compiled) -> list[str]:
    return [line for page in done.pages for line in page.lines]


def said(headline: str, instruction: str = "", short: str = "", where: str = "") -> Notice:
    return water_cut(
        texts={"fr": Text(headline, instruction=instruction, short=short)},
        area_desc=where,
        onset=None,
    )


def test_says_what_where_when_and_what_to_do_in_this_order() -> None:
    notice = water_cut(
        texts={"fr": Text("Coupure d’eau", instruction="Faites une réserve.")},
        area_desc="Rue du Vercors",
        onset=datetime(2026, 3, 3, 6, tzinfo=UTC),
        expires=datetime(2026, 3, 3, 10, tzinfo=UTC),
    )
    first, second = compiled(notice).pages
    assert first.lines == (
        "COUPURE D'EAU", "", "RUE DU VERCORS", "", "MARDI 3 MARS", "DE 7H À 11H",
    )  # fmt: skip
    assert second.lines == (
        "COUPURE D'EAU", "", "FAITES", "UNE RÉSERVE.", "", "MAIRIE DE", "VILLARD-BONNOT",
    )  # fmt: skip
    assert (first.units, second.units) == (("what", "where", "when"), ("what", "do", "who"))


def test_a_short_wording_replaces_the_headline() -> None:
    notice = said("Interruption de la distribution d'eau potable", short="Coupure d'eau")
    assert lines(compiled(notice))[0] == "COUPURE D'EAU"


def test_a_place_already_in_the_headline_is_not_repeated() -> None:
    done = compiled(said("Rue du Moulin fermée", where="rue du Moulin"))
    assert "".join(lines(done)).count("MOULIN") == 1


def test_accents_are_kept_where_the_face_has_them_and_folded_where_not() -> None:
    notice = said("Fête de l’été : œuvres, 5 € l’entrée")
    assert "FÊTE DE L'ÉTÉ :" in lines(compiled(notice))
    assert "FETE DE L'ETE :" in " ".join(lines(compiled(notice, PLAIN)))
    assert "OEUVRES, 5 EUR" in " ".join(lines(compiled(notice, PLAIN)))
    assert lines(compiled(notice, MATRIX))[0] == "Fête de l'été :"


@pytest.mark.parametrize(
    ("status", "mark"), [(Status.EXERCISE, "EXERCICE"), (Status.TEST, "ESSAI")]
)
def test_every_page_of_an_exercise_is_marked(status: Status, mark: str) -> None:
    notice = said("Évacuation du quartier de la Gare " * 2, "Allez au gymnase Robert-Huant.")
    done = compiled(water_cut(status=status, texts=notice.texts))
    assert len(done.pages) > 1
    assert all(page.lines[0] == mark for page in done.pages)


def test_a_notice_that_is_meant_carries_no_mark() -> None:
    assert not {"EXERCICE", "ESSAI"} & set(lines(compiled(said("Foire de printemps"))))


def test_words_are_shortened_before_a_page_is_added() -> None:
    notice = said("Avenue des Papeteries et boulevard de la Libération fermés à tous")
    roomy = NARROW.model_copy(update={"lines": 9})
    assert compiled(notice, roomy).level is Level.FULL
    done = compiled(notice, NARROW.model_copy(update={"lines": 6, "columns": 20}))
    assert done.level is Level.COMMON
    assert len(done.pages) == 1
    assert "AV. DES PAPETERIES" in lines(done)


def test_hard_shortenings_are_the_last_resort_and_warned_of() -> None:
    tiny = NARROW.model_copy(update={"lines": 3, "max_pages": 2})
    done = compiled(said("Stationnement interdit, circulation difficile, travaux"), tiny)
    assert done.level is Level.TIGHT
    assert "Des mots sont abrégés." in done.warnings


def test_a_word_wider_than_a_line_is_refused_by_its_name() -> None:
    refusal = refused(said("Anticonstitutionnellement dit"))
    assert refusal.field == "headline"
    assert "ANTICONSTITUTIONNELLEMENT" in refusal.reason
    assert "25" in refusal.reason
    assert "16" in refusal.reason


def test_a_text_of_more_than_three_pages_is_refused_with_the_field_and_what_fits() -> None:
    refusal = refused(water_cut(
        texts={"fr": Text("Crue", instruction="montez à l'étage et attendez " * 16)},
        response_type=ResponseType.SHELTER,
    ))  # fmt: skip
    assert refusal.field == "instruction"
    assert "3 pages" in refusal.reason
    room = int(re.findall(r"\d+", refusal.what_would_fit)[0])
    shorter = ("montez à l'étage et attendez " * 16)[:room]
    done = compiled(water_cut(
        texts={"fr": Text("Crue", instruction=shorter)}, response_type=ResponseType.SHELTER
    ))  # fmt: skip
    assert "".join(lines(done)).count("ATTENDEZ") == shorter.count("attendez")


def test_an_instruction_is_never_left_out_though_nobody_need_act() -> None:
    refusal = refused(water_cut(
        texts={"fr": Text("Crue", instruction="lisez le bulletin du jour " * 20)},
        response_type=ResponseType.MONITOR,
    ))  # fmt: skip
    assert refusal.field == "instruction"


def test_a_sign_the_face_cannot_draw_is_refused_not_dropped() -> None:
    refusal = refused(said("Feu d'artifice 🎆"))
    assert refusal.field == "headline"
    assert "🎆" in refusal.reason


def test_an_empty_headline_is_refused() -> None:
    assert refused(said("   ")).field == "headline"


def test_the_refusal_speaks_the_language_of_the_office() -> None:
    done = compile_notice(said("Anticonstitutionnellement"), NARROW, ("fr",), 6000, "en")
    assert isinstance(done, Refusal)
    assert "a word is never cut" in done.reason


def test_a_second_language_follows_where_there_is_room_and_is_named_where_not() -> None:
    notice = water_cut(
        texts={"fr": Text("Coupure d'eau"), "en": Text("Water cut")}, area_desc="", onset=None
    )
    done = compiled(notice, NARROW, "fr", "en")
    assert [page.lines[0] for page in done.pages] == ["COUPURE D'EAU", "WATER CUT"]
    long = water_cut(
        texts={"fr": Text("Coupure d'eau"), "en": Text("Water cut " * 60)}, area_desc=""
    )
    done = compiled(long, NARROW, "fr", "en")
    assert [page.lines[0] for page in done.pages] == ["COUPURE D'EAU"]
    assert "Le texte en « en » ne tient pas et n'est pas affiché." in done.warnings


def test_a_language_the_notice_does_not_speak_falls_back_to_its_own() -> None:
    notice = water_cut(texts={"es": Text("Corte de agua")}, area_desc="", onset=None)
    assert lines(compiled(notice))[0] == "CORTE DE AGUA"


# When


@pytest.mark.parametrize(
    ("onset", "expires", "level", "words"),
    [
        (None, "2026-03-03T10:00", Level.FULL, "Jusqu'au mardi 3 mars à 11h"),
        (None, "2026-03-03T10:30", Level.COMMON, "Jusqu'au mardi 3 mars 11h30"),
        (None, "2026-03-03T10:30", Level.TIGHT, "Jusqu'au 03/03 11h30"),
        (None, "2026-04-01T10:00", Level.FULL, "Jusqu'au mercredi 1er avril à 12h"),
        (None, "2027-03-03T10:00", Level.FULL, "Jusqu'au mercredi 3 mars 2027 à 11h"),
        (None, "2026-03-03T23:00", Level.FULL, "Jusqu'au mardi 3 mars"),
        (None, "2026-03-03T22:59", Level.FULL, "Jusqu'au mardi 3 mars"),
        ("2026-03-03T06:00", "2026-03-03T10:00", Level.FULL, "Mardi 3 mars de 7h à 11h"),
        ("2026-03-02T23:00", "2026-03-03T23:00", Level.FULL, "Mardi 3 mars"),
        ("2026-03-03T19:00", "2026-03-04T01:30", Level.FULL, "Mardi 3 mars de 20h à 2h30"),
        ("2026-03-03T20:00", "2026-03-04T05:00", Level.FULL, "Mardi 3 mars de 21h à 6h"),
        ("2026-03-02T23:30", "2026-03-03T04:00", Level.FULL, "Mardi 3 mars de 0h30 à 5h"),
        ("2026-03-03T06:00", "2026-03-03T23:00", Level.FULL, "Mardi 3 mars de 7h à 24h"),
        ("2026-03-02T23:00", "2026-03-05T23:00", Level.FULL, "Du mardi 3 mars au jeudi 5 mars"),
        ("2026-03-03T06:00", "2026-03-05T16:00", Level.TIGHT, "Du 03/03 7h au 05/03 17h"),
        ("2026-07-14T20:30", "2026-07-14T21:00", Level.TIGHT, "14/07 de 22h30 à 23h"),
    ],
)
def test_time_is_said_as_people_of_the_town_say_it(
    onset: str | None, expires: str, level: Level, words: str
) -> None:
    notice = water_cut(
        sent=datetime(2026, 3, 1, tzinfo=UTC),
        onset=datetime.fromisoformat(onset + "+00:00") if onset else None,
        expires=datetime.fromisoformat(expires + "+00:00"),
    )
    assert when(notice, "fr", level) == words


def test_english_and_spanish_have_their_own_words() -> None:
    notice = water_cut(onset=None, expires=datetime(2026, 3, 3, 10, tzinfo=UTC))
    assert when(notice, "en-GB", Level.FULL) == "Until Tuesday 3 March at 11:00"
    assert when(notice, "es", Level.FULL) == "Hasta el martes 3 de marzo a las 11:00"


# Letters and words


@given(st.text(), st.integers(8, 40))
@settings(max_examples=300)
def test_wrapping_keeps_every_word_whole_and_every_line_short(text: str, width: int) -> None:
    text, too_long = plain(text), ""
    try:
        wrapped = wrap(text, width)
    except TooLong as error:
        wrapped = []
        too_long = error.word
    if not wrapped:
        assert not text or len(too_long) > width
        return
    assert all(0 < len(line) <= width for line in wrapped)
    # A colon may come closer to its word, or go, where it has no room; never a letter.
    pieces = re.split(r"[\s:;!?»-]+", " ".join(wrapped))
    words = re.split(r"[\s:;!?»-]+", text.replace(GLUE, " "))
    assert [p for p in pieces if p] == [w for w in words if w]


@given(st.lists(st.text(st.characters(categories=["Ll", "Lu"]), min_size=1), min_size=1))
@settings(max_examples=200)
def test_no_word_of_a_page_is_a_piece_of_a_word(words: list[str]) -> None:
    done = compile_notice(said(" ".join(words)), MATRIX, ("fr",), 6000, "fr")
    if isinstance(done, Refusal):
        return
    text = plain(" ".join(words))
    allowed = {
        word.casefold()
        for level in Level
        for word in re.split(r"\s+", fold(shorten(text, "fr", level), MATRIX.alphabet)[0])
    }
    for line in lines(done):
        if line.startswith(("Jusqu'au", "Jsq")):
            break
        assert set(line.casefold().split()) <= allowed


WORDS = st.lists(st.text("abcdefgéèàçœ'-€0123456789:,.", min_size=1, max_size=14), max_size=14).map(
    " ".join
)


@pytest.mark.parametrize("name", model.names())
@given(what=WORDS, where=WORDS, do=WORDS, hours=st.integers(0, 900), hold=st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_whatever_is_given_fits_whole_or_is_refused(
    name: str, what: str, where: str, do: str, hours: int, hold: int
) -> None:
    face = model.load(name)
    onset = datetime(2026, 3, 3, 6, tzinfo=UTC)
    notice = water_cut(
        texts={"fr": Text(what, instruction=do)}, area_desc=where, onset=onset,
        expires=onset + timedelta(hours=hours + 1),
    )  # fmt: skip
    done = compile_notice(notice, face, ("fr",), hold * 1000, "fr")
    if isinstance(done, Refusal):
        assert done.reason
        assert done.what_would_fit
        return
    assert 1 <= len(done.pages) <= face.max_pages
    for page in done.pages:
        assert len(page.units) <= 3
        assert hold * 1000 <= page.hold_ms or page.hold_ms == page.reading_ms
        assert page.reading_ms <= min(page.hold_ms, face.max_hold_ms)
        if page.bitmap:
            assert page.hash == page.bitmap.hash
            assert len(page.bitmap.rows) == page.bitmap.stride * page.bitmap.height
        else:
            assert len(page.lines) <= face.lines
            assert max(map(len, page.lines)) <= face.columns
    said = {kind for page in done.pages for kind in page.units}
    assert "when" in said
    figures = re.findall(r"[0-9]", f"{what}{where}{do}")
    shown = "".join(lines(done))
    assert all(shown.count(figure) >= 1 for figure in figures)


@given(st.text())
def test_folding_leaves_only_letters_the_face_has(text: str) -> None:
    folded, missing = fold(text, PLAIN.alphabet)
    assert set(folded) <= PLAIN.alphabet | {GLUE}
    assert all(letter in text for letter in missing)


def test_a_colon_never_begins_a_line() -> None:
    assert wrap(plain("Attention travaux : rue"), 17) == ["Attention", "travaux : rue"]


def test_a_compound_breaks_after_its_hyphen_only_when_it_must() -> None:
    assert wrap("Saint-Martin-d'Uriage", 16) == ["Saint-Martin-", "d'Uriage"]
    assert wrap("le Villard-Bonnot", 14) == ["le", "Villard-Bonnot"]


def test_a_colon_that_has_no_room_beside_its_word_is_left_out() -> None:
    text = plain("d'assainissement : feux")
    assert wrap(text, 17) == ["d'assainissement:", "feux"]
    assert wrap(text, 16) == ["d'assainissement", "feux"]


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [
        ("Coupure dans le centre de Lancey", 14, ["Coupure", "dans le centre", "de Lancey"]),
        ("Mardi 3 mars de 7h à 11h", 16, ["Mardi 3 mars", "de 7h à 11h"]),
        ("Appelez le 04 76 71 00 00 vite", 16, ["Appelez le", "04 76 71 00 00", "vite"]),
        ("Entrée : 10 000 € le lot", 14, ["Entrée :", "10 000 €", "le lot"]),
        ("Le 1er mars à 19 h 30", 10, ["Le", "1er mars", "à 19h30"]),
    ],
)
def test_lines_are_even_and_break_where_a_reader_pauses(
    text: str, width: int, lines: list[str]
) -> None:
    assert wrap(plain(text), width) == lines


@pytest.mark.parametrize(
    ("text", "short"),
    [
        ("Rue du Moulin", "R. du Moulin"),
        ("AVENUE FOCH", "AV. FOCH"),
        ("Mise en place", "Mise en place"),
        ("Saint-Martin", "Saint-Martin"),
        ("Route barrée", "Route barrée"),
        ("ROUTE BARRÉE", "ROUTE BARRÉE"),
        ("Place de l'Église", "Pl. de l'Église"),
        ("dans la rue.", "dans la rue."),
        ("le numéro.", "le n°."),
        ("Lundi 3 février", "Lun. 3 févr."),
        ("Construire", "Construire"),
    ],
)
def test_abbreviations_touch_whole_words_only(text: str, short: str) -> None:
    assert shorten(text, "fr", Level.COMMON) == short


@pytest.mark.parametrize("name", model.names())
def test_every_model_is_readable_and_its_letters_are_drawn(name: str) -> None:
    face = model.load(name)
    assert face.alphabet <= model.font_letters(face.font)


@pytest.mark.parametrize("language", ["fr", "en", "es"])
def test_no_abbreviation_is_longer_than_its_word(language: str) -> None:
    import yaml

    text = (model.PANELS / f"abbreviations.{language}.yaml").read_text("utf-8")
    lists = yaml.safe_load(text)
    for words in (lists["common"], lists["tight"], lists["streets"]["words"]):
        assert all(len(short) <= len(word) for word, short in words.items())


def test_the_font_has_every_letter_of_french_and_spanish() -> None:
    letters = "àâäæçéèêëîïôöœùûüÿñáíóú"
    wanted = set(letters + letters.upper() + "€°«»¿¡")
    assert wanted <= model.font_letters("5x7")
