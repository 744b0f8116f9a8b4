"""Phones that follow a station: what is taken, what is refused, what is kept."""

import sqlite3
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from hub import db, settings, subscribing, vault
from hub.contracts import Verdict
from hub.devices import Device, Gate
from hub.guard import AddressPolicy
from hub.models import Follow, PushIdentity, Station, Subscription
from hub.subscribing import Wishes
from tests.conftest import start_instance
from tests.factories import town
from tests.fakes.push_service import PushService

P256DH = "BCVxsr7N_eNgVRqvHtD0zTZsEc6-VV-JvLexhqUzORcxaOzi6-AYWXvTBHm4bjyPjs7Vd8pZGH6SRpkNtoIAiw4"
AUTH = "BTBZMqHH6r4Tts7J_aSIgg"
MOZILLA = "https://updates.push.services.mozilla.com/wpush/v2/gAAAA"
HERE = "annonces.villard-bonnot.example"
GATE = Gate(AddressPolicy())

pytestmark = pytest.mark.usefixtures("villard")


@pytest.fixture
def villard(hub_on_both: Path) -> None:
    town()
    town("froges")


def phone(endpoint: str = MOZILLA, **given: str) -> Device:
    return Device(**({"endpoint": endpoint, "p256dh": P256DH, "auth": AUTH} | given))


def subscribe(
    device: Device | None = None, gate: Gate = GATE, **wishes: Any
) -> tuple[Subscription, str]:
    wanted = Wishes(**({"stations": ["VILLARD"]} | wishes))
    with db.writing(db.EVERYWHERE) as session:
        return subscribing.create(session, device or phone(), wanted, gate, HERE)


def change(token: str, gate: Gate = GATE, **given: Any) -> Subscription:
    device, confirm = given.pop("device", None), given.pop("confirm", None)
    with db.writing(db.EVERYWHERE) as session:
        return subscribing.change(
            session, token, Wishes(**given), gate, HERE, device=device, confirm=confirm
        )


def followed(row: Subscription) -> tuple[list[str], list[str]]:
    with db.reading(db.EVERYWHERE) as session:
        return subscribing.followed(session, row)


def everything(table: Any) -> list[Any]:
    with db.reading(db.EVERYWHERE) as session:
        return list(session.exec(select(table)).all())


def refusal(**given: Any) -> dict[str, str]:
    device = phone(**{k: given.pop(k) for k in ("endpoint", "p256dh", "auth", "key") if k in given})
    with pytest.raises(subscribing.Refused) as caught:
        subscribe(device, **given)
    assert everything(Subscription) == []
    return dict(caught.value.errors)


def test_a_phone_follows_stations_of_several_authorities() -> None:
    row, _ = subscribe(stations=["VILLARD", "FROGES", "VILLARD"], categories=["water", "closure"])
    assert (row.state, row.host) == ("active", "updates.push.services.mozilla.com")
    assert followed(row) == (["FROGES", "VILLARD"], ["closure", "water"])
    owners = {s.id: s.authority_id for s in everything(Station)}
    assert all(f.authority_id == owners[f.station_id] for f in everything(Follow))


def test_only_the_hash_of_the_token_is_kept() -> None:
    row, token = subscribe()
    assert len(token) >= 43
    assert row.token_hash == vault.hash_token(token)
    assert token not in repr(everything(Subscription))


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://updates.push.services.mozilla.com/a",
        "https://127.0.0.1/a",
        "https://169.254.169.254/latest/meta-data",
        "https://[::ffff:127.0.0.1]/a",
        "https://[::1]/a",
        "https://localhost/a",
        "https://2130706433/a",
        "https://user:word@fcm.googleapis.com/a",
        "https://fcm.googleapis.com",
        "https://fcm.googleapis.com\\@127.0.0.1/a",
        "https://fcm.googleapis.com/é",
        "ftp://fcm.googleapis.com/a",
        "not an address",
        "",
        MOZILLA + "a" * 1000,
    ],
)
def test_an_endpoint_that_must_not_be_reached_is_refused(endpoint: str) -> None:
    assert list(refusal(endpoint=endpoint)) == ["endpoint"]


def test_an_exception_of_the_policy_is_taken_at_its_own_port_only() -> None:
    gate = Gate(AddressPolicy(frozenset({"127.0.0.1:9100"})))
    assert subscribe(phone("http://127.0.0.1:9100/push/a"), gate)[0].state == "active"
    with pytest.raises(subscribing.Refused, match="endpoint"):
        subscribe(phone("http://127.0.0.1:9101/push/a"), gate)


