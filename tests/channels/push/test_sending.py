"""The wire: reuse, HTTP/2, the guard at the socket, and hosts in trouble, over real sockets."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from channels.push.sending import MAX_ANSWER, Request, Sender, origin_of
from hub.guard import AddressPolicy, AddressRefused
from tests.channels.push.conftest import allowing
from tests.fakes.push_service import PushService

HEADERS = ["TTL: 60", "Authorization: vapid t=a.b.c,k=d", "Content-Encoding: aes128gcm"]


def request(_: int, origin: str) -> Request:
    return Request(bytes(range(256)), HEADERS)


@pytest.fixture
def sender(service: PushService) -> Iterator[Sender]:
    made = Sender(allowing(service), timeout=1.0, per_host=16)
    yield made
    made.close()


def endpoints(service: PushService, n: int) -> list[str]:
    return [service.phone().endpoint for _ in range(n)]


def test_answers_come_in_the_order_of_the_endpoints(service: PushService, sender: Sender) -> None:
    there = endpoints(service, 40)
    service.answer(410, to=there[7])
    answers = sender.send(there, request)
    assert [a.status for a in answers] == [410 if n == 7 else 201 for n in range(40)]
    assert {r.body for r in service.received} == {bytes(range(256))}


def test_connections_are_kept_from_one_call_to_the_next(
    service: PushService, sender: Sender
) -> None:
    for _ in range(5):
        sender.send(endpoints(service, 100), request)
    assert service.count == 500
    assert service.connections <= 16


def test_sockets_are_not_leaked(service: PushService) -> None:
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(3):
        sender = Sender(allowing(service), per_host=8)
        sender.send(endpoints(service, 50), request)
        sender.close()
    service.wait(lambda: service.count == 150)
    # The service closes its own ends when it sees ours closed, in its own time.
    assert len(os.listdir("/proc/self/fd")) - before <= 3 * 8


def test_the_next_request_is_built_while_earlier_ones_are_on_the_wire(
    service: PushService, sender: Sender
) -> None:
    there = endpoints(service, 12)
    seen: list[int] = []

    def make(n: int, origin: str) -> Request:
        if n == 11:
            service.wait(lambda: service.count > 0)
        seen.append(service.count)
        return request(n, origin)

    assert all(a.status == 201 for a in sender.send(there, make))
    assert seen[0] == 0
    assert seen[11] > 0


def test_http_2_shares_one_connection(certificate: tuple[Path, Path]) -> None:
    with PushService(certificate=certificate) as service:
        sender = Sender(allowing(service), ca_file=str(certificate[0]))
        answers = sender.send(endpoints(service, 200), request)
        sender.close()
        assert {a.status for a in answers} == {201}
        assert {r.http for r in service.received} == {"2"}
        assert service.connections == 1


def test_a_certificate_nobody_vouches_for_is_refused(certificate: tuple[Path, Path]) -> None:
    with PushService(certificate=certificate) as service:
        sender = Sender(allowing(service))
        (answer,) = sender.send(endpoints(service, 1), request)
        sender.close()
        assert (answer.status, answer.error) == (0, "the host's certificate is not valid")
        assert service.count == 0


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "169.254.169.254", "10.1.2.3", "localhost"]
)
def test_addresses_of_this_machine_and_its_network_are_refused(host: str) -> None:
    sender = Sender(AddressPolicy())
    (answer,) = sender.send([f"https://{host}:9/push/a"], request)
    sender.close()
    assert answer.refused
    assert answer.error


@pytest.mark.parametrize("address", ["127.0.0.1", "[::1]", "[::ffff:127.0.0.1]", "10.9.8.7"])
def test_a_name_that_leads_to_this_machine_is_refused_at_the_socket(
    service: PushService, address: str
) -> None:
    """DNS is not asked by the guard: what counts is the address about to be connected."""
    there = f"push.example:{service.port}:{address}"
    sender = Sender(AddressPolicy(), resolve=[there])
    (answer,) = sender.send([f"http://push.example:{service.port}/push/a"], request)
    sender.close()
    assert answer.refused
    assert "not a public address" in answer.error
    assert service.connections == 0


def test_an_exception_is_for_its_own_port_only(service: PushService) -> None:
    with PushService() as other:
        sender = Sender(allowing(service))
        answers = sender.send([*endpoints(service, 1), *endpoints(other, 1)], request)
        sender.close()
        assert answers[0].status == 201
        assert answers[1].refused
        assert other.connections == 0


def test_a_redirect_is_an_answer_and_is_not_followed(service: PushService, sender: Sender) -> None:
    with PushService() as other:
        there = endpoints(service, 1)
        service.answer(307, headers={"location": other.phone().endpoint})
        (answer,) = sender.send(there, request)
        assert answer.status == 307
        assert other.connections == 0


def test_a_proxy_of_the_environment_is_not_asked(
    service: PushService, monkeypatch: pytest.MonkeyPatch
) -> None:
    with PushService() as proxy:
        for name in ("http_proxy", "https_proxy", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.base)
        sender = Sender(allowing(service))
        (answer,) = sender.send(endpoints(service, 1), request)
        sender.close()
        assert answer.status == 201
        assert proxy.connections == 0


def test_a_long_answer_is_cut_short(service: PushService, sender: Sender) -> None:
    service.answer(400, body=b"x" * (50 * MAX_ANSWER))
    (answer,) = sender.send(endpoints(service, 1), request)
    assert answer.status == 400
    assert answer.text == "x" * 300


def test_a_host_that_never_answers_holds_up_only_its_own(service: PushService) -> None:
    with PushService() as other:
        service.answer(hang=True)
        sender = Sender(AddressPolicy(frozenset({service.pair, other.pair})), timeout=0.5)
        mixed = [s.phone().endpoint for _ in range(200) for s in (service, other)]
        answers = sender.send(mixed, request)
        sender.close()
    assert {a.status for a in answers[1::2]} == {201}
    slow = answers[0::2]
    assert {a.error for a in slow} == {"no answer in time"}
    assert {a.held for a in slow} == {True, False}
    assert service.count <= 64 + 8


def test_after_misses_in_a_row_the_rest_of_a_host_is_held(
    service: PushService,
) -> None:
    service.answer(429, headers={"retry-after": "120"})
    sender = Sender(allowing(service), per_host=1, patience=5)
    answers = sender.send(endpoints(service, 30), request)
    sender.close()
    assert service.count == 5
    assert [a.held for a in answers] == [False] * 5 + [True] * 25
    assert {a.retry_after for a in answers} == {120.0}


def test_one_good_answer_ends_the_row(service: PushService) -> None:
    there = endpoints(service, 12)
    for n in (0, 1, 2, 4, 5, 6, 8, 9, 10):
        service.answer(500, to=there[n])
    sender = Sender(allowing(service), per_host=1, patience=4)
    answers = sender.send(there, request)
    sender.close()
    assert not any(a.held for a in answers)
    assert service.count == 12


def test_a_held_host_is_tried_again_in_the_next_call(service: PushService) -> None:
    service.answer(503, times=3)
    sender = Sender(allowing(service), per_host=1, patience=3)
    there = endpoints(service, 6)
    assert [a.status for a in sender.send(there, request)] == [503, 503, 503, 0, 0, 0]
    assert [a.status for a in sender.send(there, request)] == [201] * 6
    sender.close()


def test_what_the_builder_raises_is_passed_on_and_the_sender_still_works(
    service: PushService, sender: Sender
) -> None:
    def broken(n: int, origin: str) -> Request:
        if n == 3:
            raise LookupError("no such key")
        return request(n, origin)

    with pytest.raises(LookupError):
        sender.send(endpoints(service, 10), broken)
    assert [a.status for a in sender.send(endpoints(service, 10), request)] == [201] * 10


def test_a_closed_port_is_no_connection() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        pair = f"127.0.0.1:{free.getsockname()[1]}"
    sender = Sender(AddressPolicy(frozenset({pair})))
    (answer,) = sender.send([f"http://{pair}/push/a"], request)
    sender.close()
    assert (answer.status, answer.refused, answer.error) == (0, False, "no connection")


@pytest.mark.parametrize(
    "endpoint",
    [
        "ftp://push.example/a",
        "https://push.example",
        "https://user@push.example/a",
        "https://push.example\\@127.0.0.1/a",
        "https://push.example#@127.0.0.1/a",
        "https://push.example/a b",
        "https://push.example/a\r\nX: y",
        "https://push.example:99999999/a",
        "https://pusĥ.example/a",
    ],
)
def test_only_plain_addresses_are_read(endpoint: str) -> None:
    with pytest.raises(AddressRefused):
        origin_of(endpoint)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin_of("https://push.example/a/b?c=d") == "https://push.example"
    assert origin_of("https://push.example:8443/") == "https://push.example:8443"
