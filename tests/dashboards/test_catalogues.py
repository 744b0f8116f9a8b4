"""Every word of the faces is there in French, English and Spanish."""

import re
from pathlib import Path

import pytest
from babel.messages.catalog import Message

from dashboards.base import extract, labels
from dashboards.base.i18n import LANGUAGES

TEMPLATES = sorted(
    path
    for face in ("base", "office", "citizen")
    for path in (extract.HERE / face / "templates").glob("*.html")
)
_PLACE = re.compile(r"%\((\w+)\)")


def texts(message: Message) -> tuple[str, ...]:
    said = message.string
    return (said,) if isinstance(said, str) else tuple(said)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_sentence_is_translated_and_none_is_left_over(language: str) -> None:
    wanted = {m if isinstance(m, str) else m[0] for m, _ in extract.said()}
    known = {
        (m.id if isinstance(m.id, str) else m.id[0]): texts(m)
        for m in extract.read(language)
        if m.id
    }
    assert sorted(wanted - set(known)) == []
    assert sorted(set(known) - wanted) == []
    assert sorted(key for key, said in known.items() if not all(said)) == []


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_translation_fills_in_the_same_places(language: str) -> None:
    for message in extract.read(language):
        if not message.id:
            continue
        ids = (message.id,) if isinstance(message.id, str) else message.id
        places = {name for text in ids for name in _PLACE.findall(text)}
        for number, said in enumerate(texts(message)):
            # « Une station trouvée »: one may be said in a word.
            may_miss = {"num"} if len(ids) > 1 and number == 0 else set()
            assert places - may_miss <= set(_PLACE.findall(said)) <= places, said


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_label_of_a_code_word_is_in_the_catalogue(language: str) -> None:
    assert labels.missing(language) == []


def test_french_is_not_english() -> None:
    same = {
        m.id
        for m in extract.read("fr")
        if isinstance(m.id, str) and m.id == m.string and len(m.id.split()) > 2
    }
    assert same == set()


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda p: f"{p.parent.parent.name}/{p.name}")
def test_no_template_says_a_word_by_itself(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    text = re.sub(r"\{#.*?#\}", "", text, flags=re.DOTALL)
    text = re.sub(r"\{% block width %\}.*?\{% endblock %\}", "", text)  # a class, not a word
    text = re.sub(r"<(\w+)[^>]* translate=\"no\".*?</\1>", "", text, flags=re.DOTALL)
    # What Jinja writes holds no letter for us; what it leaves standing is the template's own.
    text = re.sub(r"\{%.*?%\}|\{\{.*?\}\}", "", text, flags=re.DOTALL)
    shown = re.findall(
        r"\b(?:title|alt|placeholder|aria-label|aria-description)=\"([^\"]+)\"", text
    )
    bare = re.sub(r"<[^>]*>", "\n", re.sub(r"<(script|svg)\b.*?</\1>", "", text, flags=re.DOTALL))
    bare = re.sub(r"[\w-]+=\"[^\"]*\"", "", bare)  # attributes that a macro or a block writes
    said = [line.strip() for line in bare.splitlines()] + shown
    # Names and marks that are the same in every language.
    allowed = {"Tambour", "RSS", "JSON", "CAP", "JSON Feed", "Atom", "· Tambour", "Tambour ·"}
    assert [s for s in said if re.search(r"[^\W\d_]", s) and s not in allowed] == []