@pytest.mark.parametrize(
    ("field", "given"),
    [
        ("keys.p256dh", {"p256dh": "AAAA"}),
        ("keys.p256dh", {"p256dh": P256DH[:-6] + "AAAAAA"}),
        ("keys.p256dh", {"p256dh": "é"}),
        ("keys.auth", {"auth": "AAAA"}),
        ("stations", {"stations": []}),
        ("stations", {"stations": ["NOWHERE"]}),
        ("stations", {"stations": [f"S{n}" for n in range(101)]}),
        ("categories", {"categories": ["gossip"]}),
        ("language", {"language": "French!"}),
        ("min_severity", {"min_severity": "awful"}),
        ("key", {"key": "BAAA"}),
    ],
)
def test_every_field_at_fault_is_named(field: str, given: dict[str, Any]) -> None:
    assert list(refusal(**given)) == [field]


def test_all_faults_are_named_at_once() -> None:
    wrong = refusal(endpoint="https://10.0.0.1/a", auth="x", stations=["NOWHERE"], language="?")
    assert set(wrong) == {"endpoint", "keys.auth", "stations", "language"}


@pytest.mark.parametrize(
    ("endpoint", "state"),
    [
        ("https://fcm.googleapis.com/fcm/send/a", "active"),
        ("https://android.googleapis.com/gcm/send/a", "active"),
        ("https://web.push.apple.com/QOb", "active"),
        ("https://wns2-par02p.notify.windows.com/w/?token=B", "active"),
        ("https://push.ours.example/a", "active"),
        ("https://fcm.googleapis.com:8443/a", "new"),
        ("https://fcm.googleapis.com.evil.example/a", "new"),
        ("https://evilpush.apple.com/a", "new"),
        ("https://up.example/UP?token=1", "new"),
    ],
)
def test_an_unknown_push_host_waits_for_its_confirmation(endpoint: str, state: str) -> None:
    row, _ = subscribe(phone(endpoint), Gate(AddressPolicy(), {"push.ours.example"}))
    assert row.state == state
    assert bool(row.confirm) == (state == "new")


def test_the_nonce_makes_an_unknown_host_active_and_nothing_else_does() -> None:
    row, token = subscribe(phone("https://up.example/a"))
    with pytest.raises(subscribing.Refused, match="nonce"):
        change(token, confirm="guessed")
    with pytest.raises(subscribing.Refused, match="nonce"):
        change(token, confirm="")
    assert change(token, language="en").state == "new"
    assert change(token, confirm=row.confirm).state == "active"
    # The same phone again has nothing more to prove; another endpoint of that host has.
    assert subscribe(phone("https://up.example/a"))[0].state == "active"
    assert subscribe(phone("https://up.example/b"))[0].state == "new"


def test_the_confirmation_push_carries_the_nonce_to_the_phone(hub_on_both: Path) -> None:
    with PushService() as service:
        there = service.phone()
        device = Device(there.endpoint, there.p256dh, there.auth)
        start_instance(hub_on_both, **_same_database(), TAMBOUR_ALLOW_PRIVATE=service.pair)
        row, token = subscribe(device, Gate(settings.get().policy))
        with db.writing(db.EVERYWHERE) as session:
            kept = session.get_one(Subscription, row.id)
            kept.state, kept.confirm = "new", "the-nonce"
        outcome = subscribing.send_confirmation(row.id or 0)
        assert outcome is not None
        assert outcome.verdict is Verdict.ACCEPTED
        assert service.messages(there) == [{"confirm": "the-nonce", "lang": "fr"}]
        assert change(token, confirm="the-nonce").state == "active"
        assert subscribing.send_confirmation(row.id or 0) is None


def _same_database() -> dict[str, str]:
    url = settings.get().database_url.get_secret_value()
    return {"TAMBOUR_DATABASE_URL": url} if url else {}


def test_the_same_device_again_updates_its_row_and_gets_a_new_token() -> None:
    first, old = subscribe(categories=["water"])
    second, new = subscribe(phone(p256dh=P256DH + "="), stations=["FROGES"], language="en")
    assert first.id == second.id
    assert len(everything(Subscription)) == 1
    assert followed(second) == (["FROGES"], [])
    assert change(new).language == "en"
    with pytest.raises(subscribing.UnknownToken):
        change(old)


