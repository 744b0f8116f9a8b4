"""The public handle of phones, over HTTP."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from hub import db, nudges
from hub.api import problems, subscriptions
from hub.models import PushIdentity, Subscription
from tests.factories import town
from tests.hub.test_subscribing import AUTH, MOZILLA, P256DH

KEYS = {"p256dh": P256DH, "auth": AUTH}


@pytest.fixture
def api(hub_on_sqlite: Path) -> Iterator[TestClient]:
    town()
    app = FastAPI()
    problems.install(app)
    app.include_router(subscriptions.router, prefix="/api/v1")
    subscriptions._limiter.cache_clear()
    yield TestClient(app)
    subscriptions._limiter.cache_clear()


def subscribe(api: TestClient, **given: Any) -> Any:
    body = {"endpoint": MOZILLA, "keys": KEYS, "stations": ["VILLARD"]} | given
    return api.post("/api/v1/subscriptions", json=body)


def bearer(answer: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {answer.json()['token']}"}


def test_a_phone_subscribes_reads_changes_and_leaves(api: TestClient) -> None:
    key = api.get("/api/v1/push/key").json()["key"]
    made = subscribe(api, key=key, language="fr", expirationTime=None)
    assert made.status_code == 201
    assert made.headers["cache-control"] == "no-store"
    assert made.json() | {"token": "", "created": ""} == {
        "token": "",
        "state": "active",
        "stations": ["VILLARD"],
        "categories": [],
        "language": "fr",
        "min_severity": "Unknown",
        "cells": [],
        "key": key,
        "created": "",
    }
    here = "/api/v1/subscriptions/me"
    assert api.get(here, headers=bearer(made)).json()["stations"] == ["VILLARD"]
    changed = api.patch(here, headers=bearer(made), json={"categories": ["water"]})
    assert changed.json()["categories"] == ["water"]
    assert api.delete(here, headers=bearer(made)).status_code == 204
    assert api.get(here, headers=bearer(made)).status_code == 401


def test_the_key_is_the_same_each_time_whatever_the_host_header(api: TestClient) -> None:
    keys = {
        api.get("/api/v1/push/key", headers={"Host": host}).json()["key"]
        for host in ("annonces.example", "evil.example", "127.0.0.1:8000")
    }
    assert len(keys) == 1
    with db.reading(db.EVERYWHERE) as session:
        assert len(session.exec(select(PushIdentity)).all()) == 1


def test_neither_endpoint_nor_keys_are_ever_told(api: TestClient) -> None:
    made = subscribe(api)
    for answer in (made, api.get("/api/v1/subscriptions/me", headers=bearer(made))):
        assert MOZILLA not in answer.text
        assert AUTH not in answer.text


def test_problems_name_the_field(api: TestClient) -> None:
    answer = subscribe(api, endpoint="https://169.254.169.254/a", stations=["NOWHERE"])
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert [e["field"] for e in answer.json()["errors"]] == ["endpoint", "stations"]
    answer = subscribe(api, keys={"p256dh": P256DH})
    assert [e["field"] for e in answer.json()["errors"]] == ["keys.auth"]
    answer = subscribe(api, position=[45.2, 5.9])
    assert [e["field"] for e in answer.json()["errors"]] == ["position"]


def test_half_a_renewal_is_refused(api: TestClient) -> None:
    made = subscribe(api)
    answer = api.patch(
        "/api/v1/subscriptions/me", headers=bearer(made), json={"endpoint": MOZILLA + "b"}
    )
    assert [e["field"] for e in answer.json()["errors"]] == ["keys"]


def test_an_endpoint_with_other_keys_is_a_conflict(api: TestClient) -> None:
    subscribe(api)
    answer = subscribe(api, keys=KEYS | {"auth": "AAAAAAAAAAAAAAAAAAAAAA"})
    assert answer.status_code == 409
    assert "subscribe again" in answer.json()["detail"]


@pytest.mark.parametrize("header", ["", "Bearer", "Basic abc", "Bearer wrong"])
def test_without_its_token_nobody_reads_a_subscription(api: TestClient, header: str) -> None:
    subscribe(api)
    for method in ("GET", "DELETE"):
        answer = api.request(method, "/api/v1/subscriptions/me", headers={"Authorization": header})
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_an_unknown_host_gets_its_confirmation_and_confirms(api: TestClient) -> None:
    asked: list[tuple[str, int]] = []
    nudges.use(lambda what, row_id, lane: asked.append((what, row_id)))
    made = subscribe(api, endpoint="https://up.example/a")
    assert made.json()["state"] == "new"
    with db.reading(db.EVERYWHERE) as session:
        row = session.exec(select(Subscription)).one()
    assert asked == [("confirm", row.id)]
    confirmed = api.patch(
        "/api/v1/subscriptions/me", headers=bearer(made), json={"confirm": row.confirm}
    )
    assert confirmed.json()["state"] == "active"
    assert len(asked) == 1


def test_one_address_cannot_fill_the_table(api: TestClient) -> None:
    answers = [
        subscribe(api, endpoint=f"{MOZILLA}{n}").status_code
        for n in range(subscriptions.PER_MINUTE + 1)
    ]
    assert answers[:-1] == [201] * subscriptions.PER_MINUTE
    assert answers[-1] == 429


def test_one_subscriber_is_one_source_in_ipv6() -> None:
    assert subscriptions._source("2001:db8::1") == subscriptions._source("2001:db8::ffff")
    assert subscriptions._source("2001:db8::1") != subscriptions._source("2001:db8:0:1::1")
    assert subscriptions._source("192.0.2.1") != subscriptions._source("192.0.2.2")
