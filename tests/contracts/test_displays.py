"""What every display kind owes the dispatcher, whichever it is: each passes the same suite.

A kind that is added to the table needs a row of options here, and nothing else.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import ValidationError

from channels.panels import wire
from hub import registry
from hub.contracts import (
    Means,
    Notice,
    OutletView,
    Refusal,
    Rendering,
    Said,
    StrictOptions,
    Text,
)
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent, Status
from tests.fakes.brokers import Broker, running
from tests.fakes.notices import SENT, water_cut

OPTIONS: dict[str, dict[str, Any]] = {"panel": {"model": "text-8x16"}, "website": {}}
KINDS = sorted(k for k in registry.kinds("channels") if registry.is_display(k))
NOW = SENT + timedelta(hours=1)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    yield from running("mosquitto", tmp_path_factory.mktemp("broker"))
    wire.close_all()


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Any:
    return registry.channel(request.param)


def options(kind: Any) -> Any:
    return kind.Options.model_validate(OPTIONS[kind.kind])


@pytest.fixture
def adapter(kind: Any, broker: Broker) -> Iterator[Any]:
    means = Means(
        "https://annonces.example", AddressPolicy(frozenset()), broker_url=broker.url, instance="t"
    )
    made = kind(options(kind), means)
    yield made
    made.close()


def view(say_no: int = 1, **changes: Any) -> OutletView:
    values: dict[str, Any] = {
        "id": 1,
        "code": "place",
        "name": "Place de la Mairie",
        "authority": "villard-bonnot",
        "authority_name": "Villard-Bonnot",
        "timezone": "Europe/Paris",
        "languages": ("fr",),
        "say_no": say_no,
        "station": "VILLARD",
        "signing_key": KEY,
        "key_id": "k1",
    }
    return OutletView(**(values | changes))


KEY = Ed25519PrivateKey.generate().private_bytes_raw()


def ended(as_: EndedAs) -> Notice:
    return water_cut(revision=2, intent=Intent.WITHDRAW, ended_as=as_)


def said(kind: Any, told: Notice) -> str:
    made = kind.preview([told], options(kind), "fr")
    assert isinstance(made, Rendering), made
    return made.text


def test_every_display_kind_has_options_in_this_suite() -> None:
    assert set(KINDS) == set(OPTIONS)


def test_it_says_what_it_is(kind: Any) -> None:
    assert registry.kinds("channels")[kind.kind]
    assert kind.title.strip()
    assert issubclass(kind.Options, StrictOptions)
    assert not hasattr(kind, "send")


def test_an_unknown_option_is_refused_by_name(kind: Any) -> None:
    with pytest.raises(ValidationError) as refused:
        kind.Options.model_validate({**OPTIONS[kind.kind], "colour": "red"})
    assert [error["loc"] for error in refused.value.errors()] == [("colour",)]


def test_the_preview_is_the_same_twice_and_changes_nothing(kind: Any) -> None:
    told = water_cut()
    copy = replace(told)
    first = kind.preview([told], options(kind), "fr")
    assert isinstance(first, Rendering)
    assert first.text.strip()
    assert first == kind.preview([told], options(kind), "fr")
    assert told == copy


def test_what_cannot_be_shown_is_refused_with_field_and_reason(kind: Any) -> None:
    texts = {"fr": Text("Coupure", "", "Ne buvez pas l'eau du robinet. " * 60)}
    made = kind.preview([water_cut(texts=texts)], options(kind), "fr")
    if isinstance(made, Refusal):
        assert made.field
        assert made.reason.strip()
        assert made.what_would_fit.strip()
    else:
        assert made.text.count("Ne buvez pas") == 60


def test_an_exercise_is_marked(kind: Any) -> None:
    assert "EXERCICE" in said(kind, water_cut(status=Status.EXERCISE)).upper()
    assert "EXERCICE" not in said(kind, water_cut()).upper()


def test_the_instruction_is_never_lost(kind: Any) -> None:
    texts = {"fr": Text("Coupure d'eau", "Vanne " * 200, "Bouillir l'eau")}
    made = kind.preview([water_cut(texts=texts)], options(kind), "fr")
    assert isinstance(made, Rendering)
    letters = " ".join(made.text.upper().replace("’", "'").split())
    assert "BOUILLIR" in letters
    assert "EAU" in letters.partition("BOUILLIR")[2]


def documents(words: Said) -> dict[str, bytes]:
    return {document.path: document.body for document in words.documents}


def test_telling_the_same_twice_is_saying_the_same(adapter: Any) -> None:
    first = adapter.show(view(1), [water_cut()], [], NOW)
    again = adapter.show(view(2), [water_cut()], [], NOW)
    assert isinstance(first, Said)
    assert documents(first) == documents(again)
    assert (first.shown, first.refused, first.next_change_at) == (
        again.shown,
        again.refused,
        again.next_change_at,
    )
    if first.shown:
        assert first.documents  # saying is showing: then here it is
    else:
        assert not first.documents


def test_time_alone_changes_it_at_the_end_at_the_latest(adapter: Any) -> None:
    told = water_cut()
    words = adapter.show(view(3), [told], [], NOW)
    if words.shown:
        assert words.next_change_at is not None
        assert NOW < words.next_change_at <= told.expires


def test_what_has_expired_is_not_shown_again(adapter: Any) -> None:
    late: datetime = water_cut().expires + timedelta(seconds=1)
    words = adapter.show(view(4), [water_cut()], [], late)
    assert words.refused == {}
    assert not any(b"Lancey" in body for body in documents(words).values())


def test_nothing_to_show_is_said_too(adapter: Any) -> None:
    words = adapter.show(view(5), [], [], NOW)
    assert words.refused == {}
    assert not any(b"01JWATER" in body for body in documents(words).values())


@pytest.mark.parametrize("as_", [EndedAs.OVER, EndedAs.RETRACTED])
def test_what_is_ended_is_no_longer_carried(adapter: Any, as_: EndedAs) -> None:
    """A feed of messages keeps its tombstone; what people look at is clean."""
    words = adapter.show(view(6), [], [ended(as_)], NOW)
    assert words.refused == {}
    for path, body in documents(words).items():
        if path.endswith((".json", ".rss", ".atom", "page.html")):
            assert b"Lancey" not in body, path


def test_the_two_ends_are_told_apart_where_they_are_told(adapter: Any) -> None:
    over = documents(adapter.show(view(7), [], [ended(EndedAs.OVER)], NOW))
    wrong = documents(adapter.show(view(8), [], [ended(EndedAs.RETRACTED)], NOW))
    assert over.keys() == wrong.keys()
    tombstones = [path for path in over if b"01JWATER" in over[path]]
    assert all(over[path] != wrong[path] for path in tombstones)
    if over:
        assert tombstones


def test_one_notice_that_does_not_fit_does_not_hold_the_others(adapter: Any) -> None:
    huge = {"fr": Text("Trop long", "", "Ne buvez pas l'eau du robinet. " * 60)}
    bad = water_cut(publication="01JHUGE0000000000000000AAA", texts=huge)
    words = adapter.show(view(9), [bad, water_cut()], [], NOW)
    assert set(words.refused) <= {bad.publication}
    for refusal in words.refused.values():
        assert refusal.field
        assert refusal.reason.strip()


def test_closing_twice_is_no_trouble(adapter: Any) -> None:
    assert adapter.check().says.strip()
    adapter.close()
    adapter.close()