def test_an_endpoint_with_other_keys_stays_with_its_owner() -> None:
    _, token = subscribe()
    with pytest.raises(subscribing.Taken):
        subscribe(phone(auth="AAAAAAAAAAAAAAAAAAAAAA"))
    assert followed(change(token))[0] == ["VILLARD"]


def test_only_what_is_given_changes() -> None:
    row, token = subscribe(stations=["VILLARD", "FROGES"], categories=["water"], language="es")
    changed = change(token, categories=["closure"])
    assert followed(changed) == (["FROGES", "VILLARD"], ["closure"])
    changed = change(token, stations=["FROGES"], min_severity="Severe")
    assert followed(changed) == (["FROGES"], ["closure"])
    assert (changed.language, changed.min_severity) == ("es", "Severe")
    assert followed(change(token, categories=[]))[1] == []
    assert change(token).endpoint == row.endpoint


def test_a_change_that_is_refused_changes_nothing() -> None:
    row, token = subscribe(language="es")
    with pytest.raises(subscribing.Refused, match="stations"):
        change(token, language="en", stations=[])
    with pytest.raises(subscribing.Refused, match="endpoint"):
        change(token, device=phone("https://10.0.0.1/a"), language="en")
    kept = everything(Subscription)[0]
    assert (kept.language, kept.endpoint) == ("es", row.endpoint)


def test_a_renewed_subscription_keeps_row_and_token() -> None:
    row, token = subscribe()
    renewed = change(token, device=phone(MOZILLA + "renewed"))
    assert (renewed.id, renewed.endpoint) == (row.id, MOZILLA + "renewed")
    assert followed(renewed)[0] == ["VILLARD"]


def test_a_renewal_takes_over_the_row_that_the_browser_made_meanwhile() -> None:
    row, token = subscribe()
    subscribe(phone(MOZILLA + "renewed"))
    assert change(token, device=phone(MOZILLA + "renewed")).id == row.id
    assert len(everything(Subscription)) == 1


def test_a_removed_phone_leaves_nothing_and_its_id_is_not_given_again() -> None:
    first, token = subscribe()
    with db.writing(db.EVERYWHERE) as session:
        subscribing.remove(session, token)
    assert everything(Subscription) == everything(Follow) == []
    second, _ = subscribe(phone(MOZILLA + "other"))
    assert (second.id or 0) > (first.id or 0)
    with db.writing(db.EVERYWHERE) as session, pytest.raises(subscribing.UnknownToken):
        subscribing.remove(session, token)


def test_one_identity_per_host_name_made_once_and_sealed() -> None:
    with db.writing(db.EVERYWHERE) as session:
        first = subscribing.current_identity(session, HERE)
        again = subscribing.current_identity(session, HERE)
        other = subscribing.current_identity(session, "annonces.froges.example")
    assert first.id == again.id != other.id
    assert len(vault.unseal(first.private_key, "push-identity")) == 43
    assert subscribe()[0].push_identity_id == first.id


def test_a_subscription_keeps_the_identity_it_was_made_under() -> None:
    with db.writing(db.EVERYWHERE) as session:
        old = subscribing.current_identity(session, HERE)
        old.retired = old.created
        session.add(old)
        session.flush()
        new = subscribing.current_identity(session, HERE)
    assert new.id != old.id
    assert subscribe(phone(key=old.public_key))[0].push_identity_id == old.id
    assert subscribe(phone(MOZILLA + "b"))[0].push_identity_id == new.id


def test_a_host_header_alone_makes_no_identity() -> None:
    with db.writing(db.EVERYWHERE) as session:
        subscribing.current_identity(session, HERE)
        assert subscribing.hostname_for(session, HERE) == HERE
        assert subscribing.hostname_for(session, "made-up.example") == "127.0.0.1"
    assert len(everything(PushIdentity)) == 1


def test_the_tables_hold_no_name_number_or_address(hub_on_sqlite: Path) -> None:
    """What a thief of the database learns of a phone: where to reach it, and what it follows."""
    with sqlite3.connect(hub_on_sqlite / "tambour.db") as raw:
        columns = {row[1] for row in raw.execute("PRAGMA table_info(subscription)")}
    assert columns == {
        "id", "token_hash", "push_identity_id", "endpoint", "host", "p256dh", "auth", "state",
        "confirm", "language", "min_severity", "cells", "failures", "failing_since", "created",
        "seen",
    }  # fmt: skip
