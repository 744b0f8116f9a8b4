"""What every messenger kind owes the dispatcher, whichever it is: each passes the same suite.

A kind that is added to the table needs a row of options here, and nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from pydantic import ValidationError

from hub import clock, registry
from hub.contracts import (
    Capabilities,
    Means,
    Message,
    Notice,
    Refusal,
    Rendering,
    StrictOptions,
    Text,
)
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent, Lane, Status
from tests.fakes.notices import water_cut

OPTIONS: dict[str, dict[str, Any]] = {
    "null": {},
    "push": {},
    "sms": {"url": "smseagle://s3cretword@operator.example/"},
    "mastodon": {"instance": "https://social.example", "token": "s3cretword", "on_end": "edit"},
    "social": {"url": "mastodon://s3cretword@social.example"},
}
KINDS = sorted(k for k in registry.kinds("channels") if not registry.is_display(k))
# It says the headline to nobody: neither marks nor wording.
SPEAKING = [k for k in KINDS if k != "null"]
INSTRUCTION = "Faites une réserve d'eau"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return registry.channel(request.param)


@pytest.fixture(params=SPEAKING)
def speaking(request: pytest.FixtureRequest) -> Any:
    return registry.channel(request.param)


def options(kind: Any) -> Any:
    return kind.Options.model_validate(OPTIONS[kind.kind])


@pytest.fixture
def adapter(kind: Any) -> Iterator[Any]:
    made = kind(options(kind), Means("https://annonces.example", AddressPolicy(frozenset())))
    yield made
    made.close()


def notice(**changes: Any) -> Notice:
    """Of today: a message that has expired is refused. `quiet` typography, so that folding of
    letters does not hide what is looked for."""
    now = clock.now()
    words = Text("Coupure d'eau dans le centre", "Le service remplace une vanne.", INSTRUCTION)
    return water_cut(
        **{
            "sent": now,
            "first_sent": now,
            "effective": now,
            "onset": now + timedelta(hours=20),
            "expires": now + timedelta(hours=24),
            "texts": {"fr": words, "en": Text("Water cut", "A valve.", "Store some water")},
        }
        | changes
    )


def said(kind: Any, told: Notice, locale: str = "fr") -> str:
    made = kind.preview([told], options(kind), locale)
    assert isinstance(made, Rendering), made
    return made.text


def test_every_messenger_kind_has_options_in_this_suite() -> None:
    assert set(KINDS) == set(OPTIONS)


def test_it_says_what_it_is(kind: Any) -> None:
    assert registry.kinds("channels")[kind.kind]
    assert kind.title.strip()
    assert issubclass(kind.Options, StrictOptions)
    can: Capabilities = kind.capabilities
    assert Intent.PUBLISH in can.intents
    assert can.addresses in ("subscriptions", "contacts", "outlet")
    assert can.max_batch >= 1
    # What may not be repeated is opened one at a time.
    assert can.idempotent or can.max_batch == 1


def test_an_unknown_option_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.Options.model_validate({**OPTIONS[kind.kind], "colour": "red"})
    assert [error["loc"] for error in refused.value.errors()] == [("colour",)]


def test_its_secrets_do_not_show(kind: Any) -> None:
    assert "s3cretword" not in repr(options(kind)) + str(options(kind).model_dump())


@pytest.mark.parametrize("intent", Intent)
def test_the_preview_is_the_same_twice_and_changes_nothing(kind: Any, intent: Intent) -> None:
    ended = EndedAs.OVER if intent is Intent.WITHDRAW else None
    told = notice(intent=intent, ended_as=ended)
    copy = replace(told)
    first = kind.preview([told], options(kind), "fr")
    assert isinstance(first, Rendering)
    assert first.text.strip()
    assert first == kind.preview([told], options(kind), "fr")
    assert told == copy


@pytest.mark.parametrize("intent", Intent)
def test_what_is_rendered_is_the_same_twice_under_the_same_key(
    adapter: Any, intent: Intent
) -> None:
    ended = EndedAs.OVER if intent is Intent.WITHDRAW else None
    told = [notice(intent=intent, ended_as=ended)]
    first: Message = adapter.render(told, intent, "fr")
    again: Message = adapter.render(told, intent, "fr")
    assert (first.body, first.key, first.intent) == (again.body, again.key, again.intent)
    assert first.intent is intent
    assert first.key
    assert first.body


def test_another_revision_and_another_intent_have_keys_of_their_own(adapter: Any) -> None:
    keys = {
        adapter.render([notice(revision=no, intent=intent)], intent, "fr").key
        for no in (1, 2)
        for intent in (Intent.PUBLISH, Intent.UPDATE)
    }
    assert len(keys) == 4


def test_the_lane_of_the_notice_is_the_lane_of_the_message(adapter: Any) -> None:
    urgent = adapter.render([notice(lane=Lane.URGENT)], Intent.PUBLISH, "fr")
    assert urgent.lane is (Lane.NORMAL if adapter.kind == "null" else Lane.URGENT)


def test_preview_and_wire_say_the_same(speaking: Any) -> None:
    made = speaking(options(speaking), Means("https://a.example", AddressPolicy(frozenset())))
    body = made.render([notice()], Intent.PUBLISH, "fr").body
    made.close()
    words = body.decode() if isinstance(body, bytes) else body
    assert "Coupure d" in words
    assert "Coupure d" in said(speaking, notice())


def test_an_exercise_is_marked_in_each_language(speaking: Any) -> None:
    exercise = notice(status=Status.EXERCISE)
    assert "EXERCICE" in said(speaking, exercise)
    assert "EXERCISE" in said(speaking, exercise, "en")
    assert "EXERCICE" not in said(speaking, notice())


def test_a_test_is_marked(speaking: Any) -> None:
    assert "TEST" in said(speaking, notice(status=Status.TEST))


def test_the_instruction_is_never_lost(speaking: Any) -> None:
    """However long the rest is: what to do is said, or the notice is refused with its field."""
    for length in (100, 1000, 7000):
        texts = {"fr": Text("Coupure d'eau", "Vanne " * (length // 6), INSTRUCTION)}
        made = speaking.preview([notice(texts=texts)], options(speaking), "fr")
        assert isinstance(made, Rendering)
        assert INSTRUCTION in made.text.replace("’", "'")


def test_what_cannot_be_said_is_refused_with_field_and_reason(speaking: Any) -> None:
    texts = {"fr": Text("Coupure d'eau", "", "Ne buvez pas. " * 500)}
    made = speaking.preview([notice(texts=texts)], options(speaking), "fr")
    if isinstance(made, Refusal):
        assert made.field
        assert made.reason.strip()
        assert made.what_would_fit.strip()
    else:
        assert made.text.count("Ne buvez pas") == 500


def test_each_end_has_words_of_its_own(speaking: Any) -> None:
    """Over, wrong, out of time, no longer for you: four endings that nobody may confuse."""
    ends = [EndedAs.OVER, EndedAs.RETRACTED, EndedAs.EXPIRED, None]
    texts = [said(speaking, notice(intent=Intent.WITHDRAW, ended_as=end)) for end in ends]
    assert len(set(texts)) == 4
    assert said(speaking, notice()) not in texts


def test_an_update_says_that_it_is_one(speaking: Any) -> None:
    assert said(speaking, notice(intent=Intent.UPDATE)) != said(speaking, notice())


def test_a_reader_of_another_language_gets_it_where_it_is_written(speaking: Any) -> None:
    assert "Water cut" in said(speaking, notice(), "en")
    assert "Coupure" in said(speaking, notice(), "es")  # nobody wrote it in Spanish


def test_nothing_to_send_is_no_trouble(adapter: Any) -> None:
    assert adapter.send(adapter.render([notice()], Intent.PUBLISH, "fr"), []) == []


def test_closing_twice_is_no_trouble(adapter: Any) -> None:
    adapter.close()
    adapter.close()
