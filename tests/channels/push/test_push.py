"""The adapter against a push service over real sockets."""

import datetime as dt
from collections.abc import Callable
from email.utils import format_datetime

import pytest
from py_vapid import Vapid02

from channels.push import HOST_REFUSES_US, Push, PushOptions
from hub.contracts import (
    Means,
    PermanentFailure,
    Refusal,
    Rendering,
    Target,
    Text,
    Verdict,
)
from hub.guard import AddressPolicy
from hub.vocabulary import EndedAs, Intent, Lane
from tests.channels.push.conftest import NOW, Tell
from tests.fakes.push_service import PushService

MakeTarget = Callable[..., Target]
pytestmark = pytest.mark.usefixtures("at_noon")


def test_a_phone_reads_the_notice(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    phone = service.phone()
    message = push.render([tell()], Intent.PUBLISH, "fr")
    outcomes = push.send(message, [target(phone)])
    assert [o.verdict for o in outcomes] == [Verdict.ACCEPTED]
    (read,) = service.messages(phone)
    assert read["title"] == "Rue de la Paix barrée"
    headers = service.received[0].headers
    assert headers["content-encoding"] == "aes128gcm"
    assert headers["ttl"] == "10800"
    assert headers["urgency"] == "normal"
    assert len(headers["topic"]) == 24
    assert Vapid02.verify(headers["authorization"])


def test_each_phone_reads_its_own_language(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    phones = {tongue: service.phone() for tongue in ("fr", "en", "en-GB", "de", "")}
    message = push.render([tell()], Intent.PUBLISH, "fr")
    push.send(message, [target(phone, tongue) for tongue, phone in phones.items()])
    read = {tongue: service.messages(phone)[0]["lang"] for tongue, phone in phones.items()}
    assert read == {"fr": "fr", "en": "en", "en-GB": "en", "de": "fr", "": "fr"}


def test_an_update_and_a_withdrawal_replace_under_the_same_tag_and_topic(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    phone = service.phone()
    for notice, intent in (
        (tell(), Intent.PUBLISH),
        (tell(revision=2), Intent.UPDATE),
        (tell(revision=3, ended_as=EndedAs.OVER), Intent.WITHDRAW),
    ):
        push.send(push.render([notice], intent, "fr"), [target(phone)])
    assert len({m["tag"] for m in service.messages(phone)}) == 1
    assert [m["intent"] for m in service.messages(phone)] == ["publish", "update", "withdraw"]
    assert len({r.headers["topic"] for r in service.received}) == 1


@pytest.mark.parametrize(
    ("lane", "urgency"), [(Lane.URGENT, "high"), (Lane.NORMAL, "normal"), (Lane.BULK, "low")]
)
def test_the_lane_sets_the_urgency(
    service: PushService, push: Push, tell: Tell, target: MakeTarget, lane: Lane, urgency: str
) -> None:
    push.send(push.render([tell(lane=lane)], Intent.PUBLISH, "fr"), [target(service.phone())])
    assert service.received[0].headers["urgency"] == urgency


def test_the_time_to_live_ends_with_the_notice(push: Push, tell: Tell) -> None:
    def ttl(intent: Intent, **left: int) -> int:
        return push.render([tell(expires=NOW + dt.timedelta(**left))], intent, "fr").ttl_s

    assert ttl(Intent.PUBLISH, minutes=10) == 600
    assert ttl(Intent.PUBLISH, microseconds=1) == 1
    assert ttl(Intent.UPDATE, days=90) == 28 * 24 * 3600
    # A phone that was off while the notice ended must hear of it.
    assert ttl(Intent.WITHDRAW, seconds=-5) == 3 * 24 * 3600


def test_an_expired_notice_is_not_sent(push: Push, tell: Tell) -> None:
    with pytest.raises(PermanentFailure, match="expired"):
        push.render([tell(expires=NOW)], Intent.PUBLISH, "fr")


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (200, Verdict.ACCEPTED), (201, Verdict.ACCEPTED), (202, Verdict.ACCEPTED),
        (204, Verdict.ACCEPTED), (404, Verdict.GONE), (410, Verdict.GONE),
        (400, Verdict.REJECTED), (413, Verdict.REJECTED), (307, Verdict.REJECTED),
        (429, Verdict.LATER), (406, Verdict.LATER), (500, Verdict.LATER), (503, Verdict.LATER),
    ],
)  # fmt: skip
def test_what_a_status_means(
    service: PushService,
    push: Push,
    tell: Tell,
    target: MakeTarget,
    status: int,
    verdict: Verdict,
) -> None:
    service.answer(status)
    (outcome,) = push.send(push.render([tell()], Intent.PUBLISH, "fr"), [target(service.phone())])
    assert outcome.verdict is verdict


@pytest.mark.parametrize("status", [401, 403])
def test_a_host_that_refuses_our_identity_is_named_and_the_rest_waits(
    service: PushService, push: Push, tell: Tell, target: MakeTarget, status: int
) -> None:
    service.answer(status, body=b"BadJwtToken")
    push = Push(PushOptions(in_flight=1), Means("", AddressPolicy(frozenset({service.pair}))))
    message = push.render([tell()], Intent.PUBLISH, "fr")
    outcomes = push.send(message, [target(service.phone()) for _ in range(20)])
    assert outcomes[0].verdict is Verdict.REJECTED
    assert outcomes[0].reason == (f"{HOST_REFUSES_US}{service.pair} answered {status}: BadJwtToken")
    assert [o.verdict for o in outcomes[8:]] == [Verdict.LATER] * 12
    assert not push.check().ok
    assert service.pair in push.check().says
    service.answer(201)
    push.send(message, [target(service.phone())])
    assert push.check().ok
    push.close()


@pytest.mark.parametrize(
    ("said", "least", "most"),
    [
        ("90", 90, 90),
        (format_datetime(dt.datetime.now(dt.UTC) + dt.timedelta(hours=1), usegmt=True), 3000, 3600),
        ("99999999", 21600, 21600),
        ("soon", None, None),
    ],
    ids=["seconds", "date", "days", "word"],
)
def test_retry_after_is_honoured_as_seconds_or_date(
    service: PushService,
    push: Push,
    tell: Tell,
    target: MakeTarget,
    said: str,
    least: float | None,
    most: float | None,
) -> None:
    service.answer(429, headers={"retry-after": said})
    (outcome,) = push.send(push.render([tell()], Intent.PUBLISH, "fr"), [target(service.phone())])
    assert outcome.verdict is Verdict.LATER
    if least is None or most is None:
        assert outcome.retry_after is None
    else:
        assert outcome.retry_after is not None
        assert least <= outcome.retry_after <= most


def test_no_answer_is_asked_again_later(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    service.answer(hang=True)
    (outcome,) = push.send(push.render([tell()], Intent.PUBLISH, "fr"), [target(service.phone())])
    assert outcome.verdict is Verdict.LATER
    assert outcome.reason == f"{service.pair}: no answer in time"


def test_one_bad_subscription_harms_no_other(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    good, bad = service.phone(), service.phone()
    targets = [
        target(bad, p256dh="AAAA"),
        target(bad, auth="AAAA"),
        target(bad, identity={"public_key": "x", "private_key": "!"}),
        target(bad, identity={}),
        Target(key="x", address="http://169.254.169.254/x", extra=target(bad).extra),
        Target(key="x", address="not an address", extra=target(bad).extra),
        target(good),
    ]
    outcomes = push.send(push.render([tell()], Intent.PUBLISH, "fr"), targets)
    assert [o.verdict for o in outcomes] == [Verdict.REJECTED] * 6 + [Verdict.ACCEPTED]
    assert all(o.reason for o in outcomes[:6])
    assert service.count == 1


def test_no_reason_tells_an_endpoint(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    """An endpoint is a capability: whoever has it may write to the phone's owner."""
    phones = [service.phone() for _ in range(4)]
    for phone, status in zip(phones, (400, 403, 410, 500), strict=True):
        service.answer(status, to=phone.endpoint)
    outcomes = push.send(push.render([tell()], Intent.PUBLISH, "fr"), [target(p) for p in phones])
    for phone, outcome in zip(phones, outcomes, strict=True):
        assert outcome.reason
        assert phone.endpoint.rpartition("/")[2] not in outcome.reason


def test_the_preview_is_what_is_sent_with_its_size(tell: Tell, push: Push) -> None:
    shown = Push.preview([tell()], PushOptions(), "fr")
    sent = push.render([tell()], Intent.PUBLISH, "fr")
    assert isinstance(shown, Rendering)
    assert shown.facts["bytes"] == len(sent.body)
    assert shown.facts["languages"] == ["en", "fr"]
    assert shown.text.startswith("Rue de la Paix barrée\n")
    assert shown.warnings == ()


def test_the_preview_warns_of_what_a_phone_cuts(tell: Tell) -> None:
    text = Text("Crue", "Le niveau monte encore. " * 300, "Montez à l'étage.")
    shown = Push.preview([tell(texts={"fr": text})], PushOptions(), "fr")
    assert isinstance(shown, Rendering)
    assert "abrégé" in shown.warnings[0]
    assert "240" in shown.warnings[1]


def test_what_is_refused_is_refused_in_the_preview_and_in_the_rendering(
    tell: Tell, push: Push
) -> None:
    notice = tell(texts={"fr": Text("Crue", "", "Montez à l'étage. " * 300)})
    assert isinstance(Push.preview([notice], PushOptions(), "fr"), Refusal)
    with pytest.raises(PermanentFailure, match="octets"):
        push.render([notice], Intent.PUBLISH, "fr")


def test_a_closed_adapter_opens_again(
    service: PushService, push: Push, tell: Tell, target: MakeTarget
) -> None:
    message = push.render([tell()], Intent.PUBLISH, "fr")
    for _ in range(2):
        assert push.send(message, [target(service.phone())])[0].verdict is Verdict.ACCEPTED
        push.close()
