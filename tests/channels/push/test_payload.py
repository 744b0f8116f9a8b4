"""What a phone is told: words by intent and language, and what gives way first."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from channels.push.payload import MAX_PAYLOAD, Composed, compose, topic_of
from hub.contracts import Refusal, Text
from hub.vocabulary import EndedAs, Intent, Lane, Severity, Status
from tests.channels.push.conftest import Tell


def told(made: Composed | Refusal) -> dict[str, Any]:
    assert isinstance(made, Composed)
    assert len(made.body) <= MAX_PAYLOAD
    read: dict[str, Any] = json.loads(made.body)
    return read


def test_a_notice_reads_what_where_when_what_to_do(tell: Tell) -> None:
    assert told(compose([tell()], Intent.PUBLISH, "fr")) == {
        "title": "Rue de la Paix barrée",
        "body": "Brignoud · Jusqu'au lundi 2 mars 12\u00a0h\u00a031\n"
        "Passez par l'avenue Aristide-Bergès.\n"
        "Une conduite d'eau a cédé devant l'école.\n"
        "Mairie de Villard-Bonnot",
        "tag": "01JNB2Z6W0QX4T8M5R7V9C3E1D",
        "url": "https://annonces.example/p/01JNB2Z6W0QX4T8M5R7V9C3E1D",
        "publication": "01JNB2Z6W0QX4T8M5R7V9C3E1D",
        "revision": 1,
        "intent": "publish",
        "expires": 1772451067,
        "sent": 1772440267,
        "severity": "Moderate",
        "category": "traffic",
        "exercise": False,
        "quiet": False,
        "station": "Mairie de Villard-Bonnot",
        "lang": "fr",
    }


def test_an_update_says_so_in_each_language(tell: Tell) -> None:
    notice = tell(revision=2)
    assert told(compose([notice], Intent.UPDATE, "fr"))["title"].startswith("Mise à jour")
    english = told(compose([notice], Intent.UPDATE, "en"))
    assert english["title"] == "Update: Rue de la Paix closed"
    assert english["lang"] == "en"


@pytest.mark.parametrize(
    ("ended", "french", "english"),
    [
        (EndedAs.OVER, "C'est terminé", "It is over"),
        (EndedAs.RETRACTED, "erronée", "was wrong"),
        (EndedAs.EXPIRED, "période annoncée est passée", "period has passed"),
        (None, "ne vous concerne plus", "no longer concerns you"),
    ],
)
def test_each_ending_has_its_own_words_and_repeats_no_instruction(
    tell: Tell, ended: EndedAs | None, french: str, english: str
) -> None:
    notice = tell(revision=3, ended_as=ended)
    for locale, words, instruction in (
        ("fr", french, "Aristide-Bergès"),
        ("en", english, "avenue Bergès"),
    ):
        said = told(compose([notice], Intent.WITHDRAW, locale))
        assert words in said["body"]
        assert instruction not in said["body"]
        assert said["expires"] == 0
        assert said["tag"] == notice.publication


def test_every_ending_is_spoken_in_spanish_too(tell: Tell) -> None:
    texts = {"es": Text("Calle cortada", "", "Tome la avenida.")}
    bodies = {
        told(compose([tell(texts=texts, ended_as=e)], Intent.WITHDRAW, "es"))["body"]
        for e in (*EndedAs, None)
    }
    assert len(bodies) == 4


def test_a_text_nobody_translated_is_not_wrapped_in_another_language(tell: Tell) -> None:
    notice = tell(texts={"fr": Text("Rue barrée", "", "Passez ailleurs.")}, ended_as=EndedAs.OVER)
    said = told(compose([notice], Intent.WITHDRAW, "en"))
    assert said["lang"] == "fr"
    assert "terminé" in said["body"]


def test_an_exercise_is_marked_where_it_is_read_first(tell: Tell) -> None:
    said = told(compose([tell(status=Status.EXERCISE)], Intent.PUBLISH, "fr"))
    assert said["title"] == "[EXERCICE] Rue de la Paix barrée"
    assert said["exercise"]


def test_only_what_asks_for_nothing_is_quiet(tell: Tell) -> None:
    def quiet(intent: Intent, **given: Any) -> bool:
        return bool(told(compose([tell(**given)], intent, "fr"))["quiet"])

    assert not quiet(Intent.PUBLISH)
    assert quiet(Intent.PUBLISH, lane=Lane.BULK)
    assert not quiet(Intent.WITHDRAW, ended_as=EndedAs.RETRACTED)
    assert quiet(Intent.WITHDRAW, ended_as=EndedAs.OVER)
    assert not quiet(Intent.WITHDRAW, ended_as=EndedAs.OVER, severity=Severity.EXTREME)
    assert quiet(Intent.WITHDRAW, ended_as=EndedAs.EXPIRED)
    assert quiet(Intent.WITHDRAW, ended_as=None)


@given(
    st.integers(0, 6000),
    st.integers(0, 3000),
    st.integers(1, 900),
    st.sampled_from('eé€\U0001f6a7"'),
)
def test_whatever_the_lengths_it_fits_with_its_instruction_or_is_refused(
    description: int, instruction: int, headline: int, letter: str
) -> None:
    def words(n: int) -> str:
        return " ".join([letter * 7] * (n // 8 + 1))[:n].strip()

    from tests.channels.push import conftest

    tell = conftest.tell.__wrapped__()  # type: ignore[attr-defined]
    text = Text(words(headline) or "Titre", words(description), words(instruction))
    made = compose([tell(texts={"fr": text})], Intent.PUBLISH, "fr")
    if isinstance(made, Refusal):
        assert made.field == "instruction"
        assert len(text.instruction.encode()) > 1500
    else:
        said = told(made)
        assert text.instruction in said["body"]
        assert "Brignoud" in said["body"]


def test_the_description_gives_way_first_and_between_words(tell: Tell) -> None:
    text = Text("Crue de l'Isère", "Le niveau monte encore. " * 300, "Montez à l'étage.")
    made = compose([tell(texts={"fr": text})], Intent.PUBLISH, "fr")
    said = told(made)
    assert isinstance(made, Composed)
    assert made.shortened == ("description",)
    assert said["title"] == "Crue de l'Isère"
    assert "Montez à l'étage." in said["body"]
    assert said["body"].endswith("…\nMairie de Villard-Bonnot")
    assert len(made.body) > MAX_PAYLOAD - 40


def test_an_instruction_too_long_for_a_phone_is_refused_with_the_reason(tell: Tell) -> None:
    text = Text("Crue", "", "Montez à l'étage. " * 300)
    made = compose([tell(texts={"fr": text})], Intent.PUBLISH, "fr")
    assert isinstance(made, Refusal)
    assert made.field == "instruction"
    assert "octets" in made.reason
    assert "Raccourcissez" in made.what_would_fit


def test_a_digest_names_every_notice_and_its_instruction(tell: Tell) -> None:
    many = [tell(publication=f"01JNB2Z6W0QX4T8M5R7V9C3E{n:02d}") for n in range(3)]
    said = told(compose(many, Intent.PUBLISH, "fr"))
    assert said["title"] == "3 annonces · Mairie de Villard-Bonnot"
    assert said["body"].count("Passez par l'avenue") == 3
    assert said["url"] == "https://annonces.example/s/mairie"


def test_a_digest_that_would_hide_a_notice_is_refused(tell: Tell) -> None:
    many = [tell(publication=f"01JNB2Z6W0QX4T8M5R7V9C3E{n:02d}") for n in range(90)]
    made = compose(many, Intent.PUBLISH, "fr")
    assert isinstance(made, Refusal)
    assert made.field == "notices"


def test_the_topic_is_one_for_all_revisions_and_says_nothing(tell: Tell) -> None:
    first, second = topic_of([tell()]), topic_of([tell(revision=7)])
    assert first == second
    assert len(first) <= 32
    assert first.replace("-", "").replace("_", "").isalnum()
    assert topic_of([tell(publication="01JNB2Z6W0QX4T8M5R7V9C3E1E")]) != first
