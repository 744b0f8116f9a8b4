"""A post on Mastodon: made once, edited, removed; over real sockets."""

import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from channels.mastodon import Mastodon, count
from hub import clock
from hub.contracts import (
    Means,
    NotConfigured,
    Outcome,
    PermanentFailure,
    Refusal,
    Rendering,
    Target,
    Text,
    Verdict,
)
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent
from tests.fakes.mastodon import TOKEN, Instance
from tests.fakes.notices import water_cut

OPTIONS = Mastodon.Options(instance="https://social.example", token=SecretStr(TOKEN))


@pytest.fixture
def instance() -> Iterator[Instance]:
    with Instance() as running:
        yield running


def account(instance: Instance, timeout: float = 5.0, **more: Any) -> Mastodon:
    options = Mastodon.Options(**({"instance": instance.url, "token": SecretStr(TOKEN)} | more))
    policy = AddressPolicy(frozenset({instance.address}))
    return Mastodon(options, Means("https://hub.example", policy, timeout=timeout))


def say(
    outlet: Mastodon,
    intent: Intent = Intent.PUBLISH,
    key: str = "k1",
    ref: str = "",
    **changes: Any,
) -> Outcome:
    message = outlet.render([water_cut(**changes)], intent, "fr")
    (outcome,) = outlet.send(message, [Target(key, "mairie", intent, ref)])
    return outcome


def test_a_post_carries_the_fitted_text_its_language_and_visibility(instance: Instance) -> None:
    outcome = say(account(instance, visibility="unlisted"))
    (status,) = instance.statuses.values()
    assert (outcome.verdict, outcome.ref) == (Verdict.ACCEPTED, status["id"])
    assert status["text"].startswith("Coupure d’eau dans le centre de Lancey, rue du Vercors\n")
    assert (status["language"], status["visibility"]) == ("fr", "unlisted")


def test_an_update_edits_the_same_post(instance: Instance) -> None:
    outlet = account(instance)
    first = say(outlet)
    second = say(outlet, Intent.UPDATE, "k2", first.ref, revision=2)
    assert second.ref == first.ref
    (status,) = instance.statuses.values()
    assert status["text"].startswith("Mise à jour\u00a0: Coupure d’eau")
    assert len(status["edits"]) == 1


@pytest.mark.parametrize("ended", [EndedAs.OVER, EndedAs.RETRACTED, EndedAs.EXPIRED, None])
def test_an_end_removes_the_post(instance: Instance, ended: EndedAs | None) -> None:
    outlet = account(instance)
    ref = say(outlet).ref
    outcome = say(outlet, Intent.WITHDRAW, "k2", ref, ended_as=ended)
    assert outcome.verdict is Verdict.ACCEPTED
    assert (instance.statuses, instance.deleted) == ({}, [ref])


def test_an_end_edits_the_post_where_the_outlet_wants_that(instance: Instance) -> None:
    outlet = account(instance, on_end="edit")
    ref = say(outlet).ref
    say(outlet, Intent.WITHDRAW, "k2", ref, ended_as=EndedAs.RETRACTED)
    assert instance.statuses[ref]["text"].startswith("Annulé, information erronée\u00a0: Coupure")
    assert instance.deleted == []


def test_the_same_key_posts_once(instance: Instance) -> None:
    outlet = account(instance)
    assert say(outlet).ref == say(outlet).ref
    assert len(instance.statuses) == 1
    assert say(outlet, key="k2").ref != say(outlet).ref


def test_a_time_out_is_later_and_the_repeat_makes_no_second_post(instance: Instance) -> None:
    instance.free.clear()
    assert say(account(instance, timeout=0.3)).verdict is Verdict.LATER
    instance.free.set()
    again = say(account(instance))
    assert again.verdict is Verdict.ACCEPTED
    assert list(instance.statuses) == [again.ref]


def test_a_post_removed_by_hand_is_made_anew_by_an_update(instance: Instance) -> None:
    outcome = say(account(instance), Intent.UPDATE, "k2", "111999")
    assert outcome.verdict is Verdict.ACCEPTED
    assert outcome.ref in instance.statuses
    assert "publié à neuf" in outcome.reason


@pytest.mark.parametrize("on_end", ["delete", "edit"])
@pytest.mark.parametrize("ref", ["111999", ""])
def test_nothing_left_to_remove_is_as_good_as_removed(
    instance: Instance, on_end: str, ref: str
) -> None:
    outcome = say(account(instance, on_end=on_end), Intent.WITHDRAW, "k2", ref)
    assert outcome.verdict is Verdict.ACCEPTED
    assert "plus de message" in outcome.reason
    assert instance.statuses == {}


def test_an_update_of_what_never_was_posted_is_posted(instance: Instance) -> None:
    assert say(account(instance), Intent.UPDATE).ref in instance.statuses


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_token_needs_a_person(instance: Instance, status: int) -> None:
    instance.answer = (status, {"error": "This action is not allowed"})
    with pytest.raises(NotConfigured, match="This action is not allowed"):
        say(account(instance))


