"""What a call through Apprise is reported as, over real sockets."""

import inspect
import logging
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import requests
from pydantic import SecretStr

from channels.apprise_bridge import Bridge, service_of
from channels.watched import watch
from hub.contracts import (
    Means,
    NotConfigured,
    Outcome,
    Verdict,
)
from hub.guard import AddressPolicy
from tests.fakes.operator import TOKEN, Operator

NUMBER = "+33612345678"


def means(*pairs: str, timeout: float = 5.0) -> Means:
    return Means("https://hub.example", AddressPolicy(frozenset(pairs)), timeout=timeout)


@pytest.fixture
def operator() -> Iterator[Operator]:
    with Operator() as running:
        yield running


def say(operator: Operator, text: str = "Bonjour", timeout: float = 5.0, more: str = "") -> Outcome:
    bridge = Bridge(SecretStr(operator.url + more), means(operator.address, timeout=timeout))
    return bridge.say(text, NUMBER)


def test_a_message_taken_is_accepted_with_the_operators_reference(operator: Operator) -> None:
    outcome = say(operator)
    assert operator.log == [(NUMBER, "Bonjour")]
    assert (outcome.verdict, outcome.ref) == (Verdict.ACCEPTED, "4001")


@pytest.mark.parametrize(
    "text",
    [
        "Eau coupée, rue du Vercors.\nÀ bientôt : 7 h – 11 h",
        "un {{gabarit}} ${NAME} \\n \\t :smile: *gras* <b>html</b> & [lien](x) # titre",
        "mot " * 400 + "fin",  # over the 1200 characters at which the service itself would cut
    ],
)
def test_the_text_arrives_letter_for_letter(operator: Operator, text: str) -> None:
    assert say(operator, text).verdict is Verdict.ACCEPTED
    assert operator.log == [(NUMBER, text)]


def test_a_time_out_after_the_request_left_is_uncertain_and_not_repeated(
    operator: Operator,
) -> None:
    operator.free.clear()
    outcome = say(operator, timeout=0.3)
    assert outcome.verdict is Verdict.UNCERTAIN
    assert "peut-être" in outcome.reason
    assert operator.counts() == {NUMBER: 1}


def test_a_connection_broken_off_after_the_request_is_uncertain(operator: Operator) -> None:
    operator.answer = "hang up"
    assert say(operator).verdict is Verdict.UNCERTAIN


def test_a_refused_connection_is_later_because_nothing_left(operator: Operator) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    outcome = Bridge(SecretStr(f"smseagle://{TOKEN}@{address}/"), means(address)).say("a", NUMBER)
    assert outcome.verdict is Verdict.LATER
    assert "Rien n'est parti" in outcome.reason


def test_a_name_that_does_not_resolve_is_later(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> Any:
        raise socket.gaierror(-3, "Temporary failure in name resolution")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    bridge = Bridge(SecretStr(f"smseagles://{TOKEN}@sms.example.org/"), means())
    assert bridge.say("a", NUMBER).verdict is Verdict.LATER


def test_a_tls_handshake_that_fails_is_later_because_nothing_left(operator: Operator) -> None:
    url = operator.url.replace("smseagle://", "smseagles://")  # TLS spoken to a plain server
    outcome = Bridge(SecretStr(url), means(operator.address)).say("a", NUMBER)
    assert outcome.verdict is Verdict.LATER
    assert operator.log == []


def test_a_refusal_in_the_answer_is_rejected_with_the_operators_words_but_not_the_number(
    operator: Operator,
) -> None:
    operator.answer = "refuse"
    outcome = say(operator)
    assert outcome.verdict is Verdict.REJECTED
    assert "Invalid number …" in outcome.reason
    assert "612345678" not in outcome.reason


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        ("400", b'{"error": {"message": "Bad sender"}}', Verdict.REJECTED),
        ("403", b"{}", Verdict.REJECTED),
        ("404", b"<html>", Verdict.REJECTED),
        ("429", b"", Verdict.LATER),
        ("500", b"oops", Verdict.UNCERTAIN),
        ("502", b"<html>", Verdict.UNCERTAIN),
        ("503", b"", Verdict.UNCERTAIN),
        ("200", b"<html>captive portal</html>", Verdict.UNCERTAIN),
        ("200", b"[" * 60_000, Verdict.UNCERTAIN),
    ],
)
def test_each_status_means_what_is_sure(
    operator: Operator, status: str, body: bytes, verdict: Verdict
) -> None:
    operator.answer, operator.body = status, body
    outcome = say(operator)
    assert outcome.verdict is verdict
    assert status in outcome.reason