def test_an_invalid_text_is_refused_with_the_instances_words(instance: Instance) -> None:
    instance.answer = (422, {"error": "Validation failed: Text limit of 500 characters exceeded"})
    with pytest.raises(PermanentFailure, match="Text limit of 500"):
        say(account(instance))


def test_a_rate_limit_is_later_by_the_moment_the_instance_names(instance: Instance) -> None:
    moment = clock.now() + timedelta(seconds=90)
    instance.answer = (429, {"error": "Too many requests"})
    instance.headers = {"X-RateLimit-Reset": moment.isoformat().replace("+00:00", "Z")}
    outcome = say(account(instance))
    assert outcome.verdict is Verdict.LATER
    assert outcome.retry_after is not None
    assert 60 < outcome.retry_after <= 90


@pytest.mark.parametrize(
    "answer",
    [(500, {}), (502, b"<html>"), (200, b"<html>"), (200, {"no": "id"}), (200, b"[" * 60_000)],
)
def test_an_answer_that_settles_nothing_is_later_because_the_key_makes_a_repeat_safe(
    instance: Instance, answer: tuple[int, Any]
) -> None:
    instance.answer = answer
    assert say(account(instance)).verdict is Verdict.LATER


def test_an_endless_answer_is_cut_off(instance: Instance) -> None:
    instance.answer = (200, b"x" * 200_000)
    assert say(account(instance)).verdict is Verdict.LATER


def test_a_redirect_is_not_followed(instance: Instance) -> None:
    instance.answer = (301, b"")
    instance.headers = {"Location": f"{instance.url}/api/v1/statuses"}
    with pytest.raises(NotConfigured):
        say(account(instance))
    assert len(instance.requests) == 1


def test_an_instance_that_is_away_is_later() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    means = Means("", AddressPolicy(frozenset({address})))
    options = Mastodon.Options(instance=f"http://{address}", token=SecretStr(TOKEN))
    assert say(Mastodon(options, means)).verdict is Verdict.LATER
    assert not Mastodon(options, means).check().ok


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:9", "http://169.254.169.254", "http://[::ffff:127.0.0.1]", "http://localhost"]
)  # fmt: skip
def test_an_address_inside_is_refused(url: str) -> None:
    outlet = Mastodon(
        Mastodon.Options(instance=url, token=SecretStr(TOKEN)), Means("", AddressPolicy())
    )
    with pytest.raises(NotConfigured, match="pas permise"):
        say(outlet)


def test_a_name_that_resolves_inside_is_refused_at_the_connection(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = int(instance.address.partition(":")[2])
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    options = Mastodon.Options(instance=f"http://social.example.org:{port}", token=SecretStr(TOKEN))
    with pytest.raises(NotConfigured):
        say(Mastodon(options, Means("", AddressPolicy())))
    assert instance.requests == []


def test_a_proxy_of_the_environment_is_not_used(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    assert say(account(instance)).verdict is Verdict.ACCEPTED


def test_check_names_the_account_and_posts_nothing(instance: Instance) -> None:
    health = account(instance).check()
    assert health.ok
    assert "@mairie" in health.says
    assert instance.statuses == {}
    assert not account(instance, token=SecretStr("wrong")).check().ok


def test_any_link_counts_twenty_three() -> None:
    assert count("https://a.example") == count("https://a.example/" + "x" * 80) == 23
    assert count("Voir https://a.example et après") == len("Voir  et après") + 23


def test_a_preview_counts_as_mastodon_does() -> None:
    notice = water_cut(url="https://mairie.example/" + "p" * 300)
    seen = Mastodon.preview([notice], OPTIONS, "fr")
    assert isinstance(seen, Rendering)
    assert seen.facts["action"] == "post"
    assert seen.facts["characters"] == len(seen.text) - len(notice.url) + 23 <= 500
    assert seen.facts["shortened"] == []


def test_the_preview_of_an_end_says_what_happens_to_the_post() -> None:
    seen = Mastodon.preview([water_cut(intent=Intent.WITHDRAW)], OPTIONS, "fr")
    assert isinstance(seen, Rendering)
    assert (seen.text, seen.facts) == ("Le message publié est supprimé.", {"action": "delete"})


def test_an_end_is_never_refused_for_want_of_room() -> None:
    long = water_cut(intent=Intent.WITHDRAW, texts={"fr": Text("Eau " * 200)})
    assert isinstance(Mastodon.preview([long], OPTIONS, "fr"), Rendering)
    too_long = water_cut(texts={"fr": Text("Eau", "", "Faites bouillir. " * 40)})
    assert isinstance(Mastodon.preview([too_long], OPTIONS, "fr"), Refusal)


@pytest.mark.parametrize(
    "wrong",
    [
        "social.example", "ftp://social.example", "https://", "https://social.example/@mairie",
        "https://user:pass@social.example", "https://social.example?x=1",
    ],
)  # fmt: skip
def test_an_instance_is_named_by_its_origin_alone(wrong: str) -> None:
    with pytest.raises(ValidationError, match="https://nom"):
        Mastodon.Options(instance=wrong, token=SecretStr(TOKEN))


def test_the_kind_keeps_every_intent_and_may_be_repeated() -> None:
    assert Mastodon.capabilities.intents == set(Intent)
    assert Mastodon.capabilities.idempotent