def test_an_operator_that_says_when_to_come_back_is_asked_again_then(operator: Operator) -> None:
    operator.headers = {"Retry-After": "17"}
    for status in ("429", "503"):
        operator.answer = status
        outcome = say(operator)
        assert (outcome.verdict, outcome.retry_after) == (Verdict.LATER, 17.0)


def test_a_wrong_token_needs_a_person() -> None:
    with Operator() as operator:
        url = operator.url.replace(TOKEN, "wrong-token")
        with pytest.raises(NotConfigured) as failed:
            Bridge(SecretStr(url), means(operator.address)).say("a", NUMBER)
    assert "401" in failed.value.reason
    assert "wrong-token" not in failed.value.reason


def several(operator: Operator) -> Bridge:
    """One call that makes two requests, as a log-in before a message would."""
    url = operator.url + "+33612345678/+33612345679"
    return Bridge(SecretStr(url), means(operator.address))


def test_no_throttle_sleeps_between_two_requests_of_one_call(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(time, "sleep", never)
    assert several(operator).say("a").verdict is Verdict.ACCEPTED
    assert len(operator.log) == 2


def test_a_wait_asked_for_after_something_left_is_uncertain_not_later(operator: Operator) -> None:
    take = operator.take

    def once(call: dict[str, Any]) -> tuple[int, bytes]:
        if operator.log:
            operator.answer = "429"
        return take(call)

    operator.take = once  # type: ignore[method-assign]
    assert several(operator).say("a").verdict is Verdict.UNCERTAIN


def test_a_redirect_is_not_followed(operator: Operator) -> None:
    with Operator() as elsewhere:
        operator.answer = "307"
        operator.headers = {"Location": f"http://{elsewhere.address}/jsonrpc/sms"}
        with pytest.raises(NotConfigured):
            say(operator)
        assert elsewhere.log == []


def test_parameters_of_the_url_cannot_switch_retries_or_optional_on_again(
    operator: Operator,
) -> None:
    operator.answer = "500"
    seen: list[int] = []
    take = operator.take
    operator.take = lambda call: seen.append(1) or take(call)  # type: ignore[method-assign, func-returns-value]
    outcome = say(operator, more="?retry=5&wait=0&optional=yes&redirect=yes")
    assert outcome.verdict is Verdict.UNCERTAIN
    assert len(seen) == 1


def test_no_throttle_sleeps_between_two_calls(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(seconds: float) -> None:
        raise AssertionError(f"slept {seconds} s")

    monkeypatch.setattr(time, "sleep", never)
    bridge = Bridge(SecretStr(operator.url), means(operator.address))
    verdicts = {bridge.say(f"n° {n}", NUMBER).verdict for n in range(5)}
    assert verdicts == {Verdict.ACCEPTED}


def test_an_answer_without_end_is_cut_off_and_uncertain(operator: Operator) -> None:
    operator.body = b'{"result": [{"message_id": "1", "status": "ok"}]}' + b" " * 500_000
    assert say(operator).verdict is Verdict.UNCERTAIN


@pytest.mark.parametrize("number", ["12", "0612345678", "mairie", "#tous", "33612345678", ""])
def test_what_is_no_international_number_is_rejected_before_anything_leaves(
    operator: Operator, number: str
) -> None:
    outcome = Bridge(SecretStr(operator.url), means(operator.address)).say("a", number)
    assert outcome.verdict is Verdict.REJECTED
    assert operator.calls == []


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "169.254.169.254", "[::ffff:127.0.0.1]", "10.0.0.1", "localhost", "2130706433"],
)
def test_an_address_inside_is_refused(host: str) -> None:
    bridge = Bridge(SecretStr(f"json://{host}:9/path"), means())
    with pytest.raises(NotConfigured):
        bridge.say("a")
    assert not bridge.check().ok


def test_a_number_written_with_spaces_is_the_same_number(operator: Operator) -> None:
    bridge = Bridge(SecretStr(operator.url), means(operator.address))
    assert bridge.say("a", "+33 6 12-34.56 78").verdict is Verdict.ACCEPTED
    assert operator.counts() == {NUMBER: 1}


def test_another_port_of_an_excepted_host_is_refused(operator: Operator) -> None:
    with pytest.raises(NotConfigured):
        Bridge(SecretStr(operator.url), means("127.0.0.1:1")).say("a", NUMBER)
    assert operator.calls == []


def test_a_name_that_resolves_inside_is_refused_at_the_connection(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = operator.port
    inside = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: inside)
    url = operator.url.replace("127.0.0.1", "sms.example.org")
    with pytest.raises(NotConfigured, match=r"127\.0\.0\.1 is not a public address"):
        Bridge(SecretStr(url), means()).say("a", NUMBER)
    assert operator.calls == []


def test_a_proxy_of_the_environment_is_not_used(
    operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert say(operator).verdict is Verdict.ACCEPTED


def test_nothing_is_logged_with_a_number_or_a_token(operator: Operator) -> None:
    written: list[str] = []

    class Everything(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            written.append(record.getMessage())

    root, handler = logging.getLogger(), Everything(level=1)
    before = root.level
    root.addHandler(handler)
    root.setLevel(1)
    try:
        say(operator)
        operator.answer = "400"
        say(operator)
        root.debug("heard")
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
    assert "heard" in written
    assert TOKEN not in "".join(written)
    assert "612345678" not in "".join(written)


def test_two_threads_keep_their_exchanges_apart(operator: Operator) -> None:
    outcomes: dict[str, Outcome] = {}

    def work(name: str, url: str) -> None:
        outcomes[name] = Bridge(SecretStr(url), means(operator.address)).say(name, NUMBER)

    wrong = operator.url.replace("/", "/", 1).replace(":" + str(operator.port), ":1")
    threads = [threading.Thread(target=work, args=(f"t{n}", operator.url)) for n in range(4)]
    for thread in threads:
        thread.start()
    with pytest.raises(NotConfigured):
        work("main", wrong)
    for thread in threads:
        thread.join()
    assert {o.verdict for o in outcomes.values()} == {Verdict.ACCEPTED}
    assert sorted(text for _, text in operator.log) == ["t0", "t1", "t2", "t3"]


def test_outside_a_watch_requests_is_as_it_was(operator: Operator) -> None:
    with watch(AddressPolicy(), 1.0) as exchanges:
        pass
    answer = requests.post(f"http://{operator.address}/elsewhere", timeout=5)
    assert answer.status_code == 404
    assert exchanges == []


@pytest.mark.parametrize(
    "url",
    [
        "not an address",
        "nosuch://host",
        "smseagle://",
        "mqtt://host/topic",
        "mailto://user:hidden-word@example.org",
        "syslog://",
        "nostr://" + "a" * 64,
    ],
)
def test_an_address_that_cannot_be_spoken_to_is_refused_without_quoting_it(url: str) -> None:
    with pytest.raises(ValueError, match=r"Apprise|HTTP|adresse") as failed:
        service_of(url)
    assert "hidden-word" not in str(failed.value)
    assert "a" * 20 not in str(failed.value)


@pytest.mark.parametrize(
    ("url", "numbers"),
    [
        ("smseagle://token@host/", True),
        ("octopush://town@example.org/key/", True),
        ("freemobile://12345678@key", False),
        ("json://host/path", False),
    ],
)
def test_the_bridge_knows_which_services_take_numbers(url: str, numbers: bool) -> None:
    assert service_of(url).numbers is numbers


def test_every_service_with_telephone_numbers_takes_them_from_the_argument_we_set() -> None:
    service_of("json://example.org")  # loads the services
    from apprise.manager_plugins import NotificationManager

    takers = [
        plugin
        for plugin in NotificationManager().plugins()
        if any(
            "phone" in name and token.get("map_to") == "targets"
            for name, token in plugin.template_tokens.items()
        )
    ]
    assert len(takers) >= 40
    assert [p for p in takers if "targets" not in inspect.signature(p.__init__).parameters] == []


def test_check_says_whether_the_operator_answers_and_sends_nothing(operator: Operator) -> None:
    assert Bridge(SecretStr(operator.url), means(operator.address)).check().ok
    assert operator.calls == []
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    url = f"smseagle://{TOKEN}@127.0.0.1:{port}/"
    health = Bridge(SecretStr(url), means(f"127.0.0.1:{port}")).check()
    assert not health.ok
    assert TOKEN not in health.says
